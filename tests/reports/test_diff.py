"""What changes between two revisions, as every format gives it."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import LabelBalance
from reconciler.core.planning.plan import PlanError
from reconciler.core.revision_diff import (
    DatasetDiff,
    DatasetState,
    ImageAction,
    ImageChange,
    RevisionCounts,
    RevisionDiff,
    Side,
)
from reconciler.core.spec.choices import DriftClass
from reconciler.core.validation.problem import Origin
from reconciler.reports.comment import LIMIT
from reconciler.reports.registry import FORMATS, document_type
from reconciler.reports.screen import Screen
from tests.reports.builders import HOSTILE, problem, ref, rendered

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLACE = Origin("v1:specs/train.jsonl", 3)


def changes(text: str = "", number: int = 3) -> tuple[ImageChange, ...]:
    field = FieldChange(f"/x{text}", text, [text])
    changed = ImageChange(
        ImageAction.CHANGED, ref(text), PLACE, PLACE, (DriftClass.RELABELLED, DriftClass.BOX_MOVED), (field,)
    )
    ends = [ImageChange(ImageAction.ADDED, ref(f"{text}{n}"), None, PLACE) for n in range(number)]
    return (changed, *ends, ImageChange(ImageAction.REMOVED, ref("gone"), PLACE, None))


def dataset(text: str = "roses", number: int = 3, **more: object) -> DatasetDiff:
    return DatasetDiff(
        text,
        DatasetState.CHANGED,
        origin=PLACE,
        numbers=RevisionCounts(9, 8 + number, number, 1, 1, 7, 0),
        settings=(FieldChange("/spec/policy/mode", "observe", text),),
        labels=(LabelBalance(text, 120, 3, 0), LabelBalance("dent", 0, 0, 1, 0.5)),
        changes=changes(text, number),
        **more,
    )


def diff(*datasets: DatasetDiff, name: str = "v1") -> RevisionDiff:
    return RevisionDiff(Side(name, COMMIT), Side(), "specs", datasets, (problem(),))


EVERYTHING = diff(
    dataset(errors=(PlanError("RKD1001", "no", PLACE),), error_code=5),
    dataset("lilies", was="lillies"),
    DatasetDiff("same", DatasetState.SAME, PLACE),
    DatasetDiff("lost", DatasetState.UNKNOWN, errors=(PlanError("RKD1002", "unreadable"),), error_code=5),
)


def test_what_is_written_is_what_the_schema_says():
    """Every key is there, of its type, and there is none that the schema does not name."""
    document = json.loads(rendered("diff", "json", EVERYTHING))

    read = TypeAdapter(document_type("diff")).validate_json(json.dumps(document), strict=True)

    assert document == TypeAdapter(document_type("diff")).dump_python(read, mode="json")
    assert [False, True, True, False] == [one["complete"] for one in document["datasets"]]


def test_people_read_what_differs_and_what_could_not_be_read():
    text = rendered("diff", "text", EVERYTHING).decode()

    assert f"specs: v1 ({COMMIT[:12]}) → the working tree\n" in text
    assert "    roses +120 \N{MINUS SIGN}3\n    dent: 1 box moved\n" in text
    assert "lilies  changed  was lillies" in text
    assert "lost  unknown\n  error: unreadable (RKD1002)" in text
    assert "same" not in text
    assert "2 of 4 datasets changed: 6 images added, 2 changed, 2 removed." in text


def test_only_a_full_screen_names_images():
    short, full = (rendered("diff", "text", EVERYTHING, Screen(limit=limit)).decode() for limit in (20, None))

    assert ["s3://" in text for text in (short, full)] == [False, True]


def test_a_comment_fits_however_much_changes():
    """It stays within what GitHub takes, and counts what it leaves out."""
    page = rendered("diff", "markdown", diff(*(dataset(f"d{n}", 2_000) for n in range(200)))).decode()

    assert LIMIT >= len(page)
    assert "images are not shown here**; `reconciler diff --all` shows them." in page
    assert "and 100 more datasets" in page


@pytest.mark.parametrize("form", FORMATS["diff"])
def test_no_text_from_outside_is_more_than_text(form):
    """Names, labels and values can neither move a cursor nor open a tag."""
    page = rendered("diff", form, diff(dataset(HOSTILE), name=HOSTILE), Screen(limit=None)).decode()

    assert "\x1b" not in page
    if form == "markdown":
        before, inside = page.split("\n```text\n")
        assert "<script>" not in before
        assert [] == [text for text in inside.split("\n```\n")[0].splitlines() if text.lstrip()[:3] == "```"]
        assert "<script>" not in inside.split("\n```\n")[1]

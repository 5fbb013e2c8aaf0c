"""Each part of a line that a format may be unable to carry is in the report when it is lost, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest

from reconciler.convert.export.losses import MAX_IMAGES, MAX_NAMES, Losses, LossKind, Lost
from reconciler.convert.record import LabelledBox
from reconciler.core.entries.entry import canonical
from reconciler.core.spec.labelling import image_level, located
from reconciler.core.validation.line import check_line
from tests.builders import CREATED
from tests.convert.exports import READ, converted, export, losses, put_images

BOXES, OF_BOXES = "bounding-box", "bounding-box-metadata"
Fields = dict[str, Any]


def drawn() -> Fields:
    found = [LabelledBox("bee", 1, 2, 30, 40), LabelledBox("queen", 5, 6, 70, 80)]
    return {"source-ref": "s3://b/p/a.jpg", **located(found, (640, 480), CREATED)}


def empty() -> Fields:
    return {"source-ref": "s3://b/p/a.jpg", **located([], (640, 480), CREATED)}


def labelled() -> Fields:
    return {"source-ref": "s3://b/p/a.jpg", **image_level(["bee"], CREATED)}


def twice() -> Fields:
    """Return a line with two attributes of one date, size and annotator."""
    return drawn() | renamed(drawn())


def renamed(fields: Fields) -> Fields:
    """Return a line whose attribute is called otherwise, and its job after it."""
    fields["x"], fields["x-metadata"] = fields.pop(BOXES), fields.pop(OF_BOXES)
    fields["x-metadata"]["job-name"] = "labeling-job/x"
    return fields


def set_at(*path: Any, to: Any) -> Callable[[Fields], Fields]:
    """Return a change of one value."""

    def change(fields: Fields) -> Fields:
        place = fields
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to
        return fields

    return change


def without(*path: str) -> Callable[[Fields], Fields]:
    def change(fields: Fields) -> Fields:
        del fields[path[0]][path[1]]
        return fields

    return change


def renumbered(fields: Fields) -> Fields:
    fields[OF_BOXES]["class-map"] = {"0": "queen", "1": "bee"}
    for box, number in zip(fields[BOXES]["annotations"], (1, 0), strict=True):
        box["class_id"] = number
    return fields


def emptied(fields: Fields) -> Fields:
    """Return a line whose first attribute has no boxes, and the second one all."""
    fields[BOXES]["annotations"], fields[OF_BOXES]["objects"], fields[OF_BOXES]["class-map"] = [], [], {}
    return fields


CHANGES = [
    (drawn, LossKind.CONFIDENCE, set_at(OF_BOXES, "objects", 1, "confidence", to=0.5)),
    (drawn, LossKind.CLASS_ID, set_at(OF_BOXES, "class-map", "2", to="wasp")),
    (drawn, LossKind.CLASS_ID, renumbered),
    (drawn, LossKind.ANNOTATOR, set_at(OF_BOXES, "human-annotated", to="no")),
    (drawn, LossKind.JOB, set_at(OF_BOXES, "job-name", to="j")),
    (drawn, LossKind.JOB, without(OF_BOXES, "job-name")),
    (drawn, LossKind.DATE, set_at(OF_BOXES, "creation-date", to="2026-03-01T12:00:00.120Z")),
    (drawn, LossKind.DEPTH, set_at(BOXES, "image_size", 0, "depth", to=1)),
    (drawn, LossKind.FRACTION, set_at(BOXES, "annotations", 0, "left", to=1.5)),
    (drawn, LossKind.ATTRIBUTE, renamed),
    (drawn, LossKind.FIELD, set_at("camera", to="4")),
    (drawn, LossKind.FIELD, set_at(BOXES, "camera", to="4")),
    (drawn, LossKind.FIELD, set_at(BOXES, "image_size", 0, "dpi", to=300)),
    (drawn, LossKind.FIELD, set_at(BOXES, "annotations", 0, "angle", to=3)),
    (drawn, LossKind.FIELD, set_at(OF_BOXES, "objects", 0, "by", to="ann")),
    (drawn, LossKind.FIELD, set_at(OF_BOXES, "objects", to=[{"confidence": 1}] * 3)),
    (drawn, LossKind.FIELD, set_at(OF_BOXES, "by", to="ann")),
    (empty, LossKind.FIELD, without(BOXES, "annotations")),
    (empty, LossKind.CLASS_ID, set_at(OF_BOXES, "class-map", "0", to="bee")),
    (empty, LossKind.ATTRIBUTE, renamed),
    (labelled, LossKind.CONFIDENCE, set_at("bee-metadata", "confidence", to=0.5)),
    (labelled, LossKind.CLASS_ID, set_at("bee", to=0)),
    (labelled, LossKind.JOB, set_at("bee-metadata", "job-name", to="j")),
    (labelled, LossKind.ANNOTATOR, set_at("bee-metadata", "human-annotated", to="no")),
    (labelled, LossKind.ATTRIBUTE, set_at("bee-metadata", "class-name", to="wasp")),
    (labelled, LossKind.FIELD, set_at("bee-metadata", "by", to="ann")),
    (twice, LossKind.DATES, set_at("x-metadata", "creation-date", to="2026-03-02T12:00:00")),
    (twice, LossKind.ANNOTATOR, set_at("x-metadata", "human-annotated", to="no")),
    (twice, LossKind.FIELD, set_at("x", "image_size", 0, "width", to=700)),
    (twice, LossKind.ATTRIBUTE, emptied),
]


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(
    ("usual", "kind", "change"), CHANGES, ids=[f"{number}-{row[1]}" for number, row in enumerate(CHANGES)]
)
def test_what_is_lost_is_reported(
    name: str, usual: Callable[[], Fields], kind: LossKind, change: Callable[[Fields], Fields]
) -> None:
    """One part of a line is changed: either the report has one kind more, or the line comes back as it is."""
    before, _ = there_and_back(name, usual())
    kinds, back = there_and_back(name, change(usual()))

    # The map of an attribute without boxes is empty, and so not the one class map of a manifest.
    new = kinds - before - ({LossKind.CLASS_ID} if name == "augmented" and change is emptied else set())
    assert new in ({kind}, set())
    if not new and not before - {LossKind.DATE, LossKind.SIZE}:
        fields = change(usual())
        if LossKind.DATE in before:
            fields, back = dated(fields), dated(back)
        assert canonical(fields) == canonical(back)


def dated(fields: Fields) -> Fields:
    for value in fields.values():
        if isinstance(value, dict) and "creation-date" in value:
            value["creation-date"] = CREATED
    return fields


def there_and_back(name: str, fields: Fields) -> tuple[set[LossKind], Fields]:
    """Return what is lost of a line, and what comes back of it."""
    other = {**drawn(), "source-ref": "s3://b/p/z.jpg"}  # yolo needs a box to have classes
    lines = [orjson.dumps(fields), orjson.dumps(other)]
    assert all(check_line(raw).is_valid for raw in lines)
    with TemporaryDirectory() as place:
        report = export(name, Path(place), train=lines)
        put_images(Path(place), lines)
        back = converted(name, Path(place), report).get(fields["source-ref"], b"{}")
    kinds = {
        kind for kind, loss in report.losses.by_kind().items() if fields["source-ref"] in loss.source_refs
    }
    return kinds, orjson.loads(back)


def test_losses_are_counted_whole_and_named_up_to_a_limit() -> None:
    """Memory does not grow with the number of entries; the counts do."""
    found = Losses()
    for number in range(2 * MAX_IMAGES):
        found.add(f"s3://b/{number}", [Lost(LossKind.JOB, f"job{number}"), Lost(LossKind.JOB, "job0", 2)])

    (loss,) = found.by_kind().values()
    assert (6 * MAX_IMAGES, 2 * MAX_IMAGES) == (loss.count, loss.images)
    assert (MAX_IMAGES, MAX_NAMES) == (len(loss.source_refs), len(loss.names))
    assert 4 * MAX_IMAGES + 1 == loss.names["job0"]


@pytest.mark.parametrize(
    ("name", "kinds"),
    {
        "coco": {LossKind.LABEL, LossKind.DEPTH},
        "yolo": {LossKind.LABEL, LossKind.DEPTH, LossKind.SIZE, LossKind.DATE},
        "voc": {LossKind.LABEL, LossKind.DATE},
        "csv": {LossKind.LABEL, LossKind.DEPTH, LossKind.DATE},
        "augmented": {LossKind.LABEL},
        "hf": set(),
        "croissant": set(),
        "jsonl": set(),
    }.items(),
)
def test_what_a_format_carries_is_no_loss(name: str, kinds: set[LossKind], tmp_path: Path) -> None:
    """An image in shades of grey with boxes and a label of its own, all else as `convert` writes it."""
    fields = set_at(BOXES, "image_size", 0, "depth", to=1)(drawn()) | image_level(["bee"], CREATED)

    assert kinds == losses(export(name, tmp_path, train=[orjson.dumps(fields)])).keys()

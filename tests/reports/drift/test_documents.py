"""Drift for programs and build servers, and as a comment."""

import xml.etree.ElementTree as ET
from html import unescape

import orjson
import pytest
from pydantic import TypeAdapter

from reconciler.core.drift.foreign_calls import AddressClass, ForeignCall, PrincipalKind
from reconciler.core.drift.report import Coverage, Lapsed
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.reports.comment import LIMIT
from reconciler.reports.drift.json import DriftDoc
from reconciler.reports.drift.markdown import MARKER
from reconciler.reports.drift.words import events, headline
from tests.reports.builders import rendered, text_of
from tests.reports.drift.builders import BUCKET, dataset, drift, entry, item

ECHO = ("Echo", 86, 65, 220, 334)
MOVED = item(entry("desk.png", boxes=(ECHO,)), entry("desk.png", boxes=(("Echo", 91, 65, 220, 334),)), line=8)
BOTH = item(entry("two.png", "a", boxes=(ECHO,)), entry("two.png", "b"), line=9)
NEW = item(None, entry("new.png", "rose"))
WAITING = item(entry("later.png", "rose"), None, Cause.SPEC_ADDED, line=10)
KNOWN = item(None, entry("known.png"), acknowledged="labelling party")
ERRORED = item(
    entry("bad.png", "rose"), entry("bad.png", "rose"), Cause.UNATTRIBUTED, 11, ("ERROR_INVALID_IMAGE",)
)
CALL = ForeignCall(
    "event-1",
    "UpdateDatasetEntries",
    "Labelling/<alice>",
    PrincipalKind.ROLE,
    AddressClass.PUBLIC,
    1795435080.0,
)
SENTENCE = "23 Nov 2026, 11:58 UTC: UpdateDatasetEntries by role Labelling/<alice>, from a public address"
HOSTILE = item(entry("x|y`z.png", "<script>alert(1)</script>"), entry("x|y`z.png", "]]>\x1b[31m\u202e"))


def written(form: str, *datasets, **more) -> bytes:
    return rendered("drift", form, drift(*datasets, **more))


def comment(*items, **more) -> str:
    return written("markdown", dataset(*items, **more)).decode()


def document(*items, **more):
    (found,) = orjson.loads(written("json", dataset(*items, **more)))["datasets"]
    return found


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_the_calls_that_may_have_caused_the_drift_are_named_in_every_form(form):
    """Who made them, when, and from where, in the same words; hostile names are escaped."""
    text = unescape(written(form, dataset(MOVED, foreign_calls=(CALL,))).decode())

    assert "Calls of others since the dataset was last seen without drift:" in text
    assert SENTENCE in text


def test_the_page_does_not_run_what_a_caller_is_called():
    """A principal that may send to the queue chooses the name."""
    assert "<alice>" not in written("html", dataset(MOVED, foreign_calls=(CALL,))).decode()


def test_the_document_has_the_calls_only_if_there_are_any():
    """Without a queue of events it is as it was; with one, its schema knows them."""
    assert "foreign_calls" not in document(MOVED)
    found = document(MOVED, foreign_calls=(CALL,))

    assert [
        {
            "operation": "UpdateDatasetEntries",
            "principal": "Labelling/<alice>",
            "principal_kind": "role",
            "address_class": "public",
            "at": "2026-11-23T11:58:00Z",
            "event_id": "event-1",
        }
    ] == found["foreign_calls"]
    TypeAdapter(DriftDoc).validate_python({"format": "drift/v1", "datasets": [found]})


def test_the_document_is_what_the_contract_says():
    """Every key of drift/v1 is there, with the values that it may have."""
    found = orjson.loads(written("json", dataset(MOVED, NEW)))

    assert "drift/v1" == found["format"]
    assert {
        "name": "flowers-train",
        "verdict": "drifted",
        "observed_at": "2026-11-23T12:00:00Z",
        "observation": "full",
    }.items() <= found["datasets"][0].items()
    assert {
        "source_ref": BUCKET + "desk.png",
        "class": "box_moved",
        "cause": "drift_modified",
        "origin": "specs/train.jsonl:8",
        "fields": [{"path": "/boxes/annotations/0/left", "before": 91, "after": 86}],
    }.items() <= found["datasets"][0]["items"][0].items()


@pytest.mark.parametrize("items", [(), (MOVED, BOTH, NEW, WAITING, KNOWN, HOSTILE)])
def test_the_document_is_of_its_own_schema(items):
    """What is written is what the published schema describes."""
    TypeAdapter(DriftDoc).validate_json(written("json", dataset(*items)))


def test_an_image_of_two_classes_is_two_items():
    """Who selects by class misses none, and the counts agree with the items."""
    found = document(BOTH, MOVED)

    kinds = [one["class"] for one in found["items"]]
    assert ["box_moved", "relabelled", "box_removed"] == kinds
    assert {kind: kinds.count(kind) for kind in found["counts"]} == found["counts"]


def test_the_same_drift_gives_the_same_bytes():
    """A report can be compared with the one before."""
    assert written("json", dataset(MOVED, NEW)) == written("json", dataset(NEW, MOVED))


def test_what_could_not_be_seen_says_so():
    """Null, not an empty observation; and why."""
    unseen = dataset(
        observed_at=None, complete=False, error_code=3, errors=(PlanError("RKD5015", "no such project"),)
    )

    (found,) = orjson.loads(written("json", unseen))["datasets"]

    assert ("unknown", None, None) == (found["verdict"], found["observed_at"], found["observation"])
    assert [{"code": "RKD5015", "message": "no such project"}] == found["errors"]


def test_a_line_that_cannot_be_used_is_no_failure_to_observe():
    """The dataset was observed; what git asks for beside that line is pending."""
    errors = (PlanError("ERROR_INVALID_JSON_LINE", "not valid JSON"),)
    known = {"complete": False, "error_code": 5, "errors": errors}

    assert "Unknown: not every line of the specs can be used" in written("text", dataset(**known)).decode()
    pending = written("text", dataset(WAITING, **known)).decode()
    assert "1 image waits for an apply, besides lines of the specs that cannot be used." in pending


def test_junit_fails_a_case_for_each_image_that_alarms():
    """What waits for an apply, and what is acknowledged, is skipped and says why."""
    suite = ET.fromstring(  # noqa: S314  our own text
        written("junit", dataset(MOVED, NEW, WAITING, KNOWN, HOSTILE))
    )[0]

    assert ("6", "3", "2", "0") == tuple(
        suite.get(name) for name in ("tests", "failures", "skipped", "errors")
    )
    assert {"box_moved", "unmanaged", "relabelled"} == {found.get("type") for found in suite.iter("failure")}
    assert {"labelling party", "new in git"} == {found.get("message") for found in suite.iter("skipped")}


def test_junit_says_that_a_dataset_could_not_be_seen():
    """A dataset without a verdict is an error, never a suite without failures."""
    unseen = dataset(complete=False, error_code=3, errors=(PlanError("RKD5015", "no such project"),))

    (error,) = ET.fromstring(written("junit", unseen)).iter("error")  # noqa: S314  our own text

    assert "RKD5015: no such project" == error.text


def test_sarif_names_the_line_in_the_specs():
    """An image that git does not know is shown where its dataset is declared."""
    (run,) = orjson.loads(written("sarif", dataset(MOVED, NEW)))["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]

    assert [("box_moved", "error"), ("unmanaged", "error")] == [
        (result["ruleId"], result["level"]) for result in run["results"]
    ]
    assert [("specs/train.jsonl", 8), ("specs/train.yaml", 1)] == [
        (place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places
    ]


def test_sarif_suppresses_what_is_acknowledged():
    """It stands in the report, and raises no alarm."""
    (run,) = orjson.loads(written("sarif", dataset(KNOWN)))["runs"]

    assert [{"kind": "external", "justification": "labelling party"}] == run["results"][0]["suppressions"]


def test_text_shows_what_happened():
    """The verdict first, then each image, its place in the specs, and what happened to it."""
    lines = text_of("drift", drift(dataset(MOVED, NEW))).split("\n")

    assert "  1 of 99 images changed in AWS, outside git; 1 more is not in git." == lines[1]
    assert (
        "    s3://acme-flowers/train/desk.png  specs/train.jsonl:8  changed in AWS since the last apply"
        in lines
    )
    assert "      Box “Echo” moved: 5 px right; IoU 0.96" in lines
    assert "    Echo: moved 1 (mean IoU 0.96)" in lines


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "1 of 98 images changed in AWS, outside git."),
        (
            {"attributed": False},
            "1 of 98 images differs from git. Nothing was applied with this state directory",
        ),
        ({"coverage": Coverage(1, 1, 0, 1)}, "1 of 1 image changed in AWS, outside git."),
    ],
)
def test_the_headline_gives_the_verdict(facts, expected):
    """How many of how many, and who moved, or that nobody can tell."""
    assert headline(dataset(MOVED, **facts)).startswith(expected)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([NEW], "1 of 98 images is in AWS, but not in git."),
        ([NEW, KNOWN], "2 of 99 images are in AWS, but not in git. 1 is acknowledged."),
        ([ERRORED], "AWS marks 1 of 98 images with errors."),
        ([MOVED, WAITING], "1 of 99 images changed in AWS, outside git. 1 more waits for an apply."),
        (
            [MOVED, NEW, KNOWN],
            "1 of 100 images changed in AWS, outside git; 2 more are not in git. 1 is acknowledged.",
        ),
        ([ERRORED, NEW], "AWS marks 1 of 99 images with errors; 1 more is not in git."),
    ],
)
def test_the_first_sentence_claims_no_more_than_is_known(items, expected):
    """An image that git does not know may be one that git took out; one with errors need not have moved."""
    assert expected == headline(dataset(*items))


def told(one) -> list[tuple[str, str]]:
    return [(event.text, event.detail) for event in events(one)]


def test_pending_changes_are_worded_as_what_an_apply_will_do():
    """Git moved: the box that git has elsewhere will move there, and not the other way round."""
    desired = entry("a.png", "new", boxes=(ECHO, ("Dot", 400, 10, 20, 20)))
    observed = entry("a.png", "old", boxes=(("Echo", 81, 65, 220, 334), ("Spot", 500, 400, 20, 20)))

    assert [
        ("“old” will become “new”", ""),
        ("Box “Dot” will be added", "20 by 20 px at 400, 10"),
        ("Box “Echo” will move", "5 px right; IoU 0.96"),
        ("Box “Spot” will be removed", "20 by 20 px at 500, 400"),
    ] == sorted(told(item(desired, observed, Cause.SPEC_CHANGED)), key=lambda pair: pair[0].replace("“", "A"))


def test_fields_are_named_where_nothing_else_differs():
    """Who reads that other fields differ wants to know which."""
    later = entry("a.png", "rose")
    later["label0-metadata"]["creation-date"] = "2027-01-01T00:00:00"

    assert [("Labels and boxes are the same; other fields differ", "creation-date of “label0”")] == told(
        item(entry("a.png", "rose"), later)
    )


def test_an_image_in_place_that_has_errors_did_not_move():
    """Neither side is suspected."""
    text = text_of("drift", drift(dataset(ERRORED)))

    assert "bad.png  specs/train.jsonl:11  otherwise as desired" in text


def test_text_names_every_class_of_an_image():
    """Below the gravest of them, the others."""
    text = text_of("drift", drift(dataset(BOTH)))

    assert "changed in AWS since the last apply, also box removed" in text


def test_text_counts_each_class_as_the_document_does():
    """An image of two classes is shown once and counted twice, and the heading says where it is shown."""
    both = item(entry("b.png", "a"), entry("b.png", "b", boxes=(ECHO,)))
    added = item(entry("c.png", "a"), entry("c.png", "a", boxes=(ECHO,)))
    lines = text_of("drift", drift(dataset(both, added))).split("\n")

    assert 2 == document(both, added)["counts"]["box_added"]
    assert "  relabelled: 1 image" in lines
    assert "  box added: 2 images, 1 of them above" in lines


def test_markdown_distinguishes_changed_images_from_those_that_git_does_not_know():
    """As the first sentence of the report does."""
    assert "### Drift: 1 image changed outside git, 1 more is not in git" in comment(MOVED, NEW)
    assert "### Drift: 1 image is not in git" in comment(NEW)


def test_text_moves_no_cursor():
    """No label reaches the terminal as it is."""
    text = text_of("drift", drift(dataset(HOSTILE)))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\u202e" in text


def test_markdown_is_found_again_and_bounded():
    """Its first line marks it; whatever drifted, GitHub takes it, and it says what it leaves out."""
    items = [
        item(entry(f"{n:05}" + "x" * 300, "a"), entry(f"{n:05}" + "x" * 300, "b"), line=n + 1)
        for n in range(500)
    ]

    text = comment(*items)

    assert MARKER == text.splitlines()[0]
    assert len(text) < LIMIT
    assert "images are not shown here**" in text


def test_markdown_lets_nothing_out_of_its_code_block():
    """What was read from outside stands between the fences, on lines that cannot end them."""
    text = comment(HOSTILE)
    before, inside, after = text.split("```")

    assert "<script>" in inside
    assert "<script>" not in before + after
    assert "### Drift: 1 image changed outside git" in before


def test_the_name_of_a_dataset_is_no_markup():
    """A document that cannot be read is named by its file, and a file may have any name."""
    text = comment(HOSTILE, name="@octocat *x* `y` | z")

    assert 2 == text.count("<code>&#64;octocat&#32;&#42;x&#42;&#32;&#96;y&#96;&#32;&#124;&#32;z</code>")
    assert "octocat *" not in text


def test_text_shows_an_acknowledgement_that_expired():
    """The alarm is back, and the reader sees since when nobody answers for it."""
    late = item(None, entry("party.png"), lapsed=Lapsed("2026-11-22", "labelling party"))

    lines = text_of("drift", drift(dataset(late))).split("\n")

    assert "      acknowledged until 2026-11-22: labelling party" in lines

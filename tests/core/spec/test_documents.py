"""What a spec may contain, and how its mistakes are reported."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.core.spec.choices import Compare, DatasetType, Mode, OnChange, OnDrift, Orphans
from reconciler.core.spec.documents import Dataset, json_schema
from reconciler.core.spec.field_types import format_duration, parse_duration
from reconciler.core.spec.labelling import Entries
from reconciler.core.spec.messages import model_errors_of, nearest

SCHEMAS = Path(__file__).parents[3] / "schemas"
ARN = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/1690476084535"


def dataset(*, name="flowers", target=None, **spec):
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Dataset",
        "metadata": {"name": name},
        "spec": {
            "target": {"project": "flowers", "type": "TRAIN"} if target is None else target,
            "entries": [{"file": "train.jsonl"}],
            **spec,
        },
    }


def entries(*images):
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Entries",
        "createdAt": "2026-03-01T12:00:00",
        "images": list(images),
    }


def model_errors(document, model=Dataset):
    with pytest.raises(ValidationError) as refused:
        model.model_validate(document)
    return model_errors_of(refused.value, model)


def message(document, model=Dataset):
    (model_error,) = model_errors(document, model)
    return model_error.message


def test_defaults_are_those_of_the_documentation():
    """A minimal spec only observes, with its guards on."""
    spec = Dataset.model_validate(dataset()).spec

    assert (
        Mode.OBSERVE,
        OnChange.APPLY,
        OnDrift.REVERT,
        Compare.EXACT,
        Orphans.REPORT,
        False,
    ) == (
        spec.policy.mode,
        spec.policy.on_change,
        spec.policy.on_drift,
        spec.policy.compare,
        spec.policy.orphans,
        spec.policy.allow_empty,
    )
    assert (0.30, 20_000) == (spec.limits.max_change_ratio, spec.limits.max_changes)
    assert (300, 21_600, 0.1, 3_600) == (
        spec.schedule.interval_seconds,
        spec.schedule.full_scan_max_age_seconds,
        spec.schedule.jitter,
        spec.schedule.update_timeout_seconds,
    )
    assert ((), (), False, False) == (spec.protect, spec.ignore, spec.suspend, spec.target.create)


def test_every_field_of_the_documentation_is_accepted():
    """Every documented field is accepted, in camel case."""
    full = dataset(
        target={
            "project": "flowers",
            "type": "TEST",
            "region": "us-gov-west-1",
            "accountId": "111122223333",
            "roleArn": "arn:aws:iam::111122223333:role/path/reconciler",
            "externalId": "a-b",
            "create": True,
        },
        policy={
            "mode": "create-only",
            "onChange": "plan",
            "onDrift": "report",
            "compare": "labels",
            "orphans": "rebuild",
            "allowEmpty": True,
        },
        limits={"maxChangeRatio": 1, "maxChanges": 0},
        protect=["s3://b/golden/**"],
        ignore=[{"paths": ["/*-metadata/creation-date"], "match": "s3://b/**"}],
        schedule={"interval": "1s", "fullScanMaxAge": "1d", "jitter": 0, "updateTimeout": "1h30m"},
        suspend=True,
    )

    read = Dataset.model_validate(full)

    assert DatasetType.TEST is read.spec.target.type
    assert "111122223333" == read.spec.target.account_id
    assert 5_400 == read.spec.schedule.update_timeout_seconds


@pytest.mark.parametrize(
    ("document", "path", "at_key", "words"),
    [
        (dataset(polcy={}), ("spec", "polcy"), True, "unknown field spec.polcy; did you mean policy?"),
        (
            dataset(policy={"OnDrift": "report"}),
            ("spec", "policy", "OnDrift"),
            True,
            "unknown field spec.policy.OnDrift; did you mean onDrift?",
        ),
        (
            dataset(limits={"zzz": 1}),
            ("spec", "limits", "zzz"),
            True,
            "unknown field spec.limits.zzz; known here: maxChangeRatio, maxChanges",
        ),
        (
            dataset(entries=[{"file": "a"}, {"fil": "b", "file": "c"}]),
            ("spec", "entries", 1, "fil"),
            True,
            "unknown field spec.entries[1].fil; did you mean file?",
        ),
        (
            dataset(entries=[{}]),
            ("spec", "entries", 0, "file"),
            False,
            "spec.entries[0].file is missing; or name an object in S3, with s3 and sha256",
        ),
        (dataset(entries=[]), ("spec", "entries"), False, "spec.entries must hold at least one item"),
        (
            dataset(suspend="true"),
            ("spec", "suspend"),
            False,
            "spec.suspend must be true or false, not the text “true”; leave the quotes out",
        ),
        (
            dataset(protect="s3://b/**"),
            ("spec", "protect"),
            False,
            "spec.protect must be a list, not the text “s3://b/**”",
        ),
        (
            dataset(limits={"maxChanges": True}),
            ("spec", "limits", "maxChanges"),
            False,
            "spec.limits.maxChanges must be a whole number, not the truth value true",
        ),
        (
            dataset(policy={"mode": None}),
            ("spec", "policy", "mode"),
            False,
            "spec.policy.mode is empty; give it a value or leave the key out",
        ),
        (
            dataset(policy={"mode": "Upsert"}),
            ("spec", "policy", "mode"),
            False,
            "spec.policy.mode must be observe, create-only or upsert, not “Upsert”",
        ),
        (
            dataset(target={"project": "a b", "type": "TEST"}),
            ("spec", "target", "project"),
            False,
            "spec.target.project must be a project name: at most 255 of a-z, A-Z, 0-9 and “_.-”",
        ),
    ],
)
def test_a_problem_names_place_fault_and_remedy(document, path, at_key, words):
    """Each kind of mistake has its own message, the exact path of the field, and a remedy."""
    (model_error,) = model_errors(document)

    assert (path, at_key, words) == (model_error.path, model_error.at_key, model_error.message)


def test_all_problems_of_a_document_are_reported_at_once():
    """All mistakes of a document are reported at once."""
    found = model_errors(dataset(name="A", polcy={}, limits={"maxChanges": "7"}, suspend=1))

    assert {"metadata.name", "spec.polcy", "spec.limits.maxChanges", "spec.suspend"} == {
        ".".join(map(str, model_error.path)) for model_error in found
    }


@pytest.mark.parametrize(
    ("misplaced", "expected"),
    [
        ({"maxChanges": 5}, "unknown field spec.maxChanges; it belongs below spec.limits"),
        ({"limits": None, "maxChanges": 5}, "unknown field spec.maxChanges; it belongs below spec.limits"),
        ({"policy": {"limits": {}}}, "unknown field spec.policy.limits; it belongs below spec"),
        (
            {"target": {"project": "p", "type": "TEST", "entries": [{"file": "a"}]}, "entries": ...},
            "unknown field spec.target.entries; it belongs below spec",
        ),
        (
            {"target": ..., "entries": [{"file": "a"}, {"file": "b", "target": {}}]},
            "unknown field spec.entries[1].target; it belongs below spec",
        ),
        ({"target": ..., "entries": [{"file": "a"}], "policy": {"target": {}}}, "it belongs below spec"),
    ],
)
def test_a_field_in_a_wrong_place_is_told_where_it_belongs(misplaced, expected):
    """The field is named with its own place, once: that it is missing in the right place is the same mistake."""
    document = dataset(**{key: value for key, value in misplaced.items() if key != "target"})
    document["spec"] |= misplaced
    document["spec"] = {key: value for key, value in document["spec"].items() if value is not ...}

    assert message(document).endswith(f"{expected}: correct its indentation")


def test_a_number_where_text_belongs_asks_for_quotes():
    """A number where text is required gets the advice to quote it: an account id may begin with a zero."""
    found = message(dataset(target={"project": "p", "type": "TEST", "accountId": 111122223333}))

    assert found.endswith("not the number 111122223333; put it in quotes if it is meant as text")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({}, "needs project and type, or datasetArn; missing: project and type"),
        ({"project": "p"}, "needs project and type, or datasetArn; missing: type"),
        ({"datasetArn": ARN, "type": "TRAIN"}, "has datasetArn and also project or type"),
        ({"datasetArn": ARN, "create": True}, "create needs project and type"),
        ({"datasetArn": ARN, "region": "eu-west-1"}, "datasetArn lies in us-east-1"),
        ({"datasetArn": ARN, "accountId": "999999999999"}, "datasetArn says 111122223333"),
        ({"project": "p", "type": "TEST", "externalId": "ab"}, "externalId needs roleArn"),
    ],
)
def test_a_target_must_not_contradict_itself(target, words):
    """A target is a project and type or an ARN, and its other fields must agree with it."""
    assert words in message(dataset(target=target))


def test_a_target_may_be_an_arn():
    assert ARN == Dataset.model_validate(dataset(target={"datasetArn": ARN})).spec.target.dataset_arn


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("6h", 21_600), ("1h30m", 5_400), ("2d", 172_800), ("0m1s", 1)],
)
def test_durations(text, seconds):
    assert seconds == parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "5", 5, "0s", "5 m", "m", "30m1h", "1.5h", "-5m", "5M", "\u0661s", None]
)
def test_what_is_no_duration_is_refused(text):
    """A duration needs a unit and must not be zero."""
    assert model_errors(dataset(schedule={"interval": text}))


@given(st.integers(1, 10**8))
def test_durations_survive_writing_and_reading(seconds):
    """A duration that is written and read again keeps its value."""
    assert seconds == parse_duration(format_duration(seconds))


@pytest.mark.parametrize(
    "value", ["2026-03-01", "2026-02-30T12:00:00", "12:00:00", "today", "2026-03-01T1:00:00"]
)
def test_created_at_must_be_a_moment(value):
    assert "must be a date and time" in message(entries() | {"createdAt": value}, Entries)


@pytest.mark.parametrize("value", ["2026-03-01T12:00:00", "2013-11-18 02:53:27", "2021-07-11T03:33:42.025Z"])
def test_created_at_is_kept_as_it_was_written(value):
    """createdAt is sent to AWS exactly as the author wrote it."""
    assert value == Entries.model_validate(entries() | {"createdAt": value}).created_at


@pytest.mark.parametrize("size", [[], [640], [640, 480, 3, 1]])
def test_a_size_has_two_or_three_numbers(size):
    found = message(entries({"image": "a.jpg", "size": size}), Entries)

    assert "images[0].size must be [width, height] or [width, height, depth]" == found


def test_boxes_are_whole_pixels():
    """Boxes have whole pixels: a fraction is refused."""
    box = {"label": "x", "left": 1.5, "top": 1, "width": 1, "height": 1}

    found = message(entries({"image": "a.jpg", "size": [9, 9], "boxes": [box]}), Entries)

    assert "images[0].boxes[0].left must be a whole number, not the number 1.5" == found


def test_documents_cannot_be_changed():
    """A document is immutable once it is read."""
    read = Dataset.model_validate(dataset())

    with pytest.raises(ValidationError):
        read.spec.suspend = True


@pytest.mark.parametrize("kind", ["dataset", "entries"])
def test_shipped_schemas_are_those_of_the_models(kind):
    """The schemas in the repository are those of the models. (`reconciler schema KIND` prints them.)"""
    shipped = json.loads((SCHEMAS / f"{kind}.json").read_text())

    assert json_schema(kind) == shipped


def test_every_field_of_a_schema_is_described():
    """Every field of a schema has a description for editors to show."""
    bare = [
        f"{part['title']}.{name}"
        for kind in ("dataset", "entries")
        for part in [json_schema(kind), *json_schema(kind)["$defs"].values()]
        for name, field in part.get("properties", {}).items()
        if "description" not in field and "$ref" not in field
    ]

    assert [] == bare


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("polcy", "did you mean policy?"),
        ("POLICY", "did you mean policy?"),
        ("protects", "did you mean Protect?"),
        ("zzz", "known here: policy, Protect, projects"),
    ],
)
def test_an_unknown_word_gets_the_nearest_known_one(word: str, expected: str):
    """Whatever its case; without one that is near, all are named."""
    assert expected == nearest(word, ["policy", "Protect", "projects"])


@pytest.mark.parametrize("length", [39, 40, 41, 500])
def test_a_long_value_is_quoted_by_its_beginning(length: int):
    """Forty characters of it."""
    shown = "x" * length if length <= 40 else "x" * 40 + "…"
    assert f"not the text “{shown}”" in message(dataset(policy={"allowEmpty": "x" * length}))

"""The last known state, as it is kept and as it is shown."""

import json

import pytest

from reconciler.core.planning.plan import PlanError
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.result import DatasetResult, Verdict
from reconciler.core.validation.problem import Origin
from reconciler.reports.screen import Screen
from reconciler.reports.status.json import KnownStatuses
from reconciler.reports.status.record import record
from tests.reports.builders import ARN, HOSTILE, entry_problem, rendered, result, text_of

AT = 1_700_000_000.5
REVISION = "0123456789abcdef"

# What only the controller knows.
UNFOLLOWED = {
    "revisions": None,
    "observation": None,
    "observed_at": None,
    "scanned_at": None,
    "complete": None,
    "believed_until": None,
    "next_visit_at": None,
    "suspension": None,
    "history": [],
}
FOLLOWED = {
    "revisions": {"attempted": REVISION, "applied": REVISION, "verified": None},
    "observation": "fingerprint",
    "observed_at": "2023-11-14T22:13:20Z",
    "scanned_at": "2023-11-14T22:00:00Z",
    "complete": True,
    "believed_until": "2023-11-15T04:00:00Z",
    "next_visit_at": "2023-11-14T22:18:20Z",
    "history": [
        {
            "at": "2023-11-14T22:13:20Z",
            "verdict": "converged",
            "observation": "fingerprint",
            "revision": REVISION,
            "updates": 0,
            "found": 2,
            "set_back": 1,
        }
    ],
}
SIX_HOURS = 6 * 3_600


def kept(*results: DatasetResult) -> dict[str, dict]:
    """Return what the state directory holds, by way of the JSON in it."""
    return json.loads(json.dumps({it.name: record(it, AT, REVISION) for it in results}))


def shown(records, now: float = AT, quarantined=None, **screen) -> str:
    return text_of("status", KnownStatuses(records, quarantined or {}, now), Screen(**screen))


def written(records, now: float = AT, quarantined=None) -> list[dict]:
    document = json.loads(rendered("status", "json", KnownStatuses(records, quarantined or {}, now)))
    assert "status/v1" == document["format"]
    return document["datasets"]


def test_the_table_is_ordered_by_name_and_aligned():
    """One line a dataset, with the time of what is known; why, below it."""
    errors = (PlanError("RKD5012", "no answer"), PlanError("RKD1001", "not JSON", Origin("a.jsonl", 3)))
    records = kept(
        result(),
        result(Verdict.PARTIAL, "boxes", dropped=(entry_problem("a"),), rejected=(entry_problem("b"),)),
        result(Verdict.UNKNOWN, "far", errors=errors),
    )

    assert """\
  DATASET        VERDICT    LEFT  AS OF                 REVISION
! boxes          partial    2     2023-11-14T22:13:20Z  0123456789ab
? far            unknown    -     2023-11-14T22:13:20Z  0123456789ab
✓ flowers-train  converged  0     2023-11-14T22:13:20Z  0123456789ab
? never          unknown    -     -                     -
boxes: 1 dropped by AWS, 1 marked with errors by AWS
far: error: no answer (RKD5012)
far: a.jsonl:3: error: not JSON (RKD1001)""" == shown(records | {"never": {}})


def test_a_narrow_terminal_gets_each_name_above_its_row():
    """No row is wider than 60 columns, and none is broken."""
    name = "circuit-boards-of-the-third-line-train"
    rows = shown(kept(result(name=name)), width=60)

    assert (
        f"""\
  VERDICT    LEFT  AS OF                 REVISION
✓ {name}
  converged  0     2023-11-14T22:13:20Z  0123456789ab"""
        == rows
    )


def test_numbers_and_reasons_are_kept_and_no_entry():
    """What can be told of a dataset without asking AWS."""
    it = result(Verdict.PARTIAL, dropped=(entry_problem("a"),), errors=(PlanError("RKD5012", "no answer"),))

    assert [
        {
            "name": "flowers-train",
            "arn": ARN,
            "verdict": "partial",
            "at": "2023-11-14T22:13:20Z",
            "revision": REVISION,
            "counts": {"quarantined": 0, "dropped": 1, "rejected": 0, "withheld": 0},
            "held": [],
            "errors": [{"code": "RKD5012", "message": "no answer"}],
            "conditions": [],
            **UNFOLLOWED,
            "complete": True,
        }
    ] == written(kept(it))


def test_a_dataset_of_which_nothing_was_kept_is_in_the_document():
    """Every key is there: unknown is an answer."""
    assert [
        {
            "name": "never",
            "arn": None,
            "verdict": "unknown",
            "at": None,
            "revision": None,
            "counts": None,
            "held": [],
            "errors": [],
            "conditions": [],
            **UNFOLLOWED,
        }
    ] == written({"never": {}})


@pytest.mark.parametrize(
    "changed",
    [{"verdict": "splendid"}, {"verdict": 7}, {"at": 12}, {"counts": {"dropped": 0}}, {"counts": None}],
)
def test_what_this_version_cannot_read_is_never_green(changed):
    """The state directory may be older, or newer."""
    (whole,) = kept(result()).values()
    records = {"a": whole | changed | {"errors": "none", "revision": 3}}

    text = shown(records, colour=True)

    assert "\x1b[33m?\x1b[0m a" in text
    assert "\x1b[32m" not in text
    assert ["unknown"] == [dataset["verdict"] for dataset in written(records)]


def test_what_is_kept_back_is_named_with_its_reason():
    """The document has all of it; the table the first few, and how many more there are."""
    quarantined = {
        "flowers-train": [
            Quarantined(f"s3://b/{n}.jpg", b"d", QuarantineReason.ISOLATED, "CLIENT_ERROR", 2, AT, AT + 60)
            for n in range(7)
        ]
    }
    quarantined["flowers-train"] += [
        Quarantined("s3://b/first-time.jpg", b"d", QuarantineReason.FLAPPING, "changed back", 1, AT, AT + 60),
        Quarantined("s3://b/over.jpg", b"d", QuarantineReason.ISOLATED, "CLIENT_ERROR", 2, AT - 60, AT),
    ]
    records = kept(result(Verdict.PARTIAL))

    (document,) = written(records, quarantined=quarantined)
    text = shown(records, quarantined=quarantined)

    assert [quarantined.source_ref for quarantined in quarantined["flowers-train"][:7]] == [
        quarantined["source_ref"] for quarantined in document["held"]
    ]
    assert ("convicted", "CLIENT_ERROR", 2) == tuple(
        document["held"][0][k] for k in ("kind", "reason", "rounds")
    )
    assert 5 == text.count("quarantined: an update with only this entry failed; retried after ")
    assert "flowers-train: 2 more quarantined; see `reconciler explain`" in text


def test_an_empty_memory_says_so():
    """Instead of an empty table."""
    assert "Nothing is known" in shown({})


def test_nothing_that_was_read_reaches_the_terminal_raw():
    """Not by way of the memory either."""
    (whole,) = kept(result(errors=(PlanError(HOSTILE, HOSTILE, Origin(HOSTILE, 1)),))).values()
    records = {HOSTILE: whole | {"revision": HOSTILE, "arn": HOSTILE, "at": HOSTILE}}

    assert all(row.isprintable() for row in shown(records).split("\n"))


def test_conditions_of_the_controller_are_passed_on():
    """As they were kept; what is none of the three is left out, for it could be read as good."""
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "AsDesired",
        "message": "observed as desired",
        "lastTransitionTime": "2023-11-14T22:13:20Z",
    }
    records = kept(result())
    (name,) = records
    records[name]["conditions"] = [condition, {**condition, "status": "Perhaps"}]

    assert [condition] == written(records)[0]["conditions"]


def test_what_the_controller_knows_is_passed_on():
    """Which commit is in place, how old the observation is, what the last cycles did, and when the next is due."""
    records = kept(result())
    (name,) = records
    records[name] |= FOLLOWED

    (found,) = written(records)

    assert FOLLOWED == {key: found[key] for key in FOLLOWED}


@pytest.mark.parametrize(
    ("until", "now", "expected"),
    [
        ("2023-11-15T00:13:20Z", 0.0, "train: suspended until 2023-11-15T00:13:20Z: audit"),
        (None, 9e9, "train: suspended until it is resumed: audit"),
        ("2023-11-15T00:13:20Z", 1.8e9, None),
        (3, 0.0, None),
    ],
)
def test_a_suspension_is_shown_until_it_is_over(until: str | None, now: float, expected: str | None):
    """With its reason; the process that would have ended it may not run any more."""
    records = kept(result())
    (name,) = records
    suspension = {"reason": "audit", "since": "2023-11-14T22:13:20Z", "until": until}
    records = {"train": records[name] | {"suspension": suspension}}

    lines = shown(records, now).splitlines()
    (found,) = written(records, now)

    assert ([expected] if expected else []) == [line for line in lines if "audit" in line]
    assert (suspension if expected else None) == found["suspension"]


def condition(kind: str, status: str) -> dict[str, str]:
    at = "2023-11-14T22:13:20Z"
    return {"type": kind, "status": status, "reason": "R", "message": "m", "lastTransitionTime": at}


def test_a_stale_observation_is_unknown():
    """The controller was stopped, or its disk is all that is left: what it said last is not what is true now."""
    records = kept(result())
    (name,) = records
    records[name] |= FOLLOWED | {
        "conditions": [
            condition("Ready", "True"),
            condition("InSync", "True"),
            condition("SourceReady", "True"),
            condition("Observed", "False"),
            condition("OfAnotherVersion", "True"),
        ]
    }

    (young,), (old,) = written(records), written(records, AT + SIX_HOURS)

    assert ("converged", "unknown") == (young["verdict"], old["verdict"])
    assert records[name]["conditions"] == young["conditions"]
    assert ["Unknown", "Unknown", "True", "False", "True"] == [c["status"] for c in old["conditions"]]
    assert ["TooOld", "2023-11-15T04:00:00Z"] == [
        old["conditions"][0][k] for k in ("reason", "lastTransitionTime")
    ]
    assert "✓" not in shown(records, AT + SIX_HOURS)
    assert "fullScanMaxAge" in shown(records, AT + SIX_HOURS)


@pytest.mark.parametrize("broken", ["soon", "9999999-01-01"])
def test_an_end_of_belief_that_cannot_be_read_has_passed(broken):
    """Unknown is the safe side."""
    records = kept(result())
    (name,) = records
    records[name] |= FOLLOWED | {"believed_until": broken}

    assert ["unknown"] == [dataset["verdict"] for dataset in written(records)]

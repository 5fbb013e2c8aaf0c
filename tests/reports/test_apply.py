"""What came of an apply: as a person reads it, and as apply/v1."""

import json

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import EntryCounts, PlanError
from reconciler.core.status.result import Verdict, WithheldEntry, WithheldGroup
from reconciler.core.validation.problem import Origin
from reconciler.reports.screen import PLAIN, Screen
from tests.reports.builders import ARN, HOSTILE, entry_problem, ref, rendered, result, text_of


def shown(*results, screen: Screen = PLAIN) -> str:
    return text_of("apply", results, screen)


def test_a_converged_dataset_is_one_line():
    """What was done, with how many calls, and that somebody looked."""
    line = "everything desired is in place; 24 added, 2 updated with 1 update call; verified"

    assert f"✓ flowers-train  converged: {line}" == shown(
        result(added=24, updated=2, updates=1, verified=True)
    )


def test_what_was_not_seen_whole_has_no_tick():
    """Whether orphans are hidden is not known, and unknown is never green."""
    text = shown(result(complete=False, gap="AWS counts 5 entries, and 4 could be seen"))

    assert text.startswith("? flowers-train  converged: ")
    assert "AWS counts 5 entries" in text


def test_every_entry_that_is_not_in_place_is_named():
    """With its place, the reason, and the codes of AWS."""
    it = result(
        Verdict.PARTIAL,
        quarantined=(entry_problem("poison", 4, "CLIENT_ERROR: bad line"),),
        dropped=(entry_problem("gone", 9, "it is absent"),),
        rejected=(entry_problem("bad", 12, "it has errors", ("ERROR_NO_LABEL_ATTRIBUTES",)),),
        errors=(PlanError("RKD1001", "not JSON", Origin("specs/a.jsonl", 3, 1)),),
    )

    assert """\
! flowers-train  partial: not everything desired is in place
  1 quarantined (an update failed because of the entry)
    s3://acme-flowers/train/poison.jpg  specs/train.jsonl:4
      CLIENT_ERROR: bad line
  1 dropped (accepted by AWS, then absent)
    s3://acme-flowers/train/gone.jpg  specs/train.jsonl:9
      it is absent
  1 rejected (stored by AWS with errors)
    s3://acme-flowers/train/bad.jpg  specs/train.jsonl:12
      it has errors (ERROR_NO_LABEL_ATTRIBUTES)
  specs/a.jsonl:3:1: error: not JSON (RKD1001)""" == shown(it)


def test_each_verdict_has_its_mark_and_only_success_is_green():
    """Unknown is no success."""
    rows = shown(*map(result, Verdict), screen=Screen(colour=True)).splitlines()[: len(Verdict)]

    assert ["✓", "≠", "!", "✗", "✗", "?", "·"] == [next(c for c in row if c in "✓≠!✗?·") for row in rows]
    assert ["converged"] == [verdict for verdict, row in zip(Verdict, rows, strict=True) if "\x1b[32m" in row]


def test_what_a_policy_withholds_is_counted_by_reason_and_named():
    """Also where more is withheld than is named."""
    reasons = ("changed in AWS, onDrift: report", "not known which side changed, onDrift: report")
    causes = (Cause.DRIFT_MODIFIED, Cause.UNATTRIBUTED)
    it = result(
        Verdict.WITHHELD,
        withheld=tuple(
            WithheldEntry(ref(name), Origin("specs/train.jsonl", 3), cause, reason)
            for name, cause, reason in zip("ab", causes, reasons, strict=True)
        ),
        groups=tuple(map(WithheldGroup, causes, reasons, (1, 1_500))),
    )

    assert [
        "≠ flowers-train  withheld: everything that the policy allows is in place",
        "  1 entry withheld: changed in AWS, onDrift: report",
        f"    {ref('a')}  specs/train.jsonl:3",
        "  1,500 entries withheld: not known which side changed, onDrift: report",
        f"    {ref('b')}  specs/train.jsonl:3",
        "    … and 1,499 more",
    ] == shown(it).splitlines()


def test_an_update_that_was_not_read_back_says_so():
    """What a call returned is no proof."""
    assert "2 update calls; not verified" in shown(result(Verdict.UNKNOWN, updates=2))


def test_several_datasets_are_summed_up():
    """By verdict, in their fixed order."""
    text = shown(result(Verdict.UNKNOWN), result(), result())

    assert "3 datasets: 2 converged, 1 unknown." == text.splitlines()[-1]


def test_long_lists_are_cut_and_say_so():
    """A dataset that lost everything is still readable."""
    text = shown(result(Verdict.PARTIAL, dropped=tuple(entry_problem(f"{n}") for n in range(50))))

    assert "50 dropped" in text
    assert "    … and 30 more" in text.splitlines()


def test_nothing_that_was_read_reaches_the_terminal_raw():
    """The words of AWS are from outside as well."""
    it = result(
        Verdict.PARTIAL,
        name=HOSTILE,
        dropped=(entry_problem(HOSTILE, 1, HOSTILE, (HOSTILE,)),),
        errors=(PlanError(HOSTILE, HOSTILE),),
    )

    assert all(row.isprintable() for row in shown(it).split("\n"))


REASON = "changed in AWS, onDrift: report"


def applied(*results) -> dict:
    return json.loads(rendered("apply", "json", results))


def test_a_result_has_exactly_the_shape_that_was_promised():
    """Numbers, and each entry that is not in place."""
    it = result(
        Verdict.PARTIAL,
        added=3,
        updated=1,
        updates=2,
        verified=True,
        quarantined=(entry_problem("q", 1, "CLIENT_ERROR"),),
        rejected=(entry_problem("r", 2, "stored with errors", ("ERROR_NO_LABEL_ATTRIBUTES",)),),
        withheld=(WithheldEntry(ref("w"), Origin("specs/train.jsonl", 3), Cause.DRIFT_MODIFIED, REASON),),
        groups=(WithheldGroup(Cause.DRIFT_MODIFIED, REASON, 1),),
        counts=EntryCounts(desired=9, observed=8, add=1, update=2, unchanged=5, ignored=1),
        errors=(PlanError("RKD1001", "no", Origin("specs/a.jsonl", 3)),),
    )

    assert {
        "format": "apply/v1",
        "datasets": [
            {
                "name": "flowers-train",
                "arn": ARN,
                "verdict": "partial",
                "counts": {"added": 3, "updated": 1, "withheld": 1},
                "entries": {"desired": 9, "in_place": 6, "blocked": 0},
                "updates": 2,
                "verified": True,
                "complete": True,
                "quarantined": [
                    {
                        "source_ref": ref("q"),
                        "origin": "specs/train.jsonl:1",
                        "reason": "CLIENT_ERROR",
                        "codes": [],
                    }
                ],
                "dropped": [],
                "rejected": [
                    {
                        "source_ref": ref("r"),
                        "origin": "specs/train.jsonl:2",
                        "reason": "stored with errors",
                        "codes": ["ERROR_NO_LABEL_ATTRIBUTES"],
                    }
                ],
                "withheld": [
                    {
                        "source_ref": ref("w"),
                        "origin": "specs/train.jsonl:3",
                        "cause": "drift_modified",
                        "reason": "changed in AWS, onDrift: report",
                    }
                ],
                "errors": [{"code": "RKD1001", "message": "no", "origin": "specs/a.jsonl:3"}],
                "observation": None,
                "listed_at": None,
                "calls": {"made": {}, "forecast": {}, "forecast_seconds": 0},
            }
        ],
    } == applied(it)

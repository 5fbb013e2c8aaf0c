"""A plan as a person reads it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.entries.equality import FieldChange
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import PlanError, unplanned
from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import Mode, Orphans
from reconciler.core.validation.problem import Origin
from reconciler.reports.screen import PLAIN, Screen
from tests.reports.builders import (
    ARN,
    HOSTILE,
    add,
    dataset,
    everywhere,
    orphan,
    plan,
    quarantined,
    ref,
    text_of,
    update,
)

SGR = re.compile(r"\x1b\[[0-9;]*m")


def shown(it, screen: Screen = PLAIN) -> str:
    return text_of("plan", it, screen)


def test_a_plan_says_what_how_many_why_and_which_fields():
    """The whole of it, as it looks."""
    it = plan(
        dataset(
            add("new", 700),
            update("a", FieldChange("/spurge-metadata/class-name", "spruge", "spurge"), line=3),
            update("b", FieldChange("/leaf", None, 1), line=4, cause=Cause.DRIFT_MODIFIED),
            orphan("old"),
        )
    )

    assert f"""\
flowers-train  {ARN}  mode upsert

  1 to add: new in git
    + s3://acme-flowers/train/new.jpg  specs/train.jsonl:700

  1 to update: changed in git
    ~ s3://acme-flowers/train/a.jpg  specs/train.jsonl:3
        “spruge” will become “spurge”

  1 to update: changed in AWS since the last apply
    ~ s3://acme-flowers/train/b.jpg  specs/train.jsonl:4
        “leaf”: (none) → 1

  1 orphan: not in the specs; AWS cannot delete a single entry
    ? s3://acme-flowers/train/old.jpg

  Plan: 1 to add, 2 to update, 1 orphan (reported), 694 unchanged; 1 update call of 2.1 kB.""" == shown(it)


def test_a_plan_without_changes_is_one_line():
    """And says of how much that is true."""
    assert "No changes: 700 entries are as desired." in shown(plan(dataset(unchanged=700)))


@pytest.mark.parametrize(
    "it",
    [
        dataset(errors=(PlanError("RKD1001", "no"),)),
        dataset(errored=((ref("a"), ("ERROR_NO_LABEL_ATTRIBUTES",)),)),
        dataset(orphan("a")),
        dataset(guards=(Guard("ACCOUNT", "another account"),)),
        unplanned("far", (), 3),
    ],
)
def test_less_than_all_is_never_called_all(it):
    """Not where lines could not be used, AWS complains, something is left over, or nothing was seen."""
    assert "No changes" not in shown(plan(it))


def test_a_dataset_that_was_not_seen_has_no_numbers():
    """Zero changes would be a claim."""
    text = shown(plan(unplanned("far", [PlanError("RKD5012", "no answer from AWS")], 3)))

    assert "far  not observed\n" in text
    assert "error: no answer from AWS (RKD5012)" in text
    assert "No plan: the dataset could not be read." in text
    assert "unchanged" not in text


def test_errors_name_their_place_and_make_the_plan_incomplete():
    """file:line:column, as editors and people look for it."""
    error = PlanError("ERROR_MISSING_CLASS_MAP_ID", "no class 7", Origin("specs/train.jsonl", 88, 41))

    text = shown(plan(dataset(add("a"), errors=(error,))))

    assert "  specs/train.jsonl:88:41: error: no class 7 (ERROR_MISSING_CLASS_MAP_ID)" in text.splitlines()
    assert "Incomplete plan: 1 to add" in text


def test_a_guard_follows_the_plan_that_it_blocks():
    """The first look at a frightening plan is the plan itself."""
    text = shown(plan(dataset(add("a"), guards=(Guard("MAX_CHANGES", "1 entry would be sent"),))))

    assert text.index("+ s3://") < text.index("Blocked: 1 entry would be sent (MAX_CHANGES)")


@pytest.mark.parametrize(
    ("quarantined", "cause", "why"),
    [
        (
            Withheld.ON_DRIFT,
            Cause.DRIFT_MODIFIED,
            "changed in AWS since the last apply (policy onDrift: report)",
        ),
        (Withheld.CREATE_ONLY, Cause.SPEC_CHANGED, "changed in git (policy mode: create-only)"),
        (Withheld.ON_CHANGE, Cause.SPEC_CHANGED, "changed in git (policy onChange: plan)"),
    ],
)
def test_changes_withheld_by_policy_are_grouped_apart(quarantined, cause, why):
    """It is neither done nor forgotten, and nobody is told that it will be sent."""
    text = shown(plan(dataset(update("a", cause=cause, quarantined=quarantined))))

    assert f"1 not sent: {why}" in text
    assert "Plan: 0 to add, 0 to update, 1 not sent, 694 unchanged; nothing to send." in text


def test_a_line_that_is_not_sent_shows_why_and_until_when():
    """And how to have it tried at once."""
    kept_back = quarantined(QuarantineReason.ISOLATED, "CLIENT_ERROR: bad line")
    text = shown(plan(dataset(add("a", 3, quarantined=kept_back))))

    assert (
        """\
  1 not sent: new in git (an update with only this entry failed)
    + s3://acme-flowers/train/a.jpg  specs/train.jsonl:3
        CLIENT_ERROR: bad line; retried after 2023-11-14T22:13:20Z, or as soon as the line is edited
"""
        in text
    )
    assert "Plan: 0 to add, 0 to update, 1 not sent, 694 unchanged; nothing to send." in text


@pytest.mark.parametrize("kind", [QuarantineReason.REWRITTEN_BY_SERVICE, QuarantineReason.FLAPPING])
def test_the_setting_that_would_end_a_quarantine_is_never_cut(kind: QuarantineReason):
    """An ignore rule that is cut off cannot be copied into a spec."""
    rule = (
        'spec.ignore: [{"paths": ["/rose-metadata/creation-date"], "match": "s3://acme-flowers/train/a.jpg"}]'
    )
    kept_back = quarantined(kind, f"it does not stay as it was set, {'again and ' * 20}again: {rule}")

    assert rule in shown(plan(dataset(add("a", 3, quarantined=kept_back))))


def test_observe_mode_says_that_nothing_is_written():
    """The plan looks like any other."""
    assert "Mode observe: apply writes nothing." in shown(plan(dataset(add("a"), mode=Mode.OBSERVE)))


def test_ignored_differences_are_counted():
    """Equal by policy is not equal."""
    text = shown(plan(dataset(unchanged=5, ignored=2)))

    assert "No changes: 7 entries are as desired, 2 of them apart from what the policy ignores." in text


@pytest.mark.parametrize(
    ("it", "which"),
    [
        (dataset(add("a"), arn=None, unchanged=0), "does not exist yet"),
        (dataset(arn=None), "compared with a listing"),
    ],
)
def test_a_dataset_without_an_arn_says_why(it, which):
    """It will be created, or AWS was not asked."""
    assert f"flowers-train  {which}" in shown(plan(it))


def test_long_lists_are_cut_and_say_so():
    """20 of each kind, 5 fields of each change; all of the changes where that is asked for."""
    fields = [FieldChange(f"/{number:02}", 0, 1) for number in range(12)]
    it = plan(dataset(*[add(f"a{n:03}") for n in range(30)], update("b", *fields)))

    text, whole = shown(it), shown(it, Screen(limit=None))

    assert ["    … and 10 more", "        … and 7 more"] == [t for t in text.splitlines() if "…" in t]
    assert (20, 30) == (text.count("    + "), whole.count("    + "))


def test_long_values_are_cut_to_the_width_and_names_never_are():
    """A name that was cut could not be looked for."""
    long = "k" * 900
    text = shown(plan(dataset(update(long, FieldChange("/x", "v" * 5_000, None)))), Screen(width=80))

    assert ref(long) in text
    assert max(len(row) for row in text.splitlines() if " → " in row) <= 80


def test_an_outlined_field_is_only_named():
    """Where nobody looked at the values, none is claimed."""
    assert "“leaf” differs" in shown(plan(dataset(update("a", FieldChange("/leaf", None, None)))))


def test_several_datasets_are_summed_up():
    """And those that are not complete are named again, at the end, where people look."""
    it = plan(
        dataset(add("a")), dataset(add("b"), name="two"), unplanned("far", (), 3), revision="0123456789abcdef"
    )

    first, *_, sums, incomplete = shown(it).splitlines()

    assert "Specs of revision 0123456789ab" == first
    assert "3 datasets: 2 to add, 0 to update, 1,388 unchanged; 2 update calls of 1.4 kB." == sums
    assert "Incomplete: far" == incomplete
    *_, sums, _ = shown(plan(unplanned("a", (), 3), unplanned("b", (), 3))).splitlines()
    assert "2 datasets: none could be planned." == sums


def test_no_dataset_is_no_silence():
    """An empty answer could be anything."""
    assert "Nothing to plan: the specs hold no dataset." == shown(plan())


def test_colour_adds_nothing_but_colour():
    """Without it, the text is the same."""
    it = plan(dataset(add("a"), update("b", FieldChange("/x", 1, 2)), guards=(Guard("X", "no"),)))

    coloured = shown(it, Screen(colour=True))

    assert "\x1b[32m+\x1b[0m" in coloured
    assert shown(it) == SGR.sub("", coloured)


@given(st.text(st.characters()) | st.just(HOSTILE))
def test_nothing_that_was_read_reaches_the_terminal_raw(text):
    """Whatever holds it: a name, a label, a path, a message, a file."""
    it = everywhere(text)

    assert all(row.isprintable() for row in shown(it).split("\n"))
    assert all(SGR.sub("", row).isprintable() for row in shown(it, Screen(colour=True)).split("\n"))


def test_a_summary_names_only_what_differs():
    """A line a dataset, what stands in its way, and the sum; hundreds that are as desired say nothing."""
    it = plan(
        dataset(add("new"), name="a", guards=(Guard("RKD4003", "too much"),)),
        dataset(name="as-desired"),
        dataset(update("b"), name="longer"),
    )

    assert """\
a       Plan: 1 to add, 0 to update, 694 unchanged; 1 update call of 701 B.
  Blocked: too much (RKD4003)
longer  Plan: 0 to add, 1 to update, 694 unchanged; 1 update call of 701 B.
3 datasets: 1 to add, 1 to update, 2,082 unchanged; 2 update calls of 1.4 kB.""" == text_of(
        "plan", it, summary=True
    )


def test_a_summary_of_one_dataset_has_its_sum():
    """So that it never says nothing; and in a clone it says what the demo, outside of git, says."""
    assert "1 dataset: 0 to add, 0 to update, 694 unchanged; nothing to send." == text_of(
        "plan", plan(dataset(), revision="0123456789abcdef"), summary=True
    )


@pytest.mark.parametrize(("left", "is_named"), [(None, True), (Withheld.NOT_SELECTED, False)])
def test_a_rebuild_is_named_with_the_digest_of_the_whole_plan_alone(left, is_named):
    """A rebuild makes its plan of all changes: a part of them has another digest, which it would refuse."""
    it = plan(replace(dataset(update("a", quarantined=left), orphan("old")), orphans=Orphans.REBUILD))

    assert is_named == (f"reconciler rebuild --dataset flowers-train --plan-digest {it.digest}" in shown(it))

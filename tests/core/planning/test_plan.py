"""The plan and its digest."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.entries.equality import FieldChange
from reconciler.core.planning.calls import pack
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, Change
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import DatasetPlan, EntryCounts, Plan, PlanError, PlannedChange, unplanned
from reconciler.core.planning.withholding import Withheld, withheld
from reconciler.core.spec.choices import ClosedBy, Mode, OnChange, OnDrift, Orphans
from reconciler.core.spec.policy import Closure, Policy
from reconciler.core.validation.problem import Origin
from tests.builders import ref


def change(
    name: str,
    action: Action = Action.UPDATE,
    before: bytes | None = b"b" * 16,
    sent: bytes | None = b"s" * 16,
    why: Cause = Cause.SPEC_CHANGED,
) -> PlannedChange:
    return PlannedChange(Change(action, ref(name), None, None, before), why, None, sent)


def planned(*changes: PlannedChange, mode: Mode = Mode.UPSERT) -> DatasetPlan:
    sent = [item for item in changes if item.sent]
    return DatasetPlan(
        name="flowers",
        arn="arn:1",
        mode=mode,
        counts=EntryCounts(desired=3, observed=3, update=len(changes)),
        changes=changes,
        batches=pack([(item, 10) for item in sent], 100),
    )


@pytest.mark.parametrize("action", list(Action))
def test_desired_entries_whose_change_is_not_selected_are_counted(action: Action):
    """An unselected orphan is no desired entry."""
    left = replace(change("a", action), withheld=Withheld.NOT_SELECTED)
    frozen = replace(change("b", action), withheld=Withheld.FREEZE)

    assert int(action is not Action.ORPHAN) == planned(left, frozen, change("c", action)).not_selected


class TestDigest:
    PLAN = Plan((planned(change("a"), change("b")),))

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(Plan(()), id="no-dataset"),
            pytest.param(Plan((planned(change("a")),)), id="fewer"),
            pytest.param(Plan((planned(change("b"), change("a")),)), id="order"),
            pytest.param(Plan((planned(change("a"), change("c")),)), id="another-image"),
            pytest.param(Plan((planned(change("a"), change("b", sent=b"S" * 16)),)), id="sent"),
            pytest.param(Plan((planned(change("a"), change("b", sent=None)),)), id="not-sent"),
            pytest.param(Plan((planned(change("a"), change("b", before=b"B" * 16)),)), id="observed"),
            pytest.param(Plan((planned(change("a"), change("b", Action.ADD, before=None)),)), id="gone"),
            pytest.param(Plan((planned(change("a"), change("b"), mode=Mode.OBSERVE),)), id="mode"),
            pytest.param(Plan((replace(PLAN.datasets[0], name="trees"),)), id="name"),
            pytest.param(Plan((replace(PLAN.datasets[0], arn="arn:2"),)), id="arn"),
            pytest.param(Plan((replace(PLAN.datasets[0], arn=None),)), id="no-arn"),
            pytest.param(Plan(PLAN.datasets * 2), id="twice"),
            pytest.param(
                Plan((replace(PLAN.datasets[0], counts=PLAN.datasets[0].counts._replace(observed=4)),)),
                id="one-more-observed",
            ),
        ],
    )
    def test_changes_with_what_is_sent_and_what_was_observed(self, other: Plan) -> None:
        assert other.digest != self.PLAN.digest

    @pytest.mark.parametrize(
        "same",
        [
            pytest.param(Plan(PLAN.datasets, revision="abc"), id="revision"),
            pytest.param(Plan((planned(change("a", why=Cause.CONFLICT), change("b")),)), id="cause"),
            pytest.param(Plan((replace(PLAN.datasets[0], guards=(Guard("EMPTY", "m"),)),)), id="guards"),
            pytest.param(
                Plan(
                    (
                        planned(
                            replace(
                                change("a"), fields=(FieldChange("/x", 1, 2),), origin=Origin("f.jsonl", 7)
                            ),
                            change("b"),
                        ),
                    )
                ),
                id="explanation",
            ),
            pytest.param(
                Plan(
                    (
                        replace(
                            PLAN.datasets[0], counts=PLAN.datasets[0].counts._replace(desired=2, unchanged=1)
                        ),
                    )
                ),
                id="how-the-rest-was-counted",
            ),
        ],
    )
    def test_changes_with_nothing_else(self, same: Plan) -> None:
        assert same.digest == self.PLAN.digest

    def test_is_not_confused_by_where_one_digest_ends(self) -> None:
        """An absent digest differs from one that begins with a dash."""
        one = Plan((planned(change("a", before=None, sent=b"-" * 16)),))
        other = Plan((planned(change("a", before=b"-" * 16, sent=None)),))

        assert one.digest != other.digest

    def test_is_the_same_everywhere(self) -> None:
        """The digest is the same on every machine and Python version, as a plan may be applied elsewhere."""
        assert self.PLAN.digest == self.PLAN.digest
        assert 32 == len(self.PLAN.digest)
        int(self.PLAN.digest, 16)


class TestWithheld:
    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            (Mode.OBSERVE, {Action.ADD, Action.UPDATE}),
            (Mode.CREATE_ONLY, {Action.ADD}),
            (Mode.UPSERT, {Action.ADD, Action.UPDATE}),
        ],
    )
    def test_by_the_mode(self, mode: Mode, expected: set[Action]) -> None:
        """Mode observe applies no change though the plan shows it; an orphan is never applied."""
        carried = {a for a in Action if withheld(Policy(mode=mode), a, Cause.SPEC_CHANGED) is None}

        assert expected == carried

    def test_is_drift_where_the_policy_reports_it(self) -> None:
        policy = Policy(mode=Mode.UPSERT, onDrift=OnDrift.REPORT)

        left = {why for why in Cause if withheld(policy, Action.UPDATE, why) is Withheld.ON_DRIFT}

        assert {Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED, Cause.CONFLICT, Cause.UNATTRIBUTED} == left

    def test_is_not_a_missing_entry_of_unknown_cause(self) -> None:
        """A missing entry of unknown cause is added, as that overwrites nothing."""
        policy = Policy(mode=Mode.UPSERT, onDrift=OnDrift.REPORT)

        assert withheld(policy, Action.ADD, Cause.UNATTRIBUTED) is None

    @pytest.mark.parametrize("why", list(Cause))
    def test_is_no_drift_otherwise(self, why: Cause) -> None:
        assert withheld(Policy(mode=Mode.UPSERT), Action.UPDATE, why) is None

    @pytest.mark.parametrize("why", list(Cause))
    @pytest.mark.parametrize("on_drift", list(OnDrift))
    def test_is_what_git_changed_until_a_person_applies(self, why: Cause, on_drift: OnDrift) -> None:
        """onChange: plan withholds every update but pure drift until a person applies it."""
        waiting = Policy(mode=Mode.UPSERT, onChange=OnChange.PLAN, onDrift=on_drift)
        free = waiting.model_copy(update={"on_change": OnChange.APPLY})
        reverted = why in (Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED)
        otherwise = withheld(free, Action.UPDATE, why)

        assert (otherwise or (None if reverted else Withheld.ON_CHANGE)) is withheld(
            waiting, Action.UPDATE, why
        )
        assert otherwise is withheld(waiting, Action.UPDATE, why, released=True)

    @pytest.mark.parametrize("why", list(Cause))
    def test_is_what_the_policy_allows_while_the_dataset_is_closed(self, why: Cause) -> None:
        """Another setting stays the reason: it holds when the dataset opens. A person opens nothing."""
        closed = Closure(ClosedBy.FREEZE, "sale", None)
        upsert, report = (Policy(mode=Mode.UPSERT, onDrift=on_drift) for on_drift in OnDrift)

        assert withheld(upsert, Action.UPDATE, why, released=True, closed=closed) is Withheld.FREEZE
        assert (withheld(report, Action.UPDATE, why) or Withheld.WINDOWS) is withheld(
            report, Action.UPDATE, why, closed=closed._replace(by=ClosedBy.WINDOWS)
        )

    @pytest.mark.parametrize("orphans", list(Orphans))
    def test_is_every_orphan_that_is_not_to_be_blanked(self, orphans: Orphans) -> None:
        reason = withheld(Policy(mode=Mode.UPSERT, orphans=orphans), Action.ORPHAN, Cause.ORPHAN)

        assert reason is (None if orphans is Orphans.BLANK else Withheld.ORPHANS)


class TestDatasetPlan:
    def test_is_applyable_if_something_would_be_written(self) -> None:
        assert planned(change("a")).applyable

    @pytest.mark.parametrize(
        "plan",
        [
            pytest.param(planned(), id="nothing-to-do"),
            pytest.param(planned(change("a"), mode=Mode.OBSERVE), id="observe"),
            pytest.param(replace(planned(change("a")), guards=(Guard("EMPTY", "m"),)), id="guarded"),
            pytest.param(planned(change("a", Action.ORPHAN, sent=None, why=Cause.ORPHAN)), id="orphan"),
        ],
    )
    def test_is_not_applyable_otherwise(self, plan: DatasetPlan) -> None:
        assert not plan.applyable

    def test_in_mode_observe_still_says_what_is_pending(self) -> None:
        assert planned(change("a"), mode=Mode.OBSERVE).pending
        assert not planned(change("a", Action.ORPHAN, sent=None, why=Cause.ORPHAN)).pending

    @pytest.mark.parametrize("why", [why for why in Cause if why is not Cause.ORPHAN])
    def test_a_withheld_change_is_pending_if_git_asks_for_it(self, why: Cause) -> None:
        """As in the detailed exit code of an apply."""
        item = replace(change("a", sent=None, why=why), withheld=Withheld.CREATE_ONLY)

        assert (why not in (Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED)) is planned(item).pending

    @pytest.mark.parametrize("why", [why for why in Cause if why is not Cause.ORPHAN])
    def test_has_drifted_if_aws_moved(self, why: Cause) -> None:
        plan = planned(change("a", why=why), change("b", why=Cause.SPEC_CHANGED))

        assert why.is_drift is plan.drifted

    def test_counts_nothing_unless_given(self) -> None:
        assert {0} == set(EntryCounts())

    def test_is_whole_and_without_error_unless_given(self) -> None:
        assert (True, 0) == (planned().complete, planned().exit_code)

    @pytest.mark.parametrize(
        ("complete", "exit_code", "desired", "expected"),
        [(True, 3, 0, True), (False, 0, 0, True), (False, 5, 1, True), (False, 3, 0, False)],
    )
    def test_was_computed_unless_nothing_at_all_was_known(
        self, complete: bool, exit_code: int, desired: int, expected: bool
    ) -> None:
        counts = EntryCounts(desired=desired)
        plan = replace(planned(), complete=complete, exit_code=exit_code, counts=counts)

        assert expected is plan.was_computed

    def test_unplanned_does_nothing_and_says_why(self) -> None:
        plan = unplanned("flowers", [PlanError("RKD0001", "no")], 3)

        assert not plan.applyable
        assert not plan.pending
        assert not plan.complete
        assert (3, (PlanError("RKD0001", "no"),)) == (plan.exit_code, plan.errors)

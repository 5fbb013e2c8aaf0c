"""Every desired entry is counted exactly once, in every document, under every policy and selection."""

from __future__ import annotations

import json
from contextlib import closing
from io import BytesIO
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import DatasetPlan, Plan
from reconciler.core.planning.withholding import ALL_CHANGES, KINDS, ChangeSelection
from reconciler.core.spec.choices import Compare, Mode, OnChange, OnDrift, Orphans
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import summary_of_cycle
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.dataset.context import Overrides
from reconciler.engine.dataset.make_plan import Planned
from reconciler.engine.dataset.observe_and_plan import observe_and_plan
from reconciler.engine.dataset.outcome import Outcome
from reconciler.engine.dataset.reconcile import apply
from reconciler.reports.registry import RenderOptions, render
from reconciler.reports.screen import PLAIN
from tests.builders import classified, ref
from tests.engine.conftest import Lab, make_lab

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: train}
spec: %s
"""
NAMES = "abcdefghijkl"
OTHER_DAY = "2031-01-01T00:00:00"
# A label, and whether the creation date differs: some policies ignore dates.
CONTENT = st.tuples(st.sampled_from(["rose", "tulip"]), st.booleans())
ENTRIES = st.dictionaries(st.sampled_from(NAMES), CONTENT, min_size=1)
POLICIES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(Mode),
        "onDrift": st.sampled_from(OnDrift),
        "onChange": st.sampled_from(OnChange),
        "orphans": st.sampled_from(Orphans),
        "compare": st.sampled_from(Compare),
        "freeze": st.sampled_from([None, None, {"until": "2999-12-31", "reason": "sale"}]),
    }
)
EXTRAS = st.fixed_dictionaries(
    {
        "protect": st.sampled_from([[], ["s3://b/a*"]]),
        "ignore": st.sampled_from([[], [{"paths": ["/*-metadata/creation-date"]}]]),
        "limits": st.sampled_from([{"maxChangeRatio": 1}, {"maxChangeRatio": 0.3}, {"maxChanges": 2}]),
    }
)
SELECTIONS = st.builds(
    ChangeSelection,
    kinds=st.lists(st.sampled_from(KINDS), max_size=3).map(tuple),
    labels=st.sampled_from([(), (), ("rose",), ("t*", "nothing")]),
    source_refs=st.sampled_from(
        [(), (), ("s3://b/a.jpg", "**/?.jpg"), ("s3://b/[a-f].jpg",), ("**b*", "**c*")]
    ),
)


def _line(name: str, label: str, other_day: bool) -> bytes:
    line = json.loads(classified(name, label))
    if other_day:
        line[f"{label}-metadata"]["creation-date"] = OTHER_DAY
    return json.dumps(line, separators=(",", ":")).encode()


def _write(lab: Lab, entries: dict[str, tuple[str, bool]], policy: dict[str, str], **extras: Any) -> None:
    lab.specs.mkdir(exist_ok=True)
    lines = (_line(name, *content) + b"\n" for name, content in sorted(entries.items()))
    (lab.specs / "train.jsonl").write_bytes(b"".join(lines))
    target = {"project": "flowers", "type": "TRAIN", "create": True}
    spec = {"target": target, "entries": [{"file": "train.jsonl"}], "policy": policy, **extras}
    (lab.specs / "train.yaml").write_text(SPEC % json.dumps(spec))


def _apply(lab: Lab, *, released: bool, selection: ChangeSelection = ALL_CHANGES) -> tuple[Planned, Outcome]:
    desired = lab.desired(Overrides(released=released, selection=selection))
    with closing(observe_and_plan(desired, lab.context, 60)) as seen:
        return seen, apply(desired, lab.context, seen)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    ENTRIES, st.dictionaries(st.sampled_from(NAMES + "xyz"), CONTENT), ENTRIES, POLICIES, EXTRAS, st.data()
)
def test_the_numbers_add_up_and_are_true(tmp_path_factory, before, moved, after, policy, extras, data):
    """Whatever changed or failed, under any policy and selection, no entry is lost or counted twice."""
    selection = data.draw(st.one_of(st.just(ALL_CHANGES), SELECTIONS), label="selection")
    poisoned = data.draw(st.sets(st.sampled_from(NAMES), max_size=2), label="poisoned")
    gone = data.draw(st.sets(st.sampled_from(NAMES), max_size=2), label="gone")
    released, forgets = data.draw(st.booleans(), label="released"), data.draw(st.booleans(), label="forgets")
    with make_lab(tmp_path_factory.mktemp("lab")) as lab:
        _write(lab, before, {"mode": "upsert"})
        _apply(lab, released=True)
        if moved:
            lab.emulator.console.put(lab.arn, *(json.loads(_line(n, *c)) for n, c in moved.items()))
        for name in sorted(gone & before.keys()):
            lab.emulator.console.remove_image(lab.arn, ref(name))
        if forgets:
            lab.forget_everything()
        if poisoned:
            lab.emulator.faults.add(Fault(kind=Kind.POISON, source_refs=frozenset(map(ref, poisoned))))
        _write(lab, after, policy, **extras)
        for _ in range(2):  # the second apply finds what failed in quarantine
            with closing(
                observe_and_plan(lab.desired(Overrides(released=released)), lab.context, 60)
            ) as whole:
                everything = whole.plan
            seen, outcome = _apply(lab, released=released, selection=selection)
            _hold_to_it(lab, seen, outcome)
            _hold_to_the_rest(lab, everything, seen.plan, outcome, released=released)


def _touched(plan: DatasetPlan) -> set[str]:
    """Return what an update could carry out, whether it is in quarantine or not."""
    return {item.source_ref for item in (*plan.sendable, *plan.quarantined)}


def _hold_to_the_rest(
    lab: Lab, everything: DatasetPlan, selected: DatasetPlan, outcome: Outcome, *, released: bool
) -> None:
    """A selection divides what a plan without it sends, and leaves exactly the other part to the next plan."""
    left = {item.source_ref for item in selected.changes if item.is_not_selected}
    assert _touched(everything) == _touched(selected) | left
    assert not _touched(selected) & left
    assert [item.source_ref for item in everything.changes] == [item.source_ref for item in selected.changes]

    with closing(observe_and_plan(lab.desired(Overrides(released=released)), lab.context, 60)) as after:
        assert left <= _touched(after.plan)
        if outcome.result.verdict in (Verdict.CONVERGED, Verdict.WITHHELD):
            assert left == _touched(after.plan)
    if left and selected.mode is not Mode.OBSERVE:
        assert outcome.result.verdict is not Verdict.CONVERGED
        assert outcome.result.detailed_exit_code != 0


def _hold_to_it(lab: Lab, seen: Planned, outcome: Outcome) -> None:
    result = outcome.result
    plan, applied = BytesIO(), BytesIO()
    plan.writelines(render("plan", "json", Plan((seen.plan,)), RenderOptions(PLAIN)))
    applied.writelines(render("apply", "json", [result], RenderOptions(PLAIN)))
    planned = json.loads(plan.getvalue())["datasets"][0]["counts"]
    (document,) = json.loads(applied.getvalue())["datasets"]
    counts = document["counts"] | document["entries"]
    summary = summary_of_cycle(seen.plan, result, outcome.after, None, {}).counts
    now = lab.plan().counts

    for numbers in (planned, summary):
        same = numbers["unchanged"] + numbers["ignored"]
        assert numbers["desired"] == same + numbers["add"] + numbers["update"]
        assert numbers["observed"] == same + numbers["update"] + numbers["orphan"]
        assert min(numbers.values()) >= 0
    left_out, planned_out = (one.pop("not_selected", 0) for one in (counts, planned))
    assert counts["withheld"] + left_out <= summary["add"] + summary["update"]
    assert planned_out <= planned["add"] + planned["update"]
    assert len(document["withheld"]) == counts["withheld"] == summary["withheld"]
    named = [e["source_ref"] for kind in ("quarantined", "dropped") for e in document[kind] if e["origin"]]
    on_purpose = counts["withheld"] + left_out
    assert counts["desired"] == counts["in_place"] + on_purpose + counts["blocked"] + len(named)
    assert not {entry["source_ref"] for entry in document["withheld"]} & set(named)

    # A new observation finds what was reported.
    assert (now.desired, now.unchanged + now.ignored) == (counts["desired"], counts["in_place"])
    assert now._asdict() == {key: summary[key] for key in now._fields}
    left = now.add + now.update
    assert (result.verdict is Verdict.CONVERGED) <= (left == 0)
    unblanked = any(item.is_not_selected and item.action is Action.ORPHAN for item in seen.plan.changes)
    assert (result.verdict is Verdict.WITHHELD) <= (left == on_purpose and (left > 0 or unblanked))
    assert (result.exit_code == 0) <= (left == on_purpose)

"""A registry as a controller has it after a while, stated by what a test is about."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.drift.report import DatasetDrift
from reconciler.core.moments import moment_or_none
from reconciler.core.spec.documents import Dataset
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary
from reconciler.core.validation.problem import Origin
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.views import DriftView
from reconciler.ports import LoadedDataset
from tests.reports.drift.builders import AT

REVISION = "4f1c2d3e5a6b7c8d9e0f1a2b3c4d5e6f70819203"
DENIED = FailureReason(Reason.DENIED, "AWS denies rekognition:ListDatasetEntries to this role")
AWAY = FailureReason(Reason.UNAVAILABLE, "AWS did not answer")


def registry(*states: DatasetState) -> Registry:
    """A registry whose source could be read, and whose clock stands at `AT`."""
    made = Registry("https://git.example/flowers.git", lambda: AT, lambda: 0.0)
    made.source_failure, made.fingerprint, made.revision = None, "x", REVISION
    made.states |= {dataset_state.name: dataset_state for dataset_state in states}
    return made


def dataset_state(
    name: str,
    verdict: Verdict | None = Verdict.CONVERGED,
    *,
    drift: Mapping[str, int] | None = None,
    before: tuple[int, ...] = (),
    failure: FailureReason | None = None,
    counts: Mapping[str, int] | None = None,
    report: DatasetDrift | None = None,
    **more: object,
) -> DatasetState:
    """
    A dataset after its last cycle.

    Args:
        before: How many images had drifted at each cycle before the last, every five minutes.
    """
    made = DatasetState(name, None, revision=REVISION, due=130.0)
    if verdict is None:
        made.judge(None, AT)
        return made
    made.attempted = made.applied = REVISION
    for number, drifted in enumerate((*before, sum((drift or {}).values()))):
        at = AT - 300.0 * (len(before) - number) - 40.0
        last = number == len(before)
        found = (drift or {}) if last else ({"box_moved": drifted} if drifted else {})
        result = verdict if last else Verdict.CONVERGED
        made.summary = Summary(
            result,
            {"observed": 1_204, "desired": 1_200, "unchanged": 1_190} | dict(counts or {}),
            found,
            pending=bool(found),
            left_out=last and verdict is Verdict.PARTIAL,
            failure=failure if last else None,
        )
        made.visited_at = at
        if result is not Verdict.UNKNOWN:
            made.observed_at, made.scanned_at, made.observation = at, at, "full"
        made.judge(None, at)
        line = {"verdict": result.value, "observation": "full", "revision": REVISION, "updates": 0}
        line |= {"found": 0, "set_back": 0}
        made.remember({"at": moment_or_none(at)} | line)
    if report is not None:
        made.drift_view = DriftView(report, len(report.items))
    for key, value in more.items():
        setattr(made, key, value)
    return made


def labelled(name: str, **labels: str) -> LoadedDataset:
    """A dataset whose spec has these labels."""
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Dataset",
        "metadata": {"name": name, "labels": labels},
        "spec": {"target": {"project": name, "type": "TRAIN"}, "entries": [{"file": "train.jsonl"}]},
    }
    return LoadedDataset(Dataset.model_validate(document), Origin("specs/dataset.yaml", 1), (), ())

"""The remedies for one drifted image: the exact command, or the exact lines to commit."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from reconciler.core.drift.report import DatasetDrift, DriftItem
from reconciler.core.spec.choices import DriftClass, Mode

_DAYS: Final = 30


class Remedy(NamedTuple):
    """
    One way out.

    Attributes:
        name: One word.
        effect: What it does, in one sentence.
        text: To be copied; empty where there is nothing to do.
    """

    name: str
    effect: str
    text: str


def remedies(
    item: DriftItem, dataset: DatasetDrift, path: str, flags: Sequence[str] = ()
) -> tuple[Remedy, ...]:
    """
    Return the ways out of one drifted image.

    Args:
        flags: What every command about these specs needs, as `Drift.flags`.
    """
    of = (path, *flags, "--dataset", dataset.name)
    if item.is_pending:
        return (_revert(item, dataset, of),)
    if item.classes == (DriftClass.ERRORED,):
        return (_FIX, *_ignore(item, dataset))
    return (_keep(item, of), _revert(item, dataset, of), *_ignore(item, dataset))


def ways(found: Sequence[Remedy]) -> str:
    """Name all ways out: ``Keep, revert or ignore``."""
    *others, last = (one.name.lower() for one in found)
    return f"{', '.join(others)}{' or ' if others else ''}{last}".capitalize()


_FIX: Final = Remedy("Fix", "AWS has what git desires, and cannot use it: correct it in git, then apply.", "")


def _keep(item: DriftItem, of: Sequence[str]) -> Remedy:
    words = ["reconciler", "propose", *of, "--source-ref", item.source_ref]
    command = f"{shlex.join([*words, '--patch', 'keep.patch'])} && git apply keep.patch"
    return Remedy("Keep", "Take what AWS holds into git, so that no work is lost.", command)


def _revert(item: DriftItem, dataset: DatasetDrift, of: Sequence[str]) -> Remedy:
    command = shlex.join(["reconciler", "apply", *of])
    if DriftClass.UNMANAGED in item.classes:
        text = "AWS cannot delete one entry: only a rebuild of the dataset takes it out (policy.orphans)."
        return Remedy("Revert", text, "")
    if item.is_pending:
        return Remedy("Apply", f"Send what git desires, with every other change of {dataset.name}.", command)
    effect = f"Send what git desires; this also sends every other change of {dataset.name}."
    if dataset.mode is Mode.OBSERVE:
        effect += " It writes nothing while policy.mode is observe."
    return Remedy("Revert", effect, command)


def _ignore(item: DriftItem, dataset: DatasetDrift) -> tuple[Remedy, ...]:
    """Return the document that acknowledges this image; nothing where it has been acknowledged."""
    if item.acknowledged is not None or dataset.observed_at is None:
        return ()
    until = datetime.fromtimestamp(dataset.observed_at, UTC).date() + timedelta(days=_DAYS)
    document = (
        "---",
        "apiVersion: reconciler/v1",
        "kind: Acknowledgement",
        f"dataset: {dataset.name}",
        f"match: {json.dumps(item.source_ref)}",
        f"classes: [{', '.join(item.classes)}]",
        f"until: {until.isoformat()}",
        "reason: to be given",
    )
    effect = "Commit this to the specs: the image stays in the report, and raises no alarm until that day."
    return (Remedy("Ignore", effect, "\n".join(document)),)

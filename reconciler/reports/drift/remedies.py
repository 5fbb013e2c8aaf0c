"""The remedies for drifted images: which apply to an image, and the commands for a selection of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from reconciler.core.drift.report import DatasetDrift, DriftItem
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import DriftClass, Mode

_DAYS: Final = 30

# What keeps an apply from reverting, and what to write instead.
_CONDITIONS: Final = {
    Withheld.ON_DRIFT: ("onDrift: report", "policy.onDrift: revert"),
    Withheld.CREATE_ONLY: ("mode: create-only", "policy.mode: upsert"),
}


class Remedy(StrEnum):
    """A way out of drift."""

    KEEP = "keep"
    REVERT = "revert"
    IGNORE = "ignore"


class RemedyCommand(NamedTuple):
    """
    A command line for any selection of images: ``--source-ref`` and an image, for each, go between its parts.

    Attributes:
        effect: What it does, in one sentence.
    """

    effect: str
    start: str
    end: str = ""


def remedies(item: DriftItem) -> tuple[Remedy, ...]:
    """Return the remedies for one image; none if an apply would leave it alone."""
    if item.is_pending:
        return (Remedy.REVERT,)
    found = {Remedy.KEEP, Remedy.REVERT, Remedy.IGNORE}
    if item.classes == (DriftClass.ERRORED,):  # both sides are equal: it is to be corrected in git
        found -= {Remedy.KEEP, Remedy.REVERT}
    if DriftClass.UNMANAGED in item.classes and (item.settled or item.withheld is not None):
        found.remove(Remedy.REVERT)  # AWS cannot delete one entry, and no policy lets an apply blank it
    if item.acknowledged is not None:
        found.remove(Remedy.IGNORE)
    return tuple(remedy for remedy in Remedy if remedy in found)


def hint(item: DriftItem) -> str:
    """Return why there is no command for what somebody would expect; empty if there is one."""
    if item.classes == (DriftClass.ERRORED,):
        return "AWS has what git desires, and cannot use it: correct it in git, then apply."
    if DriftClass.UNMANAGED in item.classes and item.settled:
        return "It is blank already, as policy.orphans asks: AWS cannot delete one entry."
    if DriftClass.UNMANAGED in item.classes and item.withheld is None:
        return "AWS cannot delete one entry: reverting takes its labels away (policy.orphans: blank)."
    if DriftClass.UNMANAGED in item.classes:
        return "AWS cannot delete one entry: only a rebuild of the dataset takes it out (policy.orphans)."
    return ""


def condition(item: DriftItem, dataset: DatasetDrift) -> str:
    """Return, as an order, the change in git without which no apply reverts an image; empty if none is needed."""
    found = _CONDITIONS.get(item.withheld) if item.withheld else None
    if found is None or Remedy.REVERT not in remedies(item):
        return ""
    place = f"{dataset.path.file}:{dataset.path.line}" if dataset.path else "its document"
    return f"set {found[1]} in {place}: while it says {found[0]}, an apply leaves the images as they are."


def keep(dataset: DatasetDrift, path: str, flags: Sequence[str] = ()) -> RemedyCommand:
    """
    Return the command that takes what AWS holds into git.

    Args:
        flags: What every command about these specs needs, as `Drift.flags`.
    """
    start = shlex.join(["reconciler", "propose", path, *flags, "--dataset", dataset.name])
    effect = "Takes what AWS holds into git, so that no work is lost."
    return RemedyCommand(effect, start, " --patch keep.patch && git apply keep.patch")


def revert(dataset: DatasetDrift, path: str, flags: Sequence[str] = ()) -> RemedyCommand:
    """Return the command that sends what git desires."""
    effect = "Sends what git desires for these images, and nothing else."
    if dataset.mode is Mode.OBSERVE:
        effect += " It writes nothing while policy.mode is observe."
    return RemedyCommand(effect, shlex.join(["reconciler", "apply", path, *flags, "--dataset", dataset.name]))


def last_day(dataset: DatasetDrift) -> str | None:
    """Return the day until which an acknowledgement from this report is valid; None if nothing was observed."""
    if dataset.observed_at is None:
        return None
    return (datetime.fromtimestamp(dataset.observed_at, UTC).date() + timedelta(days=_DAYS)).isoformat()

"""The words for causes and quarantine: the same in every report for people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.quarantine import QuarantineReason

CAUSES: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        Cause.SPEC_ADDED: "new in git",
        Cause.SPEC_CHANGED: "changed in git",
        Cause.DRIFT_MODIFIED: "changed in AWS since the last apply",
        Cause.DRIFT_REMOVED: "gone from AWS since the last apply",
        Cause.CONFLICT: "changed both in git and in AWS since the last apply",
        Cause.UNATTRIBUTED: "not known which side moved",
        Cause.ORPHAN: "not in the specs; AWS cannot delete one entry",
    }
)

QUARANTINE_REASONS: Final[Mapping[QuarantineReason, str]] = MappingProxyType(
    {
        QuarantineReason.ISOLATED: "an update with nothing else in it failed",
        QuarantineReason.UNRESOLVED_GROUP: "in the smallest group of lines whose update fails",
        QuarantineReason.DROPPED: "AWS accepts it, and then it is absent",
        QuarantineReason.REWRITTEN_BY_SERVICE: "it comes back different each time it is sent",
        QuarantineReason.FLAPPING: "another writer keeps changing it back",
    }
)

# Their reasons are ours, and end with the words that would settle it; the others quote the service at any length.
SETTLED_BY_WORDS: Final = frozenset({QuarantineReason.REWRITTEN_BY_SERVICE, QuarantineReason.FLAPPING})

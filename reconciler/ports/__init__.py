"""What the engine asks of the world: specs, AWS, memory, time. Doors provide it, and tests their own."""

from reconciler.ports.access import (
    Access,
    Identity,
)
from reconciler.ports.backups import (
    Backup,
    BackupHeader,
    Backups,
)
from reconciler.ports.gateway import (
    NO_STATS,
    Description,
    Gateway,
    Located,
    Phase,
    Stats,
)
from reconciler.ports.memory import (
    Begun,
    Journal,
    Kept,
    Memory,
    Observations,
    Quarantine,
    Sightings,
)
from reconciler.ports.rebuild import (
    Content,
    Objects,
    Rebuild,
    RebuildGateway,
    Rebuilds,
    Step,
)
from reconciler.ports.specs import (
    BrokenDataset,
    EntryFile,
    LoadedDataset,
    Source,
    SpecRevision,
    Specs,
    Tree,
    Witness,
)
from reconciler.ports.surroundings import (
    Clock,
    Lease,
    MonotonicClock,
    Progress,
    Silence,
    Span,
    Tracer,
    Untraced,
)

__all__ = [
    "NO_STATS",
    "Access",
    "Backup",
    "BackupHeader",
    "Backups",
    "Begun",
    "BrokenDataset",
    "Clock",
    "Content",
    "Description",
    "EntryFile",
    "Gateway",
    "Identity",
    "Journal",
    "Kept",
    "Lease",
    "LoadedDataset",
    "Located",
    "Memory",
    "MonotonicClock",
    "Objects",
    "Observations",
    "Phase",
    "Progress",
    "Quarantine",
    "Rebuild",
    "RebuildGateway",
    "Rebuilds",
    "Sightings",
    "Silence",
    "Source",
    "Span",
    "SpecRevision",
    "Specs",
    "Stats",
    "Step",
    "Tracer",
    "Tree",
    "Untraced",
    "Witness",
]

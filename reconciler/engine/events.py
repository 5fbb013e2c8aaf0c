"""The catalogue of log events: names are constant, facts are keys. `docs/logs.md` is rendered from it."""

from __future__ import annotations

from typing import Final, NamedTuple

from reconciler.core.spec.choices import DriftClass


class Event(NamedTuple):
    """
    One log event.

    Attributes:
        level: The most severe level it is logged at.
        keys: Its keys besides the common ones; a line may lack some.
    """

    level: str
    meaning: str
    keys: tuple[str, ...] = ()


COMMON: Final = {
    "timestamp": "When, in UTC.",
    "level": "debug, info, warning or error.",
    "event": "One of the names below.",
    "dataset": "metadata.name; absent where a line is about the whole process.",
    "dataset_arn": "The dataset in AWS, once it is known.",
    "revision": "Commit of the specs; null outside git.",
    "cycle_id": "Joins all lines of one cycle of one dataset.",
}

_CYCLE_KEYS: Final = (
    "verdict", "observation", "duration_seconds", "desired", "observed", "added", "updated", "updates",
    "drifted", "failures", "next_visit_seconds",
)  # fmt: skip

_PARTITION: Final = ("account", "region", "owner")

EVENTS: Final = {
    "apply.fenced": Event(
        "info", "Another replica owns the partition, or may soon: a cycle made no further call.", ("reason",)
    ),
    "aws.throttled": Event(
        "info", "AWS throttled a call after all attempts of the SDK; it is repeated.", ("delay_seconds",)
    ),
    "bisect.finished": Event(
        "info",
        "The lines that make an update fail are found: alone (convicted), or in groups (parked).",
        ("convicted", "parked", "updates"),
    ),
    "bisect.started": Event(
        "info", "An update failed; the search for the lines that cause it begins.", ("entries",)
    ),
    "condition.changed": Event(
        "info", "A condition of a dataset changed its status.", ("type", "status", "reason", "message")
    ),
    "cycle.failed": Event("error", "A cycle of the controller for one dataset failed.", ("error", "reason")),
    "cycle.finished": Event(
        "info",
        "A cycle ended, however it went: exactly one line a cycle and dataset. Its verdict is `interrupted` "
        "if the process was asked to stop.",
        _CYCLE_KEYS,
    ),
    "cycle.started": Event("debug", "A cycle began."),
    "dataset.failed": Event(
        "warning", "A command failed for one dataset; its report holds the same reason.", ("error", "reason")
    ),
    "dataset.resumed": Event(
        "info", "A suspended dataset is applied to again: by request, or as its suspension ended.", ("expired",)
    ),
    "dataset.suspended": Event(
        "info",
        "A person suspended applying to a dataset, which is still observed; `until` is null without an end.",
        ("reason", "since", "until"),
    ),
    "drift.cleared": Event("info", "All drift is gone."),
    "drift.detected": Event(
        "warning",
        "Entries drifted from what was applied; the keys count them by class.",
        tuple(DriftClass),
    ),
    "entry.dropped": Event(
        "warning", "The service accepted an entry, and then it was absent.", ("source_ref", "origin")
    ),
    "entry.quarantined": Event(
        "warning", "An entry was quarantined: it is not sent for now.", ("kind", "rounds", "source_ref")
    ),
    "entry.rejected": Event(
        "warning", "The service holds an entry with an error list.", ("source_ref", "codes")
    ),
    "entry.released": Event("info", "An entry is sent again.", ("source_ref",)),
    "event.foreign": Event(
        "info",
        "The queue of events tells that another principal called an operation that changes entries; the dataset "
        "is observed `due_seconds` from now.",
        ("operation", "principal", "principal_kind", "address_class", "delay_seconds", "due_seconds"),
    ),
    "event.ignored": Event(
        "debug",
        "A message of the queue of events is own, repeated, irrelevant, or postponed: then it comes again.",
        ("outcome",),
    ),
    "event.unreadable": Event(
        "warning", "A message of the queue of events is no record of CloudTrail, and was deleted.", ("reason",)
    ),
    "events.listening": Event("info", "The queue of events can be read, for the first time or again.", ("queue",)),
    "events.unavailable": Event(
        "warning",
        "The queue of events cannot be read. That is tried again; meanwhile changes are found by the schedule.",
        ("queue", "error", "reason"),
    ),
    "guard.tripped": Event("warning", "A guard blocks a plan.", ("code", "reason")),
    "lease.unreleased": Event(
        "warning",
        "The leases could not be released: other replicas take over once they have expired.",
        ("error", "reason"),
    ),
    "manifest.download": Event(
        "info", "Entries that a spec keeps in S3 are read from there, as they are not kept yet.", ("source",)
    ),
    "notify.dropped": Event(
        "warning",
        "Messages to a notification channel are given up: it refused them, too many wait, or they are a day old.",
        ("channel", "messages", "reason"),
    ),
    "notify.failing": Event(
        "warning",
        "A notification channel, or the git host, does not accept messages: logged once until it does again; the "
        "messages wait.",
        ("channel", "reason"),
    ),
    "notify.recovered": Event(
        "info", "The channel accepts messages again, after so many failures.", ("channel", "failures")
    ),
    "observe.fingerprint": Event(
        "info", "DescribeDataset was compared with the last complete observation (debug: unchanged).", ("moved",)
    ),
    "observe.finished": Event(
        "info",
        "Every entry of a dataset is known in one state: all were listed, or those `read` that memory left open.",
        ("entries", "read"),
    ),
    "observe.incomplete": Event(
        "warning",
        "AWS counts other entries than it lists, and a second listing was no better, or it gives no count; "
        "entries that seemed to be missing were asked for one by one, and so many of them found.",
        ("counted", "listed", "asked", "found"),
    ),
    "observe.restarted": Event(
        "info", "A listing became invalid half-way, and starts again.", ("reason", "delay_seconds")
    ),
    "partition.acquired": Event(
        "info", "This replica owns the datasets of an account and Region from now on.", _PARTITION
    ),
    "partition.lost": Event("info", "A lease expired, or another replica took it.", _PARTITION),
    "partition.released": Event("info", "A partition is handed over to another replica.", _PARTITION),
    "partition.unknown": Event(
        "warning", "STS did not say whose account the credentials are; it is asked again.", ("error", "reason")
    ),
    "plan.blocked": Event("warning", "Nothing is sent, because of guards.", ("guards",)),
    "plan.computed": Event(
        "info",
        "What an apply would do, in entries; batches are updates.",
        ("desired", "observed", "add", "update", "orphan", "unchanged", "ignored", "batches"),
    ),
    "plan.images": Event(
        "warning", "Images of a plan are missing or cannot be used; problems by code.", ("images", "codes")
    ),
    "plan.superseded": Event(
        "info",
        "A newer commit takes over what is still to be sent: with `replans` it is planned for at once, with what "
        "was observed; with `reason` the next cycle does so.",
        ("replans", "reason"),
    ),
    "process.started": Event("info", "The process serves.", ("version", "source", "listening")),
    "process.stopped": Event(
        "info", "Everything is on the disk; not clean if a call still hangs in the network.", ("clean",)
    ),
    "process.stopping": Event("info", "Asked to stop: no new update is sent."),
    "request.refused": Event(
        "warning",
        "An HTTP request was turned away: 400 without a usable body, 401 without a valid secret, 404 for no such "
        "dataset, 413 too large, 421 under a name that is not the listener's, 503 if it could not be stored.",
        ("method", "path", "status", "reason", "client"),
    ),
    "source.notice": Event(
        "warning",
        "The specs were read, and something about their source is not as it should be, such as a name that is "
        "both a branch and a tag, or a revision that is not known.",
        ("source", "reason"),
    ),
    "source.stale": Event(
        "warning",
        "The specs can be read, and nothing has confirmed for too long that they are the newest.",
        ("source", "reason", "last_good"),
    ),
    "source.unavailable": Event(
        "warning",
        "The specs cannot be read; the last good revision stays in use.",
        ("source", "reason", "failures", "last_good"),
    ),
    "source.updated": Event(
        "info",
        "Other specs were read; datasets that are gone from them are left alone.",
        ("source", "datasets", "broken", "removed", "left_alone"),
    ),
    "spec.invalid": Event(
        "warning", "Something in the specs cannot be used; the first place.", ("problems", "first", "code")
    ),
    "spec.skipped": Event(
        "debug", "A YAML file, or a document in one, belongs to another program and is not read.", ("place",)
    ),
    "spec.unmatched": Event(
        "warning",
        "A pattern of `protect`, `ignore` or an acknowledgement matches no entry, neither desired nor observed, "
        "or a path of `ignore` matches no field of any.",
        ("place", "reason"),
    ),
    "update.awaited": Event(
        "info",
        "An update of an earlier process may still arrive; the dataset is watched, for 90 s at most.",
        ("entries",),
    ),
    "state.damaged": Event(
        "warning", "The state file could not be used and was put aside: everything is observed again.", ("reason",)
    ),
    "status.unpublished": Event(
        "warning", "The status objects could not be written; that is tried again.", ("error", "reason")
    ),
    "status.unsaved": Event(
        "warning",
        "The status of a dataset, or what was reported, could not be stored for the next start; the cycle itself "
        "is done.",
        ("reason",),
    ),
    "update.failed": Event(
        "warning", "An update ended as failed.", ("code", "entries", "tries")
    ),
    "update.finished": Event(
        "info", "The service reported the end of an update without an error.", ("entries", "bytes")
    ),
    "update.resumed": Event(
        "info",
        "An update of before, or one whose answer was lost, was found in the dataset.",
        ("entries", "same_dataset", "error", "phase"),
    ),
    "update.submitted": Event(
        "info", "UpdateDatasetEntries was called, and not refused.", ("entries", "bytes")
    ),
    "verify.finished": Event(
        "info", "What was sent was read back: so many entries are in place.", ("in_place", "sent")
    ),
}  # fmt: skip

_HEADER: Final = """\
# Logs

Structured logs on stderr: JSON unless stderr is a terminal. Names are constant, facts are keys, units are in
the names of keys. No entry content, credential or presigned URL is logged.

This page is rendered by `reconciler/engine/events.py`.

## Keys of every line

| key | what it holds |
|---|---|
"""


def page() -> str:
    """Render `docs/logs.md`."""
    common = "".join(f"| `{key}` | {meaning} |\n" for key, meaning in COMMON.items())
    rows = "".join(
        f"| `{name}` | {event.level} | {event.meaning} | {', '.join(f'`{key}`' for key in event.keys)} |\n"
        for name, event in sorted(EVENTS.items())
    )
    return (
        f"{_HEADER}{common}\n## Events\n\n| event | level | what it means | keys |\n|---|---|---|---|\n{rows}"
    )

"""The words for drift: the same in every rendering for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from reconciler.core.drift.report import DatasetDrift, DriftItem, DriftVerdict
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.plan.words import CAUSES
from reconciler.reports.sentences import DRIFTED, DUE, ImageEvent, contents, field_name, image_events
from reconciler.reports.visible import counted, visible

CLASSES: Final[Mapping[DriftClass, str]] = MappingProxyType(
    {
        DriftClass.ERRORED: "marked with errors",
        DriftClass.MISSING: "missing in AWS",
        DriftClass.RELABELLED: "relabelled",
        DriftClass.BOX_REMOVED: "box removed",
        DriftClass.BOX_ADDED: "box added",
        DriftClass.BOX_MOVED: "box moved",
        DriftClass.UNMANAGED: "not in git",
        DriftClass.METADATA_ONLY: "metadata only",
    }
)

SHORT_CLASSES: Final[Mapping[DriftClass, str]] = MappingProxyType(
    {
        DriftClass.ERRORED: "errors",
        DriftClass.MISSING: "missing",
        DriftClass.RELABELLED: "relabelled",
        DriftClass.BOX_REMOVED: "removed",
        DriftClass.BOX_ADDED: "added",
        DriftClass.BOX_MOVED: "moved",
        DriftClass.UNMANAGED: "not in git",
        DriftClass.METADATA_ONLY: "metadata",
    }
)
"""The classes where there is little room."""

CALLERS: Final = "Calls of others since the dataset was last seen without drift:"

VERDICTS: Final[Mapping[DriftVerdict, str]] = MappingProxyType(
    {
        DriftVerdict.IN_SYNC: "in sync",
        DriftVerdict.DRIFTED: "drifted",
        DriftVerdict.PENDING: "apply pending",
        DriftVerdict.UNKNOWN: "unknown",
    }
)


# Not strftime's %b: that depends on the locale.
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


# Fields that are named where labels and boxes are the same.
_FIELDS: Final = 3


def events(item: DriftItem) -> Iterator[ImageEvent]:
    """
    Yield what happened to one image, in sentences, the gravest first.

    Drift is reported from git to AWS. Where git alone changed, it is the other way round: what an apply will do.
    """
    seen = item.view
    if seen is None:
        yield from (ImageEvent(kind, CLASSES[kind].capitalize()) for kind in item.classes)
        return
    if DriftClass.MISSING in item.classes:
        yield ImageEvent(DriftClass.MISSING, "Git desires this image; AWS does not hold it", contents(seen))
    elif DriftClass.UNMANAGED in item.classes:
        yield ImageEvent(DriftClass.UNMANAGED, "AWS holds this image; git does not know it", contents(seen))
    elif item.is_pending:
        yield from image_events(seen.turned, DUE)
    else:
        yield from image_events(seen, DRIFTED)
    if DriftClass.METADATA_ONLY in item.classes:
        yield ImageEvent(
            DriftClass.METADATA_ONLY, "Labels and boxes are the same; other fields differ", _fields(item)
        )
    if item.codes:
        yield ImageEvent(DriftClass.ERRORED, "AWS marks this image with errors", ", ".join(item.codes))


def one_line(item: DriftItem) -> str:
    """Return what happened to one image, visible and on one line."""
    return visible("; ".join(map(str, events(item))))


def cause(item: DriftItem) -> str:
    """Return which side changed; neither did for an image that differs by its errors alone."""
    if item.classes == (DriftClass.ERRORED,):
        return "otherwise as desired"
    return CAUSES[item.cause]


def headline(drift: DatasetDrift) -> str:
    """Return the verdict on a dataset in one sentence."""
    pending = drift.pending
    match drift.verdict:
        case DriftVerdict.IN_SYNC:
            place = counted(drift.coverage.desired, "image is", "images are")
            blank = f"{counted(drift.settled, 'orphan that is', 'orphans that are')} blank, as policy.orphans asks"
            others = "AWS holds no others" if drift.gap is None else "AWS shows no others"
            return f"{place} as git desires, and {others}{f' but {blank}' if drift.settled else ''}."
        case DriftVerdict.UNKNOWN:
            if drift.observed is None:
                return "Unknown: this dataset could not be observed completely."
            return "Unknown: not every line of the specs can be used, and no drift is certain without them."
        case DriftVerdict.PENDING:
            waiting = f"Only git changed: {counted(pending, 'image waits', 'images wait')} for an apply"
            return waiting + ("." if drift.complete else ", besides lines of the specs that cannot be used.")
    more = f" {counted(pending, 'more waits', 'more wait')} for an apply." if pending else ""
    known = f" {counted(drift.acknowledged, 'is', 'are')} acknowledged." if drift.acknowledged else ""
    return _drifted(drift) + known + more


def _drifted(drift: DatasetDrift) -> str:
    """Return how many images changed, of how many, and how many more git does not know."""
    strays = drift.strays
    number, observed = drift.drifted - strays, drift.coverage.observed
    all_images = max(observed, drift.drifted)
    of = f" of {all_images:,}" if observed else ""
    noun = "image" if all_images == 1 else "images"
    if not number:
        return f"{strays:,}{of} {noun} {'is' if strays == 1 else 'are'} in AWS, but not in git."
    more = f"; {strays:,} more {'is' if strays == 1 else 'are'} not in git" if strays else ""
    kinds = {item.classes for item in drift.items if not (item.is_pending or item.settled)}
    if kinds - {(DriftClass.UNMANAGED,)} == {(DriftClass.ERRORED,)}:
        return f"AWS marks {number:,}{of} {noun} with errors{more}."
    if drift.attributed:
        return f"{number:,}{of} {noun} changed in AWS, outside git{more}."
    verb = "differs" if number == 1 else "differ"
    unattributed = "Nothing was applied with this state directory, so it is unknown which side changed."
    return f"{number:,}{of} {noun} {verb} from git{more}. {unattributed}"


def day(seconds: float) -> str:
    """Return a moment as people write it, in UTC: ``23 Nov 2026, 12:00 UTC``."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def callers(drift: DatasetDrift) -> Iterator[str]:
    """Yield a line for each call that may have caused the drift, the newest first."""
    for call in drift.foreign_calls:
        yield f"{day(call.at)}: {call.text}"


def age(item: DriftItem, now: float | None) -> str:
    """Return since when an image has drifted, and how often it did; empty where that is not known."""
    if item.since is None or now is None:
        return ""
    often = f", for the {_ordinal(item.times)} time" if item.times > 1 else ""
    seconds = max(now - item.since, 0.0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return f"since {counted(int(seconds // size), unit)}{often}"
    return f"first seen now{often}"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def _fields(item: DriftItem) -> str:
    """Name the first fields that differ."""
    paths = [field_name(field.path) for field in item.fields]
    left = len(paths) - _FIELDS
    return ", ".join(paths[:_FIELDS] + ([f"{left:,} more"] if left > 0 else []))

"""The sentences about what changes in one image: the same in plans, explanations, drift, diffs and comments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from reconciler.core.entries.boxes import BoxPair
from reconciler.core.entries.entry import CLASSIFICATION, DETECTION, METADATA
from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import ImageView
from reconciler.core.entries.training_view import TrainingBox
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.visible import counted

_EDGES: Final = ("left", "top", "width", "height")


class ImageEvent(NamedTuple):
    """
    One thing that happened to an image, or will happen to it.

    Attributes:
        detail: Figures; may be empty.
    """

    kind: DriftClass
    text: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.detail})" if self.detail else self.text


class Verbs(NamedTuple):
    """The verbs for what happens to a label or a box."""

    became: str
    removed: str
    added: str
    moved: str


# Changes in AWS have happened; changes in git are still due.
DRIFTED: Final = Verbs("became", "was removed", "was added", "moved")
DUE: Final = Verbs("will become", "will be removed", "will be added", "will move")


class Changes(NamedTuple):
    """
    What changes in one image.

    Attributes:
        events: What a sentence tells.
        fields: The other fields that differ, to be shown by `field_name` with both values.
    """

    events: tuple[ImageEvent, ...]
    fields: tuple[FieldChange, ...]


def due_changes(fields: Sequence[FieldChange], seen: ImageView | None = None) -> Changes:
    """
    Return the changes that an update will make in an image.

    Args:
        fields: All fields that differ.
        seen: Both sides of the image, as `ImageView` has them; without it, boxes are named by their numbers.
    """
    return changes(fields, seen.turned if seen else None, DUE)


def changes(fields: Sequence[FieldChange], seen: ImageView | None, verbs: Verbs) -> Changes:
    """Return the changes of an image from the desired to the observed side of *seen*."""
    events = tuple(image_events(seen, verbs) if seen else _events_of_fields(fields, verbs))
    if not events:
        return Changes((), tuple(fields))
    labels = seen.labels if seen else None
    whole = {field.path for field in fields if _is_whole_box(_steps(field.path))}
    whole |= {f"/{attribute}" for attribute, _ in _whole_attributes(fields, seen)}
    return Changes(events, tuple(field for field in fields if not _is_covered(field, labels, whole)))


def image_events(seen: ImageView, verbs: Verbs) -> Iterator[ImageEvent]:
    """Yield what happened to the labels and boxes of an image, from its desired side to the observed one."""
    yield from _labels(seen, verbs)
    yield from (event for pair in seen.boxes if (event := _box(pair, verbs)))


def moved(before: TrainingBox, after: TrainingBox) -> str:
    """Return how a box moved, in pixels: ``5 px right, 2 px down, 4 px wider``."""
    by = (after.left - before.left, after.top - before.top)
    return _moves((*by, after.width - before.width, after.height - before.height))


def overlap(iou: float) -> str:
    """Return an IoU to two digits; what is not whole never reads as 1.00, nor what is something as 0.00."""
    return f"{min(max(iou, 0.01), 0.99):.2f}" if 0 < iou < 1 else f"{iou:.2f}"


def contents(seen: ImageView) -> str:
    """Return the labels of an image that is on one side only."""
    side = seen.desired or seen.observed
    if side is None or not (side.labels or side.boxes):
        return "no labels"
    parts = [names(side.labels)] if side.labels else []
    if side.boxes:
        labels = sorted({box.label for box in side.boxes})
        parts.append(f"{counted(len(side.boxes), 'box', 'boxes')}: {names(labels)}")
    return "; ".join(parts)


def names(labels: Sequence[str]) -> str:
    return ", ".join(map(_name, labels))


def field_name(path: str) -> str:
    """
    Return the name of a field for people: ``confidence of box 1 of “bounding-box”``.

    Args:
        path: A JSON Pointer into an entry.
    """
    steps = _steps(path)
    if not steps:
        return "the whole line"
    match steps:
        case [attribute, "annotations" | "objects", number, *rest] if number.isdecimal():
            inner = [*reversed(rest), f"box {int(number) + 1}"]
        case [attribute, "image_size", _, side]:
            inner = [f"{side} of the image"]
        case [attribute, "class-map", number]:
            inner = [f"class {number}"]
        case [attribute]:
            return _name(attribute)
        case [attribute, *rest]:
            inner = [f"item {int(step) + 1}" if step.isdecimal() else step for step in reversed(rest)]
    return " of ".join([*inner, _name(attribute.removesuffix(METADATA))])


def setting_name(path: str) -> str:
    """Return the name of a setting as a spec nests it: ``policy.mode``."""
    return ".".join(_steps(path)).removeprefix("spec.")


def _labels(seen: ImageView, verbs: Verbs) -> Iterator[ImageEvent]:
    lost, gained = seen.labels_lost, seen.labels_gained
    if lost and gained:
        text = f"{names(lost)} {verbs.became} {names(gained)}"
    elif lost:
        text = f"{names(lost)} {verbs.removed}"
    elif gained:
        text = f"{names(gained)} {verbs.added}"
    else:
        return
    yield ImageEvent(DriftClass.RELABELLED, text)


def _box(pair: BoxPair, verbs: Verbs) -> ImageEvent | None:
    match pair.desired, pair.observed:
        case TrainingBox() as before, None:
            return ImageEvent(
                DriftClass.BOX_REMOVED, f"Box {_name(before.label)} {verbs.removed}", _place(before)
            )
        case None, TrainingBox() as after:
            return ImageEvent(DriftClass.BOX_ADDED, f"Box {_name(after.label)} {verbs.added}", _place(after))
        case TrainingBox() as before, TrainingBox() as after if not pair.is_same:
            where = f"{moved(before, after)}; IoU {overlap(pair.iou or 0.0)}" if pair.is_moved else ""
            if pair.is_relabelled:
                text = f"Box {_name(before.label)} {verbs.became} {_name(after.label)}"
                return ImageEvent(DriftClass.RELABELLED, text, where)
            return ImageEvent(DriftClass.BOX_MOVED, f"Box {_name(before.label)} {verbs.moved}", where)
    return None


def _events_of_fields(fields: Sequence[FieldChange], verbs: Verbs) -> Iterator[ImageEvent]:
    """Yield what fields alone tell of boxes and labels, where both whole sides are not at hand."""
    shifts: dict[str, dict[str, float]] = {}
    for _, field in _whole_attributes(fields, None):
        label, verb = (field.after, verbs.added) if field.before is None else (field.before, verbs.removed)
        yield ImageEvent(DriftClass.RELABELLED, f"{_name(label['class-name'])} {verb}")
    for field in fields:
        match _steps(field.path):
            case [_, "annotations", _, edge] if edge in _EDGES and _are_numbers(field.before, field.after):
                place = field.path.rpartition("/")[0]
                shifts.setdefault(place, {})[edge] = field.after - field.before
            case [_, "annotations", _] if (field.before is None) != (field.after is None):
                yield _whole_box(field, verbs)
            case [_, "class-name"] if isinstance(field.before, str) and isinstance(field.after, str):
                text = f"{_name(field.before)} {verbs.became} {_name(field.after)}"
                yield ImageEvent(DriftClass.RELABELLED, text)
    for place, by in shifts.items():
        name = field_name(place)
        text = f"{name[:1].upper()}{name[1:]} {verbs.moved}"
        yield ImageEvent(DriftClass.BOX_MOVED, text, _moves([by.get(edge, 0) for edge in _EDGES]))


def _whole_box(field: FieldChange, verbs: Verbs) -> ImageEvent:
    attribute = _name(_steps(field.path)[0])
    kind = DriftClass.BOX_ADDED if field.before is None else DriftClass.BOX_REMOVED
    verb = verbs.added if field.before is None else verbs.removed
    box: Any = field.after if field.before is None else field.before
    edges = [box.get(edge) for edge in _EDGES] if isinstance(box, Mapping) else [None]
    place = _place(TrainingBox("", *edges)) if _are_numbers(*edges) else ""
    return ImageEvent(kind, f"A box of {attribute} {verb}", place)


def _whole_attributes(
    fields: Sequence[FieldChange], seen: ImageView | None
) -> Iterator[tuple[str, FieldChange]]:
    """Yield each attribute that comes or goes with its labels, and its metadata."""
    for field in fields:
        metadata = field.after if field.before is None else field.before
        attribute = field.path[1:].removesuffix(METADATA)
        is_whole = (
            "/" not in attribute and field.path.endswith(METADATA) and None in (field.before, field.after)
        )
        if not is_whole or not isinstance(metadata, Mapping):
            continue
        label = metadata.get("class-name")
        if metadata.get("type") == CLASSIFICATION and isinstance(label, str):
            if seen is None or label in (*seen.labels_lost, *seen.labels_gained):
                yield attribute, field
        elif metadata.get("type") == DETECTION and seen and not all(pair.is_same for pair in seen.boxes):
            yield attribute, field


def _is_covered(field: FieldChange, labels: Collection[str] | None, whole: Collection[str]) -> bool:
    """
    Return whether the events say what a field says.

    Args:
        labels: All labels of the image; None if only fields are known.
        whole: Paths of boxes and of attributes that come or go.
    """
    match _steps(field.path):
        case [_]:
            return field.path.removesuffix(METADATA) in whole
        case [_, "annotations"]:
            return labels is not None
        case [_, "annotations", _]:
            return True
        case [_, "annotations", _, key]:
            return key in _EDGES or (key == "class_id" and labels is not None)
        case [attribute, "objects", _ as number]:  # the confidence of a box that comes or goes
            return f"/{attribute.removesuffix(METADATA)}/annotations/{number}" in whole
        case [_, "class-name"]:
            return isinstance(field.before, str) and isinstance(field.after, str)
        case [_, "class-map", _]:
            names = [side for side in (field.before, field.after) if isinstance(side, str)]
            return labels is not None and all(name in labels for name in names)
    return False


def _is_whole_box(steps: Sequence[str]) -> bool:
    return len(steps) == 3 and steps[1] == "annotations"


def _moves(by: Sequence[float]) -> str:
    ways = (("right", "left"), ("down", "up"), ("wider", "narrower"), ("taller", "shorter"))
    return ", ".join(
        f"{abs(pixels):g} px {more if pixels > 0 else less}"
        for pixels, (more, less) in zip(by, ways, strict=True)
        if pixels
    )


def _place(box: TrainingBox) -> str:
    return f"{box.width:g} by {box.height:g} px at {box.left:g}, {box.top:g}"


def _name(label: str) -> str:
    return f"“{label}”"


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _steps(path: str) -> list[str]:
    """Return the steps of a JSON Pointer (RFC 6901)."""
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]

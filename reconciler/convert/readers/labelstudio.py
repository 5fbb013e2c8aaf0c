"""
Label Studio: the exports JSON and JSON-MIN, an array with an object for each task or annotation (labelstud.io).

A task whose annotation holds nothing is an image without objects; a task without an annotation is unlabelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from reconciler.convert.geometry import (
    cornered,
    enclosing,
    not_upright,
    number,
    rounded,
    scaled,
    sides,
    turned,
    unusable_shape,
)
from reconciler.convert.images import is_image
from reconciler.convert.parsing.json_records import Record, elements, mapping_of, moment
from reconciler.convert.parsing.splits import resolve_missing_boxes, split_off_problems
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import LabelledImage, Notes, Options, Read, Rectangle, display, text_of, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem

_LOCAL_FILES: Final = "/data/local-files/?d="
_OWN: Final = frozenset(
    {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "sentiment"}
)
_CORNER: Final = ("x", "y", "width", "height")
_ELLIPSE: Final = ("x", "y", "radiusX", "radiusY")
_CHOICES: Final = "choices"
_HUNDREDTH: Final = Decimal("0.01")


def read_labelstudio(path: Path, options: Options) -> Iterator[Read]:
    """Read one file."""
    notes = Notes("images")
    records = elements(text_of(path), display(path))
    images = yield from split_off_problems(_image(record, options, notes) for record in records)
    yield from notes.problems()
    yield from resolve_missing_boxes(images)


INPUT: Final = InputFormat(
    read_labelstudio,
    element_keys=("data annotations", "data completions", "image annotation_id", "image annotator lead_time"),
)


def _image(record: Record, options: Options, notes: Notes) -> LabelledImage | Problem:
    task = mapping_of(record.value)
    read = _task if "data" in task else _flat
    return read(task, record.origin, options, notes)


def _task(task: Mapping[str, Any], origin: Origin, options: Options, notes: Notes) -> LabelledImage | Problem:
    """Read a task of JSON; of several annotations, the one that is marked as ground truth."""
    key = _image_key(task["data"])
    found = task.get("annotations", task.get("completions", []))
    if key is None or not isinstance(found, list):
        message = "the task must have the address of one image in its data, and a list of annotations"
        return wrong(codes.BAD_RECORD, message, origin)
    image = LabelledImage(_name(task["data"][key]), origin)
    kept = [item for item in found if isinstance(item, dict) and not item.get("was_cancelled")]
    chosen = [item for item in kept if item.get("ground_truth") is True] or kept
    if not chosen:
        if task.get("predictions"):
            notes.add("predictions are not labels: left out", origin)
        return image
    results = chosen[0].get("result")
    if len(chosen) > 1 and any(item.get("result") != results for item in chosen):
        message = f"the task has {len(chosen)} annotations: mark the one that counts as ground truth"
        return wrong(codes.BAD_RECORD, message, origin)
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        return wrong(codes.BAD_RECORD, "the annotation must have a list of results", origin)
    return _dated(_labelled(image, results, options, notes), chosen[0])


def _flat(task: Mapping[str, Any], origin: Origin, options: Options, notes: Notes) -> LabelledImage | Problem:
    """Read an object of JSON-MIN, where values of the task and results of one annotation stand side by side."""
    key = _image_key(task)
    if key is None or not task.keys() & _OWN:
        message = (
            "an object must have data and annotations, or be one of JSON-MIN with the address of an image"
        )
        return wrong(codes.BAD_RECORD, message, origin)
    image = LabelledImage(_name(task[key]), origin)
    values = {name: value for name, value in task.items() if name not in _OWN and name != key}
    regions = [item for value in values.values() if isinstance(value, list) for item in value]
    if not all(isinstance(item, dict) for item in regions):
        return wrong(codes.BAD_RECORD, "a list must hold regions", origin)
    results = [_restored(item) for item in regions]
    texts = {
        name: choices
        for name, value in values.items()
        if (choices := _choices(value))
        and (name in options.attributes or not (options.attributes or regions))
    }
    if len(texts) > 1 and not options.attributes:
        names = ", ".join(f"“{name}”" for name in texts)[:120]
        message = f"the key of the label is not clear (there are: {names}): name it with --attribute"
        return wrong(codes.NO_CLASS, message, origin)
    results += [{"type": "choices", "value": {"choices": choices}} for choices in texts.values()]
    return _dated(_labelled(image, results, options, notes), task)


def _restored(region: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a region of JSON-MIN as a result of JSON."""
    kind = next((key for key in region if key.endswith("labels")), "labels")
    return {**region, "type": kind, "value": region}


def _choices(value: object) -> list[str]:
    if isinstance(value, dict):
        value = value.get("choices")
    found = value if isinstance(value, list) else [value]
    texts = [item for item in found if isinstance(item, str) and item]
    return texts if len(texts) == len(found) else []


def _dated(image: LabelledImage, annotation: Mapping[str, Any]) -> LabelledImage:
    created = annotation.get("created_at")
    return replace(image, created_at=moment(created) if isinstance(created, str) else None)


def _image_key(data: object) -> str | None:
    """Return the key of the only value that is the address of an image; of several, that called image."""
    values = data if isinstance(data, dict) else {}
    found = [key for key, value in values.items() if isinstance(value, str) and is_image(_name(value))]
    if len(found) == 1:
        return str(found[0])
    return "image" if isinstance(values.get("image"), str) and values["image"] else None


def _name(address: str) -> str:
    """Return the name of an image: its path in the directory that Label Studio serves, or a URL without query."""
    if address.startswith(_LOCAL_FILES):
        return unquote(address.removeprefix(_LOCAL_FILES))
    return address.partition("?")[0] if address.startswith(("http://", "https://")) else address


def _labelled(
    image: LabelledImage, results: Sequence[Mapping[str, Any]], options: Options, notes: Notes
) -> LabelledImage:
    """Return an annotated image with its boxes, as fractions if no result states the size of the image."""
    stated = (sides(result.get("original_width"), result.get("original_height")) for result in results)
    sizes = set(filter(None, stated))
    size = next(iter(sizes)) if len(sizes) == 1 else None
    found = list(_found(results, image, size, options, notes))
    if len(sizes) > 1:
        found.append(wrong(codes.BAD_RECORD, "the results state several sizes of the image", image.origin))
    if any(number(result.get("image_rotation") or 0) != 0 for result in results):
        message = "the image was turned in the editor (image_rotation), and its boxes with it"
        found.append(wrong(codes.NO_BOX, message, image.origin))
    return LabelledImage.of(image.name, image.origin, found, size=size, shares=size is None)


def _found(
    results: Sequence[Mapping[str, Any]],
    image: LabelledImage,
    size: tuple[int, int] | None,
    options: Options,
    notes: Notes,
) -> Iterator[Rectangle | Problem | str]:
    named = {result["id"] for result in results if isinstance(result.get("id"), str) and _labels(result)}
    for result in results:
        value, labels = result.get("value"), _labels(result)
        if not isinstance(value, dict):
            yield wrong(codes.BAD_RECORD, "a result has no value", image.origin)
        elif result.get("type") == _CHOICES and "x" not in value:
            yield from labels
        elif labels and result.get("type") != _CHOICES and "parentID" not in result:
            for label in labels:
                yield _box(label, value, image, size, options)
        elif labels or str(result.get("id")) in named or not value.keys() & {"x", "points", "rle"}:
            if result.get("type") not in ("rectangle", "polygon", "labels"):
                what = str(result.get("type"))[:40]
                notes.add(f"results of the type {what} are not boxes of objects, and left out", image.origin)
        else:
            yield wrong(codes.NO_CLASS, f"a {str(result.get('type'))[:40]} has no label", image.origin)


def _labels(result: Mapping[str, Any]) -> list[str]:
    """Return the labels of a region or the choices of an image: a list that is called as the type is."""
    value, kind = result.get("value"), str(result.get("type"))
    found = value.get(kind) if isinstance(value, dict) and kind.endswith(("labels", _CHOICES)) else None
    return [label for label in found if isinstance(label, str)] if isinstance(found, list) else []


def _box(
    label: str,
    value: Mapping[str, Any],
    image: LabelledImage,
    size: tuple[int, int] | None,
    options: Options,
) -> Rectangle | Problem:
    """Return a box: its coordinates are percentages, and it may be turned around its upper left corner."""
    box = _percent(label, value, image, options)
    if isinstance(box, Problem):
        return box
    box = scaled(box, 1, 1, by=_HUNDREDTH) if size is None else scaled(box, *size, by=_HUNDREDTH)
    degrees = number(value.get("rotation") or 0)
    if not degrees:
        return box
    if problem := not_upright(label, f"box turned by {degrees}°", image.origin, options):
        return problem
    if size is None:
        message = f"the turned box “{label}” needs original_width and original_height of its image"
        return wrong(codes.NO_SIZE, message, image.origin)
    return turned(box, degrees, box.left, box.top)


def _percent(
    label: str, value: Mapping[str, Any], image: LabelledImage, options: Options
) -> Rectangle | Problem:
    if value.keys() >= set(_CORNER) and "keypointlabels" not in value:
        return cornered(label, (value[key] for key in _CORNER), image.origin)
    if "points" in value and "vertices" not in value:
        return not_upright(label, "polygon", image.origin, options) or enclosing(
            label, value["points"], image.origin, fewest=3
        )
    if value.keys() >= set(_ELLIPSE):
        ellipse = rounded(label, (value[key] for key in _ELLIPSE), image.origin)
        return not_upright(label, "ellipse", image.origin, options) or ellipse
    kind = next(
        (key for key in ("rle", "keypointlabels", "text", "videolabels") if key in value), "other shape"
    )
    return unusable_shape(label, kind, image.origin)

"""
Check label attributes: pairs of a key and the same key with ``-metadata``.

The structure of all attributes is checked first; a structural error ends the examination of the line
(developer guide, "Fixing training errors").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from reconciler.emulator.behaviour.switches import Floats, Switches, Verdict

Fields = dict[str, Any]

CLASSIFICATION: Final = "groundtruth/image-classification"
MULTILABEL: Final = "groundtruth/image-classification-multilabel"
DETECTION: Final = "groundtruth/object-detection"

MAX_BOXES: Final = 50
MIN_SIDE: Final = 64
MAX_SIDE: Final = 4096

# All floats from here on are whole; the largest exceed the 64-bit integers of the JSON encoder.
_WHOLE_BEYOND: Final = 2.0**53


class Finding(NamedTuple):
    """An error, and the object in the line that will hold it; None for the line itself."""

    code: str
    message: str
    holder: Fields | None


@dataclass(slots=True)
class Findings:
    """
    The findings on the attributes of one line.

    Attributes:
        labels: Labels of valid attributes: name, and whether it is on a box.
        usable: Number of attributes of a supported type.
        structural: Whether structural errors ended the examination.
    """

    errors: list[Finding] = field(default_factory=list)
    labels: list[tuple[str, bool]] = field(default_factory=list)
    usable: int = 0
    structural: bool = False


def examine(line: Fields, names: list[str], switches: Switches) -> Findings:
    """Examine the attributes *names* of *line*. Rounds coordinates in place if so configured."""
    found = Findings()
    for name in names:
        found.errors.extend(_structure(name, line[name], line[f"{name}-metadata"], switches))
    if found.errors:
        found.structural = True
        return found
    for name in names:
        _content(name, line[name], line[f"{name}-metadata"], switches, found)
    return found


def _structure(name: str, value: Any, meta: Any, switches: Switches) -> Iterator[Finding]:
    """Yield the structural errors of one attribute."""
    if not isinstance(meta, dict):
        yield _bad_metadata(None)
        return
    match meta.get("type"):
        case str() if _is_classification(meta, switches):
            if not _is_label_value(value, switches):
                yield _bad_value(name, value)
            label = meta.get("class-name")
            if not (_has_basics(meta) and _is_confidence(meta.get("confidence")) and _is_name(label)):
                yield _bad_metadata(meta)
        case "groundtruth/object-detection":
            yield from _detection_structure(name, value, meta, switches)
        case str():
            return
        case _:
            yield _bad_metadata(meta)


def _detection_structure(name: str, value: Any, meta: Fields, switches: Switches) -> Iterator[Finding]:
    if not _is_detection_value(value, switches):
        yield _bad_value(name, value)
        return
    class_map: Any = meta.get("class-map")
    objects: Any = meta.get("objects")
    if not (_has_basics(meta) and _is_class_map(class_map) and _is_scores(objects)):
        yield _bad_metadata(meta)
        return
    boxes = value.get("annotations", [])
    scored = [item for item in objects if isinstance(item, dict) and _is_number(item.get("confidence"))]
    if len(scored) < len(objects) or len(objects) < len(boxes):
        yield Finding(
            "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE",
            "One or more bounding boxes has a missing confidence value.",
            meta,
        )
    if any(str(box["class_id"]) not in class_map for box in boxes):
        yield Finding(
            "ERROR_MISSING_CLASS_MAP_ID",
            "One of more class ids is missing from the class map.",  # sic: verbatim from the service
            meta,
        )


def _content(name: str, value: Any, meta: Fields, switches: Switches, found: Findings) -> None:
    """Check the content of a structurally valid attribute, and add the results to *found*."""
    kind = meta["type"]
    if _is_classification(meta, switches):
        names = [meta["class-name"]]
    elif kind == DETECTION:
        if switches.floats is Floats.ROUND:
            _round_boxes(value)
        names = list(meta["class-map"].values())
    else:
        found.errors.append(
            Finding(
                "ERROR_UNSUPPORTED_USE_CASE_TYPE",
                f"The use case type of the {name}-metadata label attribute metadata is unsupported."
                " Check the type field.",
                meta,
            )
        )
        return
    if any(len(label) > switches.max_label_chars for label in names):
        found.errors.append(
            Finding("ERROR_INVALID_LABEL_NAME_LENGTH", "The length of the label name is invalid.", meta)
        )
    elif kind == DETECTION:
        _boxes(value, meta, found)
    else:
        found.labels.append((names[0], False))
    found.usable += 1


def _boxes(value: Fields, meta: Fields, found: Findings) -> None:
    boxes, size = value.get("annotations", []), value["image_size"][0]
    if not all(MIN_SIDE <= size[side] <= MAX_SIDE for side in ("width", "height")):
        found.errors.append(
            Finding(
                "ERROR_INVALID_IMAGE_DIMENSION",
                "The image dimension(s) do not conform to allowed dimensions.",
                None,
            )
        )
    if len(boxes) > MAX_BOXES:
        found.errors.append(
            Finding(
                "ERROR_TOO_MANY_BOUNDING_BOXES",
                "There are more bounding boxes than the allowed maximum.",
                value,
            )
        )
    sound = 0
    for box in boxes:
        errors = list(_box_errors(box, size))
        found.errors.extend(errors)
        if not errors:
            sound += 1
            found.labels.append((meta["class-map"][str(box["class_id"])], True))
    if boxes and not sound:
        found.errors.append(Finding("ERROR_NO_VALID_ANNOTATIONS", "No valid annotations found.", value))


def _box_errors(box: Fields, size: Fields) -> Iterator[Finding]:
    left, top, width, height = box["left"], box["top"], box["width"], box["height"]
    off = left + width > size["width"] or top + height > size["height"]
    if off or min(left, top, width, height) < 0:
        yield Finding("ERROR_INVALID_BOUNDING_BOX", "The bounding box has off frame values.", box)
    elif width <= 1 or height <= 1:
        yield Finding(
            "ERROR_BOUNDING_BOX_TOO_SMALL",
            "The height and width of the bounding box is too small.",
            box,
        )


def _bad_value(name: str, value: Any) -> Finding:
    message = f"The format of the label attribute {name} is invalid."
    holder = value if isinstance(value, dict) else None  # a number cannot hold a list of errors
    return Finding("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", message, holder)


def _bad_metadata(holder: Fields | None) -> Finding:
    message = "The format of the label attribute metadata is invalid."
    return Finding("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", message, holder)


def _is_classification(meta: Fields, switches: Switches) -> bool:
    """Return whether the metadata is of one label; several, as Ground Truth writes them, have no class name."""
    if meta["type"] == MULTILABEL:
        return "class-name" in meta and switches.multilabel_type is Verdict.ACCEPT
    return bool(meta["type"] == CLASSIFICATION)


def _is_label_value(value: Any, switches: Switches) -> bool:
    if isinstance(value, str):
        return switches.string_label is Verdict.ACCEPT
    return _is_int(value)


def _is_detection_value(value: Any, switches: Switches) -> bool:
    if not isinstance(value, dict):
        return False
    sizes, boxes = value.get("image_size"), value.get("annotations", [])
    if not (isinstance(sizes, list) and len(sizes) == 1 and isinstance(sizes[0], dict)):
        return False
    if not all(_is_int(sizes[0].get(key)) for key in ("width", "height", "depth")):
        return False
    pixel = _is_int if switches.floats is Floats.ERROR else _is_number
    return isinstance(boxes, list) and all(
        isinstance(box, dict)
        and _is_int(box.get("class_id"))
        and all(pixel(box.get(key)) for key in ("left", "top", "width", "height"))
        for box in boxes
    )


def _has_basics(meta: Fields) -> bool:
    date, job = meta.get("creation-date"), meta.get("job-name", "")
    return (
        meta.get("human-annotated") in ("yes", "no")
        and isinstance(date, str)
        and bool(date)
        and isinstance(job, str)
    )


def _is_class_map(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_name(name) for name in value.values())


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_scores(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and _is_number(item.get("confidence", 0)) for item in value
    )


def _is_confidence(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _round_boxes(value: Fields) -> None:
    for box in value.get("annotations", []):
        for key in ("left", "top", "width", "height"):
            if abs(box[key]) < _WHOLE_BEYOND:
                box[key] = round(box[key])

"""
Ground Truth: an output manifest, corrected so that Custom Labels accepts it.

Correct content stays unchanged. Of a chain of box jobs only the adjusted boxes are converted, since Custom
Labels would count both; verification jobs are omitted, and jobs of other kinds refused by their type (SageMaker
developer guide, "Labeling job output data").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from reconciler.convert.geometry import exact, from_corner, number, sides, whole
from reconciler.convert.parsing.json_records import mapping_of, objects
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import BadFile, Line, Notes, Options, Read, Rectangle, display, text_of, wrong
from reconciler.core.entries.entry import (
    METADATA,
    SOURCE_REF,
    BadLine,
    Fields,
    decode,
    without_service_keys,
)
from reconciler.core.entries.lines import iter_lines, other_form
from reconciler.core.validation import codes
from reconciler.core.validation.attribute import SHAPE_KEYS, Attribute, Type
from reconciler.core.validation.codes import Code
from reconciler.core.validation.line import check_line
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import UsageError

_HEAD_BYTES: Final = 8_192
_BOM: Final = b"\xef\xbb\xbf"
_OUTPUTS: Final = ("output.manifest", "manifests/output/output.manifest")
MULTI_LABEL: Final = "groundtruth/image-classification-multilabel"
_VERIFICATION: Final = "groundtruth/label-verification"

# Beginning of a type -> what such a job writes.
_REFUSED: Final = {
    "groundtruth/semantic-segmentation": "masks, in an image of their own",
    "groundtruth/video": "labels of clips or their frames, in a file for each sequence",
    "groundtruth/lidar": "labels of 3-D points",
    "groundtruth/text": "labels of text",
    "groundtruth/custom": "the answers of a template of your own",
}


def read_groundtruth(path: Path, options: Options) -> Iterator[Read]:
    """Read one manifest, or the manifest in the output directory of a labeling job."""
    file, notes = _file_in(path), Notes("lines")
    name = display(file)
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            if other_form(head.removeprefix(_BOM)) is not None:
                for element, origin in objects(text_of(file), name):
                    yield _line(element.encode(), origin, options, notes)
                return (yield from notes.problems())
            stream.seek(0)
            for raw, _, number in iter_lines(stream):
                text = raw.removeprefix(_BOM) if number == 1 else raw
                if text.strip():
                    yield _line(text, Origin(name, number), options, notes)
    except OSError as exc:
        message = f"the file cannot be read: {exc.strerror or exc}"
        raise BadFile(codes.FILE_UNREADABLE, message, Origin(name, 1)) from exc
    yield from notes.problems()


INPUT: Final = InputFormat(read_groundtruth, keys=("source-ref",), element_keys=("source-ref",))


def _file_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = next((path / name for name in _OUTPUTS if (path / name).is_file()), None)
    if found is None:
        raise UsageError(f"{path}: holds no {_OUTPUTS[0]}: name the manifest")
    return found


def _line(raw: bytes, origin: Origin, options: Options, notes: Notes) -> Line:
    try:
        fields = without_service_keys(decode(raw))
    except BadLine:
        refused = check_line(raw).problems
        return Line(None, origin, tuple(replace(problem, origin=origin) for problem in refused))
    if refused := _refused(fields, options, origin):
        return Line(None, origin, refused)
    problems: list[Problem] = []
    attributes = _attributes(fields)
    left_out = _left_out(attributes.values(), options, origin, notes)
    if isinstance(left_out, Problem):
        return Line(fields, origin, (left_out,))
    result: Fields = {SOURCE_REF: fields[SOURCE_REF]} if SOURCE_REF in fields else {}
    for key, value in fields.items():
        name = key if key in attributes else key.removesuffix(METADATA)
        if key == SOURCE_REF or name in left_out:
            continue
        if name in attributes:
            made, found = _mended(attributes[name], fields.keys(), origin, clip=options.clip)
            result |= made
            problems += found
            left_out.add(name)  # skips the other key of the pair
        elif _has_failed(key, value):
            notes.add(f"labelling failed, so “{name}” is left out", origin)
        else:
            result[key] = value
    return Line(result, origin, tuple(problems))


def _refused(fields: Fields, options: Options, origin: Origin) -> tuple[Problem, ...]:
    """Return a problem for each attribute to convert that comes from another kind of job."""
    found = []
    for key, value in fields.items():
        kind, name = value.get("type") if isinstance(value, dict) else None, key.removesuffix(METADATA)
        if (
            name == key
            or not isinstance(kind, str)
            or (options.attributes and name not in options.attributes)
        ):
            continue
        if what := next((what for start, what in _REFUSED.items() if kind.startswith(start)), None):
            message = (
                f"“{name}” is of type '{kind}': {what}; a line holds labels and upright boxes of an image"
            )
            found.append(Problem(Severity.ERROR, Code.UNSUPPORTED_TYPE, message, origin))
    return tuple(found)


def _attributes(fields: Fields) -> dict[str, Attribute]:
    names = [name for name in fields if name != SOURCE_REF and name + METADATA in fields]
    taken = {name + METADATA for name in names}
    return {
        name: Attribute(name, fields[name], fields[name + METADATA]) for name in names if name not in taken
    }


def _left_out(
    attributes: Iterable[Attribute], options: Options, origin: Origin, notes: Notes
) -> set[str] | Problem:
    """Return the names of the attributes to omit, or a problem if they are ambiguous."""
    wanted = options.attributes
    unwanted = {item.name for item in attributes if wanted and item.name not in wanted}
    asked = [item for item in attributes if item.name not in unwanted]
    verdicts = {item.name for item in asked if mapping_of(item.metadata).get("type") == _VERIFICATION}
    for name in sorted(verdicts):
        notes.add(f"“{name}” holds verdicts of a verification job, not labels: left out", origin)
    drawn = [item for item in asked if item.type is Type.BOXES]
    adjusted = [item for item in drawn if "adjustment-status" in mapping_of(item.metadata)]
    if not adjusted or len(drawn) == 1:
        return unwanted | verdicts
    others = [item.name for item in drawn if item not in adjusted]
    if len(others) > 1:
        names = " or ".join(f"“{name}”" for name in others)
        message = f"“{adjusted[-1].name}” adjusts {names}: name what is kept with --attribute"
        return wrong(codes.WHICH_ADJUSTED, message, origin)
    kept = max(adjusted, key=_date)
    superseded = {item.name for item in drawn if item is not kept}
    for name in sorted(superseded):
        notes.add(f"the boxes of “{name}” were adjusted in “{kept.name}”: left out", origin)
    return unwanted | verdicts | superseded


def _date(attribute: Attribute) -> str:
    return str(mapping_of(attribute.metadata).get("creation-date", ""))


def _has_failed(key: str, value: object) -> bool:
    return key.endswith(METADATA) and isinstance(value, dict) and "failure-reason" in value


def _mended(
    attribute: Attribute, taken: Collection[str], origin: Origin, *, clip: bool
) -> tuple[Fields, Sequence[Problem]]:
    """
    Return the keys that replace an attribute, and the problems that validation cannot detect.

    Numbers documented as integers become integers. Validation reports all other problems.

    Args:
        taken: All keys of the line.
        clip: Whether to clip boxes to their image.
    """
    metadata = attribute.metadata
    if isinstance(metadata, dict) and metadata.get("type") == MULTI_LABEL:
        return _one_each(attribute, taken, origin)
    value = attribute.value
    match attribute.type:
        case Type.IMAGE_LEVEL:
            value = _integer(value)
        case Type.BOXES if isinstance(value, dict):
            value = _boxes(value, origin, clip=clip)
    return {attribute.name: value, attribute.name + METADATA: metadata}, ()


def _one_each(
    attribute: Attribute, taken: Collection[str], origin: Origin
) -> tuple[Fields, Sequence[Problem]]:
    """
    Return one attribute for each label of a multi-label attribute.

    That is as in the developer guide ("Transforming a multi-label SageMaker Ground Truth manifest file"), but with
    a supported ``type``: the script of the guide copies an unsupported one.
    """
    metadata = attribute.metadata
    names, shares = mapping_of(metadata.get("class-map")), mapping_of(metadata.get("confidence-map"))
    if not isinstance(attribute.value, list):
        message = f"“{attribute.name}” must be a list of class ids"
        return {}, [wrong(codes.BAD_RECORD, message, origin)]
    fields: Fields = {}
    problems: list[Problem] = []
    for index, class_id in enumerate(attribute.value):
        name, key = f"{attribute.name}{index}", str(class_id)
        if name in taken or name + METADATA in taken:
            message = (
                f"the label {index} of “{attribute.name}” would be called “{name}”, which is there already"
            )
            problems.append(wrong(codes.BAD_RECORD, message, origin))
        elif key not in names:
            message = f"class {key} is not in '{attribute.name}{METADATA}/class-map'"
            problems.append(Problem(Severity.ERROR, Code.MISSING_CLASS_MAP_ID, message, origin))
        else:
            fields[name] = index
            fields[name + METADATA] = dict(_of_label(metadata, names[key], shares.get(key)))
    return fields, problems


def _of_label(common: Mapping[str, Any], label: object, confidence: object) -> Iterator[tuple[str, object]]:
    """Return the metadata of one label in the order of the guide; validation reports missing keys."""
    stated = {**common, "confidence": confidence, "class-name": label, "type": Type.IMAGE_LEVEL.value}
    for key in ("confidence", "job-name", "class-name", "human-annotated", "creation-date", "type"):
        if stated.get(key) is not None:
            yield key, stated[key]


def _boxes(value: Mapping[str, Any], origin: Origin, *, clip: bool) -> Fields:
    sizes, boxes = value.get("image_size"), value.get("annotations")
    changed = dict(value)
    size: Sequence[int] | None = None
    if isinstance(sizes, list) and len(sizes) == 1 and isinstance(sizes[0], dict):
        changed["image_size"] = [{key: _integer(number) for key, number in sizes[0].items()}]
        size = sides(sizes[0].get("width"), sizes[0].get("height"))
    if isinstance(boxes, list):
        changed["annotations"] = [_box(box, origin, size, clip=clip) for box in boxes]
    return changed


def _box(box: object, origin: Origin, size: Sequence[int] | None, *, clip: bool) -> object:
    """Return the box in whole pixels, with its keys in order; unchanged if it is not a box."""
    if not isinstance(box, dict):
        return box
    match exact(box.get(key) for key in SHAPE_KEYS):
        case [left, top, width, height]:
            rectangle = Rectangle("", *from_corner(left, top, width, height), origin)
            rounded = whole(rectangle, size or (0, 0), clip=clip and size is not None)._asdict()
            shape = {key: rounded[key] for key in SHAPE_KEYS}
        case _:
            shape = {}
    return {**box, **shape} | ({"class_id": _integer(box["class_id"])} if "class_id" in box else {})


def _integer(value: Any) -> Any:
    """Return a whole number that is written as a float or in quotes as an integer; other values unchanged."""
    found = number(value)
    return int(found) if found is not None and found == found.to_integral_value() else value

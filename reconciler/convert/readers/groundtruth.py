"""
Ground Truth: an output manifest, corrected so that Custom Labels accepts it.

Correct content stays unchanged. Of a chain of box jobs only the adjusted boxes are converted, since Custom
Labels would count both; verification jobs are omitted, and jobs of other kinds refused by their type (SageMaker
developer guide, "Labeling job output data"). `parsing.manifest_attributes` corrects single attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from reconciler.convert.parsing.json_records import objects
from reconciler.convert.parsing.manifest_attributes import mended
from reconciler.convert.record import BadFile, Line, Notes, Options, Read, display, text_of, wrong
from reconciler.core.entries.entry import (
    METADATA,
    SOURCE_REF,
    BadLine,
    Fields,
    decode,
    without_service_keys,
)
from reconciler.core.entries.lines import iter_lines, other_form
from reconciler.core.validation import check_line
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.attribute import Attribute, Type
from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import UsageError

_HEAD_BYTES: Final = 8_192
_BOM: Final = b"\xef\xbb\xbf"
_OUTPUTS: Final = ("output.manifest", "manifests/output/output.manifest")
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
            made, found = mended(attributes[name], fields.keys(), origin, clip=options.clip)
            result |= made
            problems += found
            left_out.add(name)  # skips the other key of the pair
        elif _has_failed(key, value):
            notes.add(f"labelling failed, so “{name}” is left out", origin)
        else:
            result[key] = value
    return Line(result, origin, tuple(problems))


def _refused(fields: Fields, options: Options, origin: Origin) -> tuple[Problem, ...]:
    """Return a problem for each attribute, of those to convert, that is of a job of another kind."""
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
    verdicts = {item.name for item in asked if _metadata(item).get("type") == _VERIFICATION}
    for name in sorted(verdicts):
        notes.add(f"“{name}” holds the verdicts of a verification job, which are no labels: left out", origin)
    drawn = [item for item in asked if item.type is Type.BOXES]
    adjusted = [item for item in drawn if "adjustment-status" in _metadata(item)]
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
    return str(_metadata(attribute).get("creation-date", ""))


def _metadata(attribute: Attribute) -> Mapping[str, Any]:
    return attribute.metadata if isinstance(attribute.metadata, dict) else {}


def _has_failed(key: str, value: object) -> bool:
    return key.endswith(METADATA) and isinstance(value, dict) and "failure-reason" in value

"""Compose the lines of the images that a reader yields, and validate them by the rules of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
from msgspec import structs

from reconciler.convert.clean_lines import ComposedLine, clean_line
from reconciler.convert.geometry import beyond, scaled, whole
from reconciler.convert.images import is_elsewhere, key_of, sized, why_no_key
from reconciler.convert.record import LabelledBox, LabelledImage, Line, Options, Read, odd, wrong
from reconciler.core.entries.entry import SOURCE_REF, Fields
from reconciler.core.spec.labelling import address, image_level, located, why_no_address
from reconciler.core.validation import codes
from reconciler.core.validation.checked_line import CheckedLine
from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import duplicate_source_ref
from reconciler.core.validation.line import check_line
from reconciler.core.validation.problem import Origin, Problem, Severity, has_error
from reconciler.errors import UsageError
from reconciler.private import temporary_file

_HALF: Final = "a name or a label is not Unicode text: it holds half a character, or bytes that are not UTF-8"
_OF_BOXES: Final = frozenset({Code.INVALID_BOX, Code.BOX_TOO_SMALL})


class ComposedLines(Mapping[str, bytes]):
    """
    Source-ref -> line, without its newline, in the order of the input.

    The lines, and where each was read, are in a temporary file.
    """

    def __init__(self) -> None:
        self._stream = temporary_file()
        self._offsets: dict[str, int] = {}
        self._at = self._end = 0  # a seek drops the buffer, so that one to the same place is avoided

    def __del__(self) -> None:
        # There is no file if it could not be created; on a full disk it cannot be closed without an error.
        with suppress(AttributeError, OSError):
            self._stream.close()

    def __getitem__(self, source_ref: str) -> bytes:
        return self._read(self._offsets[source_ref])[1].rstrip(b"\n")

    def __iter__(self) -> Iterator[str]:
        return iter(self._offsets)

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, source_ref: str, line: bytes, origin: Origin) -> None:
        self._seek(self._end)
        self._offsets[source_ref] = self._end
        record = b"%b\n%b\n" % (orjson.dumps([*origin]), line)
        self._stream.write(record)
        self._at = self._end = self._end + len(record)

    def origin(self, source_ref: str) -> Origin | None:
        """Return where a line was read; None if there is no such line."""
        offset = self._offsets.get(source_ref)
        return None if offset is None else Origin(*orjson.loads(self._read(offset)[0]))

    def _read(self, offset: int) -> tuple[bytes, bytes]:
        self._seek(offset)
        origin, line = self._stream.readline(), self._stream.readline()
        self._at += len(origin) + len(line)
        return origin, line

    def _seek(self, offset: int) -> None:
        if offset != self._at:
            self._at = self._stream.seek(offset)


@dataclass(slots=True)
class Converted:
    """
    The result of a conversion.

    Attributes:
        boxes: The number of boxes in all lines.
        skipped: The number of images without a line, because of errors.
        problems: All problems, of images and of the input.
        note: How the format was recognised; empty if it was named.
    """

    lines: ComposedLines = field(default_factory=ComposedLines)
    boxes: int = 0
    skipped: int = 0
    problems: list[Problem] = field(default_factory=list)
    note: str = ""

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.is_error]

    def ordered(self) -> Iterator[bytes]:
        """Yield the lines with their newlines, sorted by source-ref: the input order is often arbitrary."""
        for ref in sorted(self.lines):
            yield self.lines[ref] + b"\n"


def convert(reads: Iterable[Read], options: Options) -> Converted:
    """
    Compose the lines of all images, and collect all problems.

    Raises:
        UsageError: A base or a date is missing.
    """
    done = Converted()
    unusable: dict[str, Origin] = {}
    for read in reads:
        if isinstance(read, Problem):
            done.problems.append(read)
            continue
        item = _located(read, options) if isinstance(read, LabelledImage) and read.boxes is not None else read
        found = list(item.problems)
        if line := _line(item, options, found):
            _take(line, item.origin, found, unusable, done)
        if found:
            done.skipped += has_error(found)
            done.problems += found
    return done


def _located(image: LabelledImage, options: Options) -> LabelledImage:
    """Return the image with its size, if its file can be found, and with its boxes in pixels."""
    image = sized(image, options)
    if not image.shares or image.size is None:
        return image
    width, height = image.size[:2]
    return replace(image, boxes=tuple(scaled(box, width, height) for box in image.boxes or ()), shares=False)


def _line(read: LabelledImage | Line, options: Options, found: list[Problem]) -> ComposedLine | None:
    """
    Compose the line of an image and validate it; None if it cannot be composed.

    Args:
        found: The problems of the image; new ones are appended.
    """
    if isinstance(read, LabelledImage) and not found and (line := clean_line(read, options)):
        return line
    was_bad = bool(found) and has_error(found)
    fields = _fields(read, options, found)
    if fields is None:
        return None
    raw = orjson.dumps(fields)
    checked = check_line(raw)
    if checked.problems:
        # Warnings would only distract from the errors of the image.
        found += (p for p in _named(checked, read, options) if p.is_error or not was_bad)
    return ComposedLine(checked.source_ref, raw, _boxes_in(fields))


def _take(
    line: ComposedLine, origin: Origin, found: list[Problem], unusable: dict[str, Origin], done: Converted
) -> None:
    """
    Store a line without errors. A second line for the same image is an error.

    Args:
        unusable: Source-ref of each line that is not stored -> where it was read; the line may be added.
    """
    if line.ref is None:
        return
    if first := unusable.get(line.ref) or done.lines.origin(line.ref):
        found.append(duplicate_source_ref(line.ref, first).at(origin, line.ref))
    if not (found and has_error(found)):
        done.lines.add(line.ref, line.raw, origin)
        done.boxes += line.boxes
    elif not first:
        unusable[line.ref] = origin


def _fields(read: LabelledImage | Line, options: Options, found: list[Problem]) -> Fields | None:
    """Return the content of a line; None, with the problem added to *found*, if it cannot be composed."""
    if isinstance(read, Line):
        return _readdressed(read, options, found)
    if not _is_text(read):
        found.append(wrong(codes.NOT_TEXT, _HALF, read.origin))
        return None
    key = key_of(read.name, options)
    if problem := _no_address(key, why_no_key(key, options), read.origin, options):
        found.append(problem)
    elif read.boxes is not None and read.size is None:
        if not has_error(found):
            message = "the size of the image is not known; --images names where it can be read"
            found.append(wrong(codes.NO_SIZE, message, read.origin))
    else:
        found += _repeated(read)
        return _content(read if key == read.name else replace(read, name=key), options)
    return None


def _readdressed(line: Line, options: Options, found: list[Problem]) -> Fields | None:
    name = line.fields.get(SOURCE_REF) if line.fields is not None else None
    if not isinstance(name, str):
        return line.fields
    if problem := _no_address(name, why_no_address(name, options.base), line.origin, options):
        found.append(problem)
        return None
    return {**(line.fields or {}), SOURCE_REF: address(name, options.base)}


def _content(image: LabelledImage, options: Options) -> Fields:
    fields: Fields = {SOURCE_REF: address(image.name, options.base)}
    if not image.labels and image.boxes is None:
        return fields
    created_at = image.created_at or options.created_at
    if created_at is None:
        text = "the labels are not dated, and the clock is not asked"
        raise UsageError(f"{image.origin}: {text}: give --created-at, such as 2026-03-01T12:00:00")
    fields |= image_level(image.labels, created_at)
    if image.size is not None and image.boxes is not None:
        fields |= located(_whole(image, options), image.size, created_at)
    return fields


def _whole(image: LabelledImage, options: Options) -> Sequence[LabelledBox]:
    size = image.size or (0, 0)
    if not image.boxes:
        return image.rounded
    return [*image.rounded, *(whole(rectangle, size, clip=options.clip) for rectangle in image.boxes or ())]


def _no_address(name: str, reason: str | None, origin: Origin, options: Options) -> Problem | None:
    if reason is None:
        return None
    if options.base is None and (is_elsewhere(name) or "://" not in name):
        text = f"{origin}: the image is called “{name}”"
        raise UsageError(f"{text}: give --base s3://bucket/prefix/, where it is")
    return wrong(codes.IMAGE_ADDRESS, f"the name “{name}” {reason}", origin)


def _repeated(image: LabelledImage) -> list[Problem]:
    repeated = [name for name in dict.fromkeys(image.labels) if image.labels.count(name) > 1]
    return [
        odd(codes.REPEATED_LABEL, f"the label “{name}” is repeated; it is given once", image.origin)
        for name in repeated
    ]


def _named(checked: CheckedLine, read: LabelledImage | Line, options: Options) -> list[Problem]:
    """Return the problems of validation, those about boxes with the origin and the size of each box."""
    found = [problem.at(read.origin, checked.source_ref) for problem in checked.problems]
    if not isinstance(read, LabelledImage) or not any(p.is_error and p.code in _OF_BOXES for p in found):
        return found
    own = list(_bad_boxes(read, options))
    reported = {problem.code for problem in own}
    kept = [
        p for p in found if not (p.is_error and p.code in reported) and p.code != Code.NO_VALID_ANNOTATIONS
    ]
    return [*kept, *(structs.replace(problem, source_ref=checked.source_ref) for problem in own)]


def _bad_boxes(image: LabelledImage, options: Options) -> Iterator[Problem]:
    size = image.size or (0, 0)
    for rectangle, box in zip(image.boxes or (), _whole(image, options)[len(image.rounded) :], strict=True):
        if pixels := beyond(box, size):
            frame = f"the image of {size[0]} x {size[1]}"
            message = f"the box {box} reaches {pixels} px beyond {frame}; --clip would cut it off"
            yield Problem(Severity.ERROR, Code.INVALID_BOX, message, rectangle.origin)
        elif min(box.width, box.height) < 0:
            message = f"the box {box} ends before it starts"
            yield Problem(Severity.ERROR, Code.INVALID_BOX, message, rectangle.origin)
        elif box.width <= 1 or box.height <= 1:
            message = f"the box {box} must be longer than one pixel on both sides"
            yield Problem(Severity.ERROR, Code.BOX_TOO_SMALL, message, rectangle.origin)


def _is_text(image: LabelledImage) -> bool:
    try:
        labels = [box.label for boxes in (image.boxes or (), image.rounded) for box in boxes]
        "".join([image.name, *image.labels, *labels]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _boxes_in(fields: Mapping[str, Any]) -> int:
    values: Sequence[Any] = [value for value in fields.values() if isinstance(value, dict)]
    return sum(len(value["annotations"]) for value in values if isinstance(value.get("annotations"), list))

"""Write datasets in the format of another tool, one line at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from reconciler.convert.export.content import ImageLabels, add_labels, content_of
from reconciler.convert.export.format import (
    Add,
    AllSplits,
    Classes,
    ExportedImage,
    Files,
    Format,
    WriterContext,
)
from reconciler.convert.export.losses import LEFT_OUT, Losses, LossKind, Lost
from reconciler.convert.images import why_no_key
from reconciler.convert.record import Options
from reconciler.core.entries.entry import SOURCE_REF
from reconciler.core.entries.pattern import shared_directory
from reconciler.core.spec.labelling import COLOUR_DEPTH
from reconciler.errors import UsageError
from reconciler.private import temporary_file

IMAGES: Final = "images.tsv"
_DATE: Final = Lost(LossKind.DATE)
_SIZE: Final = Lost(LossKind.SIZE)
_SCHEME: Final = "s3://"

# Most keys are of this form, and need no judgement, which takes 3 µs.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", re.ASCII)


class Split(NamedTuple):
    """
    One dataset to write.

    Attributes:
        name: Such as ``train``.
        source_refs: Of its lines; those of the first and the last tell which directory they share.
        lines: Gives its lines, as often as it is called: valid, without keys of the service, sorted
            by source-ref.
        source: Where they come from: the ARN of a dataset, or the name of a spec.
        labels: The labels of its boxes, and those of its images; None if they are not known before it is read.
        refused: Entries that are not among them, since validation refuses them -> the codes of each.
    """

    name: str
    source_refs: Iterable[str]
    lines: Callable[[], Iterable[bytes]]
    source: str = ""
    refused: Mapping[str, Sequence[str]] = {}
    labels: tuple[Iterable[str], Iterable[str]] | None = None


@dataclass(slots=True)
class Written:
    """
    What one split came to.

    Attributes:
        of: The dataset that was written.
        entries: Its lines.
        images: Those in the files.
        boxes: Those in the files.
        base: What `convert` needs as ``--base`` to tell the addresses of the images; None if nothing does.
    """

    of: Split
    base: str | None
    entries: int = 0
    images: int = 0
    boxes: int = 0


@dataclass(slots=True)
class Report:
    """What an export wrote, and what it left behind."""

    splits: list[Written] = field(default_factory=list)
    losses: Losses = field(default_factory=Losses)
    files: list[str] = field(default_factory=list)


class Names:
    """
    Names the images of one split.

    Attributes:
        base: What `convert` puts before each name to get the address; None if no single prefix does.
    """

    def __init__(self, images_at: Mapping[str, str], source_refs: Iterable[str]) -> None:
        """Name images by the given rules; without rules, by their path below the directory that all share."""
        shared = shared_directory(_first_and_last(source_refs))
        self.is_given = bool(images_at)
        rules = [(prefix, path.strip("/")) for prefix, path in images_at.items()] or [(shared, "")]
        self._rules = sorted(rules, key=lambda rule: -len(rule[0]))
        (prefix, path), *more = self._rules
        self.base = None if more or path or prefix == _SCHEME else prefix
        self._options = Options(base=self.base or _SCHEME, extension="")
        self._seen: dict[str, str] | None = {} if more else None

    def name(self, source_ref: str) -> str | None:
        """
        Return the path of an image, with ``/`` between its steps; None if its key cannot be one.

        Raises:
            UsageError: No rule is about it, or another image has the same path.
        """
        for prefix, path in self._rules:
            if source_ref.startswith(prefix):
                name = source_ref[len(prefix) :]
                # The same judgement as that of `convert`, and a // that a file system takes for one /.
                if not _PLAIN.fullmatch(name) and ("" in name.split("/") or why_no_key(name, self._options)):
                    return None
                return self._once(f"{path}/{name}" if path else name, source_ref)
        raise UsageError(f"no --images-at says where {source_ref} is")

    def _once(self, name: str, source_ref: str) -> str:
        if self._seen is not None and (other := self._seen.setdefault(name, source_ref)) != source_ref:
            raise UsageError(f"{other} and {source_ref} would both be {name}: change --images-at")
        return name

    @property
    def has_lost_buckets(self) -> bool:
        """Return whether names begin with the bucket as a directory; `convert` cannot restore it from there."""
        return not self.is_given and self.base is None


def _first_and_last(source_refs: Iterable[str]) -> tuple[str, str]:
    first = last = ""
    for ref in source_refs:
        first, last = min(first or ref, ref), max(last, ref)
    return first or _SCHEME, last or _SCHEME


def write(
    form: Format,
    project: str,
    splits: Sequence[Split],
    directory: Path,
    images_at: Mapping[str, str] = {},
    about: Mapping[str, str] = {},
) -> Report:
    """
    Write all splits below an empty directory. Memory does not grow with the number of entries.

    Args:
        images_at: Prefix of addresses -> the directory of its images; empty for what follows the directory that
            those of a split share.
        about: The user's description of the dataset: see `Format.about`.

    Raises:
        OSError: A file cannot be written.
        UsageError: ``--images-at`` leaves open where an image is.
    """
    report, files = Report(), Files(directory)
    classes, labels = _numbered(splits) if form.numbered else ({}, {})
    with files.create(IMAGES) if form.images else temporary_file() as copies:
        for split in splits:
            context = WriterContext(project, split.name, files, classes, labels)
            names = Names(images_at, split.source_refs)
            with form.split(context) as add:
                report.splits.append(_written(split, form, names, add, report.losses, copies.write))
    if form.finish:
        form.finish(AllSplits(project, [split.name for split in splits], files, classes, about))
    report.files = files.names
    return report


def _numbered(splits: Sequence[Split]) -> tuple[Classes, Classes]:
    """Number the labels of all boxes, and those of all images: class maps of lines are local to them."""
    found: tuple[set[str], set[str]] = (set(), set())
    for split in splits:
        if split.labels is not None:
            found[0].update(split.labels[0])
            found[1].update(split.labels[1])
            continue
        for raw in split.lines():
            add_labels(orjson.loads(raw), *found)
    boxes, images = ({label: number for number, label in enumerate(sorted(labels))} for labels in found)
    return boxes, images


def _written(
    split: Split, form: Format, names: Names, add: Add, losses: Losses, copy: Callable[[bytes], object]
) -> Written:
    written = Written(split, names.base)
    images = form.images.format(split=split.name) if form.images else None
    # Of dates that are not carried the second is not worth a mention of its own.
    carried = form.carries if LossKind.DATE in form.carries else form.carries | {LossKind.DATES}
    bucket = (
        (Lost(LossKind.BUCKET),)
        if images and names.has_lost_buckets and LossKind.BUCKET not in form.carries
        else ()
    )
    for raw in split.lines():
        fields = orjson.loads(raw)
        written.entries += 1
        ref, content = fields[SOURCE_REF], content_of(fields)
        name = names.name(ref) if images else ref
        lost = [] if name else [Lost(LossKind.NAME)]
        if name and not (lost := _unannotated(content, form)):
            lost = [*add(ExportedImage(ref, name, content, fields))]
            if not lost or LEFT_OUT.isdisjoint(kind for kind, _, _ in lost):
                lost += bucket
                lost += _left_behind(content, carried)
                written.images += 1
                written.boxes += len(content.boxes or ())
                copy(f"{ref}\t{images}/{name}\n".encode())
        if lost:
            losses.add(ref, lost)
    return written


def _unannotated(content: ImageLabels, form: Format) -> list[Lost]:
    """Return the losses of an unannotated image in a format that can only show it as an image without objects."""
    if content.boxes is not None or LossKind.UNLABELLED in form.carries:
        return []
    if LossKind.LABEL in form.carries and content.labels:
        return []
    labels = [Lost(LossKind.LABEL, label.label) for label in content.labels]
    return [Lost(LossKind.UNLABELLED), *labels]


def _left_behind(content: ImageLabels, carried: Container[LossKind]) -> list[Lost]:
    """Return the parts of an exported image that its format does not carry."""
    lost = [one for one in content.lost if one.kind not in carried]
    if content.labels and LossKind.LABEL not in carried:
        lost += [Lost(LossKind.LABEL, label.label) for label in content.labels]
    if content.created_at is not None and LossKind.DATE not in carried:
        lost.append(_DATE)
    if content.size is not None:
        if LossKind.SIZE not in carried:
            lost.append(_SIZE)
        if content.size[2] != COLOUR_DEPTH and LossKind.DEPTH not in carried:
            lost.append(Lost(LossKind.DEPTH))
    return lost

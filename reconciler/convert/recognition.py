"""
Recognise the format of an input by what it holds, never by a guess.

Every format that fits is named. JSON is decoded only as far as its outermost keys, and of
XML and other text only the beginning is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from reconciler.convert.images import IMAGES
from reconciler.convert.record import Options, Read, bytes_of

_HEAD_BYTES: Final = 65_536
_MAX_FILES: Final = 64
_BOM: Final = b"\xef\xbb\xbf"
_ROOT: Final = re.compile(
    rb"\A\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<([A-Za-z_][\w.:-]*)", re.DOTALL
)
_TABLES: Final = (".csv", ".tsv")
_LABELS: Final = (*_TABLES, ".json", ".jsonl", ".ndjson", ".manifest", ".xml")

Reader = Callable[[Path, Options], Iterator[Read]]
"""Yields the images, lines and problems of an input. A `BadFile` that it raises ends the input as a problem."""


@dataclass(frozen=True, slots=True)
class InputFormat:
    """
    One label format that is read, and how it is recognised.

    Keys are separated by spaces; each text is a set of them that is enough.

    Attributes:
        keys: What the outermost object of a JSON file has.
        element_keys: What an element of the outermost array has, or a line of JSON Lines.
        member_keys: What every member of the outermost object has.
        root: The outermost element of an XML file.
        one_file_each: Whether there is a file for each image, so that the directory of files is the input.
        subdirectory: The directory that holds such files below the input.
        has_tables: Whether its tool exports tables as well, which are read as any other.
    """

    read: Reader
    keys: tuple[str, ...] = ()
    element_keys: tuple[str, ...] = ()
    member_keys: tuple[str, ...] = ()
    root: str | None = None
    one_file_each: bool = False
    subdirectory: str | None = None
    has_tables: bool = False


class Sign(NamedTuple):
    """
    One format that fits an input.

    Attributes:
        name: As in the registry; empty for a format of others that is not read.
        path: What to convert: the input, or a file in it.
        reason: What was seen, or the name of the format that is not read and what its tool exports instead.
    """

    name: str
    path: Path
    reason: str


_FOREIGN: Final = {
    "Labelbox (convert it to COCO with its SDK)": ("data_row projects", "Labeled Data"),
    "Scale AI (no other export: its tasks have to be rewritten as COCO)": ("task_id params response",),
    "SuperAnnotate (its SDK converts to COCO)": ("metadata instances",),
    "V7 Darwin (export as COCO, CVAT or Pascal VOC)": ("item annotations",),
    "Datumaro (datum convert -f coco)": ("categories items",),
    "BDD100K (its tools convert to COCO)": ("name labels videoName", "name labels timestamp"),
    "Hugging Face metadata.jsonl (write its objects as COCO)": ("file_name objects",),
    "VoTT 1 (open the images in VoTT 2)": ("frames inputTags",),
    "IBM Cloud Annotations (export as Pascal VOC)": ("type labels annotations",),
    "COCO without objects, such as captions or a list of images": ("images info",),
    "COCO results, or annotations alone, which know images and labels by number only (convert the ground-truth "
    "file, with images, categories and annotations)": (
        "image_id category_id",
        "image_id bbox",
        "image_id caption",
    ),
    "answers of the workers of Ground Truth (convert the output.manifest of the job)": (
        "answers",
        "datasetObjectId consolidatedAnnotation",
        "datasetObjectId annotations",
    ),
    "boxes of Ground Truth in the frames of a clip (no export has them for each image)": (
        "detection-annotations",
        "tracking-annotations",
    ),
    "Edge Impulse (export as COCO)": ("version type boundingBoxes",),
    "Cityscapes (its scripts convert to COCO)": ("imgHeight imgWidth objects",),
}
_YOLO: Final = re.compile(rb"\s*[0-9]+(?:[ \t]+(?:0?\.[0-9]+|[01](?:\.0*)?)){4}[ \t]*(?:\r?\n|\Z)")
_FOREIGN_ROOTS: Final = {"dataset": "dlib's imglab (export as Pascal VOC)", "PcGts": "PAGE XML of documents"}
_FOREIGN_STARTS: Final = {
    b"PK\x03\x04": "a ZIP archive (unpack it first)",
    b"\x1f\x8b": "a gzip archive (unpack it first)",
    b"PAR1": "Parquet (write its rows as CSV)",
}


class Recogniser:
    """Knows the signs of some formats, by their names."""

    def __init__(self, formats: Mapping[str, InputFormat]) -> None:
        self._formats = formats

    def signs(self, path: Path) -> list[Sign]:
        """
        Return every format that fits, of an input that exists; of a directory, by the 64 uppermost files.

        Raises:
            BadFile: The file cannot be read.
        """
        found: dict[tuple[str, Path, str], Sign] = {}
        for sign in self._of_directory(path) if path.is_dir() else self._of_file(path):
            found.setdefault((sign.name, sign.path, "" if sign.name else sign.reason), sign)
        return [sign for sign in found.values() if sign.name] or list(found.values())

    def _of_file(self, path: Path) -> Iterator[Sign]:
        content = bytes_of(path).removeprefix(_BOM)
        head = content[:_HEAD_BYTES]
        for start, what in _FOREIGN_STARTS.items():
            if head.startswith(start):
                yield Sign("", path, what)
        if (root := _ROOT.match(_narrow(head))) is not None:
            yield from self._of_root(path, root[1].decode())
        elif content.lstrip()[:1] in (b"{", b"["):
            yield from self._of_json(path, content)
        elif path.suffix.lower() in _TABLES:
            yield Sign("csv", path, f"a table: its name ends in {path.suffix}")

    def _of_root(self, path: Path, tag: str) -> Iterator[Sign]:
        for name, known in self._formats.items():
            if known.root == tag:
                yield Sign(name, path, f"its outermost element is <{tag}>")
        if tag in _FOREIGN_ROOTS:
            yield Sign("", path, _FOREIGN_ROOTS[tag])

    def _of_json(self, path: Path, content: bytes) -> Iterator[Sign]:
        keys, is_element = _keys_of(content)
        if not keys:
            return
        for name, known in self._formats.items():
            what = "an element has" if is_element else "it has"
            for needed in known.element_keys if is_element else known.keys:
                if keys.keys() >= set(needed.split()):
                    yield Sign(name, path, f"{what} {', '.join(needed.split())}")
            for needed in () if is_element else known.member_keys:
                if all(_members(value).keys() >= set(needed.split()) for value in keys.values()):
                    yield Sign(name, path, f"every member has {', '.join(needed.split())}")
        for what, shapes in _FOREIGN.items():
            if any(keys.keys() >= set(shape.split()) for shape in shapes):
                yield Sign("", path, what)

    def _of_directory(self, path: Path) -> Iterator[Sign]:
        files = sorted(file for file in path.rglob("*") if not file.name.startswith("."))
        texts = [file for file in files if file.suffix.lower() == ".txt" and file.is_file()]
        labels = [file for file in files if file.suffix.lower() in _LABELS and file.is_file()]
        images = [file.relative_to(path) for file in files if file.suffix.lower() in IMAGES]
        seen = (image.parts for image in images if not image.parts[0].startswith("."))
        folders = {parts[0] if len(parts) > 1 else "." for parts in seen}
        for file in sorted(labels, key=lambda file: len(file.parts))[:_MAX_FILES]:
            for sign in self._of_file(file):
                yield self._as_input(sign, path, file)
        if {text.stem for text in texts} & {image.stem for image in images}:
            yield Sign("yolo", path, "it holds images, and text files that are called as they are")
        elif text := next(filter(_has_boxes_of_yolo, texts[:_MAX_FILES]), None):
            yield Sign("yolo", path, f"it holds files such as {text.name}, of a class and four shares a line")
        elif not labels and "." not in folders and len(folders) > 1:
            yield Sign(
                "folders", path, f"its images are in folders such as {min(folders)}, and no file has labels"
            )

    def _as_input(self, sign: Sign, directory: Path, file: Path) -> Sign:
        """Return the sign that a file of a directory gives: for that file, or for the directory."""
        known = self._formats.get(sign.name)
        if known is not None and file.parent.name == known.subdirectory:
            which = sign.reason.removeprefix("it has ")
            return Sign(sign.name, directory, f"it holds {known.subdirectory} with files that have {which}")
        if known is not None and known.one_file_each:
            return Sign(sign.name, directory, f"it holds files such as {file.name}: {sign.reason}")
        return sign


def _narrow(head: bytes) -> bytes:
    """Return text in UTF-16 as ASCII, which is enough to read the names of elements."""
    return head[2:].replace(b"\0", b"") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head


def _keys_of(content: bytes) -> tuple[Mapping[str, Any], bool]:
    """Return the outermost object, or the first of an array or of JSON Lines, and whether it is such a first."""
    if content.lstrip()[:1] == b"[":
        try:
            first = next(iter(msgspec.json.decode(content, type=list[msgspec.Raw])), None)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}, True
        return (_members(first) if first is not None else {}), True
    if found := _members(content):
        return found, False
    return _members(content.lstrip().partition(b"\n")[0]), True


def _members(content: bytes | msgspec.Raw) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _has_boxes_of_yolo(path: Path) -> bool:
    return _YOLO.match(bytes_of(path)[:_HEAD_BYTES]) is not None

"""Read the documents of one YAML file and validate them against their models, each problem with its place."""

from __future__ import annotations

import re
import sys
from bisect import bisect
from typing import Any, Final

from msgspec import Struct
from pydantic import ValidationError

from reconciler.core.spec.documents import (
    API_VERSION,
    DOCUMENTS,
    Acknowledgement,
    Dataset,
    Metadata,
)
from reconciler.core.spec.labelling import Entries
from reconciler.core.spec.messages import ModelError, Path, model_errors_of, nearest
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.ports import Tree
from reconciler.sources.ours import as_list, is_link_text, is_ours, may_be_ours, seems_ours
from reconciler.sources.text import STAND_INS, decode
from reconciler.sources.yaml.parse import Mark
from reconciler.sources.yaml.strict import Document, Fault, Map, Seq, Stream, read

_MAX_BYTES: Final = 32 * 1024 * 1024
_STAND_IN: Final = {"image": "s3://stand-in/image"}
_FAR: Final = Mark(sys.maxsize, 1)
_LINK_TEXT: Final = "the file holds a path only: it looks like a link that git wrote as text (core.symlinks)"

_LISTED: Final = "a list of documents; write them one after the other, with --- between them"


class Parsed(Struct, frozen=True):
    """
    One document of this program.

    Attributes:
        model: None if the document cannot be used.
        kind: As written; None if it is missing or no text.
        name: Its metadata.name; None if that cannot be read.
    """

    file: str
    document: Document
    model: Dataset | Entries | Acknowledgement | None
    kind: str | None
    name: str | None
    problems: tuple[Problem, ...]

    @property
    def origin(self) -> Origin:
        return Origin(self.file, *self.document.mark)

    def problem(self, model_error: ModelError, severity: Severity = Severity.ERROR) -> Problem:
        """Return an error of this document as a problem with a place."""
        return Problem(
            severity,
            model_error.code,
            model_error.message,
            self.origin_of(model_error.path, at_key=model_error.at_key),
        )

    def origin_of(self, path: Path, *, at_key: bool = False) -> Origin:
        """Return the place of a value, or of its key."""
        return Origin(self.file, *self.document.locate(path, at_key=at_key))


class ParsedFile(Struct, frozen=True):
    """
    One YAML file.

    Attributes:
        problems: Problems of the file as a whole, not of its documents.
        skipped: The places of documents of other programs.
        may_hold_dataset: Whether its text has the word Dataset, or could not be read.
    """

    path: str
    documents: tuple[Parsed, ...] = ()
    problems: tuple[Problem, ...] = ()
    skipped: tuple[Origin, ...] = ()
    may_hold_dataset: bool = True


def parse_file(tree: Tree, path: str, *, expected: bool = False) -> ParsedFile:
    """
    Read one YAML file.

    Args:
        expected: Whether the file was named explicitly. Otherwise it is skipped, faults included, unless it
            looks like one of ours.
    """
    shown = tree.display(path)
    try:
        with tree.open(path) as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as exc:
        return _failed(path, shown, codes.FILE_UNREADABLE, f"cannot be read: {exc.strerror or exc}")
    if not data.strip():
        severity = Severity.ERROR if expected else Severity.WARNING
        return _failed(path, shown, codes.EMPTY_YAML, "the file is empty", severity)
    if not expected and is_link_text(data):
        return _failed(path, shown, codes.NOT_TEXT, _LINK_TEXT)
    # Without its NUL bytes UTF-16 can be searched too.
    text = data.replace(b"\0", b"").decode(errors="replace")
    if not (expected or data.startswith(STAND_INS) or may_be_ours(text)):
        return ParsedFile(path, skipped=(Origin(shown, 1),))
    if len(data) > _MAX_BYTES:
        limit = f"larger than {_MAX_BYTES // 1024**2} MiB; keep large datasets as JSON Lines"
        return _failed(path, shown, codes.TOO_LARGE, limit)
    decoded = decode(data)
    if isinstance(decoded, Fault):
        return ParsedFile(path, problems=(_placed(decoded, shown),))
    return _parse(decoded, path, shown, expected=expected)


def labels_of(document: Parsed) -> dict[str, str] | None:
    """Return metadata.labels of a document with problems elsewhere; None if they cannot be read."""
    value = document.document.value
    metadata = value.get("metadata") if isinstance(value, Map) else None
    if not isinstance(metadata, Map) or not metadata.keys() <= Metadata.model_fields.keys():
        return None
    start = value.places["metadata"][0]
    end = min((key for key, _ in value.places.values() if key > start), default=_FAR)
    labels = metadata.get("labels", {})
    faulty = any(start <= fault.mark < end for fault in document.document.faults)
    if faulty or not isinstance(labels, dict) or not all(isinstance(label, str) for label in labels.values()):
        return None
    return dict(labels)


def sound_part(document: Parsed) -> tuple[Entries, frozenset[int]] | None:
    """
    Return a broken document with placeholders for its bad images, and the indices of those.

    So one bad image hides no problem of the others. None if a problem lies outside of the images, on which their
    meaning may depend.
    """
    value = document.document.value
    images = value.get("images") if isinstance(value, Map) else None
    if not isinstance(images, Seq) or not images:
        return None
    after = [key for key, _ in value.places.values() if key > images.places[-1]]
    marks = [Mark(p.origin.line, p.origin.column or 1) for p in document.problems if p.origin]
    if any(mark < images.places[0] or mark >= min(after, default=_FAR) for mark in marks):
        return None
    bad = frozenset(bisect(images.places, mark) - 1 for mark in marks)
    rest = [_STAND_IN if number in bad else image for number, image in enumerate(images)]
    try:
        return Entries.model_validate({**value, "images": rest}), bad
    except ValidationError:  # an alias repeats a problem from elsewhere
        return None


def _parse(text: str, path: str, shown: str, *, expected: bool) -> ParsedFile:
    stream = read(text)
    ours = [document for document in stream.documents if is_ours(document.value)]
    if expected and not ours:
        ours = list(stream.documents)
    skipped = [Origin(shown, document.mark.line) for document in stream.documents if document not in ours]
    problems: tuple[Problem, ...] = ()
    if stream.fault and (expected or ours or _rest_seems_ours(stream, text)):
        problems = (_placed(stream.fault, shown),)
    elif stream.fault:
        skipped.append(Origin(shown, stream.fault.mark.line))
    checked = tuple(_check(document, shown) for document in ours)
    return ParsedFile(path, checked, problems, tuple(skipped), "Dataset" in text)


def _rest_seems_ours(stream: Stream, text: str) -> bool:
    """Return whether a document at or after the syntax error looks like one of ours."""
    if stream.fault is None:
        return False
    lines = text.split("\n")
    before = (
        number for number in range(stream.fault.mark.line - 1, 0, -1) if lines[number - 1].startswith("---")
    )
    rest = "\n".join(lines[next(before, 1) - 1 :])
    return any(map(seems_ours, re.split(r"(?m)^---", rest)))


def _check(document: Document, file: str) -> Parsed:
    value = document.value
    kind = value.get("kind") if isinstance(value, Map) else None
    model, model_errors = _validate(value, kind)
    faults = [_placed(fault, file) for fault in document.faults]
    bare = Parsed(file, document, model, kind if isinstance(kind, str) else None, _name(value), ())
    # A faulty part was replaced by a placeholder; what the model reports of that would only confuse.
    faulty = {fault.origin for fault in faults}
    refused = [
        problem
        for problem in map(bare.problem, model_errors)
        if problem.origin not in faulty or problem.code == codes.MISSING_FIELD
    ]
    usable = None if faults or refused else model
    return Parsed(file, document, usable, bare.kind, bare.name, (*faults, *refused))


def _validate(
    value: Any, kind: object
) -> tuple[Dataset | Entries | Acknowledgement | None, tuple[ModelError, ...]]:
    if as_list(value):
        return None, (ModelError((), codes.WRONG_TYPE, _LISTED),)
    if not isinstance(value, Map):
        return None, (ModelError((), codes.WRONG_TYPE, "the document must be a mapping"),)
    version = value.get("apiVersion")
    if isinstance(version, str) and version != API_VERSION:
        message = f"unknown apiVersion “{version}”; this program reads {API_VERSION}"
        return None, (ModelError(("apiVersion",), codes.API_VERSION, message),)
    if kind is None:
        return None, (ModelError((), codes.MISSING_FIELD, "kind is missing: Dataset or Entries"),)
    if not isinstance(kind, str) or kind not in DOCUMENTS:
        message = "kind must be text"
        if isinstance(kind, str):
            message = f"unknown kind “{kind}”; {nearest(kind[:100], list(DOCUMENTS))}"
        return None, (ModelError(("kind",), codes.KIND, message),)
    try:
        return DOCUMENTS[kind].model_validate(value), ()
    except ValidationError as exc:
        return None, model_errors_of(exc, DOCUMENTS[kind])


def _name(value: Any) -> str | None:
    """Return metadata.name, even of a broken document."""
    metadata = value.get("metadata") if isinstance(value, Map) else None
    name = metadata.get("name") if isinstance(metadata, Map) else None
    return name if isinstance(name, str) else None


def _placed(fault: Fault, file: str) -> Problem:
    return Problem(Severity.ERROR, fault.code, fault.message, Origin(file, *fault.mark))


def _failed(
    path: str, shown: str, code: str, message: str, severity: Severity = Severity.ERROR
) -> ParsedFile:
    mark = Mark(1, 1)
    return ParsedFile(path, problems=(Problem(severity, code, message, Origin(shown, *mark)),))

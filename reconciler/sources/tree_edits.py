"""Turn edit requests into edits of the files of a spec tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from reconciler.core.entries.entry import canonical
from reconciler.core.proposals.longhand import NotExpressible
from reconciler.core.proposals.patch import LineEdit
from reconciler.core.proposals.report import EditKind, EditRequest, Refusal, refused
from reconciler.core.proposals.restyle import PLAIN, Style, composed, restyled, style_of
from reconciler.core.spec.labelling import Entries
from reconciler.errors import SourceError
from reconciler.ports import LoadedDataset, Tree
from reconciler.sources.documents import parse_file
from reconciler.sources.entry_files import CompiledLines, JsonLines
from reconciler.sources.ours import is_yaml
from reconciler.sources.shorthand_edits import EntriesDocument, Sidecar, edit_documents
from reconciler.sources.yaml.edit import YamlEditor
from reconciler.sources.yaml.parse import Mark, parse_nodes

# The number of lines from which the style of the author is learned.
_SAMPLE = 50


def edits_of_lines(stream: BinaryIO, requests: Sequence[EditRequest]) -> tuple[list[LineEdit], int]:
    """
    Return the edits for the requests of one file, and its number of entries afterwards.

    Args:
        requests: At most one change or removal per line.
    """
    old = {request.line: request for request in requests if request.kind is not EditKind.ADD}
    new: dict[int, list[EditRequest]] = defaultdict(list)
    for request in requests:
        if request.kind is EditKind.ADD:
            new[request.line].append(request)
    style, end_of_line = _style_of(stream)
    stream.seek(0)
    edits: list[LineEdit] = []
    if 0 in new:
        edits.append(LineEdit(1, 0, tuple(_lines(new[0], style, end_of_line))))
    left = sum(len(behind) for behind in new.values())
    left -= sum(request.kind is EditKind.REMOVE for request in old.values())
    for number, line in enumerate(stream, start=1):
        left += not line.isspace()
        if number in old or number in new:
            edits += _edits(number, line, old.get(number), new.get(number, ()), style, end_of_line)
    return edits, left


def _edits(
    number: int,
    line: bytes,
    request: EditRequest | None,
    new: Sequence[EditRequest],
    style: Style,
    end_of_line: bytes,
) -> Iterator[LineEdit]:
    text = line.rstrip(b"\r\n")
    end = line[len(text) :]
    near = _parsed_style(text).or_else(style)
    behind = list(_lines(sorted(new, key=lambda w: w.source_ref), near, end or end_of_line))
    kept = [line]
    if request is not None:
        kept = [] if request.kind is EditKind.REMOVE else [restyled(text, request.fields, style) + end]
    if behind and not end:  # the last line of the file has no line end
        kept = [content + end_of_line for content in kept]
        behind[-1] = behind[-1].removesuffix(end_of_line)
    if kept == [line]:
        yield LineEdit(number + 1, 0, tuple(behind))
    else:
        yield LineEdit(number, 1, (*kept, *behind))


def _lines(requests: Iterable[EditRequest], style: Style, end: bytes) -> Iterator[bytes]:
    return (composed(request.fields, style) + end for request in requests)


def _style_of(stream: BinaryIO) -> tuple[Style, bytes]:
    """Return the style and the line end of the first lines."""
    style, end = PLAIN, b""
    for _, line in zip(range(_SAMPLE), stream, strict=False):
        text = line.rstrip(b"\r\n")
        style = style.or_else(_parsed_style(text))
        end = end or line[len(text) :]
    return style, end or b"\n"


def _parsed_style(text: bytes) -> Style:
    try:
        return style_of(text.decode()) if text.strip() else PLAIN
    except (ValueError, IndexError, AssertionError):
        return PLAIN  # a line that is not JSON has no style


EMPTY = "{} would hold no entries at all, which only policy.allowEmpty allows"


@dataclass(slots=True)
class TreeEdits:
    """
    Edits of a tree.

    Attributes:
        edits: Path -> line edits, of existing files.
        created: Path -> lines, of new files.
        accepted: The requests that the edits carry out, each with the file in which its image ends up.
        refusals: The other requests, with reasons.
    """

    edits: dict[str, list[LineEdit]] = field(default_factory=dict)
    created: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    accepted: list[EditRequest] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def edit_tree(tree: Tree, datasets: Sequence[LoadedDataset], requests: Sequence[EditRequest]) -> TreeEdits:
    """
    Carry out edit requests, as far as the files can be edited safely.

    Args:
        datasets: All datasets of the tree: a file may belong to several.
        requests: At most one per image and dataset.

    Raises:
        SourceError: A file cannot be read any more.
    """
    return _TreeEditor(tree, datasets).run(requests)


class _TreeEditor:
    def __init__(self, tree: Tree, datasets: Sequence[LoadedDataset]) -> None:
        self._tree = tree
        self._files = tree.files()
        self._paths = {tree.display(path): path for path in self._files}
        self._readers: dict[str, list[LoadedDataset]] = defaultdict(list)
        for dataset in datasets:
            for path, name in _read_by(dataset).items():
                self._paths[name] = path
                self._readers[path].append(dataset)
        self._editors: dict[str, YamlEditor] = {}
        self._result = TreeEdits()

    def run(self, requests: Sequence[EditRequest]) -> TreeEdits:
        by_path: dict[str, list[EditRequest]] = defaultdict(list)
        for request in requests:
            by_path[self._paths[request.file]].append(request)
        for path in sorted(path for path in by_path if is_yaml(path)):
            for sidecar, moved in self._shorthand(path, list(self._agreed(path, by_path[path]))):
                by_path[sidecar] += moved
        for path in sorted(path for path in by_path if not is_yaml(path)):
            self._lines(path, list(self._agreed(path, by_path[path])))
        for path, editor in self._editors.items():
            if edits := editor.edits():
                self._result.edits[path] = edits
        return self._result

    def _agreed(self, path: str, requests: Sequence[EditRequest]) -> Iterator[EditRequest]:
        """Yield one request per image of a shared file if its datasets agree; refuse the others."""
        by_ref: dict[str, list[EditRequest]] = defaultdict(list)
        for request in requests:
            by_ref[request.source_ref].append(request)
        for same in by_ref.values():
            if len({(request.kind, canonical(request.fields)) for request in same}) == 1:
                yield same[0]
                self._result.accepted += same[1:]
            else:
                names = ", ".join(sorted(request.dataset for request in same))
                shared = f"{self._tree.display(path)} belongs to {names}"
                reason = f"{shared}, and AWS does not hold the same for them"
                self._result.refusals += (refused(request, reason) for request in same)

    def _lines(self, path: str, requests: list[EditRequest]) -> None:
        if path not in self._files and path not in self._readers:
            ordered = sorted(requests, key=lambda request: request.source_ref)
            self._result.created[path] = tuple(composed(request.fields, PLAIN) + b"\n" for request in ordered)
            self._accept(requests)
            return
        try:
            with self._tree.open(path) as stream:
                edits, left = edits_of_lines(stream, requests)
        except OSError as exc:
            raise SourceError(f"{self._tree.display(path)}: {exc.strerror or exc}") from exc
        if not left and not self._may_be_empty(path):
            reason = EMPTY.format(self._tree.display(path))
            self._result.refusals += (refused(request, reason) for request in requests)
        elif requests:
            self._result.edits[path] = edits
            self._accept(requests)

    def _accept(self, requests: Sequence[EditRequest]) -> None:
        """Record accepted requests: an image that moved here from another file was changed, not added."""
        self._result.accepted += (
            replace(request, kind=EditKind.CHANGE)
            if request.kind is EditKind.ADD and request.origin
            else request
            for request in requests
        )

    def _shorthand(self, path: str, requests: list[EditRequest]) -> Iterator[tuple[str, list[EditRequest]]]:
        """Edit one YAML file; yield the sidecar and the requests that move there."""
        editor = self._editor(path)
        sidecar = self._sidecar(path)
        outcome = edit_documents(
            editor,
            self._documents(path, editor),
            requests,
            movable=sidecar is not None,
            empty=None if self._may_be_empty(path) else EMPTY.format(self._tree.display(path)),
        )
        not_here = {request.source_ref for request, _ in (*outcome.moved, *outcome.refused)}
        self._result.accepted += (request for request in requests if request.source_ref not in not_here)
        self._result.refusals += (refused(request, reason) for request, reason in outcome.refused)
        if outcome.moved and sidecar is not None:
            sidecar.reference(self._editor)
            name, last = self._tree.display(sidecar.path), self._last_line(sidecar)
            moved = [
                replace(request, kind=EditKind.ADD, file=name, line=last) for request, _ in outcome.moved
            ]
            yield sidecar.path, moved

    def _last_line(self, sidecar: Sidecar) -> int:
        if sidecar.is_new:
            return 0
        with self._tree.open(sidecar.path) as stream:
            return sum(1 for _ in stream)

    def _documents(self, path: str, editor: YamlEditor) -> list[EntriesDocument]:
        parsed = parse_file(self._tree, path, expected=True)
        nodes = parse_nodes(editor.text)
        return [
            EntriesDocument(one.model, nodes[Mark(*one.document.mark)])
            for one in parsed.documents
            if isinstance(one.model, Entries)
        ]

    def _sidecar(self, path: str) -> Sidecar | None:
        """Return the sidecar of a YAML file, if every dataset that reads the file can refer to it."""
        readers = [
            (dataset, self._paths[dataset.origin.file], _read_by(dataset).keys())
            for dataset in self._readers[path]
        ]
        sidecar = Sidecar(path, self._files, readers)
        trials: dict[str, YamlEditor] = {}
        try:
            sidecar.reference(lambda name: trials.setdefault(name, YamlEditor(self._editor(name).text)))
        except NotExpressible:
            return None
        return sidecar

    def _editor(self, path: str) -> YamlEditor:
        if path not in self._editors:
            try:
                with self._tree.open(path) as stream:
                    self._editors[path] = YamlEditor(stream.read().decode())
            except (OSError, UnicodeDecodeError) as exc:
                raise SourceError(f"{self._tree.display(path)}: {exc}") from exc
        return self._editors[path]

    def _may_be_empty(self, path: str) -> bool:
        return all(dataset.policy.allow_empty for dataset in self._readers[path])


def _read_by(dataset: LoadedDataset) -> Mapping[str, str]:
    """Return path -> name of the files that a dataset reads."""
    return {file.path: file.name for file in dataset.files if isinstance(file, JsonLines | CompiledLines)}

"""Wishes as edits of the files of a spec tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.entries.entry import canonical
from reconciler.core.proposals.edit_request import EditRequest, Kind, Refusal, refused
from reconciler.core.proposals.longhand import Unsayable
from reconciler.core.proposals.patch import LineEdit
from reconciler.core.proposals.restyle import PLAIN, composed
from reconciler.core.spec.documents import Entries
from reconciler.errors import SourceError
from reconciler.ports import LoadedDataset, Tree
from reconciler.sources.documents import parse_file
from reconciler.sources.edits.lines import edits_of_lines
from reconciler.sources.edits.shorthand import Sheet, fulfil
from reconciler.sources.edits.sidecar import Sidecar
from reconciler.sources.entry_files import CompiledLines, JsonLines
from reconciler.sources.ours import is_yaml
from reconciler.sources.yaml.edit import Surgery
from reconciler.sources.yaml.positions import documents
from reconciler.sources.yaml.strict import Mark

EMPTY = "{} would hold no entries at all, which only policy.allowEmpty allows"


@dataclass(slots=True)
class Draft:
    """
    Edits of a tree.

    Attributes:
        edits: Of files that are there, by path.
        made: Lines of files that are not there yet, by path.
        granted: The wishes that the edits fulfil, each with the file that it ended up in.
        refusals: The others.
    """

    edits: dict[str, list[LineEdit]] = field(default_factory=dict)
    made: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    granted: list[EditRequest] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def draft(tree: Tree, datasets: Sequence[LoadedDataset], requests: Sequence[EditRequest]) -> Draft:
    """
    Fulfil wishes, as far as files can be edited safely.

    Args:
        datasets: All of the tree: a file may belong to several.
        requests: One for each image and dataset that was looked at.

    Raises:
        SourceError: A file cannot be read any more.
    """
    return _Drafting(tree, datasets).run(requests)


class _Drafting:
    def __init__(self, tree: Tree, datasets: Sequence[LoadedDataset]) -> None:
        self._tree = tree
        self._files = tree.files()
        self._paths = {tree.display(path): path for path in self._files}
        self._readers: dict[str, list[LoadedDataset]] = defaultdict(list)
        for dataset in datasets:
            for path, name in _read_by(dataset).items():
                self._paths[name] = path
                self._readers[path].append(dataset)
        self._surgeries: dict[str, Surgery] = {}
        self._draft = Draft()

    def run(self, requests: Sequence[EditRequest]) -> Draft:
        by_path: dict[str, list[EditRequest]] = defaultdict(list)
        for request in requests:
            by_path[self._paths[request.file]].append(request)
        for path in sorted(path for path in by_path if is_yaml(path)):
            for sidecar, moved in self._shorthand(path, list(self._agreed(by_path[path]))):
                by_path[sidecar] += moved
        for path in sorted(path for path in by_path if not is_yaml(path)):
            self._lines(path, list(self._agreed(by_path[path])))
        for path, surgery in self._surgeries.items():
            if edits := surgery.edits():
                self._draft.edits[path] = edits
        return self._draft

    def _agreed(self, requests: Sequence[EditRequest]) -> Iterator[EditRequest]:
        """Let one of several datasets speak for a file that they share, if they agree."""
        by_ref: dict[str, list[EditRequest]] = defaultdict(list)
        for request in requests:
            by_ref[request.source_ref].append(request)
        for same in by_ref.values():
            if len({(request.kind, canonical(request.fields)) for request in same}) == 1:
                yield same[0]
                self._draft.granted += same[1:]
            else:
                names = ", ".join(sorted(request.dataset for request in same))
                reason = f"{same[0].file} belongs to {names}, and AWS does not hold the same for them"
                self._draft.refusals += (refused(request, reason) for request in same)

    def _lines(self, path: str, requests: list[EditRequest]) -> None:
        if path not in self._files and path not in self._readers:
            ordered = sorted(requests, key=lambda request: request.source_ref)
            self._draft.made[path] = tuple(composed(request.fields, PLAIN) + b"\n" for request in ordered)
            self._grant(requests)
            return
        try:
            with self._tree.open(path) as stream:
                edits, left = edits_of_lines(stream, requests)
        except OSError as exc:
            raise SourceError(f"{self._tree.display(path)}: {exc.strerror or exc}") from exc
        if not left and not self._may_be_empty(path):
            reason = EMPTY.format(self._tree.display(path))
            self._draft.refusals += (refused(request, reason) for request in requests)
        elif requests:
            self._draft.edits[path] = edits
            self._grant(requests)

    def _grant(self, requests: Sequence[EditRequest]) -> None:
        """Note what was fulfilled: an image that came here from another file was changed, not added."""
        self._draft.granted += (
            replace(request, kind=Kind.CHANGE) if request.kind is Kind.ADD and request.origin else request
            for request in requests
        )

    def _shorthand(self, path: str, requests: list[EditRequest]) -> Iterator[tuple[str, list[EditRequest]]]:
        """Edit one YAML file; give what has to go elsewhere."""
        surgery = self._surgery(path)
        sidecar = self._sidecar(path)
        outcome = fulfil(
            surgery,
            self._sheets(path, surgery),
            requests,
            movable=sidecar is not None,
            empty=None if self._may_be_empty(path) else EMPTY.format(self._tree.display(path)),
        )
        not_here = {request.source_ref for request, _ in (*outcome.moved, *outcome.refused)}
        self._draft.granted += (request for request in requests if request.source_ref not in not_here)
        self._draft.refusals += (refused(request, reason) for request, reason in outcome.refused)
        if outcome.moved and sidecar is not None:
            sidecar.name_it(self._surgery)
            name, last = self._tree.display(sidecar.path), self._last_line(sidecar)
            moved = [replace(request, kind=Kind.ADD, file=name, line=last) for request, _ in outcome.moved]
            yield sidecar.path, moved

    def _last_line(self, sidecar: Sidecar) -> int:
        if sidecar.is_new:
            return 0
        with self._tree.open(sidecar.path) as stream:
            return sum(1 for _ in stream)

    def _sheets(self, path: str, surgery: Surgery) -> list[Sheet]:
        parsed = parse_file(self._tree, path, expected=True)
        nodes = documents(surgery.text)
        return [
            Sheet(one.model, nodes[Mark(*one.document.mark)])
            for one in parsed.documents
            if isinstance(one.model, Entries)
        ]

    def _sidecar(self, path: str) -> Sidecar | None:
        """Return the file beside a YAML file, if every dataset that reads the one could read the other."""
        readers = [
            (dataset, self._paths[dataset.origin.file], _read_by(dataset).keys())
            for dataset in self._readers[path]
        ]
        sidecar = Sidecar(path, self._files, readers)
        trials: dict[str, Surgery] = {}
        try:
            sidecar.name_it(lambda name: trials.setdefault(name, Surgery(self._surgery(name).text)))
        except Unsayable:
            return None
        return sidecar

    def _surgery(self, path: str) -> Surgery:
        if path not in self._surgeries:
            try:
                with self._tree.open(path) as stream:
                    self._surgeries[path] = Surgery(stream.read().decode())
            except (OSError, UnicodeDecodeError) as exc:
                raise SourceError(f"{self._tree.display(path)}: {exc}") from exc
        return self._surgeries[path]

    def _may_be_empty(self, path: str) -> bool:
        return all(dataset.spec.spec.policy.allow_empty for dataset in self._readers[path])


def _read_by(dataset: LoadedDataset) -> Mapping[str, str]:
    """Return the files that a dataset reads: path and name."""
    return {file.path: file.name for file in dataset.files if isinstance(file, JsonLines | CompiledLines)}

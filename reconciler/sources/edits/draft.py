"""Wishes as edits of the files of a spec tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.entries.entry import canonical
from reconciler.core.proposals.edit_request import Kind, Refusal, Wish, refused
from reconciler.core.proposals.longhand import Unsayable
from reconciler.core.proposals.patch import LineEdit
from reconciler.core.proposals.restyle import PLAIN, composed
from reconciler.core.spec.documents import Entries
from reconciler.errors import SourceError
from reconciler.ports import LoadedDataset, Tree
from reconciler.sources.documents import parse_file
from reconciler.sources.edits.lines import edits_of_lines
from reconciler.sources.edits.shorthand import Sheet, fulfil
from reconciler.sources.edits.sidecar import Shelf
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
    granted: list[Wish] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def draft(tree: Tree, datasets: Sequence[LoadedDataset], wishes: Sequence[Wish]) -> Draft:
    """
    Fulfil wishes, as far as files can be edited safely.

    Args:
        datasets: All of the tree: a file may belong to several.
        wishes: One for each image and dataset that was looked at.

    Raises:
        SourceError: A file cannot be read any more.
    """
    return _Drafting(tree, datasets).run(wishes)


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

    def run(self, wishes: Sequence[Wish]) -> Draft:
        by_path: dict[str, list[Wish]] = defaultdict(list)
        for wish in wishes:
            by_path[self._paths[wish.file]].append(wish)
        for path in sorted(path for path in by_path if is_yaml(path)):
            for shelf, moved in self._shorthand(path, list(self._agreed(by_path[path]))):
                by_path[shelf] += moved
        for path in sorted(path for path in by_path if not is_yaml(path)):
            self._lines(path, list(self._agreed(by_path[path])))
        for path, surgery in self._surgeries.items():
            if edits := surgery.edits():
                self._draft.edits[path] = edits
        return self._draft

    def _agreed(self, wishes: Sequence[Wish]) -> Iterator[Wish]:
        """Let one of several datasets speak for a file that they share, if they agree."""
        by_ref: dict[str, list[Wish]] = defaultdict(list)
        for wish in wishes:
            by_ref[wish.source_ref].append(wish)
        for same in by_ref.values():
            if len({(wish.kind, canonical(wish.fields)) for wish in same}) == 1:
                yield same[0]
                self._draft.granted += same[1:]
            else:
                names = ", ".join(sorted(wish.dataset for wish in same))
                reason = f"{same[0].file} belongs to {names}, and AWS does not hold the same for them"
                self._draft.refusals += (refused(wish, reason) for wish in same)

    def _lines(self, path: str, wishes: list[Wish]) -> None:
        if path not in self._files and path not in self._readers:
            ordered = sorted(wishes, key=lambda wish: wish.source_ref)
            self._draft.made[path] = tuple(composed(wish.fields, PLAIN) + b"\n" for wish in ordered)
            self._grant(wishes)
            return
        try:
            with self._tree.open(path) as stream:
                edits, left = edits_of_lines(stream, wishes)
        except OSError as exc:
            raise SourceError(f"{self._tree.display(path)}: {exc.strerror or exc}") from exc
        if not left and not self._may_be_empty(path):
            reason = EMPTY.format(self._tree.display(path))
            self._draft.refusals += (refused(wish, reason) for wish in wishes)
        elif wishes:
            self._draft.edits[path] = edits
            self._grant(wishes)

    def _grant(self, wishes: Sequence[Wish]) -> None:
        """Note what was fulfilled: an image that came here from another file was changed, not added."""
        self._draft.granted += (
            replace(wish, kind=Kind.CHANGE) if wish.kind is Kind.ADD and wish.origin else wish
            for wish in wishes
        )

    def _shorthand(self, path: str, wishes: list[Wish]) -> Iterator[tuple[str, list[Wish]]]:
        """Edit one YAML file; give what has to go elsewhere."""
        surgery = self._surgery(path)
        shelf = self._shelf(path)
        outcome = fulfil(
            surgery,
            self._sheets(path, surgery),
            wishes,
            movable=shelf is not None,
            empty=None if self._may_be_empty(path) else EMPTY.format(self._tree.display(path)),
        )
        not_here = {wish.source_ref for wish, _ in (*outcome.moved, *outcome.refused)}
        self._draft.granted += (wish for wish in wishes if wish.source_ref not in not_here)
        self._draft.refusals += (refused(wish, reason) for wish, reason in outcome.refused)
        if outcome.moved and shelf is not None:
            shelf.name_it(self._surgery)
            name, last = self._tree.display(shelf.path), self._last_line(shelf)
            moved = [replace(wish, kind=Kind.ADD, file=name, line=last) for wish, _ in outcome.moved]
            yield shelf.path, moved

    def _last_line(self, shelf: Shelf) -> int:
        if shelf.is_new:
            return 0
        with self._tree.open(shelf.path) as stream:
            return sum(1 for _ in stream)

    def _sheets(self, path: str, surgery: Surgery) -> list[Sheet]:
        parsed = parse_file(self._tree, path, expected=True)
        nodes = documents(surgery.text)
        return [
            Sheet(one.model, nodes[Mark(*one.document.mark)])
            for one in parsed.documents
            if isinstance(one.model, Entries)
        ]

    def _shelf(self, path: str) -> Shelf | None:
        """Return the file beside a YAML file, if every dataset that reads the one could read the other."""
        readers = [
            (dataset, self._paths[dataset.origin.file], _read_by(dataset).keys())
            for dataset in self._readers[path]
        ]
        shelf = Shelf(path, self._files, readers)
        trials: dict[str, Surgery] = {}
        try:
            shelf.name_it(lambda name: trials.setdefault(name, Surgery(self._surgery(name).text)))
        except Unsayable:
            return None
        return shelf

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

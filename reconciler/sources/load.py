"""Load a spec tree: its datasets, and every problem of every file at once."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from reconciler.core.entries.pattern import is_pattern, path_glob
from reconciler.core.spec.choices import DriftClass
from reconciler.core.spec.documents import API_VERSION, Acknowledgement, Dataset
from reconciler.core.spec.labelling import Entries
from reconciler.core.spec.messages import ModelError, Path
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem, Severity, by_place, has_error
from reconciler.core.validation.unmatched import PlacedGlob, PlacedPath
from reconciler.errors import SourceError
from reconciler.ports import BrokenDataset, EntryFile, LoadedDataset, Manifests, Specs, Tree
from reconciler.sources.documents import Parsed, ParsedFile, labels_of, parse_file
from reconciler.sources.entry_files import CheckedFile, check_lines, check_shorthand, pinned_files
from reconciler.sources.manifests import NOTHING_KEPT
from reconciler.sources.ours import SUFFIXES, is_yaml
from reconciler.sources.relations import clashes, of_unknown_datasets, with_partners


def load(tree: Tree, only: str | None = None, manifests: Manifests = NOTHING_KEPT) -> Specs:
    """
    Read every spec of a tree; of JSON Lines files only the first and last bytes are checked.

    Args:
        only: Path in the tree of the one spec file to read; None for all.
        manifests: Opens entries that are kept outside git, which is not done here.

    Raises:
        SourceError: The tree cannot be listed, or declares no dataset, not even a broken one: the desired
            state is unknown.
    """
    if only is not None and not is_yaml(only):
        raise SourceError(f"{tree.display(only)}: a spec file ends in {' or '.join(SUFFIXES)}")
    specs = _Loading(tree, only, manifests).run()
    if not specs.datasets and not has_error(specs.problems):
        what = tree.display(only) if only else tree.name
        message = "no document with apiVersion reconciler/v1 and kind Dataset"
        raise SourceError(f"{what}: {message}; `reconciler init` writes a first one")
    return specs


def problem_of(error: SourceError) -> Problem:
    """Return the error of an unreadable source as a problem, for commands that only validate."""
    return Problem(Severity.ERROR, error.code, str(error), None)


# A broken document of these kinds is a problem of its file alone, not a broken dataset.
_OF_NO_DATASET: Final = ("Entries", "Acknowledgement")


class _Loading:
    """One run of `load`, with a cache so that no file is read twice."""

    def __init__(self, tree: Tree, only: str | None, manifests: Manifests) -> None:
        self._tree = tree
        self._only = only
        self._manifests = manifests
        self._parsed: dict[str, ParsedFile] = {}
        self._checked: dict[str, CheckedFile] = {}

    def run(self) -> Specs:
        paths = [self._only] if self._only else self._spec_files()
        files = [self._parse(path, expected=path == self._only) for path in paths]
        documents = [(file.path, parsed) for file in files for parsed in file.documents]
        meant = [(path, parsed) for path, parsed in documents if parsed.kind not in _OF_NO_DATASET]
        known = [parsed.model for _, parsed in documents if isinstance(parsed.model, Acknowledgement)]
        acknowledging = _acknowledging([parsed for _, parsed in documents])
        extra: dict[int, list[Problem]] = {}
        for document, problem in clashes([parsed for _, parsed in meant]):
            extra.setdefault(id(document), []).append(problem)
        datasets: list[LoadedDataset] = []
        broken = [] if self._only else self._refused()
        for path, parsed in meant:
            problems = [*parsed.problems, *extra.get(id(parsed), ())]
            named = self._entry_files(path, parsed, problems)
            if isinstance(parsed.model, Dataset):
                named += pinned_files(parsed, parsed.model, self._manifests, problems)
                ordered = tuple(sorted(problems, key=by_place))
                patterns = (*_patterns(parsed, parsed.model), *acknowledging.get(parsed.model.name, ()))
                ignored = tuple(_ignored_paths(parsed, parsed.model))
                loaded = LoadedDataset(parsed.model, parsed.origin, named, ordered, (), patterns, ignored)
                datasets.append(loaded)
            else:
                broken.append(_broken(parsed, problems, named))
        broken += map(_broken_file, filter(self._may_declare, files))
        return Specs(
            datasets=tuple(with_partners(sorted(datasets, key=lambda dataset: dataset.origin))),
            broken=tuple(sorted(broken, key=lambda dataset: dataset.origin)),
            problems=self._all_problems(files, datasets, broken),
            revision=self._tree.revision,
            acknowledgements=tuple(known),
            skipped=tuple(origin for file in files for origin in self._parsed[file.path].skipped),
        )

    def _may_declare(self, file: ParsedFile) -> bool:
        """Return whether a part of a file that cannot be read may declare a dataset."""
        return has_error(file.problems) and (file.may_hold_dataset or file.path not in self._checked)

    def _spec_files(self) -> list[str]:
        """Return the YAML files of the tree, each once even if links give it several names."""
        return sorted({self._canonical(path) for path in self._files if is_yaml(path)})

    def _canonical(self, path: str) -> str:
        """Return the canonical name of a file, unless only one of the two names has a YAML suffix."""
        found = self._tree.canonical(path)
        return found if is_yaml(found) == is_yaml(path) else path

    def _refused(self) -> list[BrokenDataset]:
        """Return the paths that may contain datasets but are not read, as broken datasets."""
        broken = []
        for path, reason in self._tree.refused().items():
            origin = Origin(self._tree.display(path), 1)
            message = f"cannot be read: {reason}"
            problem = Problem(Severity.ERROR, codes.FILE_UNREADABLE, message, origin)
            broken.append(BrokenDataset(origin.file, origin, (problem,)))
        return broken

    def _all_problems(
        self, files: list[ParsedFile], datasets: list[LoadedDataset], broken: list[BrokenDataset]
    ) -> tuple[Problem, ...]:
        """Collect all problems, each once: a file may belong to several datasets."""
        found = dict.fromkeys(problem for dataset in datasets for problem in dataset.problems)
        found |= dict.fromkeys(problem for dataset in broken for problem in dataset.problems)
        names = {dataset.name for dataset in datasets} | {dataset.name for dataset in broken}
        for file in files:
            found |= dict.fromkeys(self._parsed[file.path].problems)
            for parsed in file.documents:
                found |= dict.fromkeys(parsed.problems)
            if file.path not in self._checked and not self._only:
                found |= dict.fromkeys(self._unused(file, certain=not broken))
            if not self._only:
                found |= dict.fromkeys(of_unknown_datasets(file, names))
        return tuple(sorted(found, key=by_place))

    def _unused(self, file: ParsedFile, *, certain: bool) -> Iterator[Problem]:
        """
        Yield the problems of Entries documents that no dataset names.

        Args:
            certain: Whether every dataset could be read: a broken one may name the file.
        """
        unused = [parsed for parsed in file.documents if isinstance(parsed.model, Entries)]
        message = "no dataset names this file under spec.entries: its images are not used"
        for parsed in unused if certain else ():
            yield parsed.problem(ModelError((), codes.UNUSED, message), Severity.WARNING)
        if unused:
            yield from check_shorthand(file, unused[0].file).problems

    def _entry_files(self, path: str, parsed: Parsed, problems: list[Problem]) -> tuple[EntryFile, ...]:
        """Return the files that a document names, as far as it can be read; add their problems to *problems*."""
        files: dict[str, EntryFile | None] = {}
        for place, named in _named_files(parsed):
            found = self._resolve(path, named)
            if isinstance(found, ModelError):
                problems.append(parsed.problem(found._replace(path=place)))
                continue
            for name in map(self._canonical, found):
                if name in files:
                    message = f"{self._tree.display(name)} is named twice; it is read once"
                    model_error = ModelError(place, codes.NAMED_TWICE, message)
                    problems.append(parsed.problem(model_error, Severity.WARNING))
                    continue
                checked = self._check(name)
                if isinstance(checked, ModelError):
                    problems.append(parsed.problem(checked._replace(path=place)))
                    continue
                problems += checked.problems
                if checked.empty and not _allows_empty(parsed):
                    problems.append(self._empty(name))
                files[name] = checked.file
        return tuple(file for file in files.values() if file is not None)

    def _resolve(self, spec_path: str, file: str) -> tuple[str, ...] | ModelError:
        """Return the files that one item of `entries` names, or what is wrong with it."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(spec_path), file))
        if posixpath.isabs(file) or path == ".." or path.startswith("../"):
            message = f"“{file}” leads out of the spec tree {self._tree.name}"
            return ModelError((), codes.OUTSIDE, message)
        if not is_pattern(path) or path in self._files:
            return (path,)
        matches = tuple(name for name in self._files if path_glob(path).match(name))
        return matches or ModelError((), codes.NO_MATCH, f"“{file}” matches no file")

    def _check(self, path: str) -> CheckedFile | ModelError:
        """Check one file of entries, once."""
        if path not in self._checked:
            try:
                self._checked[path] = self._check_file(path)
            except FileNotFoundError:
                return ModelError((), codes.NO_MATCH, self._absent(path))
            except OSError as exc:
                reason = f"{self._tree.display(path)} cannot be read: {exc.strerror or exc}"
                return ModelError((), codes.FILE_UNREADABLE, reason)
        return self._checked[path]

    def _absent(self, path: str) -> str:
        from difflib import get_close_matches  # only a hint needs it

        near = get_close_matches(path, self._files, n=1, cutoff=0.8)
        hint = f"; did you mean {self._tree.display(near[0])}?" if near else ""
        return f"{self._tree.display(path)} does not exist{hint}"

    def _check_file(self, path: str) -> CheckedFile:
        if not is_yaml(path):
            return check_lines(self._tree, path, self._manifests)
        self._tree.open(path).close()  # a missing file is a problem of the spec that names it
        name = self._tree.display(path)
        return check_shorthand(self._parse(path, expected=True), name)

    def _parse(self, path: str, *, expected: bool) -> ParsedFile:
        known = self._parsed.get(path)
        if known is None or (expected and not known.documents):
            known = self._parsed[path] = parse_file(self._tree, path, expected=expected)
        return known

    def _empty(self, path: str) -> Problem:
        message = "the file holds no entries; if that is meant, set policy.allowEmpty: true"
        origin = Origin(self._tree.display(path), 1)
        return Problem(Severity.ERROR, codes.EMPTY_ENTRIES, message, origin)

    @cached_property
    def _files(self) -> tuple[str, ...]:
        return tuple(self._tree.files())


def _patterns(parsed: Parsed, dataset: Dataset) -> Iterator[PlacedGlob]:
    """Yield the globs of a dataset that select entries."""
    for number, text in enumerate(dataset.spec.protect):
        yield PlacedGlob("protect", text, parsed.origin_of(("spec", "protect", number)))
    for number, rule in enumerate(dataset.spec.ignore):
        if rule.match is not None:
            place = ("spec", "ignore", number, "match")
            yield PlacedGlob("ignore.match", rule.match, parsed.origin_of(place))


def _ignored_paths(parsed: Parsed, dataset: Dataset) -> Iterator[PlacedPath]:
    for number, rule in enumerate(dataset.spec.ignore):
        for place, path in enumerate(rule.paths):
            origin = parsed.origin_of(("spec", "ignore", number, "paths", place))
            yield PlacedPath(path, rule.match, origin)


def _acknowledging(documents: Sequence[Parsed]) -> dict[str, list[PlacedGlob]]:
    """Return dataset name -> globs of its acknowledgements."""
    found: dict[str, list[PlacedGlob]] = {}
    for parsed in documents:
        match parsed.model:
            case Acknowledgement(dataset=name, match=str(text), classes=classes):
                about_orphans = set(classes) == {DriftClass.UNMANAGED}
                one = PlacedGlob("match", text, parsed.origin_of(("match",)), about_orphans)
                found.setdefault(name, []).append(one)
    return found


def _named_files(parsed: Parsed) -> Iterator[tuple[Path, str]]:
    """Yield the path and the name of every readable item of `entries`, even of a broken document."""
    items = _within(parsed, "spec", "entries")
    if _within(parsed, "apiVersion") not in {None, API_VERSION} or not isinstance(items, list):
        return
    for index, item in enumerate(items):
        if isinstance(item, dict) and isinstance(file := item.get("file"), str) and file:
            yield ("spec", "entries", index, "file"), file


def _allows_empty(parsed: Parsed) -> bool:
    return _within(parsed, "spec", "policy", "allowEmpty") is True


def _within(parsed: Parsed, *keys: str) -> object:
    """Return a value of the document as written, or None."""
    value = parsed.document.value
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _broken(parsed: Parsed, problems: list[Problem], files: tuple[EntryFile, ...]) -> BrokenDataset:
    ordered = tuple(sorted(problems, key=by_place))
    name, named = parsed.name or parsed.file, parsed.name is not None
    return BrokenDataset(name, parsed.origin, ordered, files, named, labels_of(parsed))


def _broken_file(file: ParsedFile) -> BrokenDataset:
    origin = next(problem.origin for problem in file.problems if problem.origin)
    return BrokenDataset(origin.file, origin, file.problems)

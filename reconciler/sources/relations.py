"""Relate the documents of a tree: conflicts, partners, and acknowledgements of unknown datasets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations

from msgspec.structs import replace

from reconciler.core.spec.documents import Acknowledgement, Dataset
from reconciler.core.spec.messages import ModelError, nearest
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Problem, Severity
from reconciler.ports import LoadedDataset
from reconciler.sources.documents import Parsed, ParsedFile


def clashes(documents: Sequence[Parsed]) -> Iterator[tuple[Parsed, Problem]]:
    """Yield a problem for every dataset that conflicts with others; it names one of them."""
    yield from _same_name(documents)
    yield from _same_target(documents)


def _same_name(documents: Iterable[Parsed]) -> Iterator[tuple[Parsed, Problem]]:
    by_name = defaultdict(list)
    for document in documents:
        if document.name is not None:
            by_name[document.name].append(document)
    for name, group in by_name.items():
        for one, other in _with_other(group):
            message = f"the name {name} is also used in {_place(other, ('metadata', 'name'))}"
            yield one, one.problem(ModelError(("metadata", "name"), codes.SAME_NAME, message))


def _same_target(documents: Iterable[Parsed]) -> Iterator[tuple[Parsed, Problem]]:
    by_place = defaultdict(list)
    for document in documents:
        if isinstance(document.model, Dataset):
            target = document.model.spec.target
            by_place[target.identity].append((target, document))
    for group in by_place.values():
        others: dict[int, tuple[Parsed, Parsed]] = {}
        for (a, one), (b, other) in combinations(group, 2):
            if a.may_be_beside(b):  # a false alarm is better than two datasets that overwrite each other
                others.setdefault(id(one), (one, other))
                others.setdefault(id(other), (other, one))
        for one, other in others.values():
            path = ("spec", "target")
            message = f"dataset {other.name} in {_place(other, path)} has the same target"
            if _region(one) != _region(other):
                message += ", unless the SDK's own Region is another; give both a spec.target.region"
            yield one, one.problem(ModelError(path, codes.SAME_TARGET, message, at_key=True))


def _with_other(group: Sequence[Parsed]) -> Iterator[tuple[Parsed, Parsed]]:
    """Pair each document with the first of the others."""
    if len(group) > 1:
        for one in group:
            yield one, group[1] if one is group[0] else group[0]


def _place(document: Parsed, path: tuple[str, ...]) -> str:
    mark = document.document.locate(path, at_key=path[-1] == "target")
    return f"{document.file}:{mark.line}:{mark.column}"


def _region(document: Parsed) -> str | None:
    return document.model.spec.target.home_region if isinstance(document.model, Dataset) else None


def with_partners(datasets: Sequence[LoadedDataset]) -> Iterator[LoadedDataset]:
    """Set the partners of every dataset: those of the other type in the same project."""
    projects: dict[str, list[LoadedDataset]] = {}
    for dataset in datasets:
        projects.setdefault(dataset.target.identity[0], []).append(dataset)
    for dataset in datasets:
        target = dataset.target
        near = [other for other in projects[target.identity[0]] if target.may_be_beside(other.target)]
        others = [other for other in near if other.target.kind is not target.kind]
        yield replace(dataset, partners=tuple(others))


def of_unknown_datasets(file: ParsedFile, names: Collection[str]) -> Iterator[Problem]:
    """Yield a warning for every acknowledgement of an unknown dataset."""
    for parsed in file.documents:
        if isinstance(parsed.model, Acknowledgement) and (name := parsed.model.dataset) not in names:
            message = f"no dataset is called {name}; {nearest(name, sorted(names))}"
            model_error = ModelError(("dataset",), codes.NO_SUCH_DATASET, message)
            yield parsed.problem(model_error, Severity.WARNING)

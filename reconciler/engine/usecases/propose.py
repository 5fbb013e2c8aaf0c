"""Observe each dataset once and request edits of the specs. Makes no call that writes; keeps no state."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, takewhile

from reconciler.core.drift.report import classes
from reconciler.core.entries.entry import Fields
from reconciler.core.entries.equality import encode
from reconciler.core.entries.lines import Line
from reconciler.core.entries.observed_line import CODE, UNREADABLE
from reconciler.core.planning.compare import compare_some
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import DatasetPlan, PlannedChange
from reconciler.core.planning.withholding import ALL_CHANGES, ChangeSelection
from reconciler.core.proposals.minimal_edit import wanted
from reconciler.core.proposals.report import EditKind, EditRequest, Refusal
from reconciler.core.validation.line import check_line
from reconciler.core.validation.problem import Severity
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.make_plan import Planned, is_selected
from reconciler.engine.dataset.observe import OVERRIDE
from reconciler.engine.usecases import each_dataset

_KINDS = {Action.ADD: EditKind.REMOVE, Action.UPDATE: EditKind.CHANGE, Action.ORPHAN: EditKind.ADD}


@dataclass(slots=True)
class Proposed:
    """
    The edit requests and refusals of one dataset.

    Attributes:
        requests: Ordered by source-ref.
        refusals: Drift that no change of the specs can take up.
        observed: The observed lines that requests are about.
        observed_at: Seconds since the epoch; None if nothing was observed.
        pending: Differences that git alone made: an apply is due, and nothing is proposed.
        not_selected: Number of images whose drift is not selected.
    """

    desired: Desired
    plan: DatasetPlan
    requests: list[EditRequest] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    observed: list[Line] = field(default_factory=list)
    observed_at: float | None = None
    pending: int = 0
    not_selected: int = 0


def propose_each(
    datasets: Iterable[Desired], context_of: each_dataset.Contexts, selection: ChangeSelection = ALL_CHANGES
) -> Iterator[Proposed]:
    """Observe every dataset; one that cannot be seen gives no requests, and a plan that says why."""
    for desired, planned in each_dataset.open_plans(datasets, context_of):
        with closing(planned):
            removed = _removed_by_git(desired, planned, context_of) if planned.observation else frozenset()
            yield _Proposing(desired, planned, selection, removed).run()


def unfulfilled(after: Desired, before: Proposed, requests: Sequence[EditRequest]) -> frozenset[str]:
    """
    Return the images whose edited specs lack the intended effect.

    Args:
        after: The dataset as it is read from the edited specs.
        requests: Those that were to be fulfilled; about all other images nothing may have changed.
    """
    refs = {request.source_ref for request in requests}
    diff = compare_some(after.index, refs, before.observed, after.read, after.equality)
    wrong = {change.source_ref for change in diff.changes}
    old, new = before.desired.index, after.index
    wrong |= (old.source_refs ^ new.source_refs) - refs
    wrong |= (new.void - old.void) & refs
    for ref in old.source_refs & new.source_refs:
        row, other = old.row(ref), new.row(ref)
        if (
            ref not in refs
            and row is not None
            and other is not None
            and old.text_hash(row) != new.text_hash(other)
        ):
            wrong.add(ref)
    return frozenset(wrong)


def _removed_by_git(desired: Desired, planned: Planned, context_of: each_dataset.Contexts) -> frozenset[str]:
    """Return images that were applied once and have left the specs since: to bring them back would undo that."""
    orphans = [item.source_ref for item in planned.plan.changes if item.action is Action.ORPHAN]
    arn = planned.plan.arn
    return (
        frozenset(context_of(desired).memory.applied(desired.name, arn, orphans).entries)
        if arn
        else frozenset()
    )


class _Proposing:
    """Makes the edit requests of one dataset."""

    def __init__(
        self, desired: Desired, planned: Planned, selection: ChangeSelection, removed: Collection[str]
    ) -> None:
        self._desired = desired
        self._planned = planned
        self._selection = selection
        self._errored = dict(planned.diff.errored)
        self._removed = removed
        at = planned.observation.at if planned.observation else None
        self._result = Proposed(desired, planned.plan, observed_at=at)

    def run(self) -> Proposed:
        for item in self._planned.plan.changes:
            if item.cause.is_pending or item.source_ref in self._removed:
                self._result.pending += 1
            elif is_selected(self._selection, item, self._planned.composer, self._errored):
                self._take(item)
            else:
                self._result.not_selected += 1
        return self._result

    def _take(self, item: PlannedChange) -> None:
        composer, change = self._planned.composer, item.change
        ours, theirs = composer.desired(change), composer.observed(change)
        kinds = classes(composer.view(change), errored=False)
        equality = self._desired.equality
        fields = wanted(ours, theirs, equality) if theirs is not None else {}
        place = self._place(item)
        reason = _unkeepable(theirs, fields) if theirs is not None else self._unremovable()
        if place is None:
            reason = reason or "the dataset has no file of entries in git that it could be added to"
        elif (kept := self._desired.loaded.files[place[0]]).pinned is not None:
            reason = reason or (
                f"its line is kept in {kept.name}, outside git; change it and its digest in {kept.origin} by hand"
            )
        if reason is not None or place is None:
            self._result.refusals.append(
                Refusal(self._desired.name, item.source_ref, item.cause, kinds, item.origin, reason or "")
            )
            return
        file, line = place
        self._result.requests.append(
            EditRequest(
                self._desired.name,
                item.source_ref,
                _KINDS[item.action],
                item.cause,
                kinds,
                self._desired.loaded.files[file].name,
                line,
                item.origin,
                fields,
                equality,
            )
        )
        if change.observed is not None and self._planned.observation is not None:
            raw = self._planned.observation.listing.read(change.observed)
            self._result.observed.append((raw, change.observed.offset, change.observed.line))

    def _unremovable(self) -> str | None:
        """Return why no line may leave git; None if it is known what AWS holds."""
        gap = self._planned.plan.gap
        return f"{gap}: it may be there all the same; {OVERRIDE}" if gap else None

    def _place(self, item: PlannedChange) -> tuple[int, int] | None:
        if item.change.desired is not None:
            return item.change.desired.file, item.change.desired.line
        return self._neighbours.place(item.source_ref)

    @cached_property
    def _neighbours(self) -> _Neighbours:
        return _Neighbours(self._desired)


def _unkeepable(observed: Fields, fields: Mapping[str, object]) -> str | None:
    """Return why a line must not be kept in git; None if it may be."""
    if UNREADABLE in observed:
        return f"AWS holds a line that is not valid JSON: {observed['cl-errors'][0]['message']} ({CODE})"
    errors = [f for f in check_line(encode(dict(fields))).problems if f.severity is Severity.ERROR]
    return (
        f"AWS holds a line that would not be valid: {errors[0].message} ({errors[0].code})"
        if errors
        else None
    )


class _Neighbours:
    """Where new images go: beside those whose addresses begin like theirs."""

    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._in_git = [number for number, file in enumerate(desired.loaded.files) if file.pinned is None]
        self._by_file: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for ref, place in desired.index.items():
            self._by_file[place.file].append((place.line, ref))
        self._refs = sorted(ref for number in self._in_git for _, ref in self._by_file[number])
        self._sorted: dict[int, list[str] | None] = {}

    def place(self, source_ref: str) -> tuple[int, int] | None:
        """Return file and line behind which an image belongs; None if there is no file."""
        at = bisect(self._refs, source_ref)
        near = max(
            self._refs[max(0, at - 1) : at + 1],
            key=lambda ref: _shared(ref, source_ref),
            default=None,
        )
        if near is None:
            return (self._in_git[0], 0) if self._in_git else None
        row = self._desired.index.row(near)
        file = self._desired.index.place(row).file if row is not None else 0
        refs = self._in_order(file)
        lines = self._by_file[file]
        if refs is None:
            return file, lines[-1][0]
        at = bisect(refs, source_ref)
        return file, lines[at - 1][0] if at else lines[0][0] - 1

    def _in_order(self, file: int) -> list[str] | None:
        """Return the images of a file, if they stand there in order."""
        if file not in self._sorted:
            lines = self._by_file[file]
            lines.sort()
            refs = [ref for _, ref in lines]
            is_sorted = len(refs) > 1 and all(a < b for a, b in pairwise(refs))
            self._sorted[file] = refs if is_sorted else None
        return self._sorted[file]


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

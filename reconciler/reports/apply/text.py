"""The results of an apply for people: one line for each dataset, and every entry that is not in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.core.status.result import DatasetResult, EntryProblem, Verdict, WithheldGroup
from reconciler.reports.plan.text import INKS
from reconciler.reports.plan.words import CAUSES, SIGILS
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import (
    LONGEST_NAME,
    Ink,
    Line,
    More,
    Screen,
    Span,
    error_lines,
    first_of,
    gap_lines,
    indented,
    line,
    place_span,
    stacked,
)
from reconciler.reports.visible import counted, shortened, visible

_VERDICTS: Final = {
    Verdict.CONVERGED: (Span("✓", Ink.GREEN), "everything desired is in place"),
    Verdict.WITHHELD: (Span("≠", Ink.YELLOW), "everything that the policy allows is in place"),
    Verdict.PARTIAL: (Span("!", Ink.YELLOW), "not everything desired is in place"),
    Verdict.BLOCKED: (Span("✗", Ink.RED), "nothing was sent"),
    Verdict.FAILED: (Span("✗", Ink.RED), "the apply failed"),
    Verdict.UNKNOWN: (Span("?", Ink.YELLOW), "the dataset could not be observed"),
    Verdict.OBSERVED: (Span("·", Ink.DIM), "mode observe; nothing was written"),
}
_SELECTED: Final = "everything selected is in place, as far as the policy allows"
_NOTHING_SELECTED: Final = "no selected image differs, others do; nothing was sent"
_MAX_LABELS: Final = 10


def render(results: Sequence[DatasetResult], options: RenderOptions) -> Iterator[Line]:
    """Yield the results of one apply as text."""
    screen = options.screen
    details = len(results) == 1 or screen.limit is None
    lines = (content for result in results for content in _dataset(result, screen, details=details))
    return stacked([lines, _total(results)])


def _dataset(result: DatasetResult, screen: Screen, *, details: bool) -> Iterator[Line]:
    yield _headline(result)
    if details:
        yield from indented(_changed(result, screen), by=4)
    entry_problems = (
        ("quarantined (an update failed because of the entry)", result.quarantined),
        ("dropped (accepted by AWS, then absent)", result.dropped),
        ("rejected (stored by AWS with errors)", result.rejected),
    )
    for meaning, found in entry_problems:
        if found:
            yield from indented([line(f"{len(found):,} {meaning}")])
            yield from indented(first_of(found, screen.limit, _entry_problem), by=4)
    for group in result.groups:
        yield from indented(_withheld(result, group, screen))
    if result.not_selected:  # the plan names them
        causes = ", ".join(f"{group.number:,} {CAUSES[group.cause]}" for group in result.not_selected)
        entries = counted(result.number_not_selected, "entry", "entries")
        yield from indented([line(f"{entries} not selected: {causes}")])
    for group in result.unblanked:
        waits = "; a manual apply blanks them" if group.waits else ""
        yield from indented([line(f"{counted(group.number, 'orphan')} left in AWS: {group.reason}{waits}")])
    yield from indented(error_lines(result.errors, screen))
    yield from indented(gap_lines(result.gap))


def _headline(result: DatasetResult) -> Line:
    parts = [_VERDICTS[result.verdict][1]]
    if result.verdict is Verdict.WITHHELD and result.leaves_rest:
        parts = [_SELECTED if result.updates or result.groups else _NOTHING_SELECTED]
    if result.updates:
        sent = f"{result.added:,} added, {result.updated:,} updated"
        parts.append(f"{sent} with {counted(result.updates, 'update call')}")
        parts.append("verified" if result.verified else "not verified")
    mark = mark_of(result.verdict, differs=bool(result.unblanked), incomplete=result.gap is not None)
    return line(mark, " ", Span(result.name, Ink.BOLD), f"  {result.verdict.value}: {'; '.join(parts)}")


def _changed(result: DatasetResult, screen: Screen) -> Iterator[Line]:
    """Count what was changed by label; without a limit, name every image too."""
    for what, numbers in (
        ("added: ", [(count.label, count.added) for count in result.labels]),
        ("updated: ", [(count.label, count.updated) for count in result.labels]),
    ):
        found = [f"{visible(label)} {number:,}" for label, number in numbers if number]
        named = found if screen.limit is None else found[:_MAX_LABELS]
        if found:
            more = len(found) - len(named)
            rest: tuple[Span | More, ...] = (Span(", "), More(more)) if more else ()
            yield line(Span(what, Ink.DIM), ", ".join(named), *rest)
    if screen.limit is None:
        for item in result.changed:
            sigil = Span(SIGILS[item.action], INKS[item.action])
            yield line(sigil, f" {shortened(item.source_ref, LONGEST_NAME)}", place_span(item.origin))


def mark_of(verdict: Verdict, *, differs: bool, incomplete: bool) -> Span:
    """Return the sign of a verdict: no tick while `InSync` is False, or a listing was incomplete."""
    if verdict is Verdict.CONVERGED and (differs or incomplete):
        verdict = Verdict.WITHHELD if differs else Verdict.UNKNOWN
    return _VERDICTS[verdict][0]


def _withheld(result: DatasetResult, group: WithheldGroup, screen: Screen) -> Iterator[Line]:
    """Count the entries that are withheld for one reason, and name the first of them."""
    entries = counted(group.number, "entry withheld", "entries withheld")
    yield line(f"{entries}: {group.reason}")
    named = [entry for entry in result.withheld if entry.reason == group.reason][: screen.limit]
    for entry in named:
        yield line(f"  {shortened(entry.source_ref, LONGEST_NAME)}", place_span(entry.origin))
    if more := group.number - len(named):
        yield line("  ", More(more))


def _entry_problem(entry_problem: EntryProblem) -> Iterable[Line]:
    yield line(shortened(entry_problem.source_ref, LONGEST_NAME), place_span(entry_problem.origin))
    codes = f" ({', '.join(entry_problem.codes)})" if entry_problem.codes else ""
    yield line("  ", entry_problem.reason, Span(codes, Ink.DIM))


def _total(results: Sequence[DatasetResult]) -> Iterator[Line]:
    """Count the datasets by verdict, if there are several."""
    if not results:
        yield line("Nothing to apply: the specs hold no dataset.")
    elif len(results) > 1:
        found = Counter(result.verdict for result in results)
        parts = [f"{found[verdict]} {verdict.value}" for verdict in Verdict if found[verdict]]
        yield line(Span(f"{counted(len(results), 'dataset')}: {', '.join(parts)}.", Ink.BOLD))

"""A plan, for people: what, how many, why, and which fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import LabelBalance, LabelTotal
from reconciler.core.moments import moment
from reconciler.core.planning.diff import Action
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import DatasetPlan, Plan, PlannedChange
from reconciler.core.spec.choices import Mode, Orphans
from reconciler.reports.plan import words
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import (
    LONGEST_NAME,
    Ink,
    Line,
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
from reconciler.reports.sentences import Changes, ImageEvent, due_changes, field_name
from reconciler.reports.visible import MINUS, counted, shortened, side, visible

INKS: Final = {Action.ADD: Ink.GREEN, Action.UPDATE: Ink.CYAN, Action.ORPHAN: Ink.YELLOW}

# Fields of one change that are shown, however much is listed: the rest is in the JSON.
FIELDS_SHOWN: Final = 5

_LONGEST_PATH: Final = 80
_LABELS_SHOWN: Final = 12
_SHORTEST_VALUE: Final = 16
_SHORT_REVISION: Final = 12


def render(plan: Plan, options: RenderOptions) -> Iterator[Line]:
    """Yield a plan as text, whole or in short."""
    if options.summary:
        return _summary(plan.datasets, options.screen)
    return stacked(
        [
            _revision(plan),
            *(dataset_lines(dataset, options.screen) for dataset in plan.datasets),
            _sum(plan.datasets) if len(plan.datasets) != 1 else (),
        ]
    )


def _summary(plans: Sequence[DatasetPlan], screen: Screen) -> Iterator[Line]:
    """Yield the datasets that are not as desired, and the sum."""
    differing = [plan for plan in plans if not words.in_place(plan)]
    widest = max((len(plan.name) for plan in differing), default=0)
    for plan in differing:
        yield line(Span(plan.name.ljust(widest), Ink.BOLD), f"  {words.summary(plan)}")
        yield from indented(errored_lines(plan, screen))
        yield from indented(error_lines(plan.errors, screen))
        yield from indented(gap_lines(plan.gap))
        yield from indented(map(guard_line, plan.guards))
    yield from _sum(plans)


def dataset_lines(plan: DatasetPlan, screen: Screen) -> Iterator[Line]:
    """Yield the plan of one dataset: its changes by kind and cause, what stands in their way, the sum."""
    return stacked(
        [
            [_header(plan)],
            indented(_creation(plan)),
            *(indented(_group(group, screen)) for group in words.groups(plan)),
            indented(errored_lines(plan, screen)),
            indented(error_lines(plan.errors, screen)),
            indented(gap_lines(plan.gap)),
            indented(map(guard_line, plan.guards)),
            indented(_closing(plan)),
            indented(
                line(Span(text, Ink.DIM)) for text in (words.age(plan.observed), words.effort(plan)) if text
            ),
        ]
    )


def change_lines(item: PlannedChange, width: int) -> Iterator[Line]:
    """Yield one change, and below it the first of the fields that differ."""
    sigil = Span(words.SIGILS[item.action], INKS[item.action])
    yield line(sigil, f" {shortened(item.source_ref, LONGEST_NAME)}", place_span(item.origin))
    if item.quarantined is not None:
        reason = visible(item.quarantined.reason)
        if item.quarantined.kind not in words.SETTLED_BY_WORDS:
            reason = shortened(reason, width)
        again = f"; retried after {moment(item.quarantined.until)}, or as soon as the line is edited"
        yield line("    ", reason, Span(again, Ink.DIM))
    for problem in item.image_problems:
        ink = Ink.RED if problem.is_error else Ink.YELLOW
        text = shortened(visible(problem.message), LONGEST_NAME)
        yield line("    ", Span(problem.severity, ink), f": {text} ", Span(f"({problem.code})", Ink.DIM))
    found = due_changes(item.fields, item.view if item.action is Action.UPDATE else None)
    yield from indented(change_rows(found, width), by=4)


def guard_line(guard: Guard) -> Line:
    """Return the guard that blocks an apply, and the flag that would allow it."""
    return line(Span("Blocked", Ink.ALARM), f": {guard.message} ", Span(f"({guard.code})", Ink.DIM))


def _revision(plan: Plan) -> Iterator[Line]:
    if plan.revision:
        yield line(Span(f"Specs of revision {plan.revision[:_SHORT_REVISION]}", Ink.DIM))
    if plan.selection:
        yield line(f"Selected: {words.selection(plan.selection)}; any other change is not sent.")
    changed = {item.source_ref for dataset in plan.datasets for item in dataset.changes}
    for pattern in plan.selection.unmatched(changed) if changed else ():
        yield line(Span("No change", Ink.YELLOW), f" is of an image that matches {pattern}")


def _header(plan: DatasetPlan) -> Line:
    return line(Span(plan.name, Ink.BOLD), Span(f"  {words.whereabouts(plan)}", Ink.DIM))


def _creation(plan: DatasetPlan) -> Iterator[Line]:
    if plan.creation is not None:
        yield line(Span(words.creation(plan.creation), Ink.GREEN))


def _group(group: words.Group, screen: Screen) -> Iterator[Line]:
    yield line(group.heading)
    width = screen.width - 8
    yield from indented(first_of(group.selected, screen.limit, lambda item: change_lines(item, width)))


def change_rows(found: Changes, width: int) -> Iterator[Line]:
    """Yield the first of what changes in an image: in sentences, then the other fields, with both values."""

    def show(one: ImageEvent | FieldChange) -> Iterable[Line]:
        return (line(*event_parts(one)),) if isinstance(one, ImageEvent) else (field_line(one, width),)

    rows: list[ImageEvent | FieldChange] = [*found.events, *found.fields]
    return first_of(rows, FIELDS_SHOWN, show)


def event_parts(event: ImageEvent) -> tuple[str | Span, ...]:
    """Return one sentence about an image, and its figures."""
    return visible(event.text), Span(f" ({event.detail})" if event.detail else "", Ink.DIM)


def field_line(field: FieldChange, width: int, name_of: Callable[[str], str] = field_name) -> Line:
    """Return one field that differs, before and after, shortened to *width* columns."""
    name = shortened(visible(name_of(field.path)), _LONGEST_PATH)
    if field.before is None and field.after is None:
        return line(name, Span(" differs", Ink.DIM))
    room = max(_SHORTEST_VALUE, (width - len(name) - len(":  → ")) // 2)
    before, after = (side(content, room) for content in (field.before, field.after))
    return line(f"{name}: ", Span(before, Ink.RED), " → ", Span(after, Ink.GREEN))


def errored_lines(plan: DatasetPlan, screen: Screen) -> Iterator[Line]:
    """Yield the entries that are in place as desired, and that AWS has marked with error codes."""
    if plan.errored:
        yield line(f"{counted(len(plan.errored), 'entry', 'entries')} marked with errors by AWS")
        yield from indented(
            first_of(plan.errored, screen.limit, lambda item: [_marked(item[0], ", ".join(item[1]))])
        )


def title(plans: Sequence[DatasetPlan]) -> str:
    """Return the whole plan in one line."""
    if not plans:
        return "Plan: the specs hold no dataset"
    if all(map(words.in_place, plans)):
        desired = sum(plan.counts.desired for plan in plans)
        return f"No changes: {counted(desired, 'entry is', 'entries are')} as desired"
    unread = sum(not plan.was_computed for plan in plans)
    planned = [str(words.total(plans))] if unread < len(plans) else []
    left = [f"{counted(unread, 'dataset')} could not be read"] if unread else []
    return f"{'Plan' if planned else 'No plan'}: {'; '.join(planned + left)}"


def images(plan: DatasetPlan) -> str | None:
    """Return how many images have problems, by code; None if none has, or none was checked."""
    codes = Counter(str(problem.code) for item in plan.changes for problem in item.image_problems)
    if not codes:
        return None
    number = sum(bool(item.image_problems) for item in plan.changes)
    found = ", ".join(f"{code} {times:,}" for code, times in sorted(codes.items()))
    return f"Images: {counted(number, 'has', 'have')} problems ({found})."


def label_summaries(plan: DatasetPlan) -> Iterator[tuple[str, str]]:
    """
    Yield what an apply does to labels, and to the numbers of images and boxes with each: a name, and a text.

    What is empty is left out.
    """
    for name, text in (
        ("By label", _by_label(plan)),
        ("Images by label", _before_and_after(plan.labels.totals)),
        ("Boxes by label", _before_and_after(plan.labels.boxes)),
    ):
        if text:
            yield name, text


def _by_label(plan: DatasetPlan) -> str:
    """Return what an apply does to each label: ``crack +120, scratch → scratch_dark 41``; nothing if to none."""
    found, of = plan.labels, sum(item.sent is not None for item in plan.changes)
    ranked = [(pair.number, f"{pair.before} → {pair.after} {pair.number:,}") for pair in found.relabelled]
    ranked += [(row.gained + row.lost + row.moved, _balance(row)) for row in found.balances]
    text = _first_labels([text for _, text in sorted(ranked, key=lambda one: -one[0])])
    part = f" (in the first {found.images:,} of {of:,} changes)" if found.images < of else ""
    return text and f"{text}{part}"


def _before_and_after(totals: Sequence[LabelTotal]) -> str:
    """
    Return the number of each label before and after: ``crack 812 → 930``.

    Nothing if no number changes, or none was there before: what an apply adds is the same then.
    """
    if not any(total.before for total in totals):
        return ""
    found = sorted(totals, key=lambda one: (-abs(one.after - one.before), one.label))
    return _first_labels([f"{label} {before:,} → {after:,}" for label, before, after in found])


def _first_labels(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - _LABELS_SHOWN:,} more"] if len(texts) > _LABELS_SHOWN else []
    return ", ".join([*map(visible, texts[:_LABELS_SHOWN]), *more])


def _balance(row: LabelBalance) -> str:
    parts = [f"+{row.gained:,}"] if row.gained else []
    parts += [f"{MINUS}{row.lost:,}"] if row.lost else []
    moved = f"{row.moved:,} moved" if row.moved else ""
    parts += [f"({moved})" if parts else moved] if moved else []
    return f"{row.label} {' '.join(parts)}"


def _marked(source_ref: str, text: str) -> Line:
    return line(Span("!", Ink.RED), f" {shortened(source_ref, LONGEST_NAME)}", Span(f"  {text}", Ink.DIM))


def _closing(plan: DatasetPlan) -> Iterator[Line]:
    yield from (line(Span(name, Ink.BOLD), f": {text}") for name, text in label_summaries(plan))
    yield line(Span(words.summary(plan), Ink.GREEN if words.in_place(plan) else Ink.BOLD))
    if plan.mode is Mode.OBSERVE and plan.batches:
        yield line(Span("Mode observe: apply writes nothing.", Ink.DIM))
    if found := images(plan):
        yield line(Span(found, Ink.YELLOW))
    if closed := words.closed(plan):
        yield line(Span(closed, Ink.YELLOW))
    is_whole = plan.was_computed and not any(item.is_not_selected for item in plan.changes)
    if plan.orphans is Orphans.REBUILD and plan.counts.orphan and is_whole and plan.arn:
        bound = f"--dataset {plan.name} --plan-digest {Plan((plan,)).digest} --bucket s3://BUCKET/PREFIX"
        number = counted(plan.counts.orphan, "orphan")
        yield line(Span(f"To remove {number}, delete and recreate the dataset:", Ink.DIM))
        yield line(Span(f"  reconciler rebuild {bound}", Ink.DIM))


def _sum(plans: Sequence[DatasetPlan]) -> Iterator[Line]:
    if plans:
        planned = any(plan.was_computed for plan in plans)
        totals = f"{words.total(plans)}; {words.calls(plans)}" if planned else "none could be planned"
        text = f"{counted(len(plans), 'dataset')}: {totals}."
        yield line(Span(text, Ink.BOLD if not all(map(words.in_place, plans)) else Ink.GREEN))
        if unfinished := [plan.name for plan in plans if not plan.complete]:
            yield line(Span(f"Incomplete: {', '.join(unfinished)}", Ink.RED))
    else:
        yield line("Nothing to plan: the specs hold no dataset.")

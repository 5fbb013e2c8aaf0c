"""The explanation of one image, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from reconciler.core.entries.entry import without_service_keys
from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.training_view import meaning
from reconciler.core.explanation import Explanation, ExplanationVerdict, PastUpdate
from reconciler.core.moments import moment
from reconciler.reports.explain.json import Explained, Writers
from reconciler.reports.plan.text import event_parts
from reconciler.reports.plan.words import CAUSES, QUARANTINE_REASONS
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import (
    LONGEST_NAME,
    Ink,
    Line,
    Screen,
    Span,
    error_lines,
    first_of,
    indented,
    line,
    stacked,
)
from reconciler.reports.sentences import DRIFTED, due_changes, field_name, image_events
from reconciler.reports.visible import counted, shortened, value, visible

_WORDS: Final = {
    ExplanationVerdict.IN_PLACE: ("in place", Ink.GREEN),
    ExplanationVerdict.DRIFTED: ("drifted", Ink.YELLOW),
    ExplanationVerdict.PENDING: ("an apply is due", Ink.CYAN),
    ExplanationVerdict.UNMANAGED: ("AWS holds it, and no spec desires it", Ink.YELLOW),
    ExplanationVerdict.UNUSABLE: ("its line in git cannot be used", Ink.RED),
    ExplanationVerdict.UNKNOWN: ("AWS could not be observed", Ink.RED),
}
_COLUMN: Final = 12
_SHORT: Final = 12


def render(explained: Explained, options: RenderOptions) -> Iterator[Line]:
    """Yield one block for each dataset that has the image, or could not be observed."""
    source_ref, explanations, writers = explained
    known = [
        explanation for explanation in explanations if explanation.verdict is not ExplanationVerdict.NOWHERE
    ]
    blocks: list[Iterable[Line]] = [[line(Span(shortened(source_ref, LONGEST_NAME), Ink.BOLD))]]
    blocks += (_explanation(explanation, writers, options.screen) for explanation in known)
    if not known:
        asked = ", ".join(explanation.dataset for explanation in explanations) or "none"
        blocks.append([line(f"Neither git nor AWS knows this image. Datasets searched: {asked}.")])
    return stacked(blocks)


def _explanation(explanation: Explanation, writers: Writers, screen: Screen) -> Iterator[Line]:
    words, ink = _WORDS[explanation.verdict]
    why = f" — {CAUSES[explanation.cause]}" if explanation.cause else ""
    yield line(
        Span(explanation.dataset, Ink.BOLD),
        "  ",
        Span(words, ink),
        why,
        Span(f"  {explanation.arn}" if explanation.arn else "", Ink.DIM),
    )
    yield from indented(_facts(explanation, writers, screen))
    known = {(problem.code, problem.origin) for problem in explanation.problems}
    others = [error for error in explanation.errors if (error.code, error.origin) not in known]
    yield from indented(error_lines(others, screen))


def _facts(explanation: Explanation, writers: Writers, screen: Screen) -> Iterator[Line]:
    width = screen.width - _COLUMN - 4
    for origin in explanation.origins:
        yield _row("git", f"{origin.file}:{origin.line}")
        if writer := writers.get(origin):
            text = f"{writer.commit[:_SHORT]} {moment(writer.at)} {writer.author}: {writer.summary}"
            yield _row("", Span(visible(text), Ink.DIM))
    if not explanation.origins:
        yield _row("git", "not in the specs")
    for problem in explanation.problems:
        yield _row("", Span(problem.severity, Ink.YELLOW), f": {problem.message} ({problem.code})")
    if explanation.desired is not None:
        yield _row("desired", *_content(explanation.desired, width))
    if explanation.was_observed:  # only then was the memory of the dataset read
        yield _row("applied", _applied(explanation))
        yield _row("observed", *_content(explanation.observed, width))
    if explanation.codes:
        yield _row("", Span(f"AWS marks it: {', '.join(explanation.codes)}", Ink.RED))
    yield from _rows("differs", _differences(explanation, width))
    for ignored in explanation.ignored:
        why = Span(f"  ({ignored.rule})", Ink.DIM)
        yield _row("ignored", *_difference(ignored.field, width), why)
    yield from _quarantined(explanation)
    yield from _rows("updates", list(map(_past, explanation.past)), screen.limit)


def _row(head: str, *parts: str | Span) -> Line:
    return line(Span(head.ljust(_COLUMN), Ink.DIM), *parts)


def _rows(head: str, rows: Sequence[tuple[str | Span, ...]], limit: int | None = None) -> Iterator[Line]:
    numbered = list(enumerate(rows))
    yield from first_of(numbered, limit, lambda row: [_row(head if row[0] == 0 else "", *row[1])])


def _content(fields: dict[str, Any] | None, width: int) -> tuple[str | Span, ...]:
    """Return the labels and boxes of a line in words, and the line itself as far as it fits."""
    if fields is None:
        return ("not there",)
    seen = meaning(fields)
    parts = [f"labels {', '.join(seen.labels)}"] if seen.labels else []
    parts += [counted(len(seen.boxes), "box", "boxes")] if seen.boxes else []
    text = visible("; ".join(parts) or "no labels")
    room = max(20, width - len(text) - 2)
    return text, Span(f"  {value(without_service_keys(fields), room)}", Ink.DIM)


def _applied(explanation: Explanation) -> str:
    when = f"; the dataset was last applied at {explanation.applied_at}" if explanation.applied_at else ""
    if explanation.applied is not None:
        same = (
            ""
            if explanation.applied.desired == explanation.applied.observed
            else f"; observed as {explanation.applied.observed.hex()[:_SHORT]}"
        )
        return f"verified in place, digest {explanation.applied.desired.hex()[:_SHORT]}{same}{when}"
    return (
        f"never verified in place{when}" if explanation.remembers else "no apply to this dataset is recorded"
    )


def _differences(explanation: Explanation, width: int) -> list[tuple[str | Span, ...]]:
    """Return the differences: what happened in AWS or, if only git changed, what an apply will do."""
    if not explanation.fields:
        return []
    is_due = explanation.verdict is ExplanationVerdict.PENDING
    found = due_changes(explanation.fields, explanation.view)
    events = found.events
    if explanation.view is not None and not is_due:
        events = tuple(image_events(explanation.view, DRIFTED))
    return [*map(event_parts, events), *(_difference(field, width) for field in found.fields)]


def _difference(field: FieldChange, width: int) -> tuple[str | Span, ...]:
    name = shortened(visible(field_name(field.path)), 80)
    room = max(16, (width - len(name) - 5) // 2)
    before, after = ("(none)" if side is None else value(side, room) for side in (field.before, field.after))
    return f"{name}: AWS ", Span(before, Ink.RED), ", git ", Span(after, Ink.GREEN)


def _quarantined(explanation: Explanation) -> Iterator[Line]:
    if quarantined := explanation.quarantined:
        yield _row(
            "quarantine",
            Span(QUARANTINE_REASONS[quarantined.kind], Ink.YELLOW),
            f": {visible(quarantined.reason)}",
        )
        times = counted(quarantined.rounds, "time")
        yield _row(
            "",
            Span(f"{times}, since {moment(quarantined.since)}, until {moment(quarantined.until)}", Ink.DIM),
        )


def _past(past: PastUpdate) -> tuple[str | Span, ...]:
    among = "alone" if past.entries == 1 else f"among {past.entries:,} images"
    return f"{moment(past.begun_at)}  {visible(past.result or 'unfinished')}", Span(f"  {among}", Ink.DIM)

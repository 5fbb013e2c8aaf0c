"""Explain the state of one image, at the cost of a few calls a dataset. Makes no call that writes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace

import orjson

from reconciler.core.entries.entry import Fields, canonical, digest, error_codes
from reconciler.core.entries.image_view import view_of
from reconciler.core.entries.observed_line import parse_observed
from reconciler.core.explanation import Explanation, ExplanationVerdict, differences
from reconciler.core.planning.cause import Cause, cause
from reconciler.core.planning.compare import compare_some
from reconciler.core.planning.diff import Action, Change
from reconciler.core.planning.plan import PlanError, errors_of
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import SpooledListing, query_entry
from reconciler.engine.dataset.observe import find
from reconciler.engine.dataset.retry import await_settled
from reconciler.engine.usecases import each_dataset
from reconciler.errors import Exit, Interrupted, SpecError, named


@dataclass(frozen=True, slots=True)
class _Seen:
    """One image as AWS lists it now."""

    arn: str
    observed: Fields | None
    change: Change | None
    was_empty: bool


def explain_image(
    source_ref: str, datasets: Iterable[Desired], context_of: each_dataset.Contexts
) -> tuple[Explanation, ...]:
    """Explain an image in every dataset; where AWS could not be observed, that is its verdict."""
    return tuple(_explained(source_ref, desired, context_of) for desired in datasets)


def _explained(source_ref: str, desired: Desired, context_of: each_dataset.Contexts) -> Explanation:
    explanation = _in_git(source_ref, desired)
    if not desired.usable:
        errors = errors_of(desired.errors)
        return replace(explanation, errors=errors, error_code=desired.exit_code)
    try:
        context = context_of(desired)
        seen = _observe_image(source_ref, desired, context)
        return _in_aws(explanation, source_ref, desired, context, seen)
    except Interrupted:
        raise
    except Exception as exc:  # noqa: BLE001  where a dataset's failure becomes a value
        reason = named(exc)
        error = PlanError(reason.code, str(reason))
        return replace(explanation, errors=(error,), error_code=reason.exit_code)


def _in_git(source_ref: str, desired: Desired) -> Explanation:
    """Collect what is known without AWS."""
    problems = tuple(problem for problem in desired.problems if problem.source_ref == source_ref)
    is_void = source_ref in desired.index.void
    row = desired.index.row(source_ref)
    fields: Fields | None = None
    if row is not None:
        fields = orjson.loads(desired.read(source_ref, desired.index.place(row)))
    known = desired.origin_of_ref(source_ref)
    places = [known] if known else []
    places += [found.origin._replace(column=None) for found in problems if found.origin and found.is_error]
    return Explanation(
        desired.name,
        None,
        ExplanationVerdict.UNUSABLE if is_void else ExplanationVerdict.UNKNOWN,
        origins=tuple(sorted(set(places))),
        problems=problems,
        desired=fields,
        error_code=SpecError.exit_code if is_void else Exit.DONE,
    )


def _observe_image(source_ref: str, desired: Desired, context: Context) -> _Seen | None:
    """
    List one image. None if the dataset does not exist, and may be created.

    Raises:
        GatewayError: It could not be observed.
    """
    deadline = context.clock.now() + each_dataset.WAIT_SECONDS
    arn = find(desired, context.gateway, context.clock, deadline)
    if arn is None:
        return None
    counted = await_settled(context.gateway, arn, context.clock, deadline).stats.total_entries
    with closing(SpooledListing()) as spool:
        lines = list(spool.fill([query_entry(source_ref, arn, context, deadline, counted)]))
        diff = compare_some(desired.index, (source_ref,), lines, desired.read, desired.equality)
    observed = next((parse_observed(raw) for raw, _, _ in lines), None)
    return _Seen(arn, observed, next(iter(diff.changes), None), counted == 0)


def _in_aws(
    explanation: Explanation, source_ref: str, desired: Desired, context: Context, seen: _Seen | None
) -> Explanation:
    memory = context.memory
    at = memory.statuses().get(desired.name, {}).get("at")
    base = memory.applied(desired.name, seen.arn, [source_ref]) if seen else None
    applied = base.entries.get(source_ref) if base else None
    remembers = base is not None and base.known
    explanation = replace(
        explanation,
        arn=seen.arn if seen else None,
        observed=seen.observed if seen else None,
        was_observed=True,
        applied=applied,
        remembers=remembers,
        applied_at=at if isinstance(at, str) else None,
        codes=error_codes(seen.observed) if seen and seen.observed else (),
        quarantined=memory.quarantine.of(desired.name).get(source_ref),
        past=tuple(memory.journal.past(desired.name, source_ref)),
    )
    if explanation.desired is not None and explanation.observed is not None:
        fields, ignored = differences(explanation.desired, explanation.observed, desired.equality)
        sent = desired.equality.merged(explanation.desired, explanation.observed)
        seen_image = view_of(sent, explanation.observed)
        explanation = replace(explanation, fields=fields, ignored=ignored, view=seen_image)
    if explanation.verdict is ExplanationVerdict.UNUSABLE:
        return explanation
    return _judged(explanation, seen, remembers)


def _judged(explanation: Explanation, seen: _Seen | None, remembers: bool) -> Explanation:
    if explanation.desired is None:
        if explanation.observed is None:
            return replace(explanation, verdict=ExplanationVerdict.NOWHERE)
        return replace(explanation, verdict=ExplanationVerdict.UNMANAGED, cause=Cause.ORPHAN)
    if seen is not None and seen.change is None:
        return replace(explanation, verdict=ExplanationVerdict.IN_PLACE)
    why = cause(
        seen.change.action if seen and seen.change else Action.ADD,
        explanation.applied,
        digest(canonical(explanation.desired)),
        seen.change.before if seen and seen.change else None,
        new_is_certain=remembers or seen is None or seen.was_empty,
    )
    return replace(
        explanation,
        verdict=ExplanationVerdict.PENDING if why.is_pending else ExplanationVerdict.DRIFTED,
        cause=why,
    )

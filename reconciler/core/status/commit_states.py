"""Decide the states of a commit on its git host: pending, then one final state, for each dataset and for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from reconciler.core.status.conditions import TERMINAL, Condition, ConditionType, Reason, Truth

MAX_DATASETS: Final = 50
"""Maximum number of datasets with a state of their own; if a commit has more, only failed ones get one."""

MAX_ATTEMPTS: Final = 5
"""Failed cycles in a row after which a commit counts as failed, even if the reason may pass."""

_FINAL: Final = TERMINAL | {Reason.ENTRIES_LEFT_OUT}
_SUPERSEDED: Final = "Superseded"
_NO_STATE: Final[tuple[str, str]] = ("", "")


class CommitPhase(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class CommitOutcome(NamedTuple):
    """
    What became of a commit.

    Attributes:
        reason: A reason of a condition; empty while nothing is wrong.
        text: One line for people.
    """

    phase: CommitPhase
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class CommitState:
    """
    One state to post.

    Attributes:
        dataset: None for the commit as a whole.
        at: When it was decided, in seconds since the epoch.
    """

    revision: str
    dataset: str | None
    phase: CommitPhase
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class PostedStates:
    """
    The states that were posted for a commit.

    Attributes:
        states: Phase and reason by dataset; that of the whole commit stands under the empty name.
    """

    revision: str
    states: Mapping[str, tuple[CommitPhase, str]]


NOTHING_POSTED: Final = PostedStates("", {})


def outcome(conditions: Iterable[Condition], failures: int, *, attempted: bool) -> CommitOutcome | None:
    """
    Return the outcome of a commit for one dataset; None if its spec suspends it, so that no commit reaches it.

    Args:
        conditions: Its conditions, as they are if the source can be read.
        failures: Consecutive failed cycles.
        attempted: Whether a cycle has ended with this commit.
    """
    ready = next(condition for condition in conditions if condition.kind is ConditionType.READY)
    if ready.reason is Reason.SUSPENDED and ready.status is Truth.UNKNOWN:
        return None
    if not attempted or ready.reason in (Reason.APPLYING, Reason.NOT_YET, Reason.NEW_REVISION):
        return CommitOutcome(CommitPhase.PENDING, "", "not in place yet")
    text = f"{ready.reason.value}: {' '.join(ready.message.split())}"
    if ready.status is Truth.TRUE:
        withheld = ready.reason in (Reason.CLOSED, Reason.FROZEN)
        return CommitOutcome(
            CommitPhase.PENDING if withheld else CommitPhase.SUCCESS,
            ready.reason.value if withheld else "",
            text,
        )
    failed = ready.reason in _FINAL or failures >= MAX_ATTEMPTS
    return CommitOutcome(CommitPhase.FAILURE if failed else CommitPhase.PENDING, ready.reason.value, text)


def overall(outcomes: Mapping[str, CommitOutcome]) -> CommitOutcome:
    """Return the outcome of a commit as a whole, from those of its datasets, at least one."""
    count = Counter(one.phase for one in outcomes.values())
    number = f"{len(outcomes)} dataset{'s' if len(outcomes) != 1 else ''}"
    for phase, words in ((CommitPhase.FAILURE, "failed"), (CommitPhase.PENDING, "to go")):
        found = [(name, one) for name, one in sorted(outcomes.items()) if one.phase is phase]
        if found:
            name, first = next((item for item in found if item[1].reason), found[0])
            return CommitOutcome(
                phase, first.reason, f"{count[phase]} of {number} {words}: {name}: {first.text}"
            )
    return CommitOutcome(CommitPhase.SUCCESS, "", f"{number} as the policy allows")


def changes(
    before: PostedStates, revision: str, outcomes: Mapping[str, CommitOutcome], now: float, *, whole: bool
) -> tuple[PostedStates, tuple[CommitState, ...]]:
    """
    Return the states to post now, and all posted states after that.

    Success is final. A failure is, too, unless the same commit succeeds after all, as when a person lifts a guard.
    A commit that a newer one overtakes while it is pending has failed.

    Args:
        outcomes: What became of the commit, by dataset.
        whole: Whether these are all datasets of the commit, so that it has a state as a whole.
    """
    found: list[CommitState] = []
    states = dict(before.states) if before.revision == revision else {}
    if before.revision != revision and before.states.get("", _NO_STATE)[0] == CommitPhase.PENDING:
        text = f"{_SUPERSEDED} by {revision[:12]} before it was in place"
        found.append(CommitState(before.revision, None, CommitPhase.FAILURE, text, now))
    for name, one in _posted(outcomes, states, whole=whole):
        if _is_news(states.get(name), one):
            states[name] = (one.phase, one.reason)
            found.append(CommitState(revision, name or None, one.phase, one.text, now))
    return PostedStates(revision, states), tuple(found)


def _posted(
    outcomes: Mapping[str, CommitOutcome], known: Mapping[str, object], *, whole: bool
) -> Iterator[tuple[str, CommitOutcome]]:
    if not outcomes:
        return
    if whole:
        yield "", overall(outcomes)
    final = [(name, one) for name, one in sorted(outcomes.items()) if one.phase is not CommitPhase.PENDING]
    if len(outcomes) > MAX_DATASETS:
        failed = [name for name, one in final if one.phase is CommitPhase.FAILURE][:MAX_DATASETS]
        final = [(name, one) for name, one in final if name in failed or name in known]
    yield from final


def _is_news(old: tuple[CommitPhase, str] | None, new: CommitOutcome) -> bool:
    if old is None:
        return True
    phase, reason = old
    if phase == CommitPhase.PENDING:
        return new.phase is not CommitPhase.PENDING or (not reason and bool(new.reason))
    return phase == CommitPhase.FAILURE and new.phase is CommitPhase.SUCCESS

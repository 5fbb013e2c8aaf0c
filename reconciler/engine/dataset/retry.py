"""
Retry with back-off until a deadline; wait until a dataset is not busy.

What tenacity or stamina offer is the loop, which is short. The rest would stay: one deadline over several waits,
the clock of the caller, which a signal interrupts, and errors that say whether to retry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from reconciler.core.runtime.backoff import backoff, poll_delay
from reconciler.engine.log import log
from reconciler.errors import (
    DatasetBusy,
    DatasetUnusable,
    ListingMoved,
    ReconcilerError,
    Throttled,
    Unavailable,
)
from reconciler.ports import Clock, Description, Gateway, Phase

T = TypeVar("T")

# A service that fails so often, for so long, is down; each failure follows several attempts of the SDK.
OUTAGE_FAILURES: Final = 2
OUTAGE_SECONDS: Final = 30.0
# A dataset that is being created cannot be updated yet; creating an empty one takes seconds.
CREATION_SECONDS: Final = 60.0
# A listing of a large dataset takes minutes by itself, and so does waiting for an update that was not answered:
# there the number of attempts alone counts.
LISTINGS: Final = 5


def retry(action: Callable[[], T], clock: Clock, deadline: float) -> T:
    """
    Return the result of *action*, trying again after each retryable error.

    A dataset that is busy is waited for until *deadline*; a service that is down is not.

    Raises:
        ReconcilerError: The first that is not retryable, or the last before *deadline*, or the last of an
            outage.
    """
    failures = 0
    begun = clock.now()
    while True:
        try:
            return action()
        except ReconcilerError as exc:
            failures += 1
            delay = backoff(failures, clock.draw())
            if not exc.retryable or clock.now() + delay > deadline:
                raise
            if exc.outlasted or _is_down(exc, failures, clock.now() - begun):
                exc.outlasted = True  # a retry around this one need not wait as long again
                raise
            _log_retry(exc, delay)
            clock.sleep(delay)


def _is_down(exc: ReconcilerError, failures: int, seconds: float) -> bool:
    match exc:
        case DatasetBusy():
            return False
        case Unavailable(garbled=True):
            return failures >= OUTAGE_FAILURES
        case ListingMoved() | Unavailable(isolated=True):
            return failures >= LISTINGS
        case _:
            return failures >= OUTAGE_FAILURES and seconds > OUTAGE_SECONDS


def _log_retry(exc: ReconcilerError, delay: float) -> None:
    match exc:
        case Throttled():
            log.info("aws.throttled", delay_seconds=round(delay, 2))
        case ListingMoved():
            log.info("observe.restarted", reason=str(exc), delay_seconds=round(delay, 2))


def await_settled(gateway: Gateway, arn: str, clock: Clock, deadline: float) -> Description:
    """
    Wait until no operation is in progress on the dataset, this process's or another's.

    Raises:
        DatasetBusy: It was still busy at *deadline*.
        DatasetUnusable: It is being deleted, or was never created whole.
    """
    polls = 0
    begun = clock.now()
    while True:
        description = retry(lambda: gateway.describe(arn), clock, deadline)
        require_usable(description)
        if description.phase.settled:
            return description
        delay = poll_delay(polls)
        creating = description.phase is Phase.CREATE_IN_PROGRESS
        if clock.now() + delay > (min(deadline, begun + CREATION_SECONDS) if creating else deadline):
            raise DatasetBusy(f"the dataset is still {description.phase}; waited as long as allowed")
        clock.sleep(delay)
        polls += 1


def require_usable(description: Description) -> None:
    """
    Check that the dataset can be listed and updated, now or after the operation in progress.

    Raises:
        DatasetUnusable: It is being deleted, or was never created whole.
    """
    if not description.phase.usable:
        reason = f": {description.message}" if description.message else ""
        raise DatasetUnusable(f"the dataset is {description.phase}{reason}")

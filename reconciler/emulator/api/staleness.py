"""
Show a dataset as it was, for as long after an update as the switches say.

What is shown is kept in memory: a restart ends every lag.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from reconciler.emulator.storage import contents, entries
from reconciler.emulator.storage.context import Context, Past


def late_seconds(context: Context) -> float:
    """Return how long an update waits before it takes effect."""
    return context.settings.switches.late_effect_ms / 1000


def remember(context: Context, dataset: int, description: dict[str, Any], due: float) -> None:
    """Keep what is to be shown after an update that is done at *due*. Call it before the update starts."""
    switches = context.settings.switches
    if not (switches.stale_describe_ms or switches.late_effect_ms or switches.listing_lag_ms):
        return
    forget(context, dataset)
    now, late = context.clock.now(), late_seconds(context)
    content = contents.stage(context.store)
    deque(contents.copy(context.store, entries.content_of(context.store, dataset), content), maxlen=0)
    context.past[dataset] = Past(
        now + max(late, switches.stale_describe_ms / 1000),
        description,
        due + switches.listing_lag_ms / 1000 if switches.listing_lag_ms else now + late,
        content,
    )


def forget(context: Context, dataset: int) -> None:
    """Show a dataset as it is."""
    past = context.past.pop(dataset, None)
    if past is not None:
        contents.discard(context.store, past.content)


def description(context: Context, dataset: int) -> dict[str, Any] | None:
    """Return the description that is still shown, if any."""
    past = context.past.get(dataset)
    return past.description if past and context.clock.now() < past.described_until else None


def content(context: Context, dataset: int) -> int | None:
    """Return the content that is still listed, if any."""
    past = context.past.get(dataset)
    return past.content if past and context.clock.now() < past.listed_until else None

"""
What outlives the process beside the data: what the control endpoint and the console user have set.

Settings and faults given by flags or from Python are not among it: they are given again with each start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.emulator.storage.context import Context

_SETTINGS: Final = "settings"
_SWITCHES: Final = "switches"
_FAULTS: Final = "faults"
_TRAININGS: Final = "trainings"


def restore(context: Context) -> None:
    """
    Restore what an earlier process has kept; it outranks the settings of the start.

    Raises:
        ValueError: A setting or switch that was kept does not exist any more.
    """
    store = context.store
    settings = context.settings.with_changes(store.document(_SETTINGS) or {})
    switches = settings.switches.with_changes(store.document(_SWITCHES) or {})
    context.settings = replace(settings, switches=switches)
    context.faults.load(store.document(_FAULTS) or ())
    context.trainings.update(store.document(_TRAININGS) or {})


def change_settings(context: Context, changes: Mapping[str, Any]) -> None:
    """Change settings and keep the changes."""
    changed = context.settings.with_changes(changes)
    context.store.keep(_SETTINGS, {**(context.store.document(_SETTINGS) or {}), **changes})
    context.settings = changed


def change_switches(context: Context, changes: Mapping[str, Any]) -> None:
    """Change switches and keep the changes."""
    switches = context.settings.switches.with_changes(changes)
    context.store.keep(_SWITCHES, {**(context.store.document(_SWITCHES) or {}), **changes})
    context.settings = replace(context.settings, switches=switches)


def keep_faults(context: Context) -> None:
    """Keep the persistent faults and their counts, if they have changed."""
    dumped = context.faults.dump()
    if dumped != (context.store.document(_FAULTS) or []):
        context.store.keep(_FAULTS, dumped)


def keep_trainings(context: Context) -> None:
    context.store.keep(_TRAININGS, context.trainings)


def reset(context: Context) -> None:
    """Forget everything but the settings and faults that were given at the start, and the time."""
    with context.store.turn:
        context.store.clear()
        context.trainings.clear()
        context.past.clear()
        context.calls.clear()
        context.throttle.clear()
        context.faults.clear_persistent()
        context.settings = context.initial

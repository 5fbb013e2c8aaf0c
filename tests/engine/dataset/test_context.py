"""What an apply is permitted by default."""

from __future__ import annotations

from typing import Any

from reconciler.engine.dataset.context import NO_OVERRIDES, Context
from reconciler.ports import Silence


def test_a_controller_overrides_nothing():
    """A protected entry, a shared image, a freeze and a change that a person must release all stop it."""
    overrides = NO_OVERRIDES

    assert not (overrides.allow_protected or overrides.allow_leakage)
    assert not (overrides.allow_frozen or overrides.released)


def test_a_context_relies_on_memory_and_doubts_a_short_listing():
    """No option is needed for either; a dataset that is busy is waited for half a minute by what only reads."""
    unused: Any = None
    context = Context(unused, unused, unused, Silence())

    assert 30.0 == context.wait_seconds
    assert not (context.full or context.trust_listing or context.edit_first)

"""What an apply is permitted by default."""

from __future__ import annotations

from typing import Any

from reconciler.engine.dataset.context import NO_OVERRIDES, Context
from reconciler.ports import Silence


def test_a_controller_overrides_nothing():
    """A protected entry, a shared image, a freeze and a change that a person must release all stop it."""
    names = ("allow_protected", "allow_leakage", "allow_frozen", "released")

    assert [False] * 4 == [getattr(NO_OVERRIDES, name) for name in names]


def test_a_context_relies_on_memory_and_doubts_a_short_listing():
    """No option is needed for either; a dataset that is busy is waited for half a minute by what only reads."""
    unused: Any = None
    context = Context(unused, unused, unused, Silence())

    assert 30.0 == context.wait_seconds
    assert [False] * 3 == [context.full, context.trust_listing, context.edit_first]

"""Observed lines that are kept in a file."""

from __future__ import annotations

from contextlib import closing

from reconciler.engine.dataset.listing import Spool


def test_an_empty_listing_gives_no_lines_again():
    """A dataset without entries is a dataset."""
    with closing(Spool()) as spool:
        assert [] == list(spool.fill([[]]))
        assert [] == list(spool.lines())

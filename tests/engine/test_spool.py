"""Spooling observed lines to a file."""

from __future__ import annotations

from contextlib import closing

from reconciler.engine.dataset.listing import SpooledListing


def test_an_empty_listing_gives_no_lines_again():
    """Spooling a listing without entries yields no lines and no error."""
    with closing(SpooledListing()) as spool:
        assert [] == list(spool.fill([[]]))
        assert [] == list(spool.lines())

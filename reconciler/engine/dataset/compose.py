"""From changes to the lines that are sent: read, merged, compact."""

from __future__ import annotations

import orjson

from reconciler.core.entries.entry import Fields, blank
from reconciler.core.entries.equality import encode
from reconciler.core.planning.diff import Action, Change
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import Listing


class Composer:
    """
    Reads the lines that a plan is about, one at a time.

    Args:
        listing: The observed lines; None where nothing was observed.
    """

    def __init__(self, desired: Desired, listing: Listing | None) -> None:
        self._desired = desired
        self._listing = listing

    def desired(self, change: Change) -> Fields | None:
        if change.desired is None:
            return None
        fields: Fields = orjson.loads(self._desired.read(change.source_ref, change.desired))
        return fields

    def observed(self, change: Change) -> Fields | None:
        raw = self.before(change)
        if raw is None:
            return None
        fields: Fields = orjson.loads(raw)
        return fields

    def merged(self, change: Change) -> Fields:
        """
        Return the entry as it is sent: the desired one, ignored fields as observed.

        Raises:
            ValueError: The change has no desired side.
        """
        desired = self.desired(change)
        if desired is None:
            raise ValueError(f"{change.source_ref}: an {change.action} is not sent")
        return self._merge(change, desired)

    def line(self, change: Change, desired: Fields | None = None) -> bytes:
        """
        Return the line that carries a change out: for an orphan, the blank one.

        Args:
            desired: The desired entry where it has been read already.
        """
        if change.action is Action.ORPHAN:
            return blank(change.source_ref)
        return encode(self.merged(change) if desired is None else self._merge(change, desired))

    def _merge(self, change: Change, desired: Fields) -> Fields:
        return self._desired.equality.merged(desired, self.observed(change))

    def before(self, change: Change) -> bytes | None:
        """Return the observed line, as it was listed; None where nothing was."""
        if change.observed is None or self._listing is None:
            return None
        return self._listing.read(change.observed)

"""
Lines that differ in their image alone are judged once.

Bare images, labels by folder, whatever a script wrote with one date: many a dataset has few different lines, but
for the image. Boxes that people drew are never alike; then looking is given up soon.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.core.runtime.limits import MAX_LINE_CHARS
from reconciler.core.validation.line import check_line
from reconciler.core.validation.verdict import Checked, Kind, LineProblem

# An image whose address has nothing to it, as in `fast`, and nothing that JSON would write with an escape.
_image_first: Final = re.compile(
    rb'\{"source-ref": ?"(s3://[A-Za-z0-9._-]+/(?:[ !#-\[\]-~]*/)?'
    rb"[!#-.0-\[\]-~][ !#-.0-\[\]-~]*\.(?:[jJ][pP][eE]?[gG]|[pP][nN][gG]))\""
).match

MOST_RESTS: Final = 4096
"""How many are kept in mind at a time: 3 MB, at 700 bytes a line."""

# Longer ones, or of which more is to be said, are not: whatever a dataset holds, 50 MB are enough.
_LONGEST_REST: Final = 8192
_MOST_PROBLEMS: Final = 10

_new: Final = tuple.__new__  # as in `fast`


class LineChecker:
    """
    `check_line` for the lines of one dataset, with what was said of a line kept in mind for all that go on alike.

    It rests on this: of a line whose image has nothing to it, no problem speaks of the image. Its law, held by a
    property test, follows: the answer is that of `check_line`, whatever came before.
    """

    def __init__(self) -> None:
        self._rests: dict[bytes, tuple[tuple[str, ...], Kind, tuple[LineProblem, ...]]] = {}
        self._found = 0
        self._pays = True

    def check(self, raw: bytes) -> Checked:
        if not self._pays or (image := _image_first(raw)) is None:
            return check_line(raw)
        rest = raw[image.end() :]
        known = self._rests.get(rest)
        if known is None or len(raw) > MAX_LINE_CHARS:
            return self._learn(raw, rest)
        self._found += 1
        labels, kinds, problems = known
        return _new(Checked, (image[1].decode(), labels, kinds, problems))

    def _learn(self, raw: bytes, rest: bytes) -> Checked:
        checked = check_line(raw)
        ref, labels, kinds, problems = checked
        if ref is not None and len(rest) <= _LONGEST_REST and len(problems) <= _MOST_PROBLEMS:
            if len(self._rests) == MOST_RESTS:
                self._pays = self._found > MOST_RESTS
                self._rests.clear()
                self._found = 0
            self._rests[rest] = labels, kinds, problems
        return checked

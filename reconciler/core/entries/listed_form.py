"""
The texts in which a service lists a line that it was sent, recognised without parsing where that is possible.

It appends a key of its own, and may write the line without spaces, or with its keys sorted. The same text proves
the same entry, and that the service holds no error lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Final

import orjson
from msgspec.json import format as without_spaces

from reconciler.core.entries.entry import names_lists

HEAD: Final = b'{"source-ref":"'
_REF_FROM: Final = len(HEAD)
_KEY: Final = b'"source-ref":"'
_SERVICE_KEY: Final = "cl-metadata"

_LABELED: Final = b',"cl-metadata":{"is_labeled":true}}'
_UNLABELED: Final = b',"cl-metadata":{"is_labeled":false}}'
_BEFORE_LABELED: Final = -len(_LABELED)
_BEFORE_UNLABELED: Final = -len(_UNLABELED)
# The possible ends of a listed line without errors, written by the service or by a tool that saves listings.
_ENDS: Final = (
    _LABELED,
    _UNLABELED,
    b', "cl-metadata": {"is_labeled": true}}',
    b', "cl-metadata": {"is_labeled": false}}',
    b"}",
)


def hash_desired(texts: Sequence[bytes], unclean: Iterable[int] = ()) -> list[int]:
    """
    Return a hash of each desired line; see `Index.text_hash`.

    The service appends its keys before the last brace, so that is left out. A line that already holds service keys
    is never listed verbatim.

    Args:
        unclean: The positions of lines that may hold service keys.
    """
    found = list(map(hash, map(bytes.removesuffix, texts, repeat(b"}"))))
    for position in unclean:
        text = texts[position]
        if names_lists(text) or b'"cl-' in text:  # false positives only cost time
            found[position] = hash(text)
    return found


def are_compact(texts: Iterable[bytes]) -> bool:
    """Return whether all lines begin with their source-ref, and without a space."""
    return all(map(bytes.startswith, texts, repeat(HEAD)))


def hash_listed(raws: Sequence[bytes]) -> Sequence[int]:
    """Return a hash of each listed line, apart from what the service appends; see `Index.text_hash`."""
    bodies = [
        raw[:_BEFORE_LABELED]
        if raw.endswith(_LABELED)
        else raw[:_BEFORE_UNLABELED]
        if raw.endswith(_UNLABELED)
        else body_of(raw)
        for raw in raws
    ]
    return list(map(hash, bodies))


def body_of(raw: bytes) -> bytes:
    """Return a listed line without its last brace and the service's keys."""
    for end in _ENDS:
        if raw.endswith(end):
            return raw[: -len(end)]
    return b""  # a truncated line equals no entry


def named_first(raw: bytes) -> str:
    """Return the source-ref of a listed line, provided that it is the first key; else arbitrary text."""
    start = raw.find(b'"', _REF_FROM - 1) + 1  # a space may follow the colon
    return raw[start : raw.find(b'"', start)].decode(errors="replace")


Form = Callable[[bytes, bytes], bool]
"""Returns whether a line with one text, which holds no keys of the service, is listed as another."""


def is_without_spaces(text: bytes, raw: bytes) -> bool:
    """Return whether *raw* is what a service lists of a line with spaces, which is sent without them."""
    try:
        sent: bytes = without_spaces(text, indent=-1)
    except RecursionError:
        return False
    return raw.removeprefix(sent[:-1]) in _ENDS


def is_sorted(text: bytes, raw: bytes) -> bool:
    """
    Return whether *raw* is what a service lists that sorts the keys of a line.

    The line is parsed and written as such a service would: half of the cost of parsing and comparing both.
    """
    if raw.startswith(HEAD):
        return False
    fields = orjson.loads(text)
    fields[_SERVICE_KEY] = {"is_labeled": True}
    written = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    if len(written) != len(raw):
        # A line without labels, or a listing that was saved without keys of the service.
        if len(written) + 1 == len(raw):
            fields[_SERVICE_KEY] = {"is_labeled": False}
        else:
            del fields[_SERVICE_KEY]
        written = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    return written == raw


def named_further_on(raw: bytes) -> str:
    """Return the source-ref of a listed line, provided that nothing in it is escaped; else arbitrary text."""
    return raw[raw.find(_KEY) + len(_KEY) :].partition(b'"')[0].decode(errors="replace")

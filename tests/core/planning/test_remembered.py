"""What was observed is remembered entry by entry, and read again only where git changed."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise

import pytest

from reconciler.core.entries.equality import Equality, IgnoreRule
from reconciler.core.entries.index import Index, Place
from reconciler.core.entries.pattern import pointer
from reconciler.core.planning.compare import compare
from reconciler.core.planning.remembered import (
    BLOCK_ENTRIES,
    TEXT_DIGEST_BYTES,
    Memories,
    Recalled,
    Remembered,
    RememberedBlock,
    blocks_of,
    patched,
    recall,
    text_digests,
)
from tests.builders import index_of, line, observed, reader, ref

NAMES = [f"{number:02}" for number in range(20)]  # more rows than a digest has bytes
LINES = [line(name) for name in NAMES]


def digests(index: Index, lines: Sequence[bytes]) -> bytes:
    return text_digests(index, [BytesIO(raw + b"\n") for raw in lines])


def test_digests_end_where_a_file_is_no_longer_as_it_was_indexed():
    """Lines that were not indexed have none, and nothing is claimed of a line that changed."""
    index, size = index_of(*LINES[:3]), TEXT_DIGEST_BYTES
    whole = digests(index, LINES[:3])

    assert 3 == len({whole[at : at + size] for at in range(0, len(whole), size)})
    assert whole == text_digests(index, [BytesIO(raw + b"\n" + line("zz") + b"\n") for raw in LINES[:3]])
    assert whole[:size] == digests(index, [LINES[0], line("01", x=1), LINES[2]])


def remembered(desired: Sequence[bytes], there: Sequence[bytes], policy: Equality) -> list[RememberedBlock]:
    """Return what an observation of these lines leaves."""
    index = index_of(*desired)
    diff = compare(index, observed(*there), reader(*desired), policy)

    def read(source_ref: str, place: Place) -> bytes:
        return there[place.line - 1]

    return list(blocks_of(Memories(index, digests(index, desired), diff, read).all()))


def recalled(
    desired: Sequence[bytes],
    there: Sequence[bytes],
    edited: Sequence[bytes] | None = None,
    policy: Equality = Equality(),  # noqa: B008 - frozen
    void: Sequence[str] = (),
) -> Recalled:
    """Observe with one spec, and recall with the edited one."""
    lines = desired if edited is None else edited
    index = index_of(*lines, void=void)
    return recall(remembered(desired, there, policy), index, digests(index, lines))


def test_nothing_is_read_while_nothing_changes():
    found = recalled(LINES, LINES)

    assert (20, frozenset(), [ref(name) for name in NAMES]) == (found.unchanged, found.compared, found.refs)


@pytest.mark.parametrize("at", [0, 1, 15, 16, 19])
def test_only_an_edited_line_is_read_again(at: int):
    """Wherever it stands: all others are known to be equal."""
    edited = [line(name, x=1) if number == at else LINES[number] for number, name in enumerate(NAMES)]

    found = recalled(LINES, LINES, edited)

    assert (19, [ref(NAMES[at])]) == (found.unchanged, found.unread)
    assert ({}, [], []) == (found.lines, found.absent, found.ignored)


def test_a_line_that_differed_is_remembered_itself():
    """What AWS shows otherwise, and what only AWS has, is compared again without a call."""
    there = [LINES[0], line("01", x=2), *LINES[3:], line("zz")]

    found = recalled(LINES, there)

    assert {ref("01"): line("01", x=2), ref("zz"): line("zz")} == found.lines
    assert (18, [], [ref("02")]) == (found.unchanged, found.unread, found.absent)


def test_an_unusable_line_says_nothing_about_its_entry():
    """Neither unread nor absent: what git means is unknown."""
    found = recalled(LINES, LINES, void=[ref("03")])

    assert (19, [], []) == (found.unchanged, found.unread, found.absent)


def test_ignored_differences_keep_both_digests():
    policy = Equality(ignore=(IgnoreRule((pointer("/x"),)),))
    there = [LINES[0], line("01", x=2), *LINES[2:]]

    found = recalled(LINES, there, policy=policy)
    expected = compare(index_of(*LINES), observed(*there), reader(*LINES), policy)

    assert (19, list(expected.ignored)) == (found.unchanged, found.ignored)
    assert ref("01") == found.ignored[0][0]


def test_a_block_is_replaced_by_those_that_hold_its_entries():
    """Only blocks that change are written, and together they hold what was there and what is new."""
    text = bytes(range(TEXT_DIGEST_BYTES))
    count = 2 * BLOCK_ENTRIES + 1
    before = list(blocks_of((f"{number:05}", Remembered(text)) for number in range(count)))
    assert [BLOCK_ENTRIES, BLOCK_ENTRIES, 1] == [len(block.refs) for block in before]

    found = list(
        patched(
            before,
            {
                "02000": None,
                "02000a": Remembered(line=b"{}"),
                "00001": Remembered(text),
                "0": Remembered(text),
            },
        )
    )

    assert ["00000", "02000"] == [one.first for one in found]
    assert [[2_000, 1], [2_000]] == [[len(block.refs) for block in one.blocks] for one in found]
    refs = [source_ref for one in found for block in one.blocks for source_ref in block.refs]
    assert all(one < other for one, other in pairwise(refs))
    assert ("0", "02000a", {"02000a": b"{}"}) == (refs[0], refs[2_001], found[1].blocks[0].lines)


def test_the_first_blocks_replace_none():
    (found,) = patched([], {"a": Remembered(), "b": None})

    assert (None, ["a"]) == (found.first, found.blocks[0].refs)

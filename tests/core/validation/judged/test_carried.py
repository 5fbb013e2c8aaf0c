"""What the rules found in lines, stored and carried over to other versions of their file."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.lines import MAX_LINE_BYTES
from reconciler.core.validation.checked_line import CheckedLines, each
from reconciler.core.validation.judged.carried import carry_over, read_columns
from reconciler.core.validation.judged.columns import (
    Check,
    Columns,
    JudgedFile,
    block_digest,
    restored_columns,
)
from reconciler.core.validation.judged.totals import Part, Totals, added_up
from reconciler.core.validation.line import check_line
from tests.builders import boxed, classified, line
from tests.fixtures.lines import rows

TEXTS = [row.raw for row in rows() if len(row.raw) < 2_000]
TEXTS += [b"", b" ", line("bare"), classified("a", "rose"), classified("b", "rose"), boxed("c")]
TEXTS += [line(f"bulk-{number}") for number in range(200)]

texts = st.lists(st.sampled_from(TEXTS), max_size=60)


def judge(texts: Sequence[bytes]) -> CheckedLines:
    return each(check_line, texts)


def read(content: bytes) -> Columns:
    return read_columns(BytesIO(content), judge, 7)


def stored(columns: Columns) -> JudgedFile:
    judged = columns.stored()
    assert judged is not None
    return msgspec.msgpack.decode(msgspec.msgpack.encode(judged), type=JudgedFile)


def meaning(columns: Columns) -> object:
    """Return all that columns say, whatever the numbers in them and wherever blocks end."""
    outcomes, labels = list(columns.number_of_outcome), iter(columns.labels)
    names = list(columns.number_of_label)
    totals = columns.totals
    return (
        {outcomes[number]: count for number, count in totals.outcomes.items()},
        {names[number]: count for number, count in totals.labels.items()},
        [*totals.buckets.items()],
        totals.are_distinct,
        [*columns.source_refs],
        columns.sizes,
        columns.lengths,
        columns.digests,
        [outcomes[number] for number in columns.outcomes],
        [[names[next(labels)] for _ in range(count)] for count in columns.label_counts],
    )


def carried(before: bytes, now: bytes, check: Check = judge) -> Columns:
    found = carry_over(BytesIO(now), check, restored_columns(stored(read(before))))
    assert found is not None
    assert meaning(read(now)) == meaning(found)
    assert meaning(found) == meaning(restored_columns(stored(found)))
    return found


def content_of(lines: list[bytes], end: bytes = b"\n", *, ended: bool = True) -> bytes:
    return end.join(lines) + (end if ended and lines else b"")


@st.composite
def edits(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Two versions of a file: the second has the lines of the first, but for some edits."""
    before = draw(texts)
    now = list(before)
    for _ in range(draw(st.integers(0, 4))):
        at, other = draw(st.integers(0, len(now))), draw(st.integers(0, len(now)))
        new = draw(texts.filter(lambda lines: len(lines) < 5))
        match draw(st.sampled_from(["put", "insert", "delete", "move", "repeat", "shuffle"])):
            case "put":
                now[at : at + len(new)] = new
            case "insert":
                now[at:at] = new
            case "delete":
                del now[at:other]
            case "move":
                moved = now[at:other]
                del now[at:other]
                now += moved
            case "repeat":
                now[at:at] = now[other : other + 3]
            case _:
                random.Random(at).shuffle(now)
    ends = st.tuples(st.sampled_from([b"\n", b"\r\n", b"\r\r\n"]), st.booleans())
    (one, ended), (two, and_ended) = draw(ends), draw(ends)
    return content_of(before, one, ended=ended), content_of(
        now, draw(st.sampled_from([one, two])), ended=and_ended
    )


@given(edits())
def test_whatever_is_known_the_result_is_that_of_checking_every_line(versions: tuple[bytes, bytes]) -> None:
    carried(*versions)


BULK = [line(f"bulk-{number}") for number in range(1_000)]


def edited(edit: Callable[[list[bytes]], object]) -> bytes:
    lines = list(BULK)
    edit(lines)
    return content_of(lines)


@pytest.mark.parametrize(
    ("now", "checked"),
    [
        (content_of(BULK), 0),
        (edited(lambda lines: lines.__setitem__(500, line("new"))), 1),
        (edited(lambda lines: lines.insert(500, line("new"))), 1),
        (edited(lambda lines: lines.append(line("new"))), 1),
        (edited(lambda lines: lines.pop(500)), 0),
        (edited(lambda lines: lines.__delitem__(slice(100, 150))), 0),
        (content_of(BULK, b"\r\n"), 0),
        (content_of(BULK, ended=False), 0),
        (edited(lambda lines: lines.__setitem__(slice(0, 5), [line(f"new-{n}") for n in range(5)])), 5),
        (edited(lambda lines: lines.__setitem__(slice(0, 200), [line(f"new-{n}") for n in range(300)])), 300),
    ],
)
def test_only_lines_that_are_new_are_checked(now: bytes, checked: int) -> None:
    seen: list[bytes] = []

    def check(texts: Sequence[bytes]) -> CheckedLines:
        seen.extend(texts)
        return judge(texts)

    carried(content_of(BULK), now, check)

    assert checked == len(seen)


@pytest.mark.parametrize("move", [BULK[::-1], BULK[500:] + BULK[:500], BULK[-1:] + BULK[:-1]])
def test_lines_that_moved_far_are_found_again(move: list[bytes]) -> None:
    """The first of them may be checked anew: looking near costs less than looking everywhere."""
    seen: list[bytes] = []

    def check(texts: Sequence[bytes]) -> CheckedLines:
        seen.extend(texts)
        return judge(texts)

    carried(content_of(BULK), content_of(move), check)

    assert len(seen) <= 64


def test_lines_of_blocks_that_are_the_same_are_not_even_split(monkeypatch: pytest.MonkeyPatch) -> None:
    digested: list[bytes] = []
    known = restored_columns(stored(read(content_of(BULK))))

    def digest(raw: bytes, seed: int) -> bytes:
        digested.append(raw)
        return block_digest(raw, seed)

    monkeypatch.setattr("reconciler.core.validation.judged.carried.block_digest", digest)

    now = edited(lambda lines: lines.__setitem__(500, line("new")))
    assert carry_over(BytesIO(now), judge, known) is not None

    assert len(digested) < 40


@pytest.mark.parametrize(
    ("edit", "copied"),
    [
        (lambda lines: lines.__setitem__(500, line("new")), set()),
        (lambda lines: lines.__setitem__(slice(0, 3), [line(f"new-{n}") for n in range(3)]), set()),
        (lambda lines: lines.__setitem__(500, classified("bulk-500", "rose", "oak")), {"labels"}),
        (lambda lines: lines.insert(500, line("new")), {"labels", "lengths", "marks"}),
        (lambda lines: lines.pop(), {"labels", "lengths", "marks"}),
    ],
)
def test_columns_of_lines_that_stay_in_their_places_are_not_copied(
    edit: Callable[[list[bytes]], object], copied: set[str]
) -> None:
    """Each has megabytes in a large file, of which an edit changes a few bytes."""
    known = restored_columns(stored(read(content_of(BULK))))
    before = {name: getattr(known, name) for name in ("labels", "lengths", "marks")}

    found = carry_over(BytesIO(edited(edit)), judge, known)

    assert copied == {name for name, column in before.items() if getattr(found, name) is not column}


def test_source_refs_that_stay_are_not_made_strings_of() -> None:
    """Most edits change labels and not which images there are."""
    known = restored_columns(stored(read(content_of(BULK))))
    now = edited(lambda lines: lines.__setitem__(500, classified("bulk-500", "rose")))

    found = carry_over(BytesIO(now), judge, known)

    assert found is not None
    assert found.source_refs is known.source_refs
    assert found.source_refs._list is None


@pytest.mark.parametrize(
    ("now", "most"),
    [
        (content_of(BULK), 0),
        (edited(lambda lines: lines.__setitem__(500, classified("bulk-500", "rose"))), 2),
        (edited(lambda lines: lines.__delitem__(slice(100, 150))), 50),
        (edited(lambda lines: lines.__setitem__(500, line("new"))), 1_002),  # it may be that of another line
        (edited(lambda lines: lines.append(line("bulk-7"))), 1_002),
        (content_of(BULK[::-1]), 1_002),
    ],
)
def test_only_lines_that_changed_are_added_up(now: bytes, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for those whose source-ref may be that of another line now."""
    added: list[int] = []

    def count(lines: Part, *args: Any) -> Totals:
        added.append(len(lines.source_refs))
        return added_up(lines, *args)

    totals, known = read(now).totals, restored_columns(stored(read(content_of(BULK))))
    for module in ("totals", "columns"):
        monkeypatch.setattr(f"reconciler.core.validation.judged.{module}.added_up", count)
    found = carry_over(BytesIO(now), judge, known)

    assert found is not None
    assert (totals.buckets, totals.are_distinct) == (found.totals.buckets, found.totals.are_distinct)
    assert sum(added) <= most


def test_columns_that_are_carried_over_again_and_again_stay_as_they_would_be_read() -> None:
    """Blocks change their sizes with edits, and what stood in lines that are gone is forgotten."""
    draw, lines = random.Random(1), list(BULK)
    judged = stored(read(content_of(lines)))
    for number in range(40):
        at = draw.randrange(len(lines))
        bad = b'{"source-ref":"https://b/%d.jpg"}' % number
        lines[at : at + draw.randrange(3)] = [line(f"new-{number}"), line(f"more-{number}")]
        lines[500] = bad
        found = carry_over(BytesIO(content_of(lines)), judge, restored_columns(judged))
        assert found is not None
        assert meaning(read(content_of(lines))) == meaning(found)
        judged = stored(found)
    assert len(stored(read(content_of(lines))).distinct) == len(judged.distinct)


def test_a_line_that_is_cut_is_not_remembered() -> None:
    """Its text does not say all of it."""
    long = b"x" * (MAX_LINE_BYTES + 9)
    known = restored_columns(stored(read(line("a"))))

    assert read(line("a") + b"\n" + long).stored() is None
    for content in (long, line("a") + b"\n" + long, long + b"\n" + line("a")):
        assert carry_over(BytesIO(content), judge, known) is None


def damages() -> Iterator[dict[str, object]]:
    for name in ("label_names", "distinct"):
        yield {name: []}
    for name in (
        "digests",
        "sizes",
        "lengths",
        "outcomes",
        "label_counts",
        "labels",
        "blocks",
        "block_lines",
        "block_sizes",
    ):
        yield from ({name: b""}, {name: b"xx"}, {name: b"x" * 36})


@pytest.mark.parametrize("change", [*damages()])
def test_what_does_not_hold_together_is_refused(change: dict[str, object]) -> None:
    judged = stored(read(content_of([classified("a", "rose"), line("b")])))

    with pytest.raises(ValueError):  # noqa: PT011  numbers that are cut have a message of Python
        restored_columns(msgspec.structs.replace(judged, **change))

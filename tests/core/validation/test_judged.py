"""Results of the rules that are remembered by the text of the line."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.validation import CheckedLine, check_line
from reconciler.core.validation.judged import Columns, Judge, JudgedFile, columns_of, text_digest
from tests.builders import boxed, classified, line
from tests.fixtures.lines import rows

TEXTS = [row.raw for row in rows() if len(row.raw) < 2_000]
TEXTS += [b"", b" ", line("bare"), classified("a", "rose"), classified("b", "rose"), boxed("c")]

texts = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=12)


def judged_of(lines: list[bytes], known: JudgedFile | None = None) -> tuple[Columns, JudgedFile | None]:
    judge = Judge(check_line, known)
    return judge.check(lines), judge.judged()


def stored(judged: JudgedFile | None) -> JudgedFile:
    assert judged is not None
    return msgspec.msgpack.decode(msgspec.msgpack.encode(judged), type=JudgedFile)


@given(texts, texts)
def test_whatever_is_remembered_the_result_is_that_of_the_rules(
    before: list[bytes], now: list[bytes]
) -> None:
    _, judged = judged_of(before)

    found, _ = judged_of(now, stored(judged))

    assert columns_of(list(map(check_line, now))) == found._replace(digests=())
    assert list(map(text_digest, now)) == found.digests


@given(texts, texts)
def test_what_is_remembered_is_the_last_file_and_nothing_else(before: list[bytes], now: list[bytes]) -> None:
    _, first = judged_of(before)

    _, again = judged_of(now, stored(first))

    assert (again or first) == judged_of(now)[1] or before == now


def test_only_lines_that_are_not_remembered_are_checked() -> None:
    checked: list[bytes] = []

    def check(raw: bytes) -> CheckedLine:
        checked.append(raw)
        return check_line(raw)

    _, judged = judged_of([line("a"), line("b")])

    Judge(check, judged).check([line("b"), line("c"), line("a"), line("c")])

    assert [line("c")] == checked


def test_a_file_that_is_as_it_was_is_not_remembered_again() -> None:
    lines = [line("a"), line("b")]
    _, judged = judged_of(lines)

    assert judged_of(lines, judged)[1] is None
    assert judged_of(lines[::-1], judged)[1] is not None
    assert judged_of(lines[:1], judged)[1] is not None


@pytest.mark.parametrize(
    "change",
    [
        {"source_refs": []},
        {"digests": b""},
        {"digests": b"x" * 33},
        {"numbers": b""},
        {"numbers": b"xx"},
        {"outcomes": []},
    ],
)
def test_what_does_not_hold_together_is_refused(change: dict[str, object]) -> None:
    _, judged = judged_of([line("a"), line("b")])

    with pytest.raises((ValueError, LookupError)):
        Judge(check_line, msgspec.structs.replace(stored(judged), **change))

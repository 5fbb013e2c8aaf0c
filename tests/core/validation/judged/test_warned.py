"""Warnings of usable lines, which are counted, shown in part and stored without being built."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.validation.codes import Code
from reconciler.core.validation.judged.warned import (
    StoredWarnings,
    WarnedLines,
    Warnings,
    restored_warnings,
    stored_warnings,
)
from reconciler.core.validation.problem import Origin, Problem, Severity, by_place

CODES = (Code.SERVICE_KEYS, Code.NO_ANNOTATIONS, Code.NO_ATTRIBUTE_ANNOTATIONS)
problems = st.builds(
    Problem,
    st.just(Severity.WARNING),
    st.sampled_from(CODES),
    st.sampled_from(["this", "that"]),
    st.sampled_from([None, Origin("", 0, 7), Origin("", 0, 9)]),
)
outcomes = st.lists(st.lists(problems, min_size=1, max_size=3).map(tuple), min_size=1, max_size=4)


@st.composite
def warned(draw: st.DrawFn) -> WarnedLines:
    """Draw the lines of a file; some stand out of order, as those made of YAML with aliases."""
    distinct = draw(outcomes)
    found = draw(st.lists(st.integers(0, len(distinct) - 1), max_size=12))
    numbers = draw(st.permutations(range(1, len(found) + 1)) | st.just([*range(1, len(found) + 1)]))
    return WarnedLines(0, numbers, [f"s3://b/{number}.jpg" for number in numbers], found, distinct)


def built(lines: WarnedLines) -> list[Problem]:
    """Build all of them, once each, by place."""
    every = [
        problem.at(Origin("train.jsonl", number), ref)
        for number, ref, outcome in zip(*lines[1:4], strict=True)
        for problem in lines.distinct[outcome]
    ]
    return sorted(dict.fromkeys(every), key=by_place)


@given(warned(), st.integers(1, 5))
def test_they_are_those_of_each_line(lines: WarnedLines, count: int) -> None:
    """All of them, how many of each code, and at least the first few of each code."""
    found, expected = Warnings("train.jsonl", lines, int), built(lines)

    assert expected == sorted(found, key=by_place)
    assert [one.origin and one.origin.line for one in found] == [
        it.origin and it.origin.line for it in expected
    ]
    assert found.counts == Counter((problem.severity, problem.code) for problem in expected)
    first = [*found.first(count)]
    assert len(first) == len({*first})
    assert {*first} <= {*expected}
    for code in CODES:
        assert {*[one for one in expected if one.code == code][:count]} <= {*first}


@given(st.lists(warned(), max_size=3))
def test_they_are_stored_and_restored(files: list[WarnedLines]) -> None:
    raw = msgspec.msgpack.encode(stored_warnings(files))

    again = restored_warnings(msgspec.msgpack.decode(raw, type=StoredWarnings))

    assert [*map(built, files)] == [*map(built, again)]
    assert all(type(problem.code) is Code for one in again for problem in built(one))

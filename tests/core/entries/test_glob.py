"""The one matcher for globs: what it matches, and that no pattern makes it slow."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.entries import glob
from reconciler.core.entries.glob import Globs, Many, One, Piece
from reconciler.core.entries.pattern import globs, path_glob, places

PIECES = st.lists(
    st.sampled_from(
        [
            "a", "b", "/", "ab", "é",
            Many.OF_ANY, Many.SEGMENTS,
            One((("/", "/"),), negated=True), One((("a", "b"),)), One(negated=True), One((("b", "a"),)),
        ]
    ),
    max_size=6,
)  # fmt: skip
WITH_STARS = PIECES.map(
    lambda pieces: [Many.OF_A_SEGMENT, *pieces] if Many.SEGMENTS not in pieces[:1] else pieces
)
TEXTS = st.text("ab/é\n", max_size=8)


def regex(pieces: list[Piece]) -> re.Pattern[str]:
    """Return the pattern for Python's own matcher, which backtracks."""
    return re.compile("".join(map(_part, pieces)), re.DOTALL)


def _part(piece: Piece) -> str:
    many = {Many.OF_ANY: ".*", Many.OF_A_SEGMENT: "[^/]*", Many.SEGMENTS: "(?:.*/)?"}
    match piece:
        case Many():
            return many[piece]
        case One(ranges, negated):
            held = "|".join(f"[{low}-{high}]" for low, high in ranges if low <= high) or "(?!)"
            return f"(?!{held})." if negated else f"(?:{held})"
    return re.escape(piece)


@example([["a/", Many.SEGMENTS, "ab"], [Many.SEGMENTS, One((("a", "b"),)), "b"]], "a/ab")
@example([[Many.SEGMENTS, "ab"], [Many.OF_A_SEGMENT, Many.SEGMENTS, "b"]], "ab")
@example([[Many.SEGMENTS, Many.SEGMENTS, "a"], ["b/", Many.SEGMENTS, "a"]], "b/b/a")
@given(st.lists(WITH_STARS, max_size=5), TEXTS)
def test_matches_what_a_backtracking_matcher_matches(patterns: list[list[Piece]], text: str) -> None:
    """Each of many patterns matched together gives the result of a backtracking matcher."""
    expected = tuple(n for n, pieces in enumerate(patterns) if regex(pieces).fullmatch(text))

    assert expected == Globs(patterns).which(text)
    assert bool(expected) == Globs(patterns).match(text)


@given(st.lists(WITH_STARS, min_size=1, max_size=3), st.lists(TEXTS, max_size=5))
def test_answers_the_same_with_no_room_to_remember(patterns: list[list[Piece]], texts: list[str]) -> None:
    """Without room in its cache the matcher is slower and gives the same answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glob, "_MEMORY_BYTES", 0)
        forgetful = Globs(patterns)
        without = [forgetful.which(text) for text in texts]

    remembering = Globs(patterns)
    assert [remembering.which(text) for text in texts] == without


REF = "s3://b/" + "a" * 1_000


@pytest.mark.parametrize("star", ["*", "**"])
def test_no_pattern_takes_longer_than_its_length_times_that_of_the_text(star: str) -> None:
    """Time grows with pattern length times text length; a backtracking matcher would never return here."""
    evil = f"s3://b/{star}" + f"a{star}" * 200 + "b"

    assert not globs([evil]).match(REF)
    assert not path_glob(evil).match(REF)
    assert [] == list(places({REF: 1}, (evil,)))


def test_thousands_of_patterns_are_one_question() -> None:
    """Each entry is matched once against all patterns of a spec, however many there are."""
    few = [f"s3://b/{number}/**" for number in range(3_000)]
    many = globs([*few, "s3://b/**/7.jpg", "s3://b/golden.jpg", *(f"**/x{n}/*{n}*" for n in range(1_000))])

    assert (7, 3_000) == many.which("s3://b/7/7.jpg")
    assert (3_001,) == many.which("s3://b/golden.jpg")
    assert () == many.which("s3://b/none/9.jpg")
    assert [] == [ref for ref in (f"s3://b/none/{n}" for n in range(20_000)) if many.match(ref)]


def test_of_no_patterns_matches_nothing() -> None:
    assert not Globs(())
    assert not Globs(()).match("")


@pytest.mark.parametrize(
    ("pattern", "matches", "differs"),
    [
        ("[abc].jsonl", ["a.jsonl", "c.jsonl"], ["d.jsonl", "ab.jsonl", ".jsonl"]),
        ("[b-d].jsonl", ["b.jsonl", "c.jsonl", "d.jsonl"], ["a.jsonl", "e.jsonl", "-.jsonl"]),
        ("[d-b].jsonl", [], ["b.jsonl", "c.jsonl", "d.jsonl"]),
        ("[!a-c].jsonl", ["d.jsonl", "-.jsonl"], ["a.jsonl", "b.jsonl", "/.jsonl"]),
        ("x[+-9]y", ["x+y", "x.y", "x0y", "x9y"], ["x/y", "x:y"]),
        ("x[!0]y", ["x1y"], ["x0y", "x/y"]),
        ("a[b.jsonl", ["a[b.jsonl"], ["ab.jsonl"]),
        ("?.jsonl", ["a.jsonl"], ["ab.jsonl", "/.jsonl"]),
        ("*.jsonl", ["a.jsonl", ".jsonl"], ["a/b.jsonl", "a.jsonl.bak"]),
        ("**/a.jsonl", ["a.jsonl", "x/a.jsonl", "x/y/a.jsonl"], ["xa.jsonl", "x/ya.jsonl"]),
        ("x/**", ["x/a", "x/y/a"], ["x", "xy/a"]),
    ],
)
def test_a_path_is_matched_as_the_documentation_says(
    pattern: str, matches: list[str], differs: list[str]
) -> None:
    """A class matches one character of a segment, never the slash between two."""
    found = path_glob(pattern)

    assert matches == [text for text in matches if found.match(text)]
    assert [] == [text for text in differs if found.match(text)]

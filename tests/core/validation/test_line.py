"""Lines that differ in their image alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.validation import line
from reconciler.core.validation.checked_line import CheckedLine
from reconciler.core.validation.codes import Code
from reconciler.core.validation.line import LineChecker, check_line, check_slowly
from tests.core.validation.test_fast import mutants
from tests.core.validation.usual_lines import COMPACT, SPACED, box_line, image_level_line
from tests.fixtures.lines import rows

IMAGES = [
    b"s3://acme/a.jpg",
    b"s3://acme/b, c.jpg",
    b"s3://other/d.jpg",
    b"s3://acme/e.jpg ",
    b"s3://acme/",
    b"s3://acme/\\u0066.jpg",
    "s3://acme/\u200bg.jpg".encode(),
    b"https://acme/h.jpg",
    b"",
    b'"',
    b"\xff",
]
USUAL = (box_line(1), image_level_line(1), image_level_line(2, labels=1))
OF_A_LINE = re.compile(rb'\{"source-ref": ?"[^"\\]*"(?P<rest>.*)', re.DOTALL).fullmatch
RESTS = [
    b"}",
    b"",
    b',"source-ref":"s3://acme/twice.jpg"}',
    *(
        found["rest"]
        for raw in (
            *(json.dumps(line, separators=COMPACT).encode() for line in USUAL),
            *(r.raw for r in rows()),
        )
        if (found := OF_A_LINE(raw))
    ),
]
put_together = st.builds(
    lambda head, image, rest: head + image + b'"' + rest,
    st.sampled_from([b'{"source-ref":"', b'{"source-ref": "', b'{ "source-ref":"', b'["source-ref":"']),
    st.sampled_from(IMAGES),
    st.sampled_from(RESTS),
)


@pytest.mark.parametrize("rest", RESTS)
def test_no_finding_speaks_of_an_image_that_has_nothing_to_it(rest: bytes):
    """A result reused for a second image names nothing of the first, for every line of the table."""
    checker = LineChecker()

    for image in (b"s3://acme/a.jpg", b"s3://other/b, c/d.png"):
        raw = b'{"source-ref":"' + image + b'"' + rest
        assert check_slowly(raw) == checker.check(raw)


@given(st.lists(put_together | mutants(), max_size=20))
def test_what_came_before_changes_no_answer(lines: list[bytes]):
    """A line has the same result whether it is checked for the first time or recognised."""
    checker = LineChecker()

    for raw in lines:
        assert check_slowly(raw) == checker.check(raw) == checker.check(raw)


@pytest.mark.parametrize("most", [2, 4096])
@given(st.data())
def test_lines_checked_together_have_the_results_of_each(most: int, data: st.DataObject):
    """Also once the search for lines that are alike has stopped."""
    lines, checker = data.draw(st.lists(put_together | mutants(), min_size=1, max_size=8)), LineChecker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line, "MAX_RESTS", most)
        checked = [checker.check_all(part) for part in (lines, lines[::-1])]

    results = [
        (ref, tuple(labels), *rest) for part in checked for ref, labels, rest in zip(*part, strict=True)
    ]
    assert list(map(check_slowly, lines + lines[::-1])) == results


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the lines that were checked in full."""
    lines: list[bytes] = []

    def counted(raw: bytes) -> CheckedLine:
        lines.append(raw)
        return check_line(raw)

    monkeypatch.setattr(line, "check_line", counted)
    return lines


def written(start: int, count: int, *, note: str | None = None, **style: tuple[str, str]) -> Iterator[bytes]:
    """Write *count* lines that differ in their image, and in what *note* makes of their number."""
    for number in range(start, start + count):
        line = box_line(1) | {"source-ref": f"s3://acme/{number}.jpg"}
        if note:
            line["note"] = note.format(number)
        yield json.dumps(line, separators=style.get("style", COMPACT)).encode()


@pytest.mark.parametrize("style", [COMPACT, SPACED])
def test_lines_that_differ_in_their_image_are_judged_once(judged: list[bytes], style: tuple[str, str]):
    checker = LineChecker()

    refs = [checker.check(raw).source_ref for raw in written(0, 50, style=style)]

    assert [f"s3://acme/{number}.jpg" for number in range(50)] == refs
    assert 1 == len(judged)


@pytest.mark.parametrize("style", [COMPACT, SPACED])
def test_lines_whose_rests_are_known_are_recognised_together(
    style: tuple[str, str], monkeypatch: pytest.MonkeyPatch
):
    checker = LineChecker()
    checker.check_all([*written(0, 1, style=style)])
    monkeypatch.delattr(LineChecker, "check")

    found = checker.check_all([*written(1, 50, style=style)])

    assert [f"s3://acme/{number}.jpg" for number in range(1, 51)] == found.source_refs


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(b'[{"source-ref":"s3://acme/a.jpg"}', id="inside-a-line"),
        pytest.param(b'{"source-ref":"s3://acme/a.jpg"', id="another-rest"),
        pytest.param(b'{"source-ref":"s3://acme/' + b"b" * 100_000 + b'.jpg"}', id="too-long"),
    ],
)
def test_an_odd_line_among_known_ones_is_not_recognised(odd: bytes):
    bare, checker = b'{"source-ref":"s3://acme/a.jpg"}', LineChecker()
    checker.check(bare)

    found = checker.check_all([bare, odd, bare])

    assert [check_slowly(raw).source_ref for raw in (bare, odd, bare)] == list(found.source_refs)


def test_a_line_too_long_is_reported_though_its_rest_is_known(judged: list[bytes]):
    short, long = (
        json.dumps(box_line(1) | {"source-ref": f"s3://acme/{key}.jpg"}, separators=COMPACT).encode()
        for key in ("a", "b" * 99_000)
    )
    checker = LineChecker()

    found = [checker.check(raw).is_valid for raw in (short, long, short)]

    assert [True, False, True] == found
    assert 2 == len(judged)


def full_of_faults() -> dict[str, Any]:
    """Write a line with twenty labels, each with a problem."""
    line = image_level_line(1, labels=1)
    (name,) = (key for key in line if key + "-metadata" in line)
    for number in range(20):
        line[f"{name}_{number}"] = line[name]
        line[f"{name}_{number}-metadata"] = line[f"{name}-metadata"] | {"confidence": 5}
    assert len(check_line(json.dumps(line).encode()).problems) >= 20
    return line


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(box_line(1) | {"note": "x" * 90_000}, id="long"),
        pytest.param(full_of_faults(), id="full-of-faults"),
    ],
)
def test_much_is_not_kept_in_mind(judged: list[bytes], line: dict[str, Any]):
    """Or it were hundreds of megabytes: of lines of 90,000 characters, or with as many faults as will fit."""
    checker = LineChecker()

    for number in range(2):
        checker.check(
            json.dumps(line | {"source-ref": f"s3://acme/{number}.jpg"}, separators=COMPACT).encode()
        )

    assert 2 == len(judged)


def test_searching_stops_where_no_line_is_like_another(judged: list[bytes], monkeypatch: pytest.MonkeyPatch):
    """Where no line is like another the search stops, and later alike lines are checked one by one."""
    monkeypatch.setattr(line, "MAX_RESTS", 10)
    checker = LineChecker()

    for raw in (*written(0, 11, note="{}"), *written(11, 5)):
        checker.check(raw)

    assert 16 == len(judged)


@pytest.mark.parametrize(("alike", "expected"), [(6, 520 + 4), (7, 520)])
def test_it_stops_early_where_hardly_a_line_is_like_another(judged: list[bytes], alike: int, expected: int):
    """Of the lines before the 512th rest, five or six are recognised, and many without labels."""
    checker = LineChecker()
    bare = [b'{"source-ref":"s3://acme/0.jpg"}'] * 50
    checker.check(bare[0])
    checker.check_all(bare)
    judged.clear()

    for raw in (*bare, *written(0, alike), *written(10, 519, note="{}"), *written(0, 4)):
        checker.check(raw)

    assert expected == len(judged)


def test_many_rests_make_room_while_it_pays(judged: list[bytes], monkeypatch: pytest.MonkeyPatch):
    """The memory for alike lines is bounded: older ones are dropped while reuse pays."""
    monkeypatch.setattr(line, "MAX_RESTS", 10)
    checker = LineChecker()

    for raw in (*written(0, 50), *written(50, 11, note="{}"), *written(61, 5)):
        checker.check(raw)

    assert 1 + 11 + 1 == len(judged)


def test_lines_recognised_together_pay_as_well(judged: list[bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(line, "MAX_RESTS", 10)
    checker = LineChecker()

    for part in (written(0, 1), written(1, 49), written(50, 11, note="{}"), written(61, 5)):
        checker.check_all([*part])

    assert 1 + 11 + 1 == len(judged)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(99_000, None), (99_001, "99001"), (396_000, "396000"), (396_001, "396001 or more")],
)
def test_a_line_that_is_too_long_is_reported_with_its_length(length: int, expected: str | None):
    """The reader cuts a line after four times the characters that are allowed: what follows is not counted."""
    (problem,) = check_slowly(b"a" * length).problems

    assert (expected is not None) == (problem.code is Code.LINE_TOO_LONG)
    assert (
        expected is None or f"the line has {expected} characters; at most 99000 are sent" == problem.message
    )


def test_many_boxes_that_are_none_take_no_longer_than_others():
    """Each is looked up once, and not among all the others: 40,000 in a line took 5 s."""
    fields = box_line(1)
    fields["bounding-box"]["annotations"] = [0] * 40_000
    started = process_time()

    found = check_line(json.dumps(fields, separators=COMPACT).encode())

    assert Code.INVALID_ATTRIBUTE_FORMAT in [problem.code for problem in found.problems]
    assert process_time() - started < 2

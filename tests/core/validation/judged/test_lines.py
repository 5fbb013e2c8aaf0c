"""The lines of a dataset taken together, against a plain account of them one by one."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from itertools import chain
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.index import Place
from reconciler.core.validation.checked_line import is_blank, is_dropped
from reconciler.core.validation.judged.carried import carry_over, read_columns
from reconciler.core.validation.judged.columns import Columns, restored_columns
from reconciler.core.validation.judged.lines import DatasetLines
from reconciler.core.validation.judged.warned import Warnings
from reconciler.core.validation.line import LineChecker, check_line
from reconciler.core.validation.problem import Origin, has_error
from tests.builders import boxed, classified, line, ref

LINES = [line(name) for name in "ab"]
LINES += [classified(name, "rose", "oak") for name in "abc"]
LINES += [boxed("d", ("rose", 1, 2, 30, 40)), b"", b"no JSON", b"{}", line("h", extra=True)]
LINES += [b'{"source-ref":"https://b/a.jpg"}', b'{"source-ref":"s3://other/a.jpg"}']
LINES += [line("g", errors=[{"code": "E"}]), line("x", **{"rose-metadata": {}}), line("x")]

files = st.lists(st.lists(st.sampled_from(LINES), max_size=7), max_size=3)


class Account(NamedTuple):
    """What is true of a dataset."""

    facts: tuple[int, int, dict[str, int], dict[str, int], dict[str, int]]
    problems: list[str]
    void: set[str]
    usable: dict[str, Place]


def one_by_one(content: list[list[bytes]]) -> Account:
    invalid, dropped = 0, 0
    buckets, labels, kinds = Counter[str](), Counter[str](), Counter[str]()
    problems, void, usable = list[str](), set[str](), dict[str, Place]()
    for number, lines in enumerate(content):
        offset = 0
        for row, raw in enumerate(lines):
            name, ours, kind, found = check_line(raw)
            here, place = Origin(str(number), row + 1), Place(number, offset, len(raw), row + 1)
            offset += len(raw) + 1
            problems += [str(problem.at(here, name)) for problem in found]
            if is_blank(found):
                continue
            labels.update(ours)
            kinds[kind] += 1
            if has_error(found):
                invalid, dropped = invalid + 1, dropped + is_dropped(found)
                if name is not None:
                    void.add(name)
                    usable.pop(name, None)
                continue
            assert name is not None
            buckets[name.split("/")[2]] += 1
            text = f"error: '{name}' is also in %s: an image may appear once only (RKD3001) [{name}]"
            if name in void:
                problems.append(f"{here}: {text % 'another line'}")
            elif name in usable:
                there = Origin(str(usable[name].file), usable[name].line)
                problems += [f"{here}: {text % str(there)}", f"{there}: {text % str(here)}"]
                void.add(name)
                del usable[name]
            else:
                usable[name] = place
    return Account((invalid, dropped, buckets, labels, kinds), sorted(problems), void, usable)


def together(lines: DatasetLines) -> Account:
    found = lines.problems(lambda file, number: Origin(str(file), number))
    for part in lines.warned:
        found += Warnings(str(part.file), part, int)
    index = lines.index
    assert len(index) == lines.count
    assert lines.source_refs == {*index.source_refs, *index.void}
    return Account(tuple(lines.facts.parts), sorted(map(str, found)), set(index.void), dict(index.items()))


def stream_of(lines: list[bytes]) -> BytesIO:
    return BytesIO(b"".join(raw + b"\n" for raw in lines))


def read(lines: list[bytes]) -> Columns:
    return read_columns(stream_of(lines), LineChecker().check_all, 7)


@given(files)
def test_lines_taken_together_are_as_if_taken_one_by_one(content: list[list[bytes]]) -> None:
    assert one_by_one(content) == together(DatasetLines(map(read, content)))


@given(files, files)
def test_lines_that_were_carried_over_are_known_as_well(
    before: list[list[bytes]], now: list[list[bytes]]
) -> None:
    """Their hashes are read from the files when they are asked for, unless these have changed."""
    judged = read([*chain.from_iterable(before)]).stored()
    assert judged is not None
    columns = [
        carry_over(stream_of(lines), LineChecker().check_all, restored_columns(judged)) for lines in now
    ]
    warm = DatasetLines([one for one in columns if one is not None])
    cold = DatasetLines(map(read, now))

    assert one_by_one(now) == together(warm)
    assert cold.index.texts == warm.index.texts
    found = warm.read_hashes(map(stream_of, now))
    assert found is not None
    assert [cold.index.text_hash(row) for row in range(len(cold.index))] == list(found[0])
    for number, lines in enumerate(now):
        for changed in ([*lines, line("new")], lines[:-1]):
            other = [*now[:number], changed, *now[number + 1 :]]
            assert not lines or warm.read_hashes(map(stream_of, other)) is None


def test_repeated_images_name_both_places() -> None:
    """Neither line is used; a third does not say which of the two it means."""
    lines = DatasetLines([read([line("a"), line("a"), line("b"), line("a")])])

    found = lines.problems(lambda _, number: Origin("x", number))

    assert [1, 2, 4] == [problem.origin and problem.origin.line for problem in found]
    assert ["x:2", "x:1", "another line"] == [one.message.split(" in ")[1].split(": ")[0] for one in found]
    assert [ref("b")] == list(lines.index.source_refs)


def test_a_line_beside_one_with_an_error_is_not_used_either() -> None:
    """Whichever comes first; one that comes later is reported, too."""
    bad = line("a", **{"rose-metadata": {}})
    for content, expected in (([bad, line("a")], [1, 2]), ([line("a"), bad], [2])):
        assert one_by_one([content]) == together(DatasetLines([read(content)]))
        found = DatasetLines([read(content)]).problems(lambda _, number: Origin("x", number))
        assert expected == [problem.origin and problem.origin.line for problem in found if problem.is_error]

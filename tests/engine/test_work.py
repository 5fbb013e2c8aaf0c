"""
How much work fixed inputs make: calls, pages, parsed bytes, and lines that leave the fast paths.

Seconds differ from machine to machine, and these numbers do not: a change that makes more work fails here, on any
machine. Less work is an improvement: lower the number.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.datasets import SHAPES, SPEC, change, entries
from reconciler.core.entries import entry, equality, index, listed_form, observed_line
from reconciler.core.entries.equality import Equality
from reconciler.core.planning import compare
from reconciler.core.validation import line
from reconciler.engine.dataset import make_plan
from reconciler.engine.usecases import reading
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state.judged import JudgedFiles
from tests.builders import index_of, observed, reader
from tests.engine.conftest import Lab

ENTRIES = 450
CHANGED = 9


class Parser:
    """`orjson`, which counts what it parses."""

    def __init__(self, work: Counter[str]) -> None:
        self._work = work

    def loads(self, raw: bytes) -> Any:
        self._work["parsed lines"] += 1
        self._work["parsed bytes"] += len(raw)
        return orjson.loads(raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(orjson, name)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is done from now on."""
    found: Counter[str] = Counter()

    def counted(name: str, action: Any) -> Any:
        def count(*args: Any, **options: Any) -> Any:
            found[name] += 1
            return action(*args, **options)

        return count

    monkeypatch.setattr("deepdiff.DeepDiff", counted("DeepDiff", __import__("deepdiff").DeepDiff))
    monkeypatch.setattr(line, "check_slowly", counted("slow lines", line.check_slowly))
    for module in (compare, make_plan, entry, equality, listed_form, observed_line):
        monkeypatch.setattr(module, "orjson", Parser(found))
    return found


def lines_of(shape: str, changed: int = 0) -> list[bytes]:
    found = []
    for number, fields in enumerate(entries(SHAPES[shape], ENTRIES)):
        if changed and number % (ENTRIES // changed) == 1:
            change(fields, number)
        found.append(SHAPES[shape].desired(fields))
    return found


def calls(lab: Lab) -> dict[str, int]:
    return dict(Counter(call.operation for call in lab.emulator.calls))


def test_a_cold_plan_of_equal_lines_parses_none(lab: Lab, work: Counter[str]) -> None:
    lab.write(*lines_of("boxes"))
    lab.apply()
    lab.forget_everything()
    work.clear()
    lab.emulator.calls.clear()

    assert ENTRIES == lab.plan().counts.unchanged

    assert {"DescribeProjects": 1, "DescribeDataset": 2, "ListDatasetEntries": 5} == calls(lab)
    assert {} == work


def test_a_changed_line_is_parsed_a_fixed_number_of_times(lab: Lab, work: Counter[str]) -> None:
    lab.write(*lines_of("boxes"))
    lab.apply()
    lab.forget_everything()
    lab.write(*lines_of("boxes", CHANGED))
    work.clear()

    assert CHANGED == lab.plan().counts.update

    assert {"parsed lines": 5 * CHANGED, "parsed bytes": 33_292} == work


def test_deepdiff_explains_lists_of_another_length_only(lab: Lab, work: Counter[str]) -> None:
    """A box that moved is explained without it; one that is gone changes the boxes and their confidences."""
    lines = lines_of("boxes", CHANGED)
    fields = orjson.loads(lines[2])
    fields["bounding-box"]["annotations"].pop()
    fields["bounding-box-metadata"]["objects"].pop()
    lab.write(*lines_of("boxes"))
    lab.apply()
    lab.write(*lines[:2], orjson.dumps(fields), *lines[3:])
    work.clear()

    assert CHANGED + 1 == lab.plan().counts.update

    assert 2 == work["DeepDiff"]


def test_lines_listed_in_the_order_of_the_specs_are_compared_in_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a line that differs is compared by itself."""
    alone: list[bytes] = []
    row_listed = index.Index.row_listed

    def counted(found: index.Index, raw: bytes, *rest: Any) -> Any:
        alone.append(raw)
        return row_listed(found, raw, *rest)

    monkeypatch.setattr(index.Index, "row_listed", counted)
    lines, changed = lines_of("boxes"), lines_of("boxes", CHANGED)

    found = compare.compare(index_of(*lines), observed(*changed), reader(*lines), Equality())

    assert CHANGED == len(found.changes)
    assert [raw for raw, before in zip(changed, lines, strict=True) if raw != before] == alone


def test_a_listing_with_sorted_keys_is_parsed_on_one_side_only(
    work: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is known that its keys are sorted, no hash of a line as it was sent is computed either."""
    lines, hashed = lines_of("boxes"), []
    hash_listed = compare.hash_listed
    monkeypatch.setattr(compare, "hash_listed", lambda raws: hashed.append(len(raws)) or hash_listed(raws))
    sorted_lines = [orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS) for raw in lines]

    found = compare.compare(index_of(*lines), observed(*sorted_lines), reader(*lines), Equality())

    assert ENTRIES == found.unchanged
    assert ENTRIES == work["parsed lines"]
    assert [256] == hashed


def test_lines_that_were_judged_before_are_not_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only changed lines are: when the file is read again, by a later process too."""
    checked: list[bytes] = []
    check_line = line.check_line
    monkeypatch.setattr(line, "check_line", lambda raw: checked.append(raw) or check_line(raw))
    monkeypatch.setattr(reading, "REMEMBERED_BYTES", 0)
    (tmp_path / "bench.yaml").write_text(SPEC)

    for changed, expected in ((0, ENTRIES), (0, 0), (CHANGED, CHANGED)):
        (tmp_path / "train.jsonl").write_bytes(b"\n".join(lines_of("boxes", changed)))
        checked.clear()
        (loaded,) = load(open_path(tmp_path).tree).datasets
        with closing(reading.read_desired(loaded, judged=JudgedFiles(tmp_path / "judged"))) as desired:
            assert ENTRIES == len(desired.index)
        assert expected == len(checked)


@pytest.mark.parametrize(
    ("shape", "slow"),
    [
        ("boxes", 0),
        ("image-level", 0),
        ("unlabelled", 0),
        ("mixed attribute names", 0),
        ("10 % warnings", 0),
    ],
)
def test_lines_as_tools_write_them_take_the_fast_path(shape: str, slow: int, work: Counter[str]) -> None:
    for raw in lines_of(shape):
        line.check_line(raw)

    assert slow == work["slow lines"]

"""The desired lines of one dataset in the order of their source-refs, none of them in memory."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple, cast
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.entries import lines as blocks
from reconciler.core.entries.entry import sorted_line
from reconciler.core.spec.documents import Dataset
from reconciler.core.validation.codes import Code
from reconciler.engine.usecases import export
from reconciler.engine.usecases.export import OrderedLines, read_in_order
from reconciler.engine.usecases.reading import read_desired
from reconciler.errors import SourceError, SpecError
from reconciler.ports import EntryFile, LoadedDataset
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from tests.builders import boxed, classified, line, ref

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: d}
spec:
  target: {project: p, type: TRAIN}
  entries: [{file: "*.jsonl"}]
  policy: {allowEmpty: true}
"""
LINES = [line(name) for name in "abcdefgh"] + [line("\uffff"), line("😀")]  # in UTF-16 they change places
LINES += [classified("m", "rose", "oak"), boxed("i", ("rose", 1, 2, 30, 40)), boxed("j").replace(b",", b", ")]
LINES += [b"", b" ", line("k", **{"cl-metadata": {"is_labeled": True}}), line("l", extra=True)]
WRONG = [b"no JSON", b'{"source-ref":"nowhere"}', line("n", x=1), line("a")]
OTHER_BUCKET = b'{"source-ref":"s3://other/a.jpg"}'


def loaded(root: Path, *files: Sequence[bytes]) -> LoadedDataset:
    (root / "d.yaml").write_text(SPEC)
    for number, lines in enumerate(files):
        (root / f"{number}.jsonl").write_bytes(b"".join(raw + b"\n" for raw in lines))
    (found,) = load(open_path(root).tree).datasets
    return found


def as_by_an_index(dataset: LoadedDataset) -> tuple[list[bytes], object] | None:
    """Return the lines and the facts as commands know them that hold all source-refs."""
    with closing(read_desired(dataset)) as desired:
        if desired.has_errors or not desired.usable:
            return None
        have_keys = any(problem.code == Code.SERVICE_KEYS for problem in desired.problems)
        raws = [desired.read(*item) for item in desired.index.items()]
        return [sorted_line(orjson.loads(raw)) for raw in raws] if have_keys else raws, desired.facts.parts


def in_this_order(found: OrderedLines | None) -> tuple[list[bytes], object] | None:
    if found is None:
        return None
    try:
        once, again = list(found.lines()), list(found.lines())
    except SpecError:
        return None
    assert once == again
    refs = [orjson.loads(raw)["source-ref"] for raw in once]
    assert refs[:1] + refs[-1:] == [found.first, found.last][: 2 * len(refs)]
    return once, found.facts.parts


some_lines = st.lists(st.sampled_from(LINES), unique=True)


@given(
    some_lines | some_lines.map(sorted),
    st.sampled_from([None] * 9 + WRONG) | st.just(OTHER_BUCKET),
    st.integers(0, 9),
)
def test_the_lines_are_those_of_an_index(lines: list[bytes], wrong: bytes | None, split: int) -> None:
    """Sorted or not, one repeated or wrong, in two files and small blocks: the same lines, or none."""
    with TemporaryDirectory() as name, patch.object(blocks, "_BLOCK_BYTES", 50):
        dataset = loaded(Path(name), lines[:split], lines[split:] + [wrong] * bool(wrong))

        assert as_by_an_index(dataset) == in_this_order(read_in_order(dataset))


def test_lines_in_order_are_not_sorted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every command writes them, over several files; then there is no temporary file."""
    monkeypatch.setattr(export.sqlite3, "connect", None)
    found = read_in_order(loaded(tmp_path, LINES[:3], [b"", *LINES[3:9]]))

    assert found is not None
    assert LINES[:9] == list(found.lines())


def test_a_repeated_image_is_named(tmp_path: Path) -> None:
    found = read_in_order(loaded(tmp_path, [line("a"), line("b"), line("b")]))

    assert found is not None
    with pytest.raises(SpecError, match=f"d cannot be exported: two lines are about {ref('b')}"):
        list(found.lines())


class Changing(NamedTuple):
    """A file with entries that does not notice that it changes."""

    content: list[bytes]

    def open(self) -> BinaryIO:
        return BytesIO(b"".join(self.content))


@pytest.mark.parametrize("later", [line("a") + b"\n" + line("c"), line("a"), b"no JSON", b""])
def test_lines_that_changed_since_they_were_checked_are_refused(tmp_path: Path, later: bytes) -> None:
    """Not one of them is given, as it might be no line at all."""
    file = Changing([line("a"), b"\n", line("b")])
    found = read_in_order(replace(loaded(tmp_path, LINES), files=(cast(EntryFile, file),)))
    file.content[:] = [later]

    assert found is not None
    with pytest.raises(SourceError, match="changed while"):
        next(found.lines())


def test_a_dataset_that_reads_as_empty_is_refused(tmp_path: Path) -> None:
    """Unless that is meant: what is exported without a line might be what could not be read."""
    dataset = replace(loaded(tmp_path, LINES), files=(cast(EntryFile, Changing([b"\n"])),))
    strict = dataset.spec.model_dump(by_alias=True)
    strict["spec"]["policy"]["allowEmpty"] = False

    assert read_in_order(dataset) is not None
    assert read_in_order(replace(dataset, spec=Dataset.model_validate(strict))) is None


def test_a_file_that_cannot_be_read_is_an_error_of_its_dataset(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, LINES[:9])
    (tmp_path / "0.jsonl").unlink()

    assert read_in_order(dataset) is None


def test_a_disk_without_space_to_sort_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(export.sqlite3, "connect", full)
    found = read_in_order(loaded(tmp_path, [line("b"), line("a")]))

    assert found is not None
    with pytest.raises(
        SourceError, match="d: its lines cannot be sorted below TMPDIR: database or disk is full"
    ):
        list(found.lines())


@pytest.mark.parametrize("step", [1, -1])
def test_memory_does_not_grow_with_the_lines(tmp_path: Path, step: int) -> None:
    """Thrice the lines take hardly more, in order or backwards: 20,000 source-refs alone are 1.5 MB."""
    peaks = []
    for count in (10_000, 30_000):
        dataset = loaded(tmp_path, [line(f"{number:06}") for number in range(count)][::step])
        tracemalloc.start()
        found = read_in_order(dataset)
        assert found is not None
        assert count == sum(1 for _ in found.lines())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] - peaks[0] < 500_000

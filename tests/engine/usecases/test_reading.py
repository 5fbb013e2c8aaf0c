"""Reading what is desired, with what is remembered of earlier readings and without."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from reconciler.core.entries.lines import MAX_LINE_BYTES
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases import reading
from reconciler.engine.usecases.reading import key_of, read_desired
from reconciler.engine.usecases.spec_tree import read
from reconciler.errors import SourceError
from reconciler.ports import EntryFile, JudgedFiles, LoadedDataset, Specs
from reconciler.sources import directory
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state.judged import JudgedFiles as Store
from tests.builders import boxed, classified, index_of, line
from tests.waiting import until

LINES = [line(name) for name in "ab"]
LINES += [classified(name, "rose", "oak") for name in "abc"]
LINES += [boxed("d", ("rose", 1, 2, 30, 40)), boxed("e"), boxed("f").replace(b",", b", ")]
LINES += [b"", b" ", b"no JSON", b"{}", line("g", errors=[{"code": "E"}]), line("h", extra=True)]
LINES += [
    b'{"source-ref":"https://b/a.jpg"}',
    b'{"source-ref":"s3://other/a.jpg"}',
    b"x" * (MAX_LINE_BYTES + 9),
]

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: %s}
spec:
  target: {project: p, type: %s}
  entries: [{file: "%s*.jsonl"}]
  protect: ["s3://**/a.jpg"]
"""


@pytest.fixture(autouse=True)
def _remember_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "REMEMBERED_BYTES", 0)


def specs(root: Path) -> Specs:
    return load(open_path(root).tree)


def what(desired: Desired) -> object:
    facts, index = desired.facts, desired.index
    return (
        desired.problems,
        list(index.items()),
        [index.text_hash(row) for row in range(len(index))],
        index.void,
        (facts.labels, facts.kinds, facts.buckets, facts.invalid, facts.dropped),
        desired.usable,
        desired.unmatched,
        desired.text_digests,
    )


files = st.dictionaries(
    st.sampled_from(["train-1", "train-2", "test-1"]),
    st.tuples(st.lists(st.sampled_from(LINES), max_size=9), st.sampled_from([b"\n", b"\r\n"])),
    min_size=1,
)


def write(root: Path, content: dict[str, tuple[list[bytes], bytes]]) -> None:
    for path in root.glob("*.jsonl"):
        path.unlink()
    for name, (lines, end) in content.items():
        (root / f"{name}.jsonl").write_bytes(b"".join(raw + end for raw in lines))
    for kind in ("TRAIN", "TEST"):
        (root / f"{kind}.yaml").write_text(SPEC % (kind.lower(), kind, kind.lower()))


@given(st.lists(files, min_size=2, max_size=4))
def test_memory_changes_nothing_of_what_is_read(versions: list[dict[str, tuple[list[bytes], bytes]]]) -> None:
    """Lines change, move, repeat and go to other files, which come, go and get each other's names."""
    with TemporaryDirectory() as name, patch.object(reading, "REMEMBERED_BYTES", 0):
        root, judged = Path(name, "specs"), Store(Path(name, "judged"))
        root.mkdir()
        for version in versions:
            write(root, version)
            only_used = Store(Path(name, "judged"), read_only=True)
            cold = read(specs(root))
            for warm in (read(specs(root), judged=only_used), read(specs(root), judged=judged)):
                assert cold.problems == warm.problems
                for one, other in zip(cold.datasets, warm.datasets, strict=True):
                    assert what(one) == what(other)
                warm.close()
            cold.close()


SERVICE_KEYS = line("keyed", **{"cl-metadata": {"is_labeled": False}})


@pytest.mark.parametrize("beside", [[line("a")], [classified("a", "rose")], [boxed("b")]])
def test_lines_are_indexed_together_as_each_by_itself(tmp_path: Path, beside: list[bytes]) -> None:
    """One that holds a key of the service is never listed to the letter, whatever warnings stand beside it."""
    write(tmp_path, {"train-1": ([*beside, SERVICE_KEYS], b"\n")})
    alone = index_of(*beside, SERVICE_KEYS)

    with closing(read_desired(specs(tmp_path).datasets[-1])) as desired:
        index = desired.index
        assert [alone.text_hash(row) for row in range(len(alone))] == [
            index.text_hash(row) for row in range(len(index))
        ]
    assert index.listed_as(SERVICE_KEYS) is None


def test_memory_that_does_not_hold_together_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, {"train-1": ([line("a")], b"\n")})
    known = Store(tmp_path / "judged")
    loaded = next(one for one in specs(tmp_path).datasets if one.name == "train")
    read_desired(loaded, judged=known).close()

    class Broken:
        read_only = False

        def of(self, name: str) -> object:
            found = known.of(name)
            assert found is not None
            return msgspec.structs.replace(found, digests=b"")

        put = known.put

        def dataset(self, name: str) -> None:
            """Remember no dataset whole."""

        def put_dataset(self, name: str, judged: object) -> None:
            """Do the same."""

    broken: JudgedFiles = Broken()  # type: ignore[assignment]
    with closing(read_desired(loaded, judged=broken)) as desired:
        assert 1 == len(desired.index)


class Opened:
    """A file with entries that counts how often it is opened."""

    def __init__(self, file: EntryFile) -> None:
        self.file = file
        self.name, self.line_number, self.identity = file.name, file.line_number, file.identity
        self.times = 0

    def open(self) -> BinaryIO:
        self.times += 1
        return self.file.open()


def loaded_once_settled(root: Path, name: str = "train") -> tuple[LoadedDataset, Opened]:
    """Return a dataset with one file, as soon as its file can be distinguished from later versions."""
    loaded = next(one for one in specs(root).datasets if one.name == name)
    until(lambda: key_of(loaded) is not None)
    opened = Opened(loaded.files[0])
    return replace(loaded, files=(opened,)), opened


def test_a_file_that_is_the_same_is_not_read_before_a_line_is_asked_for(tmp_path: Path) -> None:
    """All that is known of the dataset is known without its lines, warnings of lines included."""
    write(tmp_path, {"train-1": ([line("a"), boxed("e"), b"no JSON"], b"\n")})
    judged = Store(tmp_path / "judged")
    loaded, opened = loaded_once_settled(tmp_path)
    cold = read_desired(loaded, judged=judged)
    opened.times = 0

    warm = read_desired(loaded, judged=judged)

    assert (cold.problems, cold.entries, cold.usable) == (warm.problems, warm.entries, warm.usable)
    assert repr(cold.problems) == repr(warm.problems)  # codes are members of their enumeration
    assert (cold.facts.parts, cold.unmatched, cold.key) == (warm.facts.parts, warm.unmatched, warm.key)
    assert 0 == opened.times
    assert what(cold) == what(warm)
    assert opened.times
    cold.close()
    warm.close()


def test_lines_that_changed_after_they_were_remembered_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"train-1": ([line("a"), line("b")], b"\n")})
    judged = Store(tmp_path / "judged")
    loaded, _ = loaded_once_settled(tmp_path)
    read_desired(loaded, judged=judged).close()
    warm = read_desired(loaded, judged=judged)

    write(tmp_path, {"train-1": ([line("a"), line("c")], b"\n")})  # as long as before

    with pytest.raises(SourceError, match="changed while they were in use"):
        _ = warm.index


def test_a_dataset_with_very_many_errors_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_PROBLEMS", 2)
    write(tmp_path, {"train-1": ([line("a"), b"no", b"no", b"no"], b"\n")})
    judged = Store(tmp_path / "judged")
    loaded, opened = loaded_once_settled(tmp_path)
    read_desired(loaded, judged=judged).close()
    opened.times = 0

    read_desired(loaded, judged=judged).close()

    assert opened.times


def test_that_two_datasets_share_no_image_is_remembered(tmp_path: Path) -> None:
    write(tmp_path, {"train-1": ([line("a")], b"\n"), "test-1": ([line("b")], b"\n")})
    judged = Store(tmp_path / "judged")
    loaded = specs(tmp_path)
    until(lambda: all(map(key_of, loaded.datasets)))
    read(loaded, judged=judged).close()

    warm = read(loaded, judged=judged)

    test, train = warm.datasets
    assert test.is_apart_from(train)
    assert not any("whole" in vars(desired.lines) for desired in warm.datasets)  # no line was asked for


SAME_SIZE = [line("a"), line("b"), line("c"), b"no JSON".ljust(len(line("a")))]
FILES = ("train-1.jsonl", "train-2.jsonl")


class FilesThatChange(RuleBasedStateMachine):
    """Files change in ways that hide it; whatever is remembered, they are read as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = TemporaryDirectory()
        self.root = Path(self._directory.name, "specs")
        self.aside = Path(self._directory.name, "aside")
        for made in (self.root, self.aside):
            made.mkdir()
        write(self.root, {"train-1": ([line("a")], b"\n"), "train-2": ([line("b")], b"\n")})
        self.judged = Store(Path(self._directory.name, "judged"))

    def teardown(self) -> None:
        self._directory.cleanup()

    @rule(name=st.sampled_from(FILES), raw=st.sampled_from(SAME_SIZE), follow=st.booleans())
    def edit_in_place_and_restore_the_time(self, name: str, raw: bytes, follow: bool) -> None:
        path = self.root / name
        before = path.stat()
        with path.open("r+b") as stream:
            stream.truncate(0)
            stream.write(raw + b"\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns), follow_symlinks=follow)

    @rule(name=st.sampled_from(FILES), raw=st.sampled_from(SAME_SIZE), age=st.sampled_from([0, 1, 10**9]))
    def put_a_copy_with_its_time(self, name: str, raw: bytes, age: int) -> None:
        """As `cp -p` does, and a clock that was set back."""
        other = self.aside / "copied"
        other.write_bytes(raw + b"\n")
        os.utime(other, ns=(age, age))
        (self.root / name).unlink()
        shutil.copy2(other, self.root / name)

    @rule(name=st.sampled_from(FILES), raw=st.sampled_from(SAME_SIZE), hard=st.booleans())
    def put_a_link(self, name: str, raw: bytes, hard: bool) -> None:
        """To a file that a later rule may change through the link; the symbolic one stays in the tree."""
        target = self.root / f"{SAME_SIZE.index(raw)}.target"
        target.write_bytes(raw + b"\n")
        (self.root / name).unlink()
        (os.link if hard else os.symlink)(target if hard else target.name, self.root / name)

    @rule()
    def swap(self) -> None:
        """Both files keep their inodes and their times."""
        one, other = (self.root / name for name in FILES)
        one.rename(self.root / "between")
        other.rename(one)
        (self.root / "between").rename(other)

    @rule()
    def wait(self) -> None:
        """Wait until the files can be distinguished from later versions."""
        until(lambda: key_of(self._loaded()) is not None)

    def _loaded(self) -> LoadedDataset:
        return next(one for one in specs(self.root).datasets if one.name == "train")

    @invariant()
    def files_are_read_as_they_are(self) -> None:
        loaded = self._loaded()
        warm, cold = read_desired(loaded, judged=self.judged), read_desired(loaded)
        assert (cold.problems, cold.entries, cold.usable) == (warm.problems, warm.entries, warm.usable)
        assert cold.facts.parts == warm.facts.parts
        assert what(cold) == what(warm)
        warm.close()
        cold.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda machine: machine.edit_in_place_and_restore_the_time(FILES[0], SAME_SIZE[2], True),
        lambda machine: machine.put_a_copy_with_its_time(FILES[0], SAME_SIZE[2], 10**9),
        lambda machine: machine.put_a_link(FILES[0], SAME_SIZE[2], False),
        lambda machine: machine.put_a_link(FILES[0], SAME_SIZE[2], True),
        FilesThatChange.swap,
    ],
    ids=["same size and time", "cp -p", "symbolic link", "hard link", "swapped"],
)
def test_a_change_that_hides_is_noticed(change: Callable[[FilesThatChange], object]) -> None:
    machine = FilesThatChange()
    machine.wait()
    machine.files_are_read_as_they_are()
    change(machine)
    machine.wait()
    machine.files_are_read_as_they_are()
    machine.teardown()


@pytest.mark.slow
def test_no_change_of_a_file_goes_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "FINE_TICK_NS", 12_000_000)  # a little more than the longest tick of Linux
    monkeypatch.setattr(directory, "COARSE_TICK_NS", 12_000_000)
    run_state_machine_as_test(
        FilesThatChange, settings=settings(max_examples=40, stateful_step_count=20, deadline=None)
    )


def one_dataset(tmp_path: Path, lines: bytes, policy: str = "", then: bytes | None = None) -> Desired:
    """Read a dataset of one file; *then* is what the file holds once the documents were read."""
    (tmp_path / "d.jsonl").write_bytes(lines)
    (tmp_path / "d.yaml").write_text(SPEC.replace("*", "") % ("d", "TRAIN", "d") + policy)
    (loaded,) = specs(tmp_path).datasets
    if then is not None:
        (tmp_path / "d.jsonl").write_bytes(then)
    return read_desired(loaded)


def test_a_dataset_of_which_no_line_can_be_used_is_no_empty_desire(tmp_path: Path):
    """A source that reads as empty never becomes a plan, unless the spec says so."""
    found = one_dataset(tmp_path, b"{}\n")
    assert (False, True) == (found.usable, found.has_errors)
    assert one_dataset(tmp_path, b"{}\n", "  policy: {allowEmpty: true}\n").usable

    emptied = one_dataset(tmp_path, classified("a", "rose"), then=b"")
    assert (False, ["RKD5003"]) == (emptied.usable, [problem.code for problem in emptied.errors])


def test_a_file_that_is_gone_makes_the_dataset_unusable_and_hides_no_other(tmp_path: Path):
    """Between the reading of the documents and that of the lines: nothing is planned with a part."""
    (tmp_path / "d.yaml").write_text(SPEC % ("d", "TRAIN", ""))
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_bytes(classified(name, "rose") + b"\n")
    (loaded,) = specs(tmp_path).datasets
    (tmp_path / "a.jsonl").unlink()

    found = read_desired(loaded)

    assert (False, {"s3://b/b.jpg"}) == (found.usable, set(found.index.source_refs))
    (error,) = found.errors
    assert ("a.jsonl", 1) == (Path(error.origin.file).name, error.origin.line)  # type: ignore[union-attr]
    assert "No such file" in error.message


def test_a_line_that_changes_after_it_was_read_is_not_taken_for_what_was_checked(tmp_path: Path):
    """Reading it again is an error that names its place."""
    found = one_dataset(tmp_path, classified("a", "rose") + b"\n" + classified("b", "rose") + b"\n")
    row = found.index.row("s3://b/b.jpg")
    assert row is not None
    assert classified("b", "rose") == found.read("s3://b/b.jpg", found.index.place(row))
    found.close()
    file = tmp_path / "d.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"rose"', b'"oaks"'))

    with pytest.raises(SourceError, match=r"d\.jsonl:2: the file changed while it was in use"):
        found.read("s3://b/b.jpg", found.index.place(row))
    with pytest.raises(SourceError, match=r"d\.jsonl:2: the file changed"):
        found.read("s3://b/nowhere.jpg", found.index.place(row))
    found.close()


def test_only_the_first_of_very_many_files_are_held_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process may have about a thousand open; one that is deleted then is still read."""
    monkeypatch.setattr("reconciler.engine.dataset.desired.MAX_OPEN_FILES", 2)
    (tmp_path / "d.yaml").write_text(SPEC % ("d", "TRAIN", ""))
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_bytes(classified(name, "rose") + b"\n")
    (loaded,) = specs(tmp_path).datasets
    with closing(read_desired(loaded)) as found:
        found.open_files()
        for name in "abc":
            (tmp_path / f"{name}.jsonl").unlink()

        def raw(name: str) -> bytes:
            row = found.index.row(f"s3://b/{name}.jpg")
            assert row is not None
            return found.read(f"s3://b/{name}.jpg", found.index.place(row))

        assert [classified(name, "rose") for name in "ab"] == [raw(name) for name in "ab"]
        with pytest.raises(SourceError):
            raw("c")


def test_a_path_that_matches_no_field_is_searched_for_in_each_file_once(tmp_path, monkeypatch):
    """Also where the images of two files alternate by name."""
    write = tmp_path.joinpath
    write("d.yaml").write_text(SPEC % ("d", "TRAIN", "d") + '  ignore: [{paths: ["/nothing"]}]\n')
    for file, names in (("d1.jsonl", "aceg"), ("d2.jsonl", "bdfh")):
        write(file).write_bytes(b"".join(line(name) + b"\n" for name in names))
    opened: list[str] = []
    original = directory.Directory.open
    monkeypatch.setattr(
        directory.Directory, "open", lambda tree, path: opened.append(path) or original(tree, path)
    )
    (loaded,) = specs(tmp_path).datasets
    opened.clear()

    desired = read_desired(loaded)

    assert ["RKD1304"] == [problem.code for problem in desired.problems if "/nothing" in problem.message]
    assert {"d1.jsonl": 2, "d2.jsonl": 2} == {path: opened.count(path) for path in opened}


def test_each_file_is_remembered_with_a_seed_of_its_own(tmp_path: Path) -> None:
    """Nobody can write lines whose digest is that of others without it."""
    lines = LINES[:-1], b"\n"
    write(tmp_path, {"train-1": lines, "train-2": lines})
    judged, loaded = Store(tmp_path / "judged"), specs(tmp_path)

    with closing(read(loaded, judged=judged)):
        one, two = (judged.of(file.name) for dataset in loaded.datasets for file in dataset.files)

    assert one is not None
    assert two is not None
    assert one.seed != two.seed
    assert one.digests == two.digests
    assert one.blocks != two.blocks

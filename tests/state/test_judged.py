"""What was found in the lines of spec files, kept in a directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from reconciler.core.validation.codes import Code
from reconciler.core.validation.judged.carried import read_columns
from reconciler.core.validation.judged.columns import JudgedFile
from reconciler.core.validation.judged.dataset import JudgedDataset
from reconciler.core.validation.judged.lines import DatasetLines
from reconciler.core.validation.line import LineChecker
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.core.validation.unmatched import Unmatched
from reconciler.state import judged as store
from reconciler.state.judged import JudgedFiles, cache_directory
from tests.builders import classified, line


@pytest.fixture
def judged() -> JudgedFile:
    lines = BytesIO(line("a") + b"\n" + line("b"))
    found = read_columns(lines, LineChecker().check_all, 7).stored()
    assert found is not None
    return found


@pytest.fixture
def directory(tmp_path: Path, judged: JudgedFile) -> Path:
    """Return a directory in which one file is remembered."""
    JudgedFiles(tmp_path / "judged").put("train.jsonl", judged)
    return tmp_path / "judged"


def test_what_is_remembered_is_given_back_by_the_name_of_the_file(
    directory: Path, judged: JudgedFile
) -> None:
    assert judged == JudgedFiles(directory).of("train.jsonl")
    assert judged == JudgedFiles(directory).of(str(Path("train.jsonl").absolute()))
    assert JudgedFiles(directory).of("test.jsonl") is None


def test_only_its_owner_can_read_it(directory: Path) -> None:
    lines, refs = directory.iterdir()

    assert [0o700, 0o600, 0o600] == [path.stat().st_mode & 0o777 for path in (directory, lines, refs)]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("ending", ["judged", "refs"])
@pytest.mark.parametrize(
    "damage",
    [
        _flip,
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:10]),
        lambda path: path.write_bytes(b""),
        lambda path: path.chmod(0o620),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path)),
    ],
    ids=["flipped", "cut", "headless", "empty", "writable for others", "deleted", "a directory", "a loop"],
)
def test_what_is_damaged_or_may_be_of_others_counts_as_nothing(
    directory: Path, judged: JudgedFile, damage: Callable[[Path], object], ending: str
) -> None:
    (path,) = directory.glob(f"*.{ending}")
    damage(path)

    assert JudgedFiles(directory).of("train.jsonl") is None
    JudgedFiles(directory).put("train.jsonl", judged)  # raises nothing


def test_source_refs_that_are_the_same_are_not_written_again(directory: Path, judged: JudgedFile) -> None:
    """They are more than half of what is remembered, and most edits change none."""
    files, (path,) = JudgedFiles(directory), directory.glob("*.refs")
    other = read_columns(BytesIO(line("a", extra=1) + b"\n" + line("b")), LineChecker().check_all, 8).stored()
    assert other is not None
    before = path.stat()

    files.put("train.jsonl", other)

    assert before.st_ino == path.stat().st_ino
    assert other == files.of("train.jsonl") != judged


def test_lines_beside_the_source_refs_of_others_count_as_nothing(directory: Path, tmp_path: Path) -> None:
    """As a process leaves them that is killed between the two files."""
    other = read_columns(BytesIO(line("c") + b"\n" + line("d")), LineChecker().check_all, 7).stored()
    assert other is not None
    JudgedFiles(tmp_path / "other").put("train.jsonl", other)
    (refs,) = (tmp_path / "other").glob("*.refs")

    refs.replace(directory / refs.name)

    assert JudgedFiles(directory).of("train.jsonl") is None


def test_other_rules_count_as_nothing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_rules", lambda: b"0" * 16)
    assert JudgedFiles(directory).of("train.jsonl") is None

    monkeypatch.setattr(store, "_rules", lambda: b"")
    assert JudgedFiles(directory).of("train.jsonl") is None


def test_every_module_that_judges_lines_is_part_of_the_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that is changed makes what was found before count as nothing."""
    root = Path(store.reconciler.__file__).parent
    for part in store._RULES:
        for path in root.glob(f"{part}.py"):
            copy = tmp_path / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(store.reconciler, "__file__", str(tmp_path / "__init__.py"))
    before = store._rules.__wrapped__()

    for name in (
        "core/validation/fast.py",
        "core/validation/content.py",
        "core/validation/judged/carried.py",
        "core/entries/entry.py",
        "core/runtime/quotas.py",
        "engine/usecases/reading.py",
    ):
        with (tmp_path / name).open("a") as stream:
            stream.write("#")
        assert before != (before := store._rules.__wrapped__())


def test_where_nothing_can_be_stored_nothing_is_remembered(tmp_path: Path, judged: JudgedFile) -> None:
    (tmp_path / "file").write_text("")

    for files in (JudgedFiles(tmp_path / "file"), JudgedFiles(tmp_path / "file" / "below")):
        files.put("train.jsonl", judged)
        assert files.of("train.jsonl") is None

    JudgedFiles(tmp_path / "none", read_only=True).put("train.jsonl", judged)
    assert not (tmp_path / "none").exists()


def test_what_was_not_used_for_a_month_is_deleted(directory: Path, judged: JudgedFile) -> None:
    paths = {*directory.iterdir()}

    def age() -> None:
        for path in paths:
            os.utime(path, (0, 0))

    age()
    assert judged == JudgedFiles(directory).of("train.jsonl")  # which uses it
    JudgedFiles(directory).put("a.jsonl", judged)
    assert 4 == len(list(directory.iterdir()))

    age()
    JudgedFiles(directory).put("b.jsonl", judged)
    assert paths.isdisjoint(directory.iterdir())


@pytest.mark.parametrize(
    ("home", "expected"),
    [("/caches", "/caches/reconciler"), ("", "/home/ann/.cache/reconciler"), ("x", None)],
)
def test_the_directory_is_that_of_the_xdg_specification(
    home: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path in XDG_CACHE_HOME is ignored, as the specification says."""
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_CACHE_HOME", home)

    assert Path(expected or "/home/ann/.cache/reconciler") == cache_directory()


def test_a_user_without_a_home_remembers_nothing(judged: JudgedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under the arbitrary user of a container: no error, and no file anywhere."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}["nobody"])

    assert cache_directory() is None
    files = JudgedFiles(cache_directory())
    files.put("train.jsonl", judged)
    assert files.of("train.jsonl") is None


def test_a_dataset_is_remembered_beside_a_file_of_its_name(directory: Path, judged: JudgedFile) -> None:
    problem = Problem(Severity.WARNING, Code.TOO_FEW_LABELS, "few", Origin("a.yaml", 1, 2))
    unmatched = Unmatched("s3://**/a.jpg", problem)
    facts = DatasetLines([read_columns(BytesIO(classified("a", "rose")), LineChecker().check_all)]).facts
    dataset = JudgedDataset(b"key", 2, True, facts.parts, (problem,), b"warned", (unmatched,), (b"other",))

    JudgedFiles(directory).put_dataset("train.jsonl", dataset)

    assert dataset == JudgedFiles(directory).dataset("train.jsonl")
    assert judged == JudgedFiles(directory).of("train.jsonl")
    assert JudgedFiles(directory).dataset("test.jsonl") is None

"""Reading what is desired, with what is remembered of earlier readings and without."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.lines import MAX_LINE_BYTES
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases import reading
from reconciler.engine.usecases.reading import read_desired
from reconciler.engine.usecases.spec_tree import read
from reconciler.ports import JudgedFiles, Specs
from reconciler.sources.load import load
from reconciler.sources.trees.directory import open_path
from reconciler.state.judged import JudgedFiles as Store
from tests.builders import boxed, classified, line

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
        [index.print(row) for row in range(index.rows)],
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
            return type(found)(found.source_refs, found.digests, b"", found.outcomes)

        put = known.put

    broken: JudgedFiles = Broken()  # type: ignore[assignment]
    with closing(read_desired(loaded, judged=broken)) as desired:
        assert 1 == len(desired.index)

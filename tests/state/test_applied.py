"""Entries that were applied: what is stored is what is read, whichever blocks hold it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning.cause import Applied
from reconciler.state import State, schema
from reconciler.state.applied import block_of

REFS = st.sampled_from([f"s3://b/{number:04}.jpg" for number in range(40)])
CHANGES = st.lists(st.tuples(st.dictionaries(REFS, st.binary(max_size=4)), st.sets(REFS)), max_size=5)


@given(CHANGES, st.sets(REFS))
def test_entries_are_read_as_they_were_stored_and_forgotten(tmp_path_factory, changes, some):
    """Whatever is stored and forgotten, all entries and any of them are read as from a mapping."""
    expected: dict[str, Applied] = {}
    with State(tmp_path_factory.mktemp("state")) as state:
        state.remember("other", "arn", [("s3://b/0001.jpg", Applied(b"", b""))], ())
        for stored, gone in changes:
            entries = {ref: Applied(text, text) for ref, text in stored.items()}
            state.remember("d", "arn", entries.items(), gone)
            expected = {ref: entry for ref, entry in (expected | entries).items() if ref not in gone}
        if changes:
            assert expected == state.applied("d", "arn").entries
            part = {ref: entry for ref, entry in expected.items() if ref in some}
            assert part == state.applied("d", "arn", some).entries
        assert expected.keys() == state.recorded("d")


def test_opening_the_file_checks_blocks_and_not_entries(tmp_path: Path, monkeypatch):
    """Every command opens it, also one that finds that nothing changed."""
    calls = []
    monkeypatch.setattr(
        schema, "_checksum", lambda *values, made=schema._checksum: calls.append(1) or made(*values)
    )
    entries = [(f"s3://b/{number:05}.jpg", Applied(b"d" * 16, b"o" * 16)) for number in range(5_000)]
    with State(tmp_path) as state:
        state.remember("d", "arn", entries, ())
    calls.clear()

    with State(tmp_path, read_only=True):
        pass

    assert 1 <= len(calls) <= 520


def test_a_relabelled_folder_rewrites_few_blocks_and_one_folder_fills_enough():
    """With 250,000 entries a block holds 500; where all are in one folder, 4,000."""
    folder = [block_of(f"s3://b/batch-7/{number:05}.jpg") for number in range(1_000)]
    many = {block_of(f"s3://b/batch-{number}/1.jpg") for number in range(5_000)}

    assert 60 <= len({*folder}) <= 64
    assert 500 <= len(many) <= 512
    assert 238 == block_of("s3://b/batch-7/00000.jpg")  # files of earlier versions are read by it

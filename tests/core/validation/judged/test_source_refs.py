"""Source-refs, kept as one text and as strings."""

from __future__ import annotations

import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.validation.judged import source_refs as module
from reconciler.core.validation.judged.source_refs import SourceRefs, StoredRefs

refs = st.lists(
    st.none() | st.text("ab/é\n", max_size=5) | st.sampled_from(["s3://b/a.jpg", "\ud800", "s3://b/ü.jpg"]),
    max_size=30,
)


def filled(values: list[str | None]) -> SourceRefs:
    found = SourceRefs()
    found.extend(values)
    return found


def kept(found: SourceRefs) -> SourceRefs:
    stored = found.stored()
    assert stored is not None
    return SourceRefs(msgspec.msgpack.decode(msgspec.msgpack.encode(stored), type=StoredRefs))


@given(refs, st.data())
def test_they_are_the_same_however_they_are_kept(values: list[str | None], data: st.DataObject) -> None:
    """As they were added, stored, and sent to another process; one by one, some, and all."""
    rows = data.draw(st.lists(st.sampled_from(range(len(values))))) if values else []
    for make in (filled, lambda some: kept(filled(some)), lambda some: kept(kept(filled(some)))):
        found = make(values)
        for one in (found, pickle.loads(pickle.dumps(found))):  # noqa: S301
            assert len(values) == len(one)
            assert [values[row] for row in rows] == [one[row] for row in rows] == one.at(rows)
            assert values[2:9] == one[2:9]
            assert values[-1:] == [one[-1] for _ in values[:1]]
            assert values == [*one]


@given(refs, refs)
def test_more_can_be_added_to_stored_ones(first: list[str | None], more: list[str | None]) -> None:
    found = kept(filled(first))
    found.extend(more)

    assert first + more == [*found] == [*kept(found)]


def test_what_does_not_hold_together_is_refused() -> None:
    stored = filled(["s3://b/a.jpg"]).stored()
    assert stored is not None

    with pytest.raises(ValueError, match="do not hold together"):
        SourceRefs(msgspec.structs.replace(stored, text=stored.text[1:]))


def test_more_than_32_bits_can_number_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 11)

    assert filled(["s3://b/a.jpg"]).stored() is None

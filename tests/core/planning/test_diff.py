"""An observation of some entries updates a complete diff."""

from __future__ import annotations

import string
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.equality import Equality, IgnoreRule
from reconciler.core.entries.pattern import pointer
from reconciler.core.planning.compare import compare, compare_some
from reconciler.core.planning.diff import Diff
from tests.builders import index_of, line, listed, observed, reader, ref

IGNORING = Equality(ignore=(IgnoreRule((pointer("/i"),)),))
NAMES = string.ascii_lowercase[:8]
# What a line holds besides its image: a compared field, an ignored one, an error list of the service.
CONTENTS = st.tuples(st.integers(0, 1), st.integers(0, 1), st.booleans())
STATES = st.dictionaries(st.sampled_from(NAMES), CONTENTS)


def _lines(state: Mapping[str, tuple[int, int, bool]]) -> list[bytes]:
    lines = ((line(name, x=x, i=i), bad) for name, (x, i, bad) in sorted(state.items()))
    return [listed(raw, "E") if bad else raw for raw, bad in lines]


def _facts(diff: Diff) -> object:
    """Return all that a diff holds except where its lines were listed."""
    changes = [(c.action, c.source_ref, c.before, c.codes) for c in diff.changes]
    ignored = sorted(diff.ignored)
    return changes, diff.desired, diff.observed, diff.unchanged, ignored, diff.errored


@given(
    st.dictionaries(st.sampled_from(NAMES), CONTENTS.map(lambda c: (*c[:2], False))),
    STATES,
    STATES,
    st.data(),
)
def test_it_is_the_diff_that_a_complete_observation_would_give(desired, before, now, data):
    """If only the observed entries changed, the updated diff equals that of a complete observation."""
    want, index = _lines(desired), index_of(*_lines(desired))
    first = compare(index, observed(*_lines(before)), reader(*want), IGNORING)
    differing = [change.source_ref for change in first.changes]
    touched = set(data.draw(st.lists(st.sampled_from(differing)))) if differing else set()
    after = {name: content for name, content in before.items() if ref(name) not in touched}
    after |= {name: content for name, content in now.items() if ref(name) in touched}
    there = _lines(after)

    some = compare_some(index, touched, observed(*there), reader(*want), IGNORING)

    assert _facts(compare(index, observed(*there), reader(*want), IGNORING)) == _facts(
        first.updated(touched, some)
    )

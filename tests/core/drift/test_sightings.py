"""Since when an image is drifted, and how often it has been."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.sightings import FORGOTTEN_AFTER_SECONDS, Sighting, sighted

DAY = 86_400.0


def looks(*drifted: set[str], every: float = DAY) -> dict[str, Sighting]:
    """What is known after looks at equal intervals, the first at time 0."""
    known: dict[str, Sighting] = {}
    for number, names in enumerate(drifted):
        known = {one.source_ref: one for one in sighted(known, names, number * every)}
    return known


def test_an_image_that_stays_drifted_keeps_its_first_day():
    """Seen on three days: since the first, once."""
    assert {"a": Sighting("a", 0.0, 2 * DAY, 1)} == looks({"a"}, {"a"}, {"a"})


def test_an_image_that_drifts_again_is_counted_again():
    """Set right in between: since the day it came back, for the second time."""
    assert {"a": Sighting("a", 2 * DAY, 2 * DAY, 2)} == looks({"a"}, set(), {"a"})


def test_an_image_that_was_set_right_is_remembered_for_a_while():
    """So that its coming back is noticed; and then forgotten, so that nothing grows for ever."""
    assert looks({"a"}, set())["a"].gone
    assert {} == looks({"a"}, set(), every=FORGOTTEN_AFTER_SECONDS)


@given(st.lists(st.sets(st.sampled_from("abc"))))
def test_what_is_drifted_now_is_known_and_not_gone(drifted):
    """Whatever came before, the last look decides."""
    known = looks(*drifted)

    assert (drifted[-1] if drifted else set()) == {ref for ref, one in known.items() if not one.gone}
    assert all(one.since <= one.last and one.times >= 1 for one in known.values())

"""Since when an image has drifted, and how often."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.sightings import Sighting, sighted

DAY = 86_400.0


def looks(*drifted: set[str], every: float = DAY) -> dict[str, Sighting]:
    """Return the sightings after observations at equal intervals, the first at time 0."""
    known: dict[str, Sighting] = {}
    for number, names in enumerate(drifted):
        known = {one.source_ref: one for one in sighted(known, names, number * every)}
    return known


def test_an_image_that_stays_drifted_keeps_its_first_day():
    """An image seen drifted on three days has drifted since the first, once."""
    assert {"a": Sighting("a", 0.0, 2 * DAY, 1)} == looks({"a"}, {"a"}, {"a"})


def test_an_image_that_drifts_again_is_counted_again():
    """An image that drifts again after a correction counts twice, dated from its return."""
    assert {"a": Sighting("a", 2 * DAY, 2 * DAY, 2)} == looks({"a"}, set(), {"a"})


def test_an_image_that_was_set_right_is_remembered_for_a_while():
    """A corrected image is kept so that its return is noticed, and dropped after 90 days."""
    assert looks({"a"}, set(), every=90 * DAY - 1)["a"].gone
    assert {} == looks({"a"}, set(), every=90 * DAY)


@given(st.lists(st.sets(st.sampled_from("abc"))))
def test_what_is_drifted_now_is_known_and_not_gone(drifted):
    """The last observation alone decides whether an image is drifted or gone."""
    known = looks(*drifted)

    assert (drifted[-1] if drifted else set()) == {ref for ref, one in known.items() if not one.gone}
    assert all(one.since <= one.last and one.times >= 1 for one in known.values())

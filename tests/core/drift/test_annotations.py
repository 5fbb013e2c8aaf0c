"""Drift has a history, and acknowledged drift raises no alarm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.annotations import Sighting, acknowledged, sighted
from reconciler.core.drift.report import DatasetDrift, DriftItem, Lapsed
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass
from reconciler.core.spec.documents import Acknowledgement

NOON = 1_795_435_200.0  # 2026-11-23T12:00:00Z
NEW = DriftItem("s3://b/party/new.png", (DriftClass.UNMANAGED,), Cause.ORPHAN)


def known(**content) -> Acknowledgement:
    return Acknowledgement.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Acknowledgement",
            "dataset": "train",
            "until": "2026-11-23",
            "reason": "labelling party",
        }
        | content
    )


def reason(item: DriftItem, *acknowledgements: Acknowledgement) -> str | None:
    drift = DatasetDrift("train", None, observed_at=NOON, items=(item,))
    return acknowledged(drift, acknowledgements).items[0].acknowledged


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"match": "s3://b/party/**"},
        {"classes": ["unmanaged"]},
        {"match": NEW.source_ref, "classes": ["box_moved", "unmanaged"]},
    ],
)
def test_what_is_expected_says_why(content):
    """An acknowledgement covers a dataset, an address, a class, or all of them, and gives its reason."""
    assert "labelling party" == reason(NEW, known(**content))


@pytest.mark.parametrize(
    "content",
    [
        {"dataset": "other"},
        {"match": "s3://b/*"},
        {"classes": ["missing"]},
        {"until": "2026-11-22"},
    ],
)
def test_what_is_not_meant_still_alarms(content):
    """An acknowledgement of another dataset, address or class, or one that has expired, silences nothing."""
    assert reason(NEW, known(**content)) is None


def test_an_image_of_two_classes_needs_both_to_be_expected():
    """An image with two drift classes needs both acknowledged; two acknowledgements together may do so."""
    both = DriftItem("s3://b/a.png", (DriftClass.RELABELLED, DriftClass.BOX_MOVED), Cause.DRIFT_MODIFIED)
    moved = known(classes=["box_moved"], reason="new crop")

    assert reason(both, moved) is None
    assert "new crop; names" == reason(both, moved, known(classes=["relabelled"], reason="names"))


def test_what_waits_for_an_apply_needs_no_acknowledgement():
    """A pending change is no drift and needs no acknowledgement."""
    waiting = DriftItem("s3://b/a.png", (DriftClass.MISSING,), Cause.SPEC_ADDED)

    assert reason(waiting, known()) is None


def test_the_alarm_is_silent_and_the_verdict_is_not():
    """With all drift acknowledged the verdict is still drifted, and the exit code is 0."""
    drift = acknowledged(DatasetDrift("train", None, observed_at=NOON, items=(NEW,)), [known()])

    assert ("drifted", (0, 0), 1) == (drift.verdict, drift.exit_codes, drift.acknowledged)


def test_an_image_shows_the_acknowledgement_that_expired():
    """An alarm names the last day and the reason of the expired acknowledgement; of several, the latest."""
    drift = DatasetDrift("train", None, observed_at=NOON, items=(NEW,))
    over = known(until="2026-11-22", reason="spring clean")

    (item,) = acknowledged(drift, [known(until="2026-01-01"), over]).items

    assert item.alarms
    assert Lapsed("2026-11-22", "spring clean") == item.lapsed
    assert acknowledged(drift, [known(until="2026-11-22", classes=["missing"])]).items[0].lapsed is None
    assert acknowledged(drift, [over, known()]).items[0].lapsed is None


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

"""How long a line that failed is not sent, and whether lines or an outage make updates fail."""

from __future__ import annotations

import pytest

from reconciler.core.planning.quarantine import (
    LONGEST_STREAK,
    SEARCH_TRIES,
    SERVICE_TRIES,
    VERDICT_TRIES,
    Quarantined,
    QuarantineReason,
    Suspicion,
    quarantined_again,
)
from tests.builders import ref

HOUR = 3_600.0
LINE, EDITED = b"a" * 16, b"b" * 16
CERTAIN = {QuarantineReason.ISOLATED, QuarantineReason.UNRESOLVED_GROUP}


def test_without_a_suspicion_every_update_is_retried_as_in_an_outage():
    assert [SERVICE_TRIES, SERVICE_TRIES] == [Suspicion().tries(lines) for lines in (1, 50)]


def test_the_last_line_of_a_search_is_tried_as_often_as_its_verdict_needs():
    suspicion = Suspicion()
    suspicion.record_failure({"a", "b"})

    assert [VERDICT_TRIES, SEARCH_TRIES, SEARCH_TRIES] == [suspicion.tries(lines) for lines in (1, 2, 50)]


def test_a_streak_of_failures_is_an_outage():
    suspicion = Suspicion()

    found = [suspicion.record_failure({"a", "b"}) for _ in range(LONGEST_STREAK + 1)]

    assert [*[True] * LONGEST_STREAK, False] == found


def test_an_answer_ends_the_streak_and_clears_who_failed_alone():
    suspicion = Suspicion()
    for _ in range(LONGEST_STREAK):
        suspicion.record_failure({"a"})
    assert {"a"} == suspicion.alone

    suspicion.record_answer()

    assert set() == suspicion.alone
    assert suspicion.record_failure({"b", "c"})
    assert set() == suspicion.alone, "neither of two is known to have failed"


@pytest.mark.parametrize(("lines", "alone"), [({"a"}, {"a"}), ({"a", "b"}, set()), (set(), set())])
def test_only_a_line_that_was_sent_alone_failed_alone(lines, alone):
    suspicion = Suspicion()
    suspicion.record_failure(lines)

    assert alone == suspicion.alone


def again(
    before: Quarantined | None,
    now: float,
    digest: bytes = LINE,
    kind: QuarantineReason = QuarantineReason.DROPPED,
) -> Quarantined:
    return quarantined_again(before, ref("a"), digest, kind, "why", now)


def test_each_pause_is_twice_the_one_before_and_at_most_a_day():
    """The first lasts an hour; since when it fails is not forgotten."""
    rounds = [again(None, 0.0)]
    for now in range(1, 13):
        rounds.append(again(rounds[-1], float(now)))

    hours = [(one.until - now) / HOUR for now, one in enumerate(rounds)]
    assert [1, 2, 4, 8, 16, *[24] * 8] == hours
    assert [(number, 0.0) for number in range(1, 14)] == [(one.rounds, one.since) for one in rounds]


@pytest.mark.parametrize(
    ("digest", "kind"),
    [
        (EDITED, QuarantineReason.DROPPED),
        (b"A" * 16, QuarantineReason.DROPPED),
        (LINE, QuarantineReason.FLAPPING),
        (LINE, QuarantineReason.REWRITTEN_BY_SERVICE),
        (LINE, QuarantineReason.ISOLATED),
    ],
)
def test_another_line_or_another_reason_begins_anew(digest: bytes, kind: QuarantineReason):
    """What happened to another line of the image, or something else, does not count."""
    found = again(again(again(None, 0.0), 1.0), 2.0, digest, kind)

    assert Quarantined(ref("a"), digest, kind, "why", 1, 2.0, 2.0 + HOUR) == found


@pytest.mark.parametrize("kind", QuarantineReason)
def test_what_may_be_chance_is_tried_three_times(kind: QuarantineReason):
    """A failed update is certain at once; a line that did not stay is withheld from the third time."""
    found: Quarantined | None = None
    applies = [(found := again(found, 0.0, kind=kind)).applies_to(LINE, 1.0) for _ in range(4)]

    assert [kind in CERTAIN, kind in CERTAIN, True, True] == applies


def test_an_edit_or_the_end_of_the_pause_lifts_it():
    found = again(None, 0.0, kind=QuarantineReason.ISOLATED)

    assert [True, False, False] == [found.applies_to(LINE, now) for now in (HOUR - 1, HOUR, HOUR + 1)]
    assert not found.applies_to(EDITED, 0.0)
    assert not found.applies_to(b"A" * 16, 0.0)

"""Whether lines or an outage make updates fail by an error of the service itself."""

import pytest

from reconciler.core.planning.quarantine import (
    LONGEST_STREAK,
    SEARCH_TRIES,
    SERVICE_TRIES,
    VERDICT_TRIES,
    Suspicion,
)


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

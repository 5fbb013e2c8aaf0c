"""Jobs for one place never wait for jobs for another."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from reconciler.engine.controller import workers as workers_module
from reconciler.engine.controller.workers import Threads
from tests.waiting import until


def test_a_place_that_hangs_stops_no_other():
    """A Region that does not answer blocks its own threads and no others."""
    workers = Threads(2)
    hanging, done = threading.Event(), threading.Event()
    for _ in range(20):
        workers.submit(lambda: hanging.wait(10) and None, "eu-west-1")
    workers.submit(done.set, "us-east-1")

    assert done.wait(5)
    assert workers.healthy
    hanging.set()
    assert workers.close(5)


def test_no_more_threads_than_jobs():
    """There are never more threads than jobs, nor more than the limit."""
    workers = Threads(3)
    begun, go = threading.Semaphore(0), threading.Event()

    def job() -> None:
        begun.release()
        go.wait(10)

    before = threading.active_count()
    workers.submit(job, "")
    begun.acquire()
    assert 1 == threading.active_count() - before
    for _ in range(9):
        workers.submit(job, "")
    begun.acquire()
    begun.acquire()
    assert 3 == threading.active_count() - before
    go.set()
    assert workers.close(5)
    assert threading.active_count() == before


def test_a_worker_that_is_left_behind_is_reported():
    """Jobs that have not ended are reported; their daemon threads do not keep the process from ending."""
    workers = Threads(1)
    hanging = threading.Event()
    workers.submit(lambda: hanging.wait(10) and None, "")

    assert not workers.close(0.01)
    hanging.set()


def test_a_place_may_have_fewer_threads_than_the_others():
    """They are named after it, for those who look at a stuck process."""
    workers, go = Threads(2), threading.Event()
    for place, most in (("listings", 1), ("", None)):
        for _ in range(3):
            workers.submit(lambda: go.wait(10) and None, place, most)

    names = sorted(thread.name for thread in workers._threads())
    go.set()

    assert ["worker-1", "worker-1 listings", "worker-2"] == names
    assert workers.close(5)


def test_a_thread_without_a_job_takes_the_next_one():
    workers = Threads(2)
    for _ in range(3):
        workers.submit(lambda: None, "")
        until(lambda: workers._crews[""]._open == 0, seconds=10)

    assert 1 == len(workers._threads())
    assert workers.close(5)


def test_all_threads_together_have_the_given_time_to_end(monkeypatch: pytest.MonkeyPatch):
    """Each takes four of ten seconds: the third has two, and the fourth none."""
    time, waited = iter([100.0, 100.0, 104.0, 108.0, 110.0]), []
    monkeypatch.setattr(workers_module, "time", SimpleNamespace(monotonic=lambda: next(time)))
    threads = [SimpleNamespace(join=waited.append, is_alive=lambda: False) for _ in range(4)]
    workers = Threads(4)
    monkeypatch.setattr(workers, "_threads", lambda: threads)

    assert workers.close(10)

    assert [10, 6, 2, 0] == waited

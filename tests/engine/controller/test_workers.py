"""Jobs for one place never wait for jobs for another."""

from __future__ import annotations

import threading

from reconciler.engine.controller.workers import Threads


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

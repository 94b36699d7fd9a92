"""A counting stage counts exactly, whatever happens to its workers. Each fault is shown to have struck with records in flight."""

import signal
from collections import Counter
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from counting import PARTITIONS, STAMP, Job, assert_exact, has_consumed
from running import eventually

pytestmark = pytest.mark.integration

EVENTS = 60_000
SLOW = {"pause": 0.02, "batch_records": 200}  # about 10,000 events/s
SLOW_FLUSH = {**SLOW, "flush": 0.5}  # there always is something that isn't flushed


@pytest.fixture
def job(job: Job) -> Job:
    """With a filled topic."""
    job.create_topics()
    job.produce(EVENTS)
    return job


def test_a_worker_that_is_killed_and_started_again_counts_each_record_once(job: Job) -> None:
    for _ in range(3):
        job.start("a", **SLOW_FLUSH)
        eventually(partial(has_consumed, job, job.consumed("a") + 5_000), 60, "the worker counts")
        job.send("a", signal.SIGKILL)
        job.end("a")
    assert job.committed() < EVENTS
    job.start("a")
    assert_exact(job)
    assert job.consumed("a") > EVENTS, "nothing was in flight at any kill"


def test_what_does_not_fit_into_a_transaction_has_its_turn_in_the_next(job: Job) -> None:
    job.start("a", **SLOW, flush_records_max=1)
    eventually(partial(has_consumed, job, 20_000), 60, "the worker counts")
    job.send("a", signal.SIGTERM)
    assert job.end("a") == 0
    stamps = Counter(partition for partition, key, _value in job.changelog() if key == STAMP)
    assert stamps.total() == len(job.notes("a", "flushed")), "a flush took more than one partition"
    assert min(stamps[partition] for partition in range(PARTITIONS)) > 1, "a partition had no turn before the stop"
    assert job.committed() == job.consumed("a") == job.tables().total(), "what was applied before the stop wasn't flushed"
    job.start("a", flush_records_max=1)
    assert_exact(job)


def test_a_worker_that_sleeps_past_its_session_does_no_harm_when_it_wakes(job: Job) -> None:
    job.start("a", **SLOW_FLUSH)
    job.start("b", **SLOW_FLUSH)
    eventually(lambda: job.notes("a", "assigned")[-1:] == [2] and job.notes("b", "assigned")[-1:] == [2], 60, "both work")
    eventually(lambda: job.consumed("a") > 1_000, 60, "the first counts")
    job.send("a", signal.SIGSTOP)
    assert job.committed() < EVENTS
    eventually(lambda: job.notes("b", "assigned")[-1:] == [PARTITIONS], 60, "the second has taken all")
    job.send("a", signal.SIGCONT)
    job.produce(10_000)
    assert_exact(job)
    assert job.consumed("a", "b") > job.events, "nothing was in flight when it fell asleep"
    assert "silent too long" in job.log("a")


@pytest.mark.alone
def test_workers_come_and_go_without_a_record_lost_or_repeated(job: Job) -> None:
    job.start("a", **SLOW)
    eventually(lambda: job.consumed("a") > 2_000, 60, "the first counts")
    job.start("b", **SLOW)
    eventually(lambda: job.consumed("b") > 2_000, 60, "the second counts")
    assert job.committed() < EVENTS
    job.send("a", signal.SIGTERM)
    began = monotonic()
    assert job.end("a") == 0, job.log("a")
    assert monotonic() - began < 10
    eventually(
        lambda: job.notes("b", "assigned")[-1:] == [PARTITIONS], 5, "the second has taken all, before any session times out"
    )
    assert_exact(job)
    assert job.workers["b"].poll() is None, job.log("b")


def test_the_embedded_broker_counts_right_without_transactions(tansu: str, tmp_path: Path) -> None:
    job = Job(tansu, tmp_path, transactional=False)
    try:
        job.create_topics()
        job.produce(10_000)
        job.start("a", **SLOW)
        eventually(lambda: job.consumed("a") > 2_000, 60, "the worker counts")
        job.send("a", signal.SIGTERM)
        assert job.end("a") == 0, job.log("a")
        job.produce(10_000)
        job.start("a")
        assert_exact(job)
        assert job.consumed("a") == job.events
    finally:
        job.stop()

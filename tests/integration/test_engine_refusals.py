"""What the engine refuses: it stops with one line that says why, exit code 1, nothing written, no hang."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from counting import Job
from running import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def job(kafka: str, tmp_path: Path) -> Iterator[Job]:
    """A job on real Kafka, its topics not yet made."""
    job = Job(kafka, tmp_path)
    yield job
    job.stop()


def assert_refused(job: Job, reason: str) -> None:
    """The worker ended with the reason as its last line and without a traceback."""
    assert job.end("a", 60) == 1, job.log("a")
    last = job.log("a").splitlines()[-1]
    assert last.startswith("worker: "), job.log("a")
    assert reason in last
    assert "Traceback" not in job.log("a")


def test_a_batch_that_does_not_go_on_where_the_state_stands_is_refused(job: Job) -> None:
    job.create_topics()
    job.produce(1_000)
    job.start("a", skew=1)
    assert_refused(job, "goes on at 1, but the state stands at 0")
    assert job.committed() == 0
    assert job.counted().total() == 0


def test_a_batch_that_fails_half_way_is_not_written(job: Job) -> None:
    job.create_topics()
    job.produce(10_000)
    job.start("a", raise_at=3, batch_records=100, pause=0.2)
    assert job.end("a", 60) == 1
    committed = job.committed()
    assert committed < job.consumed("a")
    assert committed == job.tables().total() == job.counted().total()
    job.start("a")
    job.wait_done()
    assert job.expected() == job.counted()


def test_a_missing_topic_is_named(job: Job) -> None:
    job.start("a")
    assert_refused(job, f"there is no topic {job.app}-events: run `streams topics create`")


def test_offsets_that_somebody_moved_are_refused(job: Job) -> None:
    job.create_topics()
    job.produce(1_000)
    job.start("a")
    job.wait_done()
    job.send("a", signal.SIGTERM)
    assert job.end("a") == 0
    consumer = Consumer({"bootstrap.servers": job.broker, "group.id": f"{job.app}-count"})
    consumer.commit(offsets=[TopicPartition(f"{job.app}-events", 0, 7)], asynchronous=False)
    consumer.close()
    job.start("a")
    assert_refused(job, "committed 7, but the state in its changelog stands at 250: something else wrote one of them")


def test_two_workers_of_one_name_do_not_both_write(job: Job) -> None:
    job.create_topics()
    job.produce(20_000)
    job.start("a", pause=0.05, batch_records=100)
    eventually(lambda: job.consumed("a") > 1_000, 60, "the first counts")
    first = job.workers["a"]
    job.start("a", pause=0.0)
    assert first.wait(60) == 1
    assert "another worker of the same name is running" in job.log("a")
    job.wait_done()
    assert job.expected() == job.counted()

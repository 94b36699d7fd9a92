"""What the engine refuses: it stops with one line that says why, exit code 1, nothing written, no hang."""

import signal
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from counting import Job
from mode import Service
from running import eventually

from streams.engine.app import make_app, run, service_of
from streams.engine.batch import Output
from streams.engine.errors import EngineError, Fenced
from streams.engine.outage import Outage
from streams.engine.producer import MEMBERSHIP_ATTEMPTS, Transactions, Work

pytestmark = pytest.mark.integration


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


def test_a_flush_that_is_refused_leaves_no_transaction_open(job: Job) -> None:
    """It would hold up everybody who reads committed records of the same partitions, until it times out."""
    job.create_topics()
    topic = f"{job.app}-events"
    member = Consumer({"bootstrap.servers": job.broker, "group.id": job.app, "session.timeout.ms": 6_000})
    member.subscribe([topic])
    eventually(lambda: member.poll(0.1) or member.assignment(), 30, "it is a member of the group")
    metadata = member.consumer_group_metadata()
    member.close()
    writer = Transactions({"bootstrap.servers": job.broker}, job.app, 60.0, Outage("test"))
    writer.open(30.0)
    with pytest.raises(EngineError, match="silent too long"):
        writer.write(Work([Output(topic, b"refused", partition=0)], [TopicPartition(topic, 0, 1)]), lambda: metadata)
    ends = [end_of_log(job.broker, TopicPartition(topic, 0), isolation) for isolation in ("read_committed", "read_uncommitted")]
    assert ends[0] == ends[1] > 0


def test_a_flush_of_one_whose_name_another_has_is_given_up_after_a_few_attempts(job: Job) -> None:
    """The broker calls it retriable, and would refuse it for ever."""
    job.create_topics()
    topic = f"{job.app}-events"
    settings: dict[str, str | int] = {"bootstrap.servers": job.broker, "group.id": job.app, "group.instance.id": "a"}
    older, newer = Consumer(settings), Consumer(settings)
    older.subscribe([topic])
    eventually(lambda: older.poll(0.1) or older.assignment(), 30, "it is a member of the group")
    metadata = older.consumer_group_metadata()
    newer.subscribe([topic])
    eventually(lambda: newer.poll(0.1) or newer.assignment(), 30, "another has its name")
    writer = Transactions({"bootstrap.servers": job.broker}, job.app, 60.0, Outage("test"))
    writer.open(30.0)
    with pytest.raises(Fenced, match="another worker of the same name is running"):
        writer.write(Work([Output(topic, b"refused", partition=0)], [TopicPartition(topic, 0, 1)]), lambda: metadata)
    assert 1 <= writer.aborted <= MEMBERSHIP_ATTEMPTS
    older.close()
    newer.close()


def end_of_log(broker: str, place: TopicPartition, isolation: str) -> int:
    """Where a reader finds the end; one of committed records before the first open transaction."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "asks-the-end", "isolation.level": isolation})
    try:
        watermarks = consumer.get_watermark_offsets(place, timeout=10)
        assert watermarks is not None
        return watermarks[1]
    finally:
        consumer.close()


class FailsAtStart(Service):
    """A service that can't start."""

    async def on_start(self) -> None:
        """Fail."""
        raise EngineError("no way to begin")


def test_a_service_that_fails_while_it_starts_ends_the_worker_with_its_error(tmp_path: Path) -> None:
    """Faust logs it, and ends as if nothing had been."""
    app = make_app("fails", tmp_path)
    service_of(app, FailsAtStart())
    with pytest.raises(EngineError, match="no way to begin"):
        run(app)


def test_a_worker_that_kafka_failed_starts_itself_again_and_counts_on(job: Job) -> None:
    """Here by somebody who takes its transactional id, and then isn't there."""
    job.create_topics()
    job.produce(20_000)
    job.start("a", pause=0.05, batch_records=100)
    eventually(lambda: job.consumed("a") > 1_000, 60, "it counts")
    process = job.workers["a"].pid
    intruder = Producer({"bootstrap.servers": job.broker, "transactional.id": f"{job.app}-count-a"})
    intruder.init_transactions(30)
    eventually(lambda: "starting again in 0.5 s" in job.log("a"), 60, "it was fenced")
    job.wait_done()
    assert job.workers["a"].pid == process
    assert job.workers["a"].poll() is None, job.log("a")
    assert job.expected() == job.counted() == job.tables()


def test_a_worker_without_patience_ends_at_the_first_failure(job: Job) -> None:
    job.create_topics()
    job.produce(20_000)
    job.start("a", pause=0.05, batch_records=100, outage_seconds_max=0)
    eventually(lambda: job.consumed("a") > 1_000, 60, "it counts")
    Producer({"bootstrap.servers": job.broker, "transactional.id": f"{job.app}-count-a"}).init_transactions(30)
    assert_refused(job, "another worker of the same name is running, or a transaction took longer")


def test_a_worker_that_is_told_to_stop_stays_stopped_although_its_last_flush_is_refused(job: Job) -> None:
    """As when two workers are stopped at once, and the group moves on between their flushes."""
    job.create_topics()
    job.produce(20_000)
    job.start("a", pause=0.05, batch_records=100, flush=5.0)
    eventually(lambda: job.consumed("a") > 1_000, 60, "it counts")
    Producer({"bootstrap.servers": job.broker, "transactional.id": f"{job.app}-count-a"}).init_transactions(30)
    job.send("a", signal.SIGTERM)
    assert job.end("a") == 0, job.log("a")
    assert "others read its records again" in job.log("a") or job.committed() == job.counted().total()
    assert "starting again" not in job.log("a")

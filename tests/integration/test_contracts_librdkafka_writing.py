"""What the engine leans on when it writes by confluent-kafka: transactions, fencing and what errors say of themselves.

`producer.py` repeats what is retriable, aborts and writes again what wants an abort, and stops at all else.
"""

from collections.abc import Iterator
from functools import partial

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from contract_kafka import (
    SECONDS,
    Ground,
    ends,
    flags,
    ground,
    offsets_in,
    read_to_end,
    read_until,
    refused,
    settle,
    values,
)
from kafka.partitioner.default import murmur2
from running import eventually

from streams.engine.options import writer_settings
from streams.engine.producer import MEMBERSHIP

pytestmark = pytest.mark.integration

PARTITIONS = 4


@pytest.fixture
def log(kafka: str) -> Iterator[Ground]:
    """A topic with four partitions."""
    yield from ground(kafka, PARTITIONS)


def test_a_restarted_worker_aborts_what_its_killed_one_left_open_and_fences_it(log: Ground) -> None:
    """At once, by its name: else everybody would wait for the transaction's time-out."""
    killed = log.writer()
    killed.begin_transaction()
    killed.produce(log.topic, "of the killed", partition=0)
    killed.flush(SECONDS)
    restarted = log.writer()
    restarted.begin_transaction()
    restarted.produce(log.topic, "of the restarted", partition=0)
    restarted.commit_transaction(SECONDS)
    assert values(read_to_end(log.reader())) == ["of the restarted"]
    error = refused(partial(killed.commit_transaction, SECONDS))
    assert error.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    assert flags(error) == ("fatal",)


def test_a_reader_of_offsets_waits_until_no_transaction_can_change_them(log: Ground) -> None:
    """Otherwise a stage could open at a position that its changelog has already left."""
    member = log.member("a")
    settle(member, partitions=PARTITIONS)
    writer = log.writer()
    writer.begin_transaction()
    offsets_in(writer, [log.place(5)], member.consumer_group_metadata())()
    error = refused(lambda: member.committed([log.place(0)], timeout=1.0))
    assert error.code() == KafkaError._TIMED_OUT
    writer.commit_transaction(SECONDS)
    assert [place.offset for place in member.committed([log.place(0)], timeout=SECONDS)] == [5]


def test_a_worker_of_an_old_generation_is_refused_and_its_flush_can_be_written_again(log: Ground) -> None:
    """The copy of the metadata is at most a moment old; in a rebalance the broker refuses it and the flush is repeated."""
    first = log.member("a")
    settle(first, partitions=PARTITIONS)
    old = first.consumer_group_metadata()
    second = log.member("b")
    settle(first, second, partitions=PARTITIONS)
    writer = log.writer()
    writer.begin_transaction()
    writer.produce(log.topic, "refused", partition=0)
    error = refused(offsets_in(writer, [log.place(1)], old))
    assert error.code() == KafkaError.ILLEGAL_GENERATION
    assert error.code() in MEMBERSHIP
    assert flags(error) == ("abort",)
    writer.abort_transaction(SECONDS)
    writer.begin_transaction()
    writer.produce(log.topic, "written", partition=0)
    offsets_in(writer, [log.place(1)], first.consumer_group_metadata())()
    writer.commit_transaction(SECONDS)
    assert values(read_to_end(log.reader())) == ["written"]


def test_a_zombie_is_refused_because_its_name_has_another_member(log: Ground) -> None:
    zombie = log.member("a")
    settle(zombie, partitions=PARTITIONS)
    old = zombie.consumer_group_metadata()
    successor = log.member("a")
    settle(successor, partitions=PARTITIONS)
    writer = log.writer()
    writer.begin_transaction()
    error = refused(offsets_in(writer, [log.place(1)], old))
    assert error.code() == KafkaError.FENCED_INSTANCE_ID
    assert flags(error) in (("abort",), ("fatal",))


def test_who_has_no_member_id_is_refused_only_if_it_has_a_name(log: Ground) -> None:
    """Why transactional stages are static members: the broker believes a nameless client that says it is in no group."""
    seat = log.member("a")
    settle(seat, partitions=PARTITIONS)
    nameless = Consumer({"bootstrap.servers": log.broker, "group.id": f"{log.topic}-stage"})
    named = Consumer({"bootstrap.servers": log.broker, "group.id": f"{log.topic}-stage", "group.instance.id": "a-stage"})
    writer = log.writer()
    writer.begin_transaction()
    offsets_in(writer, [log.place(1)], nameless.consumer_group_metadata())()
    writer.abort_transaction(SECONDS)
    writer.begin_transaction()
    assert flags(refused(offsets_in(writer, [log.place(1)], named.consumer_group_metadata()))) in (("abort",), ("fatal",))
    nameless.close()
    named.close()


def test_a_worker_that_was_silent_longer_than_its_transaction_may_last_is_told_so(log: Ground) -> None:
    """The broker aborts for it, so that readers don't wait; the flush that comes after it is refused."""
    writer = log.writer(more={"transaction.timeout.ms": 1_000})
    writer.begin_transaction()
    writer.produce(log.topic, "left open", partition=0)
    writer.flush(SECONDS)
    reader = log.reader()
    read_until(reader, lambda got: max([*ends(got), 0]) == 2, "the broker's abort")
    error = refused(partial(writer.commit_transaction, SECONDS))
    assert error.code() in (
        KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED, KafkaError._FENCED, KafkaError.INVALID_TXN_STATE
    )  # fmt: skip
    assert "retriable" not in flags(error)


def test_time_outs_say_that_the_call_may_be_repeated() -> None:
    """And no call of a transaction waits longer than told."""
    nobody: dict[str, str | int] = {"bootstrap.servers": "127.0.0.1:1", "transactional.id": "nobody", "log_level": 0}
    producer = Producer(nobody)
    error = refused(partial(producer.init_transactions, 0.5))
    assert (error.code(), flags(error)) == (KafkaError._TIMED_OUT, ("retriable",))


def test_a_key_goes_to_the_partition_where_kafka_python_and_java_send_it(log: Ground) -> None:
    producer = Producer({**writer_settings({"bootstrap.servers": log.broker})})
    placed: list[tuple[bytes, int]] = []

    def delivered(_error: KafkaError | None, message: Message) -> None:
        placed.append((message.key() or b"", -1 if (place := message.partition()) is None else place))

    for number in range(50):
        producer.produce(log.topic, b"", b"key-%d" % number, -1, on_delivery=delivered)
    producer.flush(SECONDS)
    java = {b"key-%d" % number: (murmur2(b"key-%d" % number) & 0x7FFFFFFF) % PARTITIONS for number in range(50)}
    assert dict(placed) == java


def test_a_full_queue_is_told_by_buffer_error_and_drained_by_poll(log: Ground) -> None:
    producer = Producer({"bootstrap.servers": log.broker, "queue.buffering.max.messages": 10, "linger.ms": 0})
    for _ in range(10):
        producer.produce(log.topic, b"x", partition=0)
    with pytest.raises(BufferError):
        producer.produce(log.topic, b"x", partition=0)

    def sent() -> bool:
        producer.poll(0.05)
        try:
            producer.produce(log.topic, b"last", partition=0)
        except BufferError:
            return False
        return True

    eventually(sent, SECONDS, "there is room again")
    assert producer.flush(SECONDS) == 0
    assert values(read_to_end(log.reader())) == ["x"] * 10 + ["last"]


def test_a_record_that_is_too_long_is_refused_when_it_is_handed_over(log: Ground) -> None:
    """Not later, where nobody would know which one it was."""
    producer = Producer({"bootstrap.servers": log.broker, "message.max.bytes": 1_000})
    with pytest.raises(KafkaException) as raised:
        producer.produce(log.topic, b"x" * 2_000, partition=0)
    assert raised.value.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE

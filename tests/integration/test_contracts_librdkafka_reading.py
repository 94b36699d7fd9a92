"""What the engine leans on when it reads by confluent-kafka: each name says what breaks when the client changes its ways."""

from collections.abc import Iterator

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient
from contract_kafka import SECONDS, Ground, ends, flags, ground, read_to_end, read_until, refused, values
from kafka import KafkaProducer
from raw_records import NotText
from running import eventually

from streams.core.record import headers_of

pytestmark = pytest.mark.integration


@pytest.fixture
def log(kafka: str) -> Iterator[Ground]:
    """A topic with one partition."""
    yield from ground(kafka, 1)


def test_recovery_ends_at_the_end_of_the_partition_behind_the_marker_of_a_transaction(log: Ground) -> None:
    """The end is told by its position, once for each time it is reached, and before it came every committed record."""
    writer = log.writer()
    writer.begin_transaction()
    writer.produce(log.topic, "one", partition=0)
    writer.commit_transaction(SECONDS)
    reader = log.reader()
    first = read_to_end(reader)
    log.send("two")
    second = read_to_end(reader)
    assert [(values(got), ends(got)) for got in (first, second)] == [(["one"], [2]), (["two"], [3])]
    error = first[-1].error()
    assert error is not None
    assert (first[-1].topic(), first[-1].partition(), error.fatal()) == (log.topic, 0, False)


def test_a_batch_covers_positions_because_aborted_records_and_markers_leave_gaps(log: Ground) -> None:
    writer = log.writer()
    log.send("before")
    writer.begin_transaction()
    writer.produce(log.topic, "aborted", partition=0)
    writer.flush(SECONDS)
    writer.abort_transaction(SECONDS)
    log.send("after")
    got = read_to_end(log.reader())
    assert [message.offset() for message in got if message.error() is None] == [0, 3]
    assert values(got) == ["before", "after"]


def test_a_stage_waits_at_an_open_transaction_because_the_end_lies_before_it(log: Ground) -> None:
    log.send("before")
    writer = log.writer()
    writer.begin_transaction()
    writer.produce(log.topic, "pending", partition=0)
    writer.flush(SECONDS)
    reader = log.reader()
    assert ends(read_to_end(reader)) == [1]
    assert reader.get_watermark_offsets(log.place(0), timeout=SECONDS) == (0, 1)
    writer.commit_transaction(SECONDS)
    assert values(read_to_end(reader)) == ["pending"]
    assert reader.get_watermark_offsets(log.place(0), timeout=SECONDS) == (0, 3)


def test_a_batch_has_no_more_records_than_asked_for_and_keeps_their_order(log: Ground) -> None:
    log.send(*map(str, range(250)))
    reader = log.reader()
    sizes: list[int] = []
    got: list[str] = []
    while len(got) < 250:
        found = values(reader.consume(100, SECONDS if not got else 1.0))
        sizes.append(len(found))
        got += found
    assert max(sizes) <= 100
    assert got == list(map(str, range(250)))


def test_what_was_read_outlives_the_consumer_and_is_not_copied_at_each_look(log: Ground) -> None:
    log.send("x" * 1_000)
    reader = log.reader()
    (message, *_) = read_to_end(reader)
    reader.close()
    assert message.value() == b"x" * 1_000
    assert message.value() is message.value()


def test_records_that_were_read_while_their_partition_moved_are_read_again_by_a_seek(log: Ground) -> None:
    """A seek drops what was fetched; where nothing is being fetched it is refused with _STATE, and not needed."""
    log.send(*map(str, range(100)))
    reader = log.reader()
    assert refused(lambda: reader.seek(log.place(7, partition=1))).code() == KafkaError._STATE
    assert values(reader.consume(10, SECONDS)) == list(map(str, range(10)))
    reader.seek(log.place(7))
    assert values(reader.consume(3, SECONDS)) == ["7", "8", "9"]


def test_backpressure_pauses_without_losing_or_repeating_records(log: Ground) -> None:
    """What was fetched is dropped by a pause, but for a record on its way, which a seek puts back."""
    log.send(*map(str, range(100)))
    reader = log.reader()
    got = values(reader.consume(10, SECONDS))
    reader.pause(reader.assignment())
    for _ in range(20):
        message = reader.poll(0.01)
        if message is not None and message.error() is None:
            reader.seek(log.place(message.offset() or 0))
    reader.resume(reader.assignment())
    got += values(read_until(reader, lambda found: len(values(found)) >= 90, "the rest"))
    assert got == list(map(str, range(100)))


def test_a_lost_position_is_told_and_not_jumped_over(log: Ground) -> None:
    log.send("one", "two", "three")
    admin = AdminClient({"bootstrap.servers": log.broker})
    for deleted in admin.delete_records([log.place(2)]).values():
        deleted.result(SECONDS)
    (message,) = read_until(log.reader(0), lambda got: got, "an error")
    error = message.error()
    assert error is not None
    assert (error.code(), message.topic(), message.partition()) == (KafkaError._AUTO_OFFSET_RESET, log.topic, 0)
    assert values(read_to_end(log.reader(OFFSET_BEGINNING))) == ["three"]
    assert log.reader().get_watermark_offsets(log.place(0), timeout=SECONDS) == (2, 3)


def test_lag_is_unknown_until_something_was_fetched(log: Ground) -> None:
    """The cached high watermark is negative at first, then the end as the last fetch saw it, without a question to the broker."""
    log.send("one", "two")
    reader = log.reader()
    unknown = reader.get_watermark_offsets(log.place(0), cached=True)
    assert unknown is not None
    assert unknown[1] < 0
    read_to_end(reader)
    assert (reader.get_watermark_offsets(log.place(0), cached=True) or ())[1] == 2


def test_a_tail_that_is_younger_than_all_records_is_sent_to_the_end_by_name(log: Ground) -> None:
    log.send("one")
    reader = log.reader()
    asked = [TopicPartition(log.topic, 0, 0), TopicPartition(log.topic, 0, 2**41 * 1_000)]
    answers = [reader.offsets_for_times([place], timeout=SECONDS)[0].offset for place in asked]
    assert answers == [0, OFFSET_END]


def test_asking_for_a_missing_topic_does_not_create_it(log: Ground) -> None:
    missing = f"{log.topic}-missing"
    for _ in range(2):
        found = log.reader().list_topics(missing, timeout=SECONDS).topics[missing]
        assert found.error is not None
        assert found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert missing not in log.reader().list_topics(timeout=SECONDS).topics


def test_a_header_that_is_not_text_is_told_once_and_kills_nobody(log: Ground) -> None:
    """confluent-kafka raises; a second look at the headers would end the process, which is why `headers_of` says not to."""
    producer = KafkaProducer(bootstrap_servers=log.broker)
    producer.send(log.topic, b"bad", headers=[(NotText("h"), b"")], partition=0).get(SECONDS)
    producer.send(log.topic, b"good", headers=[("h", b"\xff"), ("h", b"")], partition=0).get(SECONDS)
    producer.close()
    bad, good, *_ = read_to_end(log.reader())
    assert headers_of(bad) is None
    assert bad.value() == b"bad"
    assert headers_of(good) == [("h", b"\xff"), ("h", b"")]


def test_a_broker_that_is_gone_is_told_inside_a_poll_and_raises_nothing() -> None:
    told: list[KafkaError] = []
    consumer = Consumer({"bootstrap.servers": "127.0.0.1:1", "group.id": "nobody", "error_cb": told.append, "log_level": 0})
    eventually(lambda: consumer.poll(0.1) or told, SECONDS, "an error is told")
    assert told[0].code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT)
    assert flags(told[0])[:1] != ("fatal",)
    consumer.close()

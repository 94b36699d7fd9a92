"""What the engine leans on in consumer groups by confluent-kafka: each name says what breaks when client or broker change."""

import threading
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from contract_kafka import (
    SECONDS,
    SESSION_SECONDS,
    Ground,
    give,
    ground,
    outlast_session,
    read_until,
    refused,
    settle,
    take,
    values,
)
from kafka.admin import KafkaAdminClient, MemberToRemove
from running import eventually

pytestmark = pytest.mark.integration

PARTITIONS = 4


@pytest.fixture
def log(kafka: str) -> Iterator[Ground]:
    """A topic with four partitions."""
    yield from ground(kafka, PARTITIONS)


def test_rebalance_callbacks_run_inside_poll_where_a_seek_is_refused(log: Ground) -> None:
    """The stage opens and closes partitions there while no record moves."""
    called: list[tuple[str, int]] = []

    def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        called.append(("assign", threading.get_ident()))
        take(consumer, partitions)
        called.append((refused(lambda: consumer.seek(log.place(0))).name(), threading.get_ident()))

    member = log.member(on_assign=on_assign)
    eventually(lambda: member.poll(0.1) or member.assignment(), SECONDS, "it has partitions")
    here = threading.get_ident()
    assert called[:2] == [("assign", here), ("_STATE", here)]


def test_what_was_assigned_paused_gives_no_record_until_it_is_resumed(log: Ground) -> None:
    """A partition that comes while back-pressure lasts must wait like the others."""
    for partition in range(PARTITIONS):
        log.send("x", partition=partition)

    def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        take(consumer, partitions)
        consumer.pause(partitions)

    member = log.member(on_assign=on_assign)
    settle(member, partitions=PARTITIONS)
    assert values(member.consume(PARTITIONS, 0.5)) == []
    member.resume(member.assignment())
    read_until(member, lambda got: len(values(got)) == PARTITIONS, "all records")


def test_a_rebalance_moves_some_partitions_and_leaves_the_others_alone(log: Ground) -> None:
    """Cooperative: callbacks name increments only, and positions of what stays aren't touched."""
    told: list[tuple[str, list[int]]] = []

    def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        told.append(("came", sorted(place.partition for place in partitions)))
        take(consumer, partitions)

    def on_revoke(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        told.append(("went", sorted(place.partition for place in partitions)))
        give(consumer, partitions)

    first = log.member(on_assign=on_assign)
    first.subscribe([log.topic], on_assign=on_assign, on_revoke=on_revoke)
    settle(first, partitions=PARTITIONS)
    second = log.member()
    (left, moved) = settle(first, second, partitions=PARTITIONS)
    assert [len(left), len(moved)] == [2, 2]
    told = [note for note in told if note[1]]
    assert told == [("came", [0, 1, 2, 3]), ("went", moved)]


def test_a_callback_that_blocks_longer_than_the_session_costs_no_membership(log: Ground) -> None:
    """Recovery of a large table takes longer than a session; librdkafka's own thread keeps the membership alive."""
    lost: list[object] = []
    seen: list[object] = []

    def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        seen.append(consumer.consumer_group_metadata())
        if partitions:
            outlast_session()
        take(consumer, partitions)

    member = log.member(on_assign=on_assign)
    member.subscribe([log.topic], on_assign=on_assign, on_revoke=give, on_lost=lambda _, partitions: lost.append(partitions))
    settle(member, partitions=PARTITIONS)
    member.commit(offsets=[log.place(0)], asynchronous=False)
    assert (lost, len(seen)) == ([], 1)


def test_a_worker_that_comes_back_under_its_name_has_the_partitions_that_it_had(log: Ground) -> None:
    """Closing a static member leaves it in the group: nobody else moves, and warm state is where the partitions come back."""
    first, second = log.member("a"), log.member("b")
    before = settle(first, second, partitions=PARTITIONS)
    first.close()
    again = log.member("a")
    assert settle(again, second, partitions=PARTITIONS) == before


def test_a_member_that_gets_no_partition_is_told_so(log: Ground) -> None:
    """By on_assign without any: otherwise a worker beside enough others would never be ready."""
    told: list[list[int]] = []
    members = [log.member(str(n)) for n in range(PARTITIONS)]
    settle(*members, partitions=PARTITIONS)
    late = log.member("late")

    def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        told.append([place.partition for place in partitions])
        take(consumer, partitions)

    late.subscribe([log.topic], on_assign=on_assign, on_revoke=give)

    def heard() -> bool:
        for member in (*members, late):
            member.poll(0.02)
        return bool(told)

    eventually(heard, SECONDS, "it is told")
    assert told == [[]]


@pytest.mark.alone
def test_an_orderly_stop_gives_its_partitions_away_at_once(log: Ground) -> None:
    """By removing its static member, which librdkafka can't do; otherwise they'd rest for a session."""
    first, second = log.member("a"), log.member("b")
    settle(first, second, partitions=PARTITIONS)
    first.close()
    began = time.monotonic()
    admin = KafkaAdminClient(bootstrap_servers=log.broker)
    admin.remove_group_members(f"{log.topic}-stage", [MemberToRemove(group_instance_id="a-stage")])
    admin.close()
    settle(second, partitions=PARTITIONS)
    assert time.monotonic() - began < SESSION_SECONDS


def test_of_two_workers_of_one_name_the_older_is_told_that_it_is_out(log: Ground) -> None:
    """By a message with an error that no retry mends; the surprise: it doesn't call itself fatal."""
    older = log.member("a")
    settle(older, partitions=PARTITIONS)
    newer = log.member("a")

    def told() -> KafkaError | None:
        newer.poll(0.05)
        message = older.poll(0.05)
        error = None if message is None else message.error()
        return None if error is None or error.code() == KafkaError._PARTITION_EOF else error

    error = eventually(told, SECONDS, "the older one is told")
    assert (error.code(), error.fatal(), error.retriable()) == (KafkaError._FATAL, False, False)
    assert "fenced by other consumer" in error.str()
    assert older.assignment() == []


def test_a_member_that_does_not_poll_for_too_long_is_told_that_it_lost_its_partitions(log: Ground) -> None:
    """By on_lost, not on_revoke: others go on with them, and a flush would be refused."""
    lost: list[list[int]] = []
    revoked: list[object] = []

    def on_lost(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        lost.append(sorted(place.partition for place in partitions))
        give(consumer, partitions)

    member = log.member(more={"max.poll.interval.ms": round(SESSION_SECONDS * 1000)})
    member.subscribe([log.topic], on_assign=take, on_revoke=lambda _, partitions: revoked.append(partitions), on_lost=on_lost)
    settle(member, partitions=PARTITIONS)
    outlast_session()
    codes: list[int] = []

    def told() -> bool:
        message = member.poll(0.1)
        error = None if message is None else message.error()
        codes.extend([] if error is None else [error.code()])
        return bool(lost)

    eventually(told, SECONDS, "it is told")
    assert (lost[0], revoked) == ([0, 1, 2, 3], [])
    assert KafkaError._MAX_POLL_EXCEEDED in codes


def test_metadata_of_the_group_can_be_had_in_the_thread_that_polls(log: Ground) -> None:
    """From another thread the call may wait for ever, which is why the source keeps a copy."""
    member = log.member()
    got: list[object] = []

    def poll() -> None:
        member.poll(0.1)
        got.append(member.consumer_group_metadata())

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    eventually(lambda: got, SECONDS, "the metadata came")
    thread.join()

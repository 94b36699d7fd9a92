"""Where the partitions that come to a worker stand: their committed offsets, then their state out of the changelog.

The surprise: the order. The committed offsets come first, and the broker answers only when no transaction that may still change
them is pending. So the changelog that is read after them can't be older than they are.
"""

from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from streams.engine.changelog import Recovered, recover, start_position
from streams.engine.errors import kafka_errors
from streams.engine.options import Settings
from streams.engine.source import Place, beginning
from streams.engine.stamp import Stamp, committed_of

OPEN_SECONDS_MAX = 60.0  # small state opens in under a second; a pending transaction is over after its own time-out


class Found(NamedTuple):
    """A partition as it was found: its state, and the stamp that says at which position of the source that stands."""

    table: Recovered
    stamp: Stamp  # without any in the changelog, one of the beginning; its position may be one of librdkafka's logical ones


def find(
    consumer: Consumer, client: Settings, name: str, changelog: str, places: Sequence[Place], *, transactional: bool
) -> dict[Place, Found]:
    """Read the state of these partitions. Raises EngineError where state and offsets tell different stories."""
    with kafka_errors(f"can't open {name}"):
        answers = consumer.committed([TopicPartition(*place) for place in places], timeout=OPEN_SECONDS_MAX)
    committed = {answer.partition: committed_of(answer) for answer in answers}
    expected = committed if transactional else dict.fromkeys(committed)
    tables = recover(client, changelog, expected, {partition: Recovered() for partition in committed}, OPEN_SECONDS_MAX)
    found: dict[Place, Found] = {}
    for place in places:
        table = tables[place[1]]
        where = f"{name}: {place[0]}/{place[1]}"
        position = start_position(table, committed[place[1]], transactional=transactional, where=where)
        if position is None:
            with kafka_errors(f"can't open {name}"):
                position = beginning(consumer, place, OPEN_SECONDS_MAX)
        found[place] = Found(table, table.stamp or Stamp(position=position))
    return found

"""Where the partitions that come to a worker stand: their committed offsets, then their state out of the changelog.

The surprise: the order. The committed offsets come first, and the broker answers only when no transaction that may still change
them is pending. So the changelog that is read after them can't be older than they are.
"""

import logging
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from streams.engine.changelog import Recovered, check_rules, recover, start_position
from streams.engine.errors import kafka_errors
from streams.engine.heap import LONG_READ_RECORDS, give_back
from streams.engine.options import Settings
from streams.engine.source import Place
from streams.engine.stamp import BEGINNING, NO_RULES, Committed, Stamp, committed_of
from streams.engine.stores import InMemory, Stores

LOG = logging.getLogger(__name__)

OPEN_SECONDS_MAX = 60.0  # small state opens in under a second; a pending transaction is over after its own time-out


class Found(NamedTuple):
    """A partition as it was found: its state, and the stamp that says at which position of the source that stands."""

    table: Recovered
    stamp: Stamp  # without any in the changelog, one of the beginning; its position may be one of librdkafka's logical ones


def find(
    consumer: Consumer,
    client: Settings,
    name: str,
    changelog: str,
    places: Sequence[Place],
    *,
    transactional: bool,
    stores: Stores | None = None,
    rules: Mapping[str, str] = NO_RULES,
) -> dict[Place, Found]:
    """Read the state of these partitions. Raises EngineError where state, offsets and settings tell different stories."""
    with kafka_errors(f"can't open {name}"):
        answers = consumer.committed([TopicPartition(*place) for place in places], timeout=OPEN_SECONDS_MAX)
    committed = {answer.partition: committed_of(answer) for answer in answers}
    expected = committed if transactional else dict.fromkeys(committed)
    tables = _recover(client, changelog, expected, stores or InMemory())
    found: dict[Place, Found] = {}
    for place in places:
        table = tables[place[1]]
        where = f"{name}: {place[0]}/{place[1]}"
        position = start_position(table, committed[place[1]], transactional=transactional, where=where)
        check_rules(where, table.stamp, rules)
        if position is None:
            with kafka_errors(f"can't open {name}"):
                position = beginning(consumer, place, OPEN_SECONDS_MAX)
        found[place] = Found(table, table.stamp or Stamp(position=position))
    return found


def _recover(
    client: Settings, changelog: str, expected: Mapping[int, Committed | None], stores: Stores
) -> Mapping[int, Recovered]:
    """The tables as the changelog tells them, from what is there of them; what doesn't lead to the offset is read anew."""
    began = monotonic()
    tables = stores.open(list(expected))
    warm = [partition for partition, table in tables.items() if table.next != BEGINNING]
    records = recover(client, changelog, expected, tables, OPEN_SECONDS_MAX)
    if wrong := [partition for partition in warm if not tables[partition].stands_at(expected[partition])]:
        fresh = {partition: stores.anew(partition) for partition in wrong}
        records += recover(client, changelog, {partition: expected[partition] for partition in wrong}, fresh, OPEN_SECONDS_MAX)
        tables.update(fresh)
    if records >= LONG_READ_RECORDS:
        give_back()
    seconds = monotonic() - began
    LOG.info("read %d records of %s in %.1f s, %d of %d tables were warm", records, changelog, seconds, len(warm), len(tables))
    return tables


def beginning(consumer: Consumer, place: Place, timeout_seconds: float) -> int:
    """The offset of the first record that the broker still has."""
    watermarks = consumer.get_watermark_offsets(TopicPartition(*place), timeout=timeout_seconds)
    return OFFSET_BEGINNING if watermarks is None else watermarks[0]

"""Intake, journey and merge as the worker builds them from settings, joined in memory: events in, everything that is sent out.

What a broker would do is done here: a record goes to the partition that is named, or to the one of its key. No clock: `settle`
drains all stages in flow order until nothing more comes.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from intake_fakes import READ_MS, RecordFake

from streams import pipeline, rules, settings
from streams.core.live import decode_trend
from streams.core.series import series_of
from streams.core.trend import CLOCK_KEY, Trend
from streams.edge.telemetry import Telemetry, make_registry
from streams.engine.batch import Batch, Output
from streams.engine.store import Store

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 1_763_942_400_000  # 2025-11-24T00:00Z

# A worked example: who contacted when, by day and hour of the end. Bob comes back a minute before his seven days are over, Cem
# when they are.
CONTACTS = (
    ("ann", 0, 10.0, "invoice"),
    ("bob", 0, 11.0, "invoice"),
    ("cem", 0, 12.0, "outage"),
    ("dee", 1, 8.0, "outage"),
    ("dee", 1, 15.0, "invoice"),
    ("ann", 2, 9.0, "invoice"),
    ("eve", 3, 9.0, "invoice"),
    ("bob", 7, 11.0 - 1 / 60, "outage"),
    ("cem", 7, 12.0, "outage"),
)


class Flow:
    """`sent`: topic → every record that was sent; `stores`: stage and partition → its state, with which it may start again."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.settings = settings.load([], environment or {})
        self.topics = self.settings.topics
        self.sent: dict[str, list[Output]] = {}
        self.stores: dict[tuple[str, int], Store] = {}
        self.now_ms = READ_MS
        self._telemetry = Telemetry(make_registry(), pipeline.sources(self.topics))
        self.restart()

    def restart(self) -> None:
        """All stages anew, from their stores."""
        topics, telemetry, loaded = self.topics, self._telemetry, self.settings
        self._keepers: dict[tuple[str, int], pipeline.Applying] = {}
        for partition in range(topics.partitions):
            store = self._store("intake", partition)
            keeper = pipeline.IntakeKeeper(partition, store, rules.intake_rules(loaded), topics, telemetry)
            self._keepers[topics.interactions, partition] = keeper
        for partition in range(topics.contact_partitions):
            store = self._store("journey", partition)
            journey = pipeline.JourneyKeeper(partition, store, rules.journey_rules(loaded), topics, telemetry)
            self._keepers[topics.contacts, partition] = journey
        for partition in range(topics.agent_partitions):
            store = self._store("agents", partition)
            agents = pipeline.AgentsKeeper(partition, store, rules.agent_rules(loaded), topics, telemetry)
            self._keepers[topics.agents, partition] = agents
        for shard in range(topics.shards):
            merge = pipeline.MergeKeeper(shard, self._store("merge", shard), rules.merge_rules(loaded), topics, telemetry)
            self._keepers[topics.partials, shard] = merge

    def feed(self, records: Sequence[RecordFake]) -> None:
        """Events, each to the partition of its interaction; heartbeats to all; states of agents to theirs."""
        for record in records:
            event = json.loads(record.value_ or b"")
            if event["type"] == "agent_state":
                number = crc32(event["agent_id"].encode()) % self.topics.agent_partitions
                self._apply(self.topics.agents, number, record)
                continue
            partitions = range(self.topics.partitions)
            if "interaction_id" in event:
                partitions = range(n := crc32(event["interaction_id"].encode()) % self.topics.partitions, n + 1)
            for partition in partitions:
                self._apply(self.topics.interactions, partition, record)

    def forget(self, name: str) -> None:
        """A tombstone, as `streams forget` sends it."""
        for partition in range(self.topics.contact_partitions):
            self._apply(self.topics.contacts, partition, RecordFake(None, key_=name.encode()))

    def settle(self) -> None:
        """Drain in flow order; what a stage sends reaches the next."""
        self.now_ms += 1_000
        for (topic, _), keeper in self._keepers.items():
            for output in keeper.drain(self.now_ms, 1):
                self.sent.setdefault(output.topic, []).append(output)
                topics = self.topics
                count = {
                    topics.contacts: topics.contact_partitions,
                    topics.agents: topics.agent_partitions,
                    topics.partials: topics.shards,
                }
                if output.topic in count:
                    assert output.topic != topic, "a stage doesn't feed itself"
                    number = output.partition if output.partition >= 0 else crc32(output.key or b"") % count[output.topic]
                    self._apply(output.topic, number, RecordFake(output.value, key_=output.key))

    def finals(self, kind: str, *series: str) -> dict[int, Trend]:
        """Start of the window → the final trend, of one series: 'total', or 'queue', 'billing'."""
        found = {}
        for output in self.sent.get(self.topics.trends, []):
            if output.key != CLOCK_KEY and output.value is not None:
                trend = decode_trend(output.value)
                if (
                    trend.final
                    and trend.window.kind == kind
                    and series_of(trend.cut, *trend.series.values()) == series_of(*series)
                ):
                    found[trend.window.start_ms] = trend
        return found

    def _apply(self, topic: str, partition: int, record: RecordFake) -> None:
        read: list[Any] = [record]
        records = read
        if topic == self.topics.partials:
            records = []
            pipeline.PREPARE["merge"](topic, read, records)
        self._keepers[topic, partition].apply(Batch(topic, partition, 0, 1, records, self.now_ms, 1))

    def _store(self, stage: str, partition: int) -> Store:
        return self.stores.setdefault((stage, partition), Store())


def contact(customer: str, name: str, ended_ms: int, **fields: Any) -> list[RecordFake]:
    """The events of a contact of two minutes that ends then."""
    events = (("offered", ended_ms - 120_000), ("answered", ended_ms - 60_000), ("completed", ended_ms))
    known = {"customer_id": customer, "channel": "voice", "queue": "billing", **fields}
    return [
        RecordFake(
            json.dumps(
                {"id": f"{name}-{kind}", "source": "acd", "type": kind, "time": time_ms, "interaction_id": name, **known}
            ).encode()
        )
        for kind, time_ms in events
    ]


def heartbeat(time_ms: int) -> RecordFake:
    """Nothing before this moment is missing."""
    return RecordFake(json.dumps({"id": f"h{time_ms}", "source": "acd", "type": "heartbeat", "time": time_ms}).encode())

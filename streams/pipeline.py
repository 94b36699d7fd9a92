"""THE MAP: which stage reads what, keeps what and sends what, in flow order. No arithmetic.

interactions ─> intake ─┬────────────────────> partials ─> merge ─> trends, minutes ─> detect ─> expectations, alerts, forecasts
                        ├> contacts ─> journey ─┤                  └─> publish <────────────────────────┘
                        └> agents ───> agents ──┘

A stage is a consumer group, a table partition for each of its source partitions, and one short agent. What it decides is in
`core`; a *keeper* here only carries: records in, outputs and telemetry out. The surprise: agents return nothing. What a stage
sends is drained from its keepers by the engine, in the transaction that also makes their state durable.
"""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

import faust
from confluent_kafka import Message

from streams.core.acknowledgement import Order, decode_told
from streams.core.agents import AgentRules, Agents, AgentsChanges
from streams.core.aside import headers_with
from streams.core.changes import Late, Rejected
from streams.core.contact import PULSE_KEY, encode_contact
from streams.core.detect import Detect, DetectRules
from streams.core.forecast_record import forecast_key
from streams.core.frame import Frame, MinuteFrame, decode_frame, encode_frame, encode_minutes, shard_of
from streams.core.intake import Intake, IntakeChanges
from streams.core.journey import Journey, JourneyRules
from streams.core.live import Record, decode_alert, decode_clock, decode_expectation, decode_forecast, decode_trend, encode
from streams.core.merge import Merge, MergeRules
from streams.core.rules import IntakeRules
from streams.core.trend import CLOCK_KEY, Trend, expectation_key, trend_key
from streams.edge.telemetry import Telemetry
from streams.engine.batch import Batch, Output
from streams.engine.reading import Prepare
from streams.engine.stage import Stage
from streams.engine.store import Store
from streams.engine.table import Keeper
from streams.engine.tail import Tail
from streams.settings import Topics

Taker: TypeAlias = Callable[[str, int, Record], None]  # topic, partition, record


def sources(topics: Topics) -> dict[str, tuple[str, ...]]:
    """Stage → the topics that it reads."""
    return {
        "intake": (topics.interactions,),
        "journey": (topics.contacts,),
        "agents": (topics.agents,),
        "merge": (topics.partials,),
        "detect": (topics.minutes,),
        "publish": (topics.trends, topics.expectations, topics.alerts, topics.forecasts),
    }


class IntakeKeeper:
    """Interactions of one source partition: events in; frames for merge, rejected and late records out."""

    def __init__(self, partition: int, store: Store, rules: IntakeRules, topics: Topics, telemetry: Telemetry) -> None:
        self._partition = partition
        self._state = Intake(partition, store, rules)
        self._topics = topics
        self._telemetry = telemetry

    def apply(self, batch: Batch) -> None:
        self._state.apply(batch.records, batch.read_ms)

    def drain(self, now_ms: int, lag: int) -> list[Output]:
        changes = self._state.drain(now_ms, lag)
        self._telemetry.heartbeat("intake", now_ms)
        self._report(changes)
        topics = self._topics
        outputs = _to_merge(topics, changes.frames)
        outputs += _aside(topics, topics.interactions, self._partition, changes.rejected, changes.late)
        outputs += [Output(topics.contacts, encode_contact(told), told.customer.encode()) for told in changes.contacts]
        if changes.pulse is not None:  # behind the contacts, so that whoever has read it has read them
            pulse = encode_contact(changes.pulse)
            outputs += [Output(topics.contacts, pulse, PULSE_KEY, number) for number in range(topics.contact_partitions)]
            outputs += [Output(topics.agents, pulse, PULSE_KEY, number) for number in range(topics.agent_partitions)]
        return outputs

    def _report(self, changes: IntakeChanges) -> None:
        counts, telemetry = changes.counts, self._telemetry
        telemetry.accepted(counts.accepted)
        telemetry.duplicates(counts.duplicates)
        telemetry.too_late(counts.too_late)
        telemetry.partials_sent(len(changes.frames))
        if changes.frames and changes.frames[0].watermark_ms is not None:  # the same in the frames of all shards
            telemetry.watermark("intake", self._partition, changes.frames[0].watermark_ms)
        for report, by_name in (
            (telemetry.rejected, counts.rejected),
            (telemetry.late, counts.late),
            (telemetry.contradictions, counts.contradictions),
            (telemetry.capped, counts.capped),
        ):
            for name, n in by_name.items():
                report(name, n)


class JourneyKeeper:
    """Customers of one partition of `contacts`: contacts and pulses in; frames for merge out."""

    def __init__(self, partition: int, store: Store, rules: JourneyRules, topics: Topics, telemetry: Telemetry) -> None:
        self._partition = partition
        self._state = Journey(topics.partitions + partition, store, rules)
        self._topics = topics
        self._telemetry = telemetry

    def apply(self, batch: Batch) -> None:
        self._state.apply(batch.records, batch.read_ms)

    def drain(self, now_ms: int, lag: int) -> list[Output]:
        changes = self._state.drain(now_ms, lag)
        self._telemetry.heartbeat("journey", now_ms)
        for kind, n in changes.ignored.items():
            self._telemetry.contacts_ignored(kind, n)
        self._telemetry.partials_sent(len(changes.frames))
        if changes.frames and changes.frames[0].watermark_ms is not None:
            self._telemetry.watermark("journey", self._partition, changes.frames[0].watermark_ms)
        return _to_merge(self._topics, changes.frames)


class AgentsKeeper:
    """Agents of one partition of `agents`: states and pulses in; frames for merge, rejected and late records out."""

    def __init__(self, partition: int, store: Store, rules: AgentRules, topics: Topics, telemetry: Telemetry) -> None:
        self._partition = partition
        self._state = Agents(topics.partitions + topics.contact_partitions + partition, store, rules)
        self._topics = topics
        self._telemetry = telemetry

    def apply(self, batch: Batch) -> None:
        self._state.apply(batch.records, batch.read_ms)

    def drain(self, now_ms: int, lag: int) -> list[Output]:
        changes = self._state.drain(now_ms, lag)
        self._report(changes, now_ms)
        put_aside = _aside(self._topics, self._topics.agents, self._partition, changes.rejected, changes.late)
        return _to_merge(self._topics, changes.frames) + put_aside

    def _report(self, changes: AgentsChanges, now_ms: int) -> None:
        telemetry, frames = self._telemetry, changes.frames
        telemetry.heartbeat("agents", now_ms)
        telemetry.partials_sent(len(frames))
        if frames and frames[0].watermark_ms is not None:
            telemetry.watermark("agents", self._partition, frames[0].watermark_ms)
        telemetry.agent_states(changes.outcomes)
        telemetry.capped("queue", changes.capped)
        told = [(telemetry.rejected, bad.reason) for bad in changes.rejected]
        for report, name in [*told, *((telemetry.late, window) for late in changes.late for window in late.windows)]:
            report(name, 1)


class MergeKeeper:
    """Windows of one shard: frames in; trends, closed minutes and the clock out."""

    def __init__(self, shard: int, store: Store, rules: MergeRules, topics: Topics, telemetry: Telemetry) -> None:
        self._shard = shard
        self._state = Merge(shard, store, rules)
        self._topics = topics
        self._telemetry = telemetry

    def apply(self, batch: Batch) -> None:
        self._state.apply(batch.records)

    def drain(self, now_ms: int, lag: int) -> list[Output]:  # noqa: ARG002 (lag is for intake, the shape is the engine's)
        changes = self._state.drain(now_ms)
        self._telemetry.heartbeat("merge", now_ms)
        outputs = [self._trend(series, trend) for series, trend in changes.trends]
        if changes.minutes is not None:
            outputs.append(Output(self._topics.minutes, encode_minutes(changes.minutes), partition=0))
        if changes.clock is not None:
            outputs.append(Output(self._topics.trends, encode(changes.clock), CLOCK_KEY, self._shard))
            if changes.clock.watermark_ms is not None:
                self._telemetry.watermark("merge", self._shard, changes.clock.watermark_ms)
        for kind, n in changes.closed.items():
            self._telemetry.windows_closed(kind, n)
        for kind, n in changes.late.items():
            self._telemetry.late_changes(kind, n)
        return outputs

    def _trend(self, series: str, trend: Trend) -> Output:
        if trend.read_ms is not None and not trend.final:
            self._telemetry.freshness((trend.published_ms - trend.read_ms) / 1000)
        return Output(
            self._topics.trends, encode(trend), trend_key(series, trend.window.kind, trend.window.start_ms), self._shard
        )


class DetectKeeper:
    """All watched series: closed minutes in; expectations, alerts and forecasts out."""

    def __init__(self, partition: int, store: Store, rules: DetectRules, topics: Topics, telemetry: Telemetry) -> None:
        assert partition == 0, "detect sees all series in one place: the topic minutes has one partition"
        self._state = Detect(store, rules)
        self._topics = topics
        self._telemetry = telemetry

    def apply(self, batch: Batch) -> None:
        self._state.apply(batch.records)

    def drain(self, now_ms: int, lag: int) -> list[Output]:  # noqa: ARG002 (lag is for intake, the shape is the engine's)
        changes = self._state.drain(now_ms)
        self._telemetry.heartbeat("detect", now_ms)
        topics = self._topics
        outputs = [
            Output(topics.expectations, encode(minute), expectation_key(series, minute.start_ms), shard_of(series, topics.shards))
            for series, minute in changes.expectations
        ]
        outputs += [Output(topics.alerts, encode(alert), alert.alert_id.encode()) for alert in changes.alerts]
        return outputs + [
            Output(topics.forecasts, encode(forecast), forecast_key(series, forecast.day), shard_of(series, topics.shards))
            for series, forecast in changes.forecasts
        ]


class Publish:
    """Records of trends, expectations, alerts and forecasts, decoded once and offered to every publisher.

    A record replaces the one before it under its key: of a batch only the newest is offered, which counts at a start, when a day
    is read while stages recover. Of alerts each is, because someone may have to be called for what is over already.
    """

    def __init__(self, topics: Topics, takers: Sequence[Taker]) -> None:
        self._alerts, self._takers = topics.alerts, takers
        self._others: Mapping[str, Callable[[bytes], Record]] = {
            topics.alerts: decode_alert,
            topics.expectations: decode_expectation,
            topics.forecasts: decode_forecast,
        }

    def apply(self, batch: Batch) -> None:
        by_key = {message.key(): message for message in batch.records}
        for message in batch.records if batch.topic == self._alerts else by_key.values():
            if (value := message.value()) is not None:
                trend = decode_clock if message.key() == CLOCK_KEY else decode_trend
                record = self._others.get(batch.topic, trend)(value)
                for take in self._takers:
                    take(batch.topic, batch.partition, record)


def _to_merge(topics: Topics, frames: Sequence[Frame]) -> list[Output]:
    """Rounds of frames, one for each shard."""
    return [Output(topics.partials, encode_frame(each), partition=k % topics.shards) for k, each in enumerate(frames)]


def _aside(topics: Topics, source: str, partition: int, rejected: Iterable[Rejected], late: Iterable[Late]) -> list[Output]:
    """Refused and late records as they came, with why they are put aside and where they stood."""
    whys = [(topics.rejected, bad.record, {"reason": bad.reason, "detail": bad.detail}) for bad in rejected]
    whys += [(topics.late, one.record, {"windows": ",".join(one.windows)}) for one in late]
    return [
        Output(topic, record.value, record.key, headers=headers_with(record, why, source, partition))
        for topic, record, why in whys
    ]


def _frames(_topic: str, messages: Sequence[Message], records: list[Frame]) -> None:
    records += [decode_frame(value) for message in messages if (value := message.value())]


def _minutes(_topic: str, messages: Sequence[Message], records: list[MinuteFrame | Order]) -> None:
    records += [decode_told(value) for message in messages if (value := message.value())]


# Stage → what is decoded in the reader's thread, which gives way to the loop. Intake keeps what it refuses as it came.
PREPARE: Mapping[str, Prepare] = {"merge": _frames, "detect": _minutes}


class Applying(Keeper, Protocol):
    """What an agent needs of a keeper."""

    def apply(self, batch: Batch) -> None:
        """Take in a batch; what follows from it leaves with the next drain."""


K = TypeVar("K", bound=Applying)


def run_stage(app: faust.App, stage: Stage[K]) -> None:
    """The agent of a stage: each batch goes to the keeper of its partition."""

    async def agent(batches: AsyncIterable[Batch]) -> None:
        async for batch in batches:
            keeper = stage.accept(batch)
            if keeper is not None:
                keeper.apply(batch)

    app.agent(stage.channel, name=stage.name)(agent)


def run_publish(app: faust.App, tail: Tail, publish: Publish, telemetry: Telemetry) -> None:
    """The agent of publish: it keeps nothing, so a batch has no position to stand at."""

    async def agent(batches: AsyncIterable[Batch]) -> None:
        async for batch in batches:
            if tail.accept(batch):
                publish.apply(batch)
                telemetry.heartbeat("publish", batch.read_ms)  # the pulse of merge comes each second

    app.agent(tail.channel, name="publish")(agent)

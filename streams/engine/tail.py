"""A tail: reads topics from a moment ago on, for a publisher that keeps no state of its own.

The surprise: it is in a consumer group, but never commits. The group only shares the partitions out among workers; where to begin
is decided anew at each assignment. The embedded broker knows no times and always answers with the beginning: more than asked for.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import faust
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, TopicPartition
from mode import Service

from streams.engine.admin import leave_group
from streams.engine.app import service_of
from streams.engine.batch import Batch
from streams.engine.errors import kafka_errors
from streams.engine.options import Settings, StageOptions, member_settings
from streams.engine.outage import Outage
from streams.engine.source import Limits, Place, Source
from streams.engine.telemetry import EngineTelemetry, Vitals
from streams.engine.threads import in_thread, wait_for
from streams.engine.topics import partitions_of

ASK_SECONDS_MAX = 30.0  # for offsets by time; a broker that just started answers late
STOP_SECONDS_MAX = 10.0  # an orderly stop waits this long for the reader before it goes on without


class Tail(Service):
    """Starts and stops with its app; committed records come in Batches out of `channel`. Tell `accept` about each."""

    def __init__(
        self,
        app: faust.App,
        name: str,
        starts: Mapping[str, int | None],
        client: Settings,
        options: StageOptions,
        now_ms: Callable[[], int],
        telemetry: EngineTelemetry,
        on_revoked: Callable[[str, int], None],
    ) -> None:
        """`starts`: per topic, how many seconds back to begin, or None for its beginning. `on_revoked` is called in the loop."""
        super().__init__()
        self.name = name
        self.channel = app.channel(maxsize=0)  # unbounded: `batches_under_way` is the bound
        self._starts = dict(starts)
        self._client = client
        self._options = options
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._on_revoked = on_revoked
        self._applied: dict[Place, int] = {}  # the position after what was taken; -1 before the first batch
        self._assignments: dict[Place, int] = {}
        self._reading: asyncio.Future[None] | None = None
        outage = Outage(name)
        self._source = Source(
            member_settings(client, options, name, static=options.transactional),
            list(starts),
            Limits(options.batch_records, options.batches_under_way, options.kilobytes_under_way),
            self,
            self._deliver,
            now_ms,
            outage,
        )
        service_of(app, self)

    def accept(self, batch: Batch) -> bool:
        """Whether the batch still counts: False where its partition has gone. Call it for each: it makes room for others."""
        self._source.taken()
        self._source.drained(self._source.room.applied())  # it keeps nothing
        place = (batch.topic, batch.partition)
        if self._assignments.get(place) != batch.assignment:
            return False
        self._applied[place] = batch.next
        self._telemetry.consumed(batch.topic, batch.messages)
        self._telemetry.lag(batch.topic, batch.partition, self._source.lag(place, batch.next))
        return True

    def caught_up(self) -> bool:
        """Whether everything that is in the topics has been taken."""
        return bool(self._applied) and all(self._source.lag(place, position) == 0 for place, position in self._applied.items())

    def vitals(self) -> Vitals:
        """How it is, at this moment; it keeps no state and writes nothing."""
        room = self._source.room
        return Vitals(room.batches(), 0, room.held_seconds, 0)

    async def on_start(self) -> None:
        """Begin to read; a failure stops the worker."""
        self._loop_ = asyncio.get_running_loop()
        self.add_future(self._read())

    async def on_stop(self) -> None:
        """Leave the group."""
        self._source.stop()
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=STOP_SECONDS_MAX)
        await asyncio.wait([in_thread(f"{self.name}-close", self._leave)], timeout=STOP_SECONDS_MAX)

    def _leave(self) -> None:
        self._source.close()
        if not self.crashed:  # after a crash it comes back under its name and goes on at once
            leave_group(self._client, self._options, self.name)

    async def _read(self) -> None:
        self._reading = in_thread(f"{self.name}-source", self._run)
        await self._reading

    # What follows is called in the source's thread.

    def _run(self) -> None:
        partitions_of(self._client, list(self._starts))
        self._source.run()

    def _deliver(self, batch: Batch) -> None:
        asyncio.run_coroutine_threadsafe(self.channel.put(batch), self._loop_)  # type: ignore[arg-type]  # takes any value

    def assigned(self, consumer: Consumer, places: Sequence[Place], assignment: int) -> dict[Place, int]:
        """Begin where told: so many seconds ago, or at the beginning."""
        starts = {place: OFFSET_BEGINNING for place in places if self._starts[place[0]] is None}
        timed = [place for place in places if place not in starts]
        if timed:
            with kafka_errors(f"can't find where to begin with {self.name}"):
                starts.update(self._by_time(consumer, timed))
        wait_for(self._note(places, assignment), self._loop_)
        return starts

    def _by_time(self, consumer: Consumer, places: Sequence[Place]) -> dict[Place, int]:
        now_ms = self._now_ms()
        asked = [TopicPartition(*place, now_ms - (self._starts[place[0]] or 0) * 1000) for place in places]
        answers = consumer.offsets_for_times(asked, timeout=ASK_SECONDS_MAX)
        return {(a.topic, a.partition): a.offset if a.offset >= 0 else end(consumer, (a.topic, a.partition)) for a in answers}

    def revoked(self, places: Sequence[Place]) -> None:
        """Another worker publishes these."""
        wait_for(self._forget(places), self._loop_)

    def lost(self, places: Sequence[Place]) -> None:
        """As revoked: there is nothing to save."""
        wait_for(self._forget(places), self._loop_)

    async def _note(self, places: Sequence[Place], assignment: int) -> None:
        for place in places:
            self._assignments[place] = assignment
            self._applied[place] = -1
        self._telemetry.assigned(self.name, len(self._assignments))

    async def _forget(self, places: Sequence[Place]) -> None:
        for place in places:
            self._assignments.pop(place, None)
            self._applied.pop(place, None)
            self._on_revoked(*place)
        self._telemetry.assigned(self.name, len(self._assignments))


def end(consumer: Consumer, place: Place) -> int:
    """Where the next record will stand: asked for now, because librdkafka's own "end" is looked up later and would skip some."""
    watermarks = consumer.get_watermark_offsets(TopicPartition(*place), timeout=ASK_SECONDS_MAX)
    return OFFSET_END if watermarks is None else watermarks[1]

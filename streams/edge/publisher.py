"""What all publishers share: an outbox that keeps the latest value per place, and the loop that hands it over.

A publisher that is down costs memory up to its limit and nothing else: the loop tries again with growing pauses, says so once,
and nothing upstream waits. The surprise: `put` never blocks and never fails; beyond the limit the value put first is given up,
because newer values will be on their way.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from streams.core.errors import StreamsError

# A last try when the worker stops: long enough for a round trip, too short to be noticed.
FAREWELL_SECONDS = 2.0

# How soon something new is seen where nothing waits: a look costs 20 µs.
LOOK_SECONDS = 0.025

Value = TypeVar("Value")


class PublisherDown(StreamsError):  # noqa: N818 (names a state of the other side, not an error of ours)
    """The other side doesn't answer or refuses; what was to be handed over is kept by the publisher."""


class Publisher(Protocol):
    """Something that hands results to one outside thing."""

    @property
    def name(self) -> str:
        """Its name in metrics, health and log: one of a closed set."""

    @property
    def waiting(self) -> int:
        """Records not handed over yet."""

    @property
    def dropped(self) -> int:
        """Records given up since the start because too many waited."""

    async def publish(self, now_ms: int) -> None:
        """Hand over whatever is due. PublisherDown: it is still due."""

    async def close(self) -> None:
        """Let connections go."""


class PublisherTelemetry(Protocol):
    """What the loop reports."""

    def publisher(self, name: str, up: bool, problem: str = "") -> None:
        """A publisher's state, told after each try; log and metric change only when the state does."""

    def outbox(self, name: str, waiting: int, dropped: int) -> None:
        """What waits after each try, and how much was given up since the start."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often to hand over, and how long a pause may grow while the other side is down; seconds."""

    publish_seconds: float
    retry_seconds_max: float


class Outbox(Generic[Value]):
    """Latest value per slot, at most `limit` of them, oldest slot first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[str, tuple[str, Value]] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._values)

    def put(self, slot: str, version: str, value: Value) -> None:
        """Keep a value unless a newer version already waits in its slot."""
        held = self._values.get(slot)
        if held is not None and held[0] > version:
            return
        self._values[slot] = (version, value)
        if len(self._values) > self._limit:
            del self._values[next(iter(self._values))]
            self.dropped += 1

    def first(self, count: int) -> dict[str, Value]:
        """The `count` oldest slots and their values; they stay until `done`."""
        return {slot: self._values[slot][1] for slot, _ in zip(self._values, range(count), strict=False)}

    def done(self, sent: dict[str, Value]) -> None:
        """Forget what was sent, except where a newer value has come in the meantime."""
        for slot, value in sent.items():
            held = self._values.get(slot)
            if held is not None and held[1] is value:
                del self._values[slot]


async def run(
    publisher: Publisher, pace: Pace, telemetry: PublisherTelemetry, now_ms: Callable[[], int], stop: asyncio.Event
) -> None:
    """Hand over at most every publish_seconds until `stop`, then once more; who is down is asked again ever more seldom.

    What comes after a pause doesn't wait for the next turn: a turn that handed over nothing is soon followed by another.
    """
    pause = pace.publish_seconds
    try:
        while not stop.is_set():
            some = publisher.waiting > 0
            up = await _try(publisher, telemetry, now_ms())
            telemetry.outbox(publisher.name, publisher.waiting, publisher.dropped)
            if up:
                pause = pace.publish_seconds if some else min(pace.publish_seconds, LOOK_SECONDS)
            else:
                pause = min(2 * max(pause, pace.publish_seconds), pace.retry_seconds_max)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
        with suppress(TimeoutError, PublisherDown):
            await asyncio.wait_for(publisher.publish(now_ms()), FAREWELL_SECONDS)
    finally:
        await publisher.close()


async def _try(publisher: Publisher, telemetry: PublisherTelemetry, now_ms: int) -> bool:
    """One try, reported; tells whether it went well."""
    try:
        await publisher.publish(now_ms)
    except PublisherDown as error:
        telemetry.publisher(publisher.name, False, str(error))
        return False
    telemetry.publisher(publisher.name, True)
    return True

"""The publisher 'redis': what waits for the live view, and what must be written again if Redis loses it.

The surprise: alerts, minutes and forecasts are kept after they were written. Nobody upstream repeats them, so after Redis was
restarted empty they come from here; trends and clocks come again by themselves (`[merge] refresh_seconds`).
"""

from typing import TypeAlias

from streams.core import live
from streams.core.alert import Alert
from streams.core.forecast_record import ForecastDay
from streams.core.live import Record
from streams.core.trend import Expectation
from streams.edge.publisher import Outbox, PublisherDown
from streams.edge.redis import LiveView, LiveViewError

# Records that wait while Redis is down: a day of minutes of 25 series and the windows of 2,000; at 1 to 2 kB each up to 100 MB.
WAITING_MAX = 50_000
# Alerts and minutes kept in case Redis loses them: a day of 25 series, 0.5 kB each.
KEPT_MAX = 50_000
# Records per write: 80 ms (measured; 100 records take 6 ms), and a message that a viewer can take.
WRITE_MAX = 1_000

Source: TypeAlias = tuple[str, int]  # topic and partition that a record came from


class LivePublisher:
    """Hands the latest record per slot of the live view to Redis."""

    name = "redis"

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._waiting: Outbox[Record] = Outbox(WAITING_MAX)
        self._kept: dict[str, tuple[Source, Record]] = {}

    @property
    def waiting(self) -> int:
        """Records not yet written."""
        return len(self._waiting)

    @property
    def dropped(self) -> int:
        """Records given up because too many waited."""
        return self._waiting.dropped

    def put(self, topic: str, partition: int, record: Record) -> None:
        """Take a record; it is written at the next turn unless a newer one comes first."""
        slot = live.slot_of(record)
        self._waiting.put(slot, live.version_of(record), record)
        if isinstance(record, Alert | Expectation | ForecastDay):
            self._kept.pop(slot, None)
            self._kept[slot] = ((topic, partition), record)
            if len(self._kept) > KEPT_MAX:
                del self._kept[next(iter(self._kept))]

    def drop(self, topic: str, partition: int) -> None:
        """Another worker owns the partition now and will repeat what is lost; what waits is still written."""
        self._kept = {slot: held for slot, held in self._kept.items() if held[0] != (topic, partition)}

    async def publish(self, now_ms: int) -> None:  # noqa: ARG002 (same shape for all publishers)
        """Write what waits, newest only. PublisherDown: it still waits."""
        while sent := self._waiting.first(WRITE_MAX):
            try:
                known = await self._view.publish(live.changes_of(sent.values()))
            except LiveViewError as error:
                raise PublisherDown(str(error)) from error
            self._waiting.done(sent)
            if not known:
                self._repeat()

    def _repeat(self) -> None:
        """Redis didn't know this writer: all that is kept waits again."""
        for slot, (_, record) in self._kept.items():
            self._waiting.put(slot, live.version_of(record), record)

    async def close(self) -> None:
        """Let the connections go."""
        await self._view.close()

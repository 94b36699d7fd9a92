"""The pulse: how old may the picture be called? Judged from the shards' clocks and the board's own time, given as an argument.

The surprise: two ages matter and mean different things. An old pulse says that the pipeline has stopped (stale); old events
under a young pulse say that the feed is silent or that the past is being replayed.
"""

from collections.abc import Iterable

from streams.board.view import Feed, Health, Status
from streams.core.trend import Clock


class Pulse:
    """The newest clock per shard."""

    def __init__(self, stale_ms: int, live_ms: int, time_zone: str) -> None:
        """stale_ms: an older pulse is stale; live_ms: a feed that brings nothing new for this long is silent."""
        self._stale_ms = stale_ms
        self._live_ms = live_ms
        self._time_zone = time_zone
        self._clocks: dict[int, Clock] = {}
        self._event_ms: int | None = None
        self._event_moved_ms: int | None = None
        self._freshness_ms: int | None = None

    def hear(self, clocks: Iterable[Clock], now_ms: int) -> None:
        """Take over newer clocks, and remember when the newest event time was last seen to move."""
        for clock in clocks:
            known = self._clocks.get(clock.shard)
            if known is None or clock.published_ms >= known.published_ms:
                self._clocks[clock.shard] = clock
        shards = self._shards()
        self._clocks = {shard: clock for shard, clock in self._clocks.items() if shard < shards}
        newest = max((clock.event_ms for clock in self._clocks.values() if clock.event_ms is not None), default=None)
        if newest is not None and newest != self._event_ms:
            # Until it is seen to move, the newest event counts as heard at its own time: a board that starts late says how late.
            self._event_moved_ms = newest if self._event_ms is None else now_ms
            self._event_ms = newest

    def _shards(self) -> int:
        """How many shards there are, by the newest clock: the count may shrink."""
        return max(self._clocks.values(), key=lambda clock: clock.published_ms).shards if self._clocks else 0

    def hear_freshness(self, freshness_ms: int) -> None:
        """Remember how long the latest published trend took from its event's reading on."""
        self._freshness_ms = max(0, freshness_ms)

    def health(self, now_ms: int, problem: str | None) -> Health:
        """What may be said of the picture's age; `problem` is why the live view can't be read, None if it can."""
        clocks = list(self._clocks.values())
        shards = self._shards()
        age_ms = pulse_age_ms(clocks, now_ms)
        status, message = self._judge(problem, age_ms, len(clocks), shards)
        feed, feed_age_ms = self._feed(now_ms)
        return Health(
            status=status,
            message=message,
            pulse_age_seconds=_seconds(age_ms),
            freshness_seconds=_seconds(self._freshness_ms),
            feed=feed,
            feed_age_seconds=_seconds(feed_age_ms),
            watermark_ms=_oldest([clock.watermark_ms for clock in clocks]),
            closed_ms=_oldest([clock.closed_ms for clock in clocks]),
            event_ms=self._event_ms,
            shards=shards,
            shards_heard=len(clocks),
            stale_seconds=self._stale_ms / 1000,
            time_zone=self._time_zone,
            now_ms=now_ms,
        )

    def _judge(self, problem: str | None, age_ms: int | None, heard: int, shards: int) -> tuple[Status, str]:
        """Status, and the sentence that explains it."""
        if problem is not None:
            return "down", f"The live view can't be read: {problem}"
        if not heard:
            return "stale", "No pulse yet: no worker has written to the live view"
        if heard < shards:
            return "stale", f"Only {heard} of {shards} shards have a pulse"
        if age_ms is None:
            return "stale", "Not every source partition has been heard yet"
        if age_ms > self._stale_ms:
            return "stale", "The pipeline's pulse has stopped"
        return "ok", "Live"

    def _feed(self, now_ms: int) -> tuple[Feed, int | None]:
        """What the feed does, and for how long it has brought nothing new (ms)."""
        if self._event_ms is None or self._event_moved_ms is None:
            return "none", None
        if now_ms - self._event_ms <= self._live_ms:
            return "live", max(0, now_ms - self._event_ms)
        still_ms = max(0, now_ms - self._event_moved_ms)
        return ("replaying" if still_ms <= self._live_ms else "silent"), still_ms


def pulse_age_ms(clocks: Iterable[Clock], now_ms: int) -> int | None:
    """Age of the oldest pulse over shards, of merge itself and of the source partition it heard longest ago; None if one
    never was."""
    oldest = _oldest([beat for clock in clocks for beat in (clock.published_ms, clock.heard_ms)])
    return None if oldest is None else max(0, now_ms - oldest)


def _oldest(times: list[int | None]) -> int | None:
    """The minimum; None where there is none or one is missing."""
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def _seconds(duration_ms: int | None) -> float | None:
    """Milliseconds as seconds."""
    return None if duration_ms is None else duration_ms / 1000

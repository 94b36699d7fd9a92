"""Heartbeats for a file of events: 'nothing before this moment is missing', so that windows close where nothing happens.

Heartbeats come in time order among the events, one just before the first event and one for each minute of event time that
begins; whoever sends them puts each into every partition. The surprise: a far one at the end closes every window for good,
so events of the same days that are sent later come too late. It says `"outcome": "end"`, so that the silence after it isn't an
outage.
"""

from collections.abc import Iterable, Iterator

from streams.sources.row import CanonicalEvent, time_of

MINUTE_MS = 60_000
# The longest window that waits is a day, its grace a quarter of one (settings): two days pass both wherever midnight lies. Weeks
# and months that the feed ends within stay open.
CLOSE_AFTER_MS = 2 * 24 * 60 * MINUTE_MS

_IDS = ("id", "interaction_id", "parent_interaction_id")


def with_heartbeats(events: Iterable[CanonicalEvent], *, fill: bool) -> Iterator[CanonicalEvent]:
    """Events in time order with heartbeats among them: e 10:00:05, e 10:01:07 → beat 10:00:04.999, e, beat 10:01:00, e.

    fill: one for each minute of a gap (for a paced replay, where a gap takes its time) instead of only the last.
    """
    beaten_ms: int | None = None
    for event in events:
        time_ms = time_of(event)
        minute_ms = time_ms - time_ms % MINUTE_MS
        if beaten_ms is None:
            yield heartbeat(event, time_ms - 1)
            beaten_ms = minute_ms
        if minute_ms > beaten_ms:
            first_ms = beaten_ms + MINUTE_MS if fill else minute_ms
            yield from (heartbeat(event, beat_ms) for beat_ms in range(first_ms, minute_ms + 1, MINUTE_MS))
            beaten_ms = minute_ms
        yield event


def closing_heartbeat(last: CanonicalEvent) -> CanonicalEvent:
    """The heartbeat that closes every window that `last`, the last event of a feed, may belong to, and ends the feed."""
    return {**heartbeat(last, time_of(last) + CLOSE_AFTER_MS), "outcome": "end"}


def heartbeat(event: CanonicalEvent, time_ms: int) -> CanonicalEvent:
    """A heartbeat of the source of `event`: {'id': 'heartbeat/60000', 'source': …, 'type': 'heartbeat', 'time': 60000}."""
    return {"id": f"heartbeat/{time_ms}", "source": event["source"], "type": "heartbeat", "time": time_ms}


def shifted(events: Iterable[CanonicalEvent], shift_ms: int) -> Iterator[CanonicalEvent]:
    """The same events, later by `shift_ms`. Ids get the shift as well, so that a second replay is no duplicate of the first."""
    for event in events:
        ids = {field: f"{event[field]}{shift_ms:+d}" for field in _IDS if field in event}
        yield {**event, **ids, "time": time_of(event) + shift_ms}

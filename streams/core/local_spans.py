"""Local spans: times that are said by the local clock, each week or once, as [start, end) on the time line.

The surprise is the two nights in which the clock is changed. A start that the clock skips comes as much later, and its end with
it, so that no span vanishes; where the clock shows a time twice, a span goes from the first start to the last end.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from streams.core.hours import parse_spans

Interval: TypeAlias = tuple[datetime, datetime]  # local, without a zone
_JOINED_MAX = 7  # spans joined to each side: a week of days


class Span(NamedTuple):
    """[start, end) in ms since the epoch."""

    start_ms: int
    end_ms: int


class LocalTimes(msgspec.Struct, frozen=True, kw_only=True):
    """weekly: (weekday from Monday = 0, from, to) in minutes of that local day, `to` beyond its 24 hours on the next one, each at
    most a day long; once: local times from, to."""

    weekly: tuple[tuple[int, int, int], ...] = ()
    once: tuple[Interval, ...] = ()


def parse_weekly(text: str) -> tuple[tuple[int, int, int], ...] | None:
    """'mo-fr 22:00-06:00, su 02:00-04:00' as in the settings, nothing for never; None where it can't be read."""
    return parse_spans(text) if text.strip() else ()


def parse_once(text: str) -> Interval | None:
    """'2026-12-24 22:00/2026-12-25 06:00', local times; None where it can't be read or doesn't end after it begins."""
    begins, _, ends = text.partition("/")
    try:
        start, end = datetime.fromisoformat(begins.strip()), datetime.fromisoformat(ends.strip())
    except ValueError:
        return None
    return (start, end) if start.tzinfo is None and end.tzinfo is None and start < end else None


def span_at(times: LocalTimes, time_ms: int, zone: ZoneInfo) -> Span | None:
    """The span that holds a moment. Those that overlap or meet are one; of what never ends about a week each way is told."""
    found = next((span for span in _near(times, time_ms, zone) if span.start_ms <= time_ms < span.end_ms), None)
    return None if found is None else _joined(found, times, zone)


def _joined(span: Span, times: LocalTimes, zone: ZoneInfo) -> Span:
    for _ in range(_JOINED_MAX):
        before = span
        for near in (*_near(times, before.start_ms, zone), *_near(times, before.end_ms, zone)):
            if near.start_ms <= span.end_ms and near.end_ms >= span.start_ms:
                span = Span(min(near.start_ms, span.start_ms), max(near.end_ms, span.end_ms))
        if span == before:
            break
    return span


def _near(times: LocalTimes, time_ms: int, zone: ZoneInfo) -> Iterator[Span]:
    """Every span that may hold a moment: weekly ones that begin today or yesterday, and what is once."""
    today = datetime.fromtimestamp(time_ms / 1000, zone).date()
    for day in (today - timedelta(days=1), today):
        for weekday, begins, ends in times.weekly:
            if weekday == day.weekday():
                yield _span(_clock(day, begins), _clock(day, ends), zone)
    for start, end in times.once:
        yield _span(start, end, zone)


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> Span:
    starts, ends = _moments(start, zone), _moments(end, zone)
    skipped_ms = max(0, starts[0] - starts[1]) if ends[0] <= ends[1] else 0  # an end that is skipped is late already
    return Span(starts[0], max(ends) + skipped_ms)


def _moments(local: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """A local time by the clock before a change and by the one after it. Of a time that is shown twice the first comes first; of
    one that is skipped it comes second, as much later as the clock skips."""
    before, after = (_ms(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    return before, after


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _clock(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)

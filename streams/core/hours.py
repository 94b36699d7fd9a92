"""Business hours: when a queue is open, by the local clock.

Written 'mo-fr 08:00-18:00, sa 09:00-13:00'; an empty text is always open; '22:00-06:00' goes on into the next morning. The
surprise: what counts is the pane of a measure, not the contact: who is offered before closing time and answered after it is in
both (decision 19).
"""

import re
from collections.abc import Container, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from streams.core.window import MINUTE_MS, window_bounds

OPEN, CLOSED = "open", "closed"
DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
DAY_MINUTES = 24 * 60
_SPAN = re.compile(rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))? (\d\d):(\d\d)-(\d\d):(\d\d)")

Week: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]  # by weekday from Monday: [from, to) in minutes of the local day
ALWAYS: Week = tuple(((0, DAY_MINUTES),) for _ in DAYS)


class BusinessHours(msgspec.Struct, frozen=True, kw_only=True):
    """When queues are open: `week` where `queues` says nothing; on `closed` local days none is."""

    week: Week = ALWAYS
    queues: Mapping[str, Week] = {}
    closed: Container[date] = frozenset()


def parse_week(text: str) -> Week | None:
    """Opening hours as written in the settings; None where they can't be read."""
    if not text.strip():
        return ALWAYS
    spans = parse_spans(text)
    if spans is None:
        return None
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for day, begins, ends in spans:
        days[day].append((begins, min(ends, DAY_MINUTES)))
        if ends > DAY_MINUTES:
            days[(day + 1) % 7].append((0, ends - DAY_MINUTES))
    return tuple(tuple(sorted(day)) for day in days)


def parse_spans(text: str) -> tuple[tuple[int, int, int], ...] | None:
    """Weekly spans as written in the settings: (weekday, from, to) in minutes of that day, `to` beyond its 24 hours on the next
    one; None where they can't be read."""
    spans: list[tuple[int, int, int]] = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part.strip())
        if found is None:
            return None
        first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
        begins, ends = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
        if max(begins, ends) > DAY_MINUTES or int(found[4]) > 59 or int(found[6]) > 59 or begins == ends:
            return None
        until = ends if ends > begins else ends + DAY_MINUTES
        spans += [(number % 7, begins, until) for number in range(first, last + 1 if last >= first else last + 8)]
    return tuple(spans)


class OpenHours:
    """Whether a queue is open at a moment. Keeps the last span of each queue: panes come in order, more or less."""

    def __init__(self, hours: BusinessHours, zone: ZoneInfo) -> None:
        self._hours, self._zone = hours, zone
        self._last: dict[str, tuple[int, int, bool]] = {}

    def is_open(self, queue: str, time_ms: int) -> bool:
        """At a moment, in whole minutes of the local clock."""
        span = self._last.get(queue)
        if span is None or not span[0] <= time_ms < span[1]:
            if len(self._last) > 10_000:  # queue names made up by somebody: begin anew
                self._last.clear()
            span = self._last[queue] = self._span(queue, time_ms)
        return span[2]

    def _span(self, queue: str, time_ms: int) -> tuple[int, int, bool]:
        """[start, end) of the local day in which nothing changes for a queue, and whether it is open then."""
        start_ms, end_ms = window_bounds("1d", time_ms, self._zone)
        today = datetime.fromtimestamp((start_ms + MINUTE_MS) / 1000, self._zone).date()
        if today in self._hours.closed:
            return start_ms, end_ms, False
        for begins, ends in self._hours.queues.get(queue, self._hours.week)[today.weekday()]:
            opens_ms = start_ms if begins == 0 else self._at(today, begins)
            closes_ms = end_ms if ends == DAY_MINUTES else self._at(today, ends)
            if opens_ms <= time_ms < closes_ms:
                return opens_ms, closes_ms, True
            if time_ms < opens_ms:
                return start_ms, opens_ms, False
            start_ms = max(start_ms, closes_ms)
        return start_ms, end_ms, False

    def _at(self, day: date, minute: int) -> int:
        """A local time of a day, ms since the epoch; one that a clock change skips is as much later."""
        local = datetime.combine(day, time(minute // 60, minute % 60), self._zone)
        return (local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

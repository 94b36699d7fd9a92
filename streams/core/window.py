"""Windows of event time: where they start and end, in a configured time zone.

Every kind covers the time line without gap or overlap, and the kinds nest: 1m ⊂ 15m ⊂ 1h ⊂ 1d ⊂ 1w, 1d ⊂ 1mo. All intervals are
half open. Weeks begin on Monday.
The surprise: hours and quarters follow the local clock, and a clock change cuts them. Where the clock moves by whole hours no
window is shorter for it; on Lord Howe Island (30 minutes) one hour a year lasts 30 minutes, and days last 23 to 25 hours.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.core.trend import LONG, WindowKind

MINUTE_MS = 60_000
TRAILING_MS = 30 * MINUTE_MS
_LENGTH_MS: dict[WindowKind, int] = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": 60 * MINUTE_MS}
_UTC_DAY_MS = 24 * 60 * MINUTE_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Day(NamedTuple):
    """A local day [start_ms, end_ms). Before change_ms the clock is offset_ms ahead of UTC, from then on offset_after_ms."""

    start_ms: int
    change_ms: int
    end_ms: int
    offset_ms: int
    offset_after_ms: int


def window_bounds(kind: WindowKind, time_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) of the window of a kind, tumbling or long, that holds `time_ms`."""
    if kind == "1m":
        start = time_ms - time_ms % MINUTE_MS
        return start, start + MINUTE_MS
    return _bounds_of_minute(kind, time_ms // MINUTE_MS, zone)


@lru_cache(
    maxsize=65_536
)  # all kinds of a week; looking is ten times as quick as making, and journey asks dozens of times a contact
def _bounds_of_minute(kind: WindowKind, minute: int, zone: ZoneInfo) -> tuple[int, int]:
    """The window that holds a minute: all begin and end with whole ones."""
    time_ms = minute * MINUTE_MS
    day = _day(time_ms, zone)
    if kind == "1d":
        return day.start_ms, day.end_ms
    if kind in LONG:
        return _long_bounds(kind, day.start_ms, zone)
    if time_ms < day.change_ms:
        first, last, offset = day.start_ms, day.change_ms, day.offset_ms
    else:
        first, last, offset = day.change_ms, day.end_ms, day.offset_after_ms
    length = _LENGTH_MS[kind]
    start = time_ms - (time_ms + offset) % length
    return max(first, start), min(last, start + length)


def _long_bounds(kind: WindowKind, day_start_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) of the week or month of a local day."""
    today = (_EPOCH + timedelta(milliseconds=day_start_ms + MINUTE_MS)).astimezone(zone).date()  # midnights are whole minutes
    if kind == "1w":
        first = today - timedelta(days=today.weekday())
        after = first + timedelta(days=7)
    else:
        first = today.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    return _midnight(first, zone), _midnight(after, zone)


def window_start(kind: WindowKind, time_ms: int, zone: ZoneInfo) -> int:
    """When the window of a kind that holds `time_ms` begins; never decreases with time."""
    return window_bounds(kind, time_ms, zone)[0]


def window_end(kind: WindowKind, start_ms: int, zone: ZoneInfo) -> int:
    """When the window that begins at `start_ms` (or holds it) ends; the next one begins there."""
    return window_bounds(kind, start_ms, zone)[1]


def trailing_start(end_ms: int) -> int:
    """When the trailing window '30m' that ends at `end_ms` begins."""
    return end_ms - TRAILING_MS


def _day(time_ms: int, zone: ZoneInfo) -> _Day:
    """The local day that holds `time_ms`."""
    for day in _days(time_ms // _UTC_DAY_MS, zone):
        if time_ms < day.end_ms:
            return day
    raise AssertionError(f"the local days of {zone.key} don't cover {time_ms}")


@lru_cache(maxsize=4096)  # eleven years of days for one zone
def _days(utc_day: int, zone: ZoneInfo) -> tuple[_Day, ...]:
    """The local days that overlap one day of UTC, in order: two or three."""
    start_ms, end_ms = utc_day * _UTC_DAY_MS, (utc_day + 1) * _UTC_DAY_MS
    first = date(1970, 1, 1) + timedelta(days=utc_day - 1)
    # Zones reach from UTC-12 to UTC+14, and Samoa once left out a day: five midnights always suffice.
    midnights = sorted({_midnight(first + timedelta(days=k), zone) for k in range(5)})
    return tuple(_make_day(a, b, zone) for a, b in pairwise(midnights) if a < end_ms and b > start_ms)


def _make_day(start_ms: int, end_ms: int, zone: ZoneInfo) -> _Day:
    """A day with its clock change; change_ms = end_ms where there is none. No zone has changed twice in one day since 1970."""
    before, after = _offset(start_ms, zone), _offset(end_ms - MINUTE_MS, zone)
    change = end_ms if before == after else _change(start_ms, end_ms - MINUTE_MS, zone)
    return _Day(start_ms, change, end_ms, before, after)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """When a local day begins: its first midnight, or the clock change that skips it, in whole minutes."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    first, second = _milliseconds(midnight), _milliseconds(midnight.replace(fold=1))
    # In a gap fold=1 reads the clock as after the change and so comes out earlier; the change lies between the two.
    return first if first <= second else _change(second - MINUTE_MS, first, zone)


def _change(low_ms: int, high_ms: int, zone: ZoneInfo) -> int:
    """The first whole minute in (low, high] with the offset that holds at `high_ms`, by bisection."""
    after = _offset(high_ms, zone)
    while high_ms - low_ms > MINUTE_MS:
        middle = low_ms + (high_ms - low_ms) // (2 * MINUTE_MS) * MINUTE_MS
        low_ms, high_ms = (low_ms, middle) if _offset(middle, zone) == after else (middle, high_ms)
    return high_ms


def _milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch of a moment, down to the whole minute (some offsets before 1973 have seconds)."""
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(minutes=1) * MINUTE_MS


def _offset(time_ms: int, zone: ZoneInfo) -> int:
    """How far the local clock is ahead of UTC, in ms of whole minutes."""
    ahead = (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(zone).utcoffset()
    assert ahead is not None, "a zone always knows its offset"
    return ahead // timedelta(minutes=1) * MINUTE_MS

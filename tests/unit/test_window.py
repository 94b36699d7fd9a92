"""Windows by example: clock changes, odd offsets, days without midnight."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from streams.core.trend import WindowKind
from streams.core.window import trailing_start, window_bounds, window_end, window_start

HOUR_MS = 3_600_000


def at(zone: str, text: str, fold: int = 0) -> int:
    """Epoch milliseconds of a local wall-clock time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def bounds(kind: WindowKind, zone: str, text: str, fold: int = 0) -> tuple[str, str]:
    """Local start and end of the window that holds a local time, with their offsets."""
    info = ZoneInfo(zone)
    start = window_start(kind, at(zone, text, fold), info)
    end = window_end(kind, start, info)
    shown = [datetime.fromtimestamp(ms / 1000, info).isoformat(timespec="minutes") for ms in (start, end)]
    return shown[0], shown[1]


@pytest.mark.parametrize(
    ("kind", "zone", "time", "fold", "expected"),
    [
        ("1m", "UTC", "2026-11-23T10:07:59", 0, ("2026-11-23T10:07+00:00", "2026-11-23T10:08+00:00")),
        ("15m", "UTC", "2026-11-23T10:15:00", 0, ("2026-11-23T10:15+00:00", "2026-11-23T10:30+00:00")),
        ("1h", "Asia/Kolkata", "2026-11-23T10:07", 0, ("2026-11-23T10:00+05:30", "2026-11-23T11:00+05:30")),
        ("1h", "Asia/Kathmandu", "2026-11-23T10:59", 0, ("2026-11-23T10:00+05:45", "2026-11-23T11:00+05:45")),
        ("15m", "Asia/Kathmandu", "2026-11-23T10:59", 0, ("2026-11-23T10:45+05:45", "2026-11-23T11:00+05:45")),
        ("1d", "Asia/Kolkata", "2026-11-23T23:59", 0, ("2026-11-23T00:00+05:30", "2026-11-24T00:00+05:30")),
        # Berlin, forward: 02:00 → 03:00, 23 hours.
        ("1d", "Europe/Berlin", "2026-03-29T12:00", 0, ("2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00")),
        ("1h", "Europe/Berlin", "2026-03-29T01:30", 0, ("2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00")),
        # Berlin, back: 03:00 → 02:00, 25 hours; the hour from two to three comes twice and is two windows.
        ("1d", "Europe/Berlin", "2026-10-25T12:00", 0, ("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00")),
        ("1h", "Europe/Berlin", "2026-10-25T02:30", 0, ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00")),
        ("1h", "Europe/Berlin", "2026-10-25T02:30", 1, ("2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00")),
        # Weeks begin on Monday; Berlin's has 167 hours, its month one hour less, too.
        ("1w", "Europe/Berlin", "2026-03-29T12:00", 0, ("2026-03-23T00:00+01:00", "2026-03-30T00:00+02:00")),
        ("1mo", "Europe/Berlin", "2026-03-29T12:00", 0, ("2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00")),
        ("1w", "Europe/Berlin", "2026-10-25T23:59", 0, ("2026-10-19T00:00+02:00", "2026-10-26T00:00+01:00")),
        ("1mo", "Europe/Berlin", "2026-10-01T00:00", 0, ("2026-10-01T00:00+02:00", "2026-11-01T00:00+01:00")),
        ("1w", "Asia/Kolkata", "2026-11-23T00:00", 0, ("2026-11-23T00:00+05:30", "2026-11-30T00:00+05:30")),
        ("1mo", "Asia/Kolkata", "2028-02-29T23:59", 0, ("2028-02-01T00:00+05:30", "2028-03-01T00:00+05:30")),
        ("1w", "Australia/Lord_Howe", "2026-10-04T02:45", 0, ("2026-09-28T00:00+10:30", "2026-10-05T00:00+11:00")),
        ("1mo", "Australia/Lord_Howe", "2026-04-05T01:45", 1, ("2026-04-01T00:00+11:00", "2026-05-01T00:00+10:30")),
        ("1w", "UTC", "2027-01-01T00:00", 0, ("2026-12-28T00:00+00:00", "2027-01-04T00:00+00:00")),
        ("1mo", "UTC", "2026-12-31T23:59", 0, ("2026-12-01T00:00+00:00", "2027-01-01T00:00+00:00")),
        # São Paulo, 2018-11-04: midnight doesn't exist, the day begins at 01:00.
        ("1d", "America/Sao_Paulo", "2018-11-04T12:00", 0, ("2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00")),
        ("1d", "America/Sao_Paulo", "2018-11-03T23:59", 0, ("2018-11-03T00:00-03:00", "2018-11-04T01:00-02:00")),
        # Havana, back at 01:00: midnight comes twice, the day begins at the first.
        ("1d", "America/Havana", "2026-11-01T12:00", 0, ("2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00")),
        # Lord Howe moves by half an hour: one hour is cut.
        ("1h", "Australia/Lord_Howe", "2026-10-04T02:45", 0, ("2026-10-04T02:30+11:00", "2026-10-04T03:00+11:00")),
        # Samoa left out 30 December 2011.
        ("1d", "Pacific/Apia", "2011-12-29T12:00", 0, ("2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00")),
    ],
)
def test_a_window_follows_the_local_clock(kind: WindowKind, zone: str, time: str, fold: int, expected: tuple[str, str]) -> None:
    assert expected == bounds(kind, zone, time, fold)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-23", 24)])
def test_a_day_in_berlin_lasts_23_24_or_25_hours(day: str, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = window_start("1d", at("Europe/Berlin", f"{day}T12:00"), zone)
    assert hours * HOUR_MS == window_end("1d", start, zone) - start


@pytest.mark.parametrize(
    ("zone", "kind", "time", "minutes"),
    [
        ("Europe/Berlin", "1w", "2026-03-25T12:00", 7 * 1440 - 60),
        ("Europe/Berlin", "1w", "2026-10-25T12:00", 7 * 1440 + 60),
        ("Europe/Berlin", "1mo", "2026-03-02T12:00", 31 * 1440 - 60),
        ("Europe/Berlin", "1mo", "2026-10-25T12:00", 31 * 1440 + 60),
        ("Australia/Lord_Howe", "1w", "2026-10-01T12:00", 7 * 1440 - 30),
        ("Australia/Lord_Howe", "1mo", "2026-04-15T12:00", 30 * 1440 + 30),
        ("Asia/Kolkata", "1mo", "2026-02-15T12:00", 28 * 1440),
    ],
)
def test_weeks_and_months_are_shorter_or_longer_by_what_the_clock_moves(
    zone: str, kind: WindowKind, time: str, minutes: int
) -> None:
    start, end = window_bounds(kind, at(zone, time), ZoneInfo(zone))
    assert end - start == minutes * 60_000


def test_a_window_holds_its_start_and_not_its_end() -> None:
    zone = ZoneInfo("UTC")
    assert window_start("15m", 900_000, zone) == 900_000
    assert window_start("15m", 899_999, zone) == 0
    assert window_end("15m", 0, zone) == 900_000


def test_the_trailing_window_is_half_an_hour_long() -> None:
    assert trailing_start(1_800_000) == 0

"""Local spans by example: the local clock, past midnight, and the two nights in which it is changed, worked out by hand."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streams.core.local_spans import LocalTimes, parse_once, parse_weekly, span_at

BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str) -> int:
    """A time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%d %H:%M")


def span(text: str, time: str, zone: ZoneInfo = BERLIN) -> tuple[str, str] | None:
    """The span of weekly or single times that holds a time in UTC, as day and time in UTC."""
    weekly, once = (None, parse_once(text)) if "/" in text else (parse_weekly(text), None)
    assert weekly is not None or once is not None
    found = span_at(LocalTimes(weekly=weekly or (), once=() if once is None else (once,)), ms(time), zone)
    return None if found is None else (utc(found.start_ms), utc(found.end_ms))


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-01-11T00:59", None),  # 01:59 in Berlin, a Sunday
        ("2026-01-11T01:00", ("11 01:00", "11 03:00")),
        ("2026-01-11T02:59", ("11 01:00", "11 03:00")),
        ("2026-01-11T03:00", None),
        ("2026-01-12T02:00", None),
        ("2026-07-12T00:00", ("12 00:00", "12 02:00")),  # in summer an hour sooner by UTC
    ],
)
def test_a_weekly_span_is_half_open_and_goes_by_the_local_clock(time: str, expected: tuple[str, str] | None) -> None:
    assert span("su 02:00-04:00", time) == expected


def test_a_night_is_one_span_that_belongs_to_the_evening() -> None:
    assert span("fr 22:00-06:00", "2026-01-09T22:30") == ("09 21:00", "10 05:00")
    assert span("fr 22:00-06:00", "2026-01-10T04:59") == ("09 21:00", "10 05:00")
    assert span("fr 22:00-06:00", "2026-01-09T04:00") is None


def test_the_night_that_has_an_hour_less_shortens_what_goes_over_it() -> None:
    """On 2026-03-29 the clock in Berlin goes from 02:00 to 03:00, which is 01:00 in UTC."""
    assert span("sa 22:00-06:00", "2026-03-29T01:30") == ("28 21:00", "29 04:00")  # seven hours
    assert span("su 01:00-02:30", "2026-03-29T00:30") == ("29 00:00", "29 01:30")  # its end is skipped: 03:30


def test_a_start_that_the_clock_skips_comes_as_much_later_and_the_end_with_it() -> None:
    assert span("su 02:00-03:00", "2026-03-29T01:30") == ("29 01:00", "29 02:00")  # 03:00 to 04:00: it doesn't vanish
    assert span("su 02:30-04:00", "2026-03-29T02:00") == ("29 01:30", "29 03:00")  # 03:30 to 05:00
    assert span("2026-03-29 02:15/2026-03-29 02:45", "2026-03-29T01:20") == ("29 01:15", "29 01:45")


def test_the_night_that_has_an_hour_twice_goes_from_the_first_start_to_the_last_end() -> None:
    """On 2026-10-25 the clock in Berlin goes from 03:00 back to 02:00, which is 01:00 in UTC."""
    assert span("su 02:00-03:00", "2026-10-25T00:30") == ("25 00:00", "25 02:00")
    assert span("su 02:30-02:45", "2026-10-25T01:00") == ("25 00:30", "25 01:45")
    assert span("sa 22:00-06:00", "2026-10-25T04:30") == ("24 20:00", "25 05:00")  # nine hours


def test_clocks_that_change_at_midnight_or_by_half_an_hour() -> None:
    """Cuba's clock goes from 00:00 to 01:00 on 2026-03-08, Lord Howe's from 02:00 to 02:30 on 2026-10-04."""
    assert span("sa 22:00-06:00", "2026-03-08T05:30", ZoneInfo("America/Havana")) == ("08 03:00", "08 10:00")
    assert span("su 02:00-03:00", "2026-10-03T16:00", ZoneInfo("Australia/Lord_Howe")) == ("03 15:30", "03 16:30")


def test_a_single_span_may_last_for_days() -> None:
    text = "2026-12-24 22:00/2026-12-27 06:00"
    assert span(text, "2026-12-26T12:00") == ("24 21:00", "27 05:00")
    assert span(text, "2026-12-27T05:00") is None


def test_spans_that_overlap_or_meet_are_one() -> None:
    assert span("mo 08:00-12:00, mo 09:00-15:00", "2026-01-12T07:30") == ("12 07:00", "12 14:00")
    assert span("mo-fr 22:00-06:00, sa-su 00:00-24:00", "2026-01-10T12:00") == ("09 21:00", "11 23:00")
    assert span("mo 08:00-12:00, mo 12:01-15:00", "2026-01-12T07:30") == ("12 07:00", "12 11:00")


def test_of_what_never_ends_a_week_each_way_is_told() -> None:
    assert span("mo-su 00:00-24:00", "2026-01-15T12:00") == ("07 23:00", "22 23:00")


@pytest.mark.parametrize(
    "text", ["2026-12-24 22:00", "2026-12-25 06:00/2026-12-24 22:00", "2026-12-24T22:00Z/2026-12-25T06:00Z", "x/y"]
)
def test_what_is_no_local_span_is_not_read(text: str) -> None:
    assert parse_once(text) is None


def test_nothing_said_is_never() -> None:
    assert parse_weekly(" ") == ()
    assert parse_weekly("su 25:00-26:00") is None

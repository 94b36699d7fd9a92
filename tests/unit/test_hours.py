"""Business hours by example: the local clock, nights, holidays, clock changes; what is counted under them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from intake_fakes import HOUR, READ_MS, T0, event, make_rules, measures

from streams.core.hours import ALWAYS, BusinessHours, OpenHours, parse_week
from streams.core.intake import Intake
from streams.rules import business_hours
from streams.settings import Hours

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = "mo-fr 08:00-18:00, sa 09:00-13:00"


def is_open(text: str, local: str, closed: frozenset[date] = frozenset(), zone: ZoneInfo = BERLIN) -> bool:
    week = parse_week(text)
    assert week is not None
    hours = OpenHours(BusinessHours(week=week, closed=closed), zone)
    return hours.is_open("billing", int(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp() * 1000))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-23T07:59:59", False),  # a Monday
        ("2026-11-23T08:00", True),
        ("2026-11-27T17:59:59", True),
        ("2026-11-27T18:00", False),
        ("2026-11-28T12:59", True),
        ("2026-11-28T13:00", False),
        ("2026-11-29T10:00", False),
        ("2026-03-30T08:00", True),  # the morning after the clock went forward
        ("2026-10-26T07:59", False),
    ],
)
def test_a_queue_is_open_by_the_local_clock(local: str, expected: bool) -> None:
    assert is_open(OFFICE, local) is expected


def test_hours_may_go_past_midnight_and_over_a_day_of_23_or_25_hours() -> None:
    night = "sa 22:00-06:00"
    assert [is_open(night, f"2026-03-{time}") for time in ("28T21:59", "28T22:00", "29T05:59", "29T06:00")] == [
        False, True, True, False
    ]  # fmt: skip
    assert is_open("su 03:00-04:00", "2026-10-25T03:30")
    assert not is_open("su 03:00-04:00", "2026-10-25T02:30")
    assert is_open("mo-su 00:00-24:00", "2026-10-25T23:59")
    assert is_open("su 09:00-10:00", "2026-10-04T09:00", zone=ZoneInfo("Australia/Lord_Howe"))


def test_no_queue_is_open_on_a_closed_day() -> None:
    assert not is_open(OFFICE, "2026-12-24T10:00", frozenset({date(2026, 12, 24)}))
    assert is_open(OFFICE, "2026-12-23T10:00", frozenset({date(2026, 12, 24)}))


def test_public_holidays_of_a_country_or_a_part_of_it_are_closed() -> None:
    germany, bavaria = (business_hours(Hours("", name, ("2026-12-24",), {})).closed for name in ("DE", "DE/BY"))
    epiphany, christmas = date(2026, 1, 6), date(2026, 12, 25)
    assert (epiphany in germany, epiphany in bavaria, christmas in germany, date(2026, 12, 24) in germany) == (
        False, True, True, True
    )  # fmt: skip


def test_nothing_is_always_and_a_slip_is_no_week() -> None:
    assert parse_week("") == ALWAYS
    for text in ("mo-fr", "08:00-18:00", "mo 8:00-18:00", "mo 08:00-25:00", "mo 08:60-09:00", "mo 08:00-08:00", "xx 08:00-09:00"):
        assert parse_week(text) is None


def test_what_happens_while_a_queue_is_closed_counts_under_closed() -> None:
    opens, closes = datetime.fromtimestamp(T0 / 1000, ZoneInfo("UTC")), T0 + HOUR  # 08:54, a Thursday
    assert (opens.weekday(), opens.hour, opens.minute) == (3, 8, 54)
    week = parse_week("th 08:54-09:54")
    assert week is not None
    rules = make_rules(cuts=("total", "queue", "hours", "queue+hours"), hours=BusinessHours(queues={"billing": week}))
    intake = Intake(0, {}, rules)
    late = (closes - T0) / 1000
    intake.apply([event("offered", late - 10, queue="billing"), event("queued", late - 1), event("answered", late)], READ_MS)
    intake.apply([event("offered", late, "i2", queue="sales"), event("queued", late + 5, "i3", queue="billing")], READ_MS)
    frames = intake.drain(READ_MS, 0).frames
    waiting = {level.series for frame in frames for level in frame.waiting or ()}
    answered = {"answered": 1, "answered_in_target": 1, "wait_ms": 1_000, "queued": 1}
    assert measures(frames, "queue+hours\x1fbilling\x1fopen") == {"offered": 1, "queued": 1}
    assert measures(frames, "queue+hours\x1fbilling\x1fclosed") == answered
    assert measures(frames, "queue+hours\x1fsales\x1fopen") == {"offered": 1}
    assert measures(frames, "hours\x1fopen") == {"offered": 2, "queued": 1}
    assert measures(frames) == {"offered": 2, "queued": 2, "answered": 1, "answered_in_target": 1, "wait_ms": 1_000}
    assert waiting == {"total", "queue\x1fbilling"}  # a level is of now

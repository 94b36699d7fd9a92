"""Forecasting on the time line: what is learned of days, closings, holidays, gaps and clock changes; restarts."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from counts_made_up import HOUR_MS, MONDAY, hours, mean_of
from forecast_rules import FORECAST
from msgspec.structs import replace

from streams.core.forecast_record import ForecastDay
from streams.core.forecasting import Forecasting

HOURLY = replace(FORECAST, slot_minutes=60)
WEEKS_6 = 42


def learned(days: int, contacts: float = 200.0) -> Forecasting:
    forecasting = Forecasting({}, HOURLY)
    for start_ms, number, _ in hours(days, contacts):
        forecasting.take(start_ms, {"total": number})
    return forecasting


def by_day(found: Iterable[tuple[str, ForecastDay]], series: str = "total") -> dict[str, ForecastDay]:
    return {record.day: record for name, record in found if name == series}


def start_of(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)


def test_after_six_weeks_each_hour_of_the_next_week_is_known() -> None:
    forecasting = learned(WEEKS_6)
    monday = MONDAY + timedelta(days=WEEKS_6)
    forecasting.take(start_of(monday), {})

    found = by_day(forecasting.everything(0))

    assert list(found) == [(monday + timedelta(days=number)).isoformat() for number in range(8)]
    for day in (monday + timedelta(days=number) for number in range(1, 5)):
        record = found[day.isoformat()]
        expected = np.array([mean_of(day, hour, 200.0) for hour in range(24)])
        assert np.abs(np.array(record.mean) - expected).sum() < 0.05 * expected.sum()
        assert record.total == pytest.approx(sum(record.mean), abs=0.2)
        assert record.outcome.total_low_80 < record.total < record.outcome.total_high_80
        assert record.outcome.peak_slot == 10
    assert found["2024-02-17"].total == 0  # a Saturday


def test_before_a_whole_day_was_seen_there_is_no_forecast() -> None:
    assert learned(1).drain(0) == []


@pytest.mark.parametrize(("first_hour", "days_told"), [(2, 8), (3, 0)])
def test_a_first_day_counts_when_it_began_with_the_first_contact_of_a_quiet_night(first_hour: int, days_told: int) -> None:
    forecasting = Forecasting({}, HOURLY)
    for start_ms, number, _ in list(hours(2, 50.0))[first_hour:25]:
        forecasting.take(start_ms, {"total": number})

    assert len(forecasting.everything(0)) == days_told


def test_a_day_that_brings_a_third_more_is_noticed_within_hours() -> None:
    forecasting = learned(WEEKS_6)
    monday = start_of(MONDAY + timedelta(days=WEEKS_6))
    forecasting.take(monday, {})
    usual = by_day(forecasting.everything(0))["2024-02-12"]

    for hour in range(13):
        mean = mean_of(MONDAY, hour, 200.0) * 1.33
        forecasting.take(monday + hour * HOUR_MS, {"total": round(mean)})

    today = by_day(forecasting.drain(0))["2024-02-12"]
    place = usual.starts_ms.index(today.starts_ms[0])
    assert today.starts_ms[0] == monday + 12 * HOUR_MS
    assert today.mean[0] > 1.15 * usual.mean[place]


def test_a_restart_in_the_middle_of_a_slot_changes_nothing() -> None:
    kept: dict[bytes, bytes] = {}
    counted = [(start_ms, number) for start_ms, number, _ in hours(15, 30.0)]
    through, first = Forecasting({}, FORECAST), Forecasting(kept, FORECAST)

    def minutes(forecasting: Forecasting, part: list[tuple[int, int]]) -> None:
        for start_ms, number in part:
            for quarter in range(4):
                forecasting.take(start_ms + quarter * HOUR_MS // 4, {"total": number // 4, "queue\x1fbilling": number // 9})

    minutes(through, counted)
    minutes(first, counted[:250])
    first.take(counted[250][0], {"total": 3})
    through_again = Forecasting({}, FORECAST)
    minutes(through_again, counted[:250])
    through_again.take(counted[250][0], {"total": 3})
    first.drain(5)
    again = Forecasting(dict(kept), FORECAST)
    for forecasting in (again, through_again):
        forecasting.take(counted[250][0] + 60_000, {"total": 5})
        minutes(forecasting, counted[251:])

    assert again.everything(7) == through_again.everything(7)
    assert len(again.everything(7)) == 16  # eight days of two series


def test_other_slots_or_another_time_zone_are_learned_anew() -> None:
    kept: dict[bytes, bytes] = {}
    forecasting = Forecasting(kept, HOURLY)
    for start_ms, number, _ in hours(3, 50.0):
        forecasting.take(start_ms, {"total": number})
    assert forecasting.drain(0) != []

    assert Forecasting(dict(kept), HOURLY).everything(0) != []
    assert Forecasting(dict(kept), replace(HOURLY, time_zone="Europe/Berlin")).everything(0) == []
    assert Forecasting(dict(kept), FORECAST).everything(0) == []


def test_a_series_of_few_contacts_takes_its_share_of_the_total() -> None:
    forecasting = Forecasting({}, HOURLY)
    random = np.random.default_rng(3)
    for start_ms, number, _ in hours(WEEKS_6, 200.0):
        forecasting.take(start_ms, {"total": number, "queue\x1fvip": int(random.binomial(number, 0.005))})
    forecasting.take(start_of(MONDAY + timedelta(days=WEEKS_6)), {})

    found = forecasting.everything(0)
    total, small = by_day(found)["2024-02-13"], by_day(found, "queue\x1fvip")["2024-02-13"]

    assert (total.borrowed, small.borrowed) == (False, True)
    assert small.total == pytest.approx(0.005 * total.total, rel=0.2)
    assert small.mean[10] / small.total == pytest.approx(total.mean[10] / total.total, abs=0.005)


def test_a_holiday_is_a_sunday_until_one_was_seen() -> None:
    rules = replace(HOURLY, holidays=frozenset({date(2024, 2, 14)}))  # a Wednesday
    forecasting = Forecasting({}, rules)
    for start_ms, number, _ in hours(WEEKS_6, 200.0):
        forecasting.take(start_ms, {"total": number})
    forecasting.take(start_of(MONDAY + timedelta(days=WEEKS_6)), {})

    found = by_day(forecasting.everything(0))

    assert found["2024-02-14"].total == 0
    assert found["2024-02-15"].total > 1_500


def test_a_feed_that_was_away_for_a_year_teaches_no_silence() -> None:
    forecasting = learned(WEEKS_6)
    later = MONDAY + timedelta(days=364)
    forecasting.take(start_of(later), {})

    assert by_day(forecasting.everything(0))[later.isoformat()].total > 1_500


def test_where_the_clock_goes_forward_an_hour_has_no_slots() -> None:
    rules = replace(HOURLY, time_zone="Europe/Berlin", days_ahead=1)
    forecasting = Forecasting({}, rules)
    zone = ZoneInfo("Europe/Berlin")
    first = round(datetime(2024, 3, 25, tzinfo=zone).timestamp() * 1000)
    for hour in range(5 * 24 + 1):
        forecasting.take(first + hour * HOUR_MS, {"total": 10})

    found = by_day(forecasting.everything(0))

    assert [len(record.starts_ms) for record in found.values()] == [24, 23]
    sunday = found["2024-03-31"]
    local = [datetime.fromtimestamp(start_ms / 1000, zone).hour for start_ms in sunday.starts_ms]
    assert local == [0, 1, *range(3, 24)]


def test_of_an_hour_that_comes_twice_the_first_counts() -> None:
    rules = replace(HOURLY, time_zone="Europe/Berlin", days_ahead=1)
    forecasting = Forecasting({}, rules)
    first = round(datetime(2024, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)
    for hour in range(4 * 24 + 2):
        twice = hour == 2 * 24 + 3  # 02:00 for the second time
        forecasting.take(first + hour * HOUR_MS, {"total": 1_000 if twice else 100})

    assert max(by_day(forecasting.everything(0))["2024-10-29"].mean) < 150


def test_beyond_the_limit_series_have_no_forecast() -> None:
    forecasting = Forecasting({}, replace(HOURLY, series_max=2))
    for start_ms, number, _ in hours(3, 50.0):
        forecasting.take(start_ms, {"total": number, "queue\x1fa": number // 2, "queue\x1fb": number // 2})

    assert {name for name, _ in forecasting.everything(0)} == {"total", "queue\x1fa"}


def test_forecasts_that_are_due_leave_a_few_at_a_time_and_all_of_them_after_a_restart() -> None:
    kept: dict[bytes, bytes] = {}
    forecasting = Forecasting(kept, HOURLY)
    for start_ms, number, _ in hours(2, 50.0):
        forecasting.take(start_ms, {"total": number, "queue\x1fa": number // 2, "queue\x1fb": number // 2})
    forecasting.take(start_of(MONDAY + timedelta(days=2)), {})

    def told(one: Forecasting) -> list[int]:
        return [len(one.drain(0)) for _ in range(3)]

    assert told(forecasting) == [20, 4, 0]  # eight days of three series
    assert told(Forecasting(dict(kept), HOURLY)) == [20, 4, 0]
    forecasting.take(start_of(MONDAY + timedelta(days=2)) + HOUR_MS, {})
    assert told(forecasting) == [6, 0, 0]  # today and tomorrow

"""Profile: where curves go within a minute, who has one, openings, the hour that comes twice."""

import numpy as np
import pytest
from forecast_rules import FORECAST
from msgspec.structs import replace

from streams.core.forecasting import Forecasting
from streams.core.profile import Profile, no_profile

MINUTE_MS = 60_000
SLOT_MS = 15 * MINUTE_MS
DAY_MS = 1440 * MINUTE_MS
MONDAY_MS = 1_699_833_600_000  # 13 November 2023, UTC


def learned(days: int, by_hour: dict[int, int], time_zone: str = "UTC", start_ms: int = MONDAY_MS) -> Forecasting:
    """A forecaster after so many days with these contacts per slot, from an hour of UTC on."""
    forecasting = Forecasting({}, replace(FORECAST, time_zone=time_zone))
    for start in range(start_ms, start_ms + days * DAY_MS, SLOT_MS):
        hour = (start % DAY_MS) // (60 * MINUTE_MS)
        count = by_hour[max(begin for begin in by_hour if begin <= hour)]
        forecasting.take(start, {"total": count} if count else {})
    forecasting.take(start_ms + days * DAY_MS, {})
    return forecasting


def into(forecasting: Forecasting, minute: int, days: int) -> Profile:
    """The profile's step into a minute of the day after so many days."""
    start_ms = MONDAY_MS + days * DAY_MS + minute * MINUTE_MS
    return forecasting.profile(start_ms - MINUTE_MS, start_ms, ["total", "queue\x1fnew"])


def test_a_curve_is_known_after_three_days_and_only_for_series_that_are_forecast() -> None:
    assert into(learned(2, {0: 30}), 600, 2).known.tolist() == [False, False]
    assert into(learned(4, {0: 30}), 600, 4).known.tolist() == [True, False]


def test_the_steps_of_a_day_lead_from_its_night_to_its_noon() -> None:
    forecasting = learned(5, {0: 15, 6: 30, 9: 60, 12: 90})
    steps = [float(into(forecasting, minute, 5).rise[0]) for minute in range(181, 841)]
    assert np.exp(sum(steps)) == pytest.approx(6.0, rel=0.15)
    assert max(steps) < 0.08


def test_who_opens_at_eight_is_expected_from_eight_on() -> None:
    forecasting = learned(5, {0: 0, 8: 150, 18: 0})
    rates = [float(np.exp(into(forecasting, minute, 5).log_rate[0])) for minute in (470, 479, 480, 500)]
    assert rates == pytest.approx([0.01, 0.01, 10.0, 10.0], rel=0.25)


def test_a_new_day_makes_the_level_less_sure() -> None:
    forecasting = learned(5, {0: 30})
    unsure = [float(into(forecasting, minute, 5).unsure[0]) for minute in (1439, 1440, 1441)]
    assert unsure[0] == unsure[2] == 0.0
    assert unsure[1] > 0.0


def test_what_is_further_away_than_tomorrow_has_no_profile() -> None:
    found = into(learned(5, {0: 30}), 3 * 1440, 5)
    assert [field.tolist() for field in found] == [field.tolist() for field in no_profile(2)]


def test_an_hour_that_comes_twice_is_expected_twice() -> None:
    clock_back_ms = 1_698_537_600_000  # 29 October 2023; in Berlin 3:00 is 2:00 again at 1:00 UTC
    start_ms = clock_back_ms - 7 * DAY_MS - 120 * MINUTE_MS  # midnight
    forecasting = learned(7, {0: 30, 1: 60}, "Europe/Berlin", start_ms)
    second = forecasting.profile(clock_back_ms + 89 * MINUTE_MS, clock_back_ms + 90 * MINUTE_MS, ["total"])
    assert second.known.tolist() == [True]
    assert second.log_rate[0] == pytest.approx(np.log(2.0), abs=0.3)


def after_a_wild_hour(held: bool) -> float:
    """Contacts a minute expected at 10:30, after a week of two and a last day with eight from 10 to 11."""
    forecasting = learned(7, {0: 30})
    for minute in range(0, 1440, 15):
        wild = 600 <= minute < 660
        forecasting.take(MONDAY_MS + 7 * DAY_MS + minute * MINUTE_MS, {"total": 120 if wild else 30})
        if wild and held:
            forecasting.hold(["total"])
    forecasting.take(MONDAY_MS + 8 * DAY_MS, {"total": 30})
    return float(np.exp(into(forecasting, 630, 8).log_rate[0]))


def test_what_an_alert_was_on_for_teaches_little() -> None:
    assert after_a_wild_hour(held=True) == pytest.approx(2.0, rel=0.04)
    assert after_a_wild_hour(held=False) > 1.05 * after_a_wild_hour(held=True)


def test_what_a_new_day_brings_less_is_one_step_at_midnight_and_all_of_it() -> None:
    forecasting = Forecasting({}, FORECAST)
    saturday = MONDAY_MS + 33 * DAY_MS
    for start in range(MONDAY_MS, saturday - SLOT_MS, SLOT_MS):
        forecasting.take(start, {"total": 270 if (start - MONDAY_MS) // DAY_MS % 7 == 5 else 450})
    steps = []
    for start in range(saturday - SLOT_MS, saturday + SLOT_MS, MINUTE_MS):
        steps.append(float(forecasting.profile(start - MINUTE_MS, start, ["total"]).rise[0]))
        forecasting.take(start, {"total": 30})
    assert np.exp(steps[15]) == pytest.approx(0.6, rel=0.05)
    assert sum(steps) == pytest.approx(steps[15], abs=0.01)

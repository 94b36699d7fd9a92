"""rules.py: which settings a stage's state can't do without."""

from datetime import date

import pytest

from streams.rules import forecast_rules, state_rules
from streams.settings import load


@pytest.mark.parametrize(
    ("variable", "value", "stages"),
    [
        ("STREAMS_INTAKE_PANE_SECONDS", "5", ["intake", "merge"]),
        ("STREAMS_MERGE_TIME_ZONE", "Europe/Berlin", ["intake", "merge"]),
        ("STREAMS_MERGE_GRACE_1H_SECONDS", "7200", ["intake", "merge"]),
        ("STREAMS_INTAKE_OPEN_HOURS", "12", ["intake"]),
        ("STREAMS_KPI_SERVICE_LEVEL_SECONDS", "30", []),
    ],
)
def test_state_depends_on_what_cuts_time_and_ends_lives_not_on_what_it_is_measured_by(
    variable: str, value: str, stages: list[str]
) -> None:
    before, after = load([], {}), load([], {variable: value})
    assert [stage for stage in ("intake", "merge", "detect") if state_rules(before, stage) != state_rules(after, stage)] == stages


def test_days_on_which_queues_are_closed_are_holidays_of_the_forecast() -> None:
    closed = {"STREAMS_HOURS_HOLIDAYS": "DE", "STREAMS_HOURS_CLOSED_DAYS": "2026-12-24"}
    holidays = forecast_rules(load([], closed)).holidays
    assert [date(2026, 12, day) in holidays for day in (23, 24, 25)] == [False, True, True]

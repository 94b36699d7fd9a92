"""rules.py: which settings a stage's state can't do without, and bands by cut and series."""

import re
from datetime import date
from pathlib import Path

import pytest

from streams.core.kpi import Band
from streams.rules import forecast_rules, kpi_rules, state_rules
from streams.settings import SettingsError, load


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


def test_bands_are_of_everything_a_cut_or_a_series(tmp_path: Path) -> None:
    overlay = tmp_path / "own.toml"
    limits = 'direction = "down"\nhigh = 200\nmoderate = 300\n'
    overlay.write_text(f'[bands."aht@queue"]\n{limits}[bands."aht@channel+queue/voice/billing"]\n{limits}')
    found = kpi_rules(load([overlay], {}))
    assert found.bands.keys() == {"service_level", "abandonment", "csat", "interaction_rate", "asa", "longest_wait"}
    band = Band("down", 200.0, 300.0)
    assert found.own_bands == {"queue": {"aht": band}, "channel+queue\x1fvoice\x1fbilling": {"aht": band}}


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("ahtt", "'ahtt' is not a KPI; did you mean aht?"),
        ("aht@tier", "cut 'tier' is not counted: add it to [intake] cuts"),
        ("aht@channel+queue/voice", "expected channel+queue/channel/queue, a value for each dimension"),
    ],
)
def test_a_band_of_what_is_not_counted_is_refused(tmp_path: Path, key: str, problem: str) -> None:
    overlay = tmp_path / "own.toml"
    overlay.write_text(f'[bands."{key}"]\ndirection = "down"\nhigh = 200\nmoderate = 300\n')
    with pytest.raises(SettingsError, match=re.escape(problem)):
        load([overlay], {})

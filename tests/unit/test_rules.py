"""rules.py: which settings a stage's state can't do without, and bands by cut and series."""

import re
from datetime import date
from pathlib import Path

import pytest

from streams.core import measure as m
from streams.core.kpi import Band, kpis, rules_in
from streams.core.trend import LIVE, LONG, TUMBLING
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
    limits = 'direction = "down"\nhigh = 200\nmoderate = 300\nwindows = ["1d"]\n'
    overlay.write_text(f'[bands."aht@queue"]\n{limits}[bands."aht@channel+queue/voice/billing"]\n{limits}')
    found = kpi_rules(load([overlay], {}))
    assert found.bands.keys() == {"service_level", "abandonment", "csat", "interaction_rate", "asa", "longest_wait"}
    band = Band("down", 200.0, 300.0, ("1d",))
    assert found.own_bands == {"queue": {"aht": band}, "channel+queue\x1fvoice\x1fbilling": {"aht": band}}


def test_default_bands_are_of_windows_in_which_they_can_be_met() -> None:
    rules = kpi_rules(load([], {"STREAMS_KPI_SEGMENT_CUSTOMERS": "{private = 100}"}))
    waits = {m.WAIT_SKETCH + m.sketch_index(30_000): 20}
    cell = {m.OFFERED: 20, m.QUEUED: 20, m.ANSWERED: 20, m.WAIT_MS: 600_000, m.CSAT_1: 1, **waits}
    kinds: dict[str, str] = {}
    for kind in (*TUMBLING, *LONG, *LIVE):
        for name, value in kpis(cell, rules_in(rules, kind), "total").items():
            if value.band is not None:
                kinds[name] = f"{kinds.get(name, '')} {kind}".strip()
    every = "1m 15m 1h 1d 1w 1mo 30m today"
    assert kinds == {
        **dict.fromkeys(("service_level", "abandonment", "asa", "csat"), every),  # shares and means are the same in any window
        "interaction_rate": "1mo",  # contacts of a day are a thirtieth of those of a month, customers are the same
        "longest_wait": "1m 15m 1h 30m",  # the longest of a day is of its worst minute
    }


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
    overlay.write_text(f'[bands."{key}"]\ndirection = "down"\nhigh = 200\nmoderate = 300\nwindows = []\n')
    with pytest.raises(SettingsError, match=re.escape(problem)):
        load([overlay], {})

"""Quiet hours: what isn't severe enough is told but calls nobody, until it grows worse or the hours end."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from detect_rules import DETECT
from msgspec.structs import replace

from streams import rules, settings
from streams.core.alert import Alert, HeldBack, Severity
from streams.core.detect import Detect
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.held_back import HeldBackRules, HeldBacks, MaintenanceWindow
from streams.core.local_spans import LocalTimes, parse_weekly
from streams.core.measure import OFFERED

MINUTE_MS = 60_000
START_MS = int(datetime(2026, 1, 11, 20, tzinfo=UTC).timestamp() * 1000)
QUIET = HeldBack(by="quiet hours", name="", since_ms=START_MS + 120 * MINUTE_MS, until_ms=START_MS + 180 * MINUTE_MS)


def hours(text: str = "mo-su 22:00-23:00", below: Severity = "critical", zone: str = "UTC") -> HeldBackRules:
    return HeldBackRules(time_zone=zone, quiet=LocalTimes(weekly=parse_weekly(text) or ()), quiet_below=below)


def run(held_back: HeldBackRules, contacts: Callable[[int], int], minutes: int) -> list[tuple[int, Alert]]:
    """Alerts that have fired, with the minute after 20:00 at whose end they were told; 20 contacts a minute are usual."""
    detect_rules = replace(DETECT, cuts=("total",), held_back=held_back)
    detect, told = Detect({}, detect_rules), []
    for minute in range(minutes):
        start_ms = START_MS + minute * MINUTE_MS
        rows = [MinuteRow("total", start_ms, {OFFERED: contacts(minute)})]
        detect.apply([MinuteFrame(shard=0, shards=1, number=minute, closed_ms=start_ms + MINUTE_MS, rows=rows)])
        told += [(minute + 1, alert) for alert in detect.drain(0).alerts if alert.has_fired]
    return told


def test_a_warning_waits_for_the_end_of_the_hours_and_calls_if_it_still_fires() -> None:
    told = run(hours(), lambda minute: 50 if minute >= 160 else 20, 185)
    assert {alert.severity for _, alert in told} == {"warning"}
    assert len({alert.alert_id for _, alert in told}) == 1
    assert [minute for minute, alert in told if alert.held_back == QUIET] == list(range(162, 181))
    assert [minute for minute, alert in told if alert.held_back is None] == list(range(181, 186))
    assert (told[0][1].is_kept_back, told[-1][1].is_kept_back) == (True, False)


def test_what_has_ended_before_the_hours_do_never_calls() -> None:
    told = run(hours(), lambda minute: 50 if 130 <= minute < 140 else 20, 200)
    assert told[-1][1].state == "resolved"
    assert {alert.held_back for _, alert in told} == {QUIET}


def test_an_outage_is_critical_and_calls_at_once() -> None:
    told = run(hours(), lambda minute: 0 if minute >= 130 else 20, 140)
    assert {(alert.severity, alert.held_back) for _, alert in told} == {("critical", None)}


def test_what_grows_severe_enough_calls() -> None:
    told = run(hours(), lambda minute: 45 if 130 <= minute < 140 else 150 if minute >= 140 else 20, 160)
    assert {(alert.severity, alert.held_back) for _, alert in told} == {("warning", QUIET), ("critical", None)}


def test_below_warning_only_infos_wait() -> None:
    held_backs = HeldBacks(hours(below="warning"))
    found = {severity: held_backs.reason("total", severity, QUIET.until_ms, None) for severity in ("info", "warning", "critical")}
    assert found == {"info": QUIET, "warning": None, "critical": None}


def test_the_minute_that_ends_with_the_hours_is_the_last_quiet_one() -> None:
    held_backs = HeldBacks(hours())
    minutes = [held_backs.reason("total", "info", QUIET.since_ms + n * MINUTE_MS, None) for n in (0, 1, 60, 61)]
    assert minutes == [None, QUIET, QUIET, None]


def test_a_maintenance_window_is_the_reason_that_is_told_first() -> None:
    window = MaintenanceWindow(name="backup", times=LocalTimes(weekly=parse_weekly("su 22:30-22:45") or ()), series=())
    held_backs = HeldBacks(HeldBackRules(maintenance=(window,), quiet=hours().quiet))
    backup = HeldBack(by="maintenance", name="backup", since_ms=START_MS + 150 * MINUTE_MS, until_ms=START_MS + 165 * MINUTE_MS)
    assert held_backs.reason("total", "info", START_MS + 151 * MINUTE_MS, QUIET) == backup
    assert held_backs.reason("total", "info", START_MS + 166 * MINUTE_MS, backup) == QUIET


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("2026-03-28T21:00", None),  # the minute before 22:00 in Berlin
        ("2026-03-28T21:01", ("2026-03-28T21:00", "2026-03-29T04:00")),
        ("2026-03-29T04:00", ("2026-03-28T21:00", "2026-03-29T04:00")),  # 06:00, seven hours later
        ("2026-03-29T04:01", None),
        ("2026-10-25T05:00", ("2026-10-24T20:00", "2026-10-25T05:00")),  # 06:00, nine hours later
        ("2026-10-25T05:01", None),
    ],
)
def test_the_nights_in_which_the_clock_is_changed(end: str, expected: tuple[str, str] | None) -> None:
    def ms(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    found = HeldBacks(hours("mo-su 22:00-06:00", zone="Europe/Berlin")).reason("total", "warning", ms(end), None)
    assert (None if found is None else (found.since_ms, found.until_ms)) == (
        None if expected is None else (ms(expected[0]), ms(expected[1]))
    )


def test_quiet_hours_of_the_settings_reach_detect_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    environ = {"STREAMS_QUIET_HOURS": "sa-su 00:00-24:00", "STREAMS_QUIET_BELOW": "warning"}
    found = rules.detect_rules(settings.load([], environ)).held_back
    assert (found.quiet.weekly, found.quiet_below) == (((5, 0, 1440), (6, 0, 1440)), "warning")
    file = tmp_path / "site.toml"
    file.write_text("[quiet]\nhours = '22-6'\nbelow = 'info'\n")
    with pytest.raises(settings.SettingsError) as refused:
        settings.load([file], {})
    assert str(refused.value) == f'{file}: [quiet] below is \'info\', expected one of "critical", "warning"'
    file.write_text("[quiet]\nhours = '22-6'\n")
    with pytest.raises(settings.SettingsError) as refused:
        settings.load([file], {})
    assert str(refused.value) == f"[quiet] hours ({file}): found '22-6', expected e.g. 'mo-su 22:00-06:00', or nothing for never"

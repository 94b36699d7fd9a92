"""Maintenance windows: alerts are held back with the reason, nothing is learned, and afterwards all is as it was."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from detect_rules import DETECT
from forecast_rules import FORECAST
from msgspec.structs import replace
from threshold_rules import NO_THRESHOLDS

from streams import rules, settings
from streams.core.alert import Alert, HeldBack
from streams.core.contribution_rows import ContributionRules
from streams.core.detect import Detect
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.held_back import HeldBackRules, HeldBacks, MaintenanceWindow
from streams.core.history import judge
from streams.core.local_spans import LocalTimes, parse_weekly
from streams.core.measure import OFFERED
from streams.core.threshold import ThresholdRule

MINUTE_MS = 60_000
START_MS = int(datetime(2026, 1, 11, tzinfo=UTC).timestamp() * 1000)  # a Sunday
FROM, UNTIL = 120, 180  # minutes of the day
BACKUP = HeldBack(by="maintenance", name="backup", since_ms=START_MS + FROM * MINUTE_MS, until_ms=START_MS + UNTIL * MINUTE_MS)
BILLING, SALES = "queue\x1fbilling", "queue\x1fsales"
RULES = replace(DETECT, cuts=("total", "queue"))


def window(*series: str, weekly: str = "su 02:00-03:00") -> HeldBackRules:
    times = LocalTimes(weekly=parse_weekly(weekly) or ())
    return HeldBackRules(maintenance=(MaintenanceWindow(name="backup", times=times, series=series),))


def frame(minute: int, billing: int, sales: int = 20) -> MinuteFrame:
    start_ms = START_MS + minute * MINUTE_MS
    rows = [
        MinuteRow(name, start_ms, {OFFERED: n})
        for name, n in ((BILLING, billing), (SALES, sales), ("total", billing + sales))
        if n
    ]
    return MinuteFrame(shard=0, shards=1, number=minute, closed_ms=start_ms + MINUTE_MS, rows=rows)


def run(held_back: HeldBackRules, billing: Callable[[int], int], minutes: int = 240) -> list[Alert]:
    """Alerts told of the minutes of a day of which 20 contacts in billing and 20 in sales are usual."""
    detect, told = Detect({}, replace(RULES, held_back=held_back)), []
    for minute in range(minutes):
        detect.apply([frame(minute, billing(minute))])
        told += detect.drain(0).alerts
    return [alert for alert in told if alert.has_fired]


def down(minute: int) -> int:
    """Nothing comes in while the backup runs."""
    return 0 if FROM + 5 <= minute < UNTIL else 20


def last(alerts: list[Alert]) -> list[tuple[str, str, bool]]:
    """Series, state and whether it was kept back, of each alert as it was told last."""
    latest = {alert.alert_id: alert for alert in alerts}
    return [(alert.series.get("queue", "total"), alert.state, alert.is_kept_back) for alert in latest.values()]


def test_an_outage_in_a_window_is_told_with_the_reason_and_calls_nobody() -> None:
    alerts = run(window(BILLING), down)
    assert last(alerts) == [("billing", "expired", True)]
    assert {alert.held_back for alert in alerts} == {BACKUP}


def test_without_the_window_the_same_outage_calls() -> None:
    assert {(alert.series.get("queue"), alert.held_back) for alert in run(window(SALES), down)} == {("billing", None)}


def test_a_backtest_does_not_count_what_never_called() -> None:
    frames = [frame(minute, down(minute)) for minute in range(200)]
    called = [len(judge(frames, replace(RULES, held_back=held_back)).fired) for held_back in (window(BILLING), HeldBackRules())]
    assert called == [0, 1]


def test_a_window_for_everything_holds_everything_back() -> None:
    detect, told = Detect({}, replace(RULES, held_back=window())), []
    for minute in range(200):
        detect.apply([frame(minute, down(minute), down(minute))])
        told += detect.drain(0).alerts
    assert last([alert for alert in told if alert.has_fired]) == [("total", "expired", True)]


def test_what_a_window_brings_is_not_learned_so_that_neither_its_end_nor_the_next_hour_calls() -> None:
    """An hour of half the contacts would have become usual: the return would have been a doubling."""
    assert {alert.held_back for alert in run(window(BILLING), lambda minute: 10 if FROM <= minute < UNTIL else 20)} <= {BACKUP}
    levels = [expected_after(window(BILLING), half) for half in (10, 20)]
    assert levels[0] == pytest.approx(levels[1], rel=0.1)
    assert expected_after(HeldBackRules(), 10) < 0.8 * levels[1]


def test_neither_forecast_nor_usual_mix_learns_of_a_window() -> None:
    forecast = replace(FORECAST, cuts=("total", "queue"))
    counted = replace(RULES, forecast=forecast, contribution=ContributionRules(cuts=("queue",), min_cell=0))
    store: dict[bytes, bytes] = {}
    detect = Detect(store, replace(counted, held_back=window(BILLING)))
    for minute in range(FROM + 10):
        detect.apply([frame(minute, 20)])
    detect.drain(0)
    *_, held = msgspec.msgpack.decode(store[b"forecast"])
    assert held == [BILLING]
    spoilt = msgspec.msgpack.decode(store[b"_contribution.spoilt"])
    assert spoilt == [START_MS + minute * MINUTE_MS for minute in range(FROM, FROM + 10)]


def expected_after(held_back: HeldBackRules, contacts: int) -> float:
    """What is expected of billing in the minute in which the window is over, after so many contacts a minute in it."""
    detect = Detect({}, replace(RULES, held_back=held_back, false_alarms_per_day=1e-9))
    for minute in range(UNTIL + 1):
        detect.apply([frame(minute, contacts if FROM <= minute < UNTIL else 20)])
    return next(one.expected for name, one in reversed(detect.drain(0).expectations) if name == BILLING)


def test_what_goes_on_after_the_window_calls_within_minutes_under_the_same_id() -> None:
    alerts = run(window(BILLING), lambda minute: 0 if minute >= FROM + 5 else 20, UNTIL + 10)
    calling = [alert for alert in alerts if alert.held_back is None and alert.state == "firing"]
    assert {alert.alert_id for alert in alerts} == {calling[0].alert_id}
    assert UNTIL < (calling[0].updated_ms - START_MS) // MINUTE_MS <= UNTIL + 5
    assert not calling[-1].is_kept_back


def test_what_fired_before_the_window_goes_on_and_is_held_back_meanwhile() -> None:
    alerts = run(window(BILLING), lambda minute: 0 if FROM - 20 <= minute < UNTIL + 20 else 20, UNTIL + 22)
    assert len({alert.alert_id for alert in alerts}) == 1
    held = [(alert.updated_ms - START_MS) // MINUTE_MS for alert in alerts if alert.held_back == BACKUP]
    assert held == list(range(FROM + 1, UNTIL + 1))
    assert not any(alert.is_kept_back for alert in alerts)
    assert alerts[-1].state == "resolved"


def test_a_restart_in_the_window_changes_nothing() -> None:
    held_back = replace(RULES, held_back=window(BILLING))
    store: dict[bytes, bytes] = {}
    detect, told = Detect(store, held_back), []
    for minute in range(240):
        detect = Detect(store, held_back) if minute in (FROM + 20, UNTIL) else detect
        detect.apply([frame(minute, down(minute))])
        told += [alert for alert in detect.drain(0).alerts if alert.has_fired]
    assert told == run(window(BILLING), down)


def test_a_window_covers_finer_series_but_neither_other_ones_nor_the_total() -> None:
    held_backs = HeldBacks(window(BILLING))
    names = ["total", BILLING, SALES, "channel+queue\x1fvoice\x1fbilling"]
    found = [held_backs.maintenance(name, BACKUP.since_ms) for name in names]
    assert found == [None, BACKUP, None, BACKUP]
    mask = held_backs.mask(names, BACKUP.since_ms)
    assert mask is not None
    assert mask.tolist() == [False, True, False, True]
    assert (held_backs.mask(names, BACKUP.until_ms), held_backs.over(names, BACKUP.until_ms)) == (None, [1, 3])


def test_windows_that_overlap_are_one() -> None:
    times = [LocalTimes(weekly=parse_weekly(text) or ()) for text in ("su 02:00-03:00", "su 02:30-04:00")]
    windows = tuple(MaintenanceWindow(name=name, times=one, series=()) for name, one in zip("ab", times, strict=True))
    held_backs = HeldBacks(HeldBackRules(maintenance=windows))
    before = held_backs.reason("total", "info", BACKUP.until_ms, None)
    assert before == HeldBack(
        by="maintenance", name="b", since_ms=START_MS + 150 * MINUTE_MS, until_ms=START_MS + 240 * MINUTE_MS
    )
    first = held_backs.reason("total", "info", BACKUP.since_ms + MINUTE_MS, None)
    assert held_backs.reason("total", "info", BACKUP.until_ms + MINUTE_MS, first) == replace(before, since_ms=BACKUP.since_ms)


FEW = ThresholdRule(
    name="few",
    kpi="offered",
    cut="queue",
    values=("billing",),
    side="below",
    limit=15.0,
    clear=15.0,
    minutes=3,
    of_minutes=5,
    contacts_min=1,
    severity="warning",
    runbook="",
)


def test_a_threshold_that_a_window_has_broken_ends_with_it_and_counts_anew() -> None:
    thresholds = replace(NO_THRESHOLDS, rules=(FEW,))
    detect = Detect({}, replace(RULES, held_back=window(BILLING), thresholds=thresholds, false_alarms_per_day=1e-9))
    told = []
    for minute in range(UNTIL + 10):
        detect.apply([frame(minute, 10 if minute >= UNTIL - 5 else 20)])
        told += [alert for alert in detect.drain(0).alerts if alert.rule]
    states = [((alert.updated_ms - START_MS) // MINUTE_MS, alert.state, alert.held_back) for alert in told]
    assert states[:4] == [
        (UNTIL - 2, "firing", BACKUP),
        (UNTIL - 1, "firing", BACKUP),
        (UNTIL, "firing", BACKUP),
        (UNTIL, "expired", BACKUP),
    ]
    assert states[4] == (UNTIL + 3, "firing", None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "weekly = 'su 2-4'",
            "[maintenance.x] weekly ({file}): found 'su 2-4', expected e.g. 'mo-fr 22:00-06:00, su 02:00-04:00'",
        ),
        (
            "once = ['24 December']",
            "[maintenance.x] once ({file}): found '24 December', expected local times like '2026-12-24 22:00/2026-12-25 06:00'",
        ),
        ("", "[maintenance.x] weekly ({file}) and [maintenance.x] once ({file}): are empty, expected at least one time"),
        ("series = ['queu/billing']", "[maintenance.x] series ({file}): 'queu' is not a dimension; did you mean queue?"),
        (
            "series = ['total']",
            "[maintenance.x] series ({file}): 'total' is not a dimension; expected e.g. 'queue/billing', or [] for everything",
        ),
        (
            "series = ['queue']",
            "[maintenance.x] series ({file}): found 'queue', expected queue/queue, a value for each dimension",
        ),
        ("from = '02:00'", "{file}: key [maintenance.x] from is not known"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_file_key_and_what_is_expected(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "site.toml"
    given = dict(line.split(" = ", 1) for line in ("weekly = ''", "once = []", "series = []", text) if line)
    file.write_text("[maintenance.x]\n" + "\n".join(f"{key} = {value}" for key, value in given.items()))
    with pytest.raises(settings.SettingsError) as refused:
        settings.load([file], {})
    assert complaint.format(file=file) in str(refused.value)


def test_a_window_of_the_settings_reaches_detect(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(
        "[merge]\ntime_zone = 'Europe/Berlin'\n[maintenance.move]\nweekly = ''\n"
        "once = ['2026-12-24 22:00/2026-12-25 06:00']\nseries = ['queue/billing', 'channel+queue/voice/sales']\n"
    )
    held_back = rules.detect_rules(settings.load([file], {})).held_back
    assert held_back.time_zone == "Europe/Berlin"
    (move,) = held_back.maintenance
    assert (move.name, move.series) == ("move", (BILLING, "channel+queue\x1fvoice\x1fsales"))
    assert HeldBacks(held_back).maintenance(BILLING, int(datetime(2026, 12, 24, 21, tzinfo=UTC).timestamp() * 1000)) is not None

"""The bank's February calls: every KPI by day and queue, by way of source, intake and merge, and from the file alone."""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from intake_fakes import RecordFake, make_rules
from oracle import DATA, TIME_ZONE

from streams.core.intake import Intake
from streams.core.kpi import KpiRules
from streams.core.merge import Merge, MergeRules
from streams.core.trend import KpiValue
from streams.sources.bank1999 import read_rows
from streams.sources.heartbeat import closing_heartbeat
from streams.sources.row import collect

ZONE = ZoneInfo(TIME_ZONE)
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here: the bank's February calls")
Key = tuple[date, str]


@dataclass
class Calls:
    """One day of one queue: how many came and queued, and the seconds of every wait and talk that ended on it."""

    offered: int = 0
    queued: int = 0
    answered: list[int] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)
    talks: list[int] = field(default_factory=list)


def from_the_file() -> dict[Key, Calls]:
    """By the rules of the file (streams/sources/README.md): each figure on the local day of its own moment."""
    found: dict[Key, Calls] = defaultdict(Calls)
    with DATA.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["outcome"] == "PHANTOM":
                continue
            entry, leaves_menu = (
                datetime.strptime(f"{row['date']} {row[name]}", "%y%m%d %H:%M:%S") for name in ("vru_entry", "vru_exit")
            )
            in_queue = row["q_time"] != "0" or row["q_start"] != "0:00:00"
            enters = datetime.strptime(f"{row['date']} {row['q_start']}", "%y%m%d %H:%M:%S") if in_queue else leaves_menu
            enters += timedelta(days=enters < leaves_menu)
            wait, talk = int(row["q_time"]), int(row["ser_time"])
            leaves = enters + timedelta(seconds=wait)
            found[min(entry, leaves_menu).date(), row["type"]].offered += 1
            if row["outcome"] == "AGENT" or in_queue:
                found[enters.date(), row["type"]].queued += 1
            if row["outcome"] == "AGENT":
                found[leaves.date(), row["type"]].answered.append(wait)
                found[(leaves + timedelta(seconds=talk)).date(), row["type"]].talks.append(talk)
            elif in_queue:
                found[leaves.date(), row["type"]].abandoned.append(wait)
    return found


def from_the_pipeline() -> dict[Key, dict[str, KpiValue]]:
    """The final days by queue."""
    with DATA.open(newline="") as file:
        feed = collect(read_rows(file, DATA.name))
    read_ms = 1_800_000_000_000
    rules = make_rules(shards=1, cuts=("queue",), time_zone=TIME_ZONE)
    merge = Merge(
        0,
        {},
        MergeRules(
            shards=1, sources=1, pane_ms=rules.pane_ms, time_zone=TIME_ZONE, graces_ms=rules.graces_ms, refresh_ms=60_000,
            watch_cuts=frozenset(),
            contribution_cuts=frozenset(),
            kpi=KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands={}),
        ),
    )  # fmt: skip
    intake = Intake(0, {}, rules)
    events = [*feed.events, closing_heartbeat(feed.events[-1])]
    intake.apply([RecordFake(json.dumps(event).encode()) for event in events], read_ms)
    merge.apply(intake.drain(read_ms, 0).frames)
    found: dict[Key, dict[str, KpiValue]] = {}
    for k in range(100):
        for _, trend in merge.drain(read_ms + k).trends:
            if trend.final and trend.window.kind == "1d":
                day = datetime.fromtimestamp(trend.window.start_ms / 1000, ZONE).date()
                found[day, trend.series["queue"]] = trend.kpis
    return found


def interval(hits: int, n: int) -> tuple[float, float]:
    """Where (p - hits/n)² = z² p (1 - p) / n: Wilson's interval as the roots of its equation."""
    share, square = hits / n, 1.959964**2 / n
    a, b, c = 1 + square, -(2 * share + square), share * share
    root = sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


Expected = dict[str, tuple[float | None, int, float]]  # name → value, n, relative error allowed


def ratio(hits: int, n: int) -> tuple[float | None, int, float]:
    return (hits / n if n else None), n, 0.0


def mean(values: list[int]) -> tuple[float | None, int, float]:
    return (sum(values) / len(values) if values else None), len(values), 0.0


def at(values: list[int], share: float) -> tuple[float | None, int, float]:
    return (sorted(values)[int(share * (len(values) - 1))] if values else None), len(values), 0.0101


def expected_of(calls: Calls) -> Expected:
    """What the table of KPIs says of these calls; the file knows neither transfers, surveys, texts nor sentiment."""
    short = sum(wait < 5 for wait in calls.abandoned)
    in_target = sum(wait <= 20 for wait in (*calls.answered, *calls.abandoned))
    waits, talks = calls.answered, calls.talks
    return {
        "offered": (calls.offered, calls.offered, 0.0),
        "answered": (len(waits), len(waits), 0.0),
        "abandoned": (len(calls.abandoned), len(calls.abandoned), 0.0),
        "short_abandoned": (short, short, 0.0),
        "service_level": ratio(in_target, calls.queued),
        "abandonment": ratio(len(calls.abandoned) - short, calls.queued - short),
        "asa": mean(waits),
        "longest_wait": at([*waits, *calls.abandoned], 1.0),
        "aht": mean(talks),
        "aht_without_wrap": mean(talks),
        "wait_p50": at(waits, 0.5),
        "wait_p90": at(waits, 0.9),
        "wait_p95": at(waits, 0.95),
        "handle_p50": at(talks, 0.5),
        "handle_p90": at(talks, 0.9),
        **{name: ratio(0, len(talks)) for name in ("transfer_rate", "escalation_rate", "reopen_rate")},
    }


def check(found: dict[str, KpiValue], expected: Expected) -> None:
    for name, (value, n, error) in expected.items():
        assert (name, found[name].n) == (name, n)
        assert found[name].value == (None if value is None else pytest.approx(value, rel=error or 1e-12))
    for name, hits in (("service_level", "answered"), ("abandonment", "abandoned")):
        kpi: Any = found[name]
        if kpi.n and 0 <= kpi.value <= 1:
            assert (kpi.low, kpi.high) == pytest.approx(interval(round(kpi.value * kpi.n), kpi.n), abs=5.1e-7), hits  # six digits
    others = {name: kpi for name, kpi in found.items() if name not in expected}
    assert {name for name, kpi in others.items() if kpi.value} == set(), "the file says nothing that these could be made of"


@pytest.mark.thorough
def test_every_kpi_by_day_and_queue_equals_what_the_file_alone_gives() -> None:
    expected, found = from_the_file(), from_the_pipeline()
    assert {key for key, calls in expected.items() if calls != Calls()} == found.keys()
    for key, kpis in found.items():
        check(kpis, expected_of(expected[key]))

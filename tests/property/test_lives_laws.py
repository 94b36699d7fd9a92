"""Random lives through intake and merge, shuffled, told twice, over two partitions: final windows equal a recount."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_fakes import HOUR, MINUTE, SECOND, RecordFake, make_rules
from laws import examples
from oracle_lives import DIMENSIONS, ORDER, Key, Recount, Terms, recount

from streams.core.hours import ALWAYS, BusinessHours, parse_week
from streams.core.intake import Intake
from streams.core.kpi import KpiRules
from streams.core.merge import Merge, MergeRules
from streams.core.series import series_of
from streams.core.trend import Trend

ZONE = ZoneInfo("Europe/Berlin")
# Sunday evening: within the lives of some an hour, a day, a week and a month end.
START = int(datetime(2026, 5, 31, 22, 30, tzinfo=ZONE).timestamp()) * 1000
LENGTH = 3 * HOUR
DAY = 24 * HOUR
GRACES: Any = (("1m", 4 * HOUR), ("15m", 4 * HOUR), ("1h", 5 * HOUR), ("1d", 6 * HOUR))
CUTS = ("total", *DIMENSIONS, "channel+queue", "channel+issue", "channel+segment", "issue+region", "hours", "queue+hours")
# Within the lives of some, queues close on Sunday night; one was closed all day and opens on Monday.
HOURS = BusinessHours(
    week=parse_week("mo-su 06:00-23:30") or ALWAYS, queues={"queue-1": parse_week("mo-fr 00:10-23:00") or ALWAYS}
)


def is_open(queue: str, local: datetime) -> bool:
    """The same by the clock on the wall."""
    clock = (local.hour, local.minute)
    return local.weekday() < 5 and (0, 10) <= clock < (23, 0) if queue == "queue-1" else (6, 0) <= clock < (23, 30)


TERMS = Terms(target_ms=20 * SECOND, short_ms=5 * SECOND, open_ms=24 * HOUR, is_open=is_open)
VALUES = {name: ("unlike", f"{name}-1", f"{name}-2") for name in DIMENSIONS}


# Lives as they usually go; what Hypothesis makes up alone seldom comes as far as a second completion.
USUAL = (
    "offered queued answered completed surveyed",
    "offered queued answered transferred queued answered escalated completed sentiment",
    "offered queued transferred queued abandoned completed",
    "offered replied replied completed reopened replied completed surveyed",
    "offered queued answered replied completed reopened answered completed",
    "answered queued answered completed",
)


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events of four interactions: usual lives, and events at any time, each with an id of its own."""
    found: list[dict[str, Any]] = []
    for name in "abcd":
        time = START + draw(st.integers(0, LENGTH // 2))
        for kind in draw(st.sampled_from(("", *USUAL))).split():
            time += draw(st.sampled_from((0, 4_999, 20_000, 20_001, 300_000)))
            found.append({"type": kind, "interaction_id": name, "time": time, **draw(details(kind))})
    for _ in range(draw(st.integers(0, 8))):
        kind, time = draw(st.sampled_from(ORDER)), START + draw(st.integers(0, LENGTH))
        found.append({"type": kind, "interaction_id": draw(st.sampled_from("abcd")), "time": time, **draw(details(kind))})
    for number, event in enumerate(found):
        event |= {"id": f"e{number}", "source": "test"}
        for dimension in draw(st.lists(st.sampled_from(DIMENSIONS), max_size=3)):
            event[dimension] = draw(st.sampled_from(VALUES[dimension]))
    return found


def details(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """The fields that a kind of event has of its own, some of them missing."""
    yes_or_no = st.booleans()
    seconds = st.integers(0, 3_000_000).map(lambda ms: ms / 1000)
    fields: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "answered": {"bot": yes_or_no},
        "replied": {"author": st.sampled_from(("agent", "customer", "bot", "supervisor"))},
        "completed": {"talk_seconds": seconds, "hold_seconds": seconds, "wrap_seconds": seconds, "resolved": yes_or_no},
        "surveyed": {"csat": st.integers(1, 5), "nps": st.integers(0, 10), "resolved": yes_or_no},
        "sentiment": {"score": st.integers(-100, 100).map(lambda score: score / 100)},
    }
    return st.fixed_dictionaries({}, optional=fields.get(kind, {}))


def finals(partitions: list[list[dict[str, Any]]]) -> dict[tuple[str, int, str], Trend]:
    """The final windows of a system with one partition for each list; they end with a heartbeat weeks later."""
    read_ms = START + 100 * DAY
    rules = make_rules(shards=1, cuts=CUTS, time_zone=ZONE.key, graces_ms=GRACES, linger_ms=99 * HOUR, hours=HOURS)
    kpi = KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands={})
    merge_rules = MergeRules(
        shards=1, sources=len(partitions), followers=0, pane_ms=rules.pane_ms, time_zone=ZONE.key, graces_ms=GRACES,
        refresh_ms=MINUTE, watch_cuts=frozenset(), contribution_cuts=frozenset(), kpi=kpi,
    )  # fmt: skip
    merge = Merge(0, {}, merge_rules)
    for number, events in enumerate(partitions):
        intake = Intake(number, {}, rules)
        end = {"id": "end", "source": "test", "type": "heartbeat", "time": START + 60 * DAY}
        intake.apply([RecordFake(json.dumps(event).encode()) for event in [*events, end]], read_ms)
        changes = intake.drain(read_ms, 0)
        assert (changes.rejected, changes.late) == ([], [])
        merge.apply(changes.frames)
    records = [record for k in range(10) for record in merge.drain(read_ms + k).trends]
    return {(trend.window.kind, trend.window.start_ms, series): trend for series, trend in records if trend.final}


def by_name(key: Key) -> tuple[str, int, str]:
    kind, start, cut, values = key
    return kind, int(start.timestamp()) * 1000, series_of(cut, *values)


def median(values: list[int]) -> float:
    return sorted(values)[(len(values) - 1) // 2] / 1000


def check_medians(counted: Recount, found: dict[tuple[str, int, str], Trend]) -> None:
    for name, lists in (("wait_p50", counted.waits), ("handle_p50", counted.handles)):
        for key, values in lists.items():
            kpi = found[by_name(key)].kpis[name]
            assert kpi.n == len(values)
            assert kpi.value == pytest.approx(median(values), rel=0.0101)


@examples(25)
@given(st.data(), lives())
def test_final_windows_of_every_cut_and_measure_equal_the_recount(data: st.DataObject, events: list[dict[str, Any]]) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    shuffled = data.draw(st.permutations(events + again))
    partitions = [[event for event in shuffled if (event["interaction_id"] in "ab") is first] for first in (True, False)]

    counted, found = recount(events, CUTS, ZONE, TERMS), finals(partitions)

    expected = {by_name(key): {name: n for name, n in total.items() if n} for key, total in counted.sums.items()}
    assert {key: total for key, total in expected.items() if total} == {
        key: trend.measures for key, trend in found.items() if trend.measures
    }
    check_medians(counted, found)

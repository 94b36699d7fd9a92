"""Merge by example: one shard, two source partitions, a few frames and what comes out."""

from collections import Counter
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest

from streams.core import measure as m
from streams.core.frame import Frame, MinuteRow, PaneChange, WaitingLevel
from streams.core.kpi import KpiRules
from streams.core.merge import Merge, MergeChanges, MergeError, MergeRules
from streams.core.merge_windows import UNREAD, Windows
from streams.core.trend import LIVE, TUMBLING, Clock
from streams.engine.store import Store

NOON = 1_795_435_200_000  # 2026-11-23T12:00Z
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CALL = {m.OFFERED: 1, m.QUEUED: 1}
RULES = MergeRules(
    shards=1,
    sources=2,
    pane_ms=10_000,
    time_zone="UTC",
    graces_ms=(("1m", 2 * MINUTE), ("15m", 15 * MINUTE), ("1h", HOUR), ("1d", 6 * HOUR)),
    refresh_ms=60_000,
    watch_cuts=frozenset({"total"}),
    kpi=KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands={}),
)


class Feed:
    """A merge with numbered frames: `send` gives one from a source partition, `drain` what comes out."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.merge = Merge(0, self.store, RULES)
        self.numbers = [0, 0]
        self.now_ms = NOON

    def send(
        self,
        source: int,
        watermark_ms: int | None,
        *changes: PaneChange,
        idle: bool = False,
        waiting: list[WaitingLevel] | None = None,
    ) -> None:
        self.numbers[source] += 1
        self.merge.apply(
            [
                Frame(
                    source=source, number=self.numbers[source], watermark_ms=watermark_ms, idle=idle,
                    read_ms=self.now_ms - 100, sent_ms=self.now_ms, changes=list(changes), waiting=waiting,
                )
            ]
        )  # fmt: skip

    def send_both(self, watermark_ms: int, *changes: PaneChange) -> None:
        self.send(0, watermark_ms, *changes)
        self.send(1, watermark_ms)

    def drain(self, after_ms: int = 250) -> MergeChanges:
        self.now_ms += after_ms
        return self.merge.drain(self.now_ms)


def call(time_ms: int, closed: int = 0, series: str = "total") -> PaneChange:
    return PaneChange(time_ms - time_ms % 10_000, closed, series, CALL)


def seen(changes: MergeChanges, kinds: Iterable[str] = (*TUMBLING, *LIVE)) -> list[tuple[str, int, bool, int]]:
    """(kind, minutes from noon to the window's start, final, offered) of each record."""
    return [
        (trend.window.kind, (trend.window.start_ms - NOON) // MINUTE, trend.final, trend.measures.get("offered", 0))
        for _, trend in changes.trends
        if trend.window.kind in kinds
    ]


def test_a_contact_shows_in_every_window_at_once() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    expected = [
        ("1m", 0, False, 1), ("15m", 0, False, 1), ("1h", 0, False, 1), ("1d", -720, False, 1), ("30m", -30, False, 1),
        ("today", -720, False, 1),
    ]  # fmt: skip
    assert expected == seen(feed.drain())


def test_nothing_is_published_until_every_source_partition_was_heard() -> None:
    feed = Feed()
    feed.send(0, NOON, call(NOON))
    first = feed.drain()
    assert first.trends == []
    assert first.clock == Clock(
        shard=0, shards=1, watermark_ms=None, closed_ms=None, heard_ms=None, event_ms=NOON, revision=1, published_ms=NOON + 250
    )
    feed.send(1, None, idle=True)
    assert ("1m", 0, False, 1) in seen(feed.drain())


def test_a_window_is_final_when_the_watermark_reaches_its_end_and_grace() -> None:
    feed = Feed()
    feed.send_both(NOON + 3 * MINUTE - 1, call(NOON))
    assert [record for record in seen(feed.drain()) if record[2]] == []
    feed.send_both(NOON + 3 * MINUTE)
    changes = feed.drain()
    assert seen(changes, ["1m"]) == [("1m", 0, True, 1)]
    assert changes.closed == {"1m": 1}
    assert changes.clock is not None
    assert changes.clock.closed_ms == NOON + MINUTE


def test_the_slowest_source_partition_holds_the_watermark_unless_it_is_idle() -> None:
    feed = Feed()
    feed.send(0, NOON + HOUR, call(NOON))
    feed.send(1, NOON)
    assert feed.drain().closed == {}
    feed.send(1, NOON, idle=True)
    assert feed.drain().closed == {"1m": 1, "15m": 1}


def test_when_all_are_idle_the_watermark_stands_and_never_goes_back() -> None:
    feed = Feed()
    feed.send(0, NOON + HOUR)
    feed.send(1, NOON, idle=True)
    feed.drain()
    feed.send(0, NOON + HOUR, idle=True)
    clock = feed.drain(1_000).clock
    assert clock is not None
    assert clock.watermark_ms == NOON + HOUR


def test_idle_source_partitions_whose_watermarks_follow_the_clock_go_on_closing_windows() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.send(0, NOON + 3 * MINUTE, idle=True)
    feed.send(1, NOON + 3 * MINUTE, idle=True)
    assert feed.drain().closed == {"1m": 1}


def test_a_missing_frame_stops_merge_with_source_and_numbers() -> None:
    feed = Feed()
    feed.send(0, NOON)
    feed.numbers[0] = 4
    with pytest.raises(MergeError, match="source 0: expected frame 2, found frame 5"):
        feed.send(0, NOON)


def test_a_repeated_frame_stops_merge_after_a_restart_too() -> None:
    feed = Feed()
    feed.send(0, NOON)
    feed.drain()
    with pytest.raises(MergeError, match="source 0: expected frame 2, found frame 1"):
        Feed(feed.store).send(0, NOON)


def test_a_contact_from_a_source_partition_that_was_idle_is_late_and_goes_into_the_longer_windows() -> None:
    feed = Feed()
    feed.send(0, NOON + 3 * MINUTE, call(NOON))
    feed.send(1, NOON, idle=True)
    feed.drain()
    feed.send(1, NOON, call(NOON))
    changes = feed.drain(1_000)
    assert changes.late == {"1m": 1}
    assert seen(changes, ["1m", "15m", "1h", "1d"]) == [("15m", 0, False, 2), ("1h", 0, False, 2), ("1d", -720, False, 2)]
    assert feed.drain().late == {}


def test_a_contact_that_came_late_to_intake_goes_into_the_longer_windows_only() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON, closed=2))
    changes = feed.drain()
    assert seen(changes, ["1m", "15m", "1h", "1d"]) == [("1h", 0, False, 1), ("1d", -720, False, 1)]
    assert changes.late == {}


def test_what_did_not_change_is_not_published_and_not_written() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.store.take_dirty()
    changes = feed.drain()
    assert (changes.trends, changes.minutes, changes.clock) == ([], None, None)
    assert feed.store.take_dirty() == {}


def test_a_flush_writes_what_changed_and_not_the_day() -> None:
    feed = Feed()
    for pane in range(1_000):
        feed.send_both(NOON + pane * 10_000, call(NOON + pane * 10_000))
        feed.drain()
    feed.store.take_dirty()
    feed.send_both(NOON + 1_000 * 10_000, call(NOON + 1_000 * 10_000))
    feed.drain()
    dirty = feed.store.take_dirty()
    assert sorted(key[:1] for key in dirty) == [b"m", b"p"]
    assert sum(len(value or b"") for value in dirty.values()) < 200


def test_longer_windows_follow_once_a_second() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.send_both(NOON, call(NOON))
    assert [kind for kind, *_ in seen(feed.drain(250))] == ["1m", "30m", "today"]
    assert [kind for kind, *_ in seen(feed.drain(750))] == ["15m", "1h", "1d"]


def test_the_trailing_half_hour_forgets_and_says_so_once() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.send_both(NOON + 30 * MINUTE - 10_000)
    assert seen(feed.drain(), ["30m"]) == []
    feed.send_both(NOON + 30 * MINUTE)
    assert seen(feed.drain(), ["30m"]) == [("30m", 0, False, 0)]
    feed.send_both(NOON + 31 * MINUTE)
    assert seen(feed.drain(), ["30m"]) == []


def test_after_midnight_today_is_the_new_day_and_the_old_day_stays_open() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.send_both(NOON + 12 * HOUR)
    assert seen(feed.drain(), ["today", "1d"]) == [("today", 720, False, 0)]
    feed.send_both(NOON + 18 * HOUR)
    assert seen(feed.drain(), ["today", "1d"]) == [("1d", -720, True, 1)]
    assert [key for key in feed.store if key[:1] in b"pq"] == []


def test_a_silent_year_takes_one_drain() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.send_both(NOON + 365 * DAY)
    changes = feed.drain()
    assert changes.closed == {"1m": 1, "15m": 1, "1h": 1, "1d": 1}
    assert changes.minutes is not None
    assert changes.minutes.closed_ms == NOON + 365 * DAY - 2 * MINUTE


def test_closed_minutes_go_to_detect_with_counts_and_without_histograms() -> None:
    feed = Feed()
    cell = CALL | {m.WAIT_BUCKET + 3: 1, m.WAIT_SKETCH + 17: 1}
    feed.send_both(NOON, PaneChange(NOON, 0, "total", cell), call(NOON, series="issue\x1fbill"))
    assert feed.drain().minutes is not None  # the first one says from when on minutes are closed
    feed.send_both(NOON + 3 * MINUTE)
    frame = feed.drain().minutes
    assert frame is not None
    assert (2, NOON + MINUTE, [MinuteRow("total", NOON, CALL)]) == (frame.number, frame.closed_ms, frame.rows)
    feed.send_both(NOON + 3 * MINUTE + 59_999)
    assert feed.drain().minutes is None
    feed.send_both(NOON + 4 * MINUTE)
    frame = feed.drain().minutes
    assert frame is not None
    assert (frame.number, frame.rows) == (3, [])


def test_waiting_levels_are_summed_over_source_partitions_and_age_each_second() -> None:
    feed = Feed()
    feed.send(0, NOON, waiting=[WaitingLevel("total", 2, NOON - 30_000)])
    feed.send(1, NOON, waiting=[WaitingLevel("total", 1, NOON - 60_000)])
    first = feed.drain(0).trends
    assert [trend.window.kind for _, trend in first] == ["30m", "today"]
    assert [(t.kpis["contacts_in_queue"].value, t.kpis["oldest_in_queue"].value) for _, t in first] == [(3.0, 60.0)] * 2
    assert feed.drain(999).trends == []
    assert [trend.kpis["oldest_in_queue"].value for _, trend in feed.drain(1).trends] == [61.0, 61.0]

    feed.send(1, NOON, waiting=[])
    assert [trend.kpis["contacts_in_queue"].value for _, trend in feed.drain().trends] == [2.0, 2.0]
    feed.send(0, NOON, waiting=[])
    assert [trend.kpis["contacts_in_queue"].value for _, trend in feed.drain().trends] == [0.0, 0.0]
    assert feed.drain(2_000).trends == []


def test_in_a_replay_waits_are_measured_up_to_the_watermark() -> None:
    feed = Feed()
    feed.now_ms = NOON + 365 * DAY
    feed.send(0, NOON, waiting=[WaitingLevel("total", 1, NOON - 30_000)])
    feed.send(1, NOON)
    assert [trend.kpis["oldest_in_queue"].value for _, trend in feed.drain().trends] == [30.0, 30.0]


def test_waiting_levels_survive_a_restart() -> None:
    feed = Feed()
    feed.send(0, NOON, waiting=[WaitingLevel("total", 2, NOON)])
    feed.send(1, NOON)
    feed.drain()
    assert [trend.kpis["contacts_in_queue"].value for _, trend in Feed(feed.store).drain().trends] == [2.0, 2.0]


def test_live_series_are_published_again_once_in_the_refresh_time() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON), call(NOON, series="queue\x1fbilling"))
    feed.drain()
    feed.drain(1_000)
    again = [f"{series} {trend.window.kind}" for _ in range(120) for series, trend in feed.drain(1_000).trends]
    assert Counter({"total 30m": 2, "total today": 2, "queue\x1fbilling 30m": 2, "queue\x1fbilling today": 2}) == Counter(again)


def test_the_first_drain_after_a_restart_publishes_what_is_live_with_a_higher_revision() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    before = feed.drain().trends
    after = Feed(feed.store).drain().trends
    assert {"30m", "today"} <= {trend.window.kind for _, trend in after}
    assert max(trend.revision for _, trend in before) < min(trend.revision for _, trend in after)
    assert {None} == {trend.read_ms for _, trend in after}


def test_the_clock_ticks_each_second_and_tells_when_the_most_silent_source_partition_was_heard() -> None:
    feed = Feed()
    feed.send(0, NOON)
    feed.now_ms += 400
    feed.send(1, NOON)
    first = feed.drain().clock
    assert first is not None
    assert (first.heard_ms, first.event_ms) == (NOON, NOON)
    assert feed.drain(999).clock is None
    assert feed.drain(1).clock is not None


def test_contacts_taken_back_before_anyone_saw_them_leave_no_record() -> None:
    feed = Feed()
    taken_back = PaneChange(NOON, 0, "total", {code: -n for code, n in CALL.items()})
    feed.send_both(NOON, call(NOON), taken_back)
    assert seen(feed.drain()) == []
    feed.send_both(NOON + DAY)
    assert seen(feed.drain()) == []


def test_contacts_taken_back_after_they_were_shown_leave_an_empty_final() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.send_both(NOON + 3 * MINUTE, PaneChange(NOON, 0, "total", {code: -n for code, n in CALL.items()}))
    assert seen(feed.drain(), ["1m"]) == [("1m", 0, True, 0)]


def test_a_record_tells_when_its_oldest_event_was_read() -> None:
    feed = Feed()
    feed.send_both(NOON)
    feed.drain()
    feed.send(0, NOON, call(NOON))
    feed.now_ms += 50
    feed.send(1, NOON, call(NOON))
    assert {NOON + 150} == {trend.read_ms for _, trend in feed.drain().trends}
    feed.send(0, NOON + 3 * MINUTE)
    feed.send(1, NOON + 3 * MINUTE)
    assert [trend.read_ms for _, trend in feed.drain().trends if trend.final] == [None]


def test_one_drain_closes_so_many_windows_and_the_next_goes_on() -> None:
    windows = Windows(ZoneInfo("UTC"), (2 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR))
    for minute in range(10):
        windows.add(windows.place(NOON + minute * MINUTE), 0, "total", CALL, UNREAD)
    done_ms, closed = windows.close(NOON + 10 * MINUTE, room=3)
    assert (done_ms, [(window.start_ms - NOON) // MINUTE for window in closed]) == (NOON + 6 * MINUTE - 1, [0, 1, 2])
    done_ms, closed = windows.close(NOON + 10 * MINUTE, room=99)
    assert (done_ms, [(window.start_ms - NOON) // MINUTE for window in closed]) == (NOON + 10 * MINUTE, [3, 4, 5, 6, 7])

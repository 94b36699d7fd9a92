"""Merge by example: one shard, two source partitions, a few frames and the windows that come out."""

from zoneinfo import ZoneInfo

import pytest
from merge_feed import CALL, DAY, HOUR, MINUTE, NOON, Feed, call, seen

from streams.core import measure as m
from streams.core.frame import MinuteRow, PaneChange
from streams.core.merge import MergeError
from streams.core.merge_windows import UNREAD, Windows
from streams.core.trend import Clock


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
    changes = feed.drain(10_000)
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


def test_a_silent_year_takes_one_drain() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.send_both(NOON + 365 * DAY)
    changes = feed.drain()
    assert changes.closed == {"1m": 1, "15m": 1, "1h": 1, "1d": 1, "1w": 1}  # the month comes with the next one
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


def test_one_drain_closes_so_many_windows_and_the_next_goes_on() -> None:
    windows = Windows(ZoneInfo("UTC"), (2 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR))
    for minute in range(10):
        windows.add(0, windows.place(NOON + minute * MINUTE), {"total": CALL}, {"total": UNREAD})
    done_ms, closed = windows.close(NOON + 10 * MINUTE, room=3)
    assert (done_ms, [(window.start_ms - NOON) // MINUTE for window in closed]) == (NOON + 6 * MINUTE - 1, [0, 1, 2])
    done_ms, closed = windows.close(NOON + 10 * MINUTE, room=99)
    assert (done_ms, [(window.start_ms - NOON) // MINUTE for window in closed]) == (NOON + 10 * MINUTE, [3, 4, 5, 6, 7])


def test_minutes_have_ended_when_all_source_partitions_have() -> None:
    feed = Feed()
    ends: list[int | None] = []
    for first, second in ((None, None), (NOON, None), (NOON, NOON + 1), (None, NOON + 1)):
        watermark_ms = NOON + (3 + len(ends)) * MINUTE
        feed.send(0, watermark_ms, ended_ms=first)
        feed.send(1, watermark_ms, ended_ms=second)
        minutes = feed.drain().minutes
        assert minutes is not None
        ends.append(minutes.ended_ms)
    assert ends == [None, None, NOON + 1, None]

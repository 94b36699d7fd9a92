"""Merge by example: what is live: the trailing half hour, today, who waits now, the clock, and what is published again."""

from collections import Counter

from merge_feed import DAY, HOUR, MINUTE, NOON, Feed, call, seen

from streams.core.frame import WaitingLevel
from streams.core.series import series_of


def test_live_windows_follow_at_once_minutes_every_two_seconds_longer_windows_every_ten() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.drain()
    feed.send_both(NOON, call(NOON))
    assert [kind for kind, *_ in seen(feed.drain(250))] == ["30m", "today"]
    assert [kind for kind, *_ in seen(feed.drain(1_750))] == ["1m"]
    assert [kind for kind, *_ in seen(feed.drain(8_000))] == ["15m", "1h", "1d"]


def test_of_many_live_series_those_of_one_dimension_follow_twice_a_second_crossed_ones_every_two() -> None:
    feed = Feed()
    plain = [call(NOON, series=series_of("queue", f"q-{n}")) for n in range(15)]
    crossed = [call(NOON, series=series_of("channel+queue", "voice", f"q-{n}")) for n in range(15)]

    def follow(after_ms: int) -> Counter[str]:
        feed.send_both(NOON, *plain, *crossed)
        return Counter(trend.cut for _, trend in feed.drain(after_ms).trends if trend.window.kind == "today")

    assert follow(250) == {"queue": 15, "channel+queue": 15}
    assert [follow(250) for _ in range(4)] == [{}, {"queue": 15}, {}, {"queue": 15}]
    assert follow(1_000) == {"queue": 15, "channel+queue": 15}


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


def test_the_backlog_is_the_sum_of_source_partitions_told_when_it_changes_and_kept() -> None:
    feed = Feed()
    feed.send(0, NOON, backlog={"total": 2, "queue\x1fsales": 2})
    feed.send(1, NOON, backlog={"total": 1})
    feed.drain()
    feed.send(0, NOON, backlog={"total": 4, "queue\x1fsales": 2})
    told = [(series, trend.kpis["backlog"].value, trend.kpis["contacts_in_queue"].value) for series, trend in feed.drain().trends]
    assert told == [("total", 5.0, 0.0)] * 2  # trailing half hour and today
    again = Feed(feed.store).drain(0).trends
    assert {(series, trend.kpis["backlog"].value) for series, trend in again} == {("total", 5.0), ("queue\x1fsales", 2.0)}
    feed.send(0, NOON, backlog={})
    feed.send(1, NOON, backlog={})
    assert {(series, trend.kpis["backlog"].value) for series, trend in feed.drain().trends} == {
        ("total", 0.0), ("queue\x1fsales", 0.0),
    }  # fmt: skip


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


def test_a_record_tells_when_its_oldest_event_was_read() -> None:
    feed = Feed()
    feed.send_both(NOON)
    feed.drain()
    feed.send(0, NOON, call(NOON))
    feed.now_ms += 50
    feed.send(1, NOON, call(NOON))
    assert {NOON + 150} == {trend.read_ms for _, trend in feed.drain(10_000).trends}
    feed.send(0, NOON + 3 * MINUTE)
    feed.send(1, NOON + 3 * MINUTE)
    assert [trend.read_ms for _, trend in feed.drain().trends if trend.final] == [None]

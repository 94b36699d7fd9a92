"""Weeks and months by example: made of days, final with the last one, the same after a restart."""

from merge_feed import DAY, HOUR, NOON, Feed, call

from streams.core.merge import MergeChanges

MIDNIGHT = NOON - 12 * HOUR  # Monday 23 November 2026: a week begins
MINUTE_AWAY = 60_000


def long(changes: MergeChanges) -> list[tuple[str, int, bool, int]]:
    """(kind, days from that Monday to the start, final, offered) of the records of weeks and months."""
    return [
        (trend.window.kind, (trend.window.start_ms - MIDNIGHT) // DAY, trend.final, trend.measures.get("offered", 0))
        for _, trend in changes.trends
        if trend.window.kind in ("1w", "1mo")
    ]


def test_a_week_and_a_month_so_far_are_the_closed_days_and_the_open_one() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    assert long(feed.drain()) == [("1w", 0, False, 1), ("1mo", -22, False, 1)]
    feed.send_both(NOON + DAY, call(NOON + DAY), call(NOON + DAY))
    assert long(feed.drain()) == []  # again after a minute
    assert long(feed.drain(MINUTE_AWAY)) == [("1w", 0, False, 3), ("1mo", -22, False, 3)]
    assert long(feed.drain(MINUTE_AWAY)) == []


def test_a_week_is_final_when_its_last_day_is_and_a_month_too() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.send_both(NOON + 6 * DAY, call(NOON + 6 * DAY))
    feed.send_both(MIDNIGHT + 7 * DAY + 6 * HOUR - 1)
    assert all(not final for _, _, final, _ in long(feed.drain()))
    feed.send_both(MIDNIGHT + 7 * DAY + 6 * HOUR)
    assert long(feed.drain()) == [("1w", 0, True, 2)]
    feed.send_both(MIDNIGHT + 8 * DAY + 6 * HOUR)  # 1 December, 06:00
    assert long(feed.drain()) == [("1mo", -22, True, 2)]
    assert [key for key in feed.store if key[:1] == b"l"] == []


def test_what_is_too_late_for_its_day_is_in_no_week() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.send_both(NOON + 2 * DAY, call(NOON, closed=4))
    feed.drain()
    assert long(feed.drain(MINUTE_AWAY)) == []
    feed.send_both(MIDNIGHT + 7 * DAY + 6 * HOUR)
    assert long(feed.drain()) == [("1w", 0, True, 1)]


def test_a_restart_changes_nothing_but_says_everything_again() -> None:
    feed = Feed()
    feed.send_both(NOON, call(NOON))
    feed.send_both(NOON + DAY, call(NOON + DAY))
    feed.drain()
    again = Feed(feed.store)
    again.numbers = feed.numbers
    assert long(again.drain()) == [("1w", 0, False, 2), ("1mo", -22, False, 2)]
    again.send_both(MIDNIGHT + 7 * DAY + 6 * HOUR)
    assert long(again.drain()) == [("1w", 0, True, 2)]

"""Laws of what a replay sends: time order, no heartbeat ahead of what it promises, nothing lost."""

from hypothesis import given
from hypothesis import strategies as st

from streams.sources.heartbeat import MINUTE_MS, with_heartbeats
from streams.sources.row import CanonicalEvent, Row, collect, time_of

TIMES = st.lists(st.integers(min_value=0, max_value=40 * MINUTE_MS), max_size=40)


def feed_of(times: list[int]) -> list[CanonicalEvent]:
    rows = [Row([{"id": str(n), "source": "s", "type": "offered", "time": time_ms}]) for n, time_ms in enumerate(times)]
    return collect(enumerate(rows)).events


@given(TIMES)
def test_a_feed_is_sorted_and_keeps_the_order_of_rows_at_equal_times(times: list[int]) -> None:
    expected = sorted(range(len(times)), key=lambda n: (times[n], n))
    assert expected == [int(str(event["id"])) for event in feed_of(times)]


@given(TIMES, st.booleans())
def test_what_is_sent_is_in_time_order_and_holds_every_event(times: list[int], fill: bool) -> None:
    events = feed_of(times)
    sent = list(with_heartbeats(events, fill=fill))
    assert [time_of(event) for event in sent] == sorted(time_of(event) for event in sent)
    assert [event for event in sent if event["type"] != "heartbeat"] == events


@given(TIMES, st.booleans())
def test_every_minute_with_an_event_after_the_first_one_has_a_heartbeat_at_its_start(times: list[int], fill: bool) -> None:
    events = feed_of(times)
    beats = {time_of(event) for event in with_heartbeats(events, fill=fill) if event["type"] == "heartbeat"}
    minutes = {time_of(event) // MINUTE_MS * MINUTE_MS for event in events}
    assert minutes - ({min(minutes)} if minutes else set()) <= beats

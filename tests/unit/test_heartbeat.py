"""Heartbeats among events, and events moved in time."""

from streams.sources.heartbeat import closing_heartbeat, shifted, with_heartbeats
from streams.sources.row import CanonicalEvent, time_of


def at(time_ms: int) -> CanonicalEvent:
    return {"id": f"e{time_ms}", "source": "s", "type": "offered", "interaction_id": "c", "time": time_ms}


def beats(events: list[CanonicalEvent], *, fill: bool) -> list[tuple[str, int]]:
    return [(str(event["type"]), time_of(event)) for event in with_heartbeats(events, fill=fill)]


def test_a_heartbeat_comes_before_the_first_event_and_with_each_minute_that_begins() -> None:
    expected = [
        ("heartbeat", 4_999),
        ("offered", 5_000),
        ("offered", 59_999),
        ("heartbeat", 60_000),
        ("offered", 60_000),
        ("offered", 61_000),
        ("heartbeat", 240_000),
        ("offered", 241_000),
    ]
    assert expected == beats([at(5_000), at(59_999), at(60_000), at(61_000), at(241_000)], fill=False)


def test_a_gap_is_filled_with_a_heartbeat_for_each_minute_when_it_takes_its_time() -> None:
    expected = [
        ("heartbeat", 4_999),
        ("offered", 5_000),
        ("heartbeat", 60_000),
        ("heartbeat", 120_000),
        ("heartbeat", 180_000),
        ("offered", 181_000),
    ]
    assert expected == beats([at(5_000), at(181_000)], fill=True)


def test_no_events_give_no_heartbeats() -> None:
    assert beats([], fill=True) == []


def test_the_closing_heartbeat_comes_two_days_after_the_last_event() -> None:
    expected = {"id": "heartbeat/172805000", "source": "s", "type": "heartbeat", "time": 172_805_000, "outcome": "end"}
    assert expected == closing_heartbeat(at(5_000))


def test_shifted_events_are_other_interactions_at_another_time() -> None:
    event = {**at(5_000), "parent_interaction_id": "b", "queue": "billing"}
    ids = {"id": "e5000+250", "interaction_id": "c+250", "parent_interaction_id": "b+250"}
    assert list(shifted([event], 250)) == [{**event, **ids, "time": 5_250}]

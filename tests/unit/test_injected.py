"""Incidents put into contacts that are over: what changes, and what doesn't."""

from random import Random
from zoneinfo import ZoneInfo

import pytest

from streams.sources.injected import Contact, Injected, InjectedKind, contacts_of, inject, plan, size
from streams.sources.row import CanonicalEvent, time_of

MINUTE = 60_000
DAY = 1_440 * MINUTE


def call(name: str, start_ms: int, queue: str = "billing") -> list[CanonicalEvent]:
    known: CanonicalEvent = {"source": "acd", "interaction_id": name, "queue": queue, "customer_id": "c"}
    return [
        {**known, "id": f"{name}/o", "type": "offered", "time": start_ms},
        {**known, "id": f"{name}/q", "type": "queued", "time": start_ms},
        {**known, "id": f"{name}/a", "type": "answered", "time": start_ms + 10_000, "agent_id": "7"},
        {**known, "id": f"{name}/c", "type": "completed", "time": start_ms + 110_000, "talk_seconds": 100.0},
    ]


def left(name: str, start_ms: int) -> list[CanonicalEvent]:
    return [*call(name, start_ms)[:2], {**call(name, start_ms)[2], "id": f"{name}/l", "type": "abandoned"}]


def incident(kind: InjectedKind, factor: float, queue: str | None = "billing") -> Injected:
    return Injected(kind=kind, start_ms=10 * MINUTE, end_ms=20 * MINUTE, factor=factor, queue=queue)


def injected(one: Injected, *calls: list[CanonicalEvent]) -> list[tuple[str, str, int]]:
    events = inject(contacts_of(event for life in calls for event in life), [one], Random(1))
    return [(str(event["interaction_id"]), str(event["type"]), time_of(event)) for event in events]


def test_a_surge_doubles_the_contacts_of_its_queue_and_of_its_minutes_only() -> None:
    calls = [call("a", 9 * MINUTE), call("b", 10 * MINUTE), call("c", 12 * MINUTE, "sales"), call("d", 20 * MINUTE)]
    events = injected(incident("surge", 2.0), *calls)

    assert sorted(name for name, kind, _ in events if kind == "offered") == ["a", "b", "b+0", "c", "d"]
    copied = [time_ms for name, _, time_ms in events if name == "b+0"]
    assert 10 * MINUTE <= copied[0] < 20 * MINUTE
    assert [time_ms - copied[0] for time_ms in copied] == [0, 0, 10_000, 110_000]


def test_a_copy_is_of_nobody_who_is_known() -> None:
    events = inject(contacts_of(call("b", 10 * MINUTE)), [incident("surge", 2.0)], Random(1))
    assert ["customer_id" in event for event in events if event["interaction_id"] == "b+0"] == [False] * 4


def test_in_an_outage_nobody_comes() -> None:
    calls = [call("a", 9 * MINUTE), call("b", 10 * MINUTE), call("c", 12 * MINUTE, "sales"), call("d", 20 * MINUTE)]
    assert sorted({name for name, _, _ in injected(incident("outage", 0.0, None), *calls)}) == ["a", "d"]


def test_a_longer_handle_time_ends_later() -> None:
    events = inject(contacts_of(call("b", 10 * MINUTE)), [incident("handle_time", 1.3)], Random(1))
    assert (events[-1]["time"], events[-1]["talk_seconds"]) == (10 * MINUTE + 140_000, 130.0)


def test_twice_the_share_abandoned_is_half_of_those_who_stayed_where_a_third_left_before() -> None:
    calls = [
        life for n in range(300) for life in (call(f"x{n}", 11 * MINUTE), call(f"y{n}", 12 * MINUTE), left(f"z{n}", 13 * MINUTE))
    ]
    events = injected(incident("abandonment", 2.0), *calls)

    assert 560 < sum(kind == "abandoned" for _, kind, _ in events) < 640
    assert {name: kind for name, kind, _ in events}.keys() == {str(life[0]["interaction_id"]) for life in calls}
    assert sum(kind == "completed" for _, kind, _ in events) == 900 - sum(kind == "abandoned" for _, kind, _ in events)


def test_who_is_made_to_give_up_waits_as_long_as_others_who_do() -> None:
    """Answered after ten seconds; who left had waited half a minute or a whole one."""
    waited = [30_000, 60_000]
    leavers = [
        [*left(f"z{n}", 13 * MINUTE)[:2], {**left(f"z{n}", 13 * MINUTE)[2], "time": 13 * MINUTE + waited[n % 2]}]
        for n in range(50)
    ]
    events = injected(incident("abandonment", 2.0), *(call(f"x{n}", 11 * MINUTE) for n in range(100)), *leavers)
    found = [time_ms - 11 * MINUTE for name, kind, time_ms in events if kind == "abandoned" and name.startswith("x")]

    assert set(found) == {30_000, 60_000}
    assert 30 < len(found) < 70


def test_each_day_but_the_first_has_the_next_kind_and_the_fifth_none() -> None:
    contacts = contacts_of(event for day in range(7) for event in call(f"c{day}", day * DAY + 8 * 60 * MINUTE))
    planned = plan(contacts, 0, ZoneInfo("UTC"), Random(1))

    kinds = ["surge", "outage", "handle_time", "abandonment", "surge"]
    assert [(one.kind, one.start_ms // DAY) for one in planned] == list(zip(kinds, [1, 2, 3, 4, 6], strict=True))
    assert [one.queue for one in planned] == ["billing", None, "billing", "billing", "billing"]
    assert [one.kind for one in plan(contacts, 1, ZoneInfo("UTC"), Random(1))][:3] == ["outage", "handle_time", "abandonment"]


@pytest.mark.parametrize(("kind", "factor", "contacts"), [("surge", 3.0, 2.0), ("outage", 0.0, -1.0), ("handle_time", 1.3, None)])
def test_the_size_of_an_incident_is_how_many_contacts_it_adds(kind: InjectedKind, factor: float, contacts: float | None) -> None:
    assert size(incident(kind, factor), [Contact("billing", call("b", 10 * MINUTE))]) == contacts

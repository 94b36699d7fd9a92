"""Journey by a worked example, through intake, journey and merge: eleven days, W = 7 days, every figure by hand."""

from itertools import count
from operator import itemgetter
from random import Random
from zlib import crc32

import pytest
from flow import CONTACTS, DAY, HOUR, MONDAY, Flow, contact, heartbeat
from intake_fakes import RecordFake

from streams.core.customer import pseudonym
from streams.core.trend import KpiValue


@pytest.fixture(scope="module")
def flow() -> Flow:
    """The contacts in order, then heartbeats until all days are final."""
    flow = Flow({"STREAMS_KPI_SEGMENT_CUSTOMERS": "{private = 10}"})
    for number, (who, day, hour, issue) in enumerate(CONTACTS):
        ended_ms = MONDAY + day * DAY + round(hour * HOUR)
        flow.feed([heartbeat(ended_ms - HOUR), *contact(f"customer {who}", f"c{number}", ended_ms, issue=issue)])
        flow.settle()
    for day in range(8, 13):
        flow.feed([heartbeat(MONDAY + day * DAY)])
        flow.settle()
    return flow


def by_day(flow: Flow, *names: str) -> list[tuple[int, ...]]:
    days = flow.finals("1d", "total")
    return [
        tuple(days[start].measures.get(name, 0) for name in names) if (start := MONDAY + day * DAY) in days else ()
        for day in range(11)
    ]


def test_first_contacts_repeats_and_those_whose_seven_days_are_over_by_day(flow: Flow) -> None:
    names = ("journey_contacts", "journey_repeats", "journey_followed", "journey_matured", "journey_matured_followed")
    assert by_day(flow, *names) == [
        (3, 0, 0, 0, 0),  # ann, bob, cem for the first time; none of them comes back today
        (2, 1, 1, 0, 0),  # dee, and dee again: her first contact was followed within the day
        (1, 1, 0, 0, 0),  # ann again
        (1, 0, 0, 0, 0),  # eve
        (),
        (),
        (),
        (2, 1, 0, 3, 2),  # bob repeats, cem begins anew; the seven days of ann, bob and cem are over: two of them came back
        (0, 0, 0, 1, 1),  # dee's are over
        (),
        (0, 0, 0, 1, 0),  # eve's are over: resolved at first contact
    ]


def kpi(flow: Flow, name: str) -> dict[int, tuple[float, int]]:
    """Day → value and n, where there is a value."""
    days = flow.finals("1d", "total")
    found = {(start - MONDAY) // DAY: trend.kpis[name] for start, trend in days.items()}
    return {day: (round(each.value, 4), each.n) for day, each in sorted(found.items()) if each.value is not None}


def test_first_contact_resolution_matures_seven_days_after_the_contact_and_is_provisional_on_its_day(flow: Flow) -> None:
    assert kpi(flow, "fcr") == {7: (0.3333, 3), 8: (0.0, 1), 10: (1.0, 1)}
    assert kpi(flow, "fcr_provisional") == {0: (1.0, 3), 1: (0.0, 1), 3: (1.0, 1), 7: (1.0, 1)}


def test_by_issue_only_the_same_issue_is_the_same_matter(flow: Flow) -> None:
    # Ann's invoice came back; bob's invoice and dee's outage didn't, they called again for something else.
    assert kpi(flow, "fcr_issue") == {7: (0.6667, 3), 8: (1.0, 2), 10: (1.0, 1)}
    assert kpi(flow, "repeat_rate_issue") == {0: (0.0, 3), 1: (0.0, 2), 2: (1.0, 1), 3: (0.0, 1), 7: (0.0, 2)}


def test_repeats_and_the_time_between_contacts(flow: Flow) -> None:
    assert kpi(flow, "repeat_rate") == {0: (0.0, 3), 1: (0.5, 2), 2: (1.0, 1), 3: (0.0, 1), 7: (0.5, 2)}
    assert kpi(flow, "time_between_contacts") == {1: (7 * 3600, 1), 2: (47 * 3600, 1), 7: (7 * 86400 - 60, 1)}


def test_customers_are_counted_once_a_day_and_by_their_contacts(flow: Flow) -> None:
    assert kpi(flow, "customers") == {0: (3, 3), 1: (1, 1), 2: (1, 1), 3: (1, 1), 7: (2, 2)}
    assert kpi(flow, "contacts_per_customer") == {0: (1.0, 3), 1: (2.0, 1), 2: (1.0, 1), 3: (1.0, 1), 7: (1.0, 2)}
    assert kpi(flow, "customers_twice") == {0: (0.0, 3), 1: (1.0, 1), 2: (0.0, 1), 3: (0.0, 1), 7: (0.0, 2)}
    assert [trend.measures for trend in flow.finals("1h", "total").values() if "customers_1" in trend.measures] == []


def test_a_customer_of_several_days_is_one_of_the_week(flow: Flow) -> None:
    week = flow.finals("1w", "total")[MONDAY].kpis
    found = {name: (week[name].value, week[name].n) for name in ("customers", "customers_twice", "contacts_per_customer")}
    assert found == {"customers": (5, 5), "customers_twice": (0.4, 5), "contacts_per_customer": (1.4, 5)}


def test_a_customer_of_several_weeks_is_one_of_the_month() -> None:
    """Contacts in three weeks of November: of the first journey keeps nothing but its place in the month."""
    flow = Flow({"STREAMS_KPI_SEGMENT_CUSTOMERS": "{private = 10}"})
    first = MONDAY - 21 * DAY
    for number, (who, day) in enumerate((("ann", 0), ("bob", 1), ("ann", 14), ("ann", 15), ("cem", 15))):
        ended_ms = first + day * DAY + 9 * HOUR
        flow.feed([heartbeat(ended_ms - HOUR), *contact(f"customer {who}", f"c{number}", ended_ms)])
        flow.settle()
    for day in range(16, 31):  # until December
        flow.feed([heartbeat(first + day * DAY)])
        flow.settle()
    month = flow.finals("1mo", "total")[first - 2 * DAY].kpis
    names = ("customers", "customers_once", "customers_three_times", "contacts_per_customer")
    assert {name: (round(month[name].value or 0, 4), month[name].n) for name in names} == {
        "customers": (3, 3),
        "customers_once": (0.6667, 3),
        "customers_three_times": (0.3333, 3),
        "contacts_per_customer": (1.6667, 3),
    }
    assert [month[name].value for name in ("interaction_rate", "interaction_rate_net", "customer_reach")] == [0.5, 0.5, 0.3]
    assert [key for (stage, _), store in flow.stores.items() if stage == "journey" for key in store if key[:1] == b"c"] == []


def test_the_interaction_rate_is_of_the_customers_that_there_are(flow: Flow) -> None:
    days = (0, 1, 2, 3, 7)
    assert [kpi(flow, "interaction_rate")[day] for day in days] == [(0.3, 10), (0.2, 10), (0.1, 10), (0.1, 10), (0.2, 10)]
    assert [kpi(flow, "interaction_rate_net")[day] for day in days] == [(0.3, 10), (0.1, 10), (0.1, 10), (0.1, 10), (0.2, 10)]


def test_nothing_that_is_sent_or_kept_holds_the_id_of_a_customer(flow: Flow) -> None:
    held = [part for outputs in flow.sent.values() for output in outputs for part in (output.key, output.value)]
    held += [part for store in flow.stores.values() for entry in store.items() for part in entry]
    assert len(held) > 1_000
    assert [part for part in held if part is not None and b"customer " in part] == []


def test_who_is_forgotten_is_in_no_state_and_begins_anew() -> None:
    flow = Flow({"STREAMS_PRIVACY_CUSTOMER_KEY": "k"})
    flow.feed([heartbeat(MONDAY), *contact("ann", "c1", MONDAY + HOUR), *contact("bob", "c2", MONDAY + HOUR)])
    flow.settle()
    names = [pseudonym(who, b"k") for who in ("ann", "bob")]
    assert [holds(flow, name) for name in names] == [True, True]
    flow.forget(names[0])
    flow.settle()
    assert [holds(flow, name) for name in names] == [False, True]
    flow.feed([*contact("ann", "c3", MONDAY + 2 * HOUR), *contact("bob", "c4", MONDAY + 2 * HOUR)])
    flow.feed([heartbeat(MONDAY + 2 * DAY)])
    for _ in range(3):
        flow.settle()
    assert kpi(flow, "repeat_rate") == {0: (0.25, 4)}  # bob's; of ann's first contact nothing is known any more


def holds(flow: Flow, name: str) -> bool:
    """Whether journey's state has a name, in any key or value."""
    entries = [entry for (stage, _), store in flow.stores.items() if stage == "journey" for entry in store.items()]
    return any(name.encode() in part for entry in entries for part in entry)


PARTITIONS = 2
TWO = {
    "STREAMS_TOPICS_PARTITIONS": str(PARTITIONS),
    "STREAMS_JOURNEY_REPEAT_HOURS": "24",
    "STREAMS_INTAKE_CUTS": "total,channel,queue",
}


def arrivals(number: int) -> list[tuple[int, list[RecordFake]]]:
    """When it comes in → a contact of one partition. Every third is late by up to eight hours; one beside each tells the time."""
    chance, found = Random(number), []
    names = (name for i in count() if crc32((name := f"c{i}").encode()) % PARTITIONS == number)
    for _ in range(60):
        ended_ms = MONDAY + chance.randrange(12 * HOUR)
        late_ms = chance.choice((0, 0, chance.randrange(8 * HOUR)))
        found.append((ended_ms + late_ms, contact(f"customer {chance.randrange(25)}", next(names), ended_ms)))
        found.append((ended_ms + late_ms, contact(f"other {number} {ended_ms}", next(names), ended_ms + late_ms)))
    return sorted(found, key=itemgetter(0))


def finals_of(log: list[tuple[int, list[RecordFake]]]) -> dict[tuple[str, int], tuple[dict[str, int], dict[str, KpiValue]]]:
    """Kind and start of each final window → what journey says of it, where contacts are read in this order."""
    flow = Flow(TWO)
    flow.feed([heartbeat(MONDAY)])
    for number, (_, records) in enumerate(log):
        flow.feed(records)
        if number % 4 == 0:
            flow.settle()
    for day in range(3, 7):
        flow.feed([heartbeat(MONDAY + day * DAY)])
        flow.settle()
        flow.settle()
    return {
        (kind, start_ms): (trend.measures, {name: trend.kpis[name] for name in ("fcr", "fcr_provisional", "repeat_rate")})
        for kind in ("1m", "15m", "1h", "1d")
        for start_ms, trend in flow.finals(kind, "total").items()
    }


@pytest.mark.thorough
def test_the_order_in_which_partitions_are_read_changes_no_first_contact_resolution() -> None:
    one, other = arrivals(0), arrivals(1)
    side_by_side = finals_of(sorted(one + other, key=itemgetter(0)))
    followed = sum(measures.get("journey_followed", 0) for measures, _ in side_by_side.values())
    assert followed > 20, "or nothing would depend on an order"
    assert finals_of(one + other) == side_by_side
    assert finals_of(other + one) == side_by_side

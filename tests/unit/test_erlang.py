"""Erlang C against the figures of the field, Erlang A against the balance of its queue, from one agent to 10,000."""

from math import exp, inf, lgamma, log

import pytest
from msgspec import structs

from streams.core.erlang import Load, Target, agents_needed, contacts_max, erlang_b, rostered, serve

HUNDRED = Load(contacts=100, interval_seconds=1800, aht_seconds=180)


def summed(load: Load, agents: int) -> tuple[float, float]:
    """(abandonment, occupancy) of Erlang A by the balance equations of the number in the system, in logarithms."""
    arrivals, leaving = load.contacts / load.interval_seconds, 1 / load.patience_seconds
    serving = 1 / load.aht_seconds
    logs, weight = [0.0], 0.0
    for n in range(1, agents * 3 + 5000):
        weight += log(arrivals / (min(n, agents) * serving + max(0, n - agents) * leaving))
        logs.append(weight)
    top = max(logs)
    weights = [exp(value - top) for value in logs]
    total = sum(weights)
    waiting = sum(max(0, n - agents) * value for n, value in enumerate(weights)) / total
    busy = sum(min(n, agents) * value for n, value in enumerate(weights)) / total
    return waiting * leaving / arrivals, busy / agents


@pytest.mark.parametrize(
    ("contacts", "agents", "level"),
    [
        (100, 11, 0.3896),
        (100, 12, 0.6402),
        (100, 13, 0.7956),
        (100, 14, 0.8884),
        (130, 14, 0.3613),
        (130, 16, 0.7605),
        (130, 17, 0.8599),
    ],
)
def test_erlang_c_gives_the_figures_of_the_field(contacts: float, agents: int, level: float) -> None:
    load = Load(contacts=contacts, interval_seconds=1800, aht_seconds=180)

    assert round(serve(load, agents, 20).service_level, 4) == level


def test_eighty_per_cent_in_twenty_seconds_of_a_hundred_contacts_need_fourteen_agents() -> None:
    service = agents_needed(HUNDRED, Target(share=0.8, seconds=20))

    assert service.agents == 14
    assert round(service.asa_seconds, 1) == 7.8
    assert round(service.occupancy, 4) == 0.7143


def test_a_ceiling_on_occupancy_asks_for_more_agents() -> None:
    assert agents_needed(HUNDRED, Target(share=0.8, seconds=20, occupancy_max=0.65)).agents == 16


def test_with_too_few_agents_and_endless_patience_nobody_is_served_in_time() -> None:
    service = serve(HUNDRED, 10, 20)

    assert (service.service_level, service.asa_seconds, service.occupancy) == (0.0, inf, 1.0)


def test_nobody_is_needed_for_no_contacts() -> None:
    assert agents_needed(Load(contacts=0, interval_seconds=1800, aht_seconds=180), Target(share=0.8, seconds=20)).agents == 0


@pytest.mark.parametrize(("agents", "erlangs"), [(1, 0.5), (10, 12.0), (100, 90.0), (10_000, 9_950.0)])
def test_erlang_b_equals_its_formula_in_logarithms(agents: int, erlangs: float) -> None:
    logs = [n * log(erlangs) - lgamma(n + 1) for n in range(agents + 1)]
    top = max(logs)

    assert erlang_b(agents, erlangs) == pytest.approx(exp(logs[-1] - top) / sum(exp(value - top) for value in logs), rel=1e-7)


@pytest.mark.parametrize("agents", [1, 2, 5, 10, 14, 100, 1_000, 10_000])
@pytest.mark.parametrize("busy", [0.5, 0.9, 1.0, 1.3])
@pytest.mark.parametrize("patience_seconds", [30.0, 600.0])
def test_erlang_a_agrees_with_the_balance_of_its_queue(agents: int, busy: float, patience_seconds: float) -> None:
    load = Load(contacts=agents * busy * 10, interval_seconds=1800, aht_seconds=180, patience_seconds=patience_seconds)
    abandonment, occupancy = summed(load, agents)

    service = serve(load, agents, 20)

    assert service.abandonment == pytest.approx(abandonment, abs=1e-6)
    assert service.occupancy == pytest.approx(occupancy, abs=1e-6)


def test_near_endless_patience_is_erlang_c() -> None:
    patient = serve(HUNDRED, 13, 20)
    nearly = serve(Load(contacts=100, interval_seconds=1800, aht_seconds=180, patience_seconds=1e8), 13, 20)

    assert nearly.service_level == pytest.approx(patient.service_level, abs=1e-5)
    assert nearly.asa_seconds == pytest.approx(patient.asa_seconds, abs=1e-2)


def test_who_gives_up_makes_fewer_agents_enough_while_more_of_them_serve_better() -> None:
    load = Load(contacts=130, interval_seconds=1800, aht_seconds=180, patience_seconds=120)
    levels = [serve(load, agents, 20).service_level for agents in range(1, 40)]

    assert levels == sorted(levels)
    assert agents_needed(load, Target(share=0.8, seconds=20)).agents < 17


def test_ten_thousand_agents_are_found_too() -> None:
    service = agents_needed(
        Load(contacts=100_000, interval_seconds=1800, aht_seconds=178, patience_seconds=inf), Target(share=0.8, seconds=20)
    )

    assert service.agents == 9_902
    assert service.service_level >= 0.8


@pytest.mark.parametrize(
    ("agents", "shrinkage", "concurrency", "people"),
    [(14, 0.0, 1.0, 14), (14, 0.3, 1.0, 20), (7, 0.3, 1.0, 10), (14, 0.3, 2.5, 8)],
)
def test_people_are_planned_for_breaks_and_for_several_chats_at_once(
    agents: int, shrinkage: float, concurrency: float, people: int
) -> None:
    assert rostered(agents, shrinkage, concurrency) == people


def test_the_most_contacts_that_agents_take_is_the_other_way_round() -> None:
    load = Load(contacts=0, interval_seconds=1800, aht_seconds=180)
    target = Target(share=0.8, seconds=20)

    # By the sums of the Erlang C formula; 100 contacts need 14 agents, 130 need 17.
    for agents, contacts in ((5, 30.488), (13, 99.665), (14, 108.685), (17, 136.018)):
        assert contacts_max(agents, load, target) == pytest.approx(contacts, rel=1e-4)
    assert contacts_max(0, load, target) == 0.0
    busy = Target(share=0.8, seconds=20, occupancy_max=0.7)
    assert contacts_max(14, load, busy) == pytest.approx(98.0, rel=1e-4)  # 0.7 × 14 × 1800 / 180


def test_who_gives_up_makes_room_for_more_contacts() -> None:
    load = Load(contacts=0, interval_seconds=1800, aht_seconds=180, patience_seconds=60)
    most = contacts_max(13, load, Target(share=0.8, seconds=20))

    assert most > 99.7
    assert serve(structs.replace(load, contacts=most), 13, 20).service_level == pytest.approx(0.8, abs=1e-3)

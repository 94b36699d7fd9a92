"""A forecast day as a staffing plan."""

from forecast_rules import forecast_day

from streams.core.staffing import StaffingRules, plan

RULES = StaffingRules(
    share=0.8,
    within_seconds=20,
    queue_within_seconds={"back office": 600},
    occupancy_max=1.0,
    shrinkage=0.3,
    patience_seconds=0,
    concurrency={"chat": 2.0},
)


def test_each_slot_says_who_is_needed_for_what_is_expected_and_for_a_busy_day() -> None:
    first, second = plan(forecast_day("total", {}), 180, RULES).slots

    assert (first.agents, first.people, first.service_level) == (14, 20, 0.8884)
    assert (first.agents_high, first.people_high) == (17, 25)
    assert (second.agents, second.people, second.service_level) == (0, 0, 1.0)


def test_chat_needs_half_the_people_and_a_patient_queue_fewer_agents() -> None:
    assert plan(forecast_day("channel", {"channel": "chat"}), 180, RULES).slots[0].people == 10
    assert plan(forecast_day("queue", {"queue": "back office"}), 180, RULES).slots[0].agents == 11

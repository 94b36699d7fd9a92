"""A forecast day as a staffing plan."""

from streams.core.forecast_paths import Outcome
from streams.core.forecast_record import ForecastDay
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


def day(cut: str, series: dict[str, str]) -> ForecastDay:
    outcome = Outcome(total_low_95=0, total_low_80=0, total_high_80=0, total_high_95=0, peak_slot=0, peak_quantiles=[0.0] * 19)
    return ForecastDay(
        cut=cut,
        series=series,
        day="2026-03-02",
        time_zone="UTC",
        slot_minutes=30,
        origin_ms=0,
        starts_ms=[0, 1_800_000],
        mean=[100.0, 0.0],
        low_80=[85.0, 0.0],
        high_80=[130.0, 0.0],
        low_95=[80.0, 0.0],
        high_95=[140.0, 0.0],
        total=100.0,
        outcome=outcome,
        borrowed=False,
        published_ms=0,
    )


def test_each_slot_says_who_is_needed_for_what_is_expected_and_for_a_busy_day() -> None:
    first, second = plan(day("total", {}), 180, RULES).slots

    assert (first.agents, first.people, first.service_level) == (14, 20, 0.8884)
    assert (first.agents_high, first.people_high) == (17, 25)
    assert (second.agents, second.people, second.service_level) == (0, 0, 1.0)


def test_chat_needs_half_the_people_and_a_patient_queue_fewer_agents() -> None:
    assert plan(day("channel", {"channel": "chat"}), 180, RULES).slots[0].people == 10
    assert plan(day("queue", {"queue": "back office"}), 180, RULES).slots[0].agents == 11

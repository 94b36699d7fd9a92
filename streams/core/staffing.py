"""Staffing: the agents that each slot of a forecast needs, by Erlang, for what is expected and for a busy day.

The surprise: each slot is taken as steady, by itself. Contacts that a slot short of agents leaves waiting aren't handed on to the
next: the plan is for reaching the target everywhere.
"""

from collections.abc import Mapping
from math import inf

import msgspec

from streams.core.erlang import Load, Target, agents_needed, rostered
from streams.core.forecast_record import ForecastDay
from streams.core.trend import LONG, Trend, WindowKind

HANDLE_TIMES: tuple[WindowKind, ...] = ("today", *LONG)  # where a handle time is looked for, in this order
HANDLED_MIN = 10  # a mean of fewer contacts is no plan


class StaffingRules(msgspec.Struct, frozen=True, kw_only=True):
    """Config [staffing], and the service level's seconds from [kpi], as plain values. Patience 0: nobody gives up."""

    share: float
    within_seconds: float
    queue_within_seconds: dict[str, int]
    occupancy_max: float
    shrinkage: float
    patience_seconds: float
    concurrency: dict[str, float]

    def patience(self) -> float:
        """In seconds, endless as `inf`."""
        return self.patience_seconds if self.patience_seconds > 0 else inf

    def target(self, series: dict[str, str]) -> Target:
        """What is to be reached for a series: its queue's seconds where it has some of its own."""
        seconds = self.queue_within_seconds.get(series.get("queue", ""), self.within_seconds)
        return Target(share=self.share, seconds=seconds, occupancy_max=self.occupancy_max)


class SlotStaff(msgspec.Struct, frozen=True, kw_only=True):
    """One slot: contacts expected, contacts at once that must be possible, people to plan; the same for the upper end of the 80 %
    band; what the needed agents give if as much comes as is expected."""

    start_ms: int
    contacts: float
    agents: int
    people: int
    contacts_high: float
    agents_high: int
    people_high: int
    service_level: float
    occupancy: float


class StaffPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a series: `aht_seconds` is what contacts took lately."""

    cut: str
    series: dict[str, str]
    day: str
    time_zone: str
    slot_minutes: int
    aht_seconds: float
    slots: list[SlotStaff]


def handle_seconds(windows: Mapping[str, Trend]) -> float | None:
    """The average handle time of the shortest window with enough contacts."""
    for kind in HANDLE_TIMES:
        aht = windows[kind].kpis.get("aht") if kind in windows else None
        if aht is not None and aht.value is not None and aht.n >= HANDLED_MIN:
            return aht.value
    return None


def plan(forecast: ForecastDay, aht_seconds: float, rules: StaffingRules) -> StaffPlan:
    """The agents that a forecast day needs."""
    slots = [
        _slot(start_ms, (mean, high), forecast, aht_seconds, rules)
        for start_ms, mean, high in zip(forecast.starts_ms, forecast.mean, forecast.high_80, strict=True)
    ]
    return StaffPlan(
        cut=forecast.cut,
        series=forecast.series,
        day=forecast.day,
        time_zone=forecast.time_zone,
        slot_minutes=forecast.slot_minutes,
        aht_seconds=aht_seconds,
        slots=slots,
    )


def _slot(
    start_ms: int, contacts: tuple[float, float], forecast: ForecastDay, aht_seconds: float, rules: StaffingRules
) -> SlotStaff:
    target = rules.target(forecast.series)
    concurrency = rules.concurrency.get(forecast.series.get("channel", ""), 1.0)
    expected, busy = (
        agents_needed(
            Load(
                contacts=one,
                interval_seconds=forecast.slot_minutes * 60,
                aht_seconds=aht_seconds,
                patience_seconds=rules.patience(),
            ),
            target,
        )
        for one in contacts
    )
    return SlotStaff(
        start_ms=start_ms,
        contacts=contacts[0],
        agents=expected.agents,
        people=rostered(expected.agents, rules.shrinkage, concurrency),
        contacts_high=contacts[1],
        agents_high=busy.agents,
        people_high=rostered(busy.agents, rules.shrinkage, concurrency),
        service_level=round(expected.service_level, 4),
        occupancy=round(expected.occupancy, 4),
    )

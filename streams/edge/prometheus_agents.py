"""Agents' levels for Prometheus: what they do now and how occupied they are, of everybody and of each queue.

The surprise: these are cuts of their own, not channel and queue as contacts have, and their sum over queues isn't the total: who
serves two queues is one agent in each.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from streams.core.live import record_series, version_of
from streams.core.series import TOTAL
from streams.core.trend import Trend, WindowKind

CUTS: Final = (TOTAL, "queue")
STATES: Final[Mapping[str, str]] = {"available": "agents_available", "busy": "agents_busy", "break": "agents_on_break"}
NOW: Final[WindowKind] = "today"
LATELY: Final[WindowKind] = "30m"


class AgentLevels:
    """The latest live records of the two cuts, as long as they know of agents; at most `series_max` of each kind."""

    def __init__(self, series_max: int) -> None:
        self._series_max = series_max
        self._held: dict[WindowKind, dict[str, tuple[tuple[str, int], Trend]]] = {NOW: {}, LATELY: {}}

    def update(self, source: tuple[str, int], trend: Trend) -> None:
        """Take a record of a topic's partition; an older one never wins."""
        held = self._held.get(trend.window.kind)
        if held is None or trend.cut not in CUTS:
            return
        series = record_series(trend)
        known = held.get(series)
        if known is not None and version_of(trend) < version_of(known[1]):
            return
        if known is not None or (len(held) < self._series_max and _knows_agents(trend)):
            held[series] = source, trend

    def drop(self, gone: tuple[str, int]) -> None:
        """Another worker owns the partition now."""
        for kind, held in self._held.items():
            self._held[kind] = {series: one for series, one in held.items() if one[0] != gone}

    def levels(self) -> Iterator[tuple[tuple[str, str, str], float]]:
        """Cut, queue and state, and how many agents are in it; 0 where all have gone since."""
        for _, trend in self._held[NOW].values():
            for state, name in STATES.items():
                kpi = trend.kpis.get(name)
                yield (trend.cut, trend.series.get("queue", ""), state), (kpi.value if kpi else None) or 0.0

    def occupancies(self) -> Iterator[tuple[tuple[str, str], float]]:
        """Cut and queue, and the occupancy of the last half hour, where there is one."""
        for _, trend in self._held[LATELY].values():
            kpi = trend.kpis.get("occupancy")
            if kpi is not None and kpi.value is not None:
                yield (trend.cut, trend.series.get("queue", "")), kpi.value


def _knows_agents(trend: Trend) -> bool:
    return any(kpi is not None and kpi.value is not None for kpi in map(trend.kpis.get, (*STATES.values(), "occupancy")))

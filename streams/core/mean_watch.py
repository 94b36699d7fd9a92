"""Mean watch: the shifts of one mean, one minute after the other. What they share with other kinds is in life_cycle.py.

The surprise: a shift is silent under another alert of its series or a wider one, whatever that is about: a queue that is overrun
loses customers, and people know it already. When that alert is over and the shift is still there, it is found anew.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from streams.core import explain
from streams.core.budget import Budgets
from streams.core.crossing import HINT_SCORE
from streams.core.explain import Move
from streams.core.held_back import HeldBacks
from streams.core.level import FloatArray
from streams.core.life_cycle import Kind, LifeCycle, covering, within
from streams.core.mean_alerting import severity, told
from streams.core.mean_levels import MeanLevels, Seen
from streams.core.mean_shift import MeanGates, Shift, continued, crossed, ending, follow, found_in, move_of
from streams.core.watch import WatchRules

# The bound counts no gates. With this, independent contacts at 0.3, 3 and 30 a minute gave 0.7 to 1.3 of the false alarms that
# were allowed (test_means_quality.py).
CALIBRATION = 1.0

Shifts: TypeAlias = dict[str, Shift]


class Way(NamedTuple):
    """How shifts become alerts. kind: see life_cycle.py. move, speakers: as in mean_shift.py and explain.py. judged: a shift with
    all that its alert tells, and the alert that tells of it already, from the shifts that speak and the alerts of other kinds
    by series."""

    kind: Kind[Shift]
    move: Callable[[Shift, float, bool], Move]
    speakers: Callable[[Sequence[Move], Sequence[Move]], tuple[list[Move], dict[str, str]]]
    judged: Callable[[Shift, Sequence[Shift], Mapping[str, str]], tuple[Shift, str | None]]


class MeanWatch:
    """All shifts of one mean; `life` has their books and what is told of them."""

    def __init__(
        self, levels: MeanLevels, rules: WatchRules, share: float, held_backs: HeldBacks, way: Way | None = None
    ) -> None:
        """share: of the false alarms that [detect] accepts, those of this mean. way: that of a mean if there is none."""
        self.levels = levels
        self._rules = rules
        self._budgets = Budgets(rules.false_alarms_per_day, rules.own_false_alarms_per_day, share)
        self._way = way or Way(Kind(told, severity, continued), move_of, explain.speakers, _judged)
        self.life = LifeCycle(self._way.kind, held_backs, rules.cool_down_minutes, rules.runbook)

    def threshold(self, names: list[str]) -> FloatArray:
        """Evidence that alerts, for each series: what gives the accepted false alarms, with the contacts that come; at least 20
        to 1."""
        return np.maximum(HINT_SCORE, self._budgets.evidence_for(names, self.levels.spending()) - CALIBRATION)

    def step(
        self, names: list[str], columns: Mapping[str, int], minute: Seen, at: tuple[int, int], others: dict[str, str]
    ) -> None:
        """Follow what is on, then see what is new, after `levels` has taken the minute. at: hour of the day, end of the minute;
        others: series of other incidents that are on → the alert that tells of them."""
        hour, end_ms = at
        threshold = self.threshold(names)
        self._follow(columns, minute, at, others, threshold)
        crossings = crossed(self.levels, MeanGates(threshold, self._rules.contacts_min, self._rules.ratio_min), hour)
        if self.life.pending or crossings.any():
            found = found_in(self.levels, names, crossings, end_ms)
            standing = {names[column] for column in np.nonzero(crossings.any(axis=0))[0]}
            self._decide(columns, found, standing, end_ms, others)
        self.life.forget(end_ms)

    def _follow(
        self, columns: Mapping[str, int], minute: Seen, at: tuple[int, int], others: dict[str, str], threshold: FloatArray
    ) -> None:
        lasting = set[str]()
        for name, before in list(self.life.active.items()):
            column = columns[name]
            shift = follow(before, self.levels, column, (float(minute.n[column]), float(minute.total[column])), at)
            reason = ending(shift, float(threshold[column]))
            self.life.follow(shift, reason)
            if reason is not None:
                self._release(column, shift, lasts=reason == "lasting")
                lasting |= {shift.alert_id} if reason == "lasting" else set()
        for shift in self.life.unspoken(others.values()):
            self._release(columns[shift.series], shift, lasts=shift.explained_by in lasting)

    def _release(self, column: int, shift: Shift, *, lasts: bool) -> None:
        if lasts:
            self.levels.accept(column, shift.ratio)
        self.levels.hold(column, on=False)

    def _decide(
        self, columns: Mapping[str, int], found: Shifts, crossed_now: set[str], end_ms: int, others: dict[str, str]
    ) -> None:
        """Let evidence that has stood for a minute fire or fall silent, and put new evidence on the pending list."""
        standing = {name for name in crossed_now if self.life.stands(found[name])}
        for up in (True, False):
            if any(found[name].up == up for name in standing):
                for name in self._open({n: shift for n, shift in found.items() if shift.up == up}, standing, up, others):
                    self.levels.hold(columns[name], on=True)
        self.life.wait((found[name] for name in crossed_now), end_ms)

    def _open(self, found: Shifts, standing: set[str], up: bool, others: dict[str, str]) -> list[str]:
        gate = self.levels.model.gate
        moves = [self._way.move(shift, gate, name in standing) for name, shift in found.items()]
        active = [self._way.move(shift, gate, True) for shift in self.life.active.values() if shift.up == up]

        def judged(shift: Shift) -> tuple[Shift, str | None]:
            return self._way.judged(shift, self.life.speaking(), others)

        return self.life.open(found, self._way.speakers(moves, active), judged)


def _judged(shift: Shift, speaking: Sequence[Shift], others: Mapping[str, str]) -> tuple[Shift, str | None]:
    return shift, covering(shift.series, others) or within(shift.series, speaking, up=shift.up)

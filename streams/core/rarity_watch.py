"""Rarity watch: the incidents of one metric without a model of its own, one minute after the other; see life_cycle.py.

The surprise: as for means, one is silent under another alert of its series or a wider one: who is overrun lets wait, and people
know it already. A series that has any incident teaches nothing meanwhile.
"""

from collections.abc import Mapping
from math import log

import numpy as np

from streams.core import explain
from streams.core.budget import Budgets
from streams.core.held_back import HeldBacks
from streams.core.level import FloatArray, Mask
from streams.core.life_cycle import Kind, LifeCycle, covering, within
from streams.core.rarity import BODY
from streams.core.rarity_case import RarityCase, begun, continued, ending, follow, move_of, severity, told
from streams.core.rarity_levels import Judged, RarityLevels, Rows
from streams.core.watch import WatchRules
from streams.core.window import MINUTE_MS

_PENDING_MINUTES = 60  # a series that has no second row within an hour hasn't said it twice
# In decades: a second row must agree, which the bound doesn't count. With this 31 (asa) and 19 (sentiment) false alarms of 46
# that were allowed, without it 2 and 2 (the series of test_rarities_quality.py).
CALIBRATION = 1.0


class RarityWatch:
    """All incidents of one metric; `life` has their books and what is told of them."""

    def __init__(self, levels: RarityLevels, rules: WatchRules, share: float, held_backs: HeldBacks) -> None:
        """share: of the false alarms that [detect] accepts, those of this metric."""
        self.levels = levels
        self._rules = rules
        self._budgets = Budgets(rules.false_alarms_per_day, rules.own_false_alarms_per_day, share)
        self.life = LifeCycle(Kind(told, severity, continued), held_backs, rules.cool_down_minutes, rules.runbook)

    def threshold(self, names: list[str], minute: int) -> FloatArray:
        """The rarity that alerts, for each series: of the rows a day of all that share a number as many as are accepted."""
        needed = self._budgets.evidence_for(names, self.levels.chances(minute)) / log(10)
        return np.maximum(BODY, needed - CALIBRATION)

    def step(
        self, names: list[str], columns: Mapping[str, int], rows: Rows, at: tuple[int, int], spoiled: Mask, others: dict[str, str]
    ) -> None:
        """Take a minute, follow what is on, then see what is new. at: the minute since the epoch and of the local day; spoiled:
        series that neither learn nor are judged; others: series of other incidents that are on → the alert that tells of them."""
        minute, of_day = at
        end_ms = (minute + 1) * MINUTE_MS
        touched = spoiled.copy()
        touched[[columns[name] for name in others if name in columns]] = True
        judged = self.levels.step(rows, at, touched)
        self._follow(columns, judged, end_ms, others)
        found = self._found(names, judged, (minute, of_day), spoiled)
        if found or self.life.pending:
            self._decide(columns, found, {names[column] for column in rows.columns}, end_ms, others)
        self.life.forget(end_ms)

    def _follow(self, columns: Mapping[str, int], judged: Judged, end_ms: int, others: dict[str, str]) -> None:
        places = {int(column): place for place, column in enumerate(judged.rows.columns)} if self.life.active else {}
        lasting = set[str]()
        for name, before in list(self.life.active.items()):
            place = places.get(columns[name])
            row = None if place is None else _row(judged, place, up=before.up)
            case = follow(before, row, end_ms)
            reason = ending(case, self._rules.resolve_minutes)
            self.life.follow(case, reason)
            if reason is not None:
                lasting |= {case.alert_id} if reason == "lasting" else set()
                self._release(columns[name], lasts=reason == "lasting")
        for case in self.life.unspoken(others.values()):
            self._release(columns[case.series], lasts=case.explained_by in lasting)

    def _release(self, column: int, *, lasts: bool) -> None:
        if lasts:
            self.levels.rarity.forget(column)
        self.levels.hold(column, on=False)

    def _found(self, names: list[str], judged: Judged, at: tuple[int, int], spoiled: Mask) -> dict[str, RarityCase]:
        """The would-be incidents of rows that are rare enough, and matter."""
        minute, of_day = at
        columns = judged.rows.columns
        free = self.levels.warm(minute) & (self.levels.held == 0) & ~spoiled
        rare = (judged.score >= BODY) & free[columns] & (judged.n >= self._rules.contacts_min)
        if not rare.any():
            return {}
        rare &= judged.score >= self.threshold(names, minute)[columns]
        found: dict[str, RarityCase] = {}
        for side, place in zip(*np.nonzero(rare), strict=True):
            column = int(columns[place])
            n, total, onset = (float(field[side, place]) for field in (judged.n, judged.total, judged.onset))
            run, usual = (n, total, round(onset) * MINUTE_MS), self.levels.usual(column, of_day)
            score, end_ms = float(judged.score[side, place]), (minute + 1) * MINUTE_MS
            case = begun(self.levels.metric.name, names[column], bool(side == 0), score, run, usual, end_ms)
            if self._matters(case):
                found[case.series] = case
        return found

    def _matters(self, case: RarityCase) -> bool:
        enough = abs(case.value - case.usual) >= self.levels.metric.least
        return enough and case.up == (case.value > case.usual) and abs(log(case.ratio)) >= log(self._rules.ratio_min)

    def _decide(
        self, columns: Mapping[str, int], found: dict[str, RarityCase], heard: set[str], end_ms: int, others: dict[str, str]
    ) -> None:
        """Let what a second row says again fire or fall silent; the rest is pending. heard: series with a row."""
        standing = {name for name, case in found.items() if self.life.waited(case) is not None}
        for up in (True, False):
            if any(found[name].up == up for name in standing):
                for name in self._open({n: case for n, case in found.items() if case.up == up}, standing, up, others):
                    self.levels.hold(columns[name], on=True)
        unheard = (case for name, case in self.life.pending.items() if name not in heard and _is_young(case, end_ms))
        self.life.wait([*found.values(), *unheard], end_ms)

    def _open(self, found: dict[str, RarityCase], standing: set[str], up: bool, others: dict[str, str]) -> list[str]:
        moves = [move_of(case, crossed=name in standing) for name, case in found.items()]
        active = [move_of(case, crossed=True) for case in self.life.active.values() if case.up == up]

        def judged(case: RarityCase) -> tuple[RarityCase, str | None]:
            return case, covering(case.series, others) or within(case.series, self.life.speaking(), up=up)

        return self.life.open(found, explain.speakers(moves, active), judged)


def _row(judged: Judged, place: int, *, up: bool) -> tuple[float, float, bool]:
    return float(judged.rows.n[place]), float(judged.rows.total[place]), bool(judged.far[0 if up else 1, place])


def _is_young(case: RarityCase, end_ms: int) -> bool:
    return end_ms - case.detected_ms <= _PENDING_MINUTES * MINUTE_MS

"""Mean watch: the life cycle of the shifts of one mean, as watch.py has it for volumes: pending → firing → resolved or expired.

The surprise: a shift is silent under another alert of its series or a wider one, whatever that is about: a queue that is overrun
loses customers, and people know it already. When that alert is over and the shift is still there, it is found anew.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import numpy as np

from streams.core import explain
from streams.core.acknowledgement import Order
from streams.core.alert import Alert, AlertState
from streams.core.budget import Budgets
from streams.core.crossing import HINT_SCORE
from streams.core.held_back import HeldBacks
from streams.core.level import FloatArray
from streams.core.mean_alerting import told, with_severity
from streams.core.mean_levels import MeanLevels, Seen
from streams.core.mean_shift import MeanGates, Shift, continued, crossed, ending, follow, found_in, move_of
from streams.core.series import series_values
from streams.core.watch import WatchRules
from streams.core.window import MINUTE_MS

# The bound counts no gates. With this, independent contacts at 0.3, 3 and 30 a minute gave 0.7 to 1.3 of the false alarms that
# were allowed (test_means_quality.py).
CALIBRATION = 1.0

Shifts: TypeAlias = dict[str, Shift]


class MeanWatch:
    """Shifts by series: `pending`, `active` (firing or silent) and `recent` (over, may re-open within the cool-down)."""

    def __init__(self, levels: MeanLevels, rules: WatchRules, share: float, held_backs: HeldBacks) -> None:
        """share: of the false alarms that [detect] accepts, those of this mean."""
        self.levels = levels
        self._rules = rules
        self._budgets = Budgets(rules.false_alarms_per_day, rules.own_false_alarms_per_day, share)
        self._held_backs = held_backs
        self.pending: Shifts = {}
        self.active: Shifts = {}
        self.recent: Shifts = {}
        self.told: list[Alert] = []

    def books(self) -> tuple[Shifts, Shifts, Shifts]:
        """All that must survive a restart."""
        return self.pending, self.active, self.recent

    def speaking(self) -> dict[str, str]:
        """Series of shifts that are on → the alert that tells of them."""
        return {name: shift.explained_by or shift.alert_id for name, shift in self.active.items()}

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
        if self.pending or crossings.any():
            found = found_in(self.levels, names, crossings, end_ms)
            standing = {names[column] for column in np.nonzero(crossings.any(axis=0))[0]}
            self._decide(columns, found, standing, end_ms, others)
        horizon_ms = end_ms - self._rules.cool_down_minutes * MINUTE_MS
        self.recent = {name: shift for name, shift in self.recent.items() if shift.updated_ms >= horizon_ms}

    def acknowledge(self, order: Order) -> bool:
        """Whether it was for an alert that fires."""
        for name, shift in self.active.items():
            if shift.alert_id == order.alert_id and shift.explained_by is None:
                self.active[name] = self._tell(msgspec.structs.replace(shift, acknowledged=order.acknowledgement), "firing")
                return True
        return False

    def expire(self, end_ms: int) -> None:
        """End everything without a verdict: the series can't be followed any longer."""
        for shift in (*self.pending.values(), *self.active.values()):
            self._tell(msgspec.structs.replace(shift, updated_ms=end_ms, resolved_ms=end_ms), "expired")
        self.pending, self.active, self.recent = {}, {}, {}

    def _follow(
        self, columns: Mapping[str, int], minute: Seen, at: tuple[int, int], others: dict[str, str], threshold: FloatArray
    ) -> None:
        lasting = set[str]()
        for name, before in list(self.active.items()):
            column = columns[name]
            shift = follow(before, self.levels, column, (float(minute.n[column]), float(minute.total[column])), at)
            reason = ending(shift, float(threshold[column]))
            if reason is None:
                self.active[name] = self._tell(with_severity(shift), "firing") if shift.explained_by is None else shift
                continue
            if reason == "lasting":
                self.levels.accept(column, shift.ratio)
                lasting.add(shift.alert_id)
            self._release(column, name)
            over = msgspec.structs.replace(shift, resolved_ms=shift.updated_ms)
            self.recent[name] = self._tell(over, "resolved" if reason == "returned" else "expired")
        speaking = {shift.alert_id for shift in self.active.values() if shift.explained_by is None} | set(others.values())
        for name, shift in list(self.active.items()):
            if shift.explained_by is not None and shift.explained_by not in speaking:
                if shift.explained_by in lasting:
                    self.levels.accept(columns[name], shift.ratio)
                self._release(columns[name], name)

    def _release(self, column: int, name: str) -> None:
        self.levels.hold(column, on=False)
        del self.active[name]

    def _decide(
        self, columns: Mapping[str, int], found: Shifts, crossed_now: set[str], end_ms: int, others: dict[str, str]
    ) -> None:
        """Let evidence that has stood for a minute fire or fall silent, and put new evidence on the pending list."""
        standing = {name for name in crossed_now if self._stands(found[name])}
        for up in (True, False):
            if any(found[name].up == up for name in standing):
                self._open(columns, {name: shift for name, shift in found.items() if shift.up == up}, standing, up, others)
        waiting = {name: self._waiting(found[name]) for name in crossed_now - self.active.keys()}
        for name, shift in self.pending.items():
            goes_on = self.active.get(name) or waiting.get(name)
            if goes_on is None or goes_on.explained_by is not None or goes_on.alert_id != shift.alert_id:
                ended = msgspec.structs.replace(shift, updated_ms=end_ms, resolved_ms=end_ms)
                self._tell(ended, "expired" if shift.fired_ms is None else "resolved")
        self.pending = {n: s if self.pending.get(n) is s else self._tell(s, "pending") for n, s in sorted(waiting.items())}

    def _stands(self, shift: Shift) -> bool:
        """Whether it was pending before and nothing since speaks against it: one wild minute alerts nobody."""
        before = self._same(self.pending, shift)
        return before is not None and shift.score >= before.score

    def _waiting(self, shift: Shift) -> Shift:
        """New evidence on the pending list, under the identity and with the score that it came with."""
        before = self._same(self.pending, shift)
        if before is not None:
            return before
        recent = self._same(self.recent, shift)
        if recent is None or recent.explained_by is not None:
            return shift
        return msgspec.structs.replace(shift, alert_id=recent.alert_id, version=recent.version, fired_ms=recent.fired_ms)

    def _open(self, columns: Mapping[str, int], found: Shifts, standing: set[str], up: bool, others: dict[str, str]) -> None:
        gate = self.levels.model.gate
        moves = [move_of(shift, gate, crossed=name in standing) for name, shift in found.items()]
        active = [move_of(shift, gate, crossed=True) for shift in self.active.values() if shift.up == up]
        opened, silent = explain.speakers(moves, active)
        ids: dict[str, str] = {}
        for move in sorted(opened, key=lambda move: (-abs(move.seen - move.expected), move.series)):
            shift = self._joined(found[move.series])
            by = _covering(move.series, others) or self._within(move.series, up)
            if by is None:
                shift = self._tell(with_severity(shift), "firing")
            else:
                shift = msgspec.structs.replace(shift, explained_by=by, version=shift.version + 1)
            ids[move.series] = by or shift.alert_id
            self._begin(columns, shift)
        for name, by in silent.items():
            shift = self._joined(found[name])
            self._begin(columns, msgspec.structs.replace(shift, explained_by=ids.get(by, by), version=shift.version + 1))

    def _within(self, series: str, up: bool) -> str | None:
        """The alert that tells already of a part of a series: what shows in all contacts an hour later is no second story."""
        values = series_values(series).items()
        telling = (shift for shift in self.active.values() if shift.up == up and shift.explained_by is None)
        return next((shift.alert_id for shift in telling if values <= series_values(shift.series).items()), None)

    def _begin(self, columns: Mapping[str, int], shift: Shift) -> None:
        self.levels.hold(columns[shift.series], on=True)
        self.active[shift.series] = shift

    def _joined(self, shift: Shift) -> Shift:
        """A new shift under the identity that it had while pending, or before the cool-down."""
        pending, recent = self._same(self.pending, shift), self._same(self.recent, shift)
        if pending is not None:
            same = {"alert_id": pending.alert_id, "version": pending.version, "onset_ms": pending.onset_ms}
            shift = msgspec.structs.replace(shift, **same, fired_ms=pending.fired_ms)
        if recent is None or recent.explained_by is not None:
            return shift
        del self.recent[shift.series]
        return continued(recent, shift)

    def _same(self, book: Shifts, shift: Shift) -> Shift | None:
        """The one that a new shift goes on with: of the same series and direction."""
        before = book.get(shift.series)
        return before if before is not None and before.up == shift.up else None

    def _tell(self, shift: Shift, state: AlertState) -> Shift:
        """Put the next version of a shift that speaks for itself on the list of alerts."""
        if shift.explained_by is not None:
            return shift
        if state in ("pending", "firing"):  # what is over keeps why nobody was called
            held = self._held_backs.reason(shift.series, shift.severity, shift.updated_ms, shift.held_back)
            shift = msgspec.structs.replace(shift, held_back=held)
        fired_ms = shift.updated_ms if state == "firing" and shift.fired_ms is None else shift.fired_ms
        shift = msgspec.structs.replace(shift, version=shift.version + 1, fired_ms=fired_ms)
        self.told.append(told(shift, state, self._rules.runbook))
        return shift


def _covering(series: str, others: Mapping[str, str]) -> str | None:
    """The alert of another kind that tells of a series or a wider one."""
    values = series_values(series).items()
    return next((by for name, by in others.items() if series_values(name).items() <= values), None)

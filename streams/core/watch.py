"""Watch: the life cycle of the incidents of a fleet, one minute after the other: pending → firing → resolved or expired.

Evidence that crosses the threshold is pending for a minute. If it still stands then, the series that explains it best fires and
the others that moved with it stay silent (explain.py). The surprise: silent series have incidents, too, so that their levels
don't learn what happens; they end with the alert that speaks for them, and one that goes on is found anew.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec
import numpy as np

from streams.core import cusum, explain
from streams.core.acknowledgement import Order
from streams.core.alert import Alert, AlertState, Contribution
from streams.core.alerting import told, with_severity
from streams.core.budget import Budgets
from streams.core.crossing import found_in
from streams.core.fleet import OWN_WAY, Fleet
from streams.core.held_back import HeldBacks
from streams.core.incident import (
    LASTING_MINUTES,
    Incident,
    continued,
    ending,
    follow,
    is_to_be_explained,
    log_rate,
    move_of,
    of_same_cause,
    per_minute,
)
from streams.core.level import FloatArray
from streams.core.profile import Profile
from streams.core.series import series_cut
from streams.core.window import MINUTE_MS

# A change of another cut's series that begins up to so many minutes before an incident is resolved, and is no greater than this
# many times the incident, is the incident's end.
RETURN_MINUTES, RETURN_SIZE = 10, 1.6
# The bound behind the threshold counts neither gates nor the minute of waiting: with a budget of 0.1 false alarms per series and
# day 0.00 to 0.013 came without this, 0.004 to 0.05 with 2 (calm days, 3 to 100 contacts/min, opening within 60 to 120 minutes).
CALIBRATION = 1.0
# With a profile one false alarm per series and week came at 3.1 less than the bound says, at 0.3, 3 and 30 contacts/min alike.
CALIBRATION_PROFILED = 3.1
MEAN_SHARE = 0.5  # of the false alarms accepted in all: those of means (means.py), in equal parts; volumes have the rest
SETTLED_VARIANCE = 0.02  # of the log level after an incident: known to 14 %, so that it is corrected within minutes
UNTOLD_VARIANCE = 0.05  # after a silent one: its figures have been checked by nobody

Incidents: TypeAlias = dict[str, Incident]
Explain: TypeAlias = Callable[[Incident], tuple[Contribution, ...]]


class WatchRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the life cycle needs of config [detect]. own_false_alarms_per_day: by cut or series, see budget.py."""

    false_alarms_per_day: float
    own_false_alarms_per_day: Mapping[str, float] = {}
    memory_minutes: int
    contacts_min: int
    ratio_min: float
    cool_down_minutes: int
    resolve_minutes: int
    runbook: str


class Watch:
    """Incidents by series: `pending`, `active` (firing or silent) and `recent` (over, may re-open within the cool-down)."""

    def __init__(self, rules: WatchRules, explain_parts: Explain, held_backs: HeldBacks) -> None:
        self.rules = rules
        self._budgets = Budgets(rules.false_alarms_per_day, rules.own_false_alarms_per_day, 1 - MEAN_SHARE)
        self._explain_parts = explain_parts
        self._held_backs = held_backs
        self.pending: Incidents = {}
        self.active: Incidents = {}
        self.recent: Incidents = {}
        self.told: list[Alert] = []

    def books(self) -> tuple[Incidents, Incidents, Incidents]:
        """All that must survive a restart."""
        return self.pending, self.active, self.recent

    def carry(self, profile: Profile, columns: dict[str, int]) -> None:
        """What incidents expect goes the profile's way."""
        for name, incident in self.active.items():
            rise, known = float(profile.rise[columns[name]]), bool(profile.known[columns[name]])
            self.active[name] = msgspec.structs.replace(incident, base=incident.base + rise, profiled=known)

    def _gates(self, fleet: Fleet, names: list[str]) -> cusum.Gates:
        """A series with a profile needs less evidence, and no busiest minute's worth of excess."""
        needed = self._budgets.evidence(names, cusum.ROWS - 1) - CALIBRATION
        threshold = needed - np.where(fleet.profiled, CALIBRATION_PROFILED - CALIBRATION, 0.0)
        return cusum.Gates(threshold, self.rules.contacts_min, self.rules.ratio_min, np.where(fleet.profiled, 0.0, fleet.peak))

    def step(self, fleet: Fleet, names: list[str], counts: FloatArray, end_ms: int) -> None:
        """Follow what is on, then see what is new, after `fleet` has taken the minute that ends at `end_ms`."""
        columns = {name: column for column, name in enumerate(names)}
        noise = fleet.noise()
        self._follow(fleet, columns, counts, noise, end_ms)
        gates = self._gates(fleet, names)
        crossings = cusum.crossed(fleet.tests(), gates)
        crossings[:, fleet.held > 0] = 0.0
        if self.pending or crossings.any():
            found = found_in(fleet, names, crossings, gates.threshold, end_ms)
            crossed = {names[column] for column in np.nonzero(crossings.any(axis=0))[0]}
            self._decide(fleet, columns, found, crossed, end_ms)
        horizon_ms = end_ms - self.rules.cool_down_minutes * MINUTE_MS
        self.recent = {name: incident for name, incident in self.recent.items() if incident.updated_ms >= horizon_ms}

    def acknowledge(self, order: Order) -> bool:
        """Whether it was for an alert that fires."""
        for name, incident in self.active.items():
            if incident.alert_id == order.alert_id and incident.explained_by is None:
                self.active[name] = self._tell(msgspec.structs.replace(incident, acknowledged=order.acknowledgement), "firing")
                return True
        return False

    def expire(self, end_ms: int) -> None:
        """End everything without a verdict: the series can't be followed any longer."""
        for incident in (*self.pending.values(), *self.active.values()):
            self._tell(msgspec.structs.replace(incident, updated_ms=end_ms, resolved_ms=end_ms), "expired")
        self.pending, self.active, self.recent = {}, {}, {}

    def _follow(self, fleet: Fleet, columns: dict[str, int], counts: FloatArray, noise: FloatArray, end_ms: int) -> None:
        for name, before in list(self.active.items()):
            column = columns[name]
            incident = follow(before, int(counts[column]), float(noise[column]), self.rules.memory_minutes, end_ms)
            reason = ending(incident, self.rules.resolve_minutes, self.rules.ratio_min)
            if before.is_of_maintenance and not self._under_maintenance(name, end_ms):
                reason = "unjudged"
            if reason is None:
                speaks = incident.explained_by is None
                self.active[name] = self._tell(with_severity(incident), "firing") if speaks else incident
                continue
            self._release(fleet, column, incident, SETTLED_VARIANCE)
            over = msgspec.structs.replace(incident, resolved_ms=end_ms)
            self.recent[name] = self._tell(over, "resolved" if reason in ("returned", "calm") else "expired")
        speaking = {incident.alert_id for incident in self.active.values()}
        for name, incident in list(self.active.items()):
            if incident.explained_by is not None and incident.explained_by not in speaking:
                self._release(fleet, columns[name], incident, UNTOLD_VARIANCE)

    def _release(self, fleet: Fleet, column: int, incident: Incident, variance: float) -> None:
        """Watch a series again, from what was expected of it; after a day from what it has come to. What was found in a
        maintenance window has taught nothing."""
        fleet.hold(column, False)
        if incident.minutes < LASTING_MINUTES and not incident.is_of_maintenance:
            own_way = 1 / incident.known + OWN_WAY * incident.minutes
            fleet.settle(column, incident.base, own_way if incident.profiled else max(1 / incident.known, variance))
        del self.active[incident.series]

    def _decide(self, fleet: Fleet, columns: dict[str, int], found: Incidents, crossed: set[str], end_ms: int) -> None:
        """Let evidence that has stood for a minute fire or fall silent, and put new evidence on the pending list."""
        for name in [name for name in crossed if self._is_return(found[name])]:
            incident = found.pop(name)
            fleet.settle(columns[name], log_rate(incident), max(UNTOLD_VARIANCE, 2 / (incident.observed + 1)))
            crossed.discard(name)
        standing = {name for name in crossed if self._stands(found[name])}
        for up in (True, False):
            if any(found[name].up == up for name in standing):
                self._open_in_turns(fleet, columns, {n: i for n, i in found.items() if i.up == up}, standing, up)
        waiting = {name: self._waiting(found[name]) for name in crossed - set(self.active)}
        for name, incident in self.pending.items():
            goes_on = self.active.get(name) or waiting.get(name)
            if goes_on is None or goes_on.explained_by is not None or goes_on.alert_id != incident.alert_id:
                ended = msgspec.structs.replace(incident, updated_ms=end_ms, resolved_ms=end_ms)
                self._tell(ended, "expired" if incident.fired_ms is None else "resolved")
        self.pending = {n: i if self.pending.get(n) is i else self._tell(i, "pending") for n, i in sorted(waiting.items())}

    def _is_return(self, incident: Incident) -> bool:
        """Whether a change is only the end of another cut's incident, which the series had taken in: at its time, of its size."""
        return incident.kind != "outage" and any(
            before.up != incident.up
            and series_cut(before.series) != series_cut(incident.series)
            and -RETURN_MINUTES * MINUTE_MS <= incident.onset_ms - (before.resolved_ms or 0) <= MINUTE_MS
            and per_minute(incident) <= RETURN_SIZE * per_minute(before)
            for before in self.recent.values()
        )

    def _stands(self, incident: Incident) -> bool:
        """Whether the change was pending before and the minute since speaks for it; one wild minute loses it again.

        A step has crossed again only if its newest minute agrees (steps.py); the bank must have gained evidence.
        """
        before = self._pending(incident)
        return before is not None and (incident.sudden or incident.score >= before.score)

    def _waiting(self, incident: Incident) -> Incident:
        """New evidence on the pending list, under the identity and with the score that it came with."""
        before = self._pending(incident)
        if before is not None:
            return before
        recent = self._recent(incident)
        if recent is None:
            return incident
        return msgspec.structs.replace(incident, alert_id=recent.alert_id, version=recent.version, fired_ms=recent.fired_ms)

    def _open_in_turns(self, fleet: Fleet, columns: dict[str, int], found: Incidents, standing: set[str], up: bool) -> None:
        """What is under maintenance speaks first, for a hint if need be: it may explain what isn't, the total for instance."""
        under = {name: i for name, i in found.items() if self._under_maintenance(name, i.updated_ms)}
        if under:
            self._open(fleet, columns, under, standing if standing <= under.keys() else standing | under.keys(), up)
        self._open(fleet, columns, {n: i for n, i in found.items() if n not in under}, standing - under.keys(), up)

    def _open(self, fleet: Fleet, columns: dict[str, int], found: Incidents, standing: set[str], up: bool) -> None:
        moves = [move_of(incident, name in standing) for name, incident in found.items()]
        active = [move_of(i, True) for i in self.active.values() if i.up == up and i.explained_by is None]
        opened, silent = explain.speakers(moves, active)
        ids: dict[str, str] = {}
        for move in sorted(opened, key=lambda move: (-abs(move.seen - move.expected), move.series)):
            incident = self._joined(found[move.series])
            if not incident.contribution:
                incident = msgspec.structs.replace(incident, contribution=self._explain_parts(incident))
            same = of_same_cause(incident, self.active.values())
            if same is not None:
                silent[move.series] = ids[move.series] = same.alert_id
                continue
            incident = self._tell(with_severity(incident), "firing")
            ids[move.series] = incident.alert_id
            self._begin(fleet, columns, incident)
        for name, by in silent.items():
            incident = self._joined(found[name])
            self._begin(
                fleet, columns, msgspec.structs.replace(incident, explained_by=ids.get(by, by), version=incident.version + 1)
            )

    def _begin(self, fleet: Fleet, columns: dict[str, int], incident: Incident) -> None:
        fleet.hold(columns[incident.series], True)
        self.active[incident.series] = self._with_reason(incident)

    def _under_maintenance(self, series: str, end_ms: int) -> bool:
        return self._held_backs.maintenance(series, end_ms - MINUTE_MS) is not None

    def _with_reason(self, incident: Incident) -> Incident:
        held_back = self._held_backs.reason(incident.series, incident.severity, incident.updated_ms, incident.held_back)
        return msgspec.structs.replace(incident, held_back=held_back)

    def _pending(self, incident: Incident) -> Incident | None:
        """The pending incident that a new one goes on with: of the same series and direction."""
        before = self.pending.get(incident.series)
        return before if before is not None and before.up == incident.up else None

    def _recent(self, incident: Incident) -> Incident | None:
        """The incident that a new one goes on with: over within the cool-down, of the same direction, spoken of."""
        before = self.recent.get(incident.series)
        return before if before is not None and before.up == incident.up and before.explained_by is None else None

    def _joined(self, incident: Incident) -> Incident:
        """A new incident under the identity that it had while pending, or before the cool-down."""
        pending, recent = self._pending(incident), self._recent(incident)
        if pending is not None:
            same = {"alert_id": pending.alert_id, "version": pending.version, "onset_ms": pending.onset_ms}
            incident = msgspec.structs.replace(incident, **same, fired_ms=pending.fired_ms)
        if recent is None:
            return incident
        del self.recent[incident.series]
        return continued(recent, incident)

    def _tell(self, incident: Incident, state: AlertState) -> Incident:
        """Put the next version of an incident that speaks for itself on the list of alerts."""
        if incident.explained_by is not None:
            return incident
        if state in ("pending", "firing"):  # what is over keeps why nobody was called
            incident = self._with_reason(incident)
        fired_ms = incident.updated_ms if state == "firing" and incident.fired_ms is None else incident.fired_ms
        incident = msgspec.structs.replace(incident, version=incident.version + 1, fired_ms=fired_ms)
        if state == "firing" and is_to_be_explained(incident):
            incident = msgspec.structs.replace(incident, contribution=self._explain_parts(incident))
        self.told.append(told(incident, state, self.rules.runbook))
        return incident

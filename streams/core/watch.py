"""Watch: the incidents of volume of a fleet, one minute after the other. What they share with other kinds is in life_cycle.py.

Evidence that crosses the threshold and still stands a minute later opens: the series that explains it best fires, and the others
that moved with it are silent (explain.py). The surprise: levels rest while an incident is on, told or silent, and go on from what
was expected when it is over.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np

from streams.core import cusum, explain
from streams.core.alert import Contribution
from streams.core.alerting import severity, told
from streams.core.budget import VOLUME_SHARE, Budgets
from streams.core.case import LASTING_MINUTES
from streams.core.crossing import found_in
from streams.core.fleet import OWN_WAY, Fleet
from streams.core.held_back import HeldBacks
from streams.core.incident import (
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
from streams.core.life_cycle import Kind, LifeCycle
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
SETTLED_VARIANCE = 0.02  # of the log level after an incident: known to 14 %, so that it is corrected within minutes
UNTOLD_VARIANCE = 0.05  # after a silent one: its figures have been checked by nobody

Incidents: TypeAlias = dict[str, Incident]
Explain: TypeAlias = Callable[[Incident], tuple[Contribution, ...]]


class Beside(NamedTuple):
    """Alerts of another kind that speak for volumes: which one tells of an incident, whether it is the end of one, all that are
    on."""

    tells_of: Callable[[Incident], str | None]
    is_over: Callable[[Incident], bool]
    telling: Callable[[], Iterable[str]]


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
    """All incidents of volume; `life` has their books and what is told of them."""

    def __init__(self, rules: WatchRules, explain_parts: Explain, held_backs: HeldBacks, beside: Beside) -> None:
        self.rules = rules
        self._beside = beside
        self._budgets = Budgets(rules.false_alarms_per_day, rules.own_false_alarms_per_day, VOLUME_SHARE)
        self._explain_parts = explain_parts
        self._held_backs = held_backs
        self.life = LifeCycle(Kind(told, severity, continued), held_backs, rules.cool_down_minutes, rules.runbook)

    def carry(self, profile: Profile, columns: dict[str, int]) -> None:
        """What incidents expect goes the profile's way."""
        for name, incident in self.life.active.items():
            rise, known = float(profile.rise[columns[name]]), bool(profile.known[columns[name]])
            self.life.active[name] = msgspec.structs.replace(incident, base=incident.base + rise, profiled=known)

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
        if self.life.pending or crossings.any():
            found = found_in(fleet, names, crossings, gates.threshold, end_ms)
            crossed = {names[column] for column in np.nonzero(crossings.any(axis=0))[0]}
            self._decide(fleet, columns, found, crossed, end_ms)
        self.life.forget(end_ms)

    def _follow(self, fleet: Fleet, columns: dict[str, int], counts: FloatArray, noise: FloatArray, end_ms: int) -> None:
        for name, before in list(self.life.active.items()):
            column = columns[name]
            incident = follow(before, int(counts[column]), float(noise[column]), self.rules.memory_minutes, end_ms)
            reason = ending(incident, self.rules.resolve_minutes, self.rules.ratio_min)
            if before.is_of_maintenance and not self._under_maintenance(name, end_ms):
                reason = "unjudged"
            if reason is None and incident.explained_by is None and is_to_be_explained(incident):
                incident = self._explained(incident)
            self.life.follow(incident, reason)
            if reason is not None:
                _release(fleet, column, incident, SETTLED_VARIANCE)
        for incident in self.life.unspoken(self._beside.telling()):
            _release(fleet, columns[incident.series], incident, UNTOLD_VARIANCE)

    def _decide(self, fleet: Fleet, columns: dict[str, int], found: Incidents, crossed: set[str], end_ms: int) -> None:
        """Let evidence that has stood for a minute fire or fall silent, and put new evidence on the pending list."""
        for name in [name for name in crossed if self._is_return(found[name])]:
            incident = found.pop(name)
            fleet.settle(columns[name], log_rate(incident), max(UNTOLD_VARIANCE, 2 / (incident.observed + 1)))
            crossed.discard(name)
        standing = {name for name in crossed if self._stands(found[name])}
        for up in (True, False):
            if any(found[name].up == up for name in standing):
                for name in self._open_in_turns({n: i for n, i in found.items() if i.up == up}, standing, up):
                    fleet.hold(columns[name], True)
        self.life.wait((found[name] for name in crossed), end_ms)

    def _is_return(self, incident: Incident) -> bool:
        """Whether a change is only the end of another cut's incident, which the series had taken in: at its time, of its size."""
        if incident.kind == "outage":
            return False
        return self._beside.is_over(incident) or any(
            before.up != incident.up
            and series_cut(before.series) != series_cut(incident.series)
            and -RETURN_MINUTES * MINUTE_MS <= incident.onset_ms - (before.resolved_ms or 0) <= MINUTE_MS
            and per_minute(incident) <= RETURN_SIZE * per_minute(before)
            for before in self.life.recent.values()
        )

    def _stands(self, incident: Incident) -> bool:
        """A step has crossed again only if its newest minute agrees (steps.py); the bank must have gained evidence."""
        return self.life.stands(incident) or (incident.sudden and self.life.waited(incident) is not None)

    def _open_in_turns(self, found: Incidents, standing: set[str], up: bool) -> list[str]:
        """What is under maintenance speaks first, for a hint if need be: it may explain what isn't, the total for instance."""
        under = {name: i for name, i in found.items() if self._under_maintenance(name, i.updated_ms)}
        opened: list[str] = []
        if under:
            opened = self._open(under, standing if standing <= under.keys() else standing | under.keys(), up)
        return opened + self._open({n: i for n, i in found.items() if n not in under}, standing - under.keys(), up)

    def _open(self, found: Incidents, standing: set[str], up: bool) -> list[str]:
        moves = [move_of(incident, name in standing) for name, incident in found.items()]
        active = [move_of(incident, True) for incident in self.life.speaking() if incident.up == up]
        return self.life.open(found, explain.speakers(moves, active), self._judged)

    def _judged(self, incident: Incident) -> tuple[Incident, str | None]:
        """With the parts that explain it; another alert tells of it that names the same cause, or is of it."""
        incident = incident if incident.contribution else self._explained(incident)
        same = of_same_cause(incident, self.life.active.values())
        return incident, self._beside.tells_of(incident) if same is None else same.alert_id

    def _explained(self, incident: Incident) -> Incident:
        return msgspec.structs.replace(incident, contribution=self._explain_parts(incident))

    def _under_maintenance(self, series: str, end_ms: int) -> bool:
        return self._held_backs.maintenance(series, end_ms - MINUTE_MS) is not None


def _release(fleet: Fleet, column: int, incident: Incident, variance: float) -> None:
    """Watch a series again, from what was expected of it; after a day from what it has come to. What was found in a maintenance
    window has taught nothing."""
    fleet.hold(column, False)
    if incident.minutes < LASTING_MINUTES and not incident.is_of_maintenance:
        own_way = 1 / incident.known + OWN_WAY * incident.minutes
        fleet.settle(column, incident.base, own_way if incident.profiled else max(1 / incident.known, variance))

"""Life cycle: what every kind of alert goes through, whatever it is about: pending → firing → resolved or expired, and once more.

A case that is found is pending and calls nobody (`wait`). If a later minute says so again, one case speaks for each story, and
the others that belong to it are silent under it (`open`). Its kind follows an active case minute by minute and says when it is
over (`follow`). What is over is recent for the cool-down: what is found again in it is the same alert. The surprise: silent cases
live the same life unseen, so that their series learn nothing of what happens; they end with the alert that speaks for them
(`unspoken`), and one that goes on is found anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from streams.core.acknowledgement import Order, holding
from streams.core.alert import SEVERITIES, Alert, AlertState, Severity
from streams.core.case import Case, Ending
from streams.core.explain import Move
from streams.core.held_back import HeldBacks
from streams.core.series import series_values
from streams.core.window import MINUTE_MS

C = TypeVar("C", bound=Case)
Books: TypeAlias = tuple[dict[str, C], dict[str, C], dict[str, C]]


class Kind(NamedTuple, Generic[C]):
    """What a kind says of a case: its record, the severity that its figures call for, and what it has of the one before where it
    is found again in the cool-down."""

    told: Callable[[C, AlertState, str], Alert]
    severity: Callable[[C], Severity]
    continued: Callable[[C, C], C]


class LifeCycle(Generic[C]):
    """Cases of a kind by series: `pending`, `active` (firing or silent) and `recent` (over, may re-open within the cool-down)."""

    def __init__(self, kind: Kind[C], held_backs: HeldBacks, cool_down_minutes: int, runbook: str) -> None:
        self._kind = kind
        self._held_backs = held_backs
        self._cool_down_ms = cool_down_minutes * MINUTE_MS
        self._runbook = runbook
        self.pending: dict[str, C] = {}
        self.active: dict[str, C] = {}
        self.recent: dict[str, C] = {}
        self.told: list[Alert] = []

    def books(self) -> Books[C]:
        """All that must survive a restart."""
        return self.pending, self.active, self.recent

    def telling(self) -> dict[str, str]:
        """Series of cases that are on → the alert that tells of them."""
        return {name: case.explained_by or case.alert_id for name, case in self.active.items()}

    def speaking(self) -> list[C]:
        """The active cases that speak for themselves."""
        return [case for case in self.active.values() if case.explained_by is None]

    def acknowledge(self, order: Order) -> bool:
        """Whether it was for an alert that fires."""
        for case in self.speaking():
            if case.alert_id == order.alert_id:
                seen = msgspec.structs.replace(case, acknowledged=order.acknowledgement)
                self.active[case.key] = self._tell(seen, "firing")
                return True
        return False

    def expire(self, end_ms: int) -> None:
        """End everything without a verdict: the series can't be followed any longer."""
        for case in (*self.pending.values(), *self.active.values()):
            self._tell(msgspec.structs.replace(case, updated_ms=end_ms, resolved_ms=end_ms), "expired")
        self.pending, self.active, self.recent = {}, {}, {}

    def follow(self, case: C, ending: Ending | None) -> None:
        """An active case after one more minute. ending: why it is over, if it is."""
        if ending is None:
            self.active[case.key] = self._fire(case) if case.explained_by is None else case
            return
        del self.active[case.key]
        over = msgspec.structs.replace(case, resolved_ms=case.updated_ms)
        self.recent[case.key] = self._tell(over, "resolved" if ending in ("returned", "calm") else "expired")

    def unspoken(self, others: Iterable[str] = ()) -> list[C]:
        """Silent cases whose alert is over: they are active no longer. others: alerts of other kinds that are on."""
        speaking = {case.alert_id for case in self.speaking()}.union(others)
        gone = [case for case in self.active.values() if case.explained_by is not None and case.explained_by not in speaking]
        for case in gone:
            del self.active[case.key]
        return gone

    def waited(self, case: C) -> C | None:
        """The pending case that a new one goes on with: of the same series and direction."""
        before = self.pending.get(case.key)
        return before if before is not None and before.up == case.up else None

    def stands(self, case: C) -> bool:
        """Whether it was pending before and nothing since speaks against it: one wild minute alerts nobody."""
        before = self.waited(case)
        return before is not None and case.score >= before.score

    def open(
        self,
        found: Mapping[str, C],
        speakers: tuple[Sequence[Move], Mapping[str, str]],
        judged: Callable[[C], tuple[C, str | None]],
    ) -> list[str]:
        """Let what speaks fire, the greatest first, and what moves with it be silent; the series that are active now.

        speakers: see explain.speakers. judged: a case with all that its alert tells, and the alert that tells of it already.
        """
        opened, silent = speakers
        ids: dict[str, str] = {}
        for move in sorted(opened, key=lambda move: (-abs(move.seen - move.expected), move.series)):
            ids[move.series] = self.begin(*judged(self._joined(found[move.series])))
        for name, by in silent.items():
            self.begin(self._joined(found[name]), ids.get(by, by))
        return [*ids, *silent]

    def begin(self, case: C, by: str | None) -> str:
        """Make a case active: firing, or silent under the alert `by`. Which alert tells of it."""
        if by is None:
            case = self._fire(case)
        else:  # found in a maintenance window it teaches nothing, told or not
            case = self._with_reason(msgspec.structs.replace(case, explained_by=by, version=case.version + 1))
        self.active[case.key] = case
        return by or case.alert_id

    def wait(self, found: Iterable[C], end_ms: int) -> None:
        """Let cases that aren't active be pending, as they first came; what was pending and isn't found again is over."""
        waiting = {case.key: self._waiting(case) for case in found if case.key not in self.active}
        for name, case in self.pending.items():
            goes_on = self.active.get(name) or waiting.get(name)
            if goes_on is None or goes_on.explained_by is not None or goes_on.alert_id != case.alert_id:
                ended = msgspec.structs.replace(case, updated_ms=end_ms, resolved_ms=end_ms)
                self._tell(ended, "expired" if case.fired_ms is None else "resolved")
        self.pending = {n: c if self.pending.get(n) is c else self._tell(c, "pending") for n, c in sorted(waiting.items())}

    def forget(self, end_ms: int) -> None:
        """Let go of what was over before the cool-down."""
        self.recent = {name: case for name, case in self.recent.items() if case.updated_ms >= end_ms - self._cool_down_ms}

    def _waiting(self, case: C) -> C:
        before, recent = self.waited(case), self._recent(case)
        if before is not None or recent is None:
            return before or case
        return msgspec.structs.replace(case, alert_id=recent.alert_id, version=recent.version, fired_ms=recent.fired_ms)

    def _recent(self, case: C) -> C | None:
        """The case that a new one goes on with: over within the cool-down, of the same direction, spoken of."""
        before = self.recent.get(case.key)
        return before if before is not None and before.up == case.up and before.explained_by is None else None

    def _joined(self, case: C) -> C:
        """A new case under the identity that it had while pending, or before the cool-down."""
        pending, recent = self.waited(case), self._recent(case)
        if pending is not None:
            same = {"alert_id": pending.alert_id, "version": pending.version, "onset_ms": pending.onset_ms}
            case = msgspec.structs.replace(case, **same, fired_ms=pending.fired_ms)
        if recent is None:
            return case
        del self.recent[case.key]
        same = {field: getattr(recent, field) for field in ("alert_id", "severity", "onset_ms", "detected_ms", "fired_ms")}
        again = msgspec.structs.replace(case, **same, version=max(recent.version, case.version))
        return self._kind.continued(recent, again)

    def _fire(self, case: C) -> C:
        """Told as firing. Its severity never falls; worse than what was acknowledged, it is so no longer."""
        severity = max(self._kind.severity(case), case.severity, key=SEVERITIES.index)
        seen = holding(case.acknowledged, case.updated_ms, worse=severity != case.severity)
        return self._tell(msgspec.structs.replace(case, severity=severity, acknowledged=seen), "firing")

    def _with_reason(self, case: C) -> C:
        held_back = self._held_backs.reason(case.series, case.severity, case.updated_ms, case.held_back)
        return msgspec.structs.replace(case, held_back=held_back)

    def _tell(self, case: C, state: AlertState) -> C:
        """Put the next version of a case that speaks for itself on the list of alerts."""
        if case.explained_by is not None:
            return case
        if state in ("pending", "firing"):  # what is over keeps why nobody was called
            case = self._with_reason(case)
        fired_ms = case.updated_ms if state == "firing" and case.fired_ms is None else case.fired_ms
        case = msgspec.structs.replace(case, version=case.version + 1, fired_ms=fired_ms)
        self.told.append(self._kind.told(case, state, self._runbook))
        return case


def covering(series: str, others: Mapping[str, str]) -> str | None:
    """The alert of another kind that tells of a series or a wider one. others: series → the alert that tells of it."""
    values = series_values(series).items()
    return next((by for name, by in others.items() if series_values(name).items() <= values), None)


def within(series: str, speaking: Iterable[Case], *, up: bool) -> str | None:
    """The alert that tells already of a part of a series: what shows in all contacts an hour later is no second story."""
    values = series_values(series).items()
    telling = (case for case in speaking if case.up == up)
    return next((case.alert_id for case in telling if values <= series_values(case.series).items()), None)

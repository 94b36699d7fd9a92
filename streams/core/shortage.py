"""Shortage: the alert that a queue will have more contacts than the people then at work take: 'at 14:15 billing will be short'.

Judged once per forecast slot, when the one before it has closed (shortage_verdict.py). The surprise: an alert begins by the
chance that contacts exceed capacity and ends when what is expected fits again, in as many forecasts, so one that hovers about the
limit is one alert. Where staff, handle time or forecast isn't known nothing is said, nor of a queue under maintenance; quiet
hours that begin or end between two forecasts are told at once.
"""

from collections.abc import Mapping, MutableMapping

import msgspec

from streams.core.acknowledgement import Order, holding
from streams.core.alert import Alert, AlertState, HeldBack, alert_id, begun
from streams.core.forecast_clock import MINUTE_MS
from streams.core.forecast_near import Near
from streams.core.held_back import HeldBacks
from streams.core.measure import Cell
from streams.core.roster import Roster
from streams.core.shortage_verdict import Short, ShortageRules, Verdict, verdict
from streams.core.shortage_words import advice

PREFIX = b"_shortage."  # no other prefix of the stage begins so


class _State(msgspec.Struct, array_like=True, frozen=True):
    """One queue. short, fits: forecasts in a row that said so; first_ms: origin of the first short one. alert: firing, or
    over for less than the cool-down."""

    short: int = 0
    fits: int = 0
    first_ms: int = 0
    alert: Alert | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_State)


class Shortages:
    """All queues. Rebuilds itself from `store`, which `drain` brings up to date. Without rules what fires ends, no more."""

    def __init__(self, store: MutableMapping[bytes, bytes], rules: ShortageRules | None, held_backs: HeldBacks) -> None:
        self._store = store
        self._held_backs = held_backs
        self._rules = rules
        self._roster = None if rules is None else Roster(store, rules.slot_minutes, rules.time_zone)
        self._changed: set[str] = set()
        self.told: list[Alert] = []
        found = {key: _DECODER.decode(store[key]) for key in store if key.startswith(PREFIX)}
        self._states = {key[len(PREFIX) :].decode(): state for key, state in found.items()}
        if rules is None:
            for series, state in sorted(self._states.items()):
                self._end(series, 0 if state.alert is None else state.alert.updated_ms, "expired")

    def take(self, start_ms: int, cells: Mapping[str, Cell], contacts: Mapping[str, int]) -> bool:
        """A minute that is over: cells of queues, contacts offered by series. True if it is time to judge the slots to come."""
        if self._roster is None:
            return False
        queues = sorted(self._roster.queues | cells.keys())
        resting = [series for series in queues if self._held_backs.maintenance(series, start_ms) is not None]
        ended = self._roster.take(start_ms, cells, contacts, resting)
        for series, alert in self._firing():
            if alert.held_back != self._held_back(series, alert):
                self._tell(series, msgspec.structs.replace(alert, updated_ms=start_ms))
        return ended

    def judge(self, near: Near, origin_ms: int) -> None:
        """Judge what is forecast at `origin_ms`."""
        assert self._rules is not None
        assert self._roster is not None, "without rules nothing is judged"
        for series in sorted(self._roster.queues | self._states.keys()):
            self._judge(series, verdict(series, near, self._roster, self._rules, self._held_backs), origin_ms)

    def acknowledge(self, order: Order) -> None:
        """Note it on the alert, if it fires."""
        for series, alert in self._firing():
            if alert.alert_id == order.alert_id:
                self._tell(series, msgspec.structs.replace(alert, acknowledged=order.acknowledgement))

    def expire(self, end_ms: int) -> None:
        """End everything without a verdict: the feed has ended, or sleeps."""
        for series in sorted(self._states):
            self._end(series, end_ms, "expired")

    def drain(self) -> None:
        """Write what changed into the store."""
        if self._roster is not None:
            self._roster.drain()
        for series in self._changed:
            key, state = PREFIX + series.encode(), self._states.get(series)
            if state is not None:
                self._store[key] = _ENCODER.encode(state)
            elif key in self._store:
                del self._store[key]
        self._changed = set()

    def _judge(self, series: str, found: Verdict | None, origin_ms: int) -> None:
        assert self._rules is not None
        state = self._states.get(series, _State())
        short, fits = found is not None and found.short is not None, found is not None and found.fits
        first_ms = state.first_ms if state.short else origin_ms
        state = msgspec.structs.replace(
            state, short=state.short + 1 if short else 0, fits=state.fits + 1 if fits else 0, first_ms=first_ms
        )
        self._states[series] = state
        self._changed.add(series)
        firing = state.alert if state.alert is not None and state.alert.state == "firing" else None
        if found is not None and found.short is not None and (firing or state.short >= self._rules.origins):
            self._tell(series, self._with(firing or self._begun(series, state, origin_ms), found.short, origin_ms))
        elif firing is not None and state.fits >= self._rules.origins:
            self._end(series, origin_ms, "resolved")
        elif firing is not None and found is None and firing.foreseen is not None and origin_ms >= firing.foreseen.end_ms:
            self._end(series, origin_ms, "expired")
        elif not state.short and firing is None and not self._is_cooling(state, origin_ms):
            del self._states[series]

    def _is_cooling(self, state: _State, origin_ms: int) -> bool:
        assert self._rules is not None
        ended_ms = None if state.alert is None else state.alert.resolved_ms
        return ended_ms is not None and origin_ms - ended_ms <= self._rules.cool_down_minutes * MINUTE_MS

    def _begun(self, series: str, state: _State, origin_ms: int) -> Alert:
        """A new alert, or the one that ended lately and comes back."""
        rules = self._rules
        assert rules is not None
        if state.alert is not None and self._is_cooling(state, state.first_ms):
            return msgspec.structs.replace(state.alert, state="firing", resolved_ms=None)
        name, at = alert_id("shortage", series, state.first_ms), (state.first_ms, origin_ms)
        return begun(name, "shortage", "offered", series, at, rules.severity, rules.runbook)

    def _with(self, alert: Alert, short: Short, origin_ms: int) -> Alert:
        """The alert as it is foreseen at an origin."""
        assert self._rules is not None
        alert = msgspec.structs.replace(
            alert,
            updated_ms=origin_ms,
            expected=round(short.contacts, 1),
            excess=round(short.excess, 1),
            value=round(short.worst, 1),
            limit=round(short.taken, 1),
            foreseen=short.foreseen,
        )
        return msgspec.structs.replace(alert, recommendation=advice(alert, self._rules.staffing, self._rules.time_zone))

    def _tell(self, series: str, alert: Alert) -> None:
        """The next version of an alert."""
        if alert.state == "firing":  # what is over keeps why nobody was called
            alert = msgspec.structs.replace(alert, held_back=self._held_back(series, alert))
        seen = holding(alert.acknowledged, alert.updated_ms, worse=False)
        alert = msgspec.structs.replace(alert, version=alert.version + 1, acknowledged=seen)
        self._states[series] = msgspec.structs.replace(self._states[series], alert=alert)
        self._changed.add(series)
        self.told.append(alert)

    def _firing(self) -> list[tuple[str, Alert]]:
        alerts = [(series, state.alert) for series, state in sorted(self._states.items())]
        return [(series, alert) for series, alert in alerts if alert is not None and alert.state == "firing"]

    def _held_back(self, series: str, alert: Alert) -> HeldBack | None:
        """Why nobody is called for an alert in the newest minute."""
        assert self._roster is not None, "without rules nothing fires"
        return self._held_backs.reason(series, alert.severity, self._roster.end_ms(), alert.held_back)

    def _end(self, series: str, end_ms: int, how: AlertState) -> None:
        alert = self._states[series].alert
        if alert is not None and alert.state == "firing":
            self._tell(series, msgspec.structs.replace(alert, state=how, updated_ms=end_ms, resolved_ms=end_ms))
        if how == "expired":
            del self._states[series]
            self._changed.add(series)

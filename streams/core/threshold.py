"""Thresholds: static limits for those who want them: a KPI beyond a limit in N of the last M minutes, of any counted series.

A minute without a value is neither in nor out; `contacts_min` counts over the M minutes, so that a quiet queue isn't judged by
one contact. The surprise: an alert ends when N of the last M minutes are back beyond `clear`, not when fewer than N are over
`limit`: a value that swings about the limit is one alert.
"""

from collections.abc import Mapping, MutableMapping
from typing import Literal, TypeAlias

import msgspec

from streams.core.acknowledgement import Order, holding
from streams.core.alert import Alert, AlertState, Severity, alert_id, begun
from streams.core.held_back import HeldBacks
from streams.core.kpi import KpiRules, kpis_of
from streams.core.kpi_table import Unit, in_force
from streams.core.measure import Cell
from streams.core.series import SEPARATOR, series_cut, series_of
from streams.core.trend import KpiValue
from streams.core.window import MINUTE_MS

PREFIX = b"_threshold."  # no other prefix of the stage begins so
Side: TypeAlias = Literal["above", "below"]
# What a minute's counts and sums make. Percentiles and the longest need sketches, which don't leave merge; 'now' is no minute's.
SHAPES = frozenset({"count", "ratio", "net", "mean", "score"})


class ThresholdRule(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: values `side` of `limit` are out, those not `side` of `clear` are back. values: of the cut, () all.

    minutes of of_minutes must be out; contacts_min: the KPI's n over of_minutes from which it is judged.
    """

    name: str
    kpi: str
    cut: str
    values: tuple[str, ...]
    side: Side
    limit: float
    clear: float
    minutes: int
    of_minutes: int
    contacts_min: int
    severity: Severity
    runbook: str


class ThresholdRules(msgspec.Struct, frozen=True, kw_only=True):
    """All limits, and how KPIs are made."""

    rules: tuple[ThresholdRule, ...]
    kpi: KpiRules


class _State(msgspec.Struct, array_like=True, frozen=True):
    """One rule on one series. out, back: a bit per minute, the newest lowest; ns: newest last. alert: None while all is well."""

    last_ms: int
    out: int
    back: int
    ns: list[int]
    alert: Alert | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_State)


class Thresholds:
    """All rules on all their series. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(self, store: MutableMapping[bytes, bytes], rules: ThresholdRules, held_backs: HeldBacks) -> None:
        self._store = store
        self._held_backs = held_backs
        self._rules = {rule.name: rule for rule in rules.rules}
        self._kpi = rules.kpi
        self._units = {one.name: one.unit for one in in_force(rules.kpi.service_level, rules.kpi.abandonment)}
        self._changed: set[bytes] = set()
        self._states: dict[bytes, _State] = {}
        self.told: list[Alert] = []
        for key in [key for key in store if key.startswith(PREFIX)]:
            self._states[key] = _DECODER.decode(store[key])
            if _rule_of(key) not in self._rules:
                self._end(key, self._states[key].last_ms, "expired")

    def take(self, start_ms: int, cells: Mapping[str, Cell]) -> None:
        """Judge a minute that is over: its cells by series; a series without one had no contacts."""
        if not self._rules:
            return
        wanted = [series for series in sorted(cells) if any(_is_of(rule, series) for rule in self._rules.values())]
        found = kpis_of([cells[series] for series in wanted], self._kpi, wanted, [None] * len(wanted), MINUTE_MS)
        values = dict(zip(wanted, found, strict=True))
        for rule in self._rules.values():
            known = {_key(rule, series): series for series in wanted if _is_of(rule, series)}
            quiet = {key: _series_of(key) for key in self._states if _rule_of(key) == rule.name}
            for key, series in sorted((quiet | known).items()):
                self._end_maintenance(key, series, start_ms)
                self._judge(rule, key, values[series].get(rule.kpi) if series in values else None, start_ms)

    def acknowledge(self, order: Order) -> None:
        """Note it on the alert, if it fires."""
        for key, state in list(self._states.items()):
            if state.alert is not None and state.alert.alert_id == order.alert_id:
                self._tell(key, msgspec.structs.replace(state.alert, acknowledged=order.acknowledgement), None)

    def expire(self, end_ms: int) -> None:
        """End everything without a verdict: the feed has ended, or sleeps."""
        for key in sorted(self._states):
            self._end(key, end_ms, "expired")

    def drain(self) -> None:
        """Write what changed into the store."""
        for key in self._changed:
            state = self._states.get(key)
            if state is not None:
                self._store[key] = _ENCODER.encode(state)
            elif key in self._store:
                del self._store[key]
        self._changed = set()

    def _end_maintenance(self, key: bytes, series: str, start_ms: int) -> None:
        """What a window has seen ends with it, and no minute of it counts any longer."""
        state = self._states.get(key)
        if state is None or self._held_backs.maintenance(series, start_ms) is not None:
            return
        if self._held_backs.maintenance(series, state.last_ms) is not None and (state.alert is None or state.alert.is_kept_back):
            self._end(key, start_ms, "expired")

    def _judge(self, rule: ThresholdRule, key: bytes, kpi: KpiValue | None, start_ms: int) -> None:
        value = None if kpi is None else kpi.value
        n = 0 if kpi is None or value is None else kpi.n
        state = _shifted(self._states.get(key) or _State(start_ms - MINUTE_MS, 0, 0, []), rule, start_ms)
        out, back = value is not None and _is_out(rule, value), value is not None and _is_back(rule, value)
        state = msgspec.structs.replace(state, out=state.out | out, back=state.back | back, ns=[*state.ns[:-1], n])
        self._states[key] = state
        self._changed.add(key)
        end_ms = start_ms + MINUTE_MS
        if not any(state.ns):
            self._end(key, end_ms, "expired")
        elif state.alert is None and state.out.bit_count() >= rule.minutes and sum(state.ns) >= rule.contacts_min:
            self._states[key] = msgspec.structs.replace(state, back=0)  # what was back before doesn't end it
            self._tell(key, self._begun(rule, key, state, end_ms), value)
        elif state.alert is not None and state.back.bit_count() >= rule.minutes:
            self._end(key, end_ms, "resolved", value)
        elif state.alert is not None:
            self._tell(key, msgspec.structs.replace(state.alert, updated_ms=end_ms, observed=sum(state.ns)), value)

    def _begun(self, rule: ThresholdRule, key: bytes, state: _State, end_ms: int) -> Alert:
        series = _series_of(key)
        onset_ms = end_ms - state.out.bit_length() * MINUTE_MS  # the first minute that was out
        name = alert_id(f"threshold.{rule.name}", series, onset_ms)
        alert = begun(name, "threshold", rule.kpi, series, (onset_ms, end_ms), rule.severity, rule.runbook)
        return msgspec.structs.replace(alert, observed=sum(state.ns), rule=rule.name, limit=rule.limit)

    def _tell(self, key: bytes, alert: Alert, value: float | None) -> None:
        """The next version of an alert; a minute without a value keeps the one before."""
        rule, state = self._rules.get(alert.rule), self._states[key]
        if alert.state == "firing":  # what is over keeps why nobody was called
            held_back = self._held_backs.reason(_series_of(key), alert.severity, alert.updated_ms, alert.held_back)
            alert = msgspec.structs.replace(alert, held_back=held_back)
        shown = alert.value if value is None else value
        alert = msgspec.structs.replace(
            alert,
            version=alert.version + 1,
            value=None if shown is None else round(shown, 4),
            acknowledged=holding(alert.acknowledged, alert.updated_ms, worse=False),
        )
        if rule is not None:
            alert = msgspec.structs.replace(
                alert, recommendation=_advice(rule, alert, self._units[rule.kpi], state.out.bit_count())
            )
        self._states[key] = msgspec.structs.replace(state, alert=alert if alert.state == "firing" else None)
        self._changed.add(key)
        self.told.append(alert)

    def _end(self, key: bytes, end_ms: int, how: AlertState, value: float | None = None) -> None:
        alert = self._states[key].alert
        if alert is not None:
            self._tell(key, msgspec.structs.replace(alert, state=how, updated_ms=end_ms, resolved_ms=end_ms), value)
        if how == "expired":
            del self._states[key]
        else:  # what was out before doesn't count again
            self._states[key] = msgspec.structs.replace(self._states[key], out=0)
        self._changed.add(key)


def _shifted(state: _State, rule: ThresholdRule, start_ms: int) -> _State:
    """The state with room for the minute at `start_ms` as its newest; minutes between had no contacts."""
    steps = (start_ms - state.last_ms) // MINUTE_MS
    mask = (1 << rule.of_minutes) - 1
    moved = min(steps, rule.of_minutes)
    ns = [*[0] * rule.of_minutes, *state.ns, *[0] * moved][-rule.of_minutes :]
    out, back = state.out << moved & mask, state.back << moved & mask
    return msgspec.structs.replace(state, last_ms=start_ms, out=out, back=back, ns=ns)


def _is_out(rule: ThresholdRule, value: float) -> bool:
    return value > rule.limit if rule.side == "above" else value < rule.limit


def _is_back(rule: ThresholdRule, value: float) -> bool:
    return value <= rule.clear if rule.side == "above" else value >= rule.clear


def _is_of(rule: ThresholdRule, series: str) -> bool:
    return series == series_of(rule.cut, *rule.values) if rule.values else series_cut(series) == rule.cut


def _key(rule: ThresholdRule, series: str) -> bytes:
    return PREFIX + f"{rule.name}{SEPARATOR}{series}".encode()


def _rule_of(key: bytes) -> str:
    return key[len(PREFIX) :].decode().split(SEPARATOR, 1)[0]


def _series_of(key: bytes) -> str:
    return key[len(PREFIX) :].decode().split(SEPARATOR, 1)[1]


def _advice(rule: ThresholdRule, alert: Alert, unit: Unit, minutes: int) -> str:
    """'asa of billing: 95 s, above 60 s in 6 of the last 10 minutes.'"""
    where = ", ".join(alert.series.values()) or "all contacts"
    value = "no value" if alert.value is None else amount(alert.value, unit)
    limit = amount(rule.limit, unit)
    return f"{rule.kpi} of {where}: {value}, {rule.side} {limit} in {minutes} of the last {rule.of_minutes} minutes."


def amount(value: float, unit: Unit) -> str:
    """A KPI's value for people: '82 %', '95 s', '12'."""
    if unit == "ratio":
        return f"{100 * value:.0f} %"
    return f"{value:.0f} s" if unit == "seconds" else f"{value:g}"

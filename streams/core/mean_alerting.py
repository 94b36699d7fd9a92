"""Mean alerting: how a change of handle time or abandonment is told: severity and what to do, as an `Alert` record.

Severity by the rule for volumes (alerting.py), in contacts' worth: of abandonment contacts that gave up, of handle time the work
of so many contacts. Fewer who give up are good news: info.
"""

import msgspec

from streams.core.acknowledgement import holding
from streams.core.alert import Alert, AlertKind, AlertState
from streams.core.alerting import severity_of
from streams.core.incident import LASTING_MINUTES
from streams.core.mean_shift import Shift
from streams.core.series import series_cut, series_values


def with_severity(shift: Shift) -> Shift:
    """The shift with the severity that its figures call for; worse than what was acknowledged, it is so no longer."""
    severity = shift.severity
    if shift.up or shift.metric == "aht":
        usual = shift.n * (shift.usual if shift.metric == "abandonment" else 1.0)
        severity = severity_of(kind_of(shift), round(usual * shift.ratio), usual, severity)
    seen = holding(shift.acknowledged, shift.updated_ms, worse=severity != shift.severity)
    return msgspec.structs.replace(shift, severity=severity, acknowledged=seen)


def kind_of(shift: Shift) -> AlertKind:
    """'rise' or 'fall'."""
    return "rise" if shift.up else "fall"


def told(shift: Shift, state: AlertState, runbook: str) -> Alert:
    """The record of a shift; `published_ms` 0 until it is published."""
    scale = 1.0 if shift.metric == "abandonment" else 0.001  # seconds
    usual = shift.usual * scale
    expected, observed = shift.n * usual, shift.n * usual * shift.ratio
    return Alert(
        alert_id=shift.alert_id,
        version=shift.version,
        state=state,
        severity=shift.severity,
        kind=kind_of(shift),
        metric=shift.metric,
        cut=series_cut(shift.series),
        series=series_values(shift.series),
        onset_ms=shift.onset_ms,
        detected_ms=shift.detected_ms,
        updated_ms=shift.updated_ms,
        fired_ms=shift.fired_ms,
        resolved_ms=shift.resolved_ms,
        observed=round(observed),
        expected=round(expected, 2),
        ratio=round(shift.ratio, 3),
        excess=round(observed - expected, 2),
        value=round(usual * shift.ratio, 4),
        usual=round(usual, 4),
        contacts=round(shift.n),
        acknowledged=shift.acknowledged,
        held_back=shift.held_back,
        recommendation=recommendation(shift),
        runbook=runbook,
        published_ms=0,
    )


def recommendation(shift: Shift) -> str:
    """One sentence for whoever runs the floor: 'Handle time of billing 8:10 instead of 6:05 (120 contacts), the work of 4 more
    agents: …'."""
    where = ", ".join(series_values(shift.series).values()) or "all contacts"
    if shift.minutes >= LASTING_MINUTES:
        what = "Handle time" if shift.metric == "aht" else "Abandonment"
        return f"{what} of {where} ×{shift.ratio:.2f} has lasted a day and counts as usual from now on: plan for it."
    return _of_handle_time(shift, where) if shift.metric == "aht" else _of_abandonment(shift, where)


def _of_handle_time(shift: Shift, where: str) -> str:
    longer_ms = shift.usual * (shift.ratio - 1) * shift.n
    agents = abs(longer_ms) / max(1, shift.updated_ms - shift.onset_ms)
    found = (
        f"Handle time of {where} {_clock(shift.usual * shift.ratio)} instead of {_clock(shift.usual)} ({shift.n:.0f} contacts)"
    )
    if not shift.up:
        return f"{found}, {agents:.1f} agents' work less: check that conversations aren't cut off."
    return f"{found}, the work of {agents:.1f} more agents: ask agents what holds them up, a slow system or a new issue."


def _of_abandonment(shift: Shift, where: str) -> str:
    now, usual = 100 * shift.usual * shift.ratio, 100 * shift.usual
    found = f"Abandonment of {where} {now:.0f} % instead of {usual:.0f} % ({shift.n:.0f} contacts)"
    if not shift.up:
        return f"{found}: agents there may be free for other queues."
    more = shift.n * shift.usual * (shift.ratio - 1)
    return f"{found}, {more:.0f} more gave up: move agents there or offer call-backs."


def _clock(time_ms: float) -> str:
    """365,000 → '6:05'."""
    minutes, seconds = divmod(round(time_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"

"""Mean alerting: how a change of handle time or abandonment is told: severity and what to do, as an `Alert` record.

Severity by the rule for volumes (alerting.py), in contacts' worth: of abandonment contacts that gave up, of handle time the work
of so many contacts. Fewer who give up are good news: info.
"""

import msgspec

from streams.core.alert import Alert, AlertKind, AlertState, Severity
from streams.core.alerting import severity_of
from streams.core.case import LASTING_MINUTES, record
from streams.core.mean_shift import Shift
from streams.core.series import series_values


def severity(shift: Shift) -> Severity:
    """The severity that its figures call for."""
    if not shift.up and shift.metric == "abandonment":
        return "info"
    usual = shift.n * (shift.usual if shift.metric == "abandonment" else 1.0)
    return severity_of(kind_of(shift), round(usual * shift.ratio), usual)


def kind_of(shift: Shift) -> AlertKind:
    """'rise' or 'fall'."""
    return "rise" if shift.up else "fall"


def told(shift: Shift, state: AlertState, runbook: str) -> Alert:
    """The record of a shift; `published_ms` 0 until it is published."""
    scale = 1.0 if shift.metric == "abandonment" else 0.001  # seconds
    usual = shift.usual * scale
    expected, observed = shift.n * usual, shift.n * usual * shift.ratio
    return msgspec.structs.replace(
        record(shift, state, runbook, kind_of(shift), shift.metric),
        observed=round(observed),
        expected=round(expected, 2),
        ratio=round(shift.ratio, 3),
        excess=round(observed - expected, 2),
        value=round(usual * shift.ratio, 4),
        usual=round(usual, 4),
        contacts=round(shift.n),
        recommendation=recommendation(shift),
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
    found = f"Handle time of {where} {clock(shift.usual * shift.ratio)} instead of {clock(shift.usual)} ({shift.n:.0f} contacts)"
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


def clock(time_ms: float) -> str:
    """365,000 → '6:05'."""
    minutes, seconds = divmod(round(time_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"

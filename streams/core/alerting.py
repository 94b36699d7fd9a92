"""Alerting: how an incident is told: its kind, severity and what to do, as an `Alert` record.

Severity, the stated rule: critical for an outage, or for 50 contacts too many (or missing) at three times (a third of) what was
expected; warning for 20 contacts or a doubling (halving); info below. It never falls while the incident lasts.
"""

import msgspec

from streams.core.alert import Alert, AlertKind, AlertState, Contribution, Severity
from streams.core.case import LASTING_MINUTES, record
from streams.core.contribution import cause
from streams.core.incident import Incident
from streams.core.series import series_values

METRIC = "offered"
RULE = "volume"
# Contacts and ratios: what one agent handles in three hours or one, at 10 minutes a contact; and what no spare capacity takes in.
_CRITICAL_EXCESS, _CRITICAL_RATIO = 50, 3.0
_WARNING_EXCESS, _WARNING_RATIO = 20, 2.0


def severity_of(kind: AlertKind, observed: int, expected: float) -> Severity:
    """Severity by excess and ratio."""
    excess = abs(observed - expected)
    ratio = max((observed + 0.5) / (expected + 0.5), (expected + 0.5) / (observed + 0.5))
    if kind == "outage" or (excess >= _CRITICAL_EXCESS and ratio >= _CRITICAL_RATIO):
        return "critical"
    return "warning" if excess >= _WARNING_EXCESS or ratio >= _WARNING_RATIO else "info"


def severity(incident: Incident) -> Severity:
    """The severity that its figures call for."""
    return severity_of(incident.kind, incident.observed, incident.expected)


def recommendation(incident: Incident) -> str:
    """One sentence for whoever runs the floor."""
    where = ", ".join(series_values(incident.series).values()) or "all contacts"
    ratio = incident.observed / max(incident.expected, 1e-9)
    if incident.minutes >= LASTING_MINUTES:
        return f"×{ratio:.2f} on {where} has lasted a day and counts as usual from now on: plan for it."
    if incident.kind == "outage":
        return f"No contact arrives on {where}: check routing, lines and the event feed before anything else."
    by = leading_cause(incident.contribution)
    if incident.kind == "dip":
        missing = incident.expected - incident.observed
        found = f"{missing:.0f} contacts fewer than expected on {where} (×{ratio:.2f}){by}"
        return f"{found}: check that customers get through, and use free agents elsewhere."
    more = incident.observed - incident.expected
    found = f"{more:.0f} contacts more than expected on {where} (×{ratio:.1f}){by}"
    ask = "and say on the line what is known" if "issue" in by else "and ask agents for the common reason"
    return f"{found}: move agents there or offer call-backs, {ask}."


def leading_cause(parts: tuple[Contribution, ...]) -> str:
    """', 92 % of them issue refund, region north': the first part, where it carries half and far more than its usual share."""
    found = cause(parts)
    if found is None:
        return ""
    return f", {100 * found.share:.0f} % of them {', '.join(f'{name} {value}' for name, value in found.series.items())}"


def told(incident: Incident, state: AlertState, runbook: str) -> Alert:
    """The record of an incident; `published_ms` 0 until it is published."""
    observed, expected = incident.observed, incident.expected
    return msgspec.structs.replace(
        record(incident, state, runbook, incident.kind, METRIC),
        observed=observed,
        expected=round(expected, 2),
        ratio=round(observed / expected, 3) if expected > 0 else None,
        excess=round(observed - expected, 2),
        contribution=incident.contribution,
        recommendation=recommendation(incident),
    )

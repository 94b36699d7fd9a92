"""Rarity case: one metric of one series that is as it seldom or never was, while it lasts, and how that is told.

Severity is that of volumes (alerting.py) in contacts' worth: of waits and moods so many times the contacts. The surprise: it is a
warning at most, and info for shorter waits and better moods: rarity knows what is unusual, not what is bad.
"""

import msgspec

from streams.core.alert import Alert, AlertState, Severity, alert_id
from streams.core.alerting import severity_of
from streams.core.case import LASTING_MINUTES, Case, Ending, record
from streams.core.explain import ONSET_MINUTES, Move
from streams.core.mean_alerting import clock
from streams.core.rarity_metrics import ASA, SENTIMENT, RarityName
from streams.core.series import series_values
from streams.core.window import MINUTE_MS

_UNHEARD_MINUTES = 240  # without a row nothing can be said of it any more: as long as a mean's test lasts
_METRICS = {metric.name: metric for metric in (ASA, SENTIMENT)}


class RarityCase(Case, array_like=True, frozen=True, kw_only=True):
    """One incident. n, total: contacts since the onset and their values, in the metric's unit; usual: what it is at these hours.

    rare_ms, row_ms: ends of the newest minute that was rare in this direction, and of the newest with a row.
    """

    metric: RarityName
    n: float
    total: float
    usual: float
    rare_ms: int
    row_ms: int

    @property
    def value(self) -> float:
        """The metric since the onset."""
        return self.total / self.n

    @property
    def ratio(self) -> float:
        """Value to usual, as contacts compare."""
        return _METRICS[self.metric].ratio(self.value, self.usual)


def begun(
    metric: RarityName, series: str, up: bool, score: float, run: tuple[float, float, int], usual: float, end_ms: int
) -> RarityCase:
    """A would-be incident. run: contacts and total since the onset, and when that was, in ms."""
    n, total, onset_ms = run
    return RarityCase(
        alert_id=alert_id(f"{metric}.{'up' if up else 'down'}", series, onset_ms),
        series=series,
        metric=metric,
        up=up,
        version=(end_ms - onset_ms) // MINUTE_MS - 1,  # as for means: found again with the same onset, it comes later and wins
        score=score,
        onset_ms=onset_ms,
        detected_ms=end_ms,
        updated_ms=end_ms,
        n=n,
        total=total,
        usual=usual,
        rare_ms=end_ms,
        row_ms=end_ms,
    )


def follow(case: RarityCase, row: tuple[float, float, bool] | None, end_ms: int) -> RarityCase:
    """The case after one more minute. row: contacts, total, and whether it was rare, if there was one."""
    case = msgspec.structs.replace(case, updated_ms=end_ms, minutes=case.minutes + 1)
    if row is None:
        return case
    n, total, rare = row
    rare_ms = end_ms if rare else case.rare_ms
    return msgspec.structs.replace(case, n=case.n + n, total=case.total + total, row_ms=end_ms, rare_ms=rare_ms)


def ending(case: RarityCase, resolve_minutes: int) -> Ending | None:
    """Why it is over, None while it isn't: rows are as usual again for so long, there are none, or it has lasted a day."""
    if case.row_ms == case.updated_ms and case.updated_ms - case.rare_ms >= resolve_minutes * MINUTE_MS:
        return "returned"
    if case.updated_ms - case.row_ms >= _UNHEARD_MINUTES * MINUTE_MS:
        return "unjudged"
    return "lasting" if case.minutes >= LASTING_MINUTES else None


def continued(before: RarityCase, case: RarityCase) -> RarityCase:
    """The figures of a re-opened case: those of before are in them."""
    return msgspec.structs.replace(case, n=before.n + case.n, total=before.total + case.total)


def move_of(case: RarityCase, *, crossed: bool) -> Move:
    """What explain needs of it: contacts of half an hour, as many times as the metric is more."""
    minutes = max(1.0, (case.updated_ms - case.onset_ms) / MINUTE_MS)
    expected = case.n * ONSET_MINUTES / minutes
    return Move(
        series=case.series,
        up=case.up,
        crossed=crossed,
        seen=expected * case.ratio,
        expected=expected,
        minutes=ONSET_MINUTES,
        alert_id=case.explained_by or case.alert_id,
    )


def severity(case: RarityCase) -> Severity:
    """The severity that its figures call for."""
    if case.up != (case.metric == "asa"):  # good news
        return "info"
    found = severity_of("rise" if case.up else "fall", round(case.n * case.ratio), case.n)
    return "warning" if found == "critical" else found


def told(case: RarityCase, state: AlertState, runbook: str) -> Alert:
    """The record of a case; `published_ms` 0 until it is published."""
    expected = case.n * case.usual
    return msgspec.structs.replace(
        record(case, state, runbook, "rise" if case.up else "fall", case.metric),
        observed=round(case.total),
        expected=round(expected, 2),
        ratio=round(case.value / case.usual, 3) if case.metric == "asa" and case.usual > 0 else None,
        excess=round(case.total - expected, 2),
        value=round(case.value, 4),
        usual=round(case.usual, 4),
        contacts=round(case.n),
        recommendation=recommendation(case),
    )


def recommendation(case: RarityCase) -> str:
    """One sentence for whoever runs the floor: 'Who is answered on billing waited 3:10 instead of 0:40 (25 contacts): …'."""
    where = ", ".join(series_values(case.series).values()) or "all contacts"
    what = (
        _of_waits(case, where) if case.metric == "asa" else f"Sentiment of {where} {case.value:.2f} instead of {case.usual:.2f}"
    )
    found = f"{what} ({case.n:.0f} contacts)"
    if case.minutes >= LASTING_MINUTES:
        return f"{found} has lasted a day and counts as usual from now on: plan for it."
    if case.metric == "asa":
        do = "move agents there or offer call-backs" if case.up else "agents there may be free for other queues"
    else:
        do = "look at what has gone well" if case.up else "read or hear some of them, and ask agents for the common reason"
    return f"{found}: {do}."


def _of_waits(case: RarityCase, where: str) -> str:
    return f"Wait of answered contacts of {where} {clock(case.value * 1000)} instead of {clock(case.usual * 1000)}"

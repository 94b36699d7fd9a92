"""What a backtest found, as one record: what alerts there were, which injected incidents were found, how good forecasts were.

An incident is found if an alert fires, between its beginning and a quarter of an hour after its end, about what went wrong and
where, that doesn't fire without it. The surprise: an alert of a whole channel or of everything counts, too: somebody was told.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from statistics import median
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.alert import Alert
from streams.core.forecast_score import DayScore
from streams.core.history import Watched
from streams.core.level import FloatArray
from streams.core.series import series_cut
from streams.sources.injected import USUAL, Contact, Injected, local_day, size

MINUTE_MS = 60_000
AFTER_MS = 15 * MINUTE_MS
# What an alert must be about, by kind of incident: beginnings of its metric.
_METRICS = {
    "surge": ("offered", "share"),  # a queue's own issues are a larger part of all
    "outage": ("offered",),
    "handle_time": ("aht", "handle"),
    "abandonment": ("abandon",),
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An injected incident, and the first alert that told of it; size: contacts more or fewer, as they were and as was told."""

    incident: Injected
    size: float | None
    alert_id: str | None
    delay_minutes: float | None
    told_size: float | None


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """All incidents of a kind: how many were found, after how many minutes (median), and the size that was told in shares of the
    true one (median)."""

    kind: str
    injected: int
    found: int
    delay_minutes: float | None
    told_share: float | None


class Horizon(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts made so many minutes ahead of all series of a cut; error, coverage and width as shares."""

    cut: str
    minutes: int
    slots: int
    error: float
    within_80: float
    within_95: float
    width_80: float
    width_95: float


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One budget: alerts of the history as it is; alerts on the days without incident of the rounds; kinds of incidents."""

    false_alarms_per_day: float
    days: int
    alerts: list[Alert]
    calm_days: int
    calm_alerts: int
    kinds: list[Kind]
    incidents: list[Found]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The whole backtest. thresholds: alerts of static limits in the history as it is, which no budget changes."""

    contacts: int
    time_zone: str
    runs: list[Run]
    thresholds: list[Alert]
    forecasts: list[Horizon]


class Round(msgspec.Struct, frozen=True):
    """What was injected together, and what detect said then."""

    incidents: list[Injected]
    watched: Watched


def run_of(budget: float, contacts: Sequence[Contact], plain: Watched, rounds: Sequence[Round], zone: ZoneInfo) -> Run:
    """The figures of one budget."""
    days = {local_day(contact.start_ms, zone) for contact in contacts}
    sizes = {one: size(one, contacts) for each in rounds for one in each.incidents}
    found = [_found(one, sizes[one], plain, each.watched) for each in rounds for one in each.incidents]
    calm = [days - {local_day(one.start_ms, zone) for one in each.incidents} for each in rounds]
    return Run(
        false_alarms_per_day=budget,
        days=len(days),
        alerts=sorted((plain.last[name] for name in plain.fired), key=_fired_ms),
        calm_days=sum(map(len, calm)),
        calm_alerts=sum(_fired_on(free, each.watched, zone) for free, each in zip(calm, rounds, strict=True)),
        kinds=[_kind(kind, [one for one in found if one.incident.kind == kind]) for kind in USUAL if rounds],
        incidents=found,
    )


def horizons_of(scores: Sequence[DayScore], minutes: Sequence[int]) -> list[Horizon]:
    """How good forecasts were, by cut and horizon; horizons that no day reached are left out."""
    by_cut: dict[str, list[FloatArray]] = defaultdict(list)
    for day in scores:
        for name, of_series in zip(day.names, day.sums, strict=True):
            by_cut[series_cut(name)].append(of_series)
    found = []
    for cut, parts in by_cut.items():
        for ahead, (slots, contacts, error, *rest) in zip(minutes, np.sum(parts, axis=0), strict=True):
            if slots and contacts:
                within_80, within_95 = (float(hits / slots) for hits in rest[:2])
                width_80, width_95 = (float(width / contacts) for width in rest[2:])
                found.append(
                    Horizon(
                        cut=cut,
                        minutes=ahead,
                        slots=int(slots),
                        error=float(error / contacts),
                        within_80=within_80,
                        within_95=within_95,
                        width_80=width_80,
                        width_95=width_95,
                    )
                )
    return found


def _found(incident: Injected, true_size: float | None, plain: Watched, watched: Watched) -> Found:
    telling = [alert for alert in watched.fired.values() if _tells(alert, incident) and alert.alert_id not in plain.fired]
    first = min(telling, key=_fired_ms, default=None)
    if first is None:
        return Found(incident=incident, size=true_size, alert_id=None, delay_minutes=None, told_size=None)
    return Found(
        incident=incident,
        size=true_size,
        alert_id=first.alert_id,
        delay_minutes=(_fired_ms(first) - incident.start_ms) / MINUTE_MS,
        told_size=watched.last[first.alert_id].excess if true_size is not None else None,
    )


def _tells(alert: Alert, incident: Injected) -> bool:
    about = alert.metric.startswith(_METRICS[incident.kind]) and (alert.excess > 0) == (incident.factor > 1)
    here = incident.queue is None or alert.series.get("queue", incident.queue) == incident.queue
    return about and here and incident.start_ms < _fired_ms(alert) <= incident.end_ms + AFTER_MS


def _fired_ms(alert: Alert) -> int:
    assert alert.fired_ms is not None, "an alert that fires says since when"
    return alert.fired_ms


def _fired_on(days: set[date], watched: Watched, zone: ZoneInfo) -> int:
    return sum(local_day(_fired_ms(alert), zone) in days for alert in watched.fired.values())


def _kind(kind: str, found: Sequence[Found]) -> Kind:
    delays = [one.delay_minutes for one in found if one.delay_minutes is not None]
    shares = [one.told_size / one.size for one in found if one.size and one.told_size is not None]
    return Kind(
        kind=kind,
        injected=len(found),
        found=len(delays),
        delay_minutes=median(delays) if delays else None,
        told_share=round(median(shares), 3) if shares else None,
    )

"""Incident: one change of one series while it lasts: what is expected meanwhile, and when it is over.

The surprise: the expected level doesn't follow the incident. It stands for HOLD_MINUTES; after that it follows, slowly, what
the counts would be without the incident's ratio, while belief in that ratio fades. So an incident of an hour ends where it
began, and a lasting shift is taken in within some hours.
"""

from collections.abc import Iterable
from math import exp, log

import msgspec
import numpy as np

from streams.core.alert import AlertKind, Contribution
from streams.core.case import LASTING_MINUTES, Case, Ending
from streams.core.contribution import cause
from streams.core.cusum import DRIFT_KEPT
from streams.core.explain import Move
from streams.core.level import START, band
from streams.core.window import MINUTE_MS

# An incident isn't learned within these: the usual ones of a contact centre are shorter, or have been seen by then.
HOLD_MINUTES = 20
# Belief in the ratio fades with this time constant: a lasting ×2 is accepted after about two and a half hours, 15 calm minutes
# included. The price of having no daily profile yet: what passes for an incident at opening must not stay one until the
# evening.
FADE_MINUTES = 90
# The ratio believed is the most extreme one since the onset, from this minute on; earlier ones are exaggerated by chance.
SURE_MINUTES = 10
SLOWER = 4  # the level's memory under an incident, in multiples of the usual one
RETURN_SCORE = log(100)  # detection.md: resolve when the reverse CUSUM reaches ln 100
RATIO_RANGE = (0.05, 20.0)
# Minutes after an alert opened in which it is explained again: soon, and when more is known. After the first hour nothing changes
# it, because the minutes before it are no longer remembered one by one (contribution_rows.py).
EXPLAINED_MINUTES = frozenset({1, 2, 3, 5, 10, 20, 40})


class Incident(Case, array_like=True, frozen=True, kw_only=True):
    """One incident. base: expected log rate per minute now; drift: its fading slope; known: contacts it is worth (the gamma
    shape); ratio: believed so far. sudden: found as a step (steps.py). profiled: base follows the profile, so that it needn't
    learn and the ratio is believed for as long as the incident lasts.
    """

    kind: AlertKind
    observed: int
    expected: float
    base: float
    drift: float
    known: float
    ratio: float = 1.0
    calm_minutes: int = 0
    calm_seen: int = 0
    calm_expected: float = 0.0
    sudden: bool = False
    profiled: bool = False
    contribution: tuple[Contribution, ...] = ()

    @property
    def is_of_maintenance(self) -> bool:
        """Whether it was found in a maintenance window, and is told in it still."""
        held = self.held_back
        return held is not None and held.by == "maintenance" and self.detected_ms > held.since_ms


def expectation(incident: Incident, noise: float) -> tuple[float, float]:
    """Mean and dispersion expected of the next minute had the incident not happened."""
    return exp(incident.base + incident.drift), noise + 1 / incident.known


def follow(incident: Incident, count: int, noise: float, memory_minutes: int, end_ms: int) -> Incident:
    """The incident after one more minute of its series."""
    mean, dispersion = expectation(incident, noise)
    observed, expected = incident.observed + count, incident.expected + mean
    furthest = _furthest(incident, observed, expected)
    ratio = furthest if incident.profiled else _faded(incident, furthest)
    base, known = _learned(incident, count, mean, ratio, noise, memory_minutes)
    gained = _return_evidence(count, mean, ratio, 1 / dispersion)
    low, high = band(np.array([mean]), np.array([dispersion]))
    calm = bool(low[0] <= count <= high[0])
    return msgspec.structs.replace(
        incident,
        updated_ms=end_ms,
        observed=observed,
        expected=expected,
        base=base,
        drift=incident.drift * DRIFT_KEPT,
        known=known,
        ratio=furthest,
        minutes=incident.minutes + 1,
        return_score=max(0.0, incident.return_score + gained),
        calm_minutes=incident.calm_minutes + 1 if calm else 0,
        calm_seen=incident.calm_seen + count if calm else 0,
        calm_expected=incident.calm_expected + mean if calm else 0.0,
    )


def ending(incident: Incident, resolve_minutes: int, ratio_min: float) -> Ending | None:
    """Why the incident is over, None while it isn't: the counts came back, were in band for long, or it has lasted a day."""
    if incident.return_score >= RETURN_SCORE:
        return "returned"
    balanced = incident.calm_expected / ratio_min <= incident.calm_seen <= incident.calm_expected * ratio_min
    if incident.calm_minutes >= resolve_minutes and balanced:
        return "calm"
    return "lasting" if incident.minutes >= LASTING_MINUTES else None


def continued(before: Incident, incident: Incident) -> Incident:
    """The figures of a re-opened incident: those of before are in them."""
    return msgspec.structs.replace(
        incident,
        kind=before.kind,
        contribution=before.contribution,
        observed=before.observed + incident.observed,
        expected=before.expected + incident.expected,
    )


def per_minute(incident: Incident) -> float:
    """Contacts too many or missing, per minute since the onset."""
    return abs(incident.observed - incident.expected) / max(1, (incident.updated_ms - incident.onset_ms) / MINUTE_MS)


def log_rate(incident: Incident) -> float:
    """Log contacts per minute since the onset."""
    return log((incident.observed + START) / max(1, (incident.updated_ms - incident.onset_ms) // MINUTE_MS))


def _furthest(incident: Incident, observed: int, expected: float) -> float:
    """The ratio since onset that is furthest from 1, within RATIO_RANGE, once it is sure."""
    now = min(max(observed / max(expected, 1e-9), RATIO_RANGE[0]), RATIO_RANGE[1])
    if incident.minutes <= SURE_MINUTES:
        return now
    return max(now, incident.ratio) if incident.up else min(now, incident.ratio)


def _faded(incident: Incident, ratio: float) -> float:
    """The ratio that the incident is believed to have still."""
    late = max(0, incident.minutes - HOLD_MINUTES)
    return float(ratio ** exp(-late / FADE_MINUTES))


def _learned(incident: Incident, count: int, mean: float, ratio: float, noise: float, memory_minutes: int) -> tuple[float, float]:
    """Base and its worth after the minute: Harvey–Fernandes with the ratio as exposure; an outage (ratio 0) teaches nothing."""
    if incident.minutes < HOLD_MINUTES or incident.profiled:
        return incident.base + incident.drift, incident.known
    exposed = ratio * mean
    thinned = 1 + noise * exposed
    kept = incident.known * (1 - min(1.0, ratio) / (SLOWER * memory_minutes))
    after = kept + exposed / thinned
    return log(mean) + log((kept + count / thinned) / after), after


def _return_evidence(count: int, mean: float, ratio: float, size: float) -> float:
    """Log-likelihood ratio of 'as before' against 'still the incident's ratio' (negative binomial, one minute)."""
    return -count * log(ratio) + (count + size) * log((size + ratio * mean) / (size + mean))


def is_to_be_explained(incident: Incident) -> bool:
    """At some minutes; not after it re-opened, when its figures leave out the minutes between."""
    minutes, at_once = incident.minutes, incident.updated_ms - incident.detected_ms == incident.minutes * MINUTE_MS
    return minutes in EXPLAINED_MINUTES and at_once


def move_of(incident: Incident, crossed: bool) -> Move:
    """What explain needs of it; crossed: threshold and gates."""
    return Move(
        series=incident.series,
        up=incident.up,
        crossed=crossed,
        seen=incident.observed,
        expected=incident.expected,
        minutes=(incident.updated_ms - incident.onset_ms) / MINUTE_MS,
        alert_id=incident.alert_id,
    )


def of_same_cause(incident: Incident, others: Iterable[Incident]) -> Incident | None:
    """The speaking one of others that names the same cause: an issue that comes in by two queues is one story."""
    found = cause(incident.contribution)
    for other in others:
        theirs = cause(other.contribution)
        if found and theirs and theirs.series == found.series and other.explained_by is None and other.up == incident.up:
            return other
    return None

"""Mix alerting: how a share that has changed is told: as a change of mix, or as an emerging issue, with what it came from.

The surprise: whether it is an emerging issue follows from its figures, so the words may change while the alert lasts; kind and
metric stay. Severity by the rule for volumes (alerting.py), in contacts beside the usual share; a smaller share isn't critical:
who is missing has gone elsewhere, or the volume says so.
"""

from math import sqrt

import msgspec

from streams.core.alert import Alert, AlertKind, AlertState, Severity
from streams.core.alerting import severity_of
from streams.core.case import LASTING_MINUTES, record
from streams.core.mean_shift import Shift
from streams.core.series import series_values

KIND: AlertKind = "mix"
METRIC = "share"
SURGE = 2.0  # times its usual share: from here on an issue is emerging, and not one of which there is a little more
# detection.md: the posterior of the ratio is Gamma(3 + y, 3 + e), and its 5 % quantile is what can be relied on.
_PRIOR, _Z_5 = 3.0, -1.645


def relied_on(seen: float, expected: float) -> float:
    """The ratio that is exceeded with 95 %; by Wilson and Hilferty's cube root, off by less than 1 % from three contacts on."""
    shape = _PRIOR + seen
    return float(shape * (1 - 1 / (9 * shape) + _Z_5 / (3 * sqrt(shape))) ** 3 / (_PRIOR + expected))


def severity(shift: Shift) -> Severity:
    """The severity that its figures call for."""
    found = severity_of("rise" if shift.up else "fall", round(shift.total), shift.expected)
    return found if shift.up or found != "critical" else "warning"


def is_emerging(series: dict[str, str], ratio: float | None) -> bool:
    """Whether an issue surges, from dimension → value, and how many times its usual share it has."""
    return "issue" in series and ratio is not None and ratio >= SURGE


def told(shift: Shift, state: AlertState, runbook: str) -> Alert:
    """The record of a share that has changed; `published_ms` 0 until it is published."""
    return msgspec.structs.replace(
        record(shift, state, runbook, KIND, METRIC),
        observed=round(shift.total),
        expected=round(shift.expected, 2),
        ratio=round(shift.ratio, 3),
        excess=round(shift.total - shift.expected, 2),
        value=round(_now(shift), 4),
        usual=round(shift.usual, 4),
        contacts=round(shift.n),
        contribution=shift.parts,
        recommendation=recommendation(shift),
    )


def recommendation(shift: Shift) -> str:
    """One sentence for whoever runs the floor: 'Channel mix has changed: chat has 26 % of contacts instead of 20 % (62 more of
    1040), voice 54 % instead of 60 %: …'."""
    values = series_values(shift.series)
    where, emerging = ", ".join(values.values()), is_emerging(values, shift.ratio)
    if shift.minutes >= LASTING_MINUTES:
        return f"{where} has had {_percent(_now(shift))} of contacts for a day, which count as usual from now on: plan for it."
    off = round(shift.total - shift.expected)
    what = f"Emerging issue: {where}" if emerging else f"{' and '.join(values).capitalize()} mix has changed: {where}"
    more = f"{abs(off)} {'more' if off >= 0 else 'fewer'} of {shift.n:.0f}"
    found = f"{what} has {_percent(_now(shift))} of contacts instead of {_percent(shift.usual)} ({more}){_from(shift)}"
    if emerging:
        return f"{found}: ask agents what happened, and say on the line what is known."
    return f"{found}: see that agents are where the contacts are, and that no way in is broken."


def _from(shift: Shift) -> str:
    parts = (
        f", {', '.join(part.series.values())} {_percent(part.observed / max(part.expected, 1e-9) * part.usual_share)} instead of "
        f"{_percent(part.usual_share)}"
        for part in shift.parts
    )
    return "".join(parts)


def _now(shift: Shift) -> float:
    return shift.total / shift.n


def _percent(share: float) -> str:
    """26 %; 0.3 % where it is less than one."""
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1g} %"

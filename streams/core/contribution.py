"""Contribution: which parts of the contacts (an issue in a region, a channel of a queue) explain how much of an alert's excess.

The spatial scan statistic (Kulldorff, Communications in Statistics 26, 1997) over all counted series: a part speaks by the
likelihood that its rate alone has changed and the rest has not. The surprise: no depth is preferred. A leaf that carries the
whole excess has fewer expected contacts than its parents, so it says more; where all its siblings changed too, it says less.
"""

from collections.abc import Mapping, Sequence
from math import log
from typing import NamedTuple

from streams.core.alert import Contribution
from streams.core.series import TOTAL, cut_dimensions, series_cut, series_values
from streams.core.small_cells import PERSONAL

PARTS_MAX = 5
CONTACTS_MIN = 5  # seen or expected: fewer explain nothing (detection.md: at least 5 contacts)
ENOUGH = 0.9  # of the excess explained: what is left is noise
# Log-likelihood ratio by which a part must beat the alert's own series, beside the logarithm of the number of parts tried: with
# it at most one even rise in twenty (e^-3) is told to come from a part, however many parts there are.
SURE = 3.0
LEAST = 0.1  # of the excess: a smaller part isn't worth its line
_TINY = 1e-9
# A part is the cause from this share of the excess on, and this many times its usual share.
CAUSE_SHARE, CAUSE_TIMES = 0.5, 1.5


class Told(NamedTuple):
    """What the alert says: its series, direction, and contacts seen and expected in the window that is explained."""

    series: str
    up: bool
    observed: float
    expected: float


class _Part(NamedTuple):
    series: str
    observed: float
    expected: float
    usual_share: float


def contributions(
    told: Told, seen: Mapping[str, int], usual: Mapping[str, float], cuts: Sequence[str], min_cell: int = 0
) -> tuple[Contribution, ...]:
    """The parts that explain the alert, most telling first; where it is spread evenly, the largest parts of the next finer cut.

    seen: contacts by series in the window of the alert; usual: the same over a long time before, on any scale; both of `cuts`,
    each of which holds every contact once. min_cell: parts by segment, region or age band with fewer contacts aren't named.
    """
    excess = told.observed - told.expected
    parts, everything = _parts(told, seen, usual, cuts)
    if not parts or abs(excess) < 1:
        return ()
    eligible = [part for part in parts if _may_be_named(part, told.series, min_cell)]
    chosen = _telling(eligible, told, everything) or _largest(eligible, told, cuts)
    return tuple(_contribution(part, excess) for part in chosen)


def cause(parts: tuple[Contribution, ...]) -> Contribution | None:
    """The first part, where it carries half of the excess and far more than its usual share."""
    is_cause = bool(parts) and parts[0].share >= max(CAUSE_SHARE, CAUSE_TIMES * parts[0].usual_share)
    return parts[0] if is_cause else None


def _parts(
    told: Told, seen: Mapping[str, int], usual: Mapping[str, float], cuts: Sequence[str]
) -> tuple[list[_Part], tuple[float, float]]:
    """Every series of the cuts, and how many contacts there were and would have been in all without the alert's excess."""
    whole = dict.fromkeys(cuts, 0.0)
    for series, number in usual.items():
        if series_cut(series) in whole:
            whole[series_cut(series)] += number
    first = cuts[0] if cuts else ""
    total = float(sum(number for series, number in seen.items() if series_cut(series) == first))
    rest = max(total - (told.observed - told.expected), _TINY)
    parts = [
        _Part(series, float(seen.get(series, 0)), rest * share, share)
        for series in usual.keys() | seen.keys()
        if (of_cut := whole.get(series_cut(series), 0.0)) > 0 and (share := usual.get(series, 0.0) / of_cut) >= 0
    ]
    own = next((part for part in parts if part.series == told.series), None)
    if own is not None and own.expected > 0:  # the alert knows better what its hour brings than the mean of hours does
        known = told.expected / own.expected
        parts = [part._replace(expected=part.expected * known) if _is_within(part, told.series) else part for part in parts]
    return sorted(parts), (total, rest)


def _may_be_named(part: _Part, alert: str, min_cell: int) -> bool:
    """Enough contacts, and neither the alert's own series, nor one that holds it, nor one that has nothing to do with it."""
    if max(part.observed, part.expected) < CONTACTS_MIN or series_cut(part.series) == TOTAL:
        return False
    if 0 < part.observed < min_cell and PERSONAL & set(cut_dimensions(series_cut(part.series))):
        return False
    own, whole = series_values(part.series), series_values(alert)
    return not own.items() <= whole.items() and not _are_apart(part.series, alert)


def _telling(parts: list[_Part], told: Told, everything: tuple[float, float]) -> list[_Part]:
    """Parts apart from each other, each of which says more of what the ones before leave unexplained than chance would."""
    chosen: list[_Part] = []
    seen, expected = everything
    excess = told.observed - told.expected
    least = _gain(told.observed, told.expected, seen, expected, told.up) if told.series != TOTAL else 0.0
    while len(chosen) < PARTS_MAX and abs(sum(part.observed - part.expected for part in chosen)) < ENOUGH * abs(excess):
        left = [p for p in parts if all(_are_apart(p.series, one.series) for one in chosen) and _share(p, excess) >= LEAST]
        gains = {part: _gain(part.observed, part.expected, seen, expected, told.up) for part in left}
        best = max(left, key=lambda part: (gains[part], -len(cut_dimensions(series_cut(part.series)))), default=None)
        if best is None or gains[best] < least + SURE + log(len(parts)):
            break
        chosen.append(best)
        seen, expected, least = seen - best.observed, max(expected - best.expected, _TINY), 0.0
    return chosen


def _largest(parts: list[_Part], told: Told, cuts: Sequence[str]) -> list[_Part]:
    """The largest parts of the first cut that divides the alert's series by one dimension more."""
    excess, dimensions = told.observed - told.expected, set(cut_dimensions(series_cut(told.series)))
    finer = [cut for cut in cuts if dimensions < set(cut_dimensions(cut)) and len(cut_dimensions(cut)) == len(dimensions) + 1]
    nested = [part for part in parts if finer and series_cut(part.series) == finer[0] and _share(part, excess) >= LEAST]
    return sorted(nested, key=lambda part: (-_share(part, excess), part.series))[:PARTS_MAX]


def _gain(observed: float, expected: float, seen: float, usual: float, up: bool) -> float:
    """Log-likelihood ratio (Poisson) of 'this part has a rate of its own' against 'all have one'; 0 in the other direction."""
    others, usual_others = max(seen - observed, 0.0), max(usual - expected, _TINY)
    expected = max(expected, 0.5)  # what was never seen before may have been due half a time
    if (observed / expected > others / usual_others) != up:
        return 0.0
    return _log_of(observed, expected) + _log_of(others, usual_others) - _log_of(seen, usual)


def _log_of(observed: float, expected: float) -> float:
    return observed * log(observed / max(expected, _TINY)) if observed > 0 else 0.0


def _share(part: _Part, excess: float) -> float:
    return (part.observed - part.expected) / excess


def _is_within(part: _Part, series: str) -> bool:
    return series_values(series).items() <= series_values(part.series).items()


def _are_apart(series: str, other: str) -> bool:
    """Whether no contact can be in both: a dimension of both has different values."""
    own, others = series_values(series), series_values(other)
    return any(own[dimension] != others[dimension] for dimension in own.keys() & others.keys())


def _contribution(part: _Part, excess: float) -> Contribution:
    return Contribution(
        cut=series_cut(part.series),
        series=series_values(part.series),
        observed=round(part.observed),
        expected=round(part.expected, 2),
        share=round(min(1.0, max(0.0, _share(part, excess))), 3),
        usual_share=round(part.usual_share, 4),
    )

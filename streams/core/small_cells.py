"""Small cells: what the board doesn't show, because so few contacts could be told to be somebody's.

By segment, region and age band, also together with other dimensions. The surprise: a window in which nothing happened is shown:
that nobody of a group called says nothing of anybody. A comparison with a small cell would tell it, so it is hidden, too.
"""

from collections.abc import Iterable

import msgspec

from streams.core.series import cut_dimensions
from streams.core.trend import Expectation, KpiValue, Trend

PERSONAL = frozenset({"segment", "region", "age_band"})

_REASON = "hidden: fewer than"

# How many contacts a cell holds is the largest of these: one that was offered yesterday may be completed today.
_CONTACTS = ("offered", "queued", "answered", "abandoned", "handled", "left_before_queue", "closed_unanswered", "timed_out")


def without_small(trends: Iterable[Trend], min_cell: int) -> list[Trend]:
    """Trends, those of fewer than `min_cell` contacts without figures: each KPI null, its variant saying why."""
    return [_hidden(trend, min_cell) if is_small(trend, min_cell) else trend for trend in trends]


def nothing(min_cell: int) -> KpiValue:
    """What is shown in place of a KPI."""
    return KpiValue(None, 0, variant=f"{_REASON} {min_cell} contacts")


def without_few(minutes: Iterable[Expectation], min_cell: int) -> list[Expectation]:
    """Closed minutes but those of people in which there were a few contacts: a record of one has no room for 'not told'."""
    return [one for one in minutes if not (0 < one.actual < min_cell and PERSONAL & set(cut_dimensions(one.cut)))]


def is_hidden(trend: Trend) -> bool:
    """Whether it is one without figures: then nothing of it is 0, it isn't told."""
    return any((value.variant or "").startswith(_REASON) for value in trend.kpis.values())


def is_small(trend: Trend, min_cell: int) -> bool:
    """Whether it is of people and of so few contacts."""
    if not PERSONAL & set(cut_dimensions(trend.cut)) or not any(trend.measures.values()):
        return False
    return max(trend.measures.get(name, 0) for name in _CONTACTS) < min_cell


def _hidden(trend: Trend, min_cell: int) -> Trend:
    kpis = dict.fromkeys(trend.kpis, nothing(min_cell))
    return msgspec.structs.replace(trend, measures={}, waits=None, handles=None, kpis=kpis)

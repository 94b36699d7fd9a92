"""Small cells: what the board doesn't show, because so few contacts could be told to be somebody's.

By segment, region and age band, also together with other dimensions. The surprise: a window in which nothing happened is shown:
that nobody of a group called says nothing of anybody.
"""

from collections.abc import Iterable

import msgspec

from streams.core.series import cut_dimensions
from streams.core.trend import KpiValue, Trend

PERSONAL = frozenset({"segment", "region", "age_band"})

# How many contacts a cell holds is the largest of these: one that was offered yesterday may be completed today.
_CONTACTS = ("offered", "queued", "answered", "abandoned", "handled", "left_before_queue", "closed_unanswered", "timed_out")


def without_small(trends: Iterable[Trend], min_cell: int) -> list[Trend]:
    """Trends, those of fewer than `min_cell` contacts without figures: each KPI null, its variant saying why."""
    return [_hidden(trend, min_cell) if _is_small(trend, min_cell) else trend for trend in trends]


def _is_small(trend: Trend, min_cell: int) -> bool:
    if not PERSONAL & set(cut_dimensions(trend.cut)) or not any(trend.measures.values()):
        return False
    return max(trend.measures.get(name, 0) for name in _CONTACTS) < min_cell


def _hidden(trend: Trend, min_cell: int) -> Trend:
    nothing = KpiValue(None, 0, variant=f"hidden: fewer than {min_cell} contacts")
    return msgspec.structs.replace(trend, measures={}, waits=None, handles=None, kpis=dict.fromkeys(trend.kpis, nothing))

"""What no trend knows of itself: its share of its cut, and the change of both against an earlier window. Made by their readers.

The surprise: only final windows are compared over time. A provisional one is the beginning of a window, and every morning would
look like a fall (decision 18).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import hypot
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from streams.core.kpi import wilson
from streams.core.series import TOTAL
from streams.core.trend import LIVE, KpiValue, Trend, Window
from streams.core.window import window_start

Against: TypeAlias = Literal["previous", "yesterday", "last-week"]
_DAYS: Mapping[Against, int] = {"yesterday": 1, "last-week": 7}
_OFFERED = "offered"


def share(trend: Trend, total: Trend | None) -> KpiValue:
    """Which part of all contacts of a window are of this series; null where the window of the total is another one."""
    if total is None or total.cut != TOTAL or total.window != trend.window or total.final != trend.final:
        return KpiValue(None, 0)
    hits, n = (one.measures.get(_OFFERED, 0) for one in (trend, total))
    return KpiValue(hits / n, n, *wilson(hits, n)) if n > 0 else KpiValue(None, 0)


def earlier_start(window: Window, against: Against) -> int:
    """When the window begins that one is compared with: the one before, or that of the same local time on an earlier day."""
    zone = ZoneInfo(window.time_zone)
    if against == "previous":
        return window_start(window.kind, window.start_ms - 1, zone)
    local = datetime.fromtimestamp(window.start_ms / 1000, zone)
    earlier = (local - timedelta(days=_DAYS[against])).astimezone(UTC)
    return window_start(window.kind, int(earlier.timestamp()) * 1000, zone)


def change(now: Trend, then: Trend | None) -> KpiValue:
    """How much more contacts than in an earlier window: 0.25 is a quarter more. n is the earlier number.

    The interval is that of a ratio of two Poisson counts: given their sum, one of them is binomial.
    """
    if then is None or not (now.final and then.final) or now.window.kind in LIVE:
        return KpiValue(None, 0)
    after, before = (one.measures.get(_OFFERED, 0) for one in (now, then))
    if before <= 0:
        return KpiValue(None, 0)
    low, high = (part / (1 - part) - 1 if part < 1 else None for part in wilson(after, after + before))
    return KpiValue(after / before - 1, before, low, high)


def share_change(now: Trend, total: Trend | None, then: Trend | None, total_then: Trend | None) -> KpiValue:
    """How much larger a share is than in an earlier window: 0.02 is two hundredths of all contacts more. n is the earlier total.

    The interval is R. Newcombe's for a difference of two ratios (Statistics in Medicine 17, 1998, method 10).
    """
    if then is None or not (now.final and then.final) or now.window.kind in LIVE:
        return KpiValue(None, 0)
    after, before = share(now, total), share(then, total_then)
    if after.value is None or before.value is None:
        return KpiValue(None, 0)
    difference = after.value - before.value
    low = difference - hypot(after.value - (after.low or 0.0), (before.high or 0.0) - before.value)
    high = difference + hypot((after.high or 0.0) - after.value, before.value - (before.low or 0.0))
    return KpiValue(difference, before.n, low, high)

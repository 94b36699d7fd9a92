"""The picture that all viewers share: the live windows and alerts as the board last heard of them.

Pure: values in, values out. The surprise: a full reading of the live view wins over what was announced before it, version or not,
because a pipeline that starts from nothing counts its revisions from nothing, too.
"""

from collections.abc import Iterable

from streams.board.view import Changes, TrendView, view_trend
from streams.core.alert import Alert
from streams.core.live import record_series, version_of
from streams.core.trend import LIVE, Trend

# A wall shows tens of series; 200 per cut keep a snapshot under 1 MB. The API reads the rest on demand.
CUT_SERIES_MAX = 200

# Resolved alerts leave the live view after a day; more than this many in a day point to a fault elsewhere.
ALERTS_MAX = 200


class Picture:
    """Newest record per key. Order and repetition of what is applied don't matter."""

    def __init__(self) -> None:
        self._trends: dict[str, tuple[str, TrendView]] = {}
        self._alerts: dict[str, Alert] = {}
        self._sizes: dict[str, int] = {}
        self._touched: set[str] = set()

    def apply(self, trends: Iterable[Trend], alerts: Iterable[Alert]) -> Changes:
        """Take over newer live trends and alerts; gives those that changed the picture."""
        newer_trends = [view for trend in trends if (view := self._apply_trend(trend)) is not None]
        newer_alerts = [alert for alert in alerts if self._apply_alert(alert)]
        while len(self._alerts) > ALERTS_MAX:
            del self._alerts[min(self._alerts.values(), key=lambda alert: alert.updated_ms).alert_id]
        return Changes(newer_trends, [], newer_alerts)

    def _apply_trend(self, trend: Trend) -> TrendView | None:
        """The trend as shown if it is live, newer than what is known, and has room."""
        place = record_series(trend) + trend.window.kind
        known, version = self._trends.get(place), version_of(trend)
        if trend.window.kind not in LIVE or (known is not None and known[0] >= version):
            return None
        if known is None:
            size = self._sizes.get(trend.cut, 0)
            if size >= CUT_SERIES_MAX * len(LIVE):
                return None
            self._sizes[trend.cut] = size + 1
        view = view_trend(trend)
        self._trends[place] = (version, view)
        self._touched.add(place)
        return view

    def _apply_alert(self, alert: Alert) -> bool:
        """Whether the alert is newer than what is known."""
        known = self._alerts.get(alert.alert_id)
        if known is not None and known.version >= alert.version:
            return False
        self._alerts[alert.alert_id] = alert
        self._touched.add(alert.alert_id)
        return True

    def begin_reading(self) -> None:
        """The live view is about to be read: what is applied from here on may be newer than that reading."""
        self._touched.clear()

    def end_reading(self, trends: Iterable[Trend], alerts: Iterable[Alert]) -> tuple[Changes, bool]:
        """Replace the picture by a reading; gives what that changed, and whether something has left the live view."""
        old_trends, old_alerts, touched = self._trends, self._alerts, frozenset(self._touched)
        self._trends, self._alerts, self._sizes = {}, {}, {}
        self.apply(trends, alerts)
        for place in touched & old_trends.keys():
            self._trends[place] = max(old_trends[place], self._trends.get(place, old_trends[place]), key=lambda held: held[0])
        for place in touched & old_alerts.keys():
            self._alerts[place] = max(
                old_alerts[place], self._alerts.get(place, old_alerts[place]), key=lambda held: held.version
            )
        changes = Changes(
            [held[1] for place, held in self._trends.items() if old_trends.get(place) != held],
            [],
            [alert for alert_id, alert in self._alerts.items() if old_alerts.get(alert_id) != alert],
        )
        left = old_trends.keys() - self._trends.keys() or old_alerts.keys() - self._alerts.keys()
        return changes, bool(left)

    def everything(self) -> Changes:
        """The whole picture."""
        return Changes([view for _, view in self._trends.values()], [], list(self._alerts.values()))

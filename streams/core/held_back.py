"""Held back: when nobody is called for an alert, though it is told on the topic: maintenance windows, quiet hours.

Quiet hours hold back what isn't severe enough, and nothing else changes in them. A maintenance window covers its series and every
finer one: 'queue/billing' covers 'channel+queue/voice/billing', too, but not the total. The surprise: what is covered is a matter
of settings and time alone, so nothing of it is stored; a window that is taken out of the settings is over with the next start.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.alert import SEVERITIES, HeldBack, Severity
from streams.core.level import Mask
from streams.core.local_spans import LocalTimes, Span, span_at
from streams.core.series import series_values
from streams.core.window import MINUTE_MS


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """series: which it covers, with every finer one; () covers everything."""

    name: str
    times: LocalTimes
    series: tuple[str, ...]


class HeldBackRules(msgspec.Struct, frozen=True, kw_only=True):
    """Config [maintenance] and [quiet] as plain values; the zone of their local times. Alerts less severe than `quiet_below` are
    held back in quiet hours."""

    time_zone: str = "UTC"
    maintenance: tuple[MaintenanceWindow, ...] = ()
    quiet: LocalTimes = LocalTimes()
    quiet_below: Severity = "critical"


class HeldBacks:
    """What is held back at which minute."""

    def __init__(self, rules: HeldBackRules) -> None:
        self._rules = rules
        self._windows = rules.maintenance
        self._zone = ZoneInfo(rules.time_zone)
        self._on: dict[int, list[tuple[MaintenanceWindow, Span]]] = {}
        self._covered: tuple[tuple[str, ...], Mask] = ((), np.zeros(0, dtype=np.bool_))

    def maintenance(self, series: str, start_ms: int) -> HeldBack | None:
        """The window that covers a series in the minute that begins at `start_ms`; of several the one that goes on longest."""
        found = [
            HeldBack(by="maintenance", name=window.name, since_ms=span.start_ms, until_ms=span.end_ms)
            for window, span in self._at(start_ms)
            if _covers(window, series)
        ]
        return max(found, key=lambda one: one.until_ms, default=None)

    def reason(self, series: str, severity: Severity, end_ms: int, before: HeldBack | None) -> HeldBack | None:
        """Why nobody is called for an alert at the end of a minute. `before`: the reason a minute ago; windows that overlap or
        meet are one."""
        found = self.maintenance(series, end_ms - MINUTE_MS) or self._quiet(severity, end_ms - MINUTE_MS)
        if found is None or before is None or before.by != found.by:
            return found
        return msgspec.structs.replace(found, since_ms=min(before.since_ms, found.since_ms))

    def mask(self, names: Sequence[str], start_ms: int) -> Mask | None:
        """Which series are under maintenance in a minute; None where none is. Names only ever grow."""
        on = [window for window, _ in self._at(start_ms)]
        if not on:
            return None
        by = tuple(window.name for window in on)
        if self._covered[0] != by:
            self._covered = (by, np.zeros(0, dtype=np.bool_))
        known = self._covered[1]
        if len(known) < len(names):  # 100,000 names take two seconds
            new = [any(_covers(window, name) for window in on) for name in names[len(known) :]]
            known = np.concatenate((known, np.array(new, dtype=np.bool_)))
            self._covered = (by, known)
        return known if known.any() else None

    def over(self, names: Sequence[str], start_ms: int) -> list[int]:
        """The places of series that were under maintenance until a minute began."""
        before, now = self.mask(names, start_ms - MINUTE_MS), self.mask(names, start_ms)
        if before is None:
            return []
        return [int(place) for place in np.nonzero(before if now is None else before & ~now)[0]]

    def _quiet(self, severity: Severity, start_ms: int) -> HeldBack | None:
        rules = self._rules
        if SEVERITIES.index(severity) >= SEVERITIES.index(rules.quiet_below):
            return None
        span = span_at(rules.quiet, start_ms, self._zone)
        return None if span is None else HeldBack(by="quiet hours", name="", since_ms=span.start_ms, until_ms=span.end_ms)

    def _at(self, start_ms: int) -> list[tuple[MaintenanceWindow, Span]]:
        """The windows that are on."""
        if not self._windows:
            return []
        if start_ms not in self._on:
            if len(self._on) > 1:  # a minute and the one before it are asked for
                self._on.clear()
            spans = ((window, span_at(window.times, start_ms, self._zone)) for window in self._windows)
            self._on[start_ms] = [(window, span) for window, span in spans if span is not None]
        return self._on[start_ms]


def _covers(window: MaintenanceWindow, series: str) -> bool:
    values = series_values(series).items()
    return not window.series or any(series_values(covered).items() <= values for covered in window.series)

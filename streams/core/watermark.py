"""Watermark and lateness: which windows an event still goes into. Pure arithmetic on event time.

A window is closed for a source partition once the partition's watermark has reached its end + grace. The surprise: one number,
the *closed level*, says which, because graces don't shrink with length and windows nest: the closed kinds are the shortest.
"""

from zoneinfo import ZoneInfo

from streams.core.rules import IntakeRules
from streams.core.trend import WindowKind
from streams.core.window import window_end

NEVER = -(1 << 62)  # before any event time


class Lateness:
    """The closed level of a moment, by the rules of one intake."""

    def __init__(self, rules: IntakeRules) -> None:
        graces = [grace for _, grace in rules.graces_ms]
        assert graces == sorted(graces), "graces must not shrink with the length of the window"
        self.kinds: tuple[WindowKind, ...] = tuple(kind for kind, _ in rules.graces_ms)
        self.levels = len(self.kinds)
        self.grace_min_ms = graces[0]
        self._graces = rules.graces_ms
        self._zone = ZoneInfo(rules.time_zone)

    def level(self, time_ms: int, watermark_ms: int) -> int:
        """How many kinds, from the shortest, have closed over `time_ms`; `levels` when it is too late for all."""
        if time_ms + self.grace_min_ms > watermark_ms:  # a window ends after every moment in it, so none has closed
            return 0
        level = 0
        for kind, grace_ms in self._graces:
            if window_end(kind, time_ms, self._zone) + grace_ms > watermark_ms:
                break
            level += 1
        return level

"""Waiting: who waits in a queue now, by combination, so that a drain looks at combinations and not at everyone who waits.

The surprise: who leaves stays in his combination's heap until he would come up as the oldest. A heap that holds more who left
than who wait is made anew.
"""

from heapq import heapify, heappop, heappush

from streams.core.context import Combination

# With more combinations than FEW they are looked at each second, which is how often merge tells of them; fewer at once.
FEW, MANY_MS = 100, 1_000
_LEFT_MIN = 64  # below so many it isn't worth making a heap anew


class _Line:
    """Those who wait under one combination: since when (ms) by name, and the same as a heap."""

    __slots__ = ("heap", "since")

    def __init__(self) -> None:
        self.since: dict[str, int] = {}
        self.heap: list[tuple[int, str]] = []

    def oldest_ms(self) -> int:
        """Since when the one waits who waits longest; somebody must."""
        heap, since = self.heap, self.since
        if len(heap) > 2 * len(since) + _LEFT_MIN:
            heap[:] = [(since_ms, name) for name, since_ms in since.items()]
            heapify(heap)
        while since.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0]


class Waiting:
    """Everyone who waits."""

    def __init__(self) -> None:
        self._changed = True
        self._told_ms = 0
        self._lines: dict[Combination, _Line] = {}
        self._places: dict[str, Combination] = {}

    def enter(self, name: str, combination: Combination, since_ms: int) -> None:
        """He waits under this combination since then; what was known of him before is replaced."""
        if name in self._places:
            self.leave(name)
        self._places[name] = combination
        line = self._lines.get(combination)
        if line is None:
            line = self._lines[combination] = _Line()
        line.since[name] = since_ms
        heappush(line.heap, (since_ms, name))
        self._changed = True

    def leave(self, name: str) -> None:
        """He waits no more, if he did."""
        combination = self._places.pop(name, None)
        if combination is not None:
            line = self._lines[combination]
            del line.since[name]
            if not line.since:
                del self._lines[combination]
            self._changed = True

    def is_due(self, now_ms: int) -> bool:
        """Whether there is something new to tell; it counts as told then."""
        if not self._changed or (len(self._lines) > FEW and 0 <= now_ms - self._told_ms < MANY_MS):
            return False
        self._changed, self._told_ms = False, now_ms
        return True

    def levels(self) -> list[tuple[Combination, int, int]]:
        """Each combination under which somebody waits: how many, and since when the oldest (ms)."""
        return [(combination, len(line.since), line.oldest_ms()) for combination, line in self._lines.items()]

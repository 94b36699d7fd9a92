"""Backlog: how many contacts are open, by combination: begun and neither ended nor timed out.

The surprise: it isn't told with every flush. Adding it up costs about 5 µs a combination, and tens of thousands may be open; so
the more there are the less often it is told, which bounds what it takes.
"""

from collections.abc import Iterable

from streams.core.context import Combination

EVERY_MS = 1_000  # what a wallboard's seconds need
COMBINATIONS_PER_MS = 1  # 20,000 combinations, a tenth of a second's work, are told each 20 s: half a percent


class Backlog:
    """One per source partition."""

    def __init__(self) -> None:
        # By values, because a cache that began anew makes another combination of the same ones.
        self._open: dict[tuple[str, ...], int] = {}
        self._combinations: dict[tuple[str, ...], Combination] = {}
        self._changed = True
        self._told_ms = 0

    def move(self, before: Combination | None, after: Combination | None) -> None:
        """An open contact is under another combination; None: it wasn't open, or isn't any more."""
        if before is not None:
            values = before.values
            left = self._open[values] - 1
            if left:
                self._open[values] = left
            else:
                del self._open[values], self._combinations[values]
        if after is not None:
            self.enter(after, 1)
        self._changed = True

    def enter(self, combination: Combination, n: int) -> None:
        """So many contacts more are open under a combination."""
        values = combination.values
        self._open[values] = self._open.get(values, 0) + n
        self._combinations[values] = combination
        self._changed = True

    def is_due(self, now_ms: int) -> bool:
        """Whether there is something new to tell, and it is time; it counts as told then."""
        every_ms = max(EVERY_MS, len(self._open) // COMBINATIONS_PER_MS)
        if not self._changed or 0 <= now_ms - self._told_ms < every_ms:
            return False
        self._changed, self._told_ms = False, now_ms
        return True

    def levels(self) -> Iterable[tuple[Combination, int]]:
        """Each combination under which a contact is open, and how many are."""
        return ((self._combinations[values], n) for values, n in self._open.items())

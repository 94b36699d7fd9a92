"""Contexts: the dimensions that are known of an interaction, each set of values once, so that they compare by identity.

A *combination* holds the values of the finest dimensions, those that any cut needs; contacts are counted by combination
and rolled up to the cuts later. The surprise: 'queue' is always among them, because the service-level target depends on it.
"""

from typing import TypeAlias

import msgspec

from streams.core.rules import IntakeRules
from streams.core.series import DIMENSIONS, UNKNOWN, cut_dimensions

Values: TypeAlias = tuple[str | None, ...]

# Cached contexts; beyond it (free text in a dimension) the cache starts anew, at the cost of building some again.
MAX_CONTEXTS = 50_000

NOTHING: Values = (None,) * len(DIMENSIONS)
_QUEUE = DIMENSIONS.index("queue")


class Combination(msgspec.Struct, eq=False, gc=False):
    """Values of the finest dimensions, and the series in each cut that they are counted under, by the numbers of cells.py;
    empty until the first contact.

    closed: the same while the queue is closed. now: shard and series of those that show who waits.
    """

    values: tuple[str, ...]
    target_ms: int
    series: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    now: list[tuple[int, str]] | None = None


class Context(msgspec.Struct, eq=False, gc=False):
    """Values by DIMENSIONS, None where unknown."""

    values: Values
    combination: Combination


class Contexts:
    """The contexts in use, and what two of them give together."""

    def __init__(self, rules: IntakeRules) -> None:
        self._rules = rules
        self.finest = finest_dimensions(rules.cuts)
        self._positions = tuple(DIMENSIONS.index(name) for name in self.finest)
        self.clear()

    def clear(self) -> None:
        """Forget all; contexts still held elsewhere stay valid."""
        self.by_values: dict[Values, Context] = {}
        self._combinations: dict[tuple[str, ...], Combination] = {}
        self._sums: dict[tuple[Context, Context], tuple[Context, Context]] = {}
        self.nothing = self.of(NOTHING)

    def prune(self) -> None:
        """Keep the cache within its limit."""
        if max(len(self.by_values), len(self._sums)) > MAX_CONTEXTS:
            self.clear()

    def of(self, values: Values) -> Context:
        """The context with these values."""
        context = self.by_values.get(values)
        if context is None:
            context = self.by_values[values] = Context(values, self._combine(values))
        return context

    def sum(self, known: Context, later: Context) -> tuple[Context, Context]:
        """What is known after a later event (the last value wins), and what it makes of earlier ones (it only fills gaps)."""
        found = self._sums.get((known, later))
        if found is None:
            found = self.of(_fill(later.values, known.values)), self.of(_fill(known.values, later.values))
            self._sums[known, later] = found
        return found

    def _combine(self, values: Values) -> Combination:
        finest = tuple(values[position] or UNKNOWN for position in self._positions)
        combination = self._combinations.get(finest)
        if combination is None:
            target_ms = self._rules.queue_target_ms.get(values[_QUEUE] or UNKNOWN, self._rules.target_ms)
            combination = self._combinations[finest] = Combination(finest, target_ms)
        return combination


def _fill(values: Values, gaps: Values) -> Values:
    """Values, with those of `gaps` where they are unknown."""
    return tuple(b if a is None else a for a, b in zip(values, gaps, strict=True))


def finest_dimensions(cuts: tuple[str, ...]) -> tuple[str, ...]:
    """The dimensions of any cut, and 'queue', in the order of DIMENSIONS."""
    wanted = {"queue"}.union(*(cut_dimensions(cut) for cut in cuts))
    return tuple(name for name in DIMENSIONS if name in wanted)

"""Budget: from the false alarms that are accepted in a day to the evidence that an alert of each series needs.

One number is for the whole fleet of series; a cut or a series may have one of its own. The surprise: who has one of their own
leaves the fleet, so that the fleet's number is shared by the rest, and all numbers together are what a day brings.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

import numpy as np

from streams.core.fleet import DAY_MINUTES
from streams.core.level import FloatArray
from streams.core.series import series_cut

_FLEET = ""


class Budgets:
    """Evidence by series. fleet: false alarms a day of all series that have none of their `own`, by cut or series."""

    def __init__(self, fleet: float, own: Mapping[str, float], tests: int) -> None:
        self._budgets = {_FLEET: fleet, **own}
        self._tests = tests
        self._evidence: FloatArray = np.zeros(0)

    def evidence(self, names: Sequence[str]) -> FloatArray:
        """ln(ticks per day × series × tests / false alarms per day), detection.md, for each series. Names only ever grow."""
        if len(self._evidence) != len(names):
            sharing = [self._sharing(name) for name in names]
            needed = {
                one: log(DAY_MINUTES * number * self._tests / self._budgets[one]) for one, number in Counter(sharing).items()
            }
            self._evidence = np.array([needed[one] for one in sharing])
        return self._evidence

    def _sharing(self, name: str) -> str:
        """Whose budget a series shares: its own, its cut's, the fleet's."""
        return next((one for one in (name, series_cut(name)) if one in self._budgets), _FLEET)

"""Budget: from the false alarms that are accepted in a day to the evidence that an alert of each series needs.

One number is for the whole fleet of series; a cut or a series may have one of its own. The surprise: who has one of their own
leaves the fleet, so that the fleet's number is shared by the rest, and all numbers together are what a day brings.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from streams.core.fleet import DAY_MINUTES
from streams.core.level import FloatArray
from streams.core.series import series_cut

# Of each number, what is for volumes (watch.py), for handle time and abandonment in equal parts (means.py), for the waits of
# answered contacts and sentiment in equal parts (rarities.py), and for changes of mix (mix_watch.py). Volumes and means have a
# test of their own and the most.
VOLUME_SHARE, MEANS_SHARE, RARITY_SHARE, MIX_SHARE = 0.5, 0.3, 0.1, 0.1
_FLEET = ""
_NO_CHANCE = 1e-9


class Budgets:
    """Evidence by series. fleet: false alarms a day of all series that have none of their `own`, by cut or series; part: of
    these, what is for the measure in question."""

    def __init__(self, fleet: float, own: Mapping[str, float], part: float) -> None:
        self._budgets = {place: number * part for place, number in {_FLEET: fleet, **own}.items()}
        self._accepted = np.array([*self._budgets.values()])
        self._sharing = np.zeros(0, dtype=np.intp)

    def evidence(self, names: Sequence[str], tests: int) -> FloatArray:
        """ln(ticks per day × series × tests / false alarms per day), detection.md, for each series."""
        return self.evidence_for(names, np.full(len(names), float(DAY_MINUTES * tests)))

    def evidence_for(self, names: Sequence[str], chances: FloatArray) -> FloatArray:
        """ln(chances a day of all who share a number / false alarms per day); `chances` of each series. Names only ever grow."""
        if len(self._sharing) != len(names):
            places = [*self._budgets]
            self._sharing = np.array([places.index(self._of(name)) for name in names], dtype=np.intp)
        together = np.bincount(self._sharing, chances, len(self._accepted))
        needed: FloatArray = np.log(np.maximum(together, _NO_CHANCE) / self._accepted)[self._sharing]
        return needed

    def _of(self, name: str) -> str:
        """Whose budget a series shares: its own, its cut's, the fleet's."""
        return next((one for one in (name, series_cut(name)) if one in self._budgets), _FLEET)

"""Shares: which part of a cut's contacts each of its values has (chat of the channels, refunds of the issues), and has had long.

A cut has each contact once, so its total is the sum of its series and nobody has to send it. The levels and tests are those of
means (mean_levels.py) with the contacts of the cut as n. The surprise: a value that is new has a past, too: it had none of the
contacts that its siblings shared, so an issue that nobody ever had is watched from its first contact on.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from streams.core.columns import blocks
from streams.core.level import FloatArray, Mask
from streams.core.mean_levels import MeanLevels, Seen
from streams.core.mean_models import part_of_contacts
from streams.core.series import series_cut

_ENCODER = msgspec.msgpack.Encoder()
_NAMES = msgspec.msgpack.Decoder(list[str])


class Shares:
    """The series of some cuts and their levels; series are known by column, in order of first sight."""

    def __init__(self, cuts: Sequence[str]) -> None:
        self._wanted = frozenset(cuts)
        self._cuts = [*cuts]
        self.levels = MeanLevels(part_of_contacts())
        self.names: list[str] = []
        self.columns: dict[str, int] = {}
        self._of_cut = np.zeros(0, dtype=np.intp)

    def of_cut(self, series: str) -> Mask:
        """Which columns are of the cut of a series."""
        return np.asarray(self._of_cut == self._cuts.index(series_cut(series)))

    def minute(self, contacts: Mapping[str, int]) -> Seen:
        """What the series had in a minute, by (series, contacts) of whatever cuts; those not seen before are added."""
        own = {series: n for series, n in contacts.items() if series_cut(series) in self._wanted}
        newcomers = sorted(own.keys() - self.columns.keys())
        for cut in dict.fromkeys(map(series_cut, newcomers)):
            self._enrol([series for series in newcomers if series_cut(series) == cut])
        counts = np.zeros(len(self.names))
        counts[[self.columns[series] for series in own]] = [*own.values()]
        totals: FloatArray = np.bincount(self._of_cut, counts, len(self._cuts)).astype(np.float64)[self._of_cut]
        return Seen(totals, counts, counts, counts)

    def _enrol(self, newcomers: Sequence[str]) -> None:
        """Add series of one cut."""
        siblings = np.flatnonzero(self.of_cut(newcomers[0]))
        if len(siblings):
            self.levels.enrol_like(int(siblings[0]), len(newcomers))
        else:
            self.levels.enrol(len(newcomers))
        self._name(newcomers)

    def _name(self, names: Sequence[str]) -> None:
        cuts = [series_cut(name) for name in names]
        self._cuts += sorted(set(cuts) - set(self._cuts))  # stored, and no longer wanted: nothing comes of them any more
        self.columns.update((name, len(self.names) + place) for place, name in enumerate(names))
        self.names.extend(names)
        places = {cut: place for place, cut in enumerate(self._cuts)}
        self._of_cut = np.concatenate((self._of_cut, np.array([places[cut] for cut in cuts], dtype=np.intp)))

    def pack(self) -> list[tuple[bytes, bytes]]:
        """Names and numbers of each block of series."""
        ends = blocks(len(self.names))
        return [(_ENCODER.encode(self.names[first:end]), self.levels.pack(first, end)) for first, end in ends]

    def unpack(self, blocks: Sequence[tuple[bytes, bytes]]) -> None:
        """Restore all from `pack`."""
        names = [_NAMES.decode(packed) for packed, _ in blocks]
        if blocks:
            self.levels.unpack([(len(some), numbers) for some, (_, numbers) in zip(names, blocks, strict=True)])
        self._name([name for some in names for name in some])

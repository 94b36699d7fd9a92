"""What contribution analysis remembers: contacts by part, the last one or two hours minute by minute, and their long mean.

The surprise: a minute is learned an hour late, and never if an incident was on: what explains an alert must not become usual
while it lasts. Memory is bounded: two hours of minutes, and the parts of which at least half a contact is remembered.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping
from math import exp

import msgspec

from streams.core.alert import Contribution
from streams.core.contribution import Told, contributions
from streams.core.series import series_cut
from streams.core.window import MINUTE_MS

HOUR_MS = 60 * MINUTE_MS
# How long the usual mix is remembered, as a time constant. Shorter follows the day better (chat at night, calls by day), longer
# knows rare parts better: at 60 contacts a minute a part of 1 in 160 is known to 9 % after six hours.
MEMORY_HOURS = 6
LEAST = 0.5  # contacts remembered below which a part is forgotten
ROW_PREFIX, USUAL_PREFIX, SPOILT_KEY = b"_contribution.row.", b"_contribution.usual.", b"_contribution.spoilt"

_ENCODER = msgspec.msgpack.Encoder()
_ROW = msgspec.msgpack.Decoder(dict[str, int])
_USUAL = msgspec.msgpack.Decoder(dict[str, float])
_SPOILT = msgspec.msgpack.Decoder(list[int])


class ContributionRules(msgspec.Struct, frozen=True, kw_only=True):
    """cuts: of whose series contributions are told; none tells none. min_cell: parts of people fewer than this aren't named."""

    cuts: tuple[str, ...]
    min_cell: int


class ContributionRows:
    """Minutes and usual mix. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(self, store: MutableMapping[bytes, bytes], rules: ContributionRules) -> None:
        self._store = store
        self._rules = rules
        self._fresh: dict[int, bytes] = {}
        self._folded: list[int] = []
        self._usual: dict[str, float] = {}
        self._starts = sorted(int(key[len(ROW_PREFIX) :]) for key in store if key.startswith(ROW_PREFIX))
        self._spoilt = set(_SPOILT.decode(store[SPOILT_KEY])) if SPOILT_KEY in store else set[int]()
        self._spoilt_dirty = False
        for key in [key for key in store if key.startswith(USUAL_PREFIX)]:
            if key[len(USUAL_PREFIX) :].decode() in rules.cuts:
                self._usual.update(_USUAL.decode(store[key]))
            else:
                del store[key]

    def take(self, start_ms: int, contacts: Mapping[str, int]) -> None:
        """The contacts of a minute, by series; those of other cuts are passed over."""
        if not self._rules.cuts:
            return
        self._fresh[start_ms] = _ENCODER.encode({s: n for s, n in contacts.items() if series_cut(s) in self._rules.cuts})
        self._starts.append(start_ms)
        if start_ms - self._starts[0] >= 2 * HOUR_MS:
            self._fold(start_ms - HOUR_MS)

    def spoil(self, onset_ms: int) -> None:
        """Say that an incident is on since `onset_ms`: the minutes from then on are no usual ones."""
        more = {start_ms for start_ms in self._starts if start_ms >= onset_ms} - self._spoilt
        self._spoilt |= more
        self._spoilt_dirty = self._spoilt_dirty or bool(more)

    def explain(self, told: Told, onset_ms: int, end_ms: int) -> tuple[Contribution, ...]:
        """The parts that explain an alert, whose figures are of [onset, end); of the minutes that are remembered."""
        window = [start_ms for start_ms in self._starts if onset_ms <= start_ms < end_ms]
        if not window:
            return ()
        seen: Counter[str] = Counter()
        for start_ms in window:
            seen.update(self._row(start_ms))
        usual = dict(self._usual)
        self._add_usual(usual, [start_ms for start_ms in self._starts if start_ms < onset_ms])
        covered = min(1.0, len(window) * MINUTE_MS / (end_ms - onset_ms))
        of_window = told._replace(observed=told.observed * covered, expected=told.expected * covered)
        return contributions(of_window, seen, usual, self._rules.cuts, self._rules.min_cell)

    def drain(self) -> None:
        """Write what changed into the store."""
        for start_ms in self._folded:
            if self._fresh.pop(start_ms, None) is None:
                del self._store[_row_key(start_ms)]
        for start_ms, row in self._fresh.items():
            self._store[_row_key(start_ms)] = row
        if self._folded:
            self._save_usual()
        if self._spoilt_dirty:
            self._store[SPOILT_KEY] = _ENCODER.encode(sorted(self._spoilt))
        self._fresh, self._folded, self._spoilt_dirty = {}, [], False

    def _row(self, start_ms: int) -> dict[str, int]:
        row = self._fresh.get(start_ms)
        return _ROW.decode(self._store[_row_key(start_ms)] if row is None else row)

    def _add_usual(self, usual: dict[str, float], starts: Iterable[int]) -> None:
        """Add the minutes that no incident has spoilt."""
        for start_ms in starts:
            if start_ms not in self._spoilt:
                for series, number in self._row(start_ms).items():
                    usual[series] = usual.get(series, 0.0) + number

    def _fold(self, before_ms: int) -> None:
        """Learn the minutes before a time, and forget them one by one."""
        old = [start_ms for start_ms in self._starts if start_ms < before_ms]
        kept = exp(-(before_ms - old[0]) / (MEMORY_HOURS * HOUR_MS))
        usual = {series: number * kept for series, number in self._usual.items()}
        self._add_usual(usual, old)
        self._usual = {series: number for series, number in usual.items() if number >= LEAST}
        self._starts = [start_ms for start_ms in self._starts if start_ms >= before_ms]
        self._spoilt_dirty = self._spoilt_dirty or not self._spoilt.isdisjoint(old)
        self._spoilt -= set(old)
        self._folded += old

    def _save_usual(self) -> None:
        by_cut: dict[str, dict[str, float]] = {cut: {} for cut in self._rules.cuts}
        for series, number in self._usual.items():
            by_cut[series_cut(series)][series] = number
        for cut, numbers in by_cut.items():
            self._store[USUAL_PREFIX + cut.encode()] = _ENCODER.encode(numbers)


def _row_key(start_ms: int) -> bytes:
    return ROW_PREFIX + str(start_ms).encode()

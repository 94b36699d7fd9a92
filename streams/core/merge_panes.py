"""The ledger of merge: every contribution is in exactly one store entry, from which all windows can be summed again.

Young contributions are entries by (pane, level, series), so that a flush writes what changed and not a day. Once a quarter of an
hour has left the trailing window and its minutes are final, its panes are folded into entries by (quarter, level, series), which
stay until their day is final. A level k says that the k shortest window kinds don't get the contribution.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from itertools import chain
from struct import Struct

import msgspec

from streams.core.measure import Cell, add

PANE = b"p"
QUARTER = b"q"
_HEAD = Struct(">cqB")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Cell)

Entry = tuple[int, str]  # (level, series) within a pane or quarter


class Panes:
    """One per shard. `panes`: pane start → entry → cell; `unfolded`: quarter start → its panes.

    `quarters`: quarter start → entries of what was folded; their cells are in the store only.
    """

    def __init__(self, store: MutableMapping[bytes, bytes]) -> None:
        self._store = store
        self._dirty: set[tuple[int, Entry]] = set()
        self.panes: dict[int, dict[Entry, Cell]] = {}
        self.unfolded: dict[int, set[int]] = {}
        self.quarters: dict[int, set[Entry]] = {}

    def restore(self, quarter_of: Callable[[int], int]) -> Iterator[tuple[int, int, str, Cell]]:
        """Read the store's entries, once, giving each as (pane or quarter start, level, series, cell)."""
        for key, value in list(self._store.items()):
            if key[:1] in (PANE, QUARTER) and len(key) > _HEAD.size:
                kind, start_ms, level = _HEAD.unpack_from(key)
                series, cell = key[_HEAD.size :].decode(), _DECODER.decode(value)
                if kind == PANE:
                    self.panes.setdefault(start_ms, {})[level, series] = cell
                    self.unfolded.setdefault(quarter_of(start_ms), set()).add(start_ms)
                else:
                    self.quarters.setdefault(start_ms, set()).add((level, series))
                yield start_ms, level, series, cell

    def add(self, pane_ms: int, quarter_ms: int, level: int, cells: Mapping[str, Cell]) -> None:
        """Book contributions, by series, in their pane. The cells are the ledger's from now on."""
        pane = self.panes.get(pane_ms)
        if pane is None:
            pane = self.panes[pane_ms] = {}
            self.unfolded.setdefault(quarter_ms, set()).add(pane_ms)
        for series, cell in cells.items():
            entry = (level, series)
            found = pane.get(entry)
            if found is None:
                pane[entry] = cell
            else:
                add(found, cell)
            self._dirty.add((pane_ms, entry))

    def add_folded(self, quarter_ms: int, level: int, series: str, cell: Cell) -> None:
        """Book a contribution in a quarter: for folding, and for what comes after its panes were folded."""
        key = _key(QUARTER, quarter_ms, (level, series))
        known = self._store.get(key)
        total = _DECODER.decode(known) if known is not None else {}
        add(total, cell)
        self._store[key] = _ENCODER.encode(total)
        self.quarters.setdefault(quarter_ms, set()).add((level, series))

    def fold(self, quarter_ms: int, level: int) -> None:
        """Replace the panes of a quarter by entries of the quarter; contributions below `level` have no other use any more."""
        sums: dict[Entry, Cell] = {}
        for (own, series), cell in chain.from_iterable(self.panes[pane].items() for pane in self.unfolded[quarter_ms]):
            entry = (max(own, level), series)
            found = sums.get(entry)
            if found is None:
                sums[entry] = cell.copy()
            else:
                add(found, cell)
        for (own, series), cell in sums.items():
            self.add_folded(quarter_ms, own, series, cell)
        self.drop_panes(quarter_ms)

    def drop_panes(self, quarter_ms: int) -> None:
        """Forget the panes of a quarter."""
        for pane_ms in self.unfolded.pop(quarter_ms):
            for entry in self.panes.pop(pane_ms):
                self._dirty.discard((pane_ms, entry))
                self._store.pop(_key(PANE, pane_ms, entry), None)

    def drop_quarters(self, start_ms: int, end_ms: int) -> None:
        """Forget the quarters that begin in [start, end): their day is final."""
        for quarter_ms in [quarter for quarter in self.quarters if start_ms <= quarter < end_ms]:
            for entry in self.quarters.pop(quarter_ms):
                self._store.pop(_key(QUARTER, quarter_ms, entry), None)

    def flush(self) -> None:
        """Write the panes that changed."""
        for pane_ms, entry in self._dirty:
            self._store[_key(PANE, pane_ms, entry)] = _ENCODER.encode(self.panes[pane_ms][entry])
        self._dirty.clear()


def _key(kind: bytes, start_ms: int, entry: Entry) -> bytes:
    return _HEAD.pack(kind, start_ms, entry[0]) + entry[1].encode()

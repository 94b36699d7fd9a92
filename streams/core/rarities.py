"""Rarities: waits of answered contacts and sentiment of the watched series, by how rare they are: what detect tells and stores.

The surprise: these come last. What a change of volume or of a mean tells already is not told again, and teaches nothing.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.acknowledgement import Order
from streams.core.alert import Alert
from streams.core.books import StoredBooks
from streams.core.budget import RARITY_SHARE
from streams.core.columns import save, saved
from streams.core.frame import MinuteRow
from streams.core.held_back import HeldBacks
from streams.core.level import Mask
from streams.core.rarity_case import RarityCase
from streams.core.rarity_levels import RarityLevels, Rows
from streams.core.rarity_metrics import ASA, SENTIMENT, Row
from streams.core.rarity_season import HOUR_MINUTES
from streams.core.rarity_watch import RarityWatch
from streams.core.watch import WatchRules
from streams.core.window import MINUTE_MS

PREFIX = b"rarities."
_WAITING = b"rarities.waiting"

_ENCODER = msgspec.msgpack.Encoder()
_WAITING_DECODER = msgspec.msgpack.Decoder(dict[int, dict[str, list[Row | None]]])
_BOOKS_DECODER = msgspec.msgpack.Decoder(tuple[RarityCase | None, RarityCase | None, RarityCase | None])


class Rarities:
    """Both metrics of all series. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(
        self, store: MutableMapping[bytes, bytes], rules: WatchRules, held_backs: HeldBacks, zone: str, names: Sequence[str]
    ) -> None:
        """zone: of the hours of the day. names: of the series known, in order of column."""
        self._store = store
        self._zone = ZoneInfo(zone)
        metrics = (ASA, SENTIMENT)  # the first speaks for the second: who waits long is angry
        share = RARITY_SHARE / len(metrics)
        self._watches = [RarityWatch(RarityLevels(metric), rules, share, held_backs) for metric in metrics]
        self._waiting: dict[int, dict[str, list[Row | None]]] = {}
        self._books = [StoredBooks(store, self._key(watch, b"book."), _BOOKS_DECODER) for watch in self._watches]
        self._dirty = False
        self.told: list[Alert] = []
        self._restore(len(names))

    def take(self, rows: Iterable[MinuteRow]) -> None:
        """Keep what series had in a minute until it is stepped."""
        for row in rows:
            found = [watch.levels.metric.row(row.cell) for watch in self._watches]
            if any(found):
                self._waiting.setdefault(row.start_ms, {})[row.series] = found
                self._dirty = True

    def step(
        self, start_ms: int, names: list[str], columns: Mapping[str, int], at_rest: Mask | None, others: dict[str, str]
    ) -> None:
        """Judge the minute. others: series of incidents of volumes and means that are on → the alert that tells of them."""
        seen = self._waiting.pop(start_ms, {})
        local = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(self._zone)
        at = start_ms // MINUTE_MS, local.hour * HOUR_MINUTES + local.minute
        known = [(columns[series], found) for series, found in seen.items() if series in columns]
        spoiled = np.zeros(len(names), dtype=np.bool_) if at_rest is None else at_rest
        for place, watch in enumerate(self._watches):
            rows = [(column, *row) for column, found in known if (row := found[place]) is not None]
            watch.step(names, columns, _rows(rows, watch.levels.metric.scale), at, spoiled, others)
            others = {**watch.life.telling(), **others}
        self._collect()

    def enrol(self, series: int) -> None:
        """Add series as the next columns."""
        for watch in self._watches:
            watch.levels.enrol(series)

    def wake(self, start_ms: int) -> None:
        """Go on after a gap; the minute is the first of a new time, and isn't judged."""
        for watch in self._watches:
            watch.levels.wake()
        self._waiting = {minute_ms: seen for minute_ms, seen in self._waiting.items() if minute_ms > start_ms}

    def acknowledge(self, order: Order) -> None:
        """Note it on the alert, if it fires."""
        self._dirty = any(watch.life.acknowledge(order) for watch in self._watches) or self._dirty
        self._collect()

    def expire(self, end_ms: int) -> None:
        """End everything without a verdict: the feed has ended, or sleeps."""
        for watch in self._watches:
            watch.life.expire(end_ms)
        self._dirty = True
        self._collect()

    def _collect(self) -> None:
        for watch in self._watches:
            self.told += watch.life.told
            watch.life.told = []

    def drain(self, series: int, *, stepped: bool) -> None:
        """Write what changed into the store."""
        for watch in self._watches if stepped else ():
            save(self._store, self._key(watch), series, watch.levels.pack)
        if self._dirty or stepped:
            self._store[_WAITING] = _ENCODER.encode(self._waiting)
            for watch, books in zip(self._watches, self._books, strict=True):
                books.save(watch.life.books())
        self._dirty = False

    def _key(self, watch: RarityWatch, tail: bytes = b"") -> bytes:
        return PREFIX + watch.levels.metric.name.encode() + b"." + tail

    def _restore(self, series: int) -> None:
        if _WAITING in self._store:
            self._waiting = _WAITING_DECODER.decode(self._store[_WAITING])
        for watch, books in zip(self._watches, self._books, strict=True):
            if series and self._key(watch, b"0") not in self._store:  # a state of before this was watched: it begins now
                watch.levels.enrol(series)
                continue
            if series:
                watch.levels.unpack(saved(self._store, self._key(watch), series))
            books.restore(watch.life.books())


def _rows(rows: list[tuple[int, int, int]], scale: float) -> Rows:
    columns, n, total = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Rows(columns.astype(np.intp), n.astype(np.float64), total / scale)

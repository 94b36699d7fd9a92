"""Means: handle time and abandonment of the watched series, beside their volumes: what detect hands on, and what it stores.

The surprise: who is watched is known by contacts offered. A minute of a series to which none has been offered yet is left out.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.acknowledgement import Order
from streams.core.alert import Alert
from streams.core.books import StoredBooks
from streams.core.budget import MEANS_SHARE
from streams.core.columns import save, saved
from streams.core.frame import MinuteRow
from streams.core.held_back import HeldBacks
from streams.core.kpi_table import Abandonment
from streams.core.level import Mask
from streams.core.mean_levels import HOUR_MINUTES, MeanLevels, Seen
from streams.core.mean_models import LogTime, Sums, abandonment
from streams.core.mean_shift import Shift
from streams.core.mean_watch import MeanWatch
from streams.core.watch import WatchRules
from streams.core.window import MINUTE_MS

PREFIX = b"means."
_WAITING = b"means.waiting"

_ENCODER = msgspec.msgpack.Encoder()
_WAITING_DECODER = msgspec.msgpack.Decoder(dict[int, dict[str, list[Sums]]])
_BOOKS_DECODER = msgspec.msgpack.Decoder(tuple[Shift | None, Shift | None, Shift | None])


class Means:
    """All means of all series. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(
        self,
        store: MutableMapping[bytes, bytes],
        rules: WatchRules,
        held_backs: HeldBacks,
        kpi: tuple[Abandonment, str],
        names: Sequence[str],
    ) -> None:
        """kpi: which abandonment, and the time zone of the hours of the day. names: of the series known, in order of column."""
        self._store = store
        self._zone = ZoneInfo(kpi[1])
        models = (LogTime(), abandonment(kpi[0]))  # the first speaks for the second: who is held up answers fewer
        self._watches = [MeanWatch(MeanLevels(model), rules, MEANS_SHARE / len(models), held_backs) for model in models]
        self._waiting: dict[int, dict[str, list[Sums]]] = {}
        self._books = [StoredBooks(store, self._key(watch, b"book."), _BOOKS_DECODER) for watch in self._watches]
        self._dirty = False
        self.told: list[Alert] = []
        self._restore(len(names))

    def take(self, rows: Iterable[MinuteRow]) -> None:
        """Keep what series had in a minute until it is stepped."""
        for row in rows:
            sums = [watch.levels.model.sums(row.cell) for watch in self._watches]
            if any(n for n, *_ in sums):
                self._waiting.setdefault(row.start_ms, {})[row.series] = sums
                self._dirty = True

    def step(
        self,
        start_ms: int,
        names: list[str],
        columns: Mapping[str, int],
        spoiled: Mask,
        at_rest: Mask | None,
        others: dict[str, str],
    ) -> None:
        """Judge the minute. spoiled: series that have an incident of volume; others: series of such → the alert that tells."""
        end_ms = start_ms + MINUTE_MS
        seen = self._waiting.pop(start_ms, {})
        hour = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(self._zone).hour
        at = (hour, end_ms // MINUTE_MS % HOUR_MINUTES == 0)
        known = [(columns[series], sums) for series, sums in seen.items() if series in columns]
        taken = spoiled if at_rest is None else spoiled | at_rest
        for place, watch in enumerate(self._watches):
            minute = _minute(known, place, watch.levels.model.scale, len(names))
            watch.levels.step(minute, at, taken, at_rest)
            watch.step(names, columns, minute, (hour, end_ms), others)
            others = {**watch.life.telling(), **others}
        self._collect()

    def telling(self) -> dict[str, str]:
        """Series of changes that are on → the alert that tells of them."""
        return {name: by for watch in self._watches for name, by in watch.life.telling().items()}

    def enrol(self, series: int) -> None:
        """Add series as the next columns."""
        for watch in self._watches:
            watch.levels.enrol(series)

    def wake(self, start_ms: int, gap_minutes: int) -> None:
        """Go on after a gap; the minute is the first of a new time, and isn't judged."""
        for watch in self._watches:
            watch.levels.wake(gap_minutes)
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

    def _key(self, watch: MeanWatch, tail: bytes = b"") -> bytes:
        return PREFIX + watch.levels.model.metric.encode() + b"." + tail

    def _restore(self, series: int) -> None:
        if _WAITING in self._store:
            self._waiting = _WAITING_DECODER.decode(self._store[_WAITING])
        for watch, books in zip(self._watches, self._books, strict=True):
            if series:
                watch.levels.unpack(saved(self._store, self._key(watch), series))
            books.restore(watch.life.books())


def _minute(known: list[tuple[int, list[Sums]]], place: int, scale: float, series: int) -> Seen:
    """What the series had of one mean, as arrays."""
    fields = np.zeros((4, series))
    if known:
        fields[:, [column for column, _ in known]] = np.array([sums[place] for _, sums in known], dtype=np.float64).T
    n, total, squares, amount = fields
    return Seen(n, total / scale, squares / scale, amount)

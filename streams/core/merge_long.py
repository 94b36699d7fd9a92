"""Weeks and months of one shard: sums of the days that are final, and, for the picture so far, of the days that are open.

A day enters when it closes, so both cost two additions per series and day, however many contacts there are. The surprise: weeks
and months have no grace of their own. They are final when their last day is, and what comes too late for its day isn't in them
either (decision 15). The sums lie in the store only; a record of a week reads one entry.
"""

from collections.abc import Mapping, MutableMapping
from struct import Struct
from zoneinfo import ZoneInfo

import msgspec

from streams.core.measure import Cell, add
from streams.core.merge_records import Issue, publish
from streams.core.merge_windows import Window as OpenWindow
from streams.core.trend import LONG, Trend
from streams.core.window import MINUTE_MS, window_bounds

PREFIX = b"l"
ROUND_MS = MINUTE_MS  # the figures of a week so far are published again this often, where they changed
# Records of one drain: some ms of a flush interval of 250; a round of 24,000 series still takes a minute.
PART = 100
_HEAD = Struct(">cBq")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Cell)

Place = tuple[int, int]  # kind as an index of LONG, start


class _Open:
    """A window that isn't final. names: series with a sum in the store; published: those of which figures may be out."""

    __slots__ = ("end_ms", "names", "published")

    def __init__(self, end_ms: int) -> None:
        self.end_ms = end_ms
        self.names: set[str] = set()
        self.published: set[str] = set()


class Long:
    """One per shard. All but names is in the store."""

    def __init__(self, store: MutableMapping[bytes, bytes], zone: ZoneInfo, grace_ms: int) -> None:
        self._store, self._zone, self._grace_ms = store, zone, grace_ms
        self._open: dict[Place, _Open] = {}
        self._places: dict[int, list[Place]] = {}  # by the start of an open day
        self._dirty: dict[tuple[Place, str], None] = {}
        self._round: list[tuple[Place, str]] = []
        self._round_ms = 0
        for key in list(store):
            if key[:1] == PREFIX and len(key) > _HEAD.size:
                _, kind, start_ms = _HEAD.unpack_from(key)
                window = self._window((kind, start_ms))
                window.names.add(key[_HEAD.size :].decode())
        for window in self._open.values():
            window.published.update(window.names)

    def restore(self, days: Mapping[int, OpenWindow]) -> None:
        """After a restart: figures of every series of the open days may be out, and more may have changed since."""
        for day in days.values():
            self.touch(day.start_ms, day.cells)
            for place in self._of_day(day.start_ms):
                self._open[place].published.update(day.cells)

    def touch(self, day_ms: int, names: Mapping[str, Cell]) -> None:
        """Series of a day have changed."""
        dirty = self._dirty
        for place in self._of_day(day_ms):
            for series in names:
                dirty[place, series] = None

    def take_day(self, day: OpenWindow) -> None:
        """Add a day that has closed to its week and its month."""
        for place in self._of_day(day.start_ms):
            window = self._open[place]
            for series, cell in day.cells.items():
                total = self._sum(place, series)
                add(total, cell)
                self._store[_key(place, series)] = _ENCODER.encode(total)
                window.names.add(series)
        self._places.pop(day.start_ms)

    def close(self, issue: Issue) -> list[tuple[str, Trend]]:
        """The final records of the first window that is due, if one is: one in a drain, however far a replay jumps."""
        due = [(window.end_ms, place) for place, window in self._open.items() if self._is_due(window, issue.watermark_ms)]
        if not due:
            return []
        _, place = min(due)
        window = self._open.pop(place)
        final = self._as_open(place, window, {})
        for series in window.names:
            final.cells[series] = self._sum(place, series)
            del self._store[_key(place, series)]
        return publish(final, sorted(final.cells), issue, final=True)

    def provisional(self, issue: Issue, days: Mapping[int, OpenWindow], ahead_ms: int) -> list[tuple[str, Trend]]:
        """Records of series that changed, a part of a round in each drain; not of windows that have not begun."""
        if not self._round and not 0 <= issue.published_ms - self._round_ms < ROUND_MS:
            self._round_ms = issue.published_ms
            begun = issue.watermark_ms + ahead_ms
            self._round = [(place, series) for place, series in self._dirty if place[1] <= begun]
            for one in self._round:
                del self._dirty[one]
        part, self._round = self._round[:PART], self._round[PART:]
        cells: dict[Place, dict[str, Cell]] = {}
        for place, series in part:
            window = self._open.get(place)
            if window is not None:  # it may have closed since the round began
                cells.setdefault(place, {})[series] = self._so_far(place, series, window, days)
        shapes = [self._as_open(place, self._open[place], of_place) for place, of_place in cells.items()]
        return [record for shape in shapes for record in publish(shape, shape.cells, issue, final=False)]

    def _so_far(self, place: Place, series: str, window: _Open, days: Mapping[int, OpenWindow]) -> Cell:
        total = self._sum(place, series)
        for day in days.values():
            if place[1] <= day.start_ms < window.end_ms and series in day.cells:
                add(total, day.cells[series])
        return total

    def _sum(self, place: Place, series: str) -> Cell:
        """The sum of the days that have closed."""
        known = self._store.get(_key(place, series))
        return {} if known is None else _DECODER.decode(known)

    def _as_open(self, place: Place, window: _Open, cells: dict[str, Cell]) -> OpenWindow:
        whole = OpenWindow(LONG[place[0]], place[1], window.end_ms)
        whole.cells, whole.published = cells, window.published
        return whole

    def _is_due(self, window: _Open, watermark_ms: int) -> bool:
        return window.end_ms + self._grace_ms <= watermark_ms

    def _of_day(self, day_ms: int) -> list[Place]:
        """The windows that hold an open day."""
        places = self._places.get(day_ms)
        if places is None:
            places = [(kind, window_bounds(LONG[kind], day_ms, self._zone)[0]) for kind in range(len(LONG))]
            self._places[day_ms] = places
            for place in places:
                self._window(place)
        return places

    def _window(self, place: Place) -> _Open:
        window = self._open.get(place)
        if window is None:
            window = self._open[place] = _Open(window_bounds(LONG[place[0]], place[1], self._zone)[1])
        return window


def _key(place: Place, series: str) -> bytes:
    return _HEAD.pack(PREFIX, *place) + series.encode()

"""Forecasting: the forecaster on the time line. Contacts of minutes in, forecasts of local days out; its state as bytes.

A slot is learned when a minute after it has come. The surprise: time in which nobody had a contact teaches that nobody had one,
up to QUIET_MS; a longer gap is a feed that was away, between a replay and live for instance, and teaches nothing.
"""

from collections.abc import Container, Iterable, Mapping, MutableMapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.forecast import Forecaster
from streams.core.forecast_calendar import CalendarDay, calendar_day
from streams.core.forecast_clock import MINUTE_MS, local_slot, slot_starts
from streams.core.forecast_near import Near
from streams.core.forecast_record import ForecastDay, Look, Origin
from streams.core.forecast_score import DayScore
from streams.core.profile import Curves, Profile, no_profile, rows_of
from streams.core.series import TOTAL, series_cut

VERSION = 3  # of the stored numbers: their names, shapes and order
QUIET_MS = 7 * 24 * 60 * MINUTE_MS
DAY_MINUTES = 24 * 60
AT_ONCE = 20  # forecasts in a flush, 2 ms each; a flush comes ten times a second

META_KEY, LEARNED_PREFIX, TODAY_PREFIX = b"forecast", b"forecast.learned.", b"forecast.today."


class ForecastRules(msgspec.Struct, frozen=True, kw_only=True):
    """Config [forecast] as plain values."""

    cuts: tuple[str, ...]
    slot_minutes: int
    days_ahead: int
    series_max: int
    time_zone: str
    holidays: Container[date]
    calendar_effects: bool


class _Meta(msgspec.Struct, array_like=True):
    """Where the forecaster stands. filling: contacts of the slot that isn't over; held: series with an alert in it. layout: what
    the numbers are made for."""

    layout: str
    day: str | None = None
    slot: int = 0
    next_ms: int = 0
    filling: dict[str, int] = {}
    seen_slot: int = 0
    held: list[str] = []


class _Row(msgspec.Struct, array_like=True, frozen=True):
    row: int
    numbers: bytes


_ENCODER = msgspec.msgpack.Encoder()
_META = msgspec.msgpack.Decoder(_Meta)
_ROW = msgspec.msgpack.Decoder(_Row)


class Forecasting:
    """All forecast series. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(self, store: MutableMapping[bytes, bytes], rules: ForecastRules) -> None:
        self._store = store
        self._rules = rules
        self._zone = ZoneInfo(rules.time_zone)
        self._forecaster = Forecaster(DAY_MINUTES // rules.slot_minutes, rules.slot_minutes, rules.days_ahead)
        self._names: list[str] = []
        self._rows: dict[str, int] = {}
        self._meta = _Meta(layout=f"{VERSION} {rules.slot_minutes} {rules.days_ahead} {rules.time_zone}")
        self._look: Look | None = None
        self._due: list[tuple[int, int]] = []
        self._scores: list[DayScore] = []
        self._dirty = self._slot_over = self._day_over = False
        self._curves: Curves | None = None
        self._profiled = np.zeros(0, dtype=np.intp)
        self._restore()

    def take(self, start_ms: int, contacts: Mapping[str, int]) -> None:
        """The contacts by series of a minute (or of any time within one slot) that begins at `start_ms` and is over."""
        meta = self._meta
        if meta.day is not None and meta.next_ms < start_ms <= meta.next_ms + QUIET_MS:
            for quiet_ms in range(meta.next_ms, start_ms, self._rules.slot_minutes * MINUTE_MS):
                self._move_to(quiet_ms)
        if self._move_to(start_ms):
            for series, number in contacts.items():
                if series_cut(series) in self._rules.cuts:
                    meta.filling[series] = meta.filling.get(series, 0) + number
        meta.next_ms = start_ms + MINUTE_MS
        self._dirty = True

    def hold(self, series: Iterable[str]) -> None:
        """Series that are under an alert in the minute taken last."""
        self._meta.held += sorted(set(series) - set(self._meta.held))

    def profile(self, before_ms: int, start_ms: int, names: Sequence[str]) -> Profile:
        """Where the series' curves go from the minute that begins at `before_ms` into the one at `start_ms`, which is still to
        be taken."""
        meta = self._meta
        if meta.day is None or not self._names:
            return no_profile(len(names))
        if self._curves is None:
            self._curves = Curves(date.fromisoformat(meta.day), self._forecaster)
        if len(self._profiled) != len(names):
            self._profiled = rows_of(names, self._rows)
        before, now = (local_slot(time_ms, self._zone, 1) for time_ms in (before_ms, start_ms))
        return self._curves.minute(before, now, self._profiled)

    def near(self, minutes: int) -> Near | None:
        """The slots that begin within so many minutes, up to the end of tomorrow; None while nothing is forecast."""
        meta = self._meta
        if meta.day is None or not self._names:
            return None
        return Near(self._forecaster, (date.fromisoformat(meta.day), self._zone), self._rows, minutes)

    def drain(self, now_ms: int) -> list[tuple[str, ForecastDay]]:
        """Write what changed into the store; some of the forecasts that are due, published at `now_ms`: few at once."""
        if self._slot_over:
            far = self._day_over or any(number > 1 for number, _ in self._due)  # today and tomorrow, unless a day has begun
            self._look_out(self._rules.days_ahead + 1 if far else 2)
        if self._dirty:
            self._store[META_KEY] = _ENCODER.encode(self._meta)
        for over, prefix, rows in (
            (self._slot_over, TODAY_PREFIX, self._forecaster.today),
            (self._day_over, LEARNED_PREFIX, self._forecaster.learned),
        ):
            for row, name in enumerate(self._names if over else ()):
                self._store[prefix + name.encode()] = _ENCODER.encode(_Row(row, rows.pack(row)))
        self._dirty = self._slot_over = self._day_over = False
        return self._hand_over(AT_ONCE, now_ms)

    def scores(self) -> list[DayScore]:
        """How good the forecasts of the days were that ended since this was asked last."""
        scores, self._scores = self._scores, []
        return scores

    def everything(self, now_ms: int) -> list[tuple[str, ForecastDay]]:
        """The forecasts of today and all days ahead, published at `now_ms`."""
        self._look_out(self._rules.days_ahead + 1)
        return self._hand_over(len(self._due), now_ms)

    def _look_out(self, days: int) -> None:
        """All forecasts from here are due."""
        meta, forecaster = self._meta, self._forecaster
        if meta.day is None or not self._names:
            return
        today = date.fromisoformat(meta.day)
        seen_ms = slot_starts(today, self._zone, forecaster.slots, self._rules.slot_minutes)[forecaster.slot]
        origin = Origin(today, self._zone, meta.next_ms if seen_ms is None else seen_ms)
        self._look = Look(forecaster, origin, days)
        self._due = self._look.places

    def _hand_over(self, number: int, now_ms: int) -> list[tuple[str, ForecastDay]]:
        if self._look is None:
            return []
        now, self._due = self._due[:number], self._due[number:]
        return [(self._names[row], self._look.record(self._names[row], (day, row), now_ms)) for day, row in now]

    def _move_to(self, time_ms: int) -> bool:
        """Close slots and days up to the one that holds `time_ms`; False where that has been before (the clock went back)."""
        meta = self._meta
        day, slot = local_slot(time_ms, self._zone, self._rules.slot_minutes)
        if meta.day is None:
            self._begin(day)
        elif day.isoformat() < meta.day or (day.isoformat() == meta.day and slot < meta.slot):
            return False
        if (day.isoformat(), slot) != (meta.day, meta.slot):
            self._close_slot()
        while meta.day is not None and meta.day < day.isoformat():
            self._end_day(day, time_ms)
        meta.slot = slot
        return True

    def _close_slot(self) -> None:
        """What has filled the slot is its count; newcomers get a row."""
        meta, forecaster = self._meta, self._forecaster
        if meta.slot < forecaster.slot:
            return
        room = self._rules.series_max - len(self._names)
        newcomers = sorted(meta.filling.keys() - self._rows.keys(), key=lambda name: (series_cut(name) != TOTAL, name))[:room]
        if newcomers:
            self._enrol(newcomers)
        if self._names:
            counts = np.array([meta.filling.get(name, 0) for name in self._names], dtype=np.float64)
            forecaster.observe(meta.slot, counts)
            forecaster.hold(meta.slot, [self._rows[name] for name in meta.held if name in self._rows])
            self._slot_over = True
        meta.filling, meta.held, meta.seen_slot = {}, [], forecaster.slot

    def _enrol(self, newcomers: list[str]) -> None:
        for name in newcomers:
            self._rows[name] = len(self._names)
            self._names.append(name)
        self._forecaster.enrol([self._parent(name) for name in newcomers])
        self._curves, self._profiled = None, np.zeros(0, dtype=np.intp)
        self._day_over = True  # rows are stored whole

    def _parent(self, name: str) -> int:
        return -1 if series_cut(name) == TOTAL else self._rows.get(TOTAL, -1)

    def _begin(self, day: date) -> None:
        self._meta.day, self._meta.slot, self._meta.seen_slot = day.isoformat(), 0, 0
        self._forecaster.begin(self._calendar(day))
        self._curves = None

    def _end_day(self, day: date, time_ms: int) -> None:
        """Learn from the day; the next begins, or after a long gap the one that holds `time_ms`."""
        assert self._meta.day is not None, "a day has begun"
        if self._names:
            self._scores.append(DayScore(tuple(self._names), self._forecaster.end()))
            self._day_over = self._slot_over = True
        following = date.fromisoformat(self._meta.day) + timedelta(days=1)
        self._begin(day if time_ms > self._meta.next_ms + QUIET_MS else min(day, following))

    def _calendar(self, day: date) -> list[CalendarDay]:
        rules = self._rules
        days = (day + timedelta(days=number) for number in range(rules.days_ahead + 1))
        return [calendar_day(one, rules.holidays, with_effects=rules.calendar_effects) for one in days]

    def _restore(self) -> None:
        """What was learned, unless it is laid out for other settings or another version: then all is learned anew."""
        if META_KEY not in self._store:
            return
        meta = _META.decode(self._store[META_KEY])
        if meta.layout != self._meta.layout:
            for key in [key for key in self._store if key == META_KEY or key.startswith((LEARNED_PREFIX, TODAY_PREFIX))]:
                del self._store[key]
            return
        learned, today = self._stored(LEARNED_PREFIX), self._stored(TODAY_PREFIX)
        self._meta = meta
        self._names = sorted(learned, key=lambda name: learned[name].row)
        self._rows = {name: row for row, name in enumerate(self._names)}
        if self._names:
            self._forecaster.learned.unpack([learned[name].numbers for name in self._names])
            self._forecaster.today.unpack([today[name].numbers for name in self._names])
        if meta.day is not None:
            parents = [self._parent(name) for name in self._names]
            self._forecaster.resume(self._calendar(date.fromisoformat(meta.day)), meta.seen_slot, parents)
            self._look_out(self._rules.days_ahead + 1)  # what was due when the last worker ended

    def _stored(self, prefix: bytes) -> dict[str, _Row]:
        return {key[len(prefix) :].decode(): _ROW.decode(value) for key, value in self._store.items() if key.startswith(prefix)}

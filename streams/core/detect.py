"""Detect: from closed minutes to expectations and alerts, one state for all watched series.

A minute is stepped when every merge shard has closed it; a known series without a row had no contacts. The surprise: after
ASLEEP_MINUTES without any contact anywhere time is skipped, not stepped, up to the next contact, and levels are learned anew: a
night, or the year between a replay and live, costs six hours of steps at most. The same at once where the feed says that it ends.
"""

from collections.abc import MutableMapping, Sequence

import msgspec
import numpy as np

from streams.core.acknowledgement import Order
from streams.core.alert import Alert, Contribution
from streams.core.books import StoredBooks
from streams.core.closed_minutes import ClosedMinutes, Wanted
from streams.core.columns import blocks, save, saved
from streams.core.contribution import Told
from streams.core.contribution_rows import ContributionRows, ContributionRules
from streams.core.fleet import Fleet, Forecast
from streams.core.forecast_record import ForecastDay
from streams.core.forecast_score import DayScore
from streams.core.forecasting import Forecasting, ForecastRules
from streams.core.frame import MinuteFrame
from streams.core.held_back import HeldBackRules, HeldBacks
from streams.core.incident import Incident, expectation
from streams.core.level import FloatArray, band
from streams.core.means import Means
from streams.core.measure import Cell
from streams.core.mix_watch import Mixes
from streams.core.profile import Profile
from streams.core.rarities import Rarities
from streams.core.roster import CUT as STAFFED_CUT
from streams.core.series import series_cut, series_values
from streams.core.shortage import Shortages
from streams.core.shortage_verdict import ShortageRules
from streams.core.threshold import ThresholdRules, Thresholds
from streams.core.trend import Expectation
from streams.core.watch import Beside, Watch, WatchRules
from streams.core.window import MINUTE_MS

ASLEEP_MINUTES = 360  # task of v0: a gap of more than six hours means learning anew
META_KEY = b"meta"
BLOCK_PREFIX, NAMES_PREFIX, BOOKS_PREFIX = b"fleet", b"names", b"books"


class DetectRules(WatchRules, frozen=True, kw_only=True):
    """Config [detect] as plain values."""

    cuts: tuple[str, ...]
    mix_cuts: tuple[str, ...] = ()
    warm_up_minutes: int
    forecast: ForecastRules
    contribution: ContributionRules
    thresholds: ThresholdRules
    held_back: HeldBackRules = HeldBackRules()
    shortage: ShortageRules | None = None


class DetectChanges(msgspec.Struct, frozen=True):
    """What became known since the last drain, oldest first: (series, expectation) of each minute, alerts; (series, forecast); how
    good the forecasts of days that are over were."""

    expectations: list[tuple[str, Expectation]]
    alerts: list[Alert]
    forecasts: list[tuple[str, ForecastDay]]
    scores: list[DayScore]


_MINUTES_DECODER = msgspec.msgpack.Decoder(ClosedMinutes)
_BOOKS_DECODER = msgspec.msgpack.Decoder(tuple[Incident | None, Incident | None, Incident | None])
_NAMES_DECODER = msgspec.msgpack.Decoder(list[str])
_ENCODER = msgspec.msgpack.Encoder()


class Detect:
    """All watched series. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(self, store: MutableMapping[bytes, bytes], rules: DetectRules) -> None:
        self._store = store
        self._rules = rules
        self._fleet = Fleet(rules.memory_minutes, rules.warm_up_minutes)
        self._contributions = ContributionRows(store, rules.contribution)
        self._held_backs = HeldBacks(rules.held_back)
        self._thresholds = Thresholds(store, rules.thresholds, self._held_backs)
        self._shortages = Shortages(store, rules.shortage, self._held_backs)
        self._mixes = Mixes(store, rules, self._held_backs, rules.mix_cuts, rules.held_back.time_zone)
        beside = Beside(self._mixes.tells_of, self._mixes.is_over, self._mixes.telling)
        self._watch = Watch(rules, self._explain, self._held_backs, beside)
        self._forecasting = Forecasting(store, rules.forecast)
        self._horizon_minutes = 0 if rules.shortage is None else rules.shortage.horizon_minutes
        self._wanted = Wanted(
            offered=frozenset((*rules.cuts, *rules.mix_cuts, *rules.contribution.cuts)),
            judged=frozenset(rule.cut for rule in rules.thresholds.rules),
            staffed=frozenset(() if rules.shortage is None else (STAFFED_CUT,)),
        )
        self._names: list[str] = []
        self._columns: dict[str, int] = {}
        self._expectations: list[tuple[str, Expectation]] = []
        self._dirty = self._stepped = False
        self._named = 0
        self._books = StoredBooks(store, BOOKS_PREFIX, _BOOKS_DECODER)
        self._minutes = _MINUTES_DECODER.decode(store[META_KEY]) if META_KEY in store else ClosedMinutes()
        self._restore()
        kpi = rules.thresholds.kpi.abandonment, rules.held_back.time_zone
        self._means = Means(store, rules, self._held_backs, kpi, self._names)
        self._rarities = Rarities(store, rules, self._held_backs, rules.held_back.time_zone, self._names)
        # What tells of alerts.
        self._parts = (self._watch.life, self._thresholds, self._shortages, self._means, self._mixes, self._rarities)

    def apply(self, frames: Sequence[MinuteFrame | Order]) -> None:
        """Take closed minutes of merge shards and step every minute that all shards have closed; take orders about alerts."""
        for frame in frames:
            if isinstance(frame, Order):
                self._stepped = self._watch.life.acknowledge(frame) or self._stepped
                self._thresholds.acknowledge(frame)
                self._shortages.acknowledge(frame)
                self._means.acknowledge(frame)
                self._rarities.acknowledge(frame)
                self._mixes.acknowledge(frame)
                continue
            self._minutes.take(frame, self._wanted)
            watched = [row for row in frame.rows if series_cut(row.series) in self._rules.cuts]
            self._means.take(watched)
            self._rarities.take(watched)
            if len(self._minutes.closed_ms) == frame.shards:
                self._advance(min(self._minutes.closed_ms.values()))
        self._dirty = self._dirty or bool(frames)

    def drain(self, now_ms: int) -> DetectChanges:
        """Write what changed into the store; hand over what became known, published at `now_ms`."""
        replace = msgspec.structs.replace
        expectations = [(series, replace(e, published_ms=now_ms)) for series, e in self._expectations]
        alerts = [replace(alert, published_ms=now_ms) for part in self._parts for alert in part.told]
        self._expectations = []
        for part in self._parts:
            part.told = []
        if self._dirty:
            self._store[META_KEY] = _ENCODER.encode(self._minutes)
        if self._stepped:
            self._save()
            self._contributions.drain()
        self._thresholds.drain()
        self._shortages.drain()
        self._means.drain(len(self._names), stepped=self._stepped)
        self._rarities.drain(len(self._names), stepped=self._stepped)
        self._mixes.drain(stepped=self._stepped)
        self._dirty = self._stepped = False
        return DetectChanges(expectations, alerts, self._forecasting.drain(now_ms), self._forecasting.scores())

    def _advance(self, closed_ms: int) -> None:
        """Step the minutes that end at or before `closed_ms`; skip to the next contact before the first and when asleep."""
        minutes = self._minutes
        while True:
            if minutes.next_ms is not None and minutes.next_ms + MINUTE_MS > minutes.end_ms(closed_ms):
                self._sleep(minutes.next_ms)
            if minutes.next_ms is None or minutes.empty_minutes >= ASLEEP_MINUTES:
                start_ms = min(minutes.waiting, default=closed_ms)
                minutes.forget_until(start_ms)
            else:
                start_ms = minutes.next_ms
            if start_ms + MINUTE_MS > closed_ms:
                return
            self._step(start_ms, minutes.waiting.pop(start_ms, {}))
            minutes.next_ms = start_ms + MINUTE_MS

    def _sleep(self, now_ms: int) -> None:
        """What is open expires, and nothing is judged until the next contact."""
        if self._minutes.empty_minutes < ASLEEP_MINUTES:
            self._expire(now_ms)
            self._minutes.empty_minutes = ASLEEP_MINUTES
            self._stepped = True

    def _expire(self, end_ms: int) -> None:
        for part in self._parts:
            part.expire(end_ms)

    def _step(self, start_ms: int, everything: dict[str, int]) -> None:
        minutes, self._stepped = self._minutes, True
        profile = self._forecasting.profile((minutes.next_ms or start_ms) - MINUTE_MS, start_ms, self._names)
        self._contributions.take(start_ms, everything)
        self._thresholds.take(start_ms, minutes.cells.get(start_ms, {}))
        contacts = {series: n for series, n in everything.items() if series_cut(series) in self._rules.cuts}
        self._forecasting.take(start_ms, contacts)
        self._foresee(start_ms, minutes.staff.get(start_ms, {}), everything)
        minutes.forget(start_ms)
        gap_minutes = (start_ms - minutes.next_ms) // MINUTE_MS if minutes.next_ms is not None else 0
        asleep = minutes.empty_minutes >= ASLEEP_MINUTES
        minutes.empty_minutes = 0 if contacts else minutes.empty_minutes + 1
        counts = np.array([contacts.get(name, 0) for name in self._names], dtype=np.float64)
        if asleep:
            self._fleet.wake(counts, profile, gap_minutes)
            self._means.wake(start_ms, gap_minutes)
            self._rarities.wake(start_ms)
            self._mixes.wake(gap_minutes)
        elif self._names:
            self._expect_and_step(counts, profile, start_ms)
            self._step_mixes(start_ms, everything)
        if minutes.empty_minutes >= ASLEEP_MINUTES:
            self._expire(start_ms + MINUTE_MS)
        if newcomers := sorted(contacts.keys() - self._columns.keys()):  # nobody, as a rule, and copying all for it takes time
            self._enrol(newcomers, contacts)

    def _enrol(self, newcomers: list[str], contacts: dict[str, int]) -> None:
        self._columns.update((name, len(self._names) + place) for place, name in enumerate(newcomers))
        self._names += newcomers
        self._fleet.enrol(np.array([contacts[name] for name in newcomers], dtype=np.float64))
        self._means.enrol(len(newcomers))
        self._rarities.enrol(len(newcomers))

    def _foresee(self, start_ms: int, staff: dict[str, Cell], everything: dict[str, int]) -> None:
        """Judge the hours to come, where this minute has ended a forecast slot."""
        if self._shortages.take(start_ms, staff, everything):
            near = self._forecasting.near(self._horizon_minutes)
            if near is not None:
                self._shortages.judge(near, start_ms)

    def _expect_and_step(self, counts: FloatArray, profile: Profile, start_ms: int) -> None:
        warm, noise = self._fleet.warm, self._fleet.noise()
        self._watch.carry(profile, self._columns)
        at_rest = self._held_backs.mask(self._names, start_ms)
        for over in self._held_backs.over(self._names, start_ms):
            self._fleet.forget_tests(over)
        forecast = self._under_incidents(self._fleet.step(counts, profile, at_rest), noise)
        low, high = band(forecast.mean, forecast.dispersion)
        for column in np.nonzero(warm)[0]:
            name = self._names[column]
            figures = (int(counts[column]), float(forecast.mean[column]), float(low[column]), float(high[column]))
            self._expectations.append((name, _expectation(name, start_ms, figures)))
        self._watch.step(self._fleet, self._names, counts, start_ms + MINUTE_MS)
        others = self._watch.life.telling()
        self._means.step(start_ms, self._names, self._columns, self._fleet.held > 0, at_rest, others)
        self._rarities.step(start_ms, self._names, self._columns, at_rest, {**self._means.telling(), **others})
        if self._watch.life.active:
            self._forecasting.hold(self._watch.life.active)
            self._contributions.spoil(min(incident.onset_ms for incident in self._watch.life.active.values()))
        if at_rest is not None:
            self._forecasting.hold(self._names[resting] for resting in np.nonzero(at_rest)[0])
            self._contributions.spoil(start_ms)

    def _step_mixes(self, start_ms: int, everything: dict[str, int]) -> None:
        """Judge shares, after volumes: those are told first."""
        life = self._watch.life
        lately = [one for one in life.recent.values() if one.explained_by is None]
        at_rest = self._held_backs.mask(self._names, start_ms) is not None
        self._mixes.step(start_ms, everything, [*life.speaking(), *lately], at_rest=at_rest)

    def _explain(self, incident: Incident) -> tuple[Contribution, ...]:
        told = Told(incident.series, incident.up, incident.observed, incident.expected)
        return self._contributions.explain(told, incident.onset_ms, incident.updated_ms)

    def _under_incidents(self, forecast: Forecast, noise: FloatArray) -> Forecast:
        """The forecast with what incidents expect in place of levels that follow them."""
        for name, incident in self._watch.life.active.items():
            column = self._columns[name]
            forecast.mean[column], forecast.dispersion[column] = expectation(incident, float(noise[column]))
        return forecast

    def _save(self) -> None:
        """All numbers, block by block, since each minute moves them; names and incidents where they changed."""
        save(self._store, BLOCK_PREFIX, len(self._names), self._fleet.pack)
        for block, (first, end) in enumerate(blocks(len(self._names))):
            if end > self._named:
                self._store[NAMES_PREFIX + b"%d" % block] = _ENCODER.encode(self._names[first:end])
        self._named = len(self._names)
        self._books.save(self._watch.life.books())

    def _restore(self) -> None:
        parts = sum(key.startswith(NAMES_PREFIX) for key in self._store)
        names = [_NAMES_DECODER.decode(self._store[NAMES_PREFIX + b"%d" % part]) for part in range(parts)]
        self._names = [name for part in names for name in part]
        self._columns = {name: column for column, name in enumerate(self._names)}
        self._named = len(self._names)
        if self._names:
            self._fleet.unpack(saved(self._store, BLOCK_PREFIX, len(self._names)))
        self._books.restore(self._watch.life.books())


def _expectation(series: str, start_ms: int, figures: tuple[int, float, float, float]) -> Expectation:
    actual, expected, low, high = figures
    return Expectation(
        cut=series_cut(series),
        series=series_values(series),
        start_ms=start_ms,
        end_ms=start_ms + MINUTE_MS,
        actual=actual,
        expected=round(expected, 3),
        low=low,
        high=high,
        published_ms=0,
    )

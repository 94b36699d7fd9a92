"""Mix watch: shares of a cut's values that have changed, minute by minute: who has moved, and which issues emerge.

A move has one alert: shares of a cut add up to one, so what grows names what shrank, and what follows within half an hour is the
same story. The surprise: volumes and mixes keep silent for each other. A spike or dip that is known explains the shares that it
moves; but where one issue surges its share may tell before the total does, and then that alert speaks for the volume, too.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from streams.core.acknowledgement import Order
from streams.core.alert import Alert, Contribution
from streams.core.books import StoredBooks
from streams.core.budget import MIX_SHARE
from streams.core.explain import ONSET_MINUTES, SHARE, Move
from streams.core.held_back import HeldBacks
from streams.core.incident import Incident, per_minute
from streams.core.level import Mask
from streams.core.life_cycle import Kind
from streams.core.mean_levels import HOUR_MINUTES
from streams.core.mean_models import UPS
from streams.core.mean_shift import Shift, continued
from streams.core.mean_watch import MeanWatch, Way
from streams.core.mix_alerting import relied_on, severity, told
from streams.core.series import series_cut, series_values
from streams.core.shares import Shares
from streams.core.watch import RETURN_SIZE, WatchRules
from streams.core.window import MINUTE_MS

PREFIX = b"mix."
_NAMES, _NUMBERS, _BOOK = b"mix.names.", b"mix.numbers.", b"mix.book."
PARTS_MAX = 3  # that a change names, each at least so much of it, and with so many nats of evidence of its own
_PART_LEAST, _PART_SURE = 0.1, 1.0
_RETURNING = 1.0  # nats that say that a share comes back
_BEFORE_MINUTES = 10  # a share may seem to have changed so long before the spike that moves it: onsets are known to some minutes
_BOOKS_DECODER = msgspec.msgpack.Decoder(tuple[Shift | None, Shift | None, Shift | None])


class Mixes:
    """The mixes of all [detect] mix_cuts. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(
        self,
        store: MutableMapping[bytes, bytes],
        rules: WatchRules,
        held_backs: HeldBacks,
        cuts: Sequence[str],
        time_zone: str,
    ) -> None:
        """time_zone: of the hours of the day."""
        self._store = store
        self._zone = ZoneInfo(time_zone)
        self._shares = Shares(cuts)
        way = Way(Kind(told, severity, continued), _move_of, _speakers, self._judged)
        self._watch = MeanWatch(self._shares.levels, rules, MIX_SHARE, held_backs, way)
        self._incidents: Sequence[Incident] = ()
        self._books = StoredBooks(store, _BOOK, _BOOKS_DECODER)
        self._dirty = False
        self.told: list[Alert] = []
        blocks = range(sum(key.startswith(_NAMES) for key in store))
        self._shares.unpack([(store[_NAMES + b"%d" % block], store[_NUMBERS + b"%d" % block]) for block in blocks])
        self._books.restore(self._watch.life.books())

    def telling(self) -> list[str]:
        """The alerts that are on."""
        return [shift.alert_id for shift in self._watch.life.speaking()]

    def tells_of(self, incident: Incident) -> str | None:
        """The alert of a share that has grown and brings a spike, or most of it."""
        if not incident.up:
            return None
        return next((shift.alert_id for shift in self._watch.life.speaking() if _brings(shift, incident)), None)

    def is_over(self, incident: Incident) -> bool:
        """Whether a dip is only the end of a surge that was told as a share, and that the series had taken in."""
        life = self._watch.life
        returning = [*life.recent.values(), *(shift for shift in life.speaking() if shift.return_score >= _RETURNING)]
        return not incident.up and any(_has_brought(shift, incident) for shift in returning)

    def step(self, start_ms: int, contacts: Mapping[str, int], incidents: Sequence[Incident], *, at_rest: bool) -> None:
        """Judge a minute. incidents: of volume that speak, or have lately. at_rest: a maintenance window is on, and who stays
        away because of it changes the mix of everything: nothing is judged or learned."""
        minute = self._shares.minute(contacts)
        if not len(minute.n):
            return
        self._incidents = incidents
        end_ms = start_ms + MINUTE_MS
        hour = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(self._zone).hour
        everything, before = np.ones(len(minute.n), dtype=np.bool_), self._spoiled()
        spoiled = everything if at_rest or any(one.resolved_ms is None for one in incidents) else before
        at = (hour, end_ms // MINUTE_MS % HOUR_MINUTES == 0)
        self._shares.levels.step(minute, at, spoiled, everything if at_rest else None)
        others = {one.series: one.alert_id for one in incidents}
        self._watch.step(self._shares.names, self._shares.columns, minute, (hour, end_ms), others)
        now = self._spoiled()
        self._shares.levels.late[:, :, now] = 0.0
        for column in np.flatnonzero(before & ~now):  # what the others have gathered meanwhile is of the change that is over
            self._shares.levels.forget_tests(int(column))
        self._collect()

    def _spoiled(self) -> Mask:
        """Series of cuts in which a change is on: what one value has more the others have less."""
        spoiled = np.zeros(len(self._shares.names), dtype=np.bool_)
        for series in self._watch.life.active:
            spoiled |= self._shares.of_cut(series)
        return spoiled

    def _judged(self, shift: Shift, speaking: Sequence[Shift], _others: Mapping[str, str]) -> tuple[Shift, str | None]:
        by = next((one.alert_id for one in self._incidents if _explains(one, shift)), None)
        by = by or next((one.alert_id for one in speaking if _is_same_move(one, shift)), None)
        return (shift if shift.parts else msgspec.structs.replace(shift, parts=self._parts(shift))), by

    def _parts(self, shift: Shift) -> tuple[Contribution, ...]:
        """The values of its cut that have moved the other way, most first: by their own tests that go back as long."""
        tests, shares = self._shares.levels.tests, self._shares
        minutes = (shift.updated_ms - shift.onset_ms) / MINUTE_MS
        scores = np.where((shift.up != UPS) & (tests.minutes >= minutes / 2), tests.score, 0.0)
        moved = (shift.total - shift.expected) / shift.n
        found: list[tuple[float, Contribution]] = []
        for column in np.flatnonzero(shares.of_cut(shift.series) & (scores >= _PART_SURE).any(axis=0)):
            row = np.argmax(scores[:, column])
            n, total, expected = (float(field[row, column]) for field in (tests.n, tests.total, tests.expected))
            part = (expected - total) / n / moved
            if part >= _PART_LEAST:
                found.append((part, _contribution(shares.names[column], (n, total, expected), part)))
        return tuple(one for _, one in sorted(found, key=lambda one: -one[0])[:PARTS_MAX])

    def wake(self, gap_minutes: int) -> None:
        """Go on after a gap; its first minute isn't judged."""
        self._shares.levels.wake(gap_minutes)

    def acknowledge(self, order: Order) -> None:
        """Note it on the alert, if it fires."""
        self._dirty = self._watch.life.acknowledge(order) or self._dirty
        self._collect()

    def expire(self, end_ms: int) -> None:
        """End everything without a verdict: the feed has ended, or sleeps."""
        self._watch.life.expire(end_ms)
        self._dirty = True
        self._collect()

    def _collect(self) -> None:
        self.told += self._watch.life.told
        self._watch.life.told = []

    def drain(self, *, stepped: bool) -> None:
        """Write what changed into the store."""
        if stepped:
            for block, (names, numbers) in enumerate(self._shares.pack()):
                self._store[_NUMBERS + b"%d" % block] = numbers
                if self._store.get(_NAMES + b"%d" % block) != names:
                    self._store[_NAMES + b"%d" % block] = names
        if stepped or self._dirty:
            self._books.save(self._watch.life.books())
        self._dirty = False


def _move_of(shift: Shift, _gate: float, crossed: bool) -> Move:
    minutes = max(1.0, (shift.updated_ms - shift.onset_ms) / MINUTE_MS)
    figures = {"seen": shift.total, "expected": shift.expected, "minutes": minutes}
    return Move(series=shift.series, up=shift.up, crossed=crossed, alert_id=shift.alert_id, **figures)


def _speakers(moves: Sequence[Move], _active: Sequence[Move]) -> tuple[list[Move], dict[str, str]]:
    """All that has crossed; the one of which most can be relied on comes first, and then speaks for the others.

    detection.md: by the contacts beside the usual ones of which one is 95 % sure.
    """
    ranked = [(abs(relied_on(move.seen, move.expected) - 1) * move.expected, move) for move in moves if move.crossed]
    return [msgspec.structs.replace(move, seen=move.expected + rank) for rank, move in ranked], {}


def _brings(shift: Shift, incident: Incident) -> bool:
    """Whether a share has grown by what a spike has too many, or most of it."""
    at_once = abs(shift.onset_ms - incident.onset_ms) <= ONSET_MINUTES * MINUTE_MS
    large = _per_minute(shift) >= SHARE * per_minute(incident)
    return shift.up and at_once and large and not _are_apart(shift.series, incident.series)


def _has_brought(shift: Shift, incident: Incident) -> bool:
    late = shift.resolved_ms is not None and incident.onset_ms > shift.resolved_ms + MINUTE_MS
    small = per_minute(incident) <= RETURN_SIZE * _per_minute(shift)
    return shift.up and not late and small and not _are_apart(shift.series, incident.series)


def _explains(incident: Incident, shift: Shift) -> bool:
    """Whether an alert of volume tells of a share: it is of the same contacts, names them, or is large enough."""
    values = series_values(shift.series).items()
    named = [series_values(incident.series), *(part.series for part in incident.contribution)]
    if any(values <= one.items() for one in named):
        return True
    since_ms = incident.onset_ms - _BEFORE_MINUTES * MINUTE_MS
    return shift.onset_ms >= since_ms and per_minute(incident) >= SHARE * _per_minute(shift)


def _is_same_move(one: Shift, other: Shift) -> bool:
    """Whether two shares moved together: one grew while others of its cut shrank, or at one time."""
    if series_cut(one.series) == series_cut(other.series) and one.up != other.up:
        return True
    return abs(one.onset_ms - other.onset_ms) <= ONSET_MINUTES * MINUTE_MS


def _per_minute(shift: Shift) -> float:
    """Contacts beside the usual share, per minute since the onset."""
    return abs(shift.total - shift.expected) / max(1.0, (shift.updated_ms - shift.onset_ms) / MINUTE_MS)


def _are_apart(series: str, other: str) -> bool:
    """Whether no contact can be in both."""
    own, others = series_values(series), series_values(other)
    return any(own[dimension] != others[dimension] for dimension in own.keys() & others.keys())


def _contribution(series: str, figures: tuple[float, float, float], share: float) -> Contribution:
    n, total, expected = figures
    return Contribution(
        cut=series_cut(series),
        series=series_values(series),
        observed=round(total),
        expected=round(expected, 2),
        share=round(min(1.0, share), 3),
        usual_share=round(expected / n, 4),
    )

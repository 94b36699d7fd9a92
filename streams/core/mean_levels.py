"""Mean levels: the state of one mean (mean_models.py) of all watched series as arrays, and the step that takes a minute of it.

The level is what the mean was in the last week at this hour of the day; tests are CUSUMs against it. The surprise: contacts of an
hour are alike (one long queue, one bad release), so a mean wanders by more than independent contacts would let it. How much more
is measured on whole hours, and all evidence is divided by it: what is usual for a series is no news. Hours are learned four hours
late, and not at all where an incident was found meanwhile: otherwise one that grows slowly would be usual before it is found.
"""

from itertools import islice
from typing import NamedTuple

import numpy as np

from streams.core.columns import packed, unpacked
from streams.core.level import FloatArray, Mask
from streams.core.mean_models import ROWS, Model, Pair

DAY_MINUTES = 1440
HOUR_MINUTES, HOURS = 60, 24
LATE = 4  # hours until an hour is learned
MINUTES_MAX = LATE * HOUR_MINUTES  # what doesn't show in these is a drift, no incident: a test that is older starts anew
_WEEK_MINUTES = 7 * DAY_MINUTES  # memory of all that is learned: it has seen each weekday
_HOUR_KEPT, _MINUTE_KEPT = np.exp(-HOUR_MINUTES / _WEEK_MINUTES), np.exp(-1 / _WEEK_MINUTES)
# An hour further off than 2.58 standard deviations teaches less (detection.md); its square counts up to 16 variances, as in
# fleet.py: so an incident that isn't found teaches little.
_HOUR_FAR, _SQUARE_MAX = 2.58, 16.0
# Wander before any is seen, and how many contacts' worth of hours outweigh it. A simulated centre has 1.0 to 1.5 for handle
# times and 2 to 4 for abandonment.
_WANDER_PRIOR, _WANDER_CONTACTS = 2.0, 20.0
MINUTE_FAR = 4.0  # detection.md: a minute counts up to so many standard deviations
# A CUSUM of normal steps with standard deviation δ that crosses h is over it by 0.583 δ, and so below 0 (Siegmund, Sequential
# Analysis, 1985): steps that cost I nats give a false alarm in e^h / I × exp(1.166 √(2I)) of them.
_OVERSHOOT = 1.166
_FEW = 1e-9


class Seen(NamedTuple):
    """What all series had in a minute or an hour, see Model.sums; values scaled."""

    n: FloatArray
    total: FloatArray
    squares: FloatArray
    amount: FloatArray


class Past(NamedTuple):
    """Discounted sums of what was learned: as in Seen; squared errors of hours, and the variance of independent contacts in
    them; the same of four hours together."""

    n: FloatArray
    total: FloatArray
    squares: FloatArray
    amount: FloatArray
    errors: FloatArray
    variance: FloatArray
    long_errors: FloatArray
    long_variance: FloatArray


class Tests(NamedTuple):
    """(ROWS × series): evidence in nats since the onset (last zero), and since then contacts, their total, what was expected of
    it, its variance if contacts are independent, minutes."""

    score: FloatArray
    n: FloatArray
    total: FloatArray
    expected: FloatArray
    variance: FloatArray
    minutes: FloatArray


class Singles(NamedTuple):
    """Minutes since each series was first seen; 1.0 where an incident of this mean is on; discounted sums of what calm minutes
    cost the tests, in nats that false alarms are made of, and of minutes."""

    age: FloatArray
    held: FloatArray
    spent: FloatArray
    minutes: FloatArray


class MeanLevels:
    """One mean of all series; they are known by column."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.past = Past(*np.zeros((len(Past._fields), 0)))
        self.hours = np.zeros((2, HOURS, 0))
        self.hour = Seen(*np.zeros((len(Seen._fields), 0)))
        self.late = np.zeros((LATE, len(Seen._fields), 0))
        self.tests = Tests(*np.zeros((len(Tests._fields), ROWS, 0)))
        self.singles = Singles(*np.zeros((len(Singles._fields), 0)))

    @property
    def warm(self) -> Mask:
        """Which series have been followed for a day: what a day brings isn't known before it is over."""
        return np.asarray((self.singles.age >= DAY_MINUTES) & (self.past.n > 0))

    def all_day(self) -> Pair:
        """Mean and variance of one contact's value at any hour."""
        return self.model.level(*self.past[:3])

    def wander(self) -> FloatArray:
        """How many times that of independent contacts the variance of an hour is, or of four, which a test may take: the
        larger, at least 1."""
        past, prior = self.past, _WANDER_CONTACTS * self.all_day()[1]
        short = (past.errors + _WANDER_PRIOR * prior) / (past.variance + prior)
        return np.maximum(1.0, np.maximum(short, (past.long_errors + _WANDER_PRIOR * prior) / (past.long_variance + prior)))

    def known(self, hour: int) -> FloatArray:
        """How many contacts the level of an hour of the day is worth."""
        told = self.model.told(self.all_day()[1])
        return np.asarray(self.hours[0, hour] + self.wander() / (told * self.model.hours_sd**2))

    def level(self, hour: int) -> Pair:
        """Mean and variance of one contact's value in an hour of the day: nearly the whole day's, where little is known of it."""
        (mean, variance), known = self.all_day(), self.known(hour)
        n, total = self.hours[:, hour]
        here = (total + (known - n) * mean) / known
        return here, self.model.variance(here, variance)

    def usual(self) -> FloatArray:
        """What a contact usually adds to the KPI's numerator."""
        return self.past.amount / np.maximum(self.past.n, _FEW)

    def spending(self) -> FloatArray:
        """False alarms a day of all tests of each series, times e^threshold."""
        return np.where(self.warm, self.singles.spent / np.maximum(self.singles.minutes, 1.0) * DAY_MINUTES, 0.0)

    def enrol(self, series: int) -> None:
        """Add series as the next columns."""
        self._replace([np.concatenate((one, np.zeros((*one.shape[:-1], series))), axis=-1) for one in self._fields()])

    def enrol_like(self, like: int, series: int) -> None:
        """Add series as the next columns that nothing has been seen of, in as many contacts as those of column `like`."""
        self.enrol(series)
        for field in (self.past.n, self.hours[0], self.hour.n, self.late[:, 0], self.singles.age, self.singles.minutes):
            field[..., -series:] = field[..., like, None]

    def step(self, minute: Seen, at: tuple[int, bool], spoiled: Mask, at_rest: Mask | None = None) -> None:
        """Take one minute; at: the hour of the day, and whether it ends with it. `spoiled` series learn nothing of it, those
        `at_rest` aren't tested either."""
        (hour, ends_hour), wander = at, self.wander()
        mean, variance = self.level(hour)
        expected, spread = minute.n * mean, minute.n * variance
        far = MINUTE_FAR * np.sqrt(wander * spread) + self.model.whole
        total = expected + np.clip(minute.total - expected, -far, far)
        tilt, cost = self.model.tilt(self.model.changes, mean, variance)
        tested = self.warm & (self.singles.held == 0) & (True if at_rest is None else ~at_rest)
        gained = np.where(tested, (tilt * total - minute.n * cost) / wander, -np.inf)
        added = (gained, minute.n, minute.total, expected, spread, np.ones(1))
        tests = Tests(*(field + new for field, new in zip(self.tests, added, strict=True)))
        goes_on = (tests.score > 0) & (tests.minutes < MINUTES_MAX)
        self.tests = Tests(*(np.where(goes_on, field, 0.0) for field in tests))
        taught = ~spoiled & (self.singles.held == 0)
        self._spend(np.maximum(0.0, minute.n * (cost - tilt * mean) / wander), taught)
        self.hour = Seen(*(np.where(taught, field + new, 0.0) for field, new in zip(self.hour, minute, strict=True)))
        if ends_hour:
            self._learn((hour - LATE) % HOURS, Seen(*self.late[0]))
            self.late = np.concatenate((self.late[1:], np.array(self.hour)[None]))
            self.hour = Seen(*np.zeros_like(self.hour))

    def _spend(self, nats: FloatArray, taught: Mask) -> None:
        age, held, spent, minutes = self.singles
        cost = (nats * np.exp(-_OVERSHOOT * np.sqrt(2 * nats))).sum(axis=0)
        spent, minutes = (np.where(taught, sums * _MINUTE_KEPT + new, sums) for sums, new in ((spent, cost), (minutes, 1.0)))
        self.singles = Singles(age + 1, held, spent, minutes)

    def _learn(self, hour: int, seen: Seen) -> None:
        """Take an hour of the day into the past: less of it, the further off it is from what the past makes of it."""
        (mean, variance), wander, first = self.level(hour), self.wander(), self.past.n == 0
        spread = seen.n * variance
        squared = (seen.total - seen.n * mean) ** 2 / (1 + seen.n * self._sampling(hour))
        far = np.sqrt(squared / np.maximum(wander * spread + self.model.whole, _FEW))
        taken = np.where(first, 1.0, np.minimum(1.0, (_HOUR_FAR / np.maximum(far, _FEW)) ** 2))
        error = np.minimum(squared, _SQUARE_MAX * wander * spread)
        kept = np.where(seen.n > 0, _HOUR_KEPT, 1.0)
        long = self._of_all_late(hour, wander)
        news = (*(taken * field for field in seen), error, spread, *long)
        news = (*news[:4], *(np.where(first, 0.0, part) for part in news[4:]))
        self.past = Past(*(field * kept + new for field, new in zip(self.past, news, strict=True)))
        self.hours = self.hours * kept
        self.hours[:, hour] += taken * np.stack((seen.n, seen.total))

    def _of_all_late(self, hour: int, wander: FloatArray) -> Pair:
        """Squared error and variance of all hours that aren't learned yet together, the first of them `hour`."""
        levels = [self.level((hour + place) % HOURS) for place in range(LATE)]
        n, total = self.late[:, 0], self.late[:, 1]
        spread = sum(n[place] * variance for place, (_, variance) in enumerate(levels))
        off = sum(total[place] - n[place] * mean for place, (mean, _) in enumerate(levels))
        unsure = 1 + sum(n[place] ** 2 * self._sampling((hour + place) % HOURS) for place in range(LATE)) / (n.sum(axis=0) + _FEW)
        return np.minimum(off**2 / unsure, _SQUARE_MAX * wander * spread), spread

    def _sampling(self, hour: int) -> FloatArray:
        """Variance of an hour's level by chance, in variances of one contact. That is no wander; that hours differ is, until they
        have been learned."""
        n, known = self.hours[0, hour], np.maximum(self.known(hour), _FEW)
        return np.asarray(n / known**2 + (1 - n / known) ** 2 / np.maximum(self.past.n, _FEW))

    def wake(self, gap_minutes: int) -> None:
        """Go on after a gap: what is known stays."""
        self.singles = self.singles._replace(age=self.singles.age + gap_minutes, held=np.zeros_like(self.singles.held))
        self.tests = Tests(*np.zeros_like(self.tests))
        self.hour, self.late = Seen(*np.zeros_like(self.hour)), np.zeros_like(self.late)

    def hold(self, column: int, *, on: bool) -> None:
        """Say that an incident is on (its tests rest, nothing is learned) or over."""
        self.singles.held[column] = float(on)
        if on:
            self.late[:, :, column] = 0.0
        self.forget_tests(column)

    def forget_tests(self, column: int) -> None:
        """Let all tests of a series begin anew with the next minute."""
        for field in self.tests:
            field[:, column] = 0.0

    def accept(self, column: int, ratio: float) -> None:
        """Take a lasting change for usual: all that was learned, multiplied by it."""
        mean, variance = (float(part[column]) for part in self.all_day())
        found = self.model.change(np.array([ratio]), np.array([mean]))
        whole = self.model.whole > 0
        new = mean * ratio if whole else mean + float(found[0])
        n = float(self.past.n[column])
        self.past.total[column] = n * new
        self.past.squares[column] = n * new if whole else n * (variance + new**2)
        self.past.amount[column] *= ratio
        hours = self.hours[:, :, column]
        hours[1] = hours[1] * ratio if whole else hours[1] + hours[0] * (new - mean)

    def pack(self, first: int, end: int) -> bytes:
        """The series of columns [first, end) as bytes."""
        return packed(self._fields(), first, end)

    def unpack(self, blocks: list[tuple[int, bytes]]) -> None:
        """Restore all series from `pack`, (series, bytes) of each block, in order of column."""
        self._replace(unpacked(self._fields(), blocks))

    def _fields(self) -> list[FloatArray]:
        return [*self.past, self.hours, *self.hour, self.late, *self.tests, *self.singles]

    def _replace(self, fields: list[FloatArray]) -> None:
        rest = iter(fields)
        self.past, self.hours = Past(*islice(rest, len(Past._fields))), next(rest)
        self.hour, self.late = Seen(*islice(rest, len(Seen._fields))), next(rest)
        self.tests = Tests(*islice(rest, len(Tests._fields)))
        self.singles = Singles(*rest)

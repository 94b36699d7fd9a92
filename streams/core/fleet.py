"""Fleet: the state of all watched series as arrays, and the step that takes one minute of counts.

The surprise: a column is a series and columns are kept in order of first sight, so that a restored fleet gives the same floats.
A series at rest (under maintenance) is tested, but its minutes teach nothing: levels go where their profile and trend lead, ever
less sure.
Blocks of columns are packed as raw float64, which is exact.
"""

from itertools import islice

import msgspec
import numpy as np
import numpy.typing as npt

from streams.core import cusum, steps
from streams.core.columns import packed, unpacked
from streams.core.cusum import ROWS, Bank
from streams.core.level import LEVEL_NOISE, QUIET_SLOPE_SD, SLOPE_SD, FloatArray, Levels, Mask, learn, predict, started
from streams.core.profile import Profile
from streams.core.steps import Steps

DAY_MINUTES = 1440
_LEVELS, _TESTS, _SINGLES = len(Levels._fields), len(Bank._fields), 6
# The steady level: half an hour's mean, for steps.py.
_STEADY_SLOPE_SD, _STEADY_NOISE = 0.002, 1e-4
_PEAK_KEPT = 0.99976  # per minute: half of the known peak is forgotten in two days, a weekend
_PEAK_VARIANCE = 0.1  # a level known worse than this says nothing of the peak
_NEAR_PEAK = 0.4  # of the peak: from here on the day's profile is flat enough for QUIET_SLOPE_SD
# Beside its profile a level goes its own way by 2 % an hour, by a share of the profile's misfit, and by a part of each step of
# the profile: who opens late or more steeply than usual is no incident.
OWN_WAY, _OWN_MISFIT, _OWN_SLOPE, _RISE_ERROR = 1e-5, 0.003, 0.002, 0.2
# A level without a profile would be worth nothing after an hour's rest, and an outage that outlasts the rest would be learned.
_REST_VARIANCE = 0.05
_AWAKE_VARIANCE = 0.1  # of the log level after a night without contacts, as the profile has it
# Over-dispersion: ratio of discounted sums, remembered for about a day, with a prior of κ = 0.02 that weighs as much as 20
# minutes at 30 contacts; squared errors are cut at 16 variances, so that an incident teaches nothing.
_NOISE_KEPT, _NOISE_PRIOR, _NOISE_WEIGHT, _NOISE_RANGE, _NOISE_CUT = 0.9993, 0.02, 2e4, (0.002, 0.3), 16.0


class Forecast(msgspec.Struct, frozen=True):
    """What was expected of a minute before it was seen, one value per series."""

    mean: FloatArray
    dispersion: FloatArray


class Fleet:
    """Levels and tests of all series. Series are known by column; `held` columns (1.0) are under an incident and not tested."""

    def __init__(self, memory_minutes: int, warm_up_minutes: int) -> None:
        self.persistence = 1 - 1 / memory_minutes
        self.warm_up_minutes = warm_up_minutes
        self.levels = Levels(*np.zeros((_LEVELS, ROWS, 0)))
        self.bank = Bank(*np.zeros((_TESTS, ROWS, 0)))
        self.singles = np.zeros((_SINGLES, 0))
        self.steady = Levels(*np.zeros((_LEVELS, 1, 0)))
        self.steps = steps.no_steps(0)
        self.profiled = np.zeros(0, dtype=np.bool_)

    @property
    def age(self) -> FloatArray:
        """Minutes since each series was first seen."""
        minutes: FloatArray = self.singles[0]
        return minutes

    @property
    def peak(self) -> FloatArray:
        """The usual busiest minute, for series older than a day; 0 before."""
        return np.where(self.age > DAY_MINUTES, self.singles[3], 0.0)

    @property
    def held(self) -> FloatArray:
        """1.0 where an incident is on."""
        held: FloatArray = self.singles[4]
        return held

    @property
    def warm(self) -> npt.NDArray[np.bool_]:
        """Which series have been followed for the warm-up, since first sight or the last gap."""
        return np.asarray(self.singles[5] >= self.warm_up_minutes)

    def noise(self) -> FloatArray:
        """Over-dispersion κ of each series."""
        _, squares, weights, *_ = self.singles
        return np.clip((squares + _NOISE_PRIOR * _NOISE_WEIGHT) / (weights + _NOISE_WEIGHT), *_NOISE_RANGE)

    def enrol(self, counts: FloatArray) -> None:
        """Add series with their first counts, as the next columns; the next step is their second minute."""
        levels, n = started(counts, ROWS), len(counts)
        self.levels = Levels(*(np.concatenate(pair, axis=1) for pair in zip(self.levels, levels, strict=True)))
        self.bank = Bank(*(np.concatenate((field, np.zeros((ROWS, n))), axis=1) for field in self.bank))
        self.steady = Levels(*(np.concatenate(pair, axis=1) for pair in zip(self.steady, started(counts, 1), strict=True)))
        self.steps = Steps(*np.concatenate((self.steps, steps.no_steps(n)), axis=2))
        self.singles = np.concatenate((self.singles, np.zeros((_SINGLES, n))), axis=1)

    def step(self, counts: FloatArray, profile: Profile, at_rest: Mask | None = None) -> Forecast:
        """Take one minute of counts of all series, carried along their profile; what was expected of it.

        at_rest: which series learn nothing of it; those that aren't warm do, since nothing is known of them that could be kept.
        """
        noise, held, warm = self.noise(), self.held, self.warm
        resting = None if at_rest is None else at_rest & warm
        self._carry(profile)
        self.profiled = profile.known
        slope_sd, level_noise = self._freedom(profile)
        predicted = predict(self.levels, slope_sd, self.persistence, level_noise)
        forecast = Forecast(np.exp(predicted.log_mean[0]), predicted.variance[0] + noise)
        gained = np.where(warm, cusum.evidence(predicted, counts, noise), -np.inf)
        self._look_back(predicted, counts, (warm & (held == 0), slope_sd, level_noise), resting)
        bank = cusum.add(self.bank, gained, counts)
        self.bank, self.levels = cusum.start_anew(bank, self._learned(predicted, counts, noise, resting), held)
        calm = warm & (held == 0)
        self._remember(counts, forecast, calm if resting is None else calm & ~resting)
        return forecast

    def _learned(self, predicted: Levels, counts: FloatArray, noise: FloatArray, resting: Mask | None) -> Levels:
        """What a minute teaches: nothing to those that rest."""
        learned = learn(predicted, counts, noise)
        if resting is None:
            return learned
        kept = np.where(self.profiled, 1.0, np.minimum(1.0, _REST_VARIANCE / predicted.variance))
        known = predicted._replace(variance=predicted.variance * kept, covariance=predicted.covariance * kept)
        return Levels(*(np.where(resting, one, new) for one, new in zip(known, learned, strict=True)))

    def tests(self) -> Bank:
        """All tests, see cusum.SIDES."""
        return cusum.with_steps(self.bank, self.steps)

    def _carry(self, profile: Profile) -> None:
        """Everything that is a log rate goes the profile's way; a new day makes it less sure."""
        rise = profile.rise
        levels, steady = self.levels, self.steady
        self.levels = levels._replace(log_mean=levels.log_mean + rise, variance=levels.variance + profile.unsure)
        self.steady = steady._replace(log_mean=steady.log_mean + rise, variance=steady.variance + profile.unsure)
        self.bank = self.bank._replace(base=self.bank.base + rise)
        self.steps = self.steps._replace(base=self.steps.base + rise)

    def _freedom(self, profile: Profile) -> tuple[FloatArray, FloatArray]:
        """How far a level may go its own way in a minute: standard deviation of the slope, variance beside it."""
        slope_sd = np.where(self._near_peak(), QUIET_SLOPE_SD, SLOPE_SD)
        slope_sd = np.where(profile.known, np.minimum(SLOPE_SD, _OWN_SLOPE * np.sqrt(profile.misfit)), slope_sd)
        own_way = OWN_WAY + (_RISE_ERROR * profile.rise) ** 2 + _OWN_MISFIT * profile.misfit
        return slope_sd, np.where(profile.known, own_way, LEVEL_NOISE)

    def _look_back(
        self, predicted: Levels, counts: FloatArray, given: tuple[Mask, FloatArray, FloatArray], resting: Mask | None
    ) -> None:
        noise, (tested, slope_sd, level_noise) = self.noise(), given
        steady_sd, steady_noise = np.minimum(slope_sd, _STEADY_SLOPE_SD), np.minimum(level_noise, _STEADY_NOISE)
        steady = predict(self.steady, steady_sd, self.persistence, steady_noise)
        base, drift, variance, spread = steps.reference(predicted, steady)
        new = (base, drift, np.where(tested, variance, 0.0), spread)  # without variance a row doesn't begin
        self.steps = steps.look_back(self.steps, new, counts, noise, self.peak)
        self.steady = self._learned(steady, counts, noise, resting)

    def _near_peak(self) -> npt.NDArray[np.bool_]:
        return np.asarray((self.peak > 0) & (np.exp(self.levels.log_mean[0]) > _NEAR_PEAK * self.peak))

    def _remember(self, counts: FloatArray, forecast: Forecast, calm: npt.NDArray[np.bool_]) -> None:
        mean, sure = forecast.mean, self.levels.variance[0]
        squared = np.minimum((counts - mean) ** 2, _NOISE_CUT * (mean + forecast.dispersion * mean**2))
        surplus = squared - mean - (forecast.dispersion - self.noise()) * mean**2
        age, squares, weights, peak, held, awake = self.singles
        known = np.where((sure < _PEAK_VARIANCE) & calm, mean, 0.0)
        self.singles = np.stack(
            (
                age + 1,
                np.where(calm, squares * _NOISE_KEPT + surplus, squares),
                np.where(calm, weights * _NOISE_KEPT + mean**2, weights),
                np.maximum(peak * _PEAK_KEPT, known),
                held,
                awake + 1,
            )
        )

    def wake(self, counts: FloatArray, profile: Profile, gap_minutes: int) -> None:
        """Learn the levels anew after a gap, from the profile where there is one: then no warm-up is needed. What was known of
        noise and peak stays for a week."""
        self.levels, self.steady = (_awake(started(counts, rows), profile) for rows in (ROWS, 1))
        self.steps = steps.no_steps(len(counts))
        self.bank = Bank(*np.zeros((_TESTS, ROWS, len(counts))))
        self.singles[4:] = 0.0
        if gap_minutes > 7 * DAY_MINUTES:
            self.singles[:] = 0.0
        self.singles[5] = np.where(profile.known, self.warm_up_minutes, 0.0)
        self.bank, self.levels = cusum.start_anew(self.bank, self.levels, self.held)

    def settle(self, column: int, log_mean: float, variance: float) -> None:
        """Put the level of a series to what is known after an incident."""
        values = (log_mean, 0.0, variance, 0.0, SLOPE_SD**2)
        for quick, steady, value in zip(self.levels, self.steady, values, strict=True):
            quick[0, column] = steady[0, column] = value
        self._begin_steps(column)
        self.bank.score[:, column] = 0.0
        self.bank, self.levels = cusum.start_anew(self.bank, self.levels, self.held)

    def hold(self, column: int, on: bool) -> None:
        """Say that an incident is on (its tests rest) or over."""
        self.singles[4, column] = float(on)
        self.forget_tests(column)

    def forget_tests(self, column: int) -> None:
        """Let all tests of a series begin anew with the next minute."""
        self.bank.score[:, column] = 0.0
        self._begin_steps(column)

    def _begin_steps(self, column: int) -> None:
        for field in self.steps:
            field[:, column] = 0.0

    def pack(self, first: int, end: int) -> bytes:
        """The series of columns [first, end) as bytes."""
        return packed(self._fields(), first, end)

    def unpack(self, blocks: list[tuple[int, bytes]]) -> None:
        """Restore all series from `pack`, (series, bytes) of each block, in order of column."""
        joined = iter(unpacked(self._fields(), blocks))
        self.levels, self.bank = Levels(*islice(joined, _LEVELS)), Bank(*islice(joined, _TESTS))
        self.steady, self.steps = Levels(*islice(joined, _LEVELS)), Steps(*islice(joined, len(Steps._fields)))
        self.singles = next(joined)

    def _fields(self) -> list[FloatArray]:
        return [*self.levels, *self.bank, *self.steady, *self.steps, self.singles]


def _awake(begun: Levels, profile: Profile) -> Levels:
    return begun._replace(
        log_mean=np.where(profile.known, profile.log_rate, begun.log_mean),
        variance=np.where(profile.known, _AWAKE_VARIANCE, begun.variance),
    )

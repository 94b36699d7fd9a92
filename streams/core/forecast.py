"""Forecast: contacts of each slot of today and of the days to come, for all series side by side, from what has been seen so far.

A day model says how much contact a day brings, a shape how it spreads over the slots, today's course so far corrects both.
Strictly causal, constant memory. The surprise: a series with little contact has no shape that one could see; it takes a share of
its parent's forecast until its own forecasts were better. Days are begun and ended by the caller, who knows clock and calendar.
"""

from collections.abc import Sequence

import numpy as np

from streams.core import forecast_band, forecast_day, forecast_learn, forecast_score, forecast_shape
from streams.core.forecast_band import Margins
from streams.core.forecast_calendar import HOLIDAY, KINDS, SUNDAY, CalendarDay
from streams.core.forecast_day import NOISE, Outlook
from streams.core.forecast_learn import DAYS_MIN
from streams.core.forecast_rows import Rows
from streams.core.level import FloatArray

HOURS = 24
# Horizons whose errors are learned, in minutes; the last two are a day and as many days as are looked ahead.
NEAR_MINUTES = (0, 60, 180)  # 0: the next slot
HORIZONS = len(NEAR_MINUTES) + 2

# Today's course: a level that forgets within half an hour and fades within three hours, against a prior of so many contacts
# (chosen on days 60 to 119 of the bank calls, in slots of five minutes: tests/bench/README.md).
_KEPT, _LASTING, _PRIOR_CONTACTS = 0.85, 0.97, 200.0
_PART_NOISE = 0.03  # of a day's level seen half-way, beside counting: what is left of the day may go otherwise
_RATIO_MAX = 1.0  # |log| of so far / forecast: beyond e-fold today is no ordinary day
_OPEN_LEAST = 0.5  # a weekday is open if it was so more often than not, lately
_OWN_BETTER = 0.99  # own forecasts must have beaten the parent's by a per cent


def horizons(slot_minutes: int, ahead: int, day_minutes: int = 24 * 60) -> tuple[int, ...]:
    """HORIZONS in minutes."""
    return (slot_minutes, *NEAR_MINUTES[1:], day_minutes, ahead * day_minutes)


class Forecaster:
    """All series; row = series. `ahead` days beside today are forecast (a week: 7)."""

    def __init__(self, slots: int, slot_minutes: int, ahead: int) -> None:
        self.slots, self.slot_minutes, self.ahead = slots, slot_minutes, ahead
        self.hours = np.arange(slots) * slot_minutes // 60 % HOURS
        self._near = tuple(max(1, minutes // slot_minutes) for minutes in NEAR_MINUTES)
        self._kept, self._lasting = _KEPT ** (slot_minutes / 5), _LASTING ** (slot_minutes / 5)
        level, spread = forecast_day.unknown()
        flat, day = np.zeros(()), np.zeros(slots)
        self.learned = Rows(
            {
                "days": flat, "kind_days": np.zeros(KINDS), "open": np.ones(KINDS),
                "level": level, "spread": spread,
                "mean_roots": day, "common": day, "kind": np.zeros((KINDS, slots)),
                "child": flat, "parent": flat, "own_error": flat, "parent_error": flat,
                "told": np.full((ahead, slots), np.nan), "told_tomorrow": np.full(slots, np.nan),
                "score": np.zeros((HORIZONS, len(forecast_score.SUMS))),
                **forecast_band.unknown(HORIZONS, HOURS),
            }
        )  # fmt: skip
        self.today = Rows(
            {
                "counts": np.full(slots, np.nan), "held": day, "near": np.full((len(NEAR_MINUTES), slots), np.nan),
                "tomorrow": np.full(slots, np.nan), "last": np.full(slots, np.nan),
                "recent": flat, "recent_expected": flat, "so_far": flat, "so_far_expected": flat,
            }
        )  # fmt: skip
        self.parents = np.zeros(0, dtype=np.intp)
        self.days: Sequence[CalendarDay] = ()
        self.slot = 0  # the next to be seen

    def enrol(self, parents: Sequence[int]) -> None:
        """New series as the next rows, each with the row of its parent, −1 for none. They learn from today on."""
        seen = ~np.isnan(self.today["counts"][0]) if len(self.parents) else np.zeros(self.slots, dtype=bool)
        self.learned.enrol(len(parents))
        self.today.enrol(len(parents))
        self.today["counts"][len(self.parents) :, seen] = 0.0  # what others were seen in, it had no contacts in
        self.parents = np.concatenate((self.parents, np.array(parents, dtype=np.intp)))
        if self.days:
            self._look_ahead()

    def begin(self, days: Sequence[CalendarDay]) -> None:
        """A day begins: it and those to come, `ahead` of them."""
        assert len(days) == self.ahead + 1, f"{len(days)} days, expected {self.ahead + 1}"
        self.days, self.slot = days, 0
        self.today.reset()
        self._look_ahead()
        self._tell_near()

    def resume(self, days: Sequence[CalendarDay], slot: int, parents: Sequence[int]) -> None:
        """Go on in the middle of a day with rows that were unpacked."""
        self.days, self.slot, self.parents = days, slot, np.array(parents, dtype=np.intp)
        self._look_ahead()

    def observe(self, slot: int, counts: FloatArray) -> None:
        """The counts of a slot that is over. Slots come in order; one that is left out wasn't seen."""
        assert slot >= self.slot, f"slot {slot} after {self.slot}"
        today, expected = self.today, self._curves[0][:, slot]
        gone = self._kept ** (slot + 1 - self.slot)
        today["counts"][:, slot] = counts
        today["recent"] = gone * today["recent"] + counts
        today["recent_expected"] = gone * today["recent_expected"] + expected
        today["so_far"] = today["so_far"] + counts
        today["so_far_expected"] = today["so_far_expected"] + expected
        self.slot = slot + 1
        self._tell_near()
        self._tell_far(slot)

    def hold(self, slot: int, rows: Sequence[int]) -> None:
        """Series that were under an alert in a slot: their day learns little of it."""
        self.today["held"][rows, slot] = 1.0

    def means(self) -> FloatArray:
        """Expected contacts (days, series, slots) of today and the days ahead, as seen now; what is over means nothing."""
        base, level = self._levels()
        waits = np.arange(self.slots) + 1 - self.slot
        days = np.arange(len(self.days)) * self.slots
        fading = self._lasting ** np.maximum(days[:, None] + waits[None, :], 0)
        factor = base[:, :, None] + (level - base[0])[None, :, None] * fading[:, None, :]
        return self._with_parents(self._curves * factor)

    def margins(self) -> Margins:
        """What makes bands of means, as known now: a day's bands of one series take a tenth of a millisecond, those of a thousand
        series and a week more than a second."""
        waits = self.slot_minutes * (np.arange(len(self.days))[:, None] * self.slots + np.arange(self.slots) + 1 - self.slot)
        place = np.interp(np.log(np.maximum(waits, 1)), np.log(self.horizons), np.arange(HORIZONS))
        below = np.minimum(place.astype(np.intp), HORIZONS - 2)
        sums = self.learned["band_error"].copy(), self.learned["band_square"].copy()
        return Margins(sums, self.learned["band_stretch"].copy(), below, place - below, self.hours)

    def noise(self) -> tuple[FloatArray, FloatArray]:
        """Relative variances of today's level (series,), as forecast the day before, and of a slot in all (series, slots)."""
        kappa = forecast_band.noise(self.learned["band_error"], self.learned["band_square"])
        return 4 * self._outlook.variance[0], kappa[:, len(NEAR_MINUTES)][:, self.hours]

    def shapes(self) -> FloatArray:
        """Contacts (days, series, slots) of today and tomorrow as expected before today's first contact."""
        source = np.where(self.borrows, self.parents, np.arange(len(self.parents)))
        held = self.learned["child"] / np.maximum(self.learned["parent"], 1.0)
        found: FloatArray = self._own[:2, source] * np.where(self.borrows, held, 1.0)[:, None]
        return found

    def days_behind(self) -> FloatArray:
        """How many days each series' shape has seen, its parent's if it borrows."""
        days = self.learned["days"]
        return np.where(self.borrows, days[self.parents], days)

    def misfit(self) -> FloatArray:
        """Relative variance (series, slots) of the next slot around its forecast, beside counting."""
        return forecast_band.noise(self.learned["band_error"], self.learned["band_square"])[:, 0][:, self.hours]

    def day_variance(self) -> FloatArray:
        """Relative variance (days, series) of the contacts of today and tomorrow as expected before today's first contact."""
        return 4 * self._outlook.variance[:2]

    @property
    def horizons(self) -> tuple[int, ...]:
        """How many minutes ahead the errors are that are learned."""
        return horizons(self.slot_minutes, self.ahead, self.slots * self.slot_minutes)

    def told(self) -> FloatArray:
        """What was told of today's slots (series, horizons, slots), each horizon in time; NaN where nothing was."""
        learned, today = self.learned, self.today
        far = np.stack((learned["told_tomorrow"], learned["told"][:, 0]), axis=1)
        return np.concatenate((today["near"], far), axis=1)

    @property
    def borrows(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Which series take a share of their parent's forecast."""
        learned = self.learned
        own = (learned["own_error"] < _OWN_BETTER * learned["parent_error"]) & (learned["days"] >= DAYS_MIN)
        return (self.parents >= 0) & ~own

    @property
    def ready(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Which series have a forecast: a day of their own is learned, or of the parent that they borrow from."""
        known = self.learned["days"] >= 1
        return np.where(self.borrows, known[self.parents], known)

    def end(self) -> FloatArray:
        """The day is over: learn from it, keep what was told of the days to come. Gives the day's sums (forecast_score.py)."""
        learned, today = self.learned, self.today
        told = np.where(np.isnan(today["counts"])[:, None], np.nan, self.told())
        sums = forecast_learn.learn_bands(learned, told, np.nan_to_num(today["counts"]), self.hours)
        forecast_learn.learn_shares(learned, today["counts"], self._own[0], self.parents)
        day = forecast_learn.Day(self.days[0], today["counts"], self._own[0], self._expected_roots[0], today["held"])
        forecast_learn.learn_day(learned, day, self.slot_minutes)
        learned["told_tomorrow"] = today["tomorrow"].copy()
        learned["told"] = np.concatenate((learned["told"][:, 1:], today["last"][:, None]), axis=1)
        self.days = ()
        return sums

    def _look_ahead(self) -> None:
        """Curves (days, series, slots) as expected before today's first contact."""
        learned = self.learned
        kinds = [self._kind(day.kind) for day in self.days]
        self._worked = np.array([self._open(day.kind) for day in self.days])
        self._outlook: Outlook = forecast_day.outlook(learned["level"], learned["spread"], self.days, self._worked)
        scores = np.exp(np.clip(self._outlook.mean, -20.0, 20.0))
        form = forecast_shape.form_of(learned["mean_roots"], self.slot_minutes)
        self._expected_roots = np.array(
            [
                forecast_shape.expected_roots(score, (form, learned["common"], kind), self.slot_minutes)
                for score, kind in zip(scores, kinds, strict=True)
            ]
        )
        self._own = forecast_shape.counts_of(self._expected_roots) * self._worked[:, :, None]
        self._own[:, learned["days"] < 1] = 0.0
        self._curves = self._own

    def _kind(self, kind: int) -> FloatArray:
        """The weekday's part of each shape; before a holiday was seen it is a Sunday's."""
        part = self.learned["kind"]
        if kind != HOLIDAY:
            return part[:, kind]
        return np.where(self.learned["kind_days"][:, HOLIDAY, None] > 0, part[:, HOLIDAY], part[:, SUNDAY])

    def _open(self, kind: int) -> FloatArray:
        """1.0 where a series is expected to be open on such a day."""
        share = self.learned["open"]
        if kind == HOLIDAY:
            share = np.where(self.learned["kind_days"][:, HOLIDAY, None] > 0, share, share[:, SUNDAY, None])
        return (share[:, kind] > _OPEN_LEAST).astype(np.float64)

    def _levels(self) -> tuple[FloatArray, FloatArray]:
        """Today's course as factors: (days, series) of whole days, (series,) of right now."""
        today, outlook = self.today, self._outlook
        seen, expected = today["so_far"], today["so_far_expected"]
        total = np.maximum(self._curves[0].sum(axis=1), 1e-9)
        part = np.clip(expected / total, 1e-6, 1.0)
        safe = np.maximum(expected, 1e-6)
        ratio = np.where(expected > 0, np.log(np.maximum(seen, 0.5) / np.maximum(safe, 0.5)), 0.0)
        noise = 4 * NOISE**2 + 1 / safe + _PART_NOISE**2 * (1 - part) / part
        gain = 4 * outlook.covariance / (4 * outlook.variance[0] + noise)
        base = np.exp(gain * np.clip(ratio, -_RATIO_MAX, _RATIO_MAX))
        level = (today["recent"] + _PRIOR_CONTACTS * base[0]) / (today["recent_expected"] + _PRIOR_CONTACTS)
        return base, level

    def _tell_near(self) -> None:
        base, level = self._levels()
        for number, steps in enumerate(self._near):
            slot = self.slot + steps - 1
            if slot < self.slots:
                factor = base[0] + (level - base[0]) * self._lasting**steps
                told = self._with_parents((self._curves[0][:, slot] * factor)[None, :, None])[0, :, 0]
                self.today["near"][:, number, slot] = np.where(self.ready, told, np.nan)

    def _tell_far(self, slot: int) -> None:
        base, level = self._levels()
        for name, day in (("tomorrow", 1), ("last", self.ahead)):
            factor = base[day] + (level - base[0]) * self._lasting ** (day * self.slots)
            told = self._with_parents((self._curves[day][:, slot] * factor)[None, :, None])[0, :, 0]
            self.today[name][:, slot] = np.where(self.ready, told, np.nan)

    def _with_parents(self, means: FloatArray) -> FloatArray:
        """`means` (days, series, slots) with shares of the parent's where a series borrows; parents don't."""
        borrows = self.borrows
        if borrows.any():
            means = means.copy()
            means[:, borrows] = self._share()[borrows, None] * means[:, self.parents[borrows]]
        return means

    def _share(self) -> FloatArray:
        """Share of the parent's contacts, today included."""
        learned, so_far = self.learned, self.today["so_far"]
        return (learned["child"] + so_far) / np.maximum(learned["parent"] + so_far[self.parents], 1.0)

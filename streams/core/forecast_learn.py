"""What a forecaster learns when a day is over: level, shape, whether it was open, how wide bands are, who forecasts better.

The surprise: slots that weren't seen are taken as they were expected, so that they teach nothing; a day of which less than half
was seen teaches nothing at all.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.core import forecast_band, forecast_day, forecast_score, forecast_shape
from streams.core.forecast_band import HourArray
from streams.core.forecast_calendar import CalendarDay
from streams.core.forecast_rows import Rows
from streams.core.level import FloatArray

DAYS_MIN = 2  # a series younger than this has no shape of its own
_SEEN_LEAST, _FIRST_SEEN_LEAST = 0.5, 0.9  # of a day's slots; of the first day's, whose others count as empty
_OPEN_RATE = 0.25  # a weekday that was always open counts as closed after three closed ones
_CLOSED_MIN = 5.0  # who expected fewer contacts than this learns nothing from a day without any
_SHARE_KEPT, _ERROR_KEPT = 0.98, 0.95  # per day: a share is remembered for 50 days, who was better for 20


class Day(NamedTuple):
    """A day that is over: counts (series, slots) with NaN where nothing was seen, what was expected of it the day before, and 1.0
    where an alert was on."""

    calendar: CalendarDay
    counts: FloatArray
    expected: FloatArray
    expected_roots: FloatArray
    held: FloatArray


def learn_bands(learned: Rows, told: FloatArray, counts: FloatArray, hours: HourArray) -> FloatArray:
    """From what was told of the day, horizon by horizon; gives how good it was."""
    sums = learned["band_error"], learned["band_square"]
    bounds = forecast_band.told_bands(np.nan_to_num(told), sums, learned["band_stretch"], hours)
    scored = forecast_score.scored(told, bounds, counts)
    learned["score"] = forecast_score.KEPT * learned["score"] + scored
    error, square, stretch = forecast_band.learn(sums, learned["band_stretch"], (told, bounds, counts), hours)
    learned["band_error"], learned["band_square"], learned["band_stretch"] = error, square, stretch
    return scored


def learn_shares(learned: Rows, counts: FloatArray, own: FloatArray, parents: "npt.NDArray[np.intp]") -> None:
    """Who was better the morning before, and the share of the parent's contacts."""
    seen = ~np.isnan(counts)
    found = np.nan_to_num(counts)
    held = learned["child"] / np.maximum(learned["parent"], 1.0)
    borrowed = held[:, None] * own[parents]
    both = (learned["days"] >= DAYS_MIN) & (learned["parent"] > 0)
    for name, curve in (("own_error", own), ("parent_error", borrowed)):
        error = np.where(seen, (found - curve) ** 2, 0.0).sum(axis=1)
        learned[name] = np.where(both, _ERROR_KEPT * learned[name] + error, learned[name])
    learned["child"] = _SHARE_KEPT * learned["child"] + found.sum(axis=1)
    learned["parent"] = _SHARE_KEPT * learned["parent"] + found.sum(axis=1)[parents]


def learn_day(learned: Rows, day: Day, slot_minutes: int) -> None:
    """Level, shape and opening, from what was seen; slots that weren't are as expected."""
    counts, kind = day.counts, day.calendar.kind
    seen = ~np.isnan(counts)
    found = np.where(seen, forecast_shape.roots(np.nan_to_num(counts)), day.expected_roots)
    total, whole = np.nan_to_num(counts).sum(axis=1), seen.mean(axis=1)
    fresh = learned["days"] < 1
    # A day of which less than half was seen tells of no level; the first may begin with the first contact of a quiet night.
    enough = whole >= np.where(fresh, _FIRST_SEEN_LEAST, _SEEN_LEAST)
    worked = (enough & (total > 0)).astype(np.float64)
    _learn_opening(learned, day, enough)
    found = np.where(fresh[:, None], found, forecast_shape.tempered(found, _course(found, day.expected_roots), day.held))
    learned["mean_roots"] = np.where((fresh & (worked > 0))[:, None], found, learned["mean_roots"])
    form = forecast_shape.form_of(learned["mean_roots"], slot_minutes)
    score = np.maximum((form * found).sum(axis=1), forecast_shape.SCORE_MIN)
    known = worked, learned["kind_days"][:, kind]
    learned["level"], learned["spread"] = forecast_day.learn(learned["level"], learned["spread"], day.calendar, score, known)
    _learn_shape(learned, kind, found, (form, score, worked), slot_minutes)
    learned["days"] = learned["days"] + worked
    learned["kind_days"][:, kind] += np.where(enough, 1.0, 0.0)


def _learn_opening(learned: Rows, day: Day, enough: "npt.NDArray[np.bool_]") -> None:
    kind, total = day.calendar.kind, np.nan_to_num(day.counts).sum(axis=1)
    tells = enough.astype(bool) & ((total > 0) | (day.expected.sum(axis=1) >= _CLOSED_MIN) | (learned["kind_days"][:, kind] < 1))
    rate = np.where(tells, np.maximum(_OPEN_RATE, 1 / (learned["kind_days"][:, kind] + 1)), 0.0)
    learned["open"][:, kind] += rate * ((total > 0) - learned["open"][:, kind])


def _course(found: FloatArray, expected: FloatArray) -> FloatArray:
    """The day's expected roots at the level that the day had."""
    scale = found.sum(axis=1) / np.maximum(expected.sum(axis=1), 1e-9)
    course: FloatArray = expected * np.clip(scale, 0.5, 2.0)[:, None]
    return course


def _learn_shape(
    learned: Rows, kind: int, found: FloatArray, day: tuple[FloatArray, FloatArray, FloatArray], slot_minutes: int
) -> None:
    form, score, worked = day
    rate, length = forecast_shape.common_rate(learned["days"]), np.linalg.norm(learned["mean_roots"], axis=1)
    rest = found - score[:, None] * form
    learned["common"] = learned["common"] + (worked * rate)[:, None] * (rest - learned["common"])
    kind_rate = worked * forecast_shape.kind_rate(learned["kind_days"][:, kind])
    kind_part = learned["kind"][:, kind]
    learned["kind"][:, kind] = kind_part + kind_rate[:, None] * (rest - learned["common"] - kind_part)
    same_size = found / score[:, None] * length[:, None]
    learned["mean_roots"] = learned["mean_roots"] + (worked * rate)[:, None] * (same_size - learned["mean_roots"])
    new_form = forecast_shape.form_of(learned["mean_roots"], slot_minutes)
    learned["common"] = learned["common"] + (worked * score)[:, None] * (form - new_form)

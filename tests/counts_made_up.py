"""Contacts of a made-up centre by slot of an hour: open 8 to 18 on weekdays, busiest on Mondays and at 10, negative binomial."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np

HOUR_MS = 3_600_000
MONDAY = date(2024, 1, 1)
_WEEKDAYS = (1.3, 1.1, 1.0, 0.95, 0.85, 0.0, 0.0)
_HOURS = (0.4, 0.8, 1.3, 1.2, 1.0, 0.8, 0.9, 1.1, 1.0, 0.5)
_OPENS = 8
_DISPERSION = 0.002


def mean_of(day: date, hour: int, contacts: float) -> float:
    """Expected contacts of an hour; `contacts` is the mean of an open hour."""
    course = _HOURS[hour - _OPENS] if _OPENS <= hour < _OPENS + len(_HOURS) else 0.0
    return contacts * course * _WEEKDAYS[day.weekday()]


def hours(days: int, contacts: float, seed: int = 1) -> Iterator[tuple[int, int, float]]:
    """(start in ms, contacts, their mean) of each hour of so many days from MONDAY on, in UTC."""
    random = np.random.default_rng(seed)
    for number in range(days):
        day = MONDAY + timedelta(days=number)
        for hour in range(24):
            mean = mean_of(day, hour, contacts)
            rate = random.gamma(1 / _DISPERSION, mean * _DISPERSION)
            start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            yield round(start.timestamp() * 1000), int(random.poisson(rate)), mean

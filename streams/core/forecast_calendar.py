"""What is known of a day before it begins: its weekday, whether it is a holiday, and where it stands in the month.

Contacts follow payday, statement and rent dates: the first business days of a month, its last ones, its middle, and the day
after a holiday. The surprise: a holiday is an eighth weekday, and as long as none has been seen it is taken for a Sunday.
"""

from collections.abc import Container
from datetime import date, timedelta
from functools import lru_cache
from math import pi, sin
from typing import NamedTuple

HOLIDAY, SUNDAY, SATURDAY, KINDS = 7, 6, 5, 8
_FIRST_DAYS = 5  # business days 1 to 5 of the month have an effect each
EFFECTS = _FIRST_DAYS + 5  # last, last but one, mid-month, after a holiday, the month's wave
_MONTH_DAYS, _MIDDLE = 30.4, 15


class CalendarDay(NamedTuple):
    """A day: 0 (Monday) to 6 or HOLIDAY, and how much of each effect it has."""

    kind: int
    effects: tuple[float, ...]


def calendar_day(day: date, holidays: Container[date], *, with_effects: bool = True) -> CalendarDay:
    """A day as the forecast sees it."""
    kind = HOLIDAY if day in holidays else day.weekday()
    if not with_effects:
        return CalendarDay(kind, (0.0,) * EFFECTS)
    effects = [0.0] * EFFECTS
    effects[-1] = sin(2 * pi * (day.day - 1) / _MONTH_DAYS)
    if _is_business_day(day, holidays):
        for place in _places(day, holidays):
            effects[place] = 1.0
    return CalendarDay(kind, tuple(effects))


def _places(day: date, holidays: Container[date]) -> list[int]:
    """Which effects a business day has."""
    month = _business_days(day.year, day.month, holidays)  # type: ignore[arg-type]  # hashable: frozen, or compared by identity
    number = month.index(day)
    middle = next((one for one in month if one.day >= _MIDDLE), None)
    before = day - timedelta(days=1)
    while before not in holidays and not _is_business_day(before, holidays):
        before -= timedelta(days=1)
    found = (
        [number] if number < _FIRST_DAYS else [],
        [_FIRST_DAYS] if number == len(month) - 1 else [],
        [_FIRST_DAYS + 1] if number == len(month) - 2 else [],
        [_FIRST_DAYS + 2] if day == middle else [],
        [_FIRST_DAYS + 3] if before in holidays else [],
    )
    return [place for places in found for place in places]


@lru_cache(maxsize=64)  # years of months for one set of holidays
def _business_days(year: int, month: int, holidays: Container[date]) -> tuple[date, ...]:
    first = date(year, month, 1)
    days = (first + timedelta(days=number) for number in range(31))
    return tuple(day for day in days if day.month == month and _is_business_day(day, holidays))


def _is_business_day(day: date, holidays: Container[date]) -> bool:
    return day.weekday() < SATURDAY and day not in holidays

"""What is known of a day before it begins."""

from datetime import date

import pytest

from streams.core.forecast_calendar import HOLIDAY, calendar_day

MAY_DAY = frozenset({date(2026, 5, 1)})  # a Friday


@pytest.mark.parametrize(
    ("day", "kind", "effects"),
    [
        (date(2026, 5, 1), HOLIDAY, []),
        (date(2026, 5, 4), 0, ["1st business day", "after a holiday"]),
        (date(2026, 5, 8), 4, ["5th business day"]),
        (date(2026, 5, 9), 5, []),
        (date(2026, 5, 15), 4, ["mid-month"]),
        (date(2026, 5, 28), 3, ["last but one"]),
        (date(2026, 5, 29), 4, ["last"]),
        (date(2026, 8, 17), 0, ["mid-month"]),  # the 15th is a Saturday
    ],
)
def test_a_day_has_the_effects_of_its_place_in_the_month(day: date, kind: int, effects: list[str]) -> None:
    names = [f"{number} business day" for number in ("1st", "2nd", "3rd", "4th", "5th")]
    names += ["last", "last but one", "mid-month", "after a holiday"]
    found = calendar_day(day, MAY_DAY)

    assert found.kind == kind
    assert [name for name, effect in zip(names, found.effects, strict=False) if effect] == effects


def test_without_effects_only_the_weekday_is_left() -> None:
    assert set(calendar_day(date(2026, 5, 4), MAY_DAY, with_effects=False).effects) == {0.0}

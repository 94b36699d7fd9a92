"""Rules of the forecaster for tests, as config/default.toml has them, in UTC and without holidays; a forecast as published."""

from msgspec.structs import replace

from streams.core.forecast_paths import Outcome
from streams.core.forecast_record import ForecastDay
from streams.core.forecast_score import Accuracy
from streams.core.forecasting import ForecastRules

FORECAST = ForecastRules(
    cuts=("total", "channel", "queue"),
    slot_minutes=15,
    days_ahead=7,
    series_max=500,
    time_zone="UTC",
    holidays=frozenset(),
    calendar_effects=True,
)
NO_FORECAST = replace(FORECAST, cuts=())


def forecast_day(
    cut: str,
    series: dict[str, str],
    day: str = "2026-03-02",
    starts_ms: tuple[int, ...] = (0, 1_800_000),
    origin_ms: int = 0,
    accuracy: tuple[Accuracy, ...] = (),
) -> ForecastDay:
    """A day of slots of half an hour: a hundred contacts in the first, none after it."""
    nothing = [0.0] * (len(starts_ms) - 1)
    outcome = Outcome(
        total_low_95=80, total_low_80=85, total_high_80=130, total_high_95=140, peak_slot=0, peak_quantiles=[100.0] * 19
    )
    return ForecastDay(
        cut=cut,
        series=series,
        day=day,
        time_zone="UTC",
        slot_minutes=30,
        origin_ms=origin_ms,
        starts_ms=list(starts_ms),
        mean=[100.0, *nothing],
        low_80=[85.0, *nothing],
        high_80=[130.0, *nothing],
        low_95=[80.0, *nothing],
        high_95=[140.0, *nothing],
        total=100.0,
        outcome=outcome,
        borrowed=False,
        published_ms=origin_ms,
        accuracy=list(accuracy),
    )

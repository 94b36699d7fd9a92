"""Rules of the forecaster for tests: as config/default.toml has them, in UTC and without holidays, and none at all."""

from msgspec.structs import replace

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

"""API: what is to come, and who is needed for it. Forecasts are read from the live view; staffing is computed when somebody asks.

The surprise: the handle time is the series' own, of the shortest time with enough contacts, today or else the week or the month.
Without one, or with other plans, the caller says it.
"""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from streams import rules
from streams.board.openapi import list_of, responses
from streams.board.routes import SeriesPath, encoded, parse_series
from streams.core.forecast_record import ForecastDay
from streams.core.staffing import StaffPlan, plan
from streams.core.trend import LONG, Trend, WindowKind
from streams.edge.redis import LiveReader
from streams.settings import Settings

HANDLE_TIMES: tuple[WindowKind, ...] = ("today", *LONG)  # where it is looked for, in this order
HANDLED_MIN = 10  # a mean of fewer contacts is no plan
OUTLOOK_KINDS = (ForecastDay, StaffPlan)

Day = Annotated[str | None, Query(description="One local day, e.g. `2026-11-27`; all days that are forecast without it.")]
Aht = Annotated[float | None, Query(gt=0, description="Average handle time in seconds; that of the series without it.")]


def add_outlook(router: APIRouter, settings: Settings, reader: LiveReader) -> None:
    """Forecast and staffing."""
    cuts, staffing = settings.forecast.cuts, rules.staffing_rules(settings)

    @router.get(
        "/api/v1/forecast",
        tags=["outlook"],
        summary="Contacts expected by slot",
        responses=responses(list_of(ForecastDay), "By local day, today first; empty until a whole day was seen"),
    )
    async def forecast(series: SeriesPath = "total", day: Day = None) -> Response:
        """Each with 80 and 95 % bands; totals, peaks and their quantiles are of the slots still to come."""
        return encoded(await _days(reader, parse_series(series, cuts), day))

    @router.get(
        "/api/v1/staffing",
        tags=["outlook"],
        summary="Agents needed by slot",
        responses=responses(list_of(StaffPlan), "By local day, today first"),
    )
    async def staff(series: SeriesPath = "total", day: Day = None, aht_seconds: Aht = None) -> Response:
        """By Erlang C, or A with `[staffing] patience_seconds`, for the forecast and for the upper end of its 80 % band."""
        named = parse_series(series, cuts)
        days = await _days(reader, named, day)
        taken = aht_seconds or _handle_seconds(await reader.live(named))
        if taken is None:
            raise HTTPException(404, f"no handle time of {series} yet: fewer than {HANDLED_MIN} handled; give aht_seconds")
        return encoded([plan(one, taken, staffing) for one in days])


async def _days(reader: LiveReader, series: str, day: str | None) -> list[ForecastDay]:
    return [one for one in await reader.forecasts(series) if day in (None, one.day)]


def _handle_seconds(windows: dict[str, Trend]) -> float | None:
    """The average handle time of the shortest window with enough contacts."""
    for kind in HANDLE_TIMES:
        aht = windows[kind].kpis.get("aht") if kind in windows else None
        if aht is not None and aht.value is not None and aht.n >= HANDLED_MIN:
            return aht.value
    return None

"""API: what is to come, who is needed for it, and what to do. Forecasts are read from the live view; staffing and recommendations
are computed when somebody asks, recommendations at most every few seconds.

The surprise: the handle time is the series' own, of the shortest time with enough contacts, today or else the week or the month.
Without one, or with other plans, the caller says it.
"""

import asyncio
from time import monotonic
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Query, Response

from streams import rules
from streams.board.openapi import list_of, reference, responses
from streams.board.picture import CUT_SERIES_MAX
from streams.board.routes import SeriesPath, encoded, parse_series
from streams.core.forecast_record import ForecastDay
from streams.core.recommend import Advice, Picture, recommend
from streams.core.series import TOTAL
from streams.core.staffing import HANDLED_MIN, StaffPlan, handle_seconds, plan
from streams.edge.redis import LiveReader
from streams.settings import Settings

OUTLOOK_KINDS = (ForecastDay, StaffPlan, Advice)
ADVICE_SECONDS = 10.0  # a recommendation is for hours, and a building of viewers asks at once

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
        taken = aht_seconds or handle_seconds(await reader.live(named))
        if taken is None:
            raise HTTPException(404, f"no handle time of {series} yet: fewer than {HANDLED_MIN} handled; give aht_seconds")
        return encoded([plan(one, taken, staffing) for one in days])

    advisor = Advisor(settings, reader)

    @router.get(
        "/api/v1/recommendations",
        tags=["outlook"],
        summary="What to do now",
        responses=responses(reference(Advice), "Most contacts at risk first, and what isn't known"),
    )
    async def recommendations() -> Response:
        """Agents to move or to call in, call-backs, announcements: with the contacts at risk that each takes, and why."""
        return Response(await advisor.advice(), media_type="application/json")


class Advisor:
    """Recommendations of the moment, kept for ADVICE_SECONDS; who asks meanwhile waits for the same answer."""

    def __init__(self, settings: Settings, reader: LiveReader) -> None:
        self._rules = rules.recommend_rules(settings)
        self._reader = reader
        self._lock = asyncio.Lock()
        self._made_at, self._made = 0.0, b""

    async def advice(self) -> bytes:
        """Advice as JSON."""
        async with self._lock:
            if not self._made or monotonic() >= self._made_at + ADVICE_SECONDS:
                advice = await asyncio.to_thread(recommend, await self._picture(), self._rules)
                self._made = msgspec.json.encode(advice)
                self._made_at = monotonic()
        return self._made

    async def _picture(self) -> Picture:
        queues, channels = [(await self._reader.series(cut))[:CUT_SERIES_MAX] for cut in ("queue", "channel+queue")]
        windows = await self._reader.live_many([TOTAL, *queues, *channels])
        forecasts = await self._reader.forecasts_many(queues)
        return Picture(
            clocks=await self._reader.clocks(),
            trends=[trend for kinds in windows.values() for trend in kinds.values()],
            forecasts=[one for days in forecasts for one in days],
            alerts=await self._reader.alerts(),
        )


async def _days(reader: LiveReader, series: str, day: str | None) -> list[ForecastDay]:
    return [one for one in await reader.forecasts(series) if day in (None, one.day)]

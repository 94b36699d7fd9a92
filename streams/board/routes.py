"""API, version 1: trends, series, expectations, alerts, KPI definitions and health, read from the live view when asked.

The surprise: /api/v1/health is 200 even when the picture is stale, because it is a statement; /ready says by its status
whether to send viewers here.
"""

from typing import Annotated, Any
from urllib.parse import quote, unquote

import msgspec
from fastapi import APIRouter, HTTPException, Query, Response

from streams.board.openapi import list_of, reference, responses
from streams.board.picture import CUT_SERIES_MAX
from streams.board.stream import Hub
from streams.board.view import Health
from streams.core.alert import Alert, AlertState
from streams.core.compare import share
from streams.core.kpi_table import in_force
from streams.core.series import SEPARATOR, TOTAL, cut_dimensions, series_cut, series_of, series_values
from streams.core.small_cells import without_few, without_small
from streams.core.trend import Expectation, Trend, WindowKind
from streams.edge.redis import LiveReader
from streams.settings import Kpi, Settings

MINUTES_MAX = 1_440  # the live view keeps a day
MINUTE_MS = 60_000


class SeriesName(msgspec.Struct, frozen=True):
    """A series that is live: as written in addresses, its cut, and its values by dimension."""

    series: str
    cut: str
    values: dict[str, str]


class KpiDefinition(msgspec.Struct, frozen=True):
    """What a KPI means: its unit, its formula, and at which moment a contact counts for it."""

    name: str
    title: str
    unit: str
    formula: str
    attribution: str


class Ready(msgspec.Struct, frozen=True):
    """Whether the board can read the live view."""

    ready: bool


KINDS = (Trend, Alert, Expectation, Health, SeriesName, KpiDefinition, Ready)

Cut = Annotated[str, Query(description="Combination of dimensions, e.g. `total`, `queue`, `channel+queue`.")]
SeriesPath = Annotated[str, Query(description="One series, e.g. `queue/billing`; its cut is part of it.")]
Window = Annotated[WindowKind, Query(description="The newest of each kind: `1m` to `1mo`, `30m` trailing, or `today`.")]


def add_routes(router: APIRouter, settings: Settings, reader: LiveReader, hub: Hub) -> None:
    """All routes of the API."""
    add_trends(router, settings.intake.cuts, settings.privacy.min_cell, reader)
    add_minutes(router, settings.intake.cuts, settings.privacy.min_cell, reader)
    add_statements(router, settings.kpi, hub)


def add_trends(router: APIRouter, cuts: tuple[str, ...], min_cell: int, reader: LiveReader) -> None:
    """Series and their newest windows."""

    @router.get(
        "/api/v1/series", tags=["trends"], summary="Series of a cut", responses=responses(list_of(SeriesName), "Busiest first")
    )
    async def series(cut: Cut = "total") -> Response:
        found = await reader.series(check_cut(cut, cuts))
        return encoded([SeriesName(series_path(one), series_cut(one), series_values(one)) for one in found])

    @router.get(
        "/api/v1/trends",
        tags=["trends"],
        summary="Newest window of series",
        responses=responses(list_of(Trend), "Busiest series first"),
    )
    async def trends(cut: Cut = "total", window: Window = "today", series: SeriesPath | None = None) -> Response:
        """Of one series, or of the busiest 200 of a cut; `share` is of the total in the same window.

        Of a segment, region or age band with few contacts every KPI is null, and its variant says so."""
        if series is not None:
            found = await reader.live_many([parse_series(series, cuts)])
        else:
            found = await reader.live_many((await reader.series(check_cut(cut, cuts)))[:CUT_SERIES_MAX])
        total = (await reader.live_many([TOTAL])).get(TOTAL, {}) if TOTAL in cuts else {}
        shown = [kinds[window] for kinds in found.values() if window in kinds]
        shares = (msgspec.structs.replace(one, kpis={**one.kpis, "share": share(one, total.get(window))}) for one in shown)
        return encoded(without_small(shares, min_cell))


def add_minutes(router: APIRouter, cuts: tuple[str, ...], min_cell: int, reader: LiveReader) -> None:
    """Closed minutes against what was expected, and alerts."""

    @router.get(
        "/api/v1/expectations",
        tags=["trends"],
        summary="Actual against expected by minute",
        responses=responses(list_of(Expectation), "In order of time"),
    )
    async def expectations(
        series: SeriesPath = "total",
        minutes: Annotated[int, Query(ge=1, le=MINUTES_MAX, description="How many, counted back from the newest.")] = 180,
    ) -> Response:
        """Of a segment, region or age band minutes with a few contacts are left out."""
        found = await reader.minutes(parse_series(series, cuts), 0)
        since_ms = found[-1].start_ms - minutes * MINUTE_MS if found else 0
        return encoded(without_few((minute for minute in found if minute.start_ms > since_ms), min_cell))

    @router.get("/api/v1/alerts", tags=["alerts"], summary="Alerts", responses=responses(list_of(Alert), "Newest first"))
    async def alerts(state: Annotated[AlertState | None, Query(description="Only alerts in this state.")] = None) -> Response:
        """Pending and firing ones, and those that ended within a day after they had fired."""
        told = (alert for alert in await reader.alerts() if alert.state == "pending" or alert.has_fired)
        return encoded([alert for alert in told if state in (None, alert.state)])


def add_statements(router: APIRouter, kpi: Kpi, hub: Hub) -> None:
    """What the board says of itself and of its words."""
    definitions = in_force(kpi.service_level_variant, kpi.abandonment_variant)

    @router.get(
        "/api/v1/kpis", tags=["trends"], summary="What each KPI means", responses=responses(list_of(KpiDefinition), "All KPIs")
    )
    async def kpis() -> Response:
        return encoded([KpiDefinition(kpi.name, kpi.title, kpi.unit, kpi.formula, kpi.attribution) for kpi in definitions])

    @router.get(
        "/api/v1/health",
        tags=["health"],
        summary="How old the picture is",
        responses=responses(reference(Health), "ok, stale or down"),
    )
    async def health() -> Response:
        """Also answers 200 when stale or down: the status is in the answer."""
        return encoded(hub.health())

    @router.get(
        "/ready",
        tags=["health"],
        summary="May viewers be sent here?",
        responses=responses(reference(Ready), "The live view can be read"),
    )
    async def ready() -> Response:
        can_read = hub.health().status != "down"
        return encoded(Ready(can_read), 200 if can_read else 503)


def encoded(value: Any, status: int = 200) -> Response:
    """Records as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def check_cut(cut: str, cuts: tuple[str, ...]) -> str:
    """A cut that is counted here. A plus in an address reads as a blank: both are understood."""
    named = cut.replace(" ", "+")
    if named not in cuts:
        raise HTTPException(404, f"no cut {named!r} here; there are {', '.join(cuts)}")
    return named


def series_path(series: str) -> str:
    """A series as it is written in addresses: 'queue/billing'."""
    cut, *values = series.split(SEPARATOR)
    return "/".join((cut, *(quote(value, safe="") for value in values)))


def parse_series(path: str, cuts: tuple[str, ...]) -> str:
    """The opposite of `series_path`; 404 where the cut is not counted or values are missing."""
    cut, *values = path.split("/")
    dimensions = cut_dimensions(check_cut(cut, cuts))
    if len(values) != len(dimensions):
        raise HTTPException(404, f"series of this cut are written {'/'.join((cut, *(f'<{name}>' for name in dimensions)))}")
    return series_of(cut.replace(" ", "+"), *(unquote(value) for value in values))

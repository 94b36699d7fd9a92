"""The board's web application: page, stream and API, all of it answered from the Redis live view.

The surprise: a page comes with the whole picture inside, so that it shows figures before any script has asked for them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.middleware.gzip import GZipMiddleware

from streams.board.acknowledging import ACKNOWLEDGING_KINDS, add_acknowledging
from streams.board.headers import SecurityHeaders
from streams.board.openapi import document, reference, responses
from streams.board.outlook import OUTLOOK_KINDS, add_outlook
from streams.board.page import add_files, read_page, render
from streams.board.pulse import Pulse
from streams.board.routes import KINDS, add_routes
from streams.board.stream import Hub
from streams.board.view import Changes
from streams.edge import clock
from streams.edge.redis import LiveReader, LiveViewError
from streams.settings import Settings

DESCRIPTION = """What a contact centre's customers are doing, live.

Times are integer milliseconds since the epoch, ratios are 0..1, durations are seconds. A KPI without contacts is null with n
= 0, never 0. A series is written as its cut and values: `total`, `queue/billing`, `channel+queue/voice/billing`; a `/` in a
value is `%2F`.
"""
STREAM = """Server-sent events. `snapshot`: the whole picture; `changes`: what changed since; `status`: health, each second.
With `Last-Event-ID` the stream goes on where it broke off if that was some seconds ago (at most 31 changes), else it begins with
a snapshot."""
FULL_HOUSE = "enough viewers are connected to this board; start another one"
GZIP_BYTES_MIN = 1_000  # below it the answer fits into one packet anyway
GZIP_LEVEL = 5  # JSON gains nothing from more


def build_board(settings: Settings, reader: LiveReader, now_ms: Callable[[], int] = clock.now_ms) -> FastAPI:
    """The application; it opens nothing until it is started, and closes the reader when it ends. `app.state.hub` is its Hub."""
    pulse = Pulse(int(1000 * settings.board.stale_seconds), 1000 * settings.intake.live_seconds, settings.merge.time_zone)
    hub = Hub(reader, pulse, settings.intake.cuts, settings.privacy.min_cell, now_ms)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(hub.run())
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await reader.close()

    app = FastAPI(
        title="Interaction streams: board",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own documentation pages load their scripts from elsewhere
        redoc_url=None,
    )
    app.state.hub = hub
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN, compresslevel=GZIP_LEVEL)
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(LiveViewError, say_down)
    router = APIRouter()
    add_routes(router, settings, reader, hub)
    add_outlook(router, settings, reader)
    add_acknowledging(router, settings, reader, now_ms)
    add_stream(router, hub)
    app.include_router(router)
    add_page(app, hub)
    app.openapi = lambda: document(app, (*KINDS, *OUTLOOK_KINDS, *ACKNOWLEDGING_KINDS, Changes))  # type: ignore[method-assign]  # how FastAPI wants its document extended
    return app


async def say_down(_: Request, error: Exception) -> JSONResponse:
    """The live view can't be read: 503 with the reason."""
    return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "1"})


def add_stream(router: APIRouter, hub: Hub) -> None:
    """The event stream."""

    @router.get(
        "/stream",
        tags=["stream"],
        summary="Changes as they come",
        responses=responses(reference(Changes), STREAM, "text/event-stream"),
    )
    async def stream(last_event_id: Annotated[str | None, Header(max_length=100)] = None) -> StreamingResponse:
        if hub.full():
            raise HTTPException(503, FULL_HOUSE)
        headers = {"X-Accel-Buffering": "no"}  # a proxy such as nginx would hold the events back
        return StreamingResponse(hub.messages(last_event_id), media_type="text/event-stream", headers=headers)


def add_page(app: FastAPI, hub: Hub) -> None:
    """The wallboard and its files."""
    page = read_page()
    add_files(app, page)

    @app.get("/", include_in_schema=False)
    async def wallboard() -> HTMLResponse:
        return HTMLResponse(render(page, hub.start()))

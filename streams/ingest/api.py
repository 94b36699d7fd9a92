"""The ingest service's web application: /ingest/{source} for vendors, /health, /ready and /metrics for whoever runs it."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.edge import clock
from streams.ingest.desk import Desk, Writer, secrets_of
from streams.ingest.telemetry import Telemetry
from streams.settings import Settings

DESCRIPTION = """Events of contact centres, pushed by vendors. POST a payload to /ingest/{source}; 202 means that Kafka has it.

400 names the reason; the payload is kept and can be sent in again by `streams replay --rejected`. 429 and 503: try again after
Retry-After seconds. The same payload twice changes nothing."""


def build_ingest(
    settings: Settings, writer: Writer, registry: CollectorRegistry, now_ms: Callable[[], int] = clock.now_ms
) -> FastAPI:
    """The application; it closes the writer when it ends. StreamsError where the settings name no source, or an unknown one."""
    sources = tuple(sorted(secrets_of(settings.ingest)))
    telemetry = Telemetry(registry, sources)
    desk = Desk(settings, writer, telemetry, now_ms)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        writer.close()

    app = FastAPI(
        title="Interaction streams: ingest",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own documentation pages load their scripts from elsewhere
        redoc_url=None,
    )
    router = APIRouter()
    add_ingest(router, desk, telemetry, settings.ingest.retry_seconds)
    add_statements(router, desk, writer, registry, sources)
    app.include_router(router)
    return app


def add_ingest(router: APIRouter, desk: Desk, telemetry: Telemetry, retry_seconds: int) -> None:
    """What vendors call."""

    @router.post("/ingest/{source}", tags=["ingest"], summary="Push a payload", status_code=202)
    async def ingest(source: str, request: Request) -> Response:
        began = time.perf_counter()
        answer = await desk.take(source, request)
        telemetry.answered(source, answer.status, time.perf_counter() - began)
        headers = {"Cache-Control": "no-store", **({"Retry-After": str(retry_seconds)} if answer.again else {})}
        return JSONResponse(answer.body, answer.status, headers)


def add_statements(router: APIRouter, desk: Desk, writer: Writer, registry: CollectorRegistry, sources: tuple[str, ...]) -> None:
    """How the service is. /health is 200 as long as it answers: a restart would not bring Kafka back."""

    @router.head("/ingest/{source}", include_in_schema=False)
    async def served(source: str) -> Response:
        """Intercom looks whether there is something at an address before it takes it."""
        return Response(status_code=200 if source in sources else 404)

    @router.get("/health", tags=["service"], summary="How it is")
    async def health() -> Response:
        said = {"ok": True, "ready": writer.well, "under_way": desk.under_way, "sources": sources}
        return JSONResponse(said, headers={"Cache-Control": "no-store"})

    @router.get("/ready", tags=["service"], summary="Whether to send pushes here")
    async def ready() -> Response:
        return JSONResponse({"ready": writer.well}, 200 if writer.well else 503, {"Cache-Control": "no-store"})

    @router.get("/metrics", include_in_schema=False)
    async def exposition(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

"""The board's API asked by a client in the same process, on a live view in a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from streams.board.api import build_board
from streams.core.alert import Alert
from streams.core.live import LiveChanges
from streams.edge.redis import LiveReader, LiveView
from streams.settings import Settings, load

NOW = 1_700_000_000_000
ALERT = Alert(
    alert_id="a1",
    version=3,
    state="firing",
    severity="critical",
    kind="spike",
    metric="offered",
    cut="queue",
    series={"queue": "billing"},
    onset_ms=NOW - 600_000,
    detected_ms=NOW - 500_000,
    fired_ms=NOW - 500_000,
    updated_ms=NOW,
    resolved_ms=None,
    observed=40,
    expected=20.0,
    ratio=2.0,
    excess=20.0,
    recommendation="Move agents to billing.",
    runbook="",
    published_ms=NOW,
)


def ask(
    url: str,
    test: Callable[[httpx.AsyncClient], Awaitable[None]],
    changes: LiveChanges | None,
    settings: Settings | None = None,
    *,
    base: str = "http://board",
    at_ms: int = NOW + 500,
) -> None:
    """Run a test against the application at a moment, with its hub running on a live view that holds `changes`."""

    async def run() -> None:
        if changes is not None:
            view = LiveView(url, expiry_seconds=600)
            await view.reset()
            await view.publish(changes)
            await view.close()
        app = build_board(settings or load([], {}), LiveReader(url), now_ms=lambda: at_ms)
        transport = httpx.ASGITransport(app=app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=base) as client:
            if changes is not None:
                async with asyncio.timeout(10):
                    while (await client.get("/ready")).status_code != 200:
                        await asyncio.sleep(0.02)
            await test(client)

    asyncio.run(run())

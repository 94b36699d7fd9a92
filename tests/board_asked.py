"""The board's API asked by a client in the same process, on a live view in a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
from alert_made_up import made_up_alert

from streams.board.api import build_board
from streams.core.live import LiveChanges
from streams.edge.redis import LiveReader, LiveView
from streams.settings import Settings, load

NOW = 1_700_000_000_000
ALERT = made_up_alert(
    NOW,
    version=3,
    severity="critical",
    onset_ms=NOW - 600_000,
    detected_ms=NOW - 500_000,
    fired_ms=NOW - 500_000,
    recommendation="Move agents to billing.",
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

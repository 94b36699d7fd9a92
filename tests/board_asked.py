"""The board's API asked by a client in the same process, on a live view in a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from streams.board.api import build_board
from streams.core.live import LiveChanges
from streams.edge.redis import LiveReader, LiveView
from streams.settings import load

NOW = 1_700_000_000_000


def ask(url: str, test: Callable[[httpx.AsyncClient], Awaitable[None]], changes: LiveChanges | None) -> None:
    """Run a test against the application, with its hub running on a live view that holds `changes`."""

    async def run() -> None:
        if changes is not None:
            view = LiveView(url, expiry_seconds=600)
            await view.reset()
            await view.publish(changes)
            await view.close()
        app = build_board(load([], {}), LiveReader(url), now_ms=lambda: NOW + 500)
        transport = httpx.ASGITransport(app=app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://board") as client:
            if changes is not None:
                async with asyncio.timeout(10):
                    while (await client.get("/ready")).status_code != 200:
                        await asyncio.sleep(0.02)
            await test(client)

    asyncio.run(run())

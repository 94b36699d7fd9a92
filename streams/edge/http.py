"""The worker's own HTTP: /metrics for Prometheus, /health and /ready for whoever restarts or routes.

aiohttp, because Faust brings it anyway and it runs in the worker's loop without touching its signals. The surprise: metrics are
rendered in the loop, between batches, so collectors need no locks and see a consistent state.
"""

import errno
import socket
from collections.abc import Callable

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.core.errors import StreamsError
from streams.edge.health import Health
from streams.edge.listening import listening

# Open requests get this long to end when the worker stops.
SHUTDOWN_SECONDS = 1.0


class WorkerHttp:
    """The server; `start` gives the bound port. Call `listen` earlier to know of a taken port before anything else runs."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Callable[[], Health]) -> None:
        self._host = host
        self._port = port
        self._registry = registry
        self._health = health
        self._runner: web.AppRunner | None = None
        self._socket: socket.socket | None = None

    def listen(self) -> socket.socket:
        """Take the port; who asks is answered from `start` on. StreamsError where the port is taken or the host isn't ours."""
        if self._socket is None:
            try:
                self._socket = listening(self._host, self._port)
            except OSError as error:
                raise self._refusal(error) from error
        return self._socket

    async def start(self) -> int:
        """Listen and answer; port 0 takes a free one. StreamsError as `listen`."""
        app = web.Application()
        app.router.add_get("/metrics", self._get_metrics)
        app.router.add_get("/health", self._get_health)
        app.router.add_get("/ready", self._get_ready)
        taken = self.listen()
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        await web.SockSite(runner, taken).start()
        self._runner = runner
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self._socket = None

    def _refusal(self, error: OSError) -> StreamsError:
        """Why the worker can't listen, and what to do."""
        if error.errno == errno.EADDRINUSE:
            return StreamsError(f"port {self._port} on {self._host} is taken: set [worker] port or STREAMS_WORKER_PORT")
        return StreamsError(f"can't listen on {self._host} port {self._port} ({error.strerror}): set [worker] host and port")

    async def _get_metrics(self, request: web.Request) -> web.Response:
        """Everything in the registry, in the format that the scraper asks for."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _get_health(self, _: web.Request) -> web.Response:
        """200 while every stage lives, 503 else."""
        health = self._health()
        return _answer(health, health.ok)

    async def _get_ready(self, _: web.Request) -> web.Response:
        """200 once every stage has its partitions, 503 before."""
        health = self._health()
        return _answer(health, health.ready)


def _answer(health: Health, good: bool) -> web.Response:
    """Health as JSON; never cached."""
    return web.Response(
        body=msgspec.json.encode(health),
        status=200 if good else 503,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )

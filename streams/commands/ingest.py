"""`streams ingest`: take what vendors push by HTTP and write it to Kafka."""

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from streams.commands.options import ConfigOption, load
from streams.core.errors import StreamsError

if TYPE_CHECKING:
    from streams.settings import Settings

# How long open answers may take when the service ends: as long as Kafka may take, at most, and a little.
END_SECONDS = 6


def ingest(config: ConfigOption = None) -> None:
    """Take events by HTTP: POST /ingest/SOURCE, signed as the vendor does; 202 once Kafka has them, 400 with the reason else.

    Served are the sources that have a secret, e.g. STREAMS_INGEST_SECRETS='{zendesk = "…", events = "…"}'. Where it listens and
    all else is in section ingest of the settings.
    """
    serve(load(config))


def serve(loaded: "Settings") -> None:
    """Listen, say where, and serve until SIGINT or SIGTERM."""
    from streams.ingest.desk import secrets_of  # heavy

    sources = sorted(secrets_of(loaded.ingest))
    # To be told to end is no failure of a service: uvicorn ends in order and then raises the signal again.
    with listen(loaded.ingest.host, loaded.ingest.port) as listening, suppress(KeyboardInterrupt):
        asyncio.run(_serve(loaded, listening, sources))


async def _serve(loaded: "Settings", listening: socket.socket, sources: list[str]) -> None:
    import uvicorn  # heavy, as is FastAPI

    from streams.edge.outlet import Outlet
    from streams.edge.telemetry import make_registry
    from streams.ingest.api import build_ingest

    outlet = Outlet(loaded)
    outlet.open()
    app = build_ingest(loaded, outlet, make_registry())
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=END_SECONDS)
    )
    host, port = listening.getsockname()[:2]
    typer.echo(f"ingest: http://{f'[{host}]' if ':' in host else host}:{port}/ingest/{{{','.join(sources)}}}")
    await server.serve(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; StreamsError where the address is taken, unknown or not allowed."""
    from streams.edge.listening import listening

    try:
        return listening(host, port)
    except OSError as error:  # socket.gaierror is one
        raise StreamsError(
            f"ingest can't listen on {host} port {port} ({error.strerror}): set [ingest] host and port, or STREAMS_INGEST_PORT"
        ) from error


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(ingest)

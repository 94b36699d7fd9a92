"""`streams board`: serve the wallboard and its API from the Redis live view."""

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from streams.commands.options import ConfigOption, load
from streams.core.errors import StreamsError

if TYPE_CHECKING:
    from streams.settings import Settings

# How long open answers may take when the server ends. Streams end by themselves within a quarter of a second.
END_SECONDS = 2


def board(config: ConfigOption = None) -> None:
    """Serve the wallboard on [board] host and port. It needs Redis only and may start before everything else."""
    serve(load(config))


def serve(loaded: "Settings") -> None:
    """Listen, say where, and serve until SIGINT or SIGTERM."""
    if not loaded.publish.redis_url:
        raise StreamsError("the board reads the live view in Redis: set [publish] redis_url or STREAMS_PUBLISH_REDIS_URL")
    listening = listen(loaded.board.host, loaded.board.port)
    # To be told to end is no failure of a service: uvicorn ends in order and then raises the signal again.
    with listening, suppress(KeyboardInterrupt):
        asyncio.run(_serve(loaded, listening))


async def _serve(loaded: "Settings", listening: socket.socket) -> None:
    import uvicorn  # heavy, as is FastAPI

    from streams.board.api import build_board
    from streams.edge.redis import LiveReader

    reader = LiveReader(loaded.publish.redis_url)
    app = build_board(loaded, reader)
    server: uvicorn.Server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=END_SECONDS)
    )
    app.state.hub.tie(lambda: server.should_exit, lambda: setattr(server, "should_exit", True))
    host, port = listening.getsockname()[:2]
    typer.echo(f"board: http://{f'[{host}]' if ':' in host else host}:{port}/")
    await server.serve(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; StreamsError where the address is taken, unknown or not allowed."""
    from streams.edge.listening import listening

    try:
        return listening(host, port)
    except socket.gaierror as error:
        raise StreamsError(
            f"the board can't listen on {host!r} ({error.strerror}): set [board] host or STREAMS_BOARD_HOST"
        ) from error
    except OSError as error:
        raise StreamsError(
            f"port {port} on {host} can't be used ({error.strerror}): set [board] port or STREAMS_BOARD_PORT"
        ) from error


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(board)

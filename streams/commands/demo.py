"""`streams demo`: the whole system on this machine: broker, Valkey, worker, board and a simulated contact centre.

Owns the order of starting and stopping, nothing else. The surprise: it learns progress and alerts from the board's API like any
other client, so what it prints is what the pipeline has done, not what was sent.
"""

import json
import os
import signal
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from streams.commands.children import Children, free_port, pause
from streams.core.errors import StreamsError

# Time zones in which the days of a replayed file begin.
ZONES = {"bank1999": "Asia/Jerusalem"}

# A child that ends is noticed at once, so this only ends what hangs. First figures take ten seconds on two cores; beside other
# work, at the lowest priority, they took more than a minute: behind a whole day of contacts that comes at once.
START_SECONDS = 300.0

# How often the board is asked for news.
ASK_SECONDS = 1.0

# A pipeline whose watermark is this close to the clock is live.
LIVE_SECONDS = 60.0

MARKS = {"firing": "▲", "resolved": "✓", "expired": "·"}


def demo(
    data: Annotated[Path | None, typer.Option(help="Replay this file in place of the simulator.")] = None,
    file_format: Annotated[str, typer.Option("--format", help="Format of the file: see `streams replay --help`.")] = "bank1999",
    port: Annotated[int, typer.Option(help="Port of the board; another is taken where it is in use.")] = 8080,
    rate: Annotated[float, typer.Option(help="Contacts per minute at the busiest hour.")] = 30.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.")] = 7,
    bootstrap_servers: Annotated[str, typer.Option(help="Your own Kafka in place of the embedded broker.")] = "",
    redis_url: Annotated[str, typer.Option(help="Your own Redis in place of the embedded Valkey.")] = "",
) -> None:
    """Start everything here, play yesterday and today fast-forward, go on live with incidents; Ctrl-C ends it cleanly."""
    if data is not None and not data.is_file():
        raise StreamsError(f"{data}: no such file. Give an existing file with --data (make demo DATA=…).")
    console = Console()
    feed = _feed(data, file_format, rate, seed)
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="streams-demo-")))
        console.print("starting broker, live view, worker and board …")
        broker = bootstrap_servers or _broker(console, stack, directory)
        view = redis_url or _view(stack)
        board_port = free_port(port)
        children = Children(directory, _environment(broker, view, board_port, directory, file_format if data else ""))
        stack.callback(children.stop)
        try:
            _run(console, children, f"http://127.0.0.1:{board_port}", feed)
        except KeyboardInterrupt:
            for name in (signal.SIGINT, signal.SIGTERM):
                signal.signal(name, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running; ending is bounded
            console.print("\nending …")
    console.print("everything has ended; nothing is left running.")


def _feed(data: Path | None, file_format: str, rate: float, seed: int) -> list[str]:
    """The command that fills the topic."""
    if data is not None:
        return ["replay", str(data.resolve()), "--format", file_format]
    return ["simulate", "--demo", "--rate", str(rate), "--seed", str(seed)]


def _broker(console: Console, stack: ExitStack, directory: Path) -> str:
    """The address of the embedded broker; of real Kafka, where there is no wheel for the platform."""
    from streams.edge import embedded

    try:
        broker = embedded.start_broker()
    except embedded.EdgeUnavailable as error:
        console.print(f"{error} Using real Kafka through Java and Maven instead …", style="yellow")
        broker = embedded.start_kafka(directory / "kafka")
    stack.callback(broker.stop)
    return broker.address


def _view(stack: ExitStack) -> str:
    """The URL of the embedded Valkey."""
    from streams.edge import embedded

    valkey = embedded.start_valkey()
    stack.callback(valkey.stop)
    return f"redis://{valkey.address}/0"


def _environment(broker: str, view: str, board_port: int, directory: Path, file_format: str) -> dict[str, str]:
    """Addresses for the children; everything else is config/demo.toml's."""
    environment = {
        "STREAMS_KAFKA_BOOTSTRAP_SERVERS": broker,
        "STREAMS_PUBLISH_REDIS_URL": view,
        "STREAMS_BOARD_PORT": str(board_port),
        "STREAMS_WORKER_PORT": str(free_port(6066)),
        "STREAMS_APP_WORKER": "demo",
        "STREAMS_APP_DATA_DIRECTORY": str(directory / "worker"),
    }
    if file_format in ZONES:
        environment["STREAMS_MERGE_TIME_ZONE"] = ZONES[file_format]
    return environment


def _run(console: Console, children: Children, board: str, feed: list[str]) -> None:
    """Start the children, show the day going by, then print alerts until Ctrl-C."""
    from streams.edge.kafka import create_topics
    from streams.settings import builtin, load

    overlay = builtin("demo.toml")
    create_topics(load([overlay], {**os.environ, **children.environment}))
    children.start("board", "board", "--config", str(overlay))
    children.start("worker", "worker", "--config", str(overlay))
    children.start("feed", *feed, "--config", str(overlay))
    _wait_for_figures(console, children, board)
    console.print(f"\n  the board: [bold]{board}[/bold]   (Ctrl-C ends everything)\n")
    _follow(console, children, board)


def _follow(console: Console, children: Children, board: str) -> None:
    """Print the day going by in event time, and alerts as they change, until interrupted."""
    seen: dict[str, str] = {}
    with console.status("the pipeline is starting") as status:
        while True:
            children.check()
            for alert in sorted(_ask(f"{board}/api/v1/alerts") or [], key=lambda alert: int(alert["updated_ms"])):
                told = alert["state"] in MARKS and alert["fired_ms"] is not None
                if told and seen.get(alert["alert_id"]) != alert["state"]:
                    seen[alert["alert_id"]] = alert["state"]
                    console.print(_line(alert), highlight=False, markup=False)
            status.update(_progress(_ask(f"{board}/api/v1/health") or {}))
            time.sleep(ASK_SECONDS)


def _progress(health: dict[str, Any]) -> str:
    """How far the pipeline has come: 'live', or the event time that it has reached."""
    watermark_ms = health.get("watermark_ms")
    if not watermark_ms:
        return "no figures yet"
    behind_seconds = time.time() - watermark_ms / 1000
    if behind_seconds < LIVE_SECONDS:
        return f"live; {health.get('status')}"
    reached = datetime.fromtimestamp(watermark_ms / 1000, tz=UTC)
    return f"fast-forward: it is {reached:%d %b %Y %H:%M} UTC in the data; {health.get('status')}"


def _line(alert: dict[str, Any]) -> str:
    """An alert as one line for a terminal."""
    where = ", ".join(f"{name} {value}" for name, value in alert["series"].items()) or "all contacts"
    onset = datetime.fromtimestamp(alert["onset_ms"] / 1000, tz=UTC)
    if alert["kind"] == "threshold":
        return f"{MARKS[alert['state']]} {alert['state']} {alert['severity']} {alert['rule']}: {alert['recommendation']}"
    if alert["kind"] == "shortage":
        return (
            f"{MARKS[alert['state']]} {alert['state']} {alert['severity']} {alert['kind']} in {where}: {alert['recommendation']}"
        )
    figures = f"{alert['observed']} contacts against {alert['expected']:.0f} expected since {onset:%d %b %H:%M} UTC"
    text = f"{MARKS[alert['state']]} {alert['state']} {alert['severity']} {alert['kind']} in {where}: {figures}"
    return f"{text}. {alert['recommendation']}" if alert["state"] == "firing" else text


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, and both do when it was started in the background, where a shell ignores them."""
    before = {name: signal.signal(name, signal.default_int_handler) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _wait_for_figures(console: Console, children: Children, board: str) -> None:
    """Until the board has figures."""
    deadline = time.monotonic() + START_SECONDS
    with console.status("waiting for the first figures"):
        while not (_ask(f"{board}/api/v1/health") or {}).get("watermark_ms"):
            children.check()
            if time.monotonic() > deadline:
                words = children.running[1].last_words()
                raise StreamsError(f"no figures after {START_SECONDS:.0f} s; the worker's last words:\n{words}")
            pause()


def _ask(url: str) -> Any:
    """The JSON at a URL of the board; None while it doesn't answer."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError, json.JSONDecodeError):
        return None


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(demo)

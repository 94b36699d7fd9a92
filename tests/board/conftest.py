"""What board tests share: a Redis, a writer of real records into its live view, and the board as a process.

The surprise: they are importable only as fixtures and methods of fixtures, because test modules have no package.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alert_made_up import made_up_alert

from streams.commands.children import free_port
from streams.core.alert import Alert, AlertState
from streams.core.forecast_record import ForecastDay
from streams.core.live import LiveChanges
from streams.core.series import series_cut, series_values
from streams.core.trend import Clock, Expectation, KpiValue, Trend, Window, WindowKind
from streams.edge.clock import now_ms
from streams.edge.redis import LiveView, LiveViewError

REPOSITORY = Path(__file__).parents[2]
MINUTE_MS = 60_000
RUN_BOARD = "import typer; from streams.commands import board; app = typer.Typer(); board.register(app); app()"


def eventually(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true answer of a condition; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        pause.wait(0.05)
    raise AssertionError(f"not within {seconds} s: {condition}")


class RedisServer:
    """A real redis-server on a free loopback port; it can be stopped and started again, and forgets everything in between."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        self._process = subprocess.Popen(["redis-server", "--port", str(self.port), *options], stdout=subprocess.DEVNULL)
        eventually(self._answers)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for the session, running."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


class Writer:
    """Writes records as the pipeline does, through LiveView, and keeps the pulse beating until told to stop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._revision = now_ms()  # higher than any earlier test's
        self._silent = threading.Event()
        self._thread: threading.Thread | None = None
        self.event_ms: int | None = None  # None: the feed is live, events are of now

    def publish(
        self,
        *,
        trends: tuple[Trend, ...] = (),
        minutes: tuple[Expectation, ...] = (),
        alerts: tuple[Alert, ...] = (),
        forecasts: tuple[ForecastDay, ...] = (),
    ) -> None:
        """Write and announce."""
        self._write(LiveChanges(trends=trends, expectations=minutes, alerts=alerts, forecasts=forecasts))

    def _write(self, changes: LiveChanges) -> None:
        async def write() -> None:
            view = LiveView(self._url, expiry_seconds=3600)
            try:
                await view.publish(changes)
            finally:
                await view.close()

        self._run(write())

    def reset(self) -> None:
        """Empty the live view."""

        async def reset() -> None:
            view = LiveView(self._url, expiry_seconds=3600)
            await view.reset()
            await view.close()

        self._run(reset())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """In a thread of its own: Playwright keeps a loop running in the test's."""
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, work).result()

    def revision(self) -> int:
        """The next revision."""
        self._revision += 1
        return self._revision

    def beat(self) -> None:
        """One pulse, now."""
        now = now_ms()
        event = now - 400 if self.event_ms is None else self.event_ms
        closed = (event - 10_000) // MINUTE_MS * MINUTE_MS
        self._write(
            LiveChanges(
                clocks=(
                    Clock(
                        shard=0,
                        shards=1,
                        watermark_ms=event - 1000,
                        closed_ms=closed,
                        heard_ms=now,
                        event_ms=event,
                        revision=self.revision(),
                        published_ms=now,
                    ),
                )
            )
        )

    def start_pulse(self) -> None:
        """Beat twice a second, in a thread, until `stop_pulse`; a Redis that is down is tried again."""
        self._silent.clear()

        def run() -> None:
            while not self._silent.is_set():
                with suppress(LiveViewError):
                    self.beat()
                self._silent.wait(0.5)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop_pulse(self) -> None:
        """The pipeline dies."""
        self._silent.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def trend(self, series: str, kind: WindowKind, kpis: dict[str, KpiValue]) -> Trend:
        """A live trend of a series with these KPIs."""
        now = now_ms()
        start = now // 86_400_000 * 86_400_000 if kind == "today" else now - 30 * MINUTE_MS
        offered = kpis["offered"].n if "offered" in kpis else 0
        return Trend(
            cut=series_cut(series),
            series=series_values(series),
            window=Window(kind, start, now, "UTC"),
            final=False,
            revision=self.revision(),
            measures={"offered": offered},
            kpis=kpis,
            watermark_ms=now - 1000,
            read_ms=now - 300,
            published_ms=now,
        )

    def minute(self, series: str, start_ms: int, actual: int) -> Expectation:
        """A closed minute of a series of which 10 contacts were expected, 4 to 18."""
        return Expectation(
            cut=series_cut(series),
            series=series_values(series),
            start_ms=start_ms,
            end_ms=start_ms + MINUTE_MS,
            actual=actual,
            expected=10.0,
            low=4.0,
            high=18.0,
            published_ms=now_ms(),
        )

    def alert(self, state: AlertState, series: str) -> Alert:
        """The newest version of the one alert 'a1', a spike of 12 minutes ago; 'resolved' is resolved now."""
        now = now_ms()
        onset = now - 12 * MINUTE_MS - MINUTE_MS // 2
        return made_up_alert(
            now,
            version=self.revision(),
            state=state,
            severity="critical",
            cut=series_cut(series),
            series=series_values(series),
            onset_ms=onset,
            detected_ms=onset,
            fired_ms=onset,
            resolved_ms=now if state == "resolved" else None,
            observed=146,
            expected=68.0,
            ratio=146 / 68,
            excess=78.0,
            recommendation="Move agents to billing.",
        )


@pytest.fixture
def writer(redis_server: RedisServer) -> Iterator[Writer]:
    """A writer into an empty live view, its pulse beating."""
    one = Writer(redis_server.url)
    one.reset()
    one.start_pulse()
    yield one
    one.stop_pulse()


class BoardProcess:
    """`streams board` as a process of its own."""

    def __init__(self, redis_url: str, port: int, extra: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "STREAMS_PUBLISH_REDIS_URL": redis_url,
            "STREAMS_BOARD_PORT": str(port),
            "STREAMS_MERGE_TIME_ZONE": "Europe/Berlin",
            **extra,
        }
        self.process = subprocess.Popen([sys.executable, "-c", RUN_BOARD], cwd=REPOSITORY, env=environment)

    def answers(self) -> bool:
        """Whether it is there; a failure if it has ended."""
        assert self.process.poll() is None, "the board ended"
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=1) as answer:
            return bool(answer.status == 200)
        return False

    def stop(self) -> int:
        """End it as a terminal or an orchestrator would; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


@pytest.fixture
def make_board(redis_server: RedisServer) -> Iterator[Callable[[Mapping[str, str]], BoardProcess]]:
    """Starts boards on free ports, with more of an environment."""
    boards: list[BoardProcess] = []

    def make(extra: Mapping[str, str]) -> BoardProcess:
        boards.append(BoardProcess(redis_server.url, free_port(), extra))  # at once, so that one that never answers is ended, too
        eventually(boards[-1].answers, 30)
        return boards[-1]

    yield make
    for one in boards:
        one.stop()


@pytest.fixture
def board(make_board: Callable[[Mapping[str, str]], BoardProcess]) -> BoardProcess:
    """The board on a free port."""
    return make_board({})

"""How old what one sees is: event produced → trend in the topic → Redis → the board's stream, under load, everything running.

`make bench-freshness`. The load is of interactions whose event times are now. Among them are *probes*: ten times a second a
contact of a queue of its own; the n-th probe has arrived where the queue's contacts of today are shown as n or more.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Annotated

import msgspec
import redis
import typer
from confluent_kafka import Producer
from kafka_cluster import KafkaCluster
from redis_process import RedisProcess
from rich.console import Console
from rich.table import Table
from running import System, ask, eventually, make_system

from bench.contestants import environment
from bench.measure import Usage, reader
from streams.core.live import CHANNEL, decode_changes, decode_trend
from streams.core.series import series_of
from streams.core.trend import CLOCK_KEY, Trend
from streams.edge.clock import now_ms
from streams.edge.embedded import end_with_parent

QUEUE = "probe"
SERIES = series_of("queue", QUEUE)
PROBES_PER_SECOND = 10
RAMP_SECONDS = 30  # until the load is steady
ARRIVE_SECONDS_MAX = 30  # the last probes may take so long
SHARDS = 2
STATIONS = ("topic", "redis", "stream")


class Spread(msgspec.Struct):
    """How many, median, 99th percentile and most."""

    n: int
    p50_ms: int
    p99_ms: int
    max_ms: int


class Fresh(msgspec.Struct):
    """What one rate has shown. late_ms: how late the load was at most; cores: what the worker used; -1 where nothing arrived."""

    events_per_second: int
    sent: int
    late_ms: int
    cores: float
    topic: Spread
    redis: Spread
    stream: Spread
    health: str


@dataclass
class Arrivals:
    """When (ms) a station first showed so many probes."""

    station: str
    seen: int = 0
    at_ms: dict[int, int] = field(default_factory=dict)

    def show(self, offered: int) -> None:
        """The station shows so many now."""
        for number in range(self.seen + 1, offered + 1):
            self.at_ms[number] = now_ms()
        self.seen = max(self.seen, offered)

    def latencies_ms(self, produced_ms: list[int], since: int) -> list[int]:
        """Of the probes from number `since` on, in order of size; those that never arrived are left out."""
        numbered = enumerate(produced_ms, 1)
        return sorted(self.at_ms[n] - at_ms for n, at_ms in numbered if n > since and n in self.at_ms)


def probe(number: int) -> dict[str, object]:
    """A contact of the probes' queue, as any producer would send it."""
    name = f"probe-{number}"
    return {
        "id": name,
        "source": "probe",
        "type": "offered",
        "time": now_ms(),
        "interaction_id": name,
        "channel": "voice",
        "queue": QUEUE,
    }


def is_probe(trend: Trend) -> bool:
    """Whether this record counts probes since midnight."""
    return trend.window.kind == "today" and trend.cut == "queue" and trend.series["queue"] == QUEUE


def watch_topic(system: System, arrivals: Arrivals, over: threading.Event) -> None:
    """The topic of trends."""
    consumer = reader(
        system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], system.environment["STREAMS_TOPICS_TRENDS"], SHARDS, wait_ms=10
    )
    mark = f'"{QUEUE}"'.encode()
    while not over.is_set():
        for message in consumer.consume(1_000, 0.02):
            value = message.value()
            if message.error() is None and message.key() != CLOCK_KEY and value and mark in value:
                trend = decode_trend(value)
                if is_probe(trend):
                    arrivals.show(trend.measures.get("offered", 0))
    consumer.close()


def watch_redis(url: str, arrivals: Arrivals, over: threading.Event) -> None:
    """What is announced in Redis."""
    with redis.Redis.from_url(url) as client, client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(CHANNEL)
        while not over.is_set():
            message = channel.get_message(timeout=0.2)
            if message is not None and b'"probe"' in message["data"]:
                for trend in decode_changes(message["data"]).trends:
                    if is_probe(trend):
                        arrivals.show(trend.measures.get("offered", 0))


def watch_stream(address: str, arrivals: Arrivals, over: threading.Event) -> None:
    """The board's server-sent events."""
    with urllib.request.urlopen(f"{address}/stream", timeout=60) as answer:
        name = ""
        for line in answer:
            if over.is_set():
                return
            kind, _, value = line.decode().rstrip("\n").partition(": ")
            if kind == "event":
                name = value
            if kind == "data" and name in ("changes", "snapshot") and QUEUE in value:
                for view in msgspec.json.decode(value)["trends"]:
                    if view["key"] == SERIES and view["kind"] == "today":
                        arrivals.show(int(view["kpis"]["offered"]["value"] or 0))


def produce(system: System, produced_ms: list[int], over: threading.Event) -> None:
    """Send probes until it is over."""
    producer = Producer({"bootstrap.servers": system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], "linger.ms": 0})
    while not over.wait(1 / PROBES_PER_SECOND):
        event = probe(len(produced_ms) + 1)
        produced_ms.append(now_ms())
        producer.produce(system.environment["STREAMS_TOPICS_INTERACTIONS"], msgspec.json.encode(event), str(event["id"]))
        producer.poll(0)
    producer.flush(10)


@contextmanager
def threads(over: threading.Event, *runs: Callable[[], None]) -> Iterator[None]:
    """Run these until `over`."""
    running = [threading.Thread(target=run, daemon=True) for run in runs]
    for thread in running:
        thread.start()
    yield
    over.set()
    for thread in running:
        thread.join(10)


def measure(kafka: KafkaCluster, directory: Path, events_per_second: int, seconds: float) -> Fresh:
    """One rate: latencies per station, and what the load was."""
    here = Path(mkdtemp(prefix="freshness-", dir=directory))
    with ExitStack() as stack:
        server = RedisProcess(here)
        server.start()
        stack.callback(server.stop)
        system = make_system(here, kafka.address, {"STREAMS_PUBLISH_REDIS_URL": server.url, "STREAMS_TOPICS_SHARDS": str(SHARDS)})
        stack.callback(system.children.stop)
        worker, board = system.start_worker(), system.start_board()
        address = f"http://127.0.0.1:{system.board_port}"
        arrivals = {station: Arrivals(station) for station in STATIONS}
        produced_ms: list[int] = []
        watching, producing = threading.Event(), threading.Event()
        stack.enter_context(
            threads(
                watching,
                lambda: watch_topic(system, arrivals["topic"], watching),
                lambda: watch_redis(server.url, arrivals["redis"], watching),
                lambda: watch_stream(address, arrivals["stream"], watching),
            )
        )
        stack.enter_context(threads(producing, lambda: produce(system, produced_ms, producing)))
        eventually(lambda: arrivals["stream"].seen, 60, "a first probe on the board's stream")
        load = _load(system, events_per_second, RAMP_SECONDS + seconds)
        time.sleep(RAMP_SECONDS)
        first, usage = len(produced_ms), Usage()
        usage.look([worker.process.pid], first)
        sent = json.loads(load.communicate(timeout=RAMP_SECONDS + 3 * seconds + 60)[0])
        usage.look([worker.process.pid], len(produced_ms))
        last = len(produced_ms)
        deadline = time.monotonic() + ARRIVE_SECONDS_MAX
        while arrivals["stream"].seen < last and time.monotonic() < deadline:
            time.sleep(0.1)
        assert board.process.poll() is None, "the board has ended"
        health = ask(f"{address}/api/v1/health")
        found = {name: spread(station.latencies_ms(produced_ms[:last], first)) for name, station in arrivals.items()}
    cores = usage.cpu_us_per_event * PROBES_PER_SECOND / 1e6  # processor time by probes, of which ten are a second
    return Fresh(events_per_second, sent["events"], sent["late_ms"], cores, **found, health=(health or {}).get("status", "none"))


def _load(system: System, events_per_second: int, seconds: float) -> "subprocess.Popen[str]":
    names = "STREAMS_KAFKA_BOOTSTRAP_SERVERS", "STREAMS_TOPICS_INTERACTIONS"
    command = [sys.executable, "-m", "bench.load", *(system.environment[name] for name in names)]
    command += [str(events_per_second), str(seconds)]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent())


def spread(latencies_ms: list[int]) -> Spread:
    """Of latencies in order of size."""
    if not latencies_ms:
        return Spread(0, -1, -1, -1)
    last = len(latencies_ms) - 1
    return Spread(last + 1, latencies_ms[last // 2], latencies_ms[round(0.99 * last)], latencies_ms[last])


def main(
    rates: Annotated[str, typer.Option(help="Events a second, comma separated.")] = "1000,10000,50000",
    seconds: Annotated[float, typer.Option(help="Measured for so long, after a ramp.")] = 60,
) -> None:
    """Measure each rate on a system of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or what was started would go on
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        kafka = KafkaCluster(directory / "kafka")
        stack.callback(kafka.stop)
        found = [measure(kafka, directory, int(rate), seconds) for rate in rates.split(",")]
    table = Table("events/s", "sent", "late ms", "cores", *(f"{station}: p50 · p99 · max ms" for station in STATIONS), "probes")
    for one in found:
        cells = [f"{at.p50_ms:,} · {at.p99_ms:,} · {at.max_ms:,}" for at in (one.topic, one.redis, one.stream)]
        rate, sent = f"{one.events_per_second:,}", f"{one.sent:,}"
        table.add_row(rate, sent, f"{one.late_ms:,}", f"{one.cores:.2f}", *cells, str(one.stream.n))
    Console(width=150).print(table)
    sys.stdout.write(msgspec.json.encode(found).decode() + os.linesep)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()

"""`make bench-ingest`: how many pushes `streams ingest` takes, and what it does while Kafka is slow.

A real broker, the service as users run it with default settings, and `push.py` that pushes signed events, each a process of its
own. 202 comes when all in-sync replicas have the events, and as many records as were answered with 202 must be on the topic. Then
the broker is stopped (SIGSTOP) under load. The surprise: on two cores broker, service and pusher share; look at processor time.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
import typer
from confluent_kafka import Consumer, TopicPartition
from kafka_cluster import KafkaCluster
from rich.console import Console
from rich.table import Table
from running import System, ask, eventually, make_system

from bench.contestants import environment
from bench.measure import Usage
from bench.push import SECRET
from streams.commands.children import Child, free_port
from streams.edge.embedded import end_with_parent

CASES = ((1, 1), (1, 16), (1, 64), (10, 16), (100, 16))  # events of a request, connections
STALL = (1_000, 400)  # nearly as large as a body may be; twice as many as may be under way
CALM_SECONDS, STALL_SECONDS = 3.0, 10.0  # beyond acknowledge_seconds_max, so that 503 comes, too


class Pushed(msgspec.Struct):
    """What one case has shown. cpu_us: of the service, an event; pusher_cores: how busy who pushed was."""

    events_per_request: int
    connections: int
    requests_per_second: float
    events_per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    pusher_cores: float
    peak_mebibytes: float
    statuses: dict[str, int]


def main(
    seconds: Annotated[float, typer.Option(help="Of each case.")] = 10.0,
    rounds: Annotated[int, typer.Option(help="How often all cases.")] = 3,
) -> None:
    """Measure, print."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or what was started would go on
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        kafka = KafkaCluster(directory / "kafka")
        stack.callback(kafka.stop)
        nothing = [null(events, connections, seconds) for events, connections in CASES[-3:]]
        found = []
        for number in range(rounds):
            system, service, port = start(stack, directory / str(number), kafka.address)
            found += [case(system, service, port, events, connections, seconds) for events, connections in CASES]
        system, service, port = start(stack, directory / "stalled", kafka.address)
        stalled = stall(system, service, port, kafka)
    show("who pushes, against a server that does nothing", nothing)
    show("streams ingest, until Kafka has acknowledged", found)
    show(f"the same while the broker stands still for {STALL_SECONDS:.0f} s", [stalled])
    sys.stdout.write(msgspec.json.encode([nothing, found, stalled]).decode() + os.linesep)


def start(stack: ExitStack, directory: Path, bootstrap: str) -> tuple[System, Child, int]:
    """A service of its own, with topics of its own."""
    port = free_port()
    directory.mkdir()
    own = {"STREAMS_INGEST_SECRETS": f'{{events = "{SECRET.decode()}"}}', "STREAMS_INGEST_PORT": str(port)}
    system = make_system(directory, bootstrap, {**own, "STREAMS_EVENTS_AHEAD_SECONDS_MAX": "3600"})
    stack.callback(system.children.stop)
    service = system.children.start("ingest", "ingest")
    eventually(lambda: ask(f"http://127.0.0.1:{port}/ready"), 60, "ingest is ready")
    return system, service, port


def pusher(port: int, events: int, connections: int, seconds: float) -> "subprocess.Popen[str]":
    """Who pushes."""
    command = [sys.executable, "-m", "bench.push", str(port), str(connections), str(events), str(seconds)]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent())


def said(process: "subprocess.Popen[str]", seconds: float) -> dict[str, Any]:
    """What it found."""
    answer: dict[str, Any] = json.loads(process.communicate(timeout=seconds + 60)[0])
    return answer


def case(system: System, service: Child, port: int, events: int, connections: int, seconds: float) -> Pushed:
    """One load; every event that was answered with 202 is on the topic, and no other."""
    usage, before = Usage(), records(system)
    usage.look([service.process.pid], 1)
    answer = said(pusher(port, events, connections, seconds), seconds)
    usage.look([service.process.pid], 1 + answer["statuses"].get("202", 0) * events)
    assert records(system) - before == answer["statuses"]["202"] * events, "as many as were acknowledged"
    return pushed(answer, events, connections, usage)


def stall(system: System, service: Child, port: int, kafka: KafkaCluster) -> Pushed:
    """The broker stands still under load and goes on; afterwards everything is taken as before."""
    events, connections = STALL
    usage = Usage()
    usage.look([service.process.pid], 1)
    seconds = 2 * CALM_SECONDS + STALL_SECONDS
    process = pusher(port, events, connections, seconds)
    time.sleep(CALM_SECONDS)
    kafka.freeze(1)
    time.sleep(STALL_SECONDS)
    kafka.thaw(1)
    answer = said(process, seconds)
    usage.look([service.process.pid], 1 + answer["statuses"].get("202", 0) * events)
    eventually(lambda: ask(f"http://127.0.0.1:{port}/ready"), 60, "it is ready again")
    assert records(system) >= answer["statuses"]["202"] * events, "what was acknowledged is there"
    return pushed(answer, events, connections, usage)


def null(events: int, connections: int, seconds: float) -> Pushed:
    """What who pushes can do at all."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.push", "null", str(port)], env=environment()) as server:
        eventually(lambda: listens(port), 30, "the server that does nothing listens")
        answer = said(pusher(port, events, connections, seconds), seconds)
        server.terminate()
    return pushed(answer, events, connections, Usage())


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def pushed(answer: dict[str, Any], events: int, connections: int, usage: Usage) -> Pushed:
    """What who pushed and the service have shown."""
    taken = answer["statuses"].get("202", 0)
    return Pushed(
        events,
        connections,
        taken / answer["seconds"],
        taken * events / answer["seconds"],
        answer["p50_ms"],
        answer["p99_ms"],
        answer["max_ms"],
        usage.cpu_us_per_event,
        answer["cpu_seconds"] / answer["seconds"],
        usage.peak_mebibytes,
        answer["statuses"],
    )


def records(system: System) -> int:
    """How many the topic of interactions has."""
    topic = system.environment["STREAMS_TOPICS_INTERACTIONS"]
    consumer = Consumer({"bootstrap.servers": system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], "group.id": "bench-counts"})
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    count = sum(consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)[1] for partition in partitions)
    consumer.close()
    return count


def show(title: str, found: list[Pushed]) -> None:
    """A table."""
    names = (
        "events each",
        "connections",
        "requests/s",
        "events/s",
        "p50 · p99 · max ms",
        "CPU µs/event",
        "pusher's cores",
        "peak MiB",
    )
    table = Table(*names, "answers", title=title)
    for one in found:
        table.add_row(
            f"{one.events_per_request:,}",
            f"{one.connections}",
            f"{one.requests_per_second:,.0f}",
            f"{one.events_per_second:,.0f}",
            f"{one.p50_ms:.1f} · {one.p99_ms:.1f} · {one.max_ms:.0f}",
            f"{one.cpu_us:.0f}",
            f"{one.pusher_cores:.2f}",
            f"{one.peak_mebibytes:.0f}",
            ", ".join(f"{status}: {n:,}" for status, n in sorted(one.statuses.items())),
        )
    Console(width=150).print(table)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()

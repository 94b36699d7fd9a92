"""Who takes part in the reference job: how each is started, how many of the events it gets, and what has to be there before.

Slower ones get fewer events: each should run for ten seconds or more. Peers' settings are those that their documentation
recommends for throughput; README.md says which.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.topic import Topic

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = ROOT / ".cache" / "bench"
PEERS = HERE / "peers"


class Run(NamedTuple):
    """One turn of one contestant."""

    bootstrap: str
    name: str  # unique: application id, consumer group
    topic: Topic
    sink: str
    directory: Path


@dataclass(frozen=True)
class Contestant:
    """`commands`: its processes. `topics`: partitions by suffix of the topics it needs beside the sink; compacted."""

    label: str
    commands: Callable[[Run], list[list[str]]]
    share: float  # of the events
    compacted: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    publishes: bool = True  # else it writes its sums into RESULT.json and waits for the end of its input


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"bench.{module}", *arguments]


def _engine(run: Run, workers: int) -> list[list[str]]:
    return [
        _python("engine_job", run.bootstrap, run.name, f"worker-{n}", run.topic.name, run.sink) for n in range(1, workers + 1)
    ]


def _bare(run: Run) -> list[list[str]]:
    counts = str(run.topic.partitions), str(run.topic.events)
    return [_python("bare_loop", run.bootstrap, run.topic.name, *counts, str(run.directory / "RESULT.json"))]


def _faust(run: Run) -> list[list[str]]:
    place = str(run.topic.partitions), str(run.directory)
    return [[sys.executable, str(PEERS / "idiomatic_faust.py"), run.bootstrap, run.name, run.topic.name, run.sink, *place]]


def _quix(run: Run) -> list[list[str]]:
    directory = str(run.directory)
    return [[_peer("quix"), str(PEERS / "quix.py"), run.bootstrap, run.name, run.topic.name, run.sink, directory]]


def _bytewax(run: Run) -> list[list[str]]:
    return [[_peer("bytewax"), str(PEERS / "bytewax_flow.py"), run.bootstrap, run.topic.name, run.sink]]


def _kafka(way: str, threads: int, guarantee: str = "at_least_once") -> Callable[[Run], list[list[str]]]:
    def commands(run: Run) -> list[list[str]]:
        path = f"{KEPT}/kafka_streams/target/classes:{KEPT}/kafka_streams/jars/*"
        job = run.bootstrap, run.name, run.topic.name, run.sink, way, str(threads), guarantee, str(run.directory)
        return [["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", path, "bench.Reference", *job]]

    return commands


def _peer(name: str) -> str:
    """The Python of a peer's own environment; `make bench` makes it."""
    return str(KEPT / name / "bin" / "python")


CONTESTANTS = {
    "bare": Contestant("bare loop: librdkafka, msgspec, one dict, no output", _bare, 1.0, publishes=False),
    "engine": Contestant("this engine, 1 worker, transactions", lambda run: _engine(run, 1), 1.0, ("count-changelog",)),
    "engine2": Contestant("this engine, 2 workers, transactions", lambda run: _engine(run, 2), 1.0, ("count-changelog",)),
    "kafka": Contestant("Kafka Streams, 1 thread", _kafka("dsl", 1), 0.5),
    "kafka2": Contestant("Kafka Streams, 2 threads", _kafka("dsl", 2), 0.5),
    "kafka-eos": Contestant("Kafka Streams, 1 thread, exactly_once_v2", _kafka("dsl", 1, "exactly_once_v2"), 0.5),
    "kafka-local": Contestant("Kafka Streams, 1 thread, no repartition", _kafka("local", 1), 0.5),
    "bytewax": Contestant("Bytewax", _bytewax, 0.125),
    "quix": Contestant("Quix Streams", _quix, 0.025),
    "faust": Contestant("idiomatic Faust", _faust, 0.005),
}


def environment() -> dict[str, str]:
    """For contestants in Python: they find this folder and the project."""
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"}

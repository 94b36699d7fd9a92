"""A whole system on loopback for tests: settings of its own, worker, board, and what the commands print.

Each system has topics and groups of its own, so that systems on one broker don't meet.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from own_topics import own_environment

from streams.commands.children import Child, Children, free_port


def eventually(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of a condition; fails with `what` when it isn't true in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
    return value


def ask(url: str) -> Any:
    """JSON at a URL; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


# A group that was never used has no coordinator until the broker has made the topic of offsets.
NO_COORDINATOR = (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS)


def committed(bootstrap: str, group: str, topic: str, partitions: int = 4) -> int:
    """Records of the topic that the group has done; 0 while nobody coordinates it yet."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        places = consumer.committed([TopicPartition(topic, partition) for partition in range(partitions)], timeout=10)
    except KafkaException as error:
        if error.args[0].code() in NO_COORDINATOR:
            return 0
        raise
    finally:
        consumer.close()
    return sum(max(0, place.offset) for place in places)


@dataclass
class System:
    """One system: its directory, its environment, its running children."""

    directory: Path
    environment: dict[str, str]
    worker_port: int
    board_port: int
    children: Children = field(init=False)

    def __post_init__(self) -> None:
        self.children = Children(self.directory, self.environment)

    def streams(self, *arguments: str, seconds: float = 120) -> str:
        """Run a command to its end; its standard output. Fails with what it said when it failed."""
        done = self.attempt(*arguments, seconds=seconds)
        assert done.returncode == 0, f"streams {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever it is."""
        return subprocess.run(
            [sys.executable, "-m", "streams", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """The JSON lines that a command prints."""
        return [json.loads(line) for line in self.streams(*arguments).splitlines()]

    def start_worker(self) -> Child:
        """A worker, when it is ready."""
        worker = self.children.start("worker", "worker")
        self.wait_ready(f"http://127.0.0.1:{self.worker_port}/ready", worker)
        return worker

    def start_board(self) -> Child:
        """A board, when it answers."""
        board = self.children.start("board", "board")
        self.wait_ready(f"http://127.0.0.1:{self.board_port}/api/v1/health", board)
        return board

    def wait_ready(self, url: str, child: Child) -> None:
        """Until it answers; at once with its last words when it has ended."""

        def answers() -> bool:
            assert child.process.poll() is None, f"{child.name} has ended: {child.last_words()}"
            return ask(url) is not None

        eventually(answers, 60, f"{url} answers; its last words: {child.last_words()}")

    def kill(self, child: Child) -> None:
        """kill -9."""
        child.process.kill()
        child.process.wait()
        self.children.running.remove(child)


def make_system(directory: Path, bootstrap: str, extra: Mapping[str, str] | None = None) -> System:
    """A system on the given broker with its topics created; settings by environment, as a user would."""
    worker_port, board_port = free_port(), free_port()
    defaults = {
        "STREAMS_APP_WORKER": "tester",
        "STREAMS_APP_DATA_DIRECTORY": str(directory / "worker"),
        "STREAMS_KAFKA_SESSION_TIMEOUT_SECONDS": "6",
        "STREAMS_PUBLISH_REDIS_URL": "",
        "STREAMS_WORKER_PORT": str(worker_port),
        "STREAMS_BOARD_PORT": str(board_port),
    }
    environment = own_environment(bootstrap, {**defaults, **(extra or {})})
    system = System(directory, environment, worker_port, board_port)
    system.streams("topics", "create")
    return system

"""Real servers for integration tests, each started once, on a free loopback port, and ended by its process.

Tests wait with `running.eventually`; topics of their own keep them apart on the one broker.
"""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alertmanager_server import AlertmanagerServer
from counting import Job
from kafka_cluster import KafkaCluster
from redis_process import RedisProcess
from running import eventually

from streams.edge.embedded import end_with_parent, start_broker


@pytest.fixture(scope="session")
def work_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the session's servers."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives a port that was free a moment ago."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port: int = taken.getsockname()[1]
            return port

    return find


@pytest.fixture(scope="session")
def kafka(work_directory: Path) -> Iterator[str]:
    """Address of a real Kafka broker."""
    cluster = KafkaCluster(work_directory / "kafka")
    yield cluster.address
    cluster.stop()


@pytest.fixture(scope="session")
def tansu() -> Iterator[str]:
    """Address of the embedded broker."""
    server = start_broker()
    yield server.address
    server.stop()


@pytest.fixture(scope="session")
def redis_server(work_directory: Path, free_port: Callable[[], int]) -> Iterator[str]:
    """URL of a real Redis."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(work_directory)]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL, preexec_fn=end_with_parent())
    eventually(lambda: _accepts(port), 10, "Redis answers")
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[AlertmanagerServer]:
    """A real Alertmanager that knows nothing yet."""
    if shutil.which("prometheus-alertmanager") is None:
        pytest.skip("prometheus-alertmanager isn't installed")
    server = AlertmanagerServer(tmp_path / "alertmanager")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def job(kafka: str, tmp_path: Path) -> Iterator[Job]:
    """A counting job on real Kafka, its topics not yet made."""
    job = Job(kafka, tmp_path)
    yield job
    job.stop()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProcess]:
    """A redis-server of this test's own, to be stopped and started."""
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.stop()

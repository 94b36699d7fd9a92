"""Three brokers for all fault tests, whole again after each; and the table that comes out of them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL

import pytest
from fault_report import Report
from kafka_cluster import KafkaCluster

TABLE = Path(".cache") / "faults.md"
REPORT = Report([])


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Three real brokers. The third has a disk of its own where that may be mounted, so that it can be full."""
    directory = tmp_path_factory.mktemp("cluster")
    disk = directory / "broker-3"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, check=False, stderr=DEVNULL).returncode == 0
    try:
        cluster = KafkaCluster(directory, brokers=3)
        cluster.heal()
        yield cluster
        cluster.stop()
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", disk], check=True)  # whatever still holds it


@pytest.fixture
def cluster(brokers: KafkaCluster) -> Iterator[KafkaCluster]:
    """The same, whole again for whoever comes next."""
    yield brokers
    brokers.heal()


@pytest.fixture(scope="session")
def report() -> Report:
    """The table."""
    return REPORT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, and leave it where `make faults` says."""
    if REPORT.rows:
        terminalreporter.write(f"\n{REPORT.markdown()}\n")
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(REPORT.markdown())

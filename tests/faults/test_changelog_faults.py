"""Faults of the changelog while load runs: not writable, compacted as hard as Kafka can, emptied; and a broker's full disk."""

import signal
import subprocess
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from counting import PARTITIONS, Job
from fault_counting import LIMIT_SECONDS, SLOW, episode
from fault_report import Report
from kafka_cluster import KafkaCluster
from running import eventually

pytestmark = [pytest.mark.integration, pytest.mark.alone]

# librdkafka's and our own pauses grow while nothing can be written; the next attempt may be as far away as that.
RETRY_SECONDS = 30  # of pause, beside the last attempt


def set_min_in_sync(cluster: KafkaCluster, topic: str, replicas: int) -> None:
    """How many replicas must have a record: more than are alive, and the topic can't be written. (More than it has means all.)"""
    entry = ConfigEntry("min.insync.replicas", str(replicas), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": cluster.address})  # kept: with the client its answers would go
    for done in admin.incremental_alter_configs([resource]).values():
        done.result()


@pytest.mark.long
def test_a_changelog_that_cannot_be_written_stops_the_worker_with_a_clear_error(
    cluster: KafkaCluster, report: Report, tmp_path: Path
) -> None:
    limit = LIMIT_SECONDS + RETRY_SECONDS
    with episode(report, "changelog not writable, until it is", cluster.address, tmp_path, "ab", limit) as one:
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [2], 60, "both work")
        changelog = f"{one.job.app}-count-changelog"
        set_min_in_sync(cluster, changelog, 3)  # of this topic only: with a broker less all others are written still
        one.strike(lambda: cluster.kill(2))
        eventually(lambda: "starting again" in one.job.log("a") and "starting again" in one.job.log("b"), 180, "both gave up")
        set_min_in_sync(cluster, changelog, 2)
        one.healed()
    assert changelog in one.job.log("a") + one.job.log("b"), "who can't be written is named"


@pytest.mark.long
def test_a_changelog_compacted_at_once_loses_nothing(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    hard = {
        "segment_ms": "1000",
        "min_cleanable_dirty_ratio": "0.001",
        "max_compaction_lag_ms": "1000",
        "delete_retention_ms": "1",
    }
    with episode(report, "changelog compacted each second, kills", cluster.address, tmp_path, at_least=30, changelog=hard) as one:
        for _ in range(3):
            done = one.load.events
            eventually(lambda done=done: one.load.events > done + 10_000, 60, "ten seconds have passed")  # type: ignore[misc]  # mypy can't infer a lambda's default
            one.strike(lambda: one.job.send("a", signal.SIGKILL), lambda: one.job.end("a"))
            one.job.start("a", **SLOW)
            one.healed()


def test_an_emptied_changelog_is_refused_with_a_clear_error(cluster: KafkaCluster, tmp_path: Path) -> None:
    """Counting on from zero would be wrong, and nobody would notice."""
    job = Job(cluster.address, tmp_path)
    try:
        job.create_topics(replicas=3)
        job.produce(1_000)
        job.start("a")
        job.wait_done()
        job.send("a", signal.SIGTERM)
        assert job.end("a") == 0
        admin, changelog = AdminClient({"bootstrap.servers": cluster.address}), f"{job.app}-count-changelog"
        admin.delete_topics([changelog])[changelog].result()
        eventually(lambda: changelog not in admin.list_topics(timeout=10).topics, 30, "it is gone")
        admin.create_topics([NewTopic(changelog, PARTITIONS, 3, config={"cleanup.policy": "compact"})])[changelog].result()
        job.start("a")
        assert job.end("a", 90) == 1
        assert "has no stamp: something else wrote one of them" in job.log("a").splitlines()[-1]
        assert job.counted() == job.expected()
    finally:
        job.stop()


@pytest.fixture
def small_disk(cluster: KafkaCluster) -> Path:
    """Where broker 3 keeps its data: a file system of its own. Needs the right to mount."""
    data = cluster.data(3)
    if subprocess.run(["mountpoint", "-q", data], check=False).returncode:
        pytest.skip("no right to mount a file system for broker 3")
    return data


def test_nothing_is_lost_when_a_brokers_disk_is_full(
    cluster: KafkaCluster, small_disk: Path, report: Report, tmp_path: Path
) -> None:
    """The broker gives up its only directory and ends; the others go on."""
    with episode(report, "a broker's disk full, freed", cluster.address, tmp_path, limit_seconds=LIMIT_SECONDS + 10) as one:
        ballast = small_disk / "ballast"
        one.strike(lambda: fill(ballast))
        eventually(lambda: not cluster.is_running(3), 120, "the broker has ended")
        ballast.unlink()
        cluster.restart(3)


def fill(ballast: Path) -> None:
    """Take all that is free."""
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            return

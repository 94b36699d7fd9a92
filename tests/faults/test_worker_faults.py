"""Faults of workers while load runs: killed, asleep, terminated, coming and going. Counting workers, three brokers."""

import signal
from pathlib import Path

import pytest
from counting import PARTITIONS
from fault_counting import LIMIT_SECONDS, SESSION_SECONDS, SLOW, episode
from fault_report import Report
from kafka_cluster import KafkaCluster
from running import eventually

pytestmark = [pytest.mark.integration, pytest.mark.alone]


def test_a_worker_killed_at_load_goes_on_at_once_under_its_name(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "kill -9, started again", cluster.address, tmp_path) as one:
        one.strike(lambda: one.job.send("a", signal.SIGKILL), lambda: one.job.end("a"))
        one.job.start("a", **SLOW)
        one.healed()


@pytest.mark.long
def test_partitions_of_a_killed_worker_go_to_the_other(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "kill -9 of one of two", cluster.address, tmp_path, "ab", at_least=SESSION_SECONDS + 2) as one:
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [2], 60, "both work")
        one.strike(lambda: one.job.send("a", signal.SIGKILL), lambda: one.job.end("a"))
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [PARTITIONS], 60, "the other has taken all")


def test_a_worker_that_wakes_from_the_dead_changes_nothing(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "SIGSTOP past the session, woken", cluster.address, tmp_path, "ab", at_least=SESSION_SECONDS + 2) as one:
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [2], 60, "both work")
        one.strike(lambda: one.job.send("a", signal.SIGSTOP))
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [PARTITIONS], 60, "the other has taken all")
        one.job.send("a", signal.SIGCONT)
        eventually(lambda: one.job.notes("a", "assigned")[-1:] == [2], 60, "it works again")
    assert one.job.workers["a"].poll() == 0


@pytest.mark.long
def test_a_worker_that_is_terminated_hands_over_at_once(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "SIGTERM", cluster.address, tmp_path, "ab") as one:
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [2], 60, "both work")
        one.strike(lambda: one.job.send("a", signal.SIGTERM))
        assert one.job.end("a") == 0
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [PARTITIONS], SESSION_SECONDS, "before any session times out")
    assert one.job.consumed("a", "b") == one.job.events, "something was read twice: it wasn't handed over"


def test_workers_come_and_go_and_both_at_once(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "1 → 3 → 2+1 → 1 workers", cluster.address, tmp_path) as one:
        one.strike(lambda: one.job.start("b", **SLOW), lambda: one.job.start("c", **SLOW))
        eventually(lambda: one.job.consumed("b") and one.job.consumed("c"), 60, "three work")
        one.strike(lambda: one.job.send("a", signal.SIGTERM), lambda: one.job.start("d", **SLOW))
        eventually(lambda: one.job.consumed("d"), 60, "another has come")
        one.strike(lambda: one.job.send("b", signal.SIGTERM), lambda: one.job.send("c", signal.SIGTERM))
        eventually(lambda: one.job.notes("d", "assigned")[-1:] == [PARTITIONS], 60, "one has all")
        assert [one.job.end(worker) for worker in "abc"] == [0, 0, 0]


@pytest.mark.long
def test_a_worker_is_killed_while_its_broker_is(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    limit = LIMIT_SECONDS + 10  # the broker's own fail-over
    with episode(report, "kill -9 and a broker killed", cluster.address, tmp_path, "ab", limit, SESSION_SECONDS + 2) as one:
        eventually(lambda: one.job.notes("b", "assigned")[-1:] == [2], 60, "both work")
        one.strike(lambda: one.job.send("a", signal.SIGKILL), lambda: cluster.kill(2), lambda: one.job.end("a"))
        one.job.start("a", **SLOW)

"""Faults of brokers while load runs. The worker survives them by itself: it is the same process at the end."""

from pathlib import Path

import pytest
from coordinators import coordinator, leader_of, move_leader
from fault_counting import LIMIT_SECONDS, Episode, episode
from fault_report import Report
from kafka_cluster import KafkaCluster
from own_topics import own_settings
from running import eventually

from streams.edge.kafka import client_settings, create_topics, list_topics
from streams.engine.probe import knows_transactions

pytestmark = [pytest.mark.integration, pytest.mark.alone]

# A broker that is killed is noticed after broker.session.timeout.ms, 9 s; then others lead its partitions.
FAIL_OVER_SECONDS = 10
LIMIT = LIMIT_SECONDS + FAIL_OVER_SECONDS


def same_process(one: Episode) -> bool:
    """Whether worker a still is the process that the test started."""
    return one.job.workers["a"].poll() in (None, 0)


def test_the_transaction_coordinator_is_killed(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "transaction coordinator killed", cluster.address, tmp_path, limit_seconds=LIMIT) as one:
        broker = coordinator(cluster.address, "__transaction_state", f"{one.job.app}-count-a")
        one.strike(lambda: cluster.kill(broker))
    assert same_process(one)


def test_the_group_coordinator_is_killed_and_comes_back(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "group coordinator killed, back", cluster.address, tmp_path, limit_seconds=LIMIT) as one:
        broker = coordinator(cluster.address, "__consumer_offsets", f"{one.job.app}-count")
        one.strike(lambda: cluster.kill(broker))
        cluster.restart(broker)
    assert same_process(one)


def test_who_starts_finds_the_others_when_a_broker_has_just_died(cluster: KafkaCluster) -> None:
    loaded = own_settings(cluster.address, {"STREAMS_TOPICS_REPLICATION_FACTOR": "3"})
    create_topics(loaded)
    cluster.kill(2)  # for nine seconds the others still tell of it
    assert [{report.state for report in list_topics(loaded)} for _ in range(12)] == [{"exists"}] * 12
    assert knows_transactions(client_settings(loaded), 15.0)


@pytest.mark.long
def test_brokers_are_killed_and_come_back_one_by_one(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "each broker killed and back", cluster.address, tmp_path, limit_seconds=LIMIT) as one:
        for broker in (1, 2, 3):
            one.strike(lambda broker=broker: cluster.kill(broker))  # type: ignore[misc]  # mypy can't infer a lambda's default
            one.recovered(4.0)
            cluster.restart(broker)
            cluster.heal()
    assert same_process(one)


@pytest.mark.long
def test_leaders_are_moved(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "leaders moved", cluster.address, tmp_path) as one:
        for topic in ("events", "counted", "count-changelog"):
            for partition in (0, 1):
                one.strike()
                before, after = move_leader(cluster.address, f"{one.job.app}-{topic}", partition)
                assert before != after
    assert one.job.logs().count("starting again") == 0


@pytest.mark.long
def test_too_few_replicas_are_left_and_come_back(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "two of three brokers killed, back", cluster.address, tmp_path, limit_seconds=LIMIT) as one:
        committed = one.job.committed()
        one.strike(lambda: cluster.kill(2), lambda: cluster.kill(3))
        eventually(lambda: one.load.events > committed + 10_000, 60, "ten seconds' load has come meanwhile")
        cluster.restart(2)
        cluster.restart(3)
        one.healed()
    assert same_process(one)


@pytest.mark.long
def test_a_broker_hangs_and_wakes(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with episode(report, "a broker asleep for 15 s, woken", cluster.address, tmp_path, limit_seconds=LIMIT) as one:
        broker = leader_of(cluster.address, f"{one.job.app}-count-changelog", 0)
        one.strike(lambda: cluster.freeze(broker))
        asleep = one.load.events
        eventually(lambda: one.load.events > asleep + 15_000, 60, "15 s have passed")
        cluster.thaw(broker)
    assert same_process(one)

"""Faults of the whole system: real workers, a made-up day with disorder, repeats, bad records, one incident; all of I1 to I7."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alertmanager_server import AlertmanagerServer
from coordinators import coordinator
from fault_counting import SESSION_SECONDS
from fault_report import Report
from fault_system import system_episode
from kafka_cluster import KafkaCluster
from redis import Redis
from redis_process import RedisProcess
from running import eventually

pytestmark = [pytest.mark.integration, pytest.mark.alone]

COMPILER = shutil.which("cc")


def test_a_real_worker_is_killed_and_started_again(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with system_episode(report, "kill -9 of one of two, started again", cluster.address, tmp_path) as one:
        one.strike(lambda: one.workers.kill("a"))
        one.workers.start("a")
        one.healed()
        one.workers.wait_started(3)


@pytest.mark.long
def test_a_real_worker_wakes_from_the_dead(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    least = SESSION_SECONDS + 2
    with system_episode(report, "SIGSTOP past the session, woken", cluster.address, tmp_path, at_least=least) as one:
        one.strike(lambda: one.workers.send("a", signal.SIGSTOP))
        taken = one.workers.logs().count("assigned stage=intake partitions=4")
        eventually(lambda: one.workers.logs().count("assigned stage=intake partitions=4") > taken, 90, "the other has taken all")
        one.workers.send("a", signal.SIGCONT)


@pytest.mark.long
def test_real_workers_come_and_go_and_one_is_killed(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with system_episode(report, "one added, one terminated, one killed", cluster.address, tmp_path) as one:
        one.strike(lambda: one.workers.start("c"), lambda: one.workers.send("a", signal.SIGTERM))
        assert one.workers.running["a"].process.wait(30) == 0
        one.recovered(4.0)
        one.strike(lambda: one.workers.kill("b"))


@pytest.mark.long
def test_a_transaction_coordinator_of_real_workers_is_killed(cluster: KafkaCluster, report: Report, tmp_path: Path) -> None:
    with system_episode(report, "transaction coordinator killed, back", cluster.address, tmp_path, limit_seconds=26) as one:
        name = one.workers.system.environment["STREAMS_APP_NAME"]
        broker = coordinator(cluster.address, "__transaction_state", f"{name}-intake-a")
        one.strike(lambda: cluster.kill(broker), lambda: one.workers.kill("b"))
        one.workers.start("b")
        one.workers.wait_started(3)
        cluster.restart(broker)
    assert one.workers.running["a"].process.poll() == 0, "it is the same process"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A Redis that may be stopped."""
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[AlertmanagerServer]:
    """An Alertmanager that may be stopped."""
    server = AlertmanagerServer(tmp_path / "alertmanager")
    server.start()
    yield server
    server.stop()


@pytest.mark.long
def test_redis_and_alertmanager_go_and_come_back(
    cluster: KafkaCluster, redis: RedisProcess, alertmanager: AlertmanagerServer, report: Report, tmp_path: Path
) -> None:
    settings = {"STREAMS_PUBLISH_REDIS_URL": redis.url, "STREAMS_PUBLISH_ALERTMANAGER_URLS": alertmanager.url}
    with system_episode(report, "Redis and Alertmanager down, back", cluster.address, tmp_path, settings=settings) as one:
        client = Redis.from_url(redis.url)
        eventually(client.dbsize, 60, "the live view is there")
        one.strike(redis.stop, alertmanager.stop)
        one.recovered(4.0)
        redis.start()
        alertmanager.start()
        eventually(client.dbsize, 90, "the live view is there again")


@pytest.mark.long
@pytest.mark.skipif(COMPILER is None, reason="no C compiler is installed")
@pytest.mark.parametrize(("hours", "words"), [(3, "ahead"), (-3, "back")])
def test_a_workers_clock_jumps(cluster: KafkaCluster, report: Report, tmp_path: Path, hours: int, words: str) -> None:
    """Forward or back by three hours, for this worker only. Event times are in the past for either clock."""
    offset, library = tmp_path / "clock", tmp_path / "clock.so"
    offset.write_text("0")
    source = Path(__file__).with_name("clock.c")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    with system_episode(report, f"a worker's clock jumps 3 h {words}", cluster.address, tmp_path, "b") as one:
        one.workers.start("a", LD_PRELOAD=str(library), CLOCK_FILE=str(offset))
        one.workers.wait_started(2)
        one.recovered(4.0)
        one.strike(lambda: jumped(tmp_path, hours).replace(offset))


def jumped(directory: Path, hours: int) -> Path:
    """What clock.c reads, written beside it so that it is never half there."""
    path = directory / "clock-after"
    path.write_text(f"{hours * 3600}")
    return path

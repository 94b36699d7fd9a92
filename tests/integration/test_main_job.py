"""The main job on real input: the bank's February calls through real Kafka, a worker killed on the way, recounted."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from oracle import DATA, TIME_ZONE, Count, recount
from running import System, committed, eventually, make_system

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here: the bank's February calls"),
]

# Those that are compared, and watched by detect. With all thirteen a month in minutes takes six minutes to publish.
CUTS = "total,channel,queue,channel+queue"
MEASURES = ("offered", "answered", "abandoned", "left_before_queue", "wait_ms", "abandon_wait_ms", "handled")


@pytest.fixture
def real(kafka: str, tmp_path: Path) -> Iterator[System]:
    """A system on real Kafka whose days are the bank's."""
    yield from _system(kafka, tmp_path)


@pytest.fixture
def embedded(tansu: str, tmp_path: Path) -> Iterator[System]:
    """The same on the embedded broker."""
    yield from _system(tansu, tmp_path)


def _system(bootstrap: str, directory: Path) -> Iterator[System]:
    system = make_system(directory, bootstrap, {"STREAMS_MERGE_TIME_ZONE": TIME_ZONE, "STREAMS_INTAKE_CUTS": CUTS})
    yield system
    system.children.stop()


def applied(system: System) -> int:
    """Events whose effect is durable: the committed offsets of intake."""
    environment = system.environment
    group = f"{environment['STREAMS_APP_NAME']}-intake"
    return committed(environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], group, environment["STREAMS_TOPICS_INTERACTIONS"])


def days(system: System) -> list[dict[str, Any]]:
    """The final daily windows by queue, as the command prints them."""
    return system.lines("trends", "--cut", "queue", "--window", "1d", "--final-only", "--json")


def counted(trend: dict[str, Any]) -> Count:
    """The figures of a trend that the oracle has, too."""
    measures = trend["measures"]
    handle_ms = sum(measures.get(name, 0) for name in ("talk_ms", "hold_ms", "wrap_ms"))
    return Count(**{name: measures.get(name, 0) for name in MEASURES}, handle_ms=handle_ms)


def by_day_and_type(trends: list[dict[str, Any]]) -> dict[Any, Count]:
    """(local day, type) → figures; without days of which only is known that earlier contacts weren't followed (FCR)."""
    zone = ZoneInfo(TIME_ZONE)
    return {
        (datetime.fromtimestamp(trend["window"]["start_ms"] / 1000, zone).date(), trend["series"]["queue"]): count
        for trend in trends
        if (count := counted(trend)) != Count()
    }


def first_week(directory: Path) -> Path:
    """The calls of the first seven days, in a file of their own: the whole month twice takes a quarter of an hour."""
    path = directory / "first-week.txt"
    with DATA.open() as calls, path.open("w") as week:
        column = (head := next(calls)).rstrip("\n").split("\t").index("date")
        week.write(head)
        week.writelines(line for line in calls if line.split("\t")[column] <= "990207")
    return path


def wait_for_days(system: System, calls: Path = DATA) -> dict[Any, Count]:
    """What the oracle expects of these calls, when the system has as many final days."""
    expected = {key: count for key, count in recount(calls).items() if count != Count()}
    eventually(lambda: len(by_day_and_type(days(system))) >= len(expected), 600, "all days are final")
    return expected


def test_daily_windows_equal_a_recount_although_the_worker_was_killed_on_the_way(real: System) -> None:
    real.streams("replay", str(DATA), "--format", "bank1999")
    worker = real.children.start("worker", "worker")
    eventually(lambda: applied(real) > 1_000, 60, "intake has begun")
    real.kill(worker)
    at_kill = applied(real)
    real.start_worker()
    expected = wait_for_days(real)
    assert by_day_and_type(days(real)) == expected
    assert at_kill < applied(real), "the kill struck after the end: it proves nothing"


def test_the_embedded_broker_gives_the_same_trends(real: System, embedded: System, tmp_path: Path) -> None:
    week = first_week(tmp_path)
    for system in (real, embedded):
        worker = system.start_worker()
        system.streams("replay", str(week), "--format", "bank1999")
        wait_for_days(system, week)
        assert worker.process.poll() is None
        system.children.stop()
    cuts = [("queue", "1d"), ("total", "1h"), ("channel+queue", "15m")]
    for cut, window in cuts:
        arguments = ("trends", "--cut", cut, "--window", window, "--final-only", "--json")
        one, other = (system.lines(*arguments) for system in (real, embedded))
        assert len(one) >= 41, "seven days of six queues, but for some that rest on a weekend"
        assert one == other

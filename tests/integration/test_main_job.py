"""The main job on real input: the bank's February calls through real Kafka, a worker killed on the way, recounted."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from oracle import DATA, TIME_ZONE, Count, recount
from resting import differences, wait_until_all_is_final
from running import System, committed, eventually, make_system

pytestmark = [
    pytest.mark.integration,
    pytest.mark.alone,
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here: the bank's February calls"),
]

# What is compared, and watched by detect: with all thirteen cuts a month in minutes takes six minutes to publish.
MONTH = dict.fromkeys(("STREAMS_INTAKE_CUTS", "STREAMS_DETECT_CUTS", "STREAMS_FORECAST_CUTS"), "total,queue")
# A feed that is faster than the clock: a partition isn't idle because the machine is busy for three seconds. Who wakes from idle
# finds windows closed (decision 2), and then two runs of one input differ.
WEEK = {"STREAMS_INTAKE_CUTS": "total,channel,queue,channel+queue", "STREAMS_INTAKE_IDLE_SECONDS": "300"}
SECONDS = 600  # a month took some 400 s beside other work, alone a part of it
Start = Callable[[str, dict[str, str]], System]
MEASURES = ("offered", "answered", "abandoned", "left_before_queue", "wait_ms", "abandon_wait_ms", "handled")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Makes systems whose days are the bank's, on a broker and with settings of their own."""
    systems: list[System] = []

    def make(bootstrap: str, extra: dict[str, str]) -> System:
        directory = tmp_path / str(len(systems))
        directory.mkdir()
        systems.append(make_system(directory, bootstrap, {"STREAMS_MERGE_TIME_ZONE": TIME_ZONE, **extra}))
        return systems[-1]

    yield make
    for system in systems:
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


def test_daily_windows_equal_a_recount_although_the_worker_was_killed_on_the_way(kafka: str, start: Start) -> None:
    real = start(kafka, MONTH)
    real.streams("replay", str(DATA), "--format", "bank1999")
    worker = real.children.start("worker", "worker")
    eventually(lambda: applied(real) > 1_000, 60, "intake has begun")
    real.kill(worker)
    at_kill = applied(real)
    real.start_worker()
    wait_until_all_is_final(real, SECONDS)
    assert by_day_and_type(days(real)) == {key: count for key, count in recount(DATA).items() if count != Count()}
    assert at_kill < applied(real), "the kill struck after the end: it proves nothing"


def test_the_embedded_broker_gives_the_same_trends(kafka: str, tansu: str, start: Start, tmp_path: Path) -> None:
    systems = [start(broker, WEEK) for broker in (kafka, tansu)]
    workers = [system.start_worker() for system in systems]
    week = first_week(tmp_path)
    for system in systems:  # at once: each is the work of one core
        system.streams("replay", str(week), "--format", "bank1999")
    for system in systems:
        wait_until_all_is_final(system, SECONDS)
    assert [worker.process.poll() for worker in workers] == [None, None]
    for cut, window in (("queue", "1d"), ("total", "1h"), ("channel+queue", "15m")):
        arguments = ("trends", "--cut", cut, "--window", window, "--final-only", "--json")
        one, other = (system.lines(*arguments) for system in systems)
        assert len(one) >= 41, "seven days of six queues, but for some that rest on a weekend"
        assert differences(one, other) == [], f"{cut} {window}"
        assert one == other

"""A soak: a steady load for an hour, a worker killed each minute, exact figures at the end; memory and changelogs watched.

    soak.py --minutes 60 --rate 2000

Three brokers, three real workers: one is killed each minute and started again, one each tenth minute terminated and started
again, one lives through, so that its memory tells. The feed is `contact_cycle`.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from contact_cycle import Cycle
from contacts import HOUR_MS, START_MS, Figures, closing
from fault_load import Load, Watch
from fault_system import PARTITIONS, SETTINGS, SHARDS, Workers, positions
from kafka_cluster import KafkaCluster
from running import eventually, make_system
from topic_reading import Reading

PER_MINUTE = 60  # contacts of event time
MEGABYTE = 1 << 20
HEAD = "| minute | events | lag | RSS of who lives, MiB | of who is killed, MiB | changelogs, MiB |\n|---|---|---|---|---|---|"


class Minute(NamedTuple):
    """What was seen at the end of a minute."""

    number: int
    events: int
    lag: int | None
    lived_megabytes: float
    killed_megabytes: float
    changelog_megabytes: float

    def line(self) -> str:
        """As a row of the table."""
        sizes = f"{self.lived_megabytes:.0f} | {self.killed_megabytes:.0f} | {self.changelog_megabytes:.1f}"
        lag = "unknown" if self.lag is None else f"{self.lag:,}"
        return f"| {self.number} | {self.events:,} | {lag} | {sizes} |"


def say(words: str) -> None:
    """A line of the report, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def resident_megabytes(workers: Workers, name: str) -> float:
    """Memory of a worker."""
    status = Path(f"/proc/{workers.running[name].process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def changelog_megabytes(cluster: KafkaCluster, app: str) -> float:
    """What the changelogs take on the first broker."""
    logs = cluster.data(1).glob(f"data/{app}-*-changelog-*/*.log")
    return sum(log.stat().st_size for log in logs) / MEGABYTE


def finals(trends: Reading) -> Figures:
    """The final hours by queue, as they are on the topic."""
    found: Figures = {}
    for record in trends.all():
        if record.value and b'"1h"' in record.value and b'"final":true' in record.value:
            trend = json.loads(record.value)
            if trend["cut"] == "queue":
                found["1h", trend["window"]["start_ms"], trend["series"]["queue"]] = Counter(trend["measures"])
    return found


def run(cluster: KafkaCluster, directory: Path, minutes: int, rate: int) -> bool:
    """The soak; whether all was as it must be."""
    hard = {"STREAMS_TOPICS_TREND_RETENTION_DAYS": "3650"}  # event time lies in the past
    system = make_system(directory, cluster.address, {**SETTINGS, **hard})
    app, workers, cycle = system.environment["STREAMS_APP_NAME"], Workers(system), Cycle(1, PER_MINUTE, PARTITIONS)
    records = cycle.records()
    topic = system.environment["STREAMS_TOPICS_INTERACTIONS"]
    load = Load(cluster.address, topic, PARTITIONS, rate, lambda _number: next(records))
    watch = Watch(cluster.address, f"{app}-intake", load)
    try:
        for name in ("lives", "killed", "terminated"):
            workers.start(name)
        workers.wait_started(3)
        load.start()
        watch.start()
        say(HEAD)
        seen = [minute(number, load, watch, workers, cluster, app) for number in range(1, minutes + 1)]
        events = load.stop()
        return judge(cluster, workers, watch, cycle, events, seen)
    finally:
        workers.end()


def minute(number: int, load: Load, watch: Watch, workers: Workers, cluster: KafkaCluster, app: str) -> Minute:
    """Let a minute pass, look, and kill."""
    threading.Event().wait(60)
    lived, killed = resident_megabytes(workers, "lives"), resident_megabytes(workers, "killed")
    seen = Minute(number, load.events, watch.in_flight(), lived, killed, changelog_megabytes(cluster, app))
    say(seen.line())
    workers.kill("killed")
    workers.start("killed")
    if number % 10 == 5:
        workers.send("terminated", signal.SIGTERM)
        assert workers.running["terminated"].process.wait(60) == 0
        workers.start("terminated")
    return seen


def judge(cluster: KafkaCluster, workers: Workers, watch: Watch, cycle: Cycle, events: int, seen: list[Minute]) -> bool:
    """Close the windows, compare everything, and say it."""
    environment = workers.system.environment
    tellings = events // len(cycle)
    end = closing(PARTITIONS, START_MS + (tellings + 5) * HOUR_MS)
    last = Load(cluster.address, environment["STREAMS_TOPICS_INTERACTIONS"], PARTITIONS, 1_000, lambda n: end[n], len(end))
    last.start()
    eventually(last.is_over, 60, "the end is sent")
    last.stop()
    total = events + len(end)
    eventually(lambda: sum((watch.look() or {}).values()) == total, 300, "all is committed")
    watch.stop()
    expected, trends = cycle.figures(tellings - 1), Reading(cluster.address, environment["STREAMS_TOPICS_TRENDS"], SHARDS)
    eventually(lambda: finals(trends).keys() >= expected.keys(), 300, "all hours are final")
    given = finals(trends)
    wrong = [place for place, counts in expected.items() if any(given[place][name] != n for name, n in counts.items())]
    workers.wait_started(workers.starts)  # a worker that is told to stop while it starts ends with 130
    # Who lives takes partitions over again and again, and keeps some of the memory that a long read takes.
    halves = seen[: len(seen) // 2] or seen, seen[len(seen) // 2 :]
    grown = max(one.lived_megabytes for one in halves[1]) / max(one.lived_megabytes for one in halves[0])
    bad = [*watch.fallen, *filter(None, [workers.stop(), positions(environment, cluster.address)])]
    say(
        f"{events:,} events, {len(expected)} hours × queues, wrong: {wrong or 'none'}; "
        f"most memory of who lived, second half / first: {grown:.2f}; new starts {workers.logs().count('starting again in')}; "
        f"anything else: {bad or 'nothing'}"
    )
    return not wrong and not bad and grown < 1.2  # an allocator's habits; a leak of any size shows in an hour


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=int, default=2_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        cluster = KafkaCluster(directory / "kafka", brokers=3)
        began = monotonic()
        try:
            well = run(cluster, directory, arguments.minutes, arguments.rate)
        finally:
            cluster.stop()
        say(f"{(monotonic() - began) / 60:.1f} minutes")
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()

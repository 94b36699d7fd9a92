"""A fault on real workers while a made-up day runs through them, and the invariants that must hold after it.

The surprise: at the end everything is handed over to a fresh worker, while contacts, windows and the incident are open. So
whatever the state's changelogs didn't tell would show in the figures.
"""

import json
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired
from time import monotonic
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from contacts import MINUTE_MS, START_MS, WINDOWS, Feed, closing, make_feed
from fault_counting import LIMIT_SECONDS, SHARED_FACTOR, Episode
from fault_load import Load, Watch
from fault_report import Report, Row
from running import System, eventually, make_system
from topic_reading import Reading

from streams.commands.children import Child, Children

PARTITIONS, SHARDS = 4, 2
MINUTES, PER_MINUTE = 150, 60
SURGE = (100, 115, 3)  # ×3 in billing for a quarter of an hour: one incident
PER_SECOND = 1_000  # records; some three minutes of the day in a second
LAST = 3_000  # records that are kept for the fresh worker
STAGES = {"intake": PARTITIONS, "journey": 2, "merge": SHARDS, "detect": 1}
SETTINGS = {
    "STREAMS_EVENTS_SOURCES": "acd",
    "STREAMS_INTAKE_IDLE_SECONDS": "300",  # the feed is faster than the clock: a partition without its broker isn't idle
    "STREAMS_TOPICS_REPLICATION_FACTOR": "3",
    "STREAMS_TOPICS_MIN_INSYNC_REPLICAS": "2",
}


@dataclass
class Workers:
    """Real workers of one system, by name."""

    system: System
    running: dict[str, Child] = field(default_factory=dict)
    starts: int = 0

    def start(self, name: str, **extra: str) -> None:
        """Start a worker, or start it again under its name."""
        own = {
            "STREAMS_APP_WORKER": name,
            "STREAMS_APP_DATA_DIRECTORY": str(self.system.directory / f"data-{name}"),
            "STREAMS_WORKER_PORT": "0",
            **extra,
        }
        children = Children(self.system.directory, {**self.system.environment, **own})
        self.starts += 1
        self.running[name] = children.start(f"worker-{name}-{monotonic():.3f}", "worker")

    def wait_started(self, workers: int) -> None:
        """Until so many have said so; fails at once when one has ended."""

        def started() -> bool:
            ended = [name for name, child in self.running.items() if child.process.poll() not in (None, 0)]
            assert not ended, f"{ended} ended: {self.logs()}"
            return self.logs().count("metrics and health on") >= workers

        eventually(started, 120, "the workers have started")

    def send(self, name: str, number: signal.Signals) -> None:
        """Send it a signal."""
        self.running[name].process.send_signal(number)

    def kill(self, name: str) -> None:
        """kill -9; returns when it is dead."""
        self.running[name].process.kill()
        self.running[name].process.wait()

    def stop(self) -> str:
        """SIGTERM to all at once; what was wrong about their ends."""
        living = {name: child.process for name, child in self.running.items() if child.process.poll() is None}
        for process in living.values():
            process.send_signal(signal.SIGTERM)
        codes = {name: process.wait(60) for name, process in living.items()}
        return "; ".join(f"worker {name} ended with {code}" for name, code in codes.items() if code)

    def logs(self) -> str:
        """What all said."""
        return "".join(f"--- {log.name}\n{log.read_text()}" for log in sorted(self.system.directory.glob("worker-*.log")))

    def end(self) -> None:
        """Whatever they do."""
        for child in self.running.values():
            child.process.kill()
            child.process.wait()


@dataclass
class SystemEpisode(Episode):
    """An episode of real workers."""

    workers: Workers = field(kw_only=True)


@contextmanager
def system_episode(
    report: Report,
    fault: str,
    broker: str,
    directory: Path,
    workers: str = "ab",
    limit_seconds: float = LIMIT_SECONDS,
    at_least: float = 4.0,
    settings: Mapping[str, str] | None = None,
) -> Iterator[SystemEpisode]:
    """Real workers under load; the block strikes, then all invariants are checked and reported."""
    feed = make_feed(1, MINUTES, PER_MINUTE, PARTITIONS, SURGE)
    system = make_system(directory, broker, {**SETTINGS, **(settings or {})})
    topic, group = system.environment["STREAMS_TOPICS_INTERACTIONS"], f"{system.environment['STREAMS_APP_NAME']}-intake"
    load = Load(broker, topic, PARTITIONS, PER_SECOND, lambda number: feed.records[number], len(feed.records) - LAST)
    watch = Watch(broker, group, load)
    crew = Workers(system)
    try:
        for worker in workers:
            crew.start(worker)
        crew.wait_started(len(workers))
        load.start()
        watch.start()
        eventually(lambda: load.events > 3_000 and sum((watch.look() or {}).values()) > 1_000, 60, "the workers work")
        one = SystemEpisode(system, load, watch, workers=crew)  # type: ignore[arg-type]  # of the job only `watch` is asked
        yield one
        seconds = one.recovered(at_least)
        eventually(load.is_over, 300, "the day is over")
        load.stop()
        verdicts = finish(crew, feed, broker, load, watch)
        if seconds > limit_seconds:
            verdicts["I6"] += f"recovered in {seconds:.1f} s"
        starts = crew.logs().count("starting again in")
        report.add(Row(fault, "real", one.in_flight, seconds, limit_seconds, starts, verdicts))
        assert one.in_flight > 0, f"nothing was in flight: it proves nothing; {verdicts}"
        assert seconds <= SHARED_FACTOR * limit_seconds
        assert {name: found for name, found in verdicts.items() if found and name != "I6"} == {}
        assert seconds > limit_seconds or not verdicts["I6"], verdicts["I6"]
    except (AssertionError, TimeoutExpired) as failure:
        failure.add_note(crew.logs()[-20_000:])
        raise
    finally:
        crew.end()


def finish(crew: Workers, feed: Feed, broker: str, load: Load, watch: Watch) -> dict[str, str]:
    """Hand over to a fresh worker, send the rest, and check everything."""
    environment = crew.system.environment
    stopped = crew.stop()
    crew.start("fresh")
    end_ms = START_MS + (MINUTES + 4 * 60) * MINUTE_MS
    rest = [*feed.records[load.events :], *closing(PARTITIONS, end_ms)]
    last = Load(broker, environment["STREAMS_TOPICS_INTERACTIONS"], PARTITIONS, PER_SECOND, lambda n: rest[n], len(rest))
    last.start()
    eventually(last.is_over, 120, "the rest is sent")
    last.stop()
    total = len(feed.records) + PARTITIONS
    eventually(lambda: sum((watch.look() or {}).values()) == total, 120, "all is committed")
    watch.stop()
    trends = Reading(broker, environment["STREAMS_TOPICS_TRENDS"], SHARDS)
    eventually(lambda: set(finals(trends)) >= set(feed.figures), 120, "all windows are final")
    verdicts = {
        "I1": differing(finals(trends), feed),
        "I4": "; ".join(filter(None, [repeated(trends), refusals(environment, broker, feed)])),
        "I7": incidents(environment, broker, feed),
        "I6": "; ".join(filter(None, [stopped, crew.stop()])),
        "I2": positions(environment, broker),
        "I5": "; ".join([*watch.fallen, *(["defect"] if "defect of the engine" in crew.logs() else [])]),
    }
    verdicts["I3"] = verdicts["I1"]  # what the fresh worker knew it had from the changelogs
    trends.close()
    return verdicts


def finals(trends: Reading) -> dict[tuple[str, int, str], list[Counter[str]]]:
    """The final figures by window and queue, each time that they were given."""
    found: dict[tuple[str, int, str], list[Counter[str]]] = defaultdict(list)
    for record in trends.all():
        value = record.value or b""
        if b'"cut":"queue"' not in value or b'"final":true' not in value:  # who waits asks often, and decoding takes the longest
            continue
        trend: dict[str, Any] = json.loads(value)
        window = trend["window"]
        if window["kind"] in WINDOWS:
            found[window["kind"], window["start_ms"], trend["series"]["queue"]].append(Counter(trend["measures"]))
    return found


def differing(given: Mapping[tuple[str, int, str], list[Counter[str]]], feed: Feed) -> str:
    """Where the figures aren't those of the feed."""
    names = {name for figures in feed.figures.values() for name in figures}
    wrong = [
        f"{place}: {got[-1]} for {feed.figures[place]}"
        for place, got in given.items()
        if any(got[-1][name] != feed.figures[place][name] for name in names)
    ]
    return f"{len(wrong)} of {len(feed.figures)} windows: {wrong[:3]}" if wrong else ""


def repeated(trends: Reading) -> str:
    """Windows that were closed more than once."""
    often = [place for place, got in finals(trends).items() if len(got) > 1]
    return f"closed more than once: {often[:3]}" if often else ""


def refusals(environment: Mapping[str, str], broker: str, feed: Feed) -> str:
    """Whether just what is bad was refused, each once, and nothing was late."""
    reading = Reading(broker, environment["STREAMS_TOPICS_REJECTED"], PARTITIONS)
    late = Reading(broker, environment["STREAMS_TOPICS_LATE"], PARTITIONS)
    reasons = Counter(record.headers["reason"].decode() for record in reading.all())
    too_late = len(late.all())
    reading.close()
    late.close()
    return "" if reasons == feed.refused and not too_late else f"refused {reasons} of {feed.refused}, late {too_late}"


def incidents(environment: Mapping[str, str], broker: str, feed: Feed) -> str:
    """Whether the surge is one alert, whatever repeats."""
    reading = Reading(broker, environment["STREAMS_TOPICS_ALERTS"], SHARDS)
    alerts = [json.loads(record.value) for record in reading.all() if record.value]
    reading.close()
    begins, ends = feed.incident_ms
    told = {
        alert["alert_id"]
        for alert in alerts
        if alert["kind"] == "spike" and alert["fired_ms"] and begins <= alert["onset_ms"] < ends
    }
    return "" if len(told) == 1 else f"{len(told)} alerts of one incident: {alerts}"


def positions(environment: Mapping[str, str], broker: str) -> str:
    """Where a stage's state doesn't stand at the offsets of its group."""
    wrong = []
    for stage, partitions in STAGES.items():
        name = f"{environment['STREAMS_APP_NAME']}-{stage}"
        reading = Reading(broker, f"{name}-changelog", partitions)
        stamps = {r.partition: json.loads(r.value)["position"] for r in reading.all() if r.key == b"\x00stamp" and r.value}
        reading.close()
        topics = {"intake": "INTERACTIONS", "journey": "CONTACTS", "merge": "PARTIALS", "detect": "MINUTES"}
        topic = environment[f"STREAMS_TOPICS_{topics[stage]}"]
        consumer = Consumer({"bootstrap.servers": broker, "group.id": name})
        places = consumer.committed([TopicPartition(topic, partition) for partition in range(partitions)], timeout=10)
        consumer.close()
        offsets = {place.partition: place.offset for place in places if place.offset >= 0}
        wrong += [] if stamps == offsets else [f"{stage}: stamps {stamps}, offsets {offsets}"]
    return "; ".join(wrong)

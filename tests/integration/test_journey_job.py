"""Journey on real Kafka, its state in RocksDB, a worker killed on the way; a customer is forgotten, and nobody's id was told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow import CONTACTS, DAY, HOUR, MONDAY, contact
from running import System, eventually, make_system
from topic_reading import Reading

from streams import settings
from streams.core.customer import pseudonym
from streams.edge.kafka import topic_specs

pytestmark = pytest.mark.integration

KEY = "a key of this test"
PLANTED = "planted-"  # begins every raw id
# The last one is far behind, so that all days before become final.
ALL = (*CONTACTS, ("zoe", 13, 12.0, "invoice"))


@pytest.fixture
def system(kafka: str, tmp_path: Path) -> Iterator[System]:
    """A system on real Kafka with journey's state on disk."""
    own = {
        "STREAMS_ENGINE_DISK_STAGES": "journey",
        "STREAMS_PRIVACY_CUSTOMER_KEY": KEY,
        "STREAMS_INTAKE_IDLE_SECONDS": "300",  # the feed is faster than the clock: who rests between two files isn't idle
    }
    made = make_system(tmp_path, kafka, own)
    yield made
    made.children.stop()


def replay(system: System, contacts: range) -> None:
    """Send some of the contacts, from a file."""
    path = system.directory / "events.jsonl"
    numbered = [(number, ALL[number]) for number in contacts]
    records = [
        record
        for number, (who, day, hour, issue) in numbered
        for record in contact(f"{PLANTED}{who}", f"c{number}", MONDAY + day * DAY + round(hour * HOUR), issue=issue)
    ]
    path.write_bytes(b"\n".join(record.value_ or b"" for record in records))
    system.streams("replay", str(path), "--format", "events", "--no-close")
    path.unlink()


def days(system: System) -> dict[int, Any]:
    """Day → the KPIs of its final window."""
    trends = system.lines("trends", "--cut", "total", "--window", "1d", "--final-only", "--json")
    return {(trend["window"]["start_ms"] - MONDAY) // DAY: trend["kpis"] for trend in trends}


def kept(system: System) -> dict[bytes, bytes]:
    """Journey's state as its changelog tells it."""
    environment = system.environment
    reading = Reading(environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], f"{environment['STREAMS_APP_NAME']}-journey-changelog", 2)
    told = {(record.partition, record.key): record.value for record in reading.all()}
    reading.close()
    return {key: value for (_, key), value in told.items() if value is not None}


def test_first_contact_resolution_is_exact_over_a_kill_and_no_id_is_told(system: System) -> None:
    worker = system.start_worker()
    replay(system, range(5))
    eventually(lambda: len([key for key in kept(system) if key[:1] == b"c"]) == 4, 60, "four customers are kept")
    system.kill(worker)
    system.start_worker()
    replay(system, range(5, len(ALL)))
    eventually(lambda: 10 in days(system), 120, "the days are final")
    found = days(system)
    matured = {day: (round(found[day]["fcr"]["value"], 4), found[day]["fcr"]["n"]) for day in (7, 8, 10)}
    assert matured == {7: (0.3333, 3), 8: (0.0, 1), 10: (1.0, 1)}
    assert (found[0]["customers"]["value"], found[1]["customers_twice"]["value"]) == (3, 1.0)
    forget_one(system)
    assert told(system) == []


def forget_one(system: System) -> None:
    """Zoe is kept until she is forgotten."""
    name = pseudonym(f"{PLANTED}zoe", KEY.encode()).encode()
    assert any(name in key for key in kept(system))
    said = system.streams("forget", "--customer", f"{PLANTED}zoe")
    assert name.decode() in said
    assert PLANTED not in said
    eventually(lambda: not any(name in part for entry in kept(system).items() for part in entry), 30, "zoe is forgotten")


def told(system: System) -> list[str]:
    """Where a raw id stands: topics but those that hold events as they came, logs, files of the state."""
    loaded = settings.load([], system.environment)
    raw = {loaded.topics.interactions, loaded.topics.rejected, loaded.topics.late}
    found, read = [], 0
    for spec in topic_specs(loaded):
        reading = Reading(loaded.kafka.bootstrap_servers, spec.name, spec.partitions)
        records = reading.all() if spec.name not in raw else []
        read += bool(records)
        found += [spec.name for record in records if PLANTED.encode() in record.key + (record.value or b"")]
        reading.close()
    assert read >= 8, "contacts, partials, minutes, trends and four changelogs hold something"
    files = [path for path in system.directory.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in files)
    return found + [str(path) for path in files if PLANTED.encode() in path.read_bytes()]

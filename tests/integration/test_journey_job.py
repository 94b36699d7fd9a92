"""Journey on real Kafka, its state in RocksDB, a worker killed on the way; a customer is forgotten, and nobody's id was told."""

import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from flow import CONTACTS, DAY, HOUR, MONDAY, contact
from running import System, eventually, make_system
from topic_reading import Read, Reading

from streams import settings
from streams.core.contact import PULSE_KEY
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
    plant_more(system)
    assert told(system) == []


def forget_one(system: System) -> None:
    """Zoe is kept until she is forgotten."""
    name = pseudonym(f"{PLANTED}zoe", KEY.encode()).encode()
    assert any(name in key for key in kept(system))
    said = system.streams("forget", "--customer", f"{PLANTED}zoe")
    assert name.decode() in said
    assert PLANTED not in said
    eventually(lambda: not any(name in part for entry in kept(system).items() for part in entry), 30, "zoe is forgotten")


def plant_more(system: System) -> None:
    """An agent's state, records that are refused and one that is too late, each with an id."""
    topics = settings.load([], system.environment).topics
    state = {
        "id": "s1",
        "source": "acd",
        "type": "agent_state",
        "time": MONDAY + 13 * DAY + 12 * HOUR,
        "state": "on_contact",
        "queues": ["billing"],
    }
    event = {"id": "e1", "source": "acd", "type": "offered", "interaction_id": "odd", "customer_id": f"{PLANTED}odd"}
    far = {"id": "h1", "source": "acd", "type": "heartbeat", "time": MONDAY + 13 * DAY}
    records: list[tuple[str, dict[str, Any]]] = [
        (topics.interactions, far),
        (topics.agents, {**state, "agent_id": f"{PLANTED}agent"}),
        (topics.agents, {**state, "agent_id": f"{PLANTED}agent", "id": "s2", "state": f"{PLANTED}state"}),
        (topics.interactions, {**event, "time": f"{PLANTED}time"}),
        (topics.interactions, {**event, "time": MONDAY, "queue": {f"{PLANTED}queue": 1}}),
        (topics.interactions, {**event, "time": MONDAY, "queue": "billing"}),  # too late
    ]
    producer = Producer({"bootstrap.servers": system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"]})
    for topic, fields in records:  # to one partition, so that it is known how late it is
        producer.produce(topic, json.dumps(fields).encode(), key=PLANTED.encode(), partition=0)
    assert producer.flush(30) == 0

    def taken() -> bool:
        agents = whole(system, f"{system.environment['STREAMS_APP_NAME']}-agents-changelog")
        counts = [len(whole(system, topics.rejected)), len(whole(system, topics.late))]
        return counts == [3, 1] and any(record.key[:1] == b"a" for record in agents)

    eventually(taken, 60, "three are refused, one is late, an agent is known")


def whole(system: System, topic: str) -> Sequence[Read]:
    """All records of a topic of ours."""
    loaded = settings.load([], system.environment)
    partitions = {spec.name: spec.partitions for spec in topic_specs(loaded)}
    reading = Reading(loaded.kafka.bootstrap_servers, topic, partitions[topic])
    records = reading.all()
    reading.close()
    return records


def told(system: System) -> list[str]:
    """Where a raw id stands: topics, logs, files of the state, metrics with their labels.

    Events as they came are what somebody else wrote: of the records that were put aside what is ours is the headers, of the
    agents' topic the pulses.
    """
    loaded = settings.load([], system.environment)
    as_they_came = (loaded.topics.interactions, loaded.topics.rejected, loaded.topics.late)
    found, read = [], 0
    for spec in topic_specs(loaded):
        records = [record for record in whole(system, spec.name) if spec.name != loaded.topics.agents or record.key == PULSE_KEY]
        read += bool(records)
        for record in records:
            own = b"".join(record.headers.values())
            if spec.name not in as_they_came:
                own += record.key + (record.value or b"")
            found += [spec.name] * (PLANTED.encode() in own)
    assert read >= 12, "those, contacts, partials, minutes, trends and changelogs hold something"
    with urllib.request.urlopen(f"http://127.0.0.1:{system.worker_port}/metrics", timeout=10) as answer:
        exposition = answer.read()
    assert b'reason="bad_type"' in exposition, "labels are told"
    found += ["metrics"] * (PLANTED.encode() in exposition)
    files = [path for path in system.directory.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in files)
    return found + [str(path) for path in files if PLANTED.encode() in path.read_bytes()]

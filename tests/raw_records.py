"""Records put on the topic of interactions as they are, good and bad, and what a worker says has become of them."""

import json
import urllib.request
from typing import Any, NamedTuple

from commands_in_process import NINE
from confluent_kafka import Producer
from kafka import KafkaProducer
from prometheus_client.parser import text_string_to_metric_families
from running import System, eventually

from streams.core.event import Reason


class Sent(NamedTuple):
    """A record for partition 0."""

    value: bytes | None
    key: bytes | None = b"k"
    headers: tuple[tuple[str, bytes], ...] = ()


def event(kind: str, at_ms: int, call: str, **fields: Any) -> Sent:
    """A canonical event `at_ms` after nine, with an id of its own."""
    known = {"id": f"{call}/{kind}", "source": "acd", "type": kind, "time": NINE + at_ms, "interaction_id": call}
    return Sent(json.dumps({**known, **fields}).encode(), call.encode())


def offered(call: str, at_ms: int = 0, **fields: Any) -> Sent:
    """A call for the queue billing."""
    return event("offered", at_ms, call, channel="voice", queue="billing", **fields)


def heartbeat(at_ms: int) -> Sent:
    """Nothing before this moment is missing."""
    return Sent(json.dumps({"id": f"beat/{at_ms}", "source": "acd", "type": "heartbeat", "time": NINE + at_ms}).encode(), None)


def structured(kind: str, at_ms: int, call: str, **data: Any) -> Sent:
    """A CloudEvent whose value holds everything."""
    envelope = {
        "specversion": "1.0",
        "id": f"{call}/{kind}",
        "source": "acd",
        "type": f"com.example.{kind}",
        "time": NINE + at_ms,
    }
    return Sent(
        json.dumps({**envelope, "subject": call, "data": data}).encode(),
        call.encode(),
        (("content-type", b"application/cloudevents+json"),),
    )


def binary(kind: str, time_text: str, call: str, source: str = "acd", **data: Any) -> Sent:
    """A CloudEvent whose envelope is in the headers."""
    envelope = {"specversion": "1.0", "id": f"{call}/{kind}", "source": source, "type": kind, "time": time_text, "subject": call}
    return Sent(json.dumps(data).encode(), call.encode(), tuple((f"ce_{name}", text.encode()) for name, text in envelope.items()))


def value(sent: Sent) -> bytes:
    """The value of a record that has one."""
    assert sent.value is not None
    return sent.value


def metrics(system: System) -> dict[str, float]:
    """'name{label}' → value, for metrics with at most one label."""
    with urllib.request.urlopen(f"http://127.0.0.1:{system.worker_port}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples if len(sample.labels) <= 1]
    return {sample.name + "".join(f"{{{label}}}" for label in sample.labels.values()): sample.value for sample in samples}


def outcomes(found: dict[str, float]) -> dict[str, float]:
    """What became of the records."""
    rejected = {reason.value: found[f"streams_events_rejected_total{{{reason}}}"] for reason in Reason}
    rest = {name: found[f"streams_events_{name}_total"] for name in ("accepted", "duplicate", "too_late")}
    return {name: n for name, n in {**rest, **rejected}.items() if n}


def produce(system: System, records: list[Sent], partition: int = 0) -> None:
    """Put records on the topic of interactions, in their order."""
    bootstrap = system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"]
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "message.max.bytes": 2_000_000})
    for record in records:
        topic = system.environment["STREAMS_TOPICS_INTERACTIONS"]
        producer.produce(topic, record.value, record.key, partition, headers=list(record.headers))
    assert producer.flush(30) == 0


class NotText(str):
    """A header's name that isn't UTF-8, as clients that send bytes can make one."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002  # the signature of str
        """Not UTF-8."""
        return b"\xff"


def with_unreadable_header(system: System, record: Sent) -> None:
    """Put a record with such a header on partition 0."""
    producer = KafkaProducer(bootstrap_servers=system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"])
    headers = [(NotText("h"), b"")]
    producer.send(system.environment["STREAMS_TOPICS_INTERACTIONS"], record.value, record.key, headers, 0).get(30)
    producer.close()


def settled(system: System, records: int) -> dict[str, float]:
    """The metrics, when something has become of so many records."""
    eventually(lambda: sum(outcomes(metrics(system)).values()) >= records, 60, f"{records} records are taken in")
    return metrics(system)

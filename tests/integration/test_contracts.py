"""What is asked of a broker before a worker starts, and that all Kafka clients of this system understand each other.

What the engine leans on in each package is in test_contracts_faust.py, test_contracts_librdkafka_*.py and
test_contracts_kafka_python.py. A new version that changes its ways fails there first.
"""

from collections.abc import Iterator

import pytest
from contract_kafka import SECONDS, Ground, ground, read_to_end
from kafka import KafkaProducer

from streams.core.record import headers_of
from streams.engine.errors import EngineError
from streams.engine.probe import find_broker, knows_transactions

pytestmark = pytest.mark.integration


@pytest.fixture
def log(kafka: str) -> Iterator[Ground]:
    """A topic with one partition."""
    yield from ground(kafka, 1)


def test_what_kafka_python_writes_confluent_kafka_reads(log: Ground) -> None:
    """Replay and simulator write by one package, intake reads by the other; lz4 needs a package of its own in the first."""
    producer = KafkaProducer(bootstrap_servers=log.broker, compression_type="lz4")
    producer.send(log.topic, b"value" * 100, b"key", [("name", b"content")], 0, 1_700_000_000_123)
    producer.send(log.topic, None, b"deleted", None, 0)
    producer.close()
    whole, deleted, *_ = read_to_end(log.reader())
    assert (whole.key(), whole.value(), headers_of(whole)) == (b"key", b"value" * 100, [("name", b"content")])
    assert whole.timestamp()[1] == 1_700_000_000_123
    assert (deleted.key(), deleted.value(), headers_of(deleted)) == (b"deleted", None, ())


def test_kafka_knows_transactions_and_the_embedded_broker_does_not(kafka: str, tansu: str) -> None:
    assert knows_transactions({"bootstrap.servers": kafka}, SECONDS) is True
    assert knows_transactions({"bootstrap.servers": tansu}, SECONDS) is False


def test_a_broker_that_is_not_there_is_named() -> None:
    nobody: dict[str, object] = {"bootstrap.servers": "127.0.0.1:1"}
    with pytest.raises(EngineError, match=r"no Kafka broker at 127\.0\.0\.1:1 within 1 s .*set \[kafka\] bootstrap_servers"):
        find_broker(nobody, 1)
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1"):
        knows_transactions(nobody, 1)

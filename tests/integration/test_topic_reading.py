"""What the fault tests read with: all that was committed when they looked, also from a broker that takes its time."""

import pytest
from confluent_kafka import Producer
from confluent_kafka.cimpl import NewTopic
from contract_kafka import SECONDS, Ground
from kafka_cluster import make_topics
from topic_reading import Reading

pytestmark = pytest.mark.integration

# The broker waits so long with each answer, for more than there is.
SLOW = {"fetch.wait.max.ms": 1_000, "fetch.min.bytes": 1_000_000}


def test_a_slow_broker_is_waited_for_up_to_the_end_behind_the_last_marker(kafka: str) -> None:
    ground = Ground(kafka)
    make_topics(kafka, [NewTopic(ground.topic, 2, 1)])
    writer = ground.writer()
    reading = Reading(kafka, ground.topic, 2, SLOW)
    for number in (1, 2):
        write(writer, ground.topic, f"{number}")
        assert sorted((read.partition, read.value) for read in reading.all()) == [
            (partition, b"%d" % n) for partition in (0, 1) for n in range(1, number + 1)
        ]
    writer.begin_transaction()
    writer.produce(ground.topic, "open", partition=0)
    writer.flush(SECONDS)
    assert len(reading.all()) == 4, "what isn't committed isn't waited for"
    writer.abort_transaction(SECONDS)
    reading.close()


def write(writer: Producer, topic: str, value: str) -> None:
    """One transaction with a record in each of two partitions."""
    writer.begin_transaction()
    for partition in (0, 1):
        writer.produce(topic, value, partition=partition)
    writer.commit_transaction(SECONDS)

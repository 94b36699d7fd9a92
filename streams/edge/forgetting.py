"""Telling journey to forget a customer: a record without a value under the customer's key, behind all contacts sent so far."""

from kafka import KafkaProducer

from streams.edge.kafka import kafka_errors, partitions_of, python_settings
from streams.settings import Settings

ACKNOWLEDGED_SECONDS = 30


def send_tombstone(settings: Settings, name: str) -> None:
    """`name`: the customer's hashed one. StreamsError where Kafka doesn't take it."""
    partitions_of(settings, settings.topics.contacts)  # says which command to run where there is no topic
    with kafka_errors(settings.kafka):
        producer = KafkaProducer(
            client_id=f"{settings.app.name}-forget",
            acks="all",
            enable_idempotence=False,  # the embedded broker has none; a second tombstone does no harm
            max_block_ms=settings.kafka.connect_timeout_seconds * 1000,
            allow_auto_create_topics=False,
            **python_settings(settings),
        )
        try:
            producer.send(settings.topics.contacts, key=name.encode(), value=None).get(timeout=ACKNOWLEDGED_SECONDS)
        finally:
            producer.close()

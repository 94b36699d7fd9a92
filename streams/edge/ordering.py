"""Telling detect what a person decided about an alert: a record on the topic `minutes`."""

from kafka import KafkaProducer

from streams.core.acknowledgement import Order, encode_order
from streams.edge.kafka import kafka_errors, partitions_of, python_settings
from streams.settings import Settings

ACKNOWLEDGED_SECONDS = 30


def send_order(settings: Settings, order: Order) -> None:
    """StreamsError where Kafka doesn't take it."""
    partitions_of(settings, settings.topics.minutes)  # says which command to run where there is no topic
    with kafka_errors(settings.kafka):
        producer = KafkaProducer(
            client_id=f"{settings.app.name}-ack",
            acks="all",
            enable_idempotence=False,  # the embedded broker has none; the same order twice does no harm
            max_block_ms=settings.kafka.connect_timeout_seconds * 1000,
            allow_auto_create_topics=False,
            **python_settings(settings),
        )
        try:
            producer.send(settings.topics.minutes, value=encode_order(order), partition=0).get(timeout=ACKNOWLEDGED_SECONDS)
        finally:
            producer.close()

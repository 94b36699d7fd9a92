"""What topics there are: asked once at start, so that a missing one is said instead of waited for."""

from collections.abc import Sequence

from confluent_kafka import Consumer

from streams.engine.errors import EngineError, kafka_errors
from streams.engine.options import Settings, reader_settings

METADATA_SECONDS = 30.0  # a broker that just started answers late


def partitions_of(client: Settings, topics: Sequence[str]) -> dict[str, int]:
    """Partition counts. Raises EngineError naming the first topic that doesn't exist."""
    with kafka_errors("can't ask Kafka for its topics"):
        consumer = Consumer({**reader_settings(client), "group.id": "metadata"})  # required by librdkafka, never joined
        try:
            metadata = consumer.list_topics(timeout=METADATA_SECONDS)
        finally:
            consumer.close()
    for topic in topics:
        if topic not in metadata.topics or metadata.topics[topic].error is not None:
            raise EngineError(f"there is no topic {topic}: run `streams topics create`")
    return {topic: len(metadata.topics[topic].partitions) for topic in topics}

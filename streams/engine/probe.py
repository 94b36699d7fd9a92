"""Questions to a broker before anything is built on it: is it there, and does it know transactions.

The surprise: that a broker accepts transactions doesn't mean that it has them. The embedded one answers yes to every request and
shows aborted records to readers of committed ones. What it doesn't do is refuse a producer whose name another has taken.
"""

from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.engine.errors import EngineError, error_of, explain
from streams.engine.options import Settings, writer_settings

TRANSACTIONAL_ID = "streams-probe"  # one for all, so that probes leave one entry in the broker, not one each
NOT_KNOWN = (KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE, KafkaError.INVALID_REQUEST)


def find_broker(client: Settings, timeout_seconds: float) -> None:
    """Return when a broker answers. Raises EngineError when none does in time."""
    try:
        AdminClient(dict[str, Any](client, log_level=0)).list_topics(timeout=timeout_seconds)
    except KafkaException as error:
        raise EngineError(
            f"no Kafka broker at {client.get('bootstrap.servers')} after {timeout_seconds:g} s ({explain(error)}): "
            "start one, or set [kafka] bootstrap_servers or STREAMS_KAFKA_BOOTSTRAP_SERVERS"
        ) from error


def knows_transactions(client: Settings, timeout_seconds: float) -> bool:
    """Whether the broker fences: of two producers of one name it must refuse the older. Raises EngineError when it doesn't answer."""
    older, newer = _producer(client), _producer(client)
    try:
        older.init_transactions(timeout_seconds)
        newer.init_transactions(timeout_seconds)
        older.begin_transaction()
        return not _accepted(older, client, timeout_seconds)
    except KafkaException as error:
        if error_of(error).code() in NOT_KNOWN:
            return False
        raise EngineError(f"can't find out whether the broker knows transactions: {explain(error)}") from error


def _producer(client: Settings) -> Producer:
    return Producer({**writer_settings(client), "transactional.id": TRANSACTIONAL_ID, "transaction.timeout.ms": 10_000})


def _accepted(older: Producer, client: Settings, timeout_seconds: float) -> bool:
    """Have the older one commit an offset of no topic for a group of its own; a broker with transactions refuses."""
    group = f"{TRANSACTIONAL_ID}-{uuid4()}"
    consumer = Consumer({**client, "group.id": group, "log_level": 0})
    try:
        older.send_offsets_to_transaction([TopicPartition(TRANSACTIONAL_ID, 0, 0)], consumer.consumer_group_metadata(), timeout_seconds)
    except KafkaException as error:
        if error_of(error).retriable():
            raise
        return False
    finally:
        consumer.close()
    return True

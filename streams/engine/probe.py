"""Questions to a broker before anything is built on it: is it there, and does it know transactions.

The surprise: that a broker accepts transactions doesn't mean that it has them. The embedded one says yes to beginning, committing
and aborting, and then shows aborted records to readers of committed ones. It can't list transactions, though.
"""

from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.engine.admin import lists_transactions
from streams.engine.errors import KafkaFailed, explain
from streams.engine.options import Settings


def find_broker(client: Settings, timeout_seconds: float) -> None:
    """Return when a broker answers. Raises EngineError when none does in time."""
    try:
        AdminClient(dict[str, Any](client, log_level=0)).list_topics(timeout=timeout_seconds)
    except KafkaException as error:
        raise KafkaFailed(
            f"no Kafka broker at {client.get('bootstrap.servers')} within {timeout_seconds:g} s ({explain(error)}): "
            "start one, or set [kafka] bootstrap_servers or STREAMS_KAFKA_BOOTSTRAP_SERVERS"
        ) from error


def knows_transactions(client: Settings, timeout_seconds: float) -> bool:
    """Whether the broker really has transactions; it must list them (Kafka 3.0). Raises EngineError when it doesn't answer."""
    return lists_transactions(client, timeout_seconds)

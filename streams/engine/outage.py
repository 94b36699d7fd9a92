"""Errors that librdkafka reports on its own account: one log line when the broker goes away, one when it is back.

The surprise: none of them stops the worker. librdkafka reconnects; a flush that can't be written in time does stop it.
"""

import logging
import threading

from confluent_kafka import KafkaError

LOG = logging.getLogger(__name__)

GONE = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT)


class Outage:
    """Counts nothing, remembers one thing: whether the log already says that the broker is gone."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._lock = threading.Lock()
        self._gone = False

    def reported(self, error: KafkaError) -> None:
        """librdkafka's error_cb."""
        with self._lock:
            first, self._gone = not self._gone, True
        if first:
            LOG.warning("%s: Kafka says: %s; going on when it is back", self._who, error.str())

    def over(self) -> None:
        """Something worked."""
        if self._gone:
            with self._lock:
                self._gone = False
            LOG.info("%s: Kafka is back", self._who)

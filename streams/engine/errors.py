"""The engine's error: raised with its cause, it stops the worker; nothing in the engine catches it to carry on."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from streams.core.errors import StreamsError


class EngineError(StreamsError):
    """Kafka refused, or a stage doesn't stand where its input goes on. The message says which and what to do."""


@contextmanager
def kafka_errors(doing: str) -> Iterator[None]:
    """Turn librdkafka's exceptions into an EngineError that says what was being done."""
    try:
        yield
    except KafkaException as error:
        raise EngineError(f"{doing}: {explain(error)}") from error


def error_of(error: KafkaException) -> KafkaError:
    """The error inside librdkafka's exception."""
    inner = error.args[0]
    assert isinstance(inner, KafkaError), error
    return inner


def explain(error: KafkaException) -> str:
    """What librdkafka says, without its brackets."""
    inner = error_of(error)
    return f"{inner.str()} ({inner.name()})"

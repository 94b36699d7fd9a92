"""The engine's errors: raised with their cause, they stop the worker; nothing in the engine catches them to carry on.

The surprise: most of what Kafka refuses is over after a while. Such an error says so by its class, and the worker starts itself
again (`healing`), with state from the changelog, rather than go on with what it has in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from streams.core.errors import StreamsError

# Errors that a new start doesn't change. All others may pass: brokers go and come back, coordinators move, transactions time out.
LASTING = (
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.INVALID_TRANSACTION_TIMEOUT,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.POLICY_VIOLATION,
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._INVALID_ARG,
)

# The broker listens to another run of this name.
FENCING = (
    KafkaError._FENCED,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
)


class EngineError(StreamsError):
    """Kafka refused, or a stage doesn't stand where its input goes on. The message says which and what to do."""


class KafkaFailed(EngineError):  # noqa: N818  # says what happened, as ConnectionRefused would
    """Kafka didn't do what it does as a rule; nothing was written that a new start wouldn't find."""


class Fenced(KafkaFailed):
    """The broker listens to another run of this name: a second worker's, or none, where this one was silent too long."""


class Stuck(KafkaFailed):
    """A flush couldn't be written for long: others should have a try at the partitions."""


@contextmanager
def kafka_errors(doing: str) -> Iterator[None]:
    """Turn librdkafka's exceptions into an EngineError that says what was being done."""
    try:
        yield
    except KafkaException as error:
        raise engine_error(f"{doing}: {explain(error)}", error_of(error)) from error


def engine_error(message: str, error: KafkaError) -> EngineError:
    """An error of the class that says whether it may pass."""
    if error.code() in LASTING:
        return EngineError(message)
    return Fenced(message) if error.code() in FENCING else KafkaFailed(message)


def error_of(error: KafkaException) -> KafkaError:
    """The error inside librdkafka's exception."""
    inner = error.args[0]
    assert isinstance(inner, KafkaError), error
    return inner


def explain(error: KafkaException) -> str:
    """What librdkafka says, without its brackets."""
    inner = error_of(error)
    return f"{inner.str()} ({inner.name()})"

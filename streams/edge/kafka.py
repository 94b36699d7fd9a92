"""Kafka's border: how to connect (both clients) and which topics there are. Administration by kafka-python.

The surprise: kafka-python takes the CA, SASL and so on under its own names, and librdkafka under others; both spellings are
made here and nowhere else. No topic is ever altered or deleted: what exists and doesn't fit is said, and left alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import BrokerResponseError, KafkaConfigurationError, KafkaError, TopicAlreadyExistsError, for_code

from streams.core.errors import StreamsError
from streams.engine.admin import until_answered
from streams.engine.stores import AGE_MS_MAX
from streams.settings import Kafka, Settings, Topics

T = TypeVar("T")

DAY_MS = 24 * 60 * 60 * 1000
# One record carries all changes of a flush for a shard; a catch-up over many days may pass Kafka's default of 1 MB.
RECORD_BYTES_MAX = 8 * 1024 * 1024
# Inner topics are read within seconds; a day leaves time to mend what stopped.
INNER_RETENTION_MS = DAY_MS
# A changelog is read from its start at every recovery, and the cleaner leaves the newest segment alone: it holds five minutes of
# changes at the most. Deletions are forgotten after an hour in place of a day, or most of it would be keys that are gone.
CHANGELOG_CLEANING = {
    "segment.bytes": str(16 * 1024 * 1024),
    "segment.ms": str(5 * 60 * 1000),
    "delete.retention.ms": str(2 * AGE_MS_MAX),
}
_CREATE_TIMEOUT_MS = 30_000


class TopicSpec(NamedTuple):
    """A topic as it should be; `setting` names the key that its partition count comes from."""

    name: str
    partitions: int
    setting: str
    configs: dict[str, str]


class TopicReport(NamedTuple):
    """What was found or done; `partitions` as the broker has them (0 where missing)."""

    name: str
    partitions: int
    state: Literal["created", "exists", "missing", "differs"]


def client_settings(settings: Settings) -> dict[str, object]:
    """Connection settings for librdkafka (confluent-kafka): consumers and producers add their own."""
    kafka = settings.kafka
    wanted = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "security.protocol": kafka.security_protocol,
        "sasl.mechanism": kafka.sasl_mechanism,
        "sasl.username": kafka.sasl_username,
        "sasl.password": kafka.sasl_password,
        "ssl.ca.location": kafka.ssl_ca_location,
        "ssl.certificate.location": kafka.ssl_certificate_location,
        "ssl.key.location": kafka.ssl_key_location,
        "message.max.bytes": RECORD_BYTES_MAX,
    }
    return {key: value for key, value in wanted.items() if value != ""}


def python_settings(settings: Settings) -> dict[str, Any]:
    """The same connection for kafka-python's admin and producer."""
    kafka = settings.kafka
    wanted = {
        "bootstrap_servers": [server.strip() for server in kafka.bootstrap_servers.split(",")],
        "security_protocol": kafka.security_protocol,
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.sasl_username,
        "sasl_plain_password": kafka.sasl_password,
        "ssl_cafile": kafka.ssl_ca_location,
        "ssl_certfile": kafka.ssl_certificate_location,
        "ssl_keyfile": kafka.ssl_key_location,
        "bootstrap_timeout_ms": kafka.connect_timeout_seconds * 1000,
    }
    return {key: value for key, value in wanted.items() if value != ""}


@contextmanager
def kafka_errors(kafka: Kafka) -> Iterator[None]:
    """Turn what kafka-python raises inside the block into one line for people."""
    try:
        yield
    except BrokerResponseError as error:
        raise StreamsError(f"Kafka at {kafka.bootstrap_servers} refused: {error}") from error
    except (KafkaConfigurationError, OSError) as error:
        raise StreamsError(f"can't connect to Kafka at {kafka.bootstrap_servers}: {error}") from error
    except KafkaError as error:
        raise no_broker(kafka) from error


def no_broker(kafka: Kafka) -> StreamsError:
    """The one message for a broker that doesn't answer."""
    return StreamsError(
        f"no Kafka broker answers at {kafka.bootstrap_servers} (waited {kafka.connect_timeout_seconds} s). "
        "Start it, or set [kafka] bootstrap_servers or STREAMS_KAFKA_BOOTSTRAP_SERVERS."
    )


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """All topics of the system, in flow order. What sources write to keeps the broker's retention: it is the user's."""
    topics, name = settings.topics, settings.app.name
    retained = {"cleanup.policy": "compact,delete", "retention.ms": str(topics.trend_retention_days * DAY_MS)}
    inner = {"cleanup.policy": "delete", "retention.ms": str(INNER_RETENTION_MS), "max.message.bytes": str(RECORD_BYTES_MAX)}
    compacted = {"cleanup.policy": "compact"}
    changelog = {**compacted, **CHANGELOG_CLEANING, "max.message.bytes": str(RECORD_BYTES_MAX)}
    by_source, by_shard = (topics.partitions, "partitions"), (topics.shards, "shards")
    by_customer = (topics.contact_partitions, "contact_partitions")
    by_agent = (topics.agent_partitions, "agent_partitions")
    one = (1, "")
    wanted = [
        (topics.interactions, by_source, {}),
        (topics.rejected, by_source, {}),
        (topics.late, by_source, {}),
        (f"{name}-intake-changelog", by_source, changelog),
        (topics.contacts, by_customer, inner),
        (f"{name}-journey-changelog", by_customer, changelog),
        (topics.agents, by_agent, {}),
        (f"{name}-agents-changelog", by_agent, changelog),
        (topics.partials, by_shard, inner),
        (f"{name}-merge-changelog", by_shard, changelog),
        (topics.trends, by_shard, retained),
        (topics.minutes, one, inner),
        (f"{name}-detect-changelog", one, changelog),
        (topics.expectations, by_shard, retained),
        (topics.alerts, by_shard, compacted),
        (topics.forecasts, by_shard, retained),
    ]
    return [TopicSpec(topic, *partitions, _durable(topics, configs)) for topic, partitions, configs in wanted]


def _durable(topics: Topics, configs: dict[str, str]) -> dict[str, str]:
    return {**configs, "min.insync.replicas": str(topics.min_insync_replicas)}


def create_topics(settings: Settings) -> list[TopicReport]:
    """Create what is missing and wait until it can be used; idempotent. A topic with other partitions stops it before anything
    is created."""
    specs = topic_specs(settings)

    def create(admin: KafkaAdminClient) -> list[TopicReport]:
        before = {report.name: report for report in _report(admin, specs)}
        differing = [spec for spec in specs if before[spec.name].state == "differs"]
        if differing:
            raise StreamsError(_difference(differing, before))
        missing = [spec for spec in specs if before[spec.name].state == "missing"]
        _create(admin, missing, settings.topics.replication_factor)
        return [_after(spec, spec in missing) for spec in specs]

    return _asked(settings, create)


def list_topics(settings: Settings) -> list[TopicReport]:
    """How each topic of the system stands on the broker."""
    return _asked(settings, lambda admin: _report(admin, topic_specs(settings)))


def partitions_of(settings: Settings, topic: str) -> int:
    """How many partitions a topic has; StreamsError if there is no such topic."""
    found = _asked(settings, _found).get(topic, 0)
    if not found:
        raise no_topic(topic)
    return found


def no_topic(topic: str) -> StreamsError:
    """The one message for a topic that doesn't exist."""
    return StreamsError(f"topic '{topic}' does not exist: run `streams topics create`.")


def _after(spec: TopicSpec, created: bool) -> TopicReport:
    return TopicReport(spec.name, spec.partitions, "created" if created else "exists")


def _difference(specs: list[TopicSpec], found: dict[str, TopicReport]) -> str:
    """Two lines: which topics have other partition counts than the settings say, and what to do."""
    texts = [
        f"{spec.name} has {found[spec.name].partitions}, not {spec.setting and f'[topics] {spec.setting} = '}{spec.partitions}"
        for spec in specs
    ]
    return (
        f"wrong partition counts: topic {'; topic '.join(texts)}.\n"
        "Set the count to what the topics have, or choose other names ([topics], [app] name): state can't be re-partitioned."
    )


def _asked(settings: Settings, ask: Callable[[KafkaAdminClient], T]) -> T:
    """What administration says; asked again as long as [kafka] connect_timeout_seconds allow, so `ask` may be repeated."""

    def once() -> T:
        admin = KafkaAdminClient(client_id=f"{settings.app.name}-topics", **python_settings(settings))
        try:
            return ask(admin)
        finally:
            admin.close()

    with kafka_errors(settings.kafka):
        return until_answered(once, settings.kafka.connect_timeout_seconds)


def _report(admin: KafkaAdminClient, specs: list[TopicSpec]) -> list[TopicReport]:
    found = _found(admin)
    return [_state(spec, found.get(spec.name, 0)) for spec in specs]


def _found(admin: KafkaAdminClient) -> dict[str, int]:
    """Partitions by topic, of all topics: asking by name makes some brokers create the topic."""
    return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics() if topic["error_code"] == 0}


def _state(spec: TopicSpec, partitions: int) -> TopicReport:
    if partitions == 0:
        return TopicReport(spec.name, 0, "missing")
    return TopicReport(spec.name, partitions, "exists" if partitions == spec.partitions else "differs")


def _create(admin: KafkaAdminClient, specs: list[TopicSpec], replication_factor: int) -> None:
    if not specs:
        return
    wanted = {
        spec.name: {"num_partitions": spec.partitions, "replication_factor": replication_factor, "configs": spec.configs}
        for spec in specs
    }
    response = admin.create_topics(wanted, timeout_ms=_CREATE_TIMEOUT_MS, raise_errors=False)
    for topic in response["topics"]:
        error = for_code(topic["error_code"])
        # Another worker may have been quicker.
        if topic["error_code"] != 0 and error is not TopicAlreadyExistsError:
            reason = topic.get("error_message") or error.description
            raise StreamsError(f"Kafka refused to create topic '{topic['name']}': {reason}")
    admin.wait_for_topics([spec.name for spec in specs], timeout_ms=_CREATE_TIMEOUT_MS)

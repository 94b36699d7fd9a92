"""How the settings reach the two Kafka clients, and which topics they ask for. No broker needed."""

import socket

import pytest

from streams import settings
from streams.core.errors import StreamsError
from streams.edge.kafka import TopicSpec, client_settings, create_topics, python_settings, topic_specs
from streams.engine.stores import AGE_MS_MAX

SECURE = {
    "STREAMS_KAFKA_BOOTSTRAP_SERVERS": "one:9093, two:9093",
    "STREAMS_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "STREAMS_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "STREAMS_KAFKA_SASL_USERNAME": "ann",
    "STREAMS_KAFKA_SASL_PASSWORD": "secret",
    "STREAMS_KAFKA_SSL_CA_LOCATION": __file__,  # any file that exists
}


def test_librdkafka_gets_its_own_names_and_nothing_that_is_empty() -> None:
    expected = {
        "bootstrap.servers": "one:9093, two:9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "ann",
        "sasl.password": "secret",
        "ssl.ca.location": __file__,
        "message.max.bytes": 8_388_608,
    }
    assert expected == client_settings(settings.load([], SECURE))


def test_kafka_python_gets_the_same_connection() -> None:
    expected = {
        "bootstrap_servers": ["one:9093", "two:9093"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ann",
        "sasl_plain_password": "secret",
        "ssl_cafile": __file__,
        "bootstrap_timeout_ms": 10_000,
    }
    assert expected == python_settings(settings.load([], SECURE))


def test_every_topic_has_the_partitions_of_its_stage() -> None:
    loaded = settings.load([], {"STREAMS_TOPICS_PARTITIONS": "6", "STREAMS_TOPICS_SHARDS": "3"})
    expected = {
        "interactions": 6,
        "interactions.rejected": 6,
        "interactions.late": 6,
        "streams-intake-changelog": 6,
        "contacts": 2,
        "streams-journey-changelog": 2,
        "agents": 1,
        "streams-agents-changelog": 1,
        "partials": 3,
        "streams-merge-changelog": 3,
        "trends": 3,
        "minutes": 1,
        "streams-detect-changelog": 1,
        "expectations": 3,
        "alerts": 3,
        "forecasts": 3,
    }
    assert expected == {spec.name: spec.partitions for spec in topic_specs(loaded)}


def test_trends_are_compacted_and_kept_for_their_retention() -> None:
    replicated = {"STREAMS_TOPICS_MIN_INSYNC_REPLICAS": "2", "STREAMS_TOPICS_REPLICATION_FACTOR": "3"}
    loaded = settings.load([], {"STREAMS_TOPICS_TREND_RETENTION_DAYS": "2", **replicated})
    configs = {"cleanup.policy": "compact,delete", "retention.ms": "172800000", "min.insync.replicas": "2"}
    assert TopicSpec("trends", 2, "shards", configs) in topic_specs(loaded)


def test_a_changelog_keeps_deletions_twice_as_long_as_a_copy_on_disk_may_sleep_and_its_segments_take_the_longest_record() -> None:
    changelogs = [spec.configs for spec in topic_specs(settings.load([], {})) if spec.name.endswith("-changelog")]
    assert len(changelogs) == 5
    for configs in changelogs:
        assert int(configs["delete.retention.ms"]) == 2 * AGE_MS_MAX
        assert int(configs["segment.bytes"]) > int(configs["max.message.bytes"])


def test_a_broker_that_does_not_answer_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = {"STREAMS_KAFKA_BOOTSTRAP_SERVERS": address, "STREAMS_KAFKA_CONNECT_TIMEOUT_SECONDS": "1"}
        with pytest.raises(StreamsError) as error:
            create_topics(settings.load([], environment))
    expected = (
        f"no Kafka broker answers at {address} (waited 1 s). "
        "Start it, or set [kafka] bootstrap_servers or STREAMS_KAFKA_BOOTSTRAP_SERVERS."
    )
    assert expected == str(error.value)

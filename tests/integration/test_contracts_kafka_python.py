"""What the engine and the commands lean on in kafka-python: each name says what breaks when a new version changes its ways."""

from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import pytest
from contract_kafka import Ground, ground
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import (
    BrokerResponseError,
    KafkaConfigurationError,
    KafkaError,
    TopicAlreadyExistsError,
    UnsupportedVersionError,
    for_code,
)

pytestmark = pytest.mark.integration

SECONDS = 30


@pytest.fixture
def admin(kafka: str) -> Iterator[KafkaAdminClient]:
    """Administration of real Kafka."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    yield admin
    admin.close()


@pytest.fixture
def log(kafka: str) -> Iterator[Ground]:
    """A topic with two partitions."""
    yield from ground(kafka, 2)


def test_topics_are_found_with_their_partitions_without_naming_them(admin: KafkaAdminClient, log: Ground) -> None:
    """Asking by name makes some brokers create the topic."""
    found = {topic["name"]: (len(topic["partitions"]), topic["error_code"]) for topic in admin.describe_topics()}
    assert found[log.topic] == (2, 0)


def test_a_topic_that_another_worker_made_first_is_told_by_its_code(admin: KafkaAdminClient, log: Ground) -> None:
    """`streams topics create` may run on several machines at once."""
    new = f"contract-{uuid4().hex[:8]}"
    wanted = {name: {"num_partitions": 2, "replication_factor": 1, "configs": {}} for name in (log.topic, new)}
    answer = admin.create_topics(wanted, timeout_ms=SECONDS * 1000, raise_errors=False)
    codes = {topic["name"]: topic["error_code"] for topic in answer["topics"]}
    assert codes[new] == 0
    assert for_code(codes[log.topic]) is TopicAlreadyExistsError
    admin.wait_for_topics([new], timeout_ms=SECONDS * 1000)
    assert new in {topic["name"] for topic in admin.describe_topics()}


def test_a_refused_topic_comes_with_the_brokers_reason(admin: KafkaAdminClient) -> None:
    wanted = {"contract-refused": {"num_partitions": 1, "replication_factor": 9, "configs": {}}}
    (topic,) = admin.create_topics(wanted, timeout_ms=SECONDS * 1000, raise_errors=False)["topics"]
    assert topic["error_code"] != 0
    assert topic.get("error_message") or for_code(topic["error_code"]).description


def test_a_broker_without_transactions_can_not_list_them(admin: KafkaAdminClient, tansu: str) -> None:
    """The only question that tells the two apart: the embedded one says yes to all else."""
    admin.list_transactions()
    embedded = KafkaAdminClient(bootstrap_servers=tansu)
    with pytest.raises(UnsupportedVersionError):
        embedded.list_transactions()
    embedded.close()


def test_a_member_that_is_not_there_can_be_taken_out_without_harm(admin: KafkaAdminClient, log: Ground) -> None:
    """A stop that comes before the start was over leaves a group that it never joined."""
    with suppress(BrokerResponseError):
        admin.remove_group_members(f"{log.topic}-stage", [MemberToRemove(group_instance_id="nobody")])


@pytest.mark.parametrize("client", [KafkaAdminClient, KafkaProducer])
def test_a_broker_that_is_not_there_is_told_within_the_time_given(client: type[KafkaAdminClient] | type[KafkaProducer]) -> None:
    """By one of the errors that edge.kafka turns into a line for people."""
    with pytest.raises((KafkaError, KafkaConfigurationError, OSError)):
        client(bootstrap_servers="127.0.0.1:1", bootstrap_timeout_ms=500)


def test_a_record_that_was_not_taken_fails_its_future_and_not_the_next_send(log: Ground) -> None:
    """Replay sends on and looks afterwards."""
    producer = KafkaProducer(bootstrap_servers=log.broker, max_request_size=8_000_000, enable_idempotence=False)
    failures: list[object] = []
    producer.send(log.topic, b"x" * 1_500_000, partition=0).add_errback(failures.append)  # more than a broker takes
    producer.flush(SECONDS)
    taken = producer.send(log.topic, b"x", partition=0).get(SECONDS)
    assert [isinstance(failure, KafkaError) for failure in failures] == [True]
    assert taken.offset == 0
    producer.close()

"""Which broker leads what: partitions, and the inner topics by which groups and transactions find their coordinators.

The surprise: a coordinator is the leader of the inner topic's partition that Java's hash of the name chooses.
"""

from confluent_kafka import ElectionType, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import TopicMetadata
from kafka import TopicPartition as Place
from kafka.admin import KafkaAdminClient
from running import eventually

ASK_SECONDS = 10


def java_hash(text: str) -> int:
    """String.hashCode of Java, as Kafka's Utils.abs leaves it."""
    value = 0
    for unit in text.encode("utf-16-be")[1::2]:  # ASCII names: the low bytes
        value = (31 * value + unit) & 0xFFFFFFFF
    signed = value - (1 << 32) if value & 0x80000000 else value
    return 0 if signed == -(1 << 31) else abs(signed)


def topic_metadata(bootstrap: str, topic: str) -> TopicMetadata:
    """Partitions, leaders and replicas of a topic, as one broker that answers knows them."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(topic, timeout=ASK_SECONDS).topics[topic]


def leader_of(bootstrap: str, topic: str, partition: int) -> int:
    """The broker's number, -1 while there is none."""
    return int(topic_metadata(bootstrap, topic).partitions[partition].leader)


def coordinator(bootstrap: str, inner: str, name: str) -> int:
    """The broker that leads this group's partition of `__consumer_offsets`, or this id's of `__transaction_state`."""
    # A broker that hasn't heard of the topic yet, which is made at its first use, tells of one without partitions.
    places = eventually(lambda: topic_metadata(bootstrap, inner).partitions, ASK_SECONDS, f"{inner} is known everywhere")
    return leader_of(bootstrap, inner, java_hash(name) % len(places))


def is_whole(bootstrap: str) -> bool:
    """Whether every partition has a leader and all its replicas in sync."""
    try:
        metadata = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=ASK_SECONDS)
    except KafkaException:
        return False
    places = [place for topic in metadata.topics.values() for place in topic.partitions.values()]
    return len(metadata.brokers) == len(bootstrap.split(",")) and all(
        place.leader >= 0 and len(place.isrs) == len(place.replicas) for place in places
    )


def move_leader(bootstrap: str, topic: str, partition: int) -> tuple[int, int]:
    """Make the next replica the preferred leader and elect it: the leader before and after."""
    place = topic_metadata(bootstrap, topic).partitions[partition]
    before, replicas = place.leader, [*place.replicas[1:], place.replicas[0]]
    admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    try:
        admin.alter_partition_reassignments({Place(topic, partition): replicas})
    finally:
        admin.close()
    eventually(lambda: list(topic_metadata(bootstrap, topic).partitions[partition].replicas) == replicas, 30, "reassigned")
    elections = AdminClient({"bootstrap.servers": bootstrap})
    elections.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, partition)]).result()
    eventually(lambda: leader_of(bootstrap, topic, partition) == replicas[0], 30, f"{replicas[0]} leads {topic}/{partition}")
    return before, replicas[0]

"""Limits and times of a stage, and the librdkafka settings that follow from them.

The surprise: a transactional stage always is a static member of its group (`group.instance.id`). That isn't for comfort only:
a broker takes transactional offsets without a check from a client that has lost its member id, but never for a static member.
"""

from dataclasses import dataclass

READ_COMMITTED = "read_committed"
# A member's queue may pass its limit by one answer of each broker, which is compressed, too: the default is 50 MB. No smaller
# than the largest record.
FETCH_BYTES_MAX = 8 * 1024 * 1024
QUEUE_KILOBYTES_MAX = 64 * 1024  # of a flush, handed to librdkafka and not yet acknowledged; the rest waits. The default is 1 GB

Settings = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class StageOptions:
    """What all stages of a worker share."""

    app: str  # prefix of groups, transactional ids and changelogs
    worker: str  # stable name of this worker, unique in the group
    flush_seconds: float
    flush_seconds_max: float
    drain_seconds: float  # what follows the clock is looked for this often where nothing comes
    batch_records: int
    batches_under_way: int
    fetch_queue_kilobytes: int
    kilobytes_under_way: int
    session_timeout_seconds: float
    transaction_timeout_seconds: float
    transactional: bool
    # One transaction takes no more, but for what one partition adds at once: 50,000 take 3 s on a busy machine, and the broker
    # aborts what isn't committed within transaction_timeout_seconds. The other partitions' turn comes in the next one.
    flush_records_max: int = 50_000

    def group(self, stage: str) -> str:
        """The consumer group of a stage."""
        return f"{self.app}-{stage}"

    def changelog(self, stage: str) -> str:
        """The topic that keeps a stage's table."""
        return f"{self.app}-{stage}-changelog"

    def instance(self, stage: str) -> str:
        """This worker's name as a static member of the stage's group."""
        return f"{self.worker}-{stage}"

    def transactional_id(self, stage: str) -> str:
        """The name under which the broker fences earlier runs of this worker."""
        return f"{self.app}-{stage}-{self.worker}"


def reader_settings(client: Settings) -> Settings:
    """Settings of anything that reads: committed records only, never by an offset that nobody asked for."""
    return {
        **client,
        "isolation.level": READ_COMMITTED,
        "auto.offset.reset": "error",  # a position that no longer exists is a loss: say so, don't jump
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,  # the only sign that all committed records were read
        "allow.auto.create.topics": False,
        "fetch.wait.max.ms": 100,
        "fetch.queue.backoff.ms": 5,  # with the default of 1,000 a fast consumer waits most of the time
        "fetch.error.backoff.ms": 100,
        "log_level": 0,  # what matters arrives by error_cb
    }


def member_settings(client: Settings, options: StageOptions, stage: str, *, static: bool) -> Settings:
    """Settings of a member of the stage's consumer group."""
    session_ms = round(options.session_timeout_seconds * 1000)
    member: Settings = {
        **reader_settings(client),
        "group.id": options.group(stage),
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": max(100, session_ms // 6),  # also how soon a member hears of a rebalance
        "queued.max.messages.kbytes": options.fetch_queue_kilobytes,
        "fetch.max.bytes": FETCH_BYTES_MAX,
    }
    if static:
        member["group.instance.id"] = options.instance(stage)
    return member


def writer_settings(client: Settings) -> Settings:
    """Settings of anything that writes: the partition of a key as in Java and kafka-python, acknowledged by all replicas."""
    return {
        **client,
        "acks": "all",
        "compression.type": "lz4",
        "queue.buffering.max.kbytes": QUEUE_KILOBYTES_MAX,
        "linger.ms": 1,  # a flush is produced in one go and then waited for
        "partitioner": "murmur2_random",
        "log_level": 0,
    }

"""What goes in and what comes out: record batches of one partition, and outputs of a flush.

The surprise: `first` and `next` are positions, not offsets of records. Between them may be gaps that Kafka keeps for itself
(transaction markers, compacted records), so `next - first` is not the number of records.
"""

from typing import Any, NamedTuple

Headers = list[tuple[str, bytes]]


class Batch(NamedTuple):
    """Records of one partition that cover the positions [first, next)."""

    topic: str
    partition: int
    first: int  # where the state must stand before
    next: int  # where it stands after
    records: list[Any]  # the messages, or what the stage has prepared of them
    read_ms: int  # wall clock when they were read
    messages: int  # how many were read
    assignment: int = 0  # counts assignments of this reader, so that a batch of an earlier one is known


class Output(NamedTuple):
    """A record to be sent; `partition` -1 chooses by key, as Java and kafka-python do. `value` None deletes the key."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int = -1
    headers: Headers | None = None

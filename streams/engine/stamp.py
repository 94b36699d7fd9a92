"""At which position of its source the state of a table partition stands, and how far a copy of that state has come.

The surprise: a position isn't enough to tell one state from another. A flush may change the state, and send a frame, without a
new record from the source. So flushes are numbered, and the number is committed beside the offset.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

RESERVED = b"\x00"  # no key of a table begins with it
STAMP_KEY = RESERVED + b"stamp"
BEGINNING = OFFSET_BEGINNING
NO_RULES: Mapping[str, str] = {}


class Stamp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the state of a table partition stands in its source."""

    position: int
    flush: int = 0  # counts the flushes of this partition
    worker: str = ""  # who wrote it, for people who look for the cause of a mismatch
    at_ms: int = 0
    rules: dict[str, str] = {}  # the settings without which the state means something else


class Committed(NamedTuple):
    """What a group committed: an offset, and of which flush it was (None where somebody else committed it)."""

    position: int
    flush: int | None = None


def to_commit(topic: str, partition: int, stamp: Stamp) -> TopicPartition:
    """A stamp as the offset to be committed in its transaction."""
    return TopicPartition(topic, partition, stamp.position, str(stamp.flush))


def committed_of(answer: TopicPartition) -> Committed | None:
    """What was committed, from the broker's answer; None where nothing ever was."""
    if answer.offset < 0:
        return None
    number = answer.metadata
    return Committed(answer.offset, int(number) if number and number.isdecimal() else None)


class Mark(msgspec.Struct, frozen=True):
    """How far a copy of the state has come: the stamp of what it holds, and the offset of its changelog from which on to read."""

    stamp: Stamp | None = None
    next: int = BEGINNING


def encode_stamp(stamp: Stamp) -> bytes:
    """The stamp as it stands in the changelog."""
    return msgspec.json.encode(stamp)


def decode_stamp(data: bytes) -> Stamp:
    """Bytes of `encode_stamp` as a stamp."""
    return msgspec.json.decode(data, type=Stamp)

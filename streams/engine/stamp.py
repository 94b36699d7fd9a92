"""At which position of its source the state of a table partition stands, and how far a copy of that state has come.

The surprise: the stamp is a record of the changelog like any other, so it is durable exactly when what it speaks of is.
"""

import msgspec
from confluent_kafka import OFFSET_BEGINNING

RESERVED = b"\x00"  # no key of a table begins with it
STAMP_KEY = RESERVED + b"stamp"
BEGINNING = OFFSET_BEGINNING


class Stamp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the state of a table partition stands in its source."""

    position: int
    worker: str = ""  # who wrote it, for people who look for the cause of a mismatch
    at_ms: int = 0
    rules: dict[str, str] = {}  # the settings without which the state means something else


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

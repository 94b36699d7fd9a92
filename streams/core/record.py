"""What the core needs to know of a Kafka record: the four methods that it reads of a `confluent_kafka.Message`.

The surprise: the types are as wide as that package declares them. What a consumer gives has a list of headers and an offset.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

Header: TypeAlias = str | bytes | None
Headers: TypeAlias = Mapping[str, Header] | Sequence[tuple[str, Header]]


class Record(Protocol):
    """A record as the consumer gives it; values are bytes as they came."""

    def value(self) -> bytes | None: ...
    def key(self) -> bytes | None: ...
    def headers(self) -> Headers | None: ...
    def offset(self) -> int | None: ...


def offset_of(record: Record) -> int:
    """The place of a consumed record in its partition."""
    offset = record.offset()
    assert offset is not None, "a consumed record has an offset"
    return offset

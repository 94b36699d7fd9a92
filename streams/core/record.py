"""What the core needs to know of a Kafka record: the four methods that it reads of a `confluent_kafka.Message`."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """A record as the consumer gives it; values are bytes as they came."""

    def value(self) -> bytes | None: ...
    def key(self) -> bytes | None: ...
    def headers(self) -> Headers | None: ...
    def offset(self) -> int: ...

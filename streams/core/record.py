"""What the core needs to know of a Kafka record: the four methods that it reads of a `confluent_kafka.Message`.

The surprise: the types are as wide as that package declares them. What a consumer gives has a list of headers and an offset.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import methodcaller
from typing import Protocol, TypeAlias

_HEADERS: Callable[["Record"], "Headers | None"] = methodcaller("headers")

Header: TypeAlias = str | bytes | None
Headers: TypeAlias = Mapping[str, Header] | Sequence[tuple[str, Header]]


class Record(Protocol):
    """A record as the consumer gives it; values are bytes as they came."""

    def value(self) -> bytes | None: ...
    def key(self) -> bytes | None: ...
    def headers(self) -> Headers | None: ...
    def offset(self) -> int | None: ...


def headers_of(record: Record) -> Headers | None:
    """The headers of a record; None where the name of one isn't UTF-8. Then don't ask again: the process would die.

    confluent-kafka 2.16 raises and returns at once, and the next time returns a name that is a null pointer. Only a call made
    from C, as by `methodcaller`, surely sees what is raised.
    """
    try:
        return _HEADERS(record) or ()
    except (UnicodeDecodeError, SystemError):
        return None


def header_pairs(headers: Headers) -> list[tuple[str, bytes]]:
    """Headers in their order; one without a value gets an empty one."""
    items = headers.items() if isinstance(headers, Mapping) else headers
    return [(name, value.encode() if isinstance(value, str) else value or b"") for name, value in items]


def offset_of(record: Record) -> int:
    """The place of a consumed record in its partition."""
    offset = record.offset()
    assert offset is not None, "a consumed record has an offset"
    return offset

"""Records put aside as they came, refused or late: what is kept of them, what is written beside them, and the way back.

What is added goes behind the record's own headers, so that the last of a name is ours and the first ones are the record as it
came. The surprise: a record may be cut. More must never be kept than can be written, or the worker would stop at it for ever.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from streams.core.event import Rejection
from streams.core.record import Record, header_pairs, headers_of, offset_of

# Together with what is added, a kept record fits into 1,048,588 bytes, which is what Kafka takes unless it is told otherwise.
KEPT_VALUE_BYTES_MAX = 1_000_000
KEPT_ENVELOPE_BYTES_MAX = 32 * 1024

ORIGIN = ("topic", "partition", "offset")
CUT = "cut_bytes"
REFUSED = ("reason", "detail", *ORIGIN)  # what is added to a refused record
PUSHED = ("reason", "detail", "pushed_to")  # what there is beside a payload that was refused before it was a record


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A record as it came. cut_bytes: its bytes in all where it is too long to be kept whole, 0 where nothing is missing.

    Of a value the beginning stays; key and headers that are too long together are left out.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    cut_bytes: int


class Original(NamedTuple):
    """A refused record as it came, the topic and partition where it stood, and why it was refused."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    topic: str
    partition: int
    reason: str


class Payload(NamedTuple):
    """A refused payload as it was pushed to a source, and why it was refused."""

    source: str
    body: bytes
    reason: str


def keep(record: Record, *, with_headers: bool = True) -> Kept:
    """What is kept of a consumed record; without headers where those can't be read."""
    key, value = record.key(), record.value()
    headers = header_pairs((headers_of(record) if with_headers else None) or ())
    length, envelope = len(value or b""), len(key or b"") + sum(len(name) + len(content) for name, content in headers)
    if length <= KEPT_VALUE_BYTES_MAX and envelope <= KEPT_ENVELOPE_BYTES_MAX:
        return Kept(offset_of(record), key, value, headers, 0)
    if envelope > KEPT_ENVELOPE_BYTES_MAX:
        key, headers = None, []
    return Kept(offset_of(record), key, None if value is None else value[:KEPT_VALUE_BYTES_MAX], headers, length + envelope)


def headers_with(record: Kept, why: Mapping[str, str], topic: str, partition: int) -> list[tuple[str, bytes]]:
    """A kept record's own headers, then why it is put aside and where it stood."""
    place = zip(ORIGIN, (topic, str(partition), str(record.offset)), strict=True)
    cut = {CUT: str(record.cut_bytes)} if record.cut_bytes else {}
    return [*record.headers, *((name, text.encode()) for name, text in {**why, **dict(place), **cut}.items())]


def original(refused: Record) -> Original | None:
    """The way back from a record of `interactions.rejected`; None where it was cut or intake didn't write it."""
    headers = header_pairs(headers_of(refused) or ())
    own, added = headers[: -len(REFUSED)], headers[-len(REFUSED) :]
    if tuple(name for name, _ in added) != REFUSED:
        return None
    what = {name: text.decode() for name, text in added}
    return Original(refused.key(), refused.value(), own, what["topic"], int(what["partition"]), what["reason"])


def payload_headers(source: str, why: Rejection) -> list[tuple[str, bytes]]:
    """What is written beside a refused payload of a source."""
    texts = (why.reason.value, why.detail, source)
    return [(name, text.encode()) for name, text in zip(PUSHED, texts, strict=True)]


def payload_of(refused: Record) -> Payload | None:
    """The payload in a record of `interactions.rejected`; None where it is a record that intake refused."""
    headers = header_pairs(headers_of(refused) or ())
    if tuple(name for name, _ in headers) != PUSHED:
        return None
    reason, _, source = (text.decode() for _, text in headers)
    return Payload(source, refused.value() or b"", reason)

"""The reference job's fields and arithmetic, for the contestants in Python with a loop of their own: this engine, the bare loop.

1-minute windows of event time by queue × channel: count, sum and max of handle time.
"""

from collections.abc import Iterable

import msgspec
from confluent_kafka import Message

MINUTE_MS = 60_000


class Interaction(msgspec.Struct, gc=False):
    """The fields that the job needs."""

    time: int
    queue: str
    channel: str
    handle_ms: int


class Sums(msgspec.Struct, gc=False):
    """What is published, as JSON, of one queue × channel × minute."""

    count: int
    sum: int
    max: int


Key = tuple[str, str, int]  # queue, channel, minute

decode = msgspec.json.Decoder(Interaction).decode
decode_sums = msgspec.json.Decoder(Sums).decode
encode_sums = msgspec.json.Encoder().encode


def add_up(messages: Iterable[Message], sums: dict[Key, list[int]]) -> None:
    """Add messages to sums: the reference job's arithmetic."""
    for message in messages:
        event = decode(message.value() or b"")
        key = (event.queue, event.channel, event.time // MINUTE_MS)
        known = sums.get(key)
        handle_ms = event.handle_ms
        if known is None:
            sums[key] = [1, handle_ms, handle_ms]
        else:
            known[0] += 1
            known[1] += handle_ms
            if handle_ms > known[2]:
                known[2] = handle_ms


def key_of(part: object, key: Key) -> bytes:
    """The key of an output record. `part` says what part of the input it sums up where a contestant counts in parts, else ''."""
    return f"{part}|{key[0]}|{key[1]}|{key[2]}".encode()


def key_in(data: bytes) -> Key:
    """The key in the key of an output record."""
    _part, queue, channel, minute = data.decode().split("|")
    return queue, channel, int(minute)

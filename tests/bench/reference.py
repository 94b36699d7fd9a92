"""The reference job's fields and arithmetic, for the contestants in Python with a loop of their own: this engine, the bare loop.

1-minute windows of event time by queue × channel: count, sum and max of handle time.
"""

import msgspec

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


def key_of(part: object, key: Key) -> bytes:
    """The key of an output record. `part` says what part of the input it sums up where a contestant counts in parts, else ''."""
    return f"{part}|{key[0]}|{key[1]}|{key[2]}".encode()


def key_in(data: bytes) -> Key:
    """The key in the key of an output record."""
    _part, queue, channel, minute = data.decode().split("|")
    return queue, channel, int(minute)

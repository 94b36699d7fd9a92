"""Acknowledgement: somebody has seen an alert and takes care of it; nobody else is called until it ends or grows worse.

It comes to detect as an order on the topic `minutes`, between two minutes, so that it is state like any other: stamped,
recovered, on the alert's record. The surprise: an order is a MessagePack map where a minute frame is an array; one byte tells
them apart.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from streams.core.frame import MinuteFrame, decode_minutes
from streams.core.wire import Text

COMMENT_CHARACTERS_MAX = 500  # it is on the alert's record each minute
DAYS_MAX = 30  # no alert is firing so long: after a day a level shift counts as usual
_MAP, _KIND_BITS = 0x80, 0xF0  # MessagePack: a map of up to 15 fields


class Notice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says who takes care of an alert, as it comes from outside. What it may hold is checked here: an order that
    detect can't read would stop each worker that takes over.
    """

    by: Text
    comment: Annotated[str, Meta(max_length=COMMENT_CHARACTERS_MAX)] = ""
    for_minutes: Annotated[int, Meta(ge=1, le=DAYS_MAX * 1440)] | None = None


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who has seen an alert, what they say, when, and until when it holds (ms since the epoch; None: until the end)."""

    by: str
    comment: str
    at_ms: int
    until_ms: int | None


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Acknowledge an alert; None takes it back."""

    alert_id: str
    acknowledgement: Acknowledgement | None


def acknowledged(notice: Notice, now_ms: int) -> Acknowledgement:
    """The acknowledgement that a notice gives now."""
    until_ms = None if notice.for_minutes is None else now_ms + notice.for_minutes * 60_000
    return Acknowledgement(by=notice.by, comment=notice.comment, at_ms=now_ms, until_ms=until_ms)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Order)


def encode_order(order: Order) -> bytes:
    """An order as bytes."""
    return _ENCODER.encode(order)


def is_order(data: bytes) -> bool:
    """Whether a record of the topic `minutes` is an order."""
    return data[0] & _KIND_BITS == _MAP


def decode_order(data: bytes) -> Order:
    """Bytes of `encode_order` as an order."""
    return _DECODER.decode(data)


def decode_told(data: bytes) -> MinuteFrame | Order:
    """A record of the topic `minutes`."""
    return decode_order(data) if is_order(data) else decode_minutes(data)


def holding(given: Acknowledgement | None, now_ms: int, *, worse: bool) -> Acknowledgement | None:
    """What is left of an acknowledgement: nothing once its time is up, or the alert has become worse than what was seen."""
    if given is None or worse or (given.until_ms is not None and now_ms >= given.until_ms):
        return None
    return given

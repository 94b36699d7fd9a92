"""Canonical events: what a source may say of an interaction, and why a record may be refused.

This module owns the vocabulary; `decode.py` owns the way from bytes to an `Event`.
Unknown fields are ignored, so that a source may say more than we understand.
"""

from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

MAX_RECORD_BYTES = 64 * 1024
MAX_IDENTIFIER_CHARACTERS = 200

EventType: TypeAlias = Literal[
    "offered",
    "queued",
    "answered",
    "abandoned",
    "transferred",
    "escalated",
    "replied",
    "completed",
    "reopened",
    "surveyed",
    "sentiment",
    "heartbeat",
]


class Reason(StrEnum):
    """Why a record is refused; closed, so that it can be a metric label."""

    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    MISSING_FIELD = "missing_field"
    BAD_TYPE = "bad_type"
    BAD_TIME = "bad_time"
    FUTURE_TIME = "future_time"
    UNKNOWN_TYPE = "unknown_type"
    BAD_VALUE = "bad_value"
    UNKNOWN_SOURCE = "unknown_source"


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Bad input as a value. `detail` names the field and what was expected, never the value that was found."""

    reason: Reason
    detail: str


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One validated canonical event. `time_ms` is event time, milliseconds since the epoch; durations are in ms.

    Type 'heartbeat' says only 'this source is alive and had nothing before time_ms to say'; it moves the watermark, belongs to no
    interaction (interaction_id '') and is written to every partition.
    """

    id: str
    source: str
    type: EventType
    time_ms: int
    interaction_id: str
    customer_id: str | None = None
    channel: str | None = None
    queue: str | None = None
    issue: str | None = None
    product: str | None = None
    segment: str | None = None
    region: str | None = None
    age_band: str | None = None
    language: str | None = None
    agent_id: str | None = None
    direction: str | None = None
    initiation_method: str | None = None
    parent_interaction_id: str | None = None
    bot: bool | None = None
    target_queue: str | None = None
    tier: str | None = None
    author: str | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    wrap_ms: int | None = None
    resolved: bool | None = None
    outcome: str | None = None
    csat: int | None = None
    nps: int | None = None
    score: float | None = None

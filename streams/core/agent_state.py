"""Agent states as they are written in JSON on the topic `agents`: who is available, on a contact, at work after one, away, gone.

One record says what an agent does from `time` on, until the next one says otherwise, and which queues they serve. The surprise:
the same topic carries the pulses of intake, under a key of their own, because how far time has come is intake's to say.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from streams.core import cloudevents
from streams.core.event import MAX_RECORD_BYTES, Reason, Rejection
from streams.core.record import Record, headers_of
from streams.core.series import SEPARATOR
from streams.core.wire import Moment, Text, refusal

AGENT_STATE = "agent_state"  # the only type on the topic
QUEUES_MAX = 100  # of one agent: more is a routing profile that holds everything, and the total says that

State: TypeAlias = Literal["available", "on_contact", "after_contact_work", "break", "offline"]
STATES: tuple[State, ...] = get_args(State)


class AgentState(msgspec.Struct, gc=False, kw_only=True):
    """What an agent does from `time` on. queues: which they serve; absent where the last known ones still hold."""

    id: Text
    source: Text
    type: Literal["agent_state"]
    time: Moment
    agent_id: Text
    state: State
    queues: Annotated[list[Text], Meta(max_length=QUEUES_MAX)] | None = None
    specversion: Any = None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
UNREADABLE_HEADERS = Rejection(Reason.BAD_VALUE, "headers: expected names in UTF-8")
_NO_VALUE = Rejection(Reason.NOT_JSON, "record: expected a JSON object")


def read_state(record: Record, sources: frozenset[str], latest_ms: int) -> tuple[AgentState, int] | Rejection:
    """A record's state and its time (ms since the epoch, rounded down), which may not be after `latest_ms`."""
    value = record.value()
    if value is None:
        return _NO_VALUE
    if len(value) > MAX_RECORD_BYTES:
        return Rejection(Reason.TOO_LARGE, f"record: expected at most {MAX_RECORD_BYTES:,} bytes")
    headers = headers_of(record)
    if headers is None:
        return UNREADABLE_HEADERS
    try:
        fields = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NO_VALUE
    if not isinstance(fields, dict):
        return Rejection(Reason.BAD_TYPE, "record: expected a JSON object")
    pairs = cloudevents.pairs(headers)
    if "specversion" in fields or cloudevents.in_headers(pairs):
        unwrapped = cloudevents.unwrap(fields, pairs)
        if isinstance(unwrapped, Rejection):
            return unwrapped
        fields = unwrapped
    state = state_of(fields)
    if isinstance(state, Rejection):
        return state
    time_ms = milliseconds(state)
    if time_ms > latest_ms:
        return Rejection(Reason.FUTURE_TIME, "time: expected at most [events] ahead_seconds_max ahead of the clock")
    if time_ms < 0:
        return Rejection(Reason.BAD_TIME, "time: expected 1970 or later")
    if sources and state.source not in sources:
        return Rejection(Reason.UNKNOWN_SOURCE, "source: expected one of the configured names")
    return state, time_ms


def state_of(fields: dict[str, object]) -> AgentState | Rejection:
    """The state in a JSON object's fields, or the first field that is not what it must be."""
    try:
        state = msgspec.convert(fields, AgentState)
    except msgspec.ValidationError:
        return refusal(fields, AgentState)
    if any(SEPARATOR in queue for queue in state.queues or ()):
        return Rejection(Reason.BAD_VALUE, "queues: expected no unit separator (U+001F)")
    return state


def milliseconds(state: AgentState) -> int:
    """When a state began, ms since the epoch."""
    time = state.time
    return time if isinstance(time, int) else (time - _EPOCH) // _MILLISECOND

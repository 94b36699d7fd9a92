"""Canonical events as somebody pushes or files them: one JSON object, an array of them, or one a line; CloudEvents, too.

What an event may hold is said in core/wire.py and asked there, so that intake has little to refuse of what passes here: what its
clock and its settings say. The surprise: one event that is refused refuses all that came with it.
"""

import msgspec

from streams.core import cloudevents
from streams.core.agent_state import AGENT_STATE, state_of
from streams.core.event import Reason, Rejection
from streams.core.wire import Wire, refusal
from streams.sources.payload import TIME_MS_MAX, FieldError, json_of, need_object, need_time
from streams.sources.row import CanonicalEvent, Row

_FIELDS = tuple(field for field in Wire.__struct_fields__ if field not in ("time", "specversion"))


def read(body: bytes) -> Row | Rejection:
    """The events of a payload, `time` in epoch milliseconds. Heartbeats are left out: who sends them speaks for every feed."""
    try:
        found = [_event(fields) for fields in _objects(body)]
    except FieldError as bad:
        return bad.rejection
    rules = ("heartbeat_left_out",) * found.count(None)
    return Row([event for event in found if event is not None], rules)


def _objects(body: bytes) -> list[dict[str, object]]:
    """The objects in a payload, whichever way they are put together."""
    try:
        found = json_of(body)
    except FieldError:
        found = [json_of(line) for line in body.splitlines() if line.strip()]
        if not found:
            raise
    return [need_object(one, "payload") for one in (found if isinstance(found, list) else [found])]


def _event(fields: dict[str, object]) -> CanonicalEvent | None:
    """One event, or one state of an agent; None for a heartbeat."""
    if "specversion" in fields:
        unwrapped = cloudevents.unwrap(fields, ())
        if isinstance(unwrapped, Rejection):
            raise FieldError(unwrapped.reason, unwrapped.detail)
        fields = unwrapped
    if fields.get("type") == AGENT_STATE:
        return _state(fields)
    try:
        wire = msgspec.convert(fields, Wire)
    except msgspec.ValidationError as error:
        why = refusal(fields)
        raise FieldError(why.reason, why.detail) from error
    if wire.type == "heartbeat":
        return None
    if wire.interaction_id is None:
        raise FieldError(Reason.MISSING_FIELD, "interaction_id: expected on every event but a heartbeat")
    known = {field: value for field in _FIELDS if (value := getattr(wire, field)) is not None}
    return {**known, "time": _time_ms(fields)}


def _state(fields: dict[str, object]) -> CanonicalEvent:
    state = state_of(fields)
    if isinstance(state, Rejection):
        raise FieldError(state.reason, state.detail)
    told: CanonicalEvent = {name: str(getattr(state, name)) for name in ("id", "source", "type", "agent_id", "state")}
    known: CanonicalEvent = {} if state.queues is None else {"queues": state.queues}
    return {**told, "time": _time_ms(fields), **known}


def _time_ms(fields: dict[str, object]) -> int:
    """Milliseconds since the epoch; a number is that already."""
    time = fields["time"]
    if not isinstance(time, int):
        return need_time(fields, "time")
    if time > TIME_MS_MAX:
        raise FieldError(Reason.BAD_TIME, "time: expected milliseconds since the epoch")
    return time

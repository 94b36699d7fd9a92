"""Twilio TaskRouter: event callbacks (a form) and Event Streams (CloudEvents, mostly several in an array) → the events of a task.

Both say the same in different spelling; fields of a form are read as if they were spelt as in the stream (TaskQueueName →
task_queue_name). The surprise: a canceled task is abandoned only where the reason says that the caller hung up, and what agents
dial is told by the task's attributes only, which are the user's.

Source: Twilio's reference of TaskRouter events and of the event types of Event Streams.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from streams.core.event import Reason, Rejection
from streams.sources.payload import (
    FieldError,
    at,
    context_of,
    event_of,
    json_of,
    need_object,
    need_text,
    text_at,
    time_at,
)
from streams.sources.row import CanonicalEvent, Row

SOURCE = "twilio"
_PREFIX = "com.twilio.taskrouter."
_HUNG_UP = ("hangup", "hang-up", "hang up")
_NO_ANSWER = ("reservation.rejected", "reservation.timeout", "reservation.rescinded", "reservation.canceled")
_CAPITAL = r"(?<=[a-z0-9])(?=[A-Z])"


def read(body: bytes) -> Row | Rejection:
    """The events of one callback, one CloudEvent or an array of them."""
    try:
        if not body.lstrip().startswith((b"{", b"[")):
            return _form(body)
        found = json_of(body)
        rows = [_cloud_event(need_object(one, "event")) for one in (found if isinstance(found, list) else [found])]
    except FieldError as bad:
        return bad.rejection
    return Row([event for row in rows for event in row.events], tuple(rule for row in rows for rule in row.rules))


def _form(body: bytes) -> Row:
    pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    fields: dict[str, object] = {re.sub(_CAPITAL, "_", name).lower(): value for name, value in pairs}
    kind = text_at(fields, "event_type")
    if kind is None:
        raise FieldError(Reason.MISSING_FIELD, "EventType: expected a form with it, or JSON")
    return _row(kind, fields, (fields.get("timestamp_ms"), fields.get("timestamp")))


def _cloud_event(event: dict[str, object]) -> Row:
    kind = need_text(event, "type")
    if not kind.startswith(_PREFIX):
        return Row([], ("event_not_counted",))
    fields = need_object(at(event, "data", "payload"), "data.payload")
    return _row(kind.removeprefix(_PREFIX), fields, (fields.get("timestamp"), at(event, "data", "timestamp"), event.get("time")))


def _row(kind: str, fields: dict[str, object], times: tuple[object, ...]) -> Row:
    if kind not in _READERS:
        return Row([], (_rule(kind),))
    if _is_outbound(_attributes(fields)):
        return Row([], ("outbound",))
    known = (time_at({"timestamp": time}, "timestamp") for time in times)
    time_ms = next((time for time in known if time is not None), None)
    if time_ms is None:
        raise FieldError(Reason.MISSING_FIELD, "timestamp: expected a time")
    return Row([_READERS[kind](fields, _context(fields), time_ms)])


def _is_outbound(attributes: object) -> bool:
    """Flex writes 'outbound' there; the directions of a call are outbound-api and outbound-dial."""
    return (_plain(attributes, "direction") or "").lower().startswith("outbound")


def _rule(kind: str) -> str:
    """Why an event isn't counted; a closed list, because it is counted by name."""
    if kind.startswith("worker."):
        return "agent_state"
    return "not_answered_by_agent" if kind in _NO_ANSWER else "event_not_counted"


def _context(fields: dict[str, object]) -> CanonicalEvent:
    attributes = _attributes(fields)
    channel = text_at(fields, "task_channel_unique_name")
    return context_of(
        SOURCE,
        need_text(fields, "task_sid"),
        channel=None if channel == "default" else channel,
        queue=text_at(fields, "task_queue_name"),
        customer_id=_plain(attributes, "customers", "customer_id") or _plain(attributes, "from") or _plain(attributes, "caller"),
        direction=_plain(attributes, "direction"),
        language=_plain(attributes, "selected_language"),
    )


def _attributes(fields: dict[str, object]) -> object:
    """The task's own attributes, JSON in a text. They are the user's, so what can't be read in them is nothing."""
    text = at(fields, "task_attributes")
    try:
        return json_of(text.encode()) if isinstance(text, str) else text
    except (FieldError, UnicodeEncodeError):
        return None


def _plain(attributes: object, *path: str) -> str | None:
    """A text among the attributes; nothing where they hold something else there."""
    value = at(attributes, *path)
    return value.strip() or None if isinstance(value, str) else None


def _created(_fields: dict[str, object], context: CanonicalEvent, time_ms: int) -> CanonicalEvent:
    return event_of(context, "offered", time_ms, "first")


def _entered(_fields: dict[str, object], context: CanonicalEvent, time_ms: int) -> CanonicalEvent:
    return event_of(context, "queued", time_ms)


def _accepted(fields: dict[str, object], context: CanonicalEvent, time_ms: int) -> CanonicalEvent:
    part = text_at(fields, "reservation_sid") or ""
    return event_of(context, "answered", time_ms, part, agent_id=text_at(fields, "worker_sid"))


def _transferred(_fields: dict[str, object], context: CanonicalEvent, time_ms: int) -> CanonicalEvent:
    return event_of(context, "transferred", time_ms)


def _canceled(fields: dict[str, object], context: CanonicalEvent, time_ms: int) -> CanonicalEvent:
    """Hung up: the customer left. Otherwise the contact centre ended the task, by time-out or by hand."""
    reason = text_at(fields, "task_canceled_reason")
    if reason is not None and reason.lower() in _HUNG_UP:
        return event_of(context, "abandoned", time_ms)
    return event_of(context, "completed", time_ms, outcome="canceled")


def _completed(fields: dict[str, object], context: CanonicalEvent, time_ms: int) -> CanonicalEvent:
    return event_of(context, "completed", time_ms, outcome=text_at(fields, "task_completed_reason"))


_READERS: dict[str, Callable[[dict[str, object], CanonicalEvent, int], CanonicalEvent]] = {
    "task.created": _created,
    "task-queue.entered": _entered,
    "reservation.accepted": _accepted,
    "task.transfer-initiated": _transferred,
    "task.canceled": _canceled,
    "task.completed": _completed,
}

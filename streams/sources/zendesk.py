"""Zendesk: ticket events as webhooks send them, and ticket metric events as their export has them → the events of a ticket.

The first answer is the first public comment by staff (or the first reply time that is fulfilled); later ones repeat its id. The
surprise: both feeds give a ticket's beginning, answer and end the same ids, so nothing of that counts twice where both come.

Source: Zendesk's reference of ticket event webhooks and of ticket metric events.
"""

from collections.abc import Callable

from streams.core.event import Reason, Rejection
from streams.sources.payload import (
    FieldError,
    at,
    context_of,
    event_of,
    need_object,
    need_text,
    need_time,
    object_of,
    objects_at,
    text_at,
    time_at,
)
from streams.sources.row import CanonicalEvent, Row

SOURCE = "zendesk"
_PREFIX = "zen:event-type:ticket."
_DONE = ("solved", "closed")
_CHANNELS = {
    **{"native_messaging": "chat", "messaging": "chat", "chat": "chat", "voice": "voice", "phone": "voice"},
    **{"email": "email", "web": "web", "web_form": "web", "api": "api", "mobile": "web", "mobile_sdk": "web"},
    **{"facebook": "social", "twitter": "social", "instagram_dm": "social", "whatsapp": "messaging", "sms": "messaging"},
}
_SOLVING_METRICS = ("requester_wait_time", "resolution_time")


def read(body: bytes) -> Row | Rejection:
    """The events of one webhook, of one metric event, or of a page of them."""
    try:
        payload = object_of(body)
        if "ticket_metric_events" in payload:
            rows = [_metric(one) for one in objects_at(payload, "ticket_metric_events")]
            return Row([event for row in rows for event in row.events], tuple(rule for row in rows for rule in row.rules))
        if "metric" in payload:
            return _metric(payload)
        kind = need_text(payload, "type")
        reader = _READERS.get(kind.removeprefix(_PREFIX)) if kind.startswith(_PREFIX) else None
        return reader(payload, _context(payload), need_time(payload, "time")) if reader else Row([], ("event_not_counted",))
    except FieldError as bad:
        return bad.rejection


def _context(payload: dict[str, object]) -> CanonicalEvent:
    """What each webhook says of its ticket."""
    detail = need_object(at(payload, "detail"), "detail")
    via = text_at(detail, "via", "channel")
    return context_of(
        SOURCE,
        need_text(detail, "id"),
        channel=None if via is None else _CHANNELS.get(via.lower(), via.lower()),
        customer_id=_id(detail, "requester_id"),
        queue=_id(detail, "group_id"),
        agent_id=_id(detail, "assignee_id"),
        issue=_lower(text_at(detail, "type")),
        product=_id(detail, "brand_id"),
    )


def _id(found: object, *path: str) -> str | None:
    """An id; Zendesk writes "0" for none."""
    text = text_at(found, *path)
    return None if text == "0" else text


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _created(payload: dict[str, object], context: CanonicalEvent, time_ms: int) -> Row:
    created_ms = time_at(payload, "detail", "created_at")
    return Row(_begun(context, time_ms if created_ms is None else created_ms))


def _begun(context: CanonicalEvent, time_ms: int) -> list[CanonicalEvent]:
    return [event_of(context, "offered", time_ms, "first"), event_of(context, "queued", time_ms, "first")]


def _commented(payload: dict[str, object], context: CanonicalEvent, time_ms: int) -> Row:
    """What the customer can see; notes among agents are no reply."""
    comment = need_object(at(payload, "event", "comment"), "event.comment")
    if at(comment, "is_public") is False:
        return Row([], ("private_comment",))
    part = text_at(comment, "id") or ""
    if at(comment, "author", "is_staff") is not True:
        return Row([event_of(context, "replied", time_ms, part, author="customer")])
    agent = _id(comment, "author", "id")
    answered = event_of(context, "answered", time_ms, "first", agent_id=agent)
    return Row([answered, event_of(context, "replied", time_ms, part, author="agent", agent_id=agent)])


def _status_changed(payload: dict[str, object], context: CanonicalEvent, time_ms: int) -> Row:
    """Solved ends a ticket, closed only one that wasn't solved; back from either reopens it."""
    current = _lower(text_at(payload, "event", "current"))
    previous = _lower(text_at(payload, "event", "previous"))
    if current is None:
        raise FieldError(Reason.MISSING_FIELD, "event.current: expected a status")
    if current in _DONE:
        solved = True if current == "solved" else None
        done = event_of(context, "completed", time_ms, resolved=solved, outcome=current)
        return Row([], ("done_before",)) if previous in _DONE else Row([done])
    return Row([event_of(context, "reopened", time_ms)]) if previous in _DONE else Row([], ("status_not_counted",))


def _group_changed(payload: dict[str, object], context: CanonicalEvent, time_ms: int) -> Row:
    """From one group to another: moved on, and it waits again. The first group is where it waits from the beginning."""
    current, previous = _id(payload, "event", "current"), _id(payload, "event", "previous")
    if current is None or previous is None:
        return Row([], ("first_group",))
    left = event_of({**context, "queue": previous}, "transferred", time_ms, target_queue=current)
    return Row([left, event_of({**context, "queue": current}, "queued", time_ms)])


def _merged(_payload: dict[str, object], context: CanonicalEvent, time_ms: int) -> Row:
    return Row([event_of(context, "completed", time_ms, outcome="merged")])


def _deleted(_payload: dict[str, object], context: CanonicalEvent, time_ms: int) -> Row:
    return Row([event_of(context, "completed", time_ms, outcome="deleted")])


def _metric(event: dict[str, object]) -> Row:
    """Reply time: from the ticket (or a later reply of the customer) to the reply of an agent. Solving fulfils the others."""
    metric, kind = need_text(event, "metric"), need_text(event, "type")
    context, time_ms = context_of(SOURCE, need_text(event, "ticket_id")), need_time(event, "time")
    if metric in _SOLVING_METRICS and kind == "fulfill":
        return Row([event_of(context, "completed", time_ms, resolved=True, outcome="solved")])
    if metric != "reply_time" or kind not in ("activate", "fulfill"):
        return Row([], ("metric_not_counted",))
    first = text_at(event, "instance_id") in (None, "1")
    if kind == "activate":
        return Row(_begun(context, time_ms) if first else [event_of(context, "replied", time_ms, author="customer")])
    replied = event_of(context, "replied", time_ms, author="agent")
    return Row([event_of(context, "answered", time_ms, "first"), replied] if first else [replied])


_READERS: dict[str, Callable[[dict[str, object], CanonicalEvent, int], Row]] = {
    "created": _created,
    "comment_added": _commented,
    "status_changed": _status_changed,
    "group_assignment_changed": _group_changed,
    "merged": _merged,
    "soft_deleted": _deleted,
}

"""Freshdesk: what an automation rule sends, by the template in freshdesk.md → the events of a ticket.

What happened is in `triggered_event`, a text like {ticket_action:created} or {status:{from:2,to:4}}: no JSON, and only the first
of several changes. The surprise: Freshdesk's own content has no time at all, so the template must put one in.

Source: Freshdesk's documentation of automation rules and placeholders, and what its users' receivers read.
"""

import re
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.core.event import Reason, Rejection
from streams.sources.payload import FieldError, context_of, event_of, iso_ms, need_object, object_of, text_at
from streams.sources.row import CanonicalEvent, Row

SOURCE = "freshdesk"
_TRIGGER = r"\{\s*(?P<name>\w+)\s*:\s*(?:\{\s*from\s*:(?P<before>.*?),\s*to\s*:(?P<after>.*?)\}|(?P<value>.*?))\s*\}"
_TRIGGER_CHARACTERS = 500  # names of two statuses or groups are shorter; the pattern takes the cube of the length at worst
# Statuses by number and by name; an account's own ones are neither.
_RESOLVED, _CLOSED = ("4", "resolved"), ("5", "closed")
_NOTHING = ("", "nil", "null", "none", "-", "--")
_OUTBOUND = ("10", "outbound email")  # sources of tickets that an agent began
_CHANNELS = {
    **{"1": "email", "email": "email", "2": "web", "portal": "web"},
    **{"9": "web", "feedback widget": "web", "3": "voice", "phone": "voice", "7": "chat", "chat": "chat"},
    **{"twitter": "social", "facebook": "social", "whatsapp": "messaging"},
}


class _Trigger(NamedTuple):
    """What happened: `name` changed from `before` to `after`, in lower case; `before` is '' where only a value is told."""

    name: str
    before: str
    after: str


def read(body: bytes) -> Row | Rejection:
    """The events of what one rule sent."""
    try:
        payload = object_of(body)
        ticket = need_object(payload.get("freshdesk_webhook", payload), "freshdesk_webhook")
        trigger, context, time_ms = _trigger(ticket), _context(ticket), _time_ms(ticket, "event_time")
        return Row([], ("outbound",)) if _source(ticket) in _OUTBOUND else _row(ticket, trigger, context, time_ms)
    except FieldError as bad:
        return bad.rejection


def _source(ticket: dict[str, object]) -> str:
    """How the ticket began, by number or name."""
    return (_first(ticket, "ticket_source", "source") or "").lower()


def _trigger(ticket: dict[str, object]) -> _Trigger:
    text = _first(ticket, "triggered_event")
    if text is None:
        raise FieldError(Reason.MISSING_FIELD, "triggered_event: expected a text")
    found = re.fullmatch(_TRIGGER, text.strip(), re.DOTALL) if len(text) <= _TRIGGER_CHARACTERS else None
    if found is None:
        raise FieldError(Reason.BAD_VALUE, "triggered_event: expected {name:value} or {name:{from:…,to:…}}")
    before, after = found["before"] or "", found["after"] if found["after"] is not None else found["value"]
    return _Trigger(found["name"].lower(), *(part.strip().strip("\"'").lower() for part in (before, after)))


def _context(ticket: dict[str, object]) -> CanonicalEvent:
    name = _first(ticket, "ticket_id", "id")
    if name is None:
        raise FieldError(Reason.MISSING_FIELD, "ticket_id: expected a text")
    source = _source(ticket)
    kind = _first(ticket, "ticket_type")
    return context_of(
        SOURCE,
        name,
        channel=_CHANNELS.get(source, source) or None,
        customer_id=_first(ticket, "requester_email", "ticket_requester_email", "ticket_contact_email"),
        queue=_first(ticket, "ticket_group_name", "group_name"),
        agent_id=_first(ticket, "ticket_agent_email", "ticket_agent_name"),
        issue=None if kind is None else kind.lower(),
        product=_first(ticket, "ticket_product_description"),
    )


def _first(ticket: dict[str, object], *names: str) -> str | None:
    """The first of some fields that has a value: rules are written by hand, and Freshdesk fills in 'nil' or nothing."""
    texts = (text_at(ticket, name) for name in names)
    return next((text for text in texts if text is not None and text.lower() not in _NOTHING), None)


def _time_ms(ticket: dict[str, object], name: str) -> int:
    """A time of the template; Freshdesk writes it in the account's zone and without an offset."""
    text = _first(ticket, name)
    if text is None:
        raise FieldError(Reason.MISSING_FIELD, f"{name}: expected a time, see the template in the documentation of this source")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FieldError(Reason.BAD_TIME, f"{name}: expected yyyy-mm-dd hh:mm:ss") from error
    if moment.tzinfo is not None:
        return iso_ms(text, name)
    try:
        zone = ZoneInfo(_first(ticket, "time_zone") or "UTC")
        return iso_ms(moment.replace(tzinfo=zone).isoformat(), name)
    except (KeyError, ValueError, OSError) as error:  # not found; not a name; a folder of the time zone data
        raise FieldError(Reason.BAD_VALUE, "time_zone: expected an IANA name") from error


def _row(ticket: dict[str, object], trigger: _Trigger, context: CanonicalEvent, time_ms: int) -> Row:
    if trigger.name == "ticket_action" and trigger.after == "created":
        created_ms = _time_ms(ticket, "created_at") if _first(ticket, "created_at") else time_ms
        return Row([event_of(context, "offered", created_ms, "first"), event_of(context, "queued", created_ms, "first")])
    if trigger.name == "status":
        return _status_changed(trigger, context, time_ms)
    if trigger.name in ("group_id", "group") and trigger.before not in _NOTHING:
        return Row([event_of(context, "transferred", time_ms), event_of(context, "queued", time_ms)])
    if trigger.name == "reply_sent" or (trigger.name == "note_type" and trigger.after == "public"):
        if (_first(ticket, "performed_by") or "agent").lower() == "requester":
            return Row([event_of(context, "replied", time_ms, author="customer")])
        return Row([event_of(context, "answered", time_ms, "first"), event_of(context, "replied", time_ms, author="agent")])
    return Row([], ("event_not_counted",))


def _status_changed(trigger: _Trigger, context: CanonicalEvent, time_ms: int) -> Row:
    """Resolved ends a ticket, closed only one that wasn't resolved; back from either reopens it."""
    was_done = trigger.before in (*_RESOLVED, *_CLOSED)
    if trigger.after in (*_RESOLVED, *_CLOSED):
        resolved = trigger.after in _RESOLVED
        done = event_of(context, "completed", time_ms, resolved=resolved or None, outcome="resolved" if resolved else "closed")
        return Row([], ("done_before",)) if was_done else Row([done])
    return Row([event_of(context, "reopened", time_ms)]) if was_done else Row([], ("status_not_counted",))

"""Intercom's webhooks: one notification about a conversation → what happened in it. Versions 1 and 2 of the payload are read.

An answer is the first reply by a teammate; every later one gives 'answered' under the same id and is a repeat. The surprise: a
notification about what isn't counted (notes, tags, snoozing) is no error; it gives no events and the name of a rule.

Source: Intercom's reference of webhook topics and of the conversation object.
"""

from collections.abc import Callable
from typing import NamedTuple

from streams.core.event import Reason, Rejection
from streams.sources.payload import (
    FieldError,
    at,
    context_of,
    event_of,
    need_object,
    need_text,
    number_at,
    object_of,
    objects_at,
    text_at,
    time_at,
)
from streams.sources.row import CanonicalEvent, Row

SOURCE = "intercom"
_CHANNELS = {
    **{"conversation": "chat", "push": "chat", "carousel": "chat", "chat": "chat", "email": "email"},
    **{"facebook": "social", "instagram": "social", "twitter": "social", "whatsapp": "messaging", "sms": "messaging"},
    **{"phone_call": "voice", "phone_switch": "voice"},
}


class _Notice(NamedTuple):
    """What a notification says: the conversation, its newest part (empty where there is none) and when it happened."""

    item: dict[str, object]
    part: dict[str, object]
    time_ms: int
    context: CanonicalEvent


def read(body: bytes) -> Row | Rejection:
    """The events of one notification."""
    try:
        payload = object_of(body)
        topic = need_text(payload, "topic")
        if topic not in _TOPICS:
            return Row([], ("topic_not_counted",))
        notice = _notice(payload)
        return Row([], ("outbound",)) if _is_outbound(notice.item) else _TOPICS[topic](notice)
    except FieldError as bad:
        return bad.rejection


def _notice(payload: dict[str, object]) -> _Notice:
    item = need_object(at(payload, "data", "item"), "data.item")
    parts = objects_at(item, "conversation_parts", "conversation_parts")
    part = parts[-1] if parts else {}
    times = (time_at(part, "created_at"), time_at(item, "updated_at"), time_at(payload, "created_at"))
    time_ms = next((time for time in times if time is not None), None)
    if time_ms is None:
        raise FieldError(Reason.MISSING_FIELD, "created_at: expected a time")
    kind = text_at(item, "source", "type") or "chat"
    context = context_of(
        SOURCE,
        need_text(item, "id"),
        channel=_CHANNELS.get(kind, kind),
        customer_id=_customer(item),
        queue=_team(item),
        issue=_first_tag(item),
    )
    return _Notice(item, part, time_ms, context)


def _customer(item: dict[str, object]) -> str | None:
    """`user` in version 1, the first of `contacts` in version 2."""
    contacts = objects_at(item, "contacts", "contacts")
    return text_at(item, "user", "id") or (text_at(contacts[0], "id") if contacts else None)


def _team(item: dict[str, object]) -> str | None:
    if text_at(item, "assignee", "type") == "team":
        return text_at(item, "assignee", "id")
    return text_at(item, "team_assignee_id")


def _first_tag(item: dict[str, object]) -> str | None:
    tags = objects_at(item, "tags", "tags")
    return text_at(tags[0], "name") if tags else None


def _agent(part: dict[str, object]) -> str | None:
    """Who wrote a part, if a teammate did."""
    return text_at(part, "author", "id") if text_at(part, "author", "type") == "admin" else None


def _begun(notice: _Notice) -> Row:
    """A customer writes, and waits."""
    began_ms = time_at(notice.item, "created_at")
    time_ms = notice.time_ms if began_ms is None else began_ms
    context: CanonicalEvent = {**notice.context, "direction": "inbound"}
    return Row([event_of(context, "offered", time_ms, "first"), event_of(context, "queued", time_ms, "first")])


def _is_outbound(item: dict[str, object]) -> bool:
    """Whether a teammate wrote first. Nobody waits then, so nothing of it is counted, as with other vendors' outbound contacts.

    Who answers a campaign begins a conversation of their own, which version 2 says by `delivered_as`.
    """
    delivered_as = text_at(item, "source", "delivered_as")
    if delivered_as is not None:
        return delivered_as == "admin_initiated"
    return "admin" in (text_at(item, "source", "author", "type"), text_at(item, "conversation_message", "author", "type"))


def _begun_by_agent(_: _Notice) -> Row:
    """The topic says it, whatever the conversation does."""
    return Row([], ("outbound",))


def _replied_by_customer(notice: _Notice) -> Row:
    return Row([_of_part(notice, "replied", author="customer")])


def _replied_by_bot(notice: _Notice) -> Row:
    return Row([_of_part(notice, "replied", author="bot")])


def _replied_by_agent(notice: _Notice) -> Row:
    agent = _agent(notice.part)
    answered = event_of(notice.context, "answered", notice.time_ms, "first", agent_id=agent)
    return Row([answered, _of_part(notice, "replied", author="agent", agent_id=agent)])


def _assigned(notice: _Notice) -> Row:
    """To a team: it waits there. To a person: that they have it says nothing of an answer."""
    if text_at(notice.part, "assigned_to", "type") != "team":
        return Row([], ("assigned_to_agent",))
    return Row([_of_part(notice, "queued", queue=text_at(notice.part, "assigned_to", "id"))])


def _closed(notice: _Notice) -> Row:
    return Row([_of_part(notice, "completed", agent_id=_agent(notice.part))])


def _opened(notice: _Notice) -> Row:
    return Row([_of_part(notice, "reopened", agent_id=_agent(notice.part))])


def _rated(notice: _Notice) -> Row:
    """1 to 5; a remark without a rating is no answer."""
    rating = number_at(notice.item, "conversation_rating", "rating")
    if rating is None:
        return Row([], ("no_rating",))
    if rating not in (1, 2, 3, 4, 5):
        raise FieldError(Reason.BAD_VALUE, "conversation_rating.rating: expected 1 to 5")
    rated_ms = time_at(notice.item, "conversation_rating", "created_at")
    time_ms = notice.time_ms if rated_ms is None else rated_ms
    return Row([event_of(notice.context, "surveyed", time_ms, csat=int(rating))])


def _of_part(notice: _Notice, event_type: str, **own: str | None) -> CanonicalEvent:
    """An event of the newest part, known by the part's id."""
    return event_of(notice.context, event_type, notice.time_ms, text_at(notice.part, "id") or "", **own)


_TOPICS: dict[str, Callable[[_Notice], Row]] = {
    "conversation.user.created": _begun,
    "conversation.admin.single.created": _begun_by_agent,
    "conversation.user.replied": _replied_by_customer,
    "conversation.admin.replied": _replied_by_agent,
    "conversation.operator.replied": _replied_by_bot,
    "conversation.admin.assigned": _assigned,
    "conversation.admin.open.assigned": _assigned,
    "conversation.admin.closed": _closed,
    "conversation.admin.opened": _opened,
    "conversation.rating.added": _rated,
}

"""Genesys Cloud: its notifications and its conversation details → canonical events.

Known are notifications of v2.detail.events.conversation.{id}.*, as a WebSocket or Amazon EventBridge delivers them, those of
v2.users.{id}.activity, and the
conversations that analytics/conversations/details gives, one or a page of them. What becomes of each field is in genesys.md
beside this file. The surprise: of a page, a conversation that can't be read is refused alone, as a payload of its own.
"""

import msgspec

from streams.core.event import Reason, Rejection
from streams.sources.genesys_details import read_conversation
from streams.sources.genesys_events import read_notification
from streams.sources.genesys_users import PREFIX, SUFFIX, read_activity
from streams.sources.payload import FieldError, at, object_of, objects_at, text_at
from streams.sources.row import Refused, Row

_UNKNOWN = "payload: expected a notification of v2.detail.events.conversation or the details of a conversation"
_HEARTBEAT = "channel.metadata"


def read(body: bytes) -> Row | Rejection:
    """The events of one payload; a Rejection names the first field that can't be read."""
    try:
        found = object_of(body)
        if "conversations" not in found:
            return _read(found)
    except FieldError as bad:
        return bad.rejection
    rows = [_conversation(conversation) for conversation in objects_at(found, "conversations")]
    if len(rows) == 1 and rows[0].refused:
        return rows[0].refused[0].why
    return Row(
        [event for row in rows for event in row.events],
        tuple(rule for row in rows for rule in row.rules),
        tuple(part for row in rows for part in row.refused),
    )


def _conversation(conversation: dict[str, object]) -> Row:
    """One of a page."""
    try:
        return read_conversation(conversation)
    except FieldError as bad:
        return Row([], (), (Refused(msgspec.json.encode(conversation), bad.rejection),))


def _read(found: dict[str, object]) -> Row:
    notification = found if at(found, "detail") is None else at(found, "detail")
    topic = text_at(notification, "topicName")
    if topic == _HEARTBEAT:
        return Row([], ("heartbeat",))
    if topic is not None and topic.startswith(PREFIX) and topic.endswith(SUFFIX):
        return read_activity(at(notification, "eventBody"))
    if topic is not None:
        return read_notification(topic, at(notification, "eventBody"))
    if at(found, "conversationId") is not None and at(found, "participants") is not None:
        return read_conversation(found)
    raise FieldError(Reason.UNKNOWN_TYPE, _UNKNOWN)

"""Notifications of Genesys Cloud, v2.detail.events.conversation.{id}.*: one moment of one session of a conversation each.

The surprise: `user.start` is no answer, because the agent's telephone only begins to ring; the answer is the end of the queue's
session, which says how it came to it. What tells no fact is counted by the name of its topic.
"""

from collections.abc import Callable

from streams.core.event import Reason
from streams.core.wire import MAX_DURATION_SECONDS
from streams.sources.genesys_facts import (
    FLOW_ENDS,
    TRANSFERS,
    Session,
    channel_at,
    fact,
    id_at,
    transferred,
    word_at,
)
from streams.sources.payload import FieldError, at, is_name, name_at, need_time, number_at
from streams.sources.row import Row

_TOPIC = "v2.detail.events.conversation."
# Topics that tell nothing which is counted: what they say is in others or, with more beside it, in the details.
_WITHOUT_FACTS = (
    *("customer.end", "user.start", "acw", "wrapup", "attributes", "contact"),
    *("flow.start", "flow.outcome", "voicemail.start", "outbound"),
)


def read_notification(topic: str, body: object) -> Row:
    """The events in a notification: `topic` names the conversation and what happened. FieldError where a field can't be read."""
    kind = topic.removeprefix(_TOPIC).partition(".")[2] if topic.startswith(_TOPIC) else ""
    if kind in _WITHOUT_FACTS:
        return Row([], (kind.replace(".", "_"),))
    if kind not in _READERS:
        raise FieldError(
            Reason.UNKNOWN_TYPE, f"topicName: expected {_TOPIC}{{id}} and one of {', '.join((*_READERS, *_WITHOUT_FACTS))}"
        )
    if word_at(body, "direction") == "outbound":
        return Row([], ("outbound",))
    session = Session(
        conversation_id=id_at(body, "conversationId"),
        session_id=id_at(body, "sessionId"),
        channel=channel_at(body),
        queue=name_at(body, "queueId"),
    )
    return _READERS[kind](body, session, _time_ms(body))


def customer_id_of(*candidates: object) -> str | None:
    """The first that may be a customer: external contact, number, address; what can't be one is passed over."""
    for candidate in candidates:
        name = candidate[0] if isinstance(candidate, list) and candidate else candidate
        if isinstance(name, str) and is_name(name):
            return name
    return None


def _customer_start(body: object, session: Session, time_ms: int) -> Row:
    if session.channel == "callback":
        return Row([], ("callback",))  # mostly of a customer who called before, in the same conversation; the details know
    names = ("externalContactId", "conversationExternalContactIds", "ani", "addressFrom")
    customer_id = customer_id_of(*(at(body, name) for name in names))
    return Row([fact(session, "offered", time_ms, customer_id=customer_id)])


def _acd_start(_body: object, session: Session, time_ms: int) -> Row:
    return Row([fact(session, "queued", time_ms)])


def _acd_end(body: object, session: Session, time_ms: int) -> Row:
    outcome = word_at(body, "acdOutcome")
    if outcome == "answered":
        return Row([fact(session, "answered", time_ms, agent_id=name_at(body, "answeredUserId"))])
    if outcome == "abandon":
        # An agent may have had the contact before: it is over for that one, too. Otherwise the completion adds nothing.
        how = word_at(body, "disconnectType")
        return Row([fact(session, "abandoned", time_ms), fact(session, "completed", time_ms, "2-event", outcome=how)])
    if outcome == "flowout":
        return Row([transferred(session, time_ms - _duration_ms(body, "connectedDurationMs"), time_ms)])
    return Row([], ("unknown_outcome",))


def _user_end(body: object, session: Session, time_ms: int) -> Row:
    """An agent's part is over: passed on, or the end. Without a queue it may as well be a call among colleagues."""
    talked_ms = _duration_ms(body, "interactingDurationMs")
    if not talked_ms:
        return Row([], ("no_talk",))
    if session.queue is None:
        return Row([], ("no_queue",))
    how = word_at(body, "disconnectType")
    if how in TRANSFERS:
        began_ms = time_ms - talked_ms - _duration_ms(body, "heldDurationMs")
        return Row([transferred(session, began_ms, time_ms)])
    return Row([fact(session._replace(agent_id=name_at(body, "userId")), "completed", time_ms, "2-event", outcome=how)])


def _flow_end(body: object, session: Session, time_ms: int) -> Row:
    """The end of a flow that took the contact in, where the contact ends with it; in-queue flows and bots are within others."""
    how = word_at(body, "exitReason")
    if how not in FLOW_ENDS or not (word_at(body, "flowType") or "").startswith("inbound"):
        return Row([], ("flow_goes_on",))
    return Row([fact(session, "completed", time_ms, "2-event", outcome=how)])


def _voicemail_end(_body: object, session: Session, time_ms: int) -> Row:
    return Row([fact(session, "completed", time_ms, "2-event", outcome="voicemail")])


def _duration_ms(body: object, name: str) -> int:
    """How long something took; 0 where it isn't told."""
    duration_ms = number_at(body, name) or 0
    if not 0 <= duration_ms <= MAX_DURATION_SECONDS * 1000:
        raise FieldError(Reason.BAD_VALUE, f"{name}: expected milliseconds, 0 to {MAX_DURATION_SECONDS * 1000}")
    return int(duration_ms)


def _time_ms(body: object) -> int:
    time_ms = need_time(body, "eventTime")
    if time_ms < 0:
        raise FieldError(Reason.BAD_TIME, "eventTime: expected a time after 1970")
    return time_ms


_READERS: dict[str, Callable[[object, Session, int], Row]] = {
    "customer.start": _customer_start,
    "acd.start": _acd_start,
    "acd.end": _acd_end,
    "user.end": _user_end,
    "flow.end": _flow_end,
    "voicemail.end": _voicemail_end,
}

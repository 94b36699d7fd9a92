"""A contact of Amazon Connect: what any of its payloads may tell of it, and the canonical events in that.

Contact events, contact records and agent events carry the times of all that happened so far, so each tells the story again and
nothing is missed when one is lost. What two of them tell is the same event: same id, same second. The surprise: a transfer makes
a new contact at Amazon, so it is an interaction of its own here, without `offered`, and told to the contact that it came from.
"""

from typing import NamedTuple

from streams.core.event import Reason
from streams.sources.amazon_fields import SOURCE, agent_at, channel_at, contact_id_at, queue_at, second_at, word_at
from streams.sources.payload import FieldError, name_at
from streams.sources.row import CanonicalEvent, Row

# Contacts that no customer began, by initiation method, and the rule under which they are left out.
_LEFT_OUT = {
    "outbound": "outbound",
    "external_outbound": "outbound",
    "agent_reply": "outbound",
    "monitor": "monitor",
    "disconnect": "disconnect_flow",
}
_TRANSFERS = ("transfer", "queue_transfer")
_GOES_ON = (*_TRANSFERS, "callback")  # the customer arrived in an earlier contact
_CUSTOMER_LEFT = (None, "customer_disconnect")  # older contact events give no reason


class Contact(NamedTuple):
    """One contact as far as it is told; times in ms since the epoch, cut to the second, None where it did not happen (yet)."""

    contact_id: str
    channel: str | None
    method: str | None
    initial_id: str | None
    previous_id: str | None
    queue: str | None
    agent_id: str | None
    initiated_ms: int | None
    queued_ms: int | None
    answered_ms: int | None
    ended_ms: int | None = None
    reason: str | None = None


class Spelling(NamedTuple):
    """Where the queue and the agent of a contact stand, and what their ARNs are called."""

    queue: str
    queue_arn: str
    agent: str
    agent_arn: str


def contact_at(found: object, spelled: Spelling) -> Contact:
    """The contact that a contact event or record is about, fields in lower case; FieldError where one can't be read."""
    contact = Contact(
        contact_id=contact_id_at(found, "contactid"),
        channel=channel_at(found),
        method=word_at(found, "initiationmethod"),
        initial_id=name_at(found, "initialcontactid"),
        previous_id=name_at(found, "previouscontactid"),
        queue=queue_at(found, spelled.queue, spelled.queue_arn),
        agent_id=agent_at(found, spelled.agent, spelled.agent_arn),
        initiated_ms=second_at(found, "initiationtimestamp"),
        queued_ms=second_at(found, spelled.queue, "enqueuetimestamp"),
        answered_ms=second_at(found, spelled.agent, "connectedtoagenttimestamp"),
        ended_ms=second_at(found, "disconnecttimestamp"),
        reason=word_at(found, "disconnectreason"),
    )
    _need_times(contact)
    return contact


def row(contact: Contact, *endings: CanonicalEvent) -> Row:
    """The facts of a contact and what ends it; nothing for one that no customer began, because nobody waits in it."""
    if contact.method == "api" and contact.channel == "voice":
        return Row([], ("outbound",))  # the API can only dial; what customers begin by it are chats and tasks
    rule = _LEFT_OUT.get(contact.method or "")
    if rule is not None:
        return Row([], (rule,))
    events = [*_facts(contact), *endings]
    return Row(events, () if events else ("nothing_yet",))


def _need_times(contact: Contact) -> None:
    """FieldError where a payload that is about a contact has no time of anything that happened to it."""
    if contact.initiated_ms is None and contact.queued_ms is None and contact.answered_ms is None and contact.ended_ms is None:
        raise FieldError(Reason.MISSING_FIELD, "initiationtimestamp: expected a time of anything that happened")


def goes_on(contact: Contact) -> bool:
    """Whether the customer arrived in an earlier contact: this one is no arrival, and not one more of the customer's contacts."""
    return contact.method in _GOES_ON


def was_left(contact: Contact) -> bool:
    """Whether the customer went without having reached an agent."""
    return contact.ended_ms is not None and contact.answered_ms is None and contact.reason in _CUSTOMER_LEFT


def event(contact: Contact, kind: str, time_ms: int, **fields: str | None) -> CanonicalEvent:
    """One event of a contact with what any payload tells of it; fields that are None are left out."""
    same = {
        "channel": contact.channel,
        "direction": "inbound",
        "initiation_method": contact.method,
        "parent_interaction_id": None if contact.initial_id == contact.contact_id else contact.initial_id,
    }
    made: CanonicalEvent = {
        "id": f"{contact.contact_id}/{kind}",
        "source": SOURCE,
        "type": kind,
        "time": time_ms,
        "interaction_id": contact.contact_id,
    }
    return {**made, **{name: value for name, value in {**same, **fields}.items() if value is not None}}


def _facts(contact: Contact) -> list[CanonicalEvent]:
    """What has happened but the completion, in the order of life."""
    found = []
    if contact.initiated_ms is not None and not goes_on(contact):
        found.append(event(contact, "offered", contact.initiated_ms))
    if contact.initiated_ms is not None and contact.method in _TRANSFERS and contact.previous_id is not None:
        found.append(_transferred(contact, contact.previous_id, contact.initiated_ms))
    if contact.queued_ms is not None:
        found.append(event(contact, "queued", contact.queued_ms, queue=contact.queue))
    if contact.answered_ms is not None:
        found.append(event(contact, "answered", contact.answered_ms, queue=contact.queue, agent_id=contact.agent_id))
    if contact.ended_ms is not None and was_left(contact):
        found.append(event(contact, "abandoned", contact.ended_ms, queue=contact.queue))
    return found


def _transferred(contact: Contact, previous_id: str, time_ms: int) -> CanonicalEvent:
    """Told to the contact that was transferred, under an id of the one that came of it, because there may be several."""
    told: CanonicalEvent = {
        "id": f"{contact.contact_id}/transferred",
        "source": SOURCE,
        "type": "transferred",
        "time": time_ms,
        "interaction_id": previous_id,
    }
    return told if contact.queue is None else {**told, "target_queue": contact.queue}

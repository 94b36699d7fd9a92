"""A contact record of Amazon Connect, once called contact trace record: the contact when it is over, with the work after it.

It tells what contact events tell, to the second and under the same ids, and in its `completed` what only it knows: talk, hold
and after-contact work, the customer, and contact attributes that are named like dimensions. The surprise: that `completed` stands
beside the one of the contact events at the same moment; its id is the lesser one, so that it is the one that is measured.
"""

from streams.core.event import Reason
from streams.core.wire import MAX_DURATION_SECONDS
from streams.sources.amazon_contact import Contact, Spelling, contact_at, event, goes_on, row
from streams.sources.amazon_fields import SOURCE, second_at
from streams.sources.payload import FieldError, at, is_name, number_at
from streams.sources.row import CanonicalEvent, Row

# Contact attributes that are taken, by what they are called.
_ATTRIBUTES = ("customer_id", "issue", "product", "segment", "region", "age_band", "language")
_DURATIONS = (
    ("talk_seconds", "agentinteractionduration"),
    ("hold_seconds", "customerholdduration"),
    ("wrap_seconds", "aftercontactworkduration"),
)


def read_record(found: object) -> Row:
    """The events of a contact record, whose fields are in lower case; FieldError where one can't be read."""
    contact = contact_at(found, Spelling("queue", "arn", "agent", "arn"))
    return row(contact, *_endings(found, contact))


def _endings(found: object, contact: Contact) -> list[CanonicalEvent]:
    """A transfer out of Amazon Connect, which only the record tells, and the end."""
    ends = []
    moved_ms = second_at(found, "transfercompletedtimestamp")
    if moved_ms is not None:
        ends.append(_moved_out(contact, moved_ms))
    work_ended_ms = second_at(found, "agent", "aftercontactworkendtimestamp")
    if contact.ended_ms is not None:
        told = event(contact, "completed", max(contact.ended_ms, work_ended_ms or 0), queue=contact.queue, outcome=contact.reason)
        told["id"] = f"{contact.contact_id}/completed/1-record"
        ends.append({**told, **_handling(found, contact), **_customer(found, is_arrival=not goes_on(contact))})
    return ends


def _moved_out(contact: Contact, time_ms: int) -> CanonicalEvent:
    """To a number outside; told without it, because it is nobody's queue."""
    return {
        "id": f"{contact.contact_id}/transferred-out",
        "source": SOURCE,
        "type": "transferred",
        "time": time_ms,
        "interaction_id": contact.contact_id,
    }


def _handling(found: object, contact: Contact) -> CanonicalEvent:
    """Who handled it and how long, seconds; nothing where nobody did."""
    if contact.answered_ms is None:
        return {}
    handled: CanonicalEvent = {} if contact.agent_id is None else {"agent_id": contact.agent_id}
    for field, name in _DURATIONS:
        seconds = number_at(found, "agent", name)
        if seconds is not None and not 0 <= seconds <= MAX_DURATION_SECONDS:
            raise FieldError(Reason.BAD_VALUE, f"agent.{name}: expected seconds, 0 to {MAX_DURATION_SECONDS}")
        if seconds is not None:
            handled[field] = seconds
    return handled


def _customer(found: object, *, is_arrival: bool) -> CanonicalEvent:
    """Who it was and what it was about: attributes named like fields of an event, else the customer by number or address.

    Who it was is told of an arrival only, or a transferred call would be a repeat. Attributes are free text that others write:
    what can't be a field of an event is no reason to refuse the contact.
    """
    known: CanonicalEvent = {}
    names = _ATTRIBUTES if is_arrival else _ATTRIBUTES[1:]
    for address in () if not is_arrival else (at(found, "customerendpoint", "address"), at(found, "customerid")):
        if isinstance(address, str) and is_name(address):
            known["customer_id"] = address
    for name in names:
        value = at(found, "attributes", name)
        if isinstance(value, str) and is_name(value.strip()):
            known[name] = value.strip()
    return known

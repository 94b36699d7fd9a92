"""Live events of Amazon Connect: contact events, which come by EventBridge, and agent events, which list an agent's contacts.

Both may be lost, repeated and out of order; each is read for all times that it carries. The surprise: of a contact that an agent
took, only COMPLETED tells the end, because after-contact work follows on DISCONNECTED and belongs to it.
"""

from streams.core.event import Reason
from streams.core.wire import MAX_DURATION_SECONDS
from streams.sources.amazon_agents import agent_states
from streams.sources.amazon_contact import Contact, Spelling, contact_at, event, row, was_left
from streams.sources.amazon_fields import agent_at, channel_at, contact_id_at, queue_at, second_at, word_at
from streams.sources.payload import FieldError, name_at, objects_at
from streams.sources.row import CanonicalEvent, Row


def read_contact_event(found: object) -> Row:
    """What a contact event, the `detail` of EventBridge, says; fields are in lower case. FieldError where one can't be read.

    Types that came after this was written change nothing in what the times say.
    """
    contact = contact_at(found, Spelling("queueinfo", "queuearn", "agentinfo", "agentarn"))
    over = contact.answered_ms is None or word_at(found, "eventtype") == "completed"
    if contact.ended_ms is None or was_left(contact) or not over:
        return row(contact)
    return row(contact, _completed(found, contact, contact.ended_ms))


def read_agent_event(found: object) -> Row:
    """What an agent event says of contacts, when they were queued and answered, and what the agent does. FieldError as above."""
    agent_id = agent_at(found, "agentarn")
    events: list[CanonicalEvent] = []
    rules: list[str] = []
    for listed in objects_at(found, "currentagentsnapshot", "contacts"):
        told = row(
            Contact(
                contact_id=contact_id_at(listed, "contactid"),
                channel=channel_at(listed),
                method=word_at(listed, "initiationmethod"),
                initial_id=name_at(listed, "initialcontactid"),
                previous_id=None,
                queue=queue_at(listed, "queue", "arn"),
                agent_id=agent_id,
                initiated_ms=None,
                queued_ms=second_at(listed, "queuetimestamp"),
                answered_ms=second_at(listed, "connectedtoagenttimestamp"),
            )
        )
        events += told.events
        rules += told.rules
    states = agent_states(found, agent_id)
    return Row([*events, *states], tuple(rules) if events or rules or states else ("no_contact",))


def _completed(found: object, contact: Contact, ended_ms: int) -> CanonicalEvent:
    """The end at the later of disconnect and end of after-contact work; hold is in the talk, for lack of it."""
    work_started_ms = second_at(found, "agentinfo", "aftercontactworkstarttimestamp")
    work_ended_ms = second_at(found, "agentinfo", "aftercontactworkendtimestamp")
    told = event(contact, "completed", max(ended_ms, work_ended_ms or 0), queue=contact.queue, outcome=contact.reason)
    told["id"] = f"{contact.contact_id}/completed/2-event"
    if contact.answered_ms is None:
        return told
    if contact.agent_id is not None:
        told["agent_id"] = contact.agent_id
    talk_ended_ms = ended_ms if work_started_ms is None else min(ended_ms, work_started_ms)
    told["talk_seconds"] = _seconds(contact.answered_ms, talk_ended_ms, "disconnecttimestamp")
    if work_started_ms is not None and work_ended_ms is not None:
        told["wrap_seconds"] = _seconds(work_started_ms, work_ended_ms, "agentinfo.aftercontactworkendtimestamp")
    return told


def _seconds(start_ms: int, end_ms: int, name: str) -> float:
    seconds = (end_ms - start_ms) / 1000
    if not 0 <= seconds <= MAX_DURATION_SECONDS:
        raise FieldError(Reason.BAD_VALUE, f"{name}: expected at most {MAX_DURATION_SECONDS} seconds after the start")
    return seconds

"""Details of a Genesys Cloud conversation (analytics/conversations/details): all its sessions, when it is over or before.

They tell what notifications tell under the same ids, and in their `completed` what only they know: talk, hold and after-contact
work of all agents, the customer, the wrap-up code, and participant data named like dimensions. The surprise: that `completed`
stands beside those of the notifications; its id is the lesser one at the same moment, so that it is the one that is measured.
"""

from streams.core.event import Reason
from streams.core.wire import MAX_DURATION_SECONDS
from streams.sources.genesys_events import customer_id_of
from streams.sources.genesys_facts import FLOW_ENDS, TRANSFERS, fact, id_at, transferred, word_at
from streams.sources.genesys_parts import Part, parts_of
from streams.sources.payload import FieldError, at, is_name, number_at, objects_at, time_at
from streams.sources.row import CanonicalEvent, Row

_CUSTOMERS = ("customer", "external")
_AGENTS = ("agent", "user")
# Participant data that is taken, by what it is called.
_DATA = ("customer_id", "issue", "product", "segment", "region", "age_band", "language")
# An agent's talk begins some milliseconds before or after the queue's session ends, later where connecting takes its time.
_EARLIER_MS, _LATER_MS = 1_000, 10_000
_NEVER_MS = 1 << 62
_DURATIONS = (("talk_seconds", "interact"), ("hold_seconds", "hold"), ("wrap_seconds", "wrapup"))


def read_conversation(conversation: object) -> Row:
    """The events of one conversation; FieldError where a field can't be read."""
    conversation_id = id_at(conversation, "conversationId")
    if word_at(conversation, "originatingDirection") == "outbound":
        return Row([], ("outbound",))
    parts = parts_of(conversation, conversation_id)
    customers = [part for part in parts if part.purpose in _CUSTOMERS]
    if not customers:
        return Row([], ("no_customer",))
    customer = _customer(conversation, customers)
    events = [fact(customers[0].session._replace(agent_id=None, queue=None), "offered", customers[0].began_ms)]
    if "customer_id" in customer:
        events[0]["customer_id"] = customer["customer_id"]
    events += _queues(parts) + _agents(parts)
    if time_at(conversation, "conversationEnd") is not None and all(part.is_settled for part in parts):
        events += _endings(parts, customer)
    return Row(events + _surveys(conversation, conversation_id))


def _queues(parts: list[Part]) -> list[CanonicalEvent]:
    """Each stay in a queue and how it ended."""
    events = []
    for part in parts:
        if part.purpose != "acd":
            continue
        session = part.session._replace(agent_id=None)
        # 'interact' of a queue is waiting; a 'delay' before it is none to Genesys either (nOffered, tAcd).
        waits_ms = part.began_ms if part.talked_ms is None else part.talked_ms
        events.append(fact(session, "queued", waits_ms))
        if part.ended_ms is None:
            continue
        if part.outcome == "abandoned":
            events.append(fact(session, "abandoned", part.ended_ms))
        elif part.outcome == "flow_out":
            events.append(transferred(session, waits_ms, part.ended_ms))
        elif part.outcome is None and part.how == "transfer" and (agent := _who_answered(part, part.ended_ms, parts)):
            events.append(fact(session, "answered", part.ended_ms, agent_id=agent.session.agent_id))
    return events


def _who_answered(queue: Part, ended_ms: int, parts: list[Part]) -> Part | None:
    """The agent of the same queue whose talk began when the queue's session was over."""
    near = range(ended_ms - _EARLIER_MS, ended_ms + _LATER_MS)
    found = (
        (part.talked_ms, part)
        for part in parts
        if part.purpose in _AGENTS and part.session.queue == queue.session.queue and part.talked_ms in near
    )
    return min(found, default=(0, None), key=lambda talk: talk[0] or 0)[1]


def _agents(parts: list[Part]) -> list[CanonicalEvent]:
    """Transfers, and answers of agents who were called without any queue."""
    agents = [part for part in parts if part.purpose in _AGENTS and part.talked_ms is not None]
    events = []
    for part in agents:
        assert part.talked_ms is not None, "they talked"
        if part.ended_ms is not None and part.how in TRANSFERS:
            events.append(transferred(part.session, part.talked_ms, part.ended_ms))
    if agents and not any(part.purpose == "acd" for part in parts):
        assert agents[0].talked_ms is not None, "they talked"
        events.append(fact(agents[0].session, "answered", agents[0].talked_ms))
    return events


def _endings(parts: list[Part], customer: CanonicalEvent) -> list[CanonicalEvent]:
    """A completion for each time that it was over: the first end, and the first one after it has been in a queue again."""
    events: list[CanonicalEvent] = []
    queues = [part for part in parts if part.purpose == "acd"]
    agents = [part for part in parts if part.purpose in _AGENTS and part.talked_ms is not None]
    since_ms = -1
    for ended_ms, part in sorted(
        ((part.ended_ms, part) for part in parts if part.ended_ms is not None and _is_end(part)), key=_time
    ):
        if since_ms >= 0 and not any(since_ms <= queue.began_ms < ended_ms for queue in queues):
            continue
        until_ms = next((queue.began_ms for queue in queues if queue.began_ms >= ended_ms), _NEVER_MS)
        handlers = [agent for agent in agents if since_ms <= agent.began_ms < until_ms]
        if part.exit_reason == FLOW_ENDS[0] and not queues and not agents:
            events.append(fact(part.session._replace(agent_id=None), "abandoned", ended_ms))
        events.append(_completed(part, ended_ms, handlers, customer))
        since_ms = ended_ms
    return events


def _is_end(part: Part) -> bool:
    """Whether the contact was over with a session, as far as one can know from it."""
    if part.purpose in _AGENTS:
        return part.talked_ms is not None and part.how not in TRANSFERS
    if part.flow.startswith("inbound"):
        return part.exit_reason in FLOW_ENDS
    return part.purpose == "voicemail" or part.outcome == "abandoned"


def _time(end: tuple[int, Part]) -> int:
    return end[0]


def _completed(part: Part, ended_ms: int, handlers: list[Part], customer: CanonicalEvent) -> CanonicalEvent:
    """The end with the time that agents spent; nothing of it where none did."""
    how = "voicemail" if part.purpose == "voicemail" else part.exit_reason or part.how
    told = {**fact(part.session, "completed", ended_ms, "1-details", outcome=how), **customer}
    for field, kind in _DURATIONS if handlers else ():
        seconds = sum(handler.spent_ms[kind] for handler in handlers) / 1000
        if seconds > MAX_DURATION_SECONDS:
            raise FieldError(Reason.BAD_VALUE, f"segments: expected at most {MAX_DURATION_SECONDS} seconds of {kind}")
        told[field] = seconds
    codes = [handler.wrap_code for handler in handlers if handler.wrap_code is not None]
    return {"issue": codes[-1], **told} if codes else told


def _customer(conversation: object, customers: list[Part]) -> CanonicalEvent:
    """Who it was and what it was about; participant data is free text, so what can't be a field of an event is left out."""
    contacts = [at(participant, "externalContactId") for participant in objects_at(conversation, "participants")]
    known: CanonicalEvent = {}
    customer_id = customer_id_of(*contacts, customers[0].address)
    if customer_id is not None:
        known["customer_id"] = customer_id
    for participant in objects_at(conversation, "participants"):
        for name in _DATA:
            value = at(participant, "attributes", name)
            if isinstance(value, str) and is_name(value.strip()):
                known[name] = value.strip()
    return known


def _surveys(conversation: object, conversation_id: str) -> list[CanonicalEvent]:
    """Surveys that were answered with a recommendation from 0 to 10; other scores of Genesys's forms have no scale of ours."""
    events: list[CanonicalEvent] = []
    for survey in objects_at(conversation, "surveys"):
        score, time_ms = number_at(survey, "surveyPromoterScore"), time_at(survey, "surveyCompletedDate")
        if score is None or time_ms is None or time_ms < 0 or score not in range(11):
            continue
        events.append(
            {
                "id": f"{conversation_id}/surveyed/{id_at(survey, 'surveyId')}",
                "source": "genesys",
                "type": "surveyed",
                "time": time_ms,
                "interaction_id": conversation_id,
                "nps": int(score),
            }
        )
    return events

"""What an agent of Amazon Connect is doing, by the snapshot that each agent event carries.

With a contact connected or on hold they are on it; with one that has ended and isn't cleared yet they work after it; else it is
the status that they set. The surprise: a state is of the event's own time, not of when the status began, because "Available" is
as old as the morning although contacts came between. Heartbeats, every two minutes, mend what was lost.
"""

from streams.core.agent_state import QUEUES_MAX, State
from streams.core.event import Reason
from streams.sources.amazon_fields import SOURCE, queue_at, word_at
from streams.sources.payload import FieldError, at, need_short, need_time, objects_at
from streams.sources.row import CanonicalEvent, state_of_agent

_ON_CONTACT = ("connected", "connected_onhold")
_TYPES: dict[str, State] = {"routable": "available", "custom": "break", "offline": "offline"}
_NAMES: dict[str, State] = {"available": "available", "offline": "offline"}  # of events that give no type
_ID_CHARACTERS_MAX = 100  # Amazon sends UUIDs


def agent_states(found: object, agent_id: str | None) -> list[CanonicalEvent]:
    """The state in an agent event; nothing where it has no snapshot. FieldError where a field can't be read."""
    snapshot = at(found, "currentagentsnapshot")
    if agent_id is None or at(snapshot, "agentstatus") is None:
        return []
    time_ms = need_time(found, "eventtimestamp")
    if time_ms < 0:
        raise FieldError(Reason.BAD_TIME, "eventtimestamp: expected a time after 1970")
    state: State = "offline" if word_at(found, "eventtype") == "logout" else _state(snapshot)
    part = need_short(found, _ID_CHARACTERS_MAX, "eventid")
    return [state_of_agent(SOURCE, agent_id, state, time_ms, part, _queues(snapshot))]


def _state(snapshot: object) -> State:
    contacts = [word_at(listed, "state") for listed in objects_at(snapshot, "contacts")]
    if any(state in _ON_CONTACT for state in contacts):
        return "on_contact"
    if "ended" in contacts:
        return "after_contact_work"
    kind = word_at(snapshot, "agentstatus", "type")
    known = _TYPES.get(kind or "")
    return known or _NAMES.get(word_at(snapshot, "agentstatus", "name") or "", "break")


def _queues(snapshot: object) -> list[str] | None:
    """The queues of the routing profile, without the agent's own; None where no profile is told."""
    if at(snapshot, "configuration", "routingprofile", "inboundqueues") is None:
        return None
    listed = objects_at(snapshot, "configuration", "routingprofile", "inboundqueues")
    queues = dict.fromkeys(queue for one in listed if (queue := queue_at(one, "arn")) is not None and queue != "agent")
    return list(queues)[:QUEUES_MAX]

"""Activity of Genesys Cloud's users, v2.users.{id}.activity: presence, routing status and active queues of one agent.

The surprise: after-contact work isn't told. Whoever wraps up is INTERACTING until they are idle, so it is time on contact.
"""

from streams.core.agent_state import QUEUES_MAX, State
from streams.core.event import Reason
from streams.sources.genesys_facts import SOURCE, id_at, word_at
from streams.sources.payload import FieldError, at, is_name, time_at
from streams.sources.row import Row, state_of_agent

PREFIX, SUFFIX = "v2.users.", ".activity"
_ROUTING: dict[str, State] = {"idle": "available", "interacting": "on_contact", "communicating": "on_contact"}
# Not responding is a status that routing sets when an agent lets a contact ring: none comes until they change it.
_AWAY: dict[str, State] = {"offline": "offline"}
_TIMES = (("routingStatus", "startTime"), ("presence", "modifiedDate"), ("dateActiveQueuesChanged",))


def read_activity(body: object) -> Row:
    """The state in the body of a notification; FieldError where a field can't be read."""
    agent_id = id_at(body, "id")
    times = [time_ms for path in _TIMES if (time_ms := time_at(body, *path)) is not None]
    if not times or min(times) < 0:
        raise FieldError(Reason.MISSING_FIELD, "routingStatus.startTime: expected a time after 1970")
    routing = word_at(body, "routingStatus", "status")
    presence = word_at(body, "presence", "presenceDefinition", "systemPresence")
    if routing is None and presence is None:
        raise FieldError(Reason.MISSING_FIELD, "routingStatus.status: expected a text")
    state = _ROUTING.get(routing or "") or _AWAY.get(presence or "", "break")
    queues = at(body, "activeQueueIds")
    named = [queue for queue in queues if isinstance(queue, str) and is_name(queue)] if isinstance(queues, list) else None
    name = f"activity/{max(times)}/{state}"
    return Row([state_of_agent(SOURCE, agent_id, state, max(times), name, named and named[:QUEUES_MAX])])

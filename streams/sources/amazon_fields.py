"""Fields of Amazon Connect's payloads: spelled in two ways, named by ARN, with times that have milliseconds here and none there.

The surprise: fields are looked up in lower case after `lowered`, because Amazon itself writes agentInfo.agentArn and
AgentInfo.AgentArn in two samples of the same event.
"""

from streams.core.event import MAX_IDENTIFIER_CHARACTERS, Reason
from streams.sources.payload import FieldError, name_at, need_short, time_at

SOURCE = "amazon-connect"
# Room for what an id says besides the contact. Amazon allows 256 characters and sends UUIDs, which have 36.
_CONTACT_CHARACTERS_MAX = MAX_IDENTIFIER_CHARACTERS - 50


def lowered(found: object, levels: int) -> object:
    """A JSON value with the keys of its objects in lower case, so many levels down."""
    if levels and isinstance(found, dict):
        return {name.lower(): lowered(value, levels - 1) for name, value in found.items()}
    if levels and isinstance(found, list):
        return [lowered(value, levels - 1) for value in found]
    return found


def contact_id_at(found: object, *path: str) -> str:
    """The id of a contact, which must be there and short enough to make ids of."""
    return need_short(found, _CONTACT_CHARACTERS_MAX, *path)


def second_at(found: object, *path: str) -> int | None:
    """The time at a path in ms, cut to the second, which is all that contact records have; None where it is absent."""
    time_ms = time_at(found, *path)
    if time_ms is not None and time_ms < 0:
        raise FieldError(Reason.BAD_TIME, f"{'.'.join(path)}: expected a time after 1970")
    return None if time_ms is None else time_ms - time_ms % 1000


def word_at(found: object, *path: str) -> str | None:
    """One of Amazon's own words in lower case: it writes VOICE here and Voice there."""
    word = name_at(found, *path)
    return None if word is None else word.lower()


def channel_at(found: object) -> str | None:
    """The channel; agent events say TASKS for what all others call TASK."""
    channel = word_at(found, "channel")
    return "task" if channel == "tasks" else channel


def queue_at(found: object, *path: str) -> str | None:
    """A queue by what follows '/queue/' in its ARN, because contact events have no name; 'agent' for an agent's own queue."""
    arn = name_at(found, *path)
    if arn is None:
        return None
    queue = arn.rpartition("/queue/")[2] or arn
    return "agent" if queue.startswith("agent/") else queue  # an agent's id follows, which must be in no dimension


def agent_at(found: object, *path: str) -> str | None:
    """An agent by what follows '/agent/' in the ARN."""
    arn = name_at(found, *path)
    return None if arn is None else arn.rpartition("/agent/")[2] or arn

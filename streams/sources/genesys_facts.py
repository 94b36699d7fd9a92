"""The facts of a Genesys Cloud conversation, told alike by its notifications and by its details: same id, same moment.

A conversation is an interaction; each stay in a queue and each agent is a session of it. The surprise: a transfer is put up to a
second before its session's end, because Genesys begins the next queue some milliseconds before or after it, and a transfer that
follows the queue entry would end the wait.
"""

from typing import NamedTuple

from streams.sources.payload import name_at, need_short
from streams.sources.row import CanonicalEvent

SOURCE = "genesys"
# Ids are UUIDs of 36 characters; two of them and what an event id says besides must fit.
_ID_CHARACTERS_MAX = 80
_BEFORE_MS = 1_000
# How an agent's session ends where the contact goes on elsewhere, in the words of `word`.
TRANSFERS = ("transfer", "conferencetransfer", "consulttransfer", "forwardtransfer")
# How a flow that took the contact in ends where the contact ends with it.
FLOW_ENDS = ("disconnect", "flowdisconnect", "flowerrordisconnect", "sessionexpiredisconnect", "recognitionfailuredisconnect")


class Session(NamedTuple):
    """What any event of one session of a conversation carries."""

    conversation_id: str
    session_id: str
    channel: str | None
    queue: str | None = None
    agent_id: str | None = None


def fact(session: Session, kind: str, time_ms: int, part: str = "", **fields: str | None) -> CanonicalEvent:
    """One event: its id is made of conversation, kind, part and session; fields that are None are left out."""
    made: CanonicalEvent = {
        "id": "/".join(name for name in (session.conversation_id, kind, part, session.session_id) if name),
        "source": SOURCE,
        "type": kind,
        "time": time_ms,
        "interaction_id": session.conversation_id,
        "direction": "inbound",
    }
    known = {"channel": session.channel, "queue": session.queue, "agent_id": session.agent_id, **fields}
    return {**made, **{name: value for name, value in known.items() if value is not None}}


def transferred(session: Session, began_ms: int, ended_ms: int) -> CanonicalEvent:
    """An agent passes the contact on, or the queue a waiting one. Without the queue, which is the one it came from."""
    return fact(session._replace(queue=None, agent_id=None), "transferred", max(0, began_ms, ended_ms - _BEFORE_MS))


def id_at(found: object, *path: str) -> str:
    """The id of a conversation or a session, which must be there and short enough to make ids of."""
    return need_short(found, _ID_CHARACTERS_MAX, *path)


def word_at(found: object, *path: str) -> str | None:
    """One of Genesys's own words: notifications write CONSULT_TRANSFER for what details call consultTransfer."""
    word = name_at(found, *path)
    return None if word is None else word.replace("_", "").lower()


def channel_at(found: object) -> str | None:
    """The media type, of messages the kind of message (sms, whatsapp, webmessaging) where it is told."""
    media = word_at(found, "mediaType")
    return word_at(found, "messageType") or media if media == "message" else media

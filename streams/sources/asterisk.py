"""Asterisk's queue_log: one line, `time|callid|queue|agent|event|…`, → the events of a call. Several lines are one payload.

Each stay in a queue ends in this log by itself, and a transfer's second queue has lines of its own, so a transfer and an exit
complete what they end. The surprise: each entry of a queue says 'offered' under one id; what comes later is known as a repeat.

Source: app_queue.c, `ast_queue_log`. What is `holdtime` there is the wait in the queue, not time on hold.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.core.agent_state import State
from streams.core.event import Reason, Rejection
from streams.sources.payload import FieldError, context_of, event_of, name_at, number_at, text_at, time_at
from streams.sources.row import CanonicalEvent, Row, state_of_agent

SOURCE = "asterisk"
# Fields of a line before those of its event; 'NONE' stands for nothing.
_FIELDS = ("time", "callid", "queue", "agent", "event")
_NOTHING = "NONE"
# What the agent of a line does from then on. There is no after-call work in this log.
_KINDS: tuple[tuple[State, tuple[str, ...]], ...] = (
    ("available", ("ADDMEMBER", "UNPAUSE", "UNPAUSEALL", "AGENTLOGIN", "AGENTCALLBACKLOGIN")),
    ("available", ("COMPLETEAGENT", "COMPLETECALLER", "TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER")),
    ("on_contact", ("CONNECT",)),
    ("break", ("PAUSE", "PAUSEALL")),
    ("offline", ("REMOVEMEMBER", "AGENTLOGOFF", "AGENTCALLBACKLOGOFF")),
)
_STATES = {kind: state for state, kinds in _KINDS for kind in kinds}
_TELL_QUEUE = ("ADDMEMBER", "CONNECT")  # members of queues.conf are never added: their calls tell which queue they serve
_QUEUE_CHARACTERS_MAX = 100  # of it in the id of a state
_RINGS = {"RINGNOANSWER", "RINGCANCELED"}
_PLAIN = {"CONNECT": "answered", "ABANDON": "abandoned"}


class _End(NamedTuple):
    """How a stay in a queue ends. talk: in which cell the call time stands, from the end where the cells before it vary."""

    outcome: str
    talk: int | None


_ENDS = {
    "COMPLETEAGENT": _End("ended_by_agent", 1),  # holdtime|calltime|position
    "COMPLETECALLER": _End("ended_by_customer", 1),
    "TRANSFER": _End("transferred", 3),  # extension|context|holdtime|calltime|position, before Asterisk 12
    "BLINDTRANSFER": _End("transferred", 3),
    "ATTENDEDTRANSFER": _End("transferred", -2),  # method|…|holdtime|calltime|position
    # The call left the queue without an answer and goes on elsewhere, in another queue or in a mailbox.
    "EXITWITHTIMEOUT": _End("left_by_timeout", None),
    "EXITWITHKEY": _End("left_by_key", None),
    "EXITEMPTY": _End("left_without_agents", None),
}
_COUNTED = {"ENTERQUEUE", *_PLAIN, *_ENDS}


def read(body: bytes) -> Row | Rejection:
    """The events of all lines; a line that can't be read refuses the payload."""
    events: list[CanonicalEvent] = []
    rules: list[str] = []
    try:
        for line in body.decode().splitlines():
            if line.strip():
                row = _read_line(line.strip())
                events += row.events
                rules += row.rules
    except UnicodeDecodeError:
        return Rejection(Reason.BAD_VALUE, "line: expected UTF-8")
    except FieldError as bad:
        return bad.rejection
    return Row(events, tuple(rules))


def _read_line(line: str) -> Row:
    cells = line.split("|")
    if len(cells) < len(_FIELDS):
        raise FieldError(Reason.MISSING_FIELD, "line: expected time|callid|queue|agent|event")
    head = dict(zip(_FIELDS, ("" if cell == _NOTHING else cell for cell in cells), strict=False))
    kind = cells[4].upper()
    states = _states(kind, head, cells[5:])
    if kind not in _COUNTED:
        return Row(states, () if states else (_rule(kind),))
    time_ms = time_at(head, "time")
    call = text_at(head, "callid")
    if time_ms is None or call is None:
        raise FieldError(Reason.MISSING_FIELD, f"{'time' if time_ms is None else 'callid'}: expected a value")
    context = context_of(
        SOURCE, call, channel="voice", queue=text_at(head, "queue"), agent_id=text_at(head, "agent"), direction="inbound"
    )
    return Row([*_events(kind, context, time_ms, cells[5:]), *states])


def _states(kind: str, head: dict[str, str], data: Sequence[str]) -> list[CanonicalEvent]:
    """What the agent of a line does from then on; nothing where it has no agent, or none that is told."""
    agent, time_ms = name_at(head, "agent"), time_at(head, "time")
    if kind not in _STATES or agent is None or time_ms is None:
        return []
    queue = name_at(head, "queue")
    state = "break" if kind == "ADDMEMBER" and data[:1] == ["PAUSED"] else _STATES[kind]
    name = f"{kind}/{time_ms}/{(queue or '')[:_QUEUE_CHARACTERS_MAX]}"
    return [state_of_agent(SOURCE, agent, state, time_ms, name, [queue] if queue and kind in _TELL_QUEUE else None)]


def _rule(kind: str) -> str:
    """Why a line has no events; a closed list, because it is counted by name."""
    if kind in _STATES:
        return "no_agent"
    return "not_answered_by_agent" if kind in _RINGS else "event_not_counted"


def _events(kind: str, context: CanonicalEvent, time_ms: int, data: Sequence[str]) -> list[CanonicalEvent]:
    """The events of a line whose event is one of _COUNTED; `data` are the cells that follow it."""
    if kind == "ENTERQUEUE":  # url|caller|position
        caller = data[1] if len(data) > 1 and data[1] not in ("", _NOTHING) else None
        known = context if caller is None else {**context, "customer_id": caller}
        return [event_of(known, "offered", time_ms, "first"), event_of(known, "queued", time_ms)]
    if kind in _PLAIN:
        return [event_of(context, _PLAIN[kind], time_ms)]
    end = _ENDS[kind]
    talk = None if end.talk is None else _seconds(data, end.talk)
    completed = event_of(context, "completed", time_ms, talk_seconds=talk, outcome=end.outcome)
    return [event_of(context, "transferred", time_ms), completed] if end.outcome == "transferred" else [completed]


def _seconds(data: Sequence[str], place: int) -> float | None:
    """A duration; None in the lines of versions that didn't write it."""
    place = place if place >= 0 else len(data) + place
    return number_at({"calltime": data[place]}, "calltime") if 0 <= place < len(data) else None

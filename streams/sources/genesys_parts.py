"""Parts of a Genesys Cloud conversation as its details list them: one session of one participant each, and what is in it.

The surprise: the after-contact work of an agent is a segment of the agent's session, so that a session ends twice: for the
customer when the last other segment ends, and for the agent when the work does.
"""

from typing import NamedTuple

from streams.core.event import Reason
from streams.core.wire import MAX_DURATION_SECONDS
from streams.sources.genesys_facts import Session, channel_at, id_at, word_at
from streams.sources.payload import FieldError, at, name_at, number_at, objects_at, text_at, time_at

_WORK = "wrapup"
_TALK = "interact"
_HOLD = "hold"


class Segment(NamedTuple):
    """A segment; ms since the epoch, `ended_ms` None while it lasts."""

    kind: str
    began_ms: int
    ended_ms: int | None
    how: str | None
    queue: str | None
    wrap_code: str | None


class Part(NamedTuple):
    """A session and what it came to. `ended_ms`: for the customer; None while it lasts. `talked_ms`: when its first talk began.

    `spent_ms`: interact, hold and wrapup, as Genesys measures it, else as long as the segments are.
    """

    purpose: str
    session: Session
    began_ms: int
    ended_ms: int | None
    talked_ms: int | None
    how: str | None
    spent_ms: dict[str, int]
    is_settled: bool
    wrap_code: str | None
    outcome: str | None
    flow: str
    exit_reason: str | None
    address: object


def parts_of(conversation: object, conversation_id: str) -> list[Part]:
    """The sessions of a conversation that have begun, by their beginning; what agents dial out is left out."""
    found = [
        _part(conversation_id, participant, session, segments)
        for participant in objects_at(conversation, "participants")
        for session in objects_at(participant, "sessions")
        if word_at(session, "direction") != "outbound" and (segments := _segments(session))
    ]
    return sorted(found, key=lambda part: (part.began_ms, part.session.session_id))


def _part(conversation_id: str, participant: object, session: object, segments: list[Segment]) -> Part:
    contact = [segment for segment in segments if segment.kind != _WORK]
    ends = [segment.ended_ms for segment in contact]
    # Of segments that end together the later one, which may have no length, says how the session ended.
    last = max(reversed(contact or segments), key=lambda segment: segment.ended_ms or segment.began_ms)
    metrics = {text_at(metric, "name"): number_at(metric, "value") for metric in objects_at(session, "metrics")}
    return Part(
        purpose=word_at(participant, "purpose") or "",
        session=Session(
            conversation_id=conversation_id,
            session_id=id_at(session, "sessionId"),
            channel=channel_at(session),
            queue=next((segment.queue for segment in reversed(segments) if segment.queue is not None), None),
            agent_id=name_at(participant, "userId"),
        ),
        began_ms=segments[0].began_ms,
        ended_ms=max((end for end in ends if end is not None), default=None) if None not in ends else None,
        talked_ms=next((segment.began_ms for segment in segments if segment.kind == _TALK), None),
        how=last.how,
        spent_ms={kind: _spent_ms(segments, kind, metrics.get(metric)) for kind, metric in _SPENT.items()},
        is_settled=all(segment.ended_ms is not None for segment in segments),
        wrap_code=next((segment.wrap_code for segment in reversed(segments) if segment.wrap_code is not None), None),
        outcome=next((what for name, what in _OUTCOMES.items() if name in metrics), None),
        flow=word_at(session, "flow", "flowType") or "",
        exit_reason=word_at(session, "flow", "exitReason"),
        address=next((value for name in ("ani", "addressFrom") if (value := at(session, name))), None),
    )


# Metrics that a queue's session may have when it is over, and what they say of how it ended. An answer is told by the agent's.
_OUTCOMES = {"tAbandon": "abandoned", "tFlowOut": "flow_out"}
# Kinds of segments and the metrics that Genesys makes of all of them when the agent's session is over.
_SPENT = {_TALK: "tTalkComplete", _HOLD: "tHeldComplete", _WORK: "tAcw"}


def _segments(session: object) -> list[Segment]:
    """The segments that have begun, in the order of time."""
    found = []
    for segment in objects_at(session, "segments"):
        began_ms = _time_ms(segment, "segmentStart")
        if began_ms is None:
            continue
        found.append(
            Segment(
                kind=word_at(segment, "segmentType") or "",
                began_ms=began_ms,
                ended_ms=_time_ms(segment, "segmentEnd"),
                how=word_at(segment, "disconnectType"),
                queue=name_at(segment, "queueId"),
                wrap_code=name_at(segment, "wrapUpCode"),
            )
        )
    return sorted(found, key=lambda segment: segment.began_ms)


def _spent_ms(segments: list[Segment], kind: str, measured_ms: float | None) -> int:
    """The time spent in segments of a kind: what Genesys measured, else that of those that are over."""
    spent_ms = sum(max(0, (s.ended_ms or s.began_ms) - s.began_ms) for s in segments if s.kind == kind)
    spent_ms = spent_ms if measured_ms is None else int(measured_ms)
    if not 0 <= spent_ms <= MAX_DURATION_SECONDS * 1000:
        raise FieldError(Reason.BAD_VALUE, f"segments: expected at most {MAX_DURATION_SECONDS} seconds of {kind}")
    return spent_ms


def _time_ms(found: object, name: str) -> int | None:
    time_ms = time_at(found, name)
    if time_ms is not None and time_ms < 0:
        raise FieldError(Reason.BAD_TIME, f"{name}: expected a time after 1970")
    return time_ms

"""Conversations as Genesys Cloud tells of them: by notifications and, when they are over, by their details. Invented, in the
shapes of its public reference (models of the platform SDK, notification topics, conversation details)."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

START = 1_760_000_040_000  # 2025-10-09 08:54:00 UTC
TOPIC = "v2.detail.events.conversation"


class Leg(NamedTuple):
    """A stay in a queue and with the agent who answers; ms after START. `talk` None: nobody answers until `until`, when the
    customer leaves or, by FLOW_OUT, the flow takes the contact elsewhere."""

    since: int = 10_000
    until: int = 45_500
    talk: int | None = 240_000
    hold: int = 60_000
    wrap: int | None = 20_000
    how: str = "PEER"
    queue: str = "q-billing"


class Talk(NamedTuple):
    """A conversation: the flow that took it in ends at `menu_until`, by `exit_reason`; then its legs."""

    conversation: str = "v-1"
    menu_until: int = 9_990
    exit_reason: str = "TRANSFER"
    legs: tuple[Leg, ...] = (Leg(),)
    connecting: int = 17  # ms from the end of the queue's session to the agent's talk


def ended(talk: Talk) -> int:
    """When the customer is through, ms after START."""
    if not talk.legs:
        return talk.menu_until
    return agent_ended(talk, talk.legs[-1])


def agent_ended(talk: Talk, leg: Leg) -> int:
    """When an agent's part is over, or the queue where nobody answered."""
    return leg.until if leg.talk is None else leg.until + talk.connecting + leg.talk + leg.hold


def notifications(talk: Talk) -> list[dict[str, Any]]:
    """The notifications of a conversation in the order of time, by turns as a WebSocket and as EventBridge delivers them."""
    caller = {"externalContactId": "x-1", "ani": "tel:+15550100"}
    told = [_notice(talk, "customer.start", "s-customer", 0, **caller), _notice(talk, "flow.start", "s-menu", 40)]
    flow = {"flowType": "INBOUNDCALL", "exitReason": talk.exit_reason}
    told.append(_notice(talk, "flow.end", "s-menu", talk.menu_until, **flow))
    for number, leg in enumerate(talk.legs):
        told += _leg_notices(talk, leg, number)
    told.append(_notice(talk, "customer.end", "s-customer", ended(talk), disconnectType="PEER"))
    return [_bridged(notice) if number % 2 else notice for number, notice in enumerate(told)]


def _leg_notices(talk: Talk, leg: Leg, number: int) -> list[dict[str, Any]]:
    queue, agent = {"queueId": leg.queue}, {"queueId": leg.queue, "userId": f"u-{number}"}
    answered = leg.talk is not None
    unanswered = {"acdOutcome": "FLOW_OUT" if leg.how == "FLOW_OUT" else "ABANDON"}
    outcome = {"acdOutcome": "ANSWERED", "answeredUserId": f"u-{number}"} if answered else unanswered
    told = [
        _notice(talk, "acd.start", f"s-queue-{number}", leg.since, **queue),
        _notice(talk, "acd.end", f"s-queue-{number}", leg.until, **queue, **outcome, connectedDurationMs=leg.until - leg.since),
    ]
    if answered:
        times = {"interactingDurationMs": leg.talk, "heldDurationMs": leg.hold, "alertingDurationMs": 2_000}
        end = agent_ended(talk, leg)
        told.append(_notice(talk, "user.start", f"s-agent-{number}", leg.until - 2_000, **agent))
        told.append(_notice(talk, "user.end", f"s-agent-{number}", end, **agent, **times, disconnectType=leg.how))
        if leg.wrap is not None:
            work = {"wrapupCode": "w-invoice", "wrapupDurationMs": leg.wrap}
            told.append(_notice(talk, "acw", f"s-agent-{number}", end + leg.wrap, **agent, **work))
    return told


def _notice(talk: Talk, kind: str, session: str, at_ms: int, **fields: object) -> dict[str, Any]:
    same = {
        "eventTime": START + at_ms,
        "conversationId": talk.conversation,
        "participantId": f"p-{session}",
        "sessionId": session,
    }
    body = {**same, "mediaType": "VOICE", "provider": "Edge", "direction": "INBOUND", **fields}
    return {"topicName": f"{TOPIC}.{talk.conversation}.{kind}", "version": "2", "eventBody": body}


def _bridged(notice: dict[str, Any]) -> dict[str, Any]:
    source = "aws.partner/genesys.com/cloud/o-1/contacts"
    return {"version": "0", "detail-type": f"{TOPIC}.{{id}}", "source": source, "detail": notice}


def details(talk: Talk) -> dict[str, Any]:
    """The details of a conversation that is over."""
    last = [agent_ended(talk, leg) + (leg.wrap or 0) for leg in talk.legs]
    menu = {"flowType": "INBOUNDCALL", "exitReason": talk.exit_reason, "flowId": "f-1"}
    how = "peer" if talk.exit_reason == "DISCONNECT" else "transfer"
    participants = [
        _participant("customer", "s-customer", [_segment("interact", 0, ended(talk), "peer")], ani="tel:+15550100"),
        _participant("ivr", "s-menu", [_segment("ivr", 40, talk.menu_until, how)], flow=menu),
    ]
    participants[0] |= {"externalContactId": "x-1", "attributes": {"segment": "business", "Account": "7"}}
    for number, leg in enumerate(talk.legs):
        participants += _leg_participants(talk, leg, number)
    return {
        "conversationId": talk.conversation,
        "conversationStart": stamp(0),
        "conversationEnd": stamp(max([ended(talk), *last])),
        "originatingDirection": "inbound",
        "participants": participants,
    }


def _leg_participants(talk: Talk, leg: Leg, number: int) -> list[dict[str, Any]]:
    waited, answered = leg.until - leg.since, leg.talk is not None
    unanswered = "tFlowOut" if leg.how == "FLOW_OUT" else "tAbandon"
    metrics = [{"name": "nOffered", "value": 1}, {"name": "tAcd" if answered else unanswered, "value": waited}]
    waiting = _segment("interact", leg.since, leg.until, "transfer" if answered else "peer", leg.queue)
    found = [_participant("acd", f"s-queue-{number}", [_segment("delay", leg.since - 14, leg.since, None, leg.queue), waiting])]
    found[0]["sessions"][0]["metrics"] = metrics
    if leg.talk is None:
        return found
    began, end = leg.until + talk.connecting, agent_ended(talk, leg)
    held = end - leg.hold
    segments = [
        _segment("alert", leg.until - 2_000, began, None, leg.queue),
        _segment("interact", began, held, None, leg.queue),
        _segment("hold", held, end, _CAMEL[leg.how], leg.queue),
    ]
    if leg.wrap is not None:
        segments.append({**_segment("wrapup", end, end + leg.wrap, None, leg.queue), "wrapUpCode": "w-invoice"})
    return [*found, {**_participant("agent", f"s-agent-{number}", segments), "userId": f"u-{number}"}]


_CAMEL = {"PEER": "peer", "CLIENT": "client", "TRANSFER": "transfer", "CONSULT_TRANSFER": "consultTransfer"}


def _participant(purpose: str, session: str, segments: list[dict[str, Any]], **fields: object) -> dict[str, Any]:
    told = {"sessionId": session, "mediaType": "voice", "direction": "inbound", "segments": segments, "metrics": [], **fields}
    return {"participantId": f"p-{session}", "purpose": purpose, "sessions": [told]}


def _segment(kind: str, since: int, until: int, how: str | None, queue: str | None = None) -> dict[str, Any]:
    told = {
        "segmentType": kind,
        "segmentStart": stamp(since),
        "segmentEnd": stamp(until),
        "disconnectType": how,
        "queueId": queue,
    }
    return {name: value for name, value in told.items() if value is not None}


def stamp(at_ms: int) -> str:
    """A time of the details."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=START + at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

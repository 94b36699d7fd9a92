"""Calls as Amazon Connect tells of them: contact events with milliseconds, agent events, contact records in whole seconds."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

START = 1_760_000_040  # 2025-10-09 08:54:00 UTC
INSTANCE = "arn:aws:connect:eu-central-1:123456789012:instance/i-1"


class Call(NamedTuple):
    """Seconds after START, None where it did not happen; `millis` are what a contact record cuts off."""

    contact: str = "c-1"
    initiated: int = 0
    queued: int | None = 10
    answered: int | None = 45
    disconnected: int = 345
    wrap: int | None = 20
    hold: int = 60
    reason: str | None = "CUSTOMER_DISCONNECT"
    method: str = "INBOUND"
    previous: str | None = None
    millis: int = 123


def stamp(seconds: int | None, millis: int | None = None) -> str | None:
    """A time as contact events write it, or without `millis` as contact records do."""
    if seconds is None:
        return None
    text = datetime.fromtimestamp(START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}Z" if millis is None else f"{text}.{millis:03}Z"


def contact_events(call: Call) -> list[dict[str, Any]]:
    """The contact events of a call as EventBridge delivers them."""
    kinds = ["INITIATED"]
    kinds += ["QUEUED"] if call.queued is not None else []
    kinds += ["CONNECTED_TO_AGENT"] if call.answered is not None else []
    return [contact_event(call, kind) for kind in (*kinds, "DISCONNECTED", "COMPLETED")]


def contact_event(call: Call, kind: str) -> dict[str, Any]:
    """One contact event with what had happened by then."""
    detail: dict[str, Any] = {
        "eventType": kind,
        "contactId": call.contact,
        "initialContactId": call.previous or call.contact,
        "previousContactId": call.previous,
        "channel": "VOICE",
        "instanceArn": INSTANCE,
        "initiationMethod": call.method,
        "initiationTimestamp": stamp(call.initiated, call.millis),
    }
    if call.queued is not None and kind != "INITIATED":
        queue = {"queueType": "STANDARD", "queueArn": f"{INSTANCE}/queue/q-billing"}
        detail["queueInfo"] = {**queue, "enqueueTimestamp": stamp(call.queued, call.millis)}
    if call.answered is not None and kind not in ("INITIATED", "QUEUED"):
        connected = stamp(call.answered, call.millis)
        detail["agentInfo"] = {"agentArn": f"{INSTANCE}/agent/a-7", "connectedToAgentTimestamp": connected}
    if kind in ("DISCONNECTED", "COMPLETED"):
        detail |= {"disconnectTimestamp": stamp(call.disconnected, call.millis), "disconnectReason": call.reason}
    if kind == "COMPLETED" and call.answered is not None and call.wrap is not None:
        detail["agentInfo"] |= {
            "afterContactWorkStartTimestamp": stamp(call.disconnected, call.millis),
            "afterContactWorkEndTimestamp": stamp(call.disconnected + call.wrap, call.millis),
            "afterContactWorkDuration": call.wrap,
        }
    return {"version": "0", "source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": detail}


def agent_event(call: Call) -> dict[str, Any]:
    """An agent event while the call is with the agent."""
    listed = {
        "Channel": "VOICE",
        "ContactId": call.contact,
        "InitialContactId": call.previous,
        "InitiationMethod": call.method,
        "State": "CONNECTED",
        "StateStartTimestamp": stamp(call.answered, call.millis),
        "ConnectedToAgentTimestamp": stamp(call.answered, call.millis),
        "QueueTimestamp": stamp(call.queued, call.millis),
        "Queue": {"ARN": f"{INSTANCE}/queue/q-billing", "Name": "Billing"},
    }
    return {
        "AgentARN": f"{INSTANCE}/agent/a-7",
        "EventId": "e-1",
        "EventTimestamp": stamp(call.answered, call.millis),
        "EventType": "STATE_CHANGE",
        "CurrentAgentSnapshot": {"AgentStatus": {"Name": "Available"}, "Contacts": [listed]},
        "PreviousAgentSnapshot": {"AgentStatus": {"Name": "Available"}, "Contacts": []},
    }


def contact_record(call: Call) -> dict[str, Any]:
    """The contact record of a call."""
    agent = None
    if call.answered is not None:
        agent = {
            "ARN": f"{INSTANCE}/agent/a-7",
            "Username": "jdoe",
            "ConnectedToAgentTimestamp": stamp(call.answered),
            "AgentInteractionDuration": call.disconnected - call.answered - call.hold,
            "CustomerHoldDuration": call.hold,
            "AfterContactWorkDuration": call.wrap,
            "AfterContactWorkStartTimestamp": None if call.wrap is None else stamp(call.disconnected),
            "AfterContactWorkEndTimestamp": None if call.wrap is None else stamp(call.disconnected + call.wrap),
        }
    queue = {"ARN": f"{INSTANCE}/queue/q-billing", "Name": "Billing", "EnqueueTimestamp": stamp(call.queued)}
    return {
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "ContactId": call.contact,
        "InitialContactId": call.previous,
        "PreviousContactId": call.previous,
        "NextContactId": None,
        "Channel": "VOICE",
        "InitiationMethod": call.method,
        "InitiationTimestamp": stamp(call.initiated),
        "DisconnectTimestamp": stamp(call.disconnected),
        "DisconnectReason": call.reason,
        "Agent": agent,
        "Queue": None if call.queued is None else queue,
        "Attributes": {"issue": "invoice", "segment": "business", "greetingPlayed": "true"},
        "CustomerEndpoint": {"Address": "+15550100", "Type": "TELEPHONE_NUMBER"},
        "TransferCompletedTimestamp": None,
    }

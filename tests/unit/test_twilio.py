"""Twilio TaskRouter: the life of a task, told by a form for each step and by CloudEvents, made by hand after the reference."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from streams.core.event import Reason, Rejection
from streams.sources.row import CanonicalEvent, Row
from streams.sources.twilio import read

NINE = 1795770000000  # 2026-11-27 09:00 UTC
ATTRIBUTES = '{"from": "+15550123", "direction": "inbound", "call_sid": "CA1", "selected_language": "es"}'
KNOWN: CanonicalEvent = {
    "source": "twilio",
    "interaction_id": "WT1",
    "channel": "voice",
    "queue": "Billing",
    "customer_id": "+15550123",
    "direction": "inbound",
    "language": "es",
}


def form(kind: str, seconds: int, **fields: str) -> bytes:
    """An event callback."""
    known = {
        "EventType": kind,
        "Timestamp": str(NINE // 1000 + seconds),
        "TimestampMs": str(NINE + 1000 * seconds),
        "WorkspaceSid": "WS1",
        "TaskSid": "WT1",
        "TaskAttributes": ATTRIBUTES,
        "TaskQueueName": "Billing",
        "TaskChannelUniqueName": "voice",
        "TaskAge": "0",
    }
    return urlencode({**known, **fields}).encode()


def streamed(kind: str, seconds: int, **fields: Any) -> dict[str, Any]:
    """A CloudEvent of Event Streams."""
    payload = {
        "eventtype": kind,
        "timestamp": f"2026-11-27T09:{seconds // 60:02}:{seconds % 60:02}.000Z",
        "task_sid": "WT1",
        "task_attributes": ATTRIBUTES,
        "task_queue_name": "Billing",
        "task_channel_unique_name": "voice",
        "task_age": 0,
    }
    return {
        "specversion": "1.0",
        "type": f"com.twilio.taskrouter.{kind}",
        "source": "AB1",
        "id": f"NO{seconds}",
        "data": {"sid": "EV1", "timestamp": "2026-11-27T09:59:59Z", "payload": {**payload, **fields}},
    }


def event(kind: str, part: str, seconds: int, **fields: str) -> CanonicalEvent:
    return {"id": f"WT1/{kind}/{part}", **KNOWN, "type": kind, "time": NINE + 1000 * seconds, **fields}


LIFE = [
    ("task.created", 0, {}, event("offered", "first", 0)),
    ("task-queue.entered", 1, {}, event("queued", "1795770001", 1)),
    ("reservation.accepted", 15, {"ReservationSid": "WR1", "WorkerSid": "WK1"}, event("answered", "WR1", 15, agent_id="WK1")),
    ("task.transfer-initiated", 40, {}, event("transferred", "1795770040", 40)),
    ("task.completed", 75, {"TaskCompletedReason": "solved"}, event("completed", "1795770075", 75, outcome="solved")),
    ("task.canceled", 9, {"TaskCanceledReason": "hangup"}, event("abandoned", "1795770009", 9)),
    ("task.canceled", 9, {"TaskCanceledReason": "Task TTL Exceeded"}, event("completed", "1795770009", 9, outcome="canceled")),
]
SPELT = {
    "ReservationSid": "reservation_sid",
    "WorkerSid": "worker_sid",
    "TaskCompletedReason": "task_completed_reason",
    "TaskCanceledReason": "task_canceled_reason",
}


@pytest.mark.parametrize(("kind", "seconds", "fields", "expected"), LIFE)
def test_callbacks_and_event_streams_give_the_same_events(
    kind: str, seconds: int, fields: dict[str, str], expected: CanonicalEvent
) -> None:
    assert read(form(kind, seconds, **fields)) == Row([expected])
    spelt = {SPELT[name]: value for name, value in fields.items()}
    assert read(json.dumps(streamed(kind, seconds, **spelt)).encode()) == Row([expected])


def test_an_array_of_cloud_events_is_read_in_its_order_and_what_is_not_taskrouters_is_left_out() -> None:
    test_event = {"specversion": "1.0", "type": "com.twilio.eventstreams.test-event", "id": "AC1", "data": {"test_id": "1"}}
    body = json.dumps([streamed("task.created", 0), test_event, streamed("task-queue.entered", 1)]).encode()
    expected = [event("offered", "first", 0), event("queued", "1795770001", 1)]
    assert read(body) == Row(expected, ("event_not_counted",))


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("worker.activity.update", "agent_state"),
        ("reservation.timeout", "not_answered_by_agent"),
        ("workflow.entered", "event_not_counted"),
        ("task.updated", "event_not_counted"),
    ],
)
def test_what_is_not_counted_is_named(kind: str, rule: str) -> None:
    assert read(form(kind, 0)) == Row([], (rule,))


@pytest.mark.parametrize("direction", ["outbound", "outbound-api", "outbound-dial", "Outbound"])
def test_nobody_waits_in_what_agents_dial(direction: str) -> None:
    attributes = json.dumps({"to": "+15550123", "direction": direction})
    for kind, *_ in LIFE:
        assert read(form(kind, 0, TaskAttributes=attributes)) == Row([], ("outbound",))
        assert read(json.dumps(streamed(kind, 0, task_attributes=attributes)).encode()) == Row([], ("outbound",))
    assert read(form("worker.activity.update", 0, TaskAttributes=attributes)) == Row([], ("agent_state",))


@pytest.mark.parametrize("attributes", ["", "{", "[]", '{"from": 7}', '{"customers": "none"}'])
def test_attributes_are_the_users_own_and_may_be_anything(attributes: str) -> None:
    row = read(form("task.created", 0, TaskAttributes=attributes, TaskChannelUniqueName="default", TaskQueueName=""))
    assert isinstance(row, Row)
    expected: CanonicalEvent = {"id": "WT1/offered/first", "source": "twilio", "interaction_id": "WT1", "type": "offered"}
    assert row.events == [{**expected, "time": NINE}]


def test_a_customer_id_of_flex_is_better_than_a_number() -> None:
    row = read(form("task.created", 0, TaskAttributes='{"from": "+1", "customers": {"customer_id": "k-9"}}'))
    assert isinstance(row, Row)
    assert row.events[0]["customer_id"] == "k-9"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", Rejection(Reason.MISSING_FIELD, "EventType: expected a form with it, or JSON")),
        (b"a=1&b", Rejection(Reason.MISSING_FIELD, "EventType: expected a form with it, or JSON")),
        (b"EventType=task.created&TaskSid=WT1", Rejection(Reason.MISSING_FIELD, "timestamp: expected a time")),
        (b"EventType=task.created&Timestamp=1795770000", Rejection(Reason.MISSING_FIELD, "task_sid: expected a text")),
        (b'{"specversion": "1.0"}', Rejection(Reason.MISSING_FIELD, "type: expected a text")),
        (b'[{"type": "com.twilio.taskrouter.task.created"}]', Rejection(Reason.BAD_TYPE, "data.payload: expected a JSON object")),
        (b"[7]", Rejection(Reason.BAD_TYPE, "event: expected a JSON object")),
        (b"[", Rejection(Reason.NOT_JSON, "payload: expected JSON")),
    ],
)
def test_what_is_no_event_is_named(body: bytes, expected: Rejection) -> None:
    assert read(body) == expected

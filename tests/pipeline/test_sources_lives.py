"""A contact of each vendor through its source and intake: it counts as one whole contact, nothing contradicts, twice is once."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from intake_fakes import HOUR, RecordFake, make_rules, measures

from streams.core.intake import Intake
from streams.sources.formats import PAYLOADS
from streams.sources.row import Row, is_state, time_of

NINE = 1795770000  # 2026-11-27 09:00 UTC
READ_MS = 1000 * NINE + 24 * HOUR


def taskrouter(kind: str, at: int, **fields: str) -> bytes:
    return urlencode({"EventType": kind, "Timestamp": str(NINE + at), "TaskSid": "WT1", "TaskQueueName": "q", **fields}).encode()


def zendesk(kind: str, at: int, **event: Any) -> bytes:
    detail = {"id": "7", "created_at": "2026-11-27T09:00:00Z", "group_id": "5", "assignee_id": "8"}
    time = f"2026-11-27T09:{at // 60:02}:{at % 60:02}Z"
    return json.dumps({"type": f"zen:event-type:ticket.{kind}", "time": time, "detail": detail, "event": event}).encode()


def staff(number: int) -> dict[str, Any]:
    return {"id": number, "is_public": True, "author": {"id": "8", "is_staff": True}}


def freshdesk(trigger: str, at: int) -> bytes:
    time = f"2026-11-27 09:{at // 60:02}:{at % 60:02}"
    return json.dumps({"ticket_id": "7", "triggered_event": trigger, "event_time": time}).encode()


def intercom(topic: str, at: int, part: str) -> bytes:
    parts = [{"id": part, "created_at": NINE + at, "author": {"type": "admin", "id": "8"}}]
    item = {"id": "7", "created_at": NINE, "conversation_parts": {"conversation_parts": parts}}
    return json.dumps({"topic": topic, "data": {"item": item}}).encode()


# Offered and queued at nine, answered after 60 s, over after 360 s, by each vendor's own words.
LIVES = {
    "asterisk": [
        f"{NINE}|c.1|sales|NONE|ENTERQUEUE||+1555|1".encode(),
        f"{NINE + 60}|c.1|sales|PJSIP/8|CONNECT|60|b.2|3".encode(),
        f"{NINE + 360}|c.1|sales|PJSIP/8|COMPLETECALLER|60|300|1".encode(),
    ],
    "twilio": [
        taskrouter("task.created", 0),
        taskrouter("task-queue.entered", 0),
        taskrouter("reservation.accepted", 60, ReservationSid="WR1"),
        taskrouter("task.completed", 360),
    ],
    "zendesk": [
        zendesk("created", 0),
        zendesk("group_assignment_changed", 1, previous=None, current="5"),
        zendesk("comment_added", 60, comment=staff(1)),
        zendesk("comment_added", 90, comment=staff(2)),
        zendesk("status_changed", 360, previous="OPEN", current="SOLVED"),
        zendesk("status_changed", 361, previous="SOLVED", current="CLOSED"),
    ],
    "freshdesk": [
        freshdesk("{ticket_action:created}", 0),
        freshdesk("{reply_sent:sent}", 60),
        freshdesk("{reply_sent:sent}", 90),
        freshdesk("{status:{from:2,to:4}}", 360),
        freshdesk("{status:{from:4,to:5}}", 361),
    ],
    "intercom": [
        intercom("conversation.user.created", 0, "1"),
        intercom("conversation.admin.replied", 60, "2"),
        intercom("conversation.admin.replied", 90, "3"),
        intercom("conversation.admin.closed", 360, "4"),
    ],
}
WHOLE = {"offered": 1, "queued": 1, "answered": 1, "wait_ms": 60_000, "handled": 1, "talk_ms": 300_000}


def records(name: str, payloads: Sequence[bytes]) -> list[RecordFake]:
    """What ingest writes for these payloads."""
    made = []
    for payload in payloads:
        row = PAYLOADS[name](payload)
        assert isinstance(row, Row), row
        told = [event for event in row.events if not is_state(event)]  # what agents do goes to a topic of its own
        made += [RecordFake(orjson.dumps(event), key_=str(event["interaction_id"]).encode()) for event in told]
    return made


@pytest.mark.parametrize("name", LIVES)
def test_a_contact_counts_once_however_often_its_payloads_come(name: str) -> None:
    once = records(name, LIVES[name])
    intake = Intake(0, {}, make_rules(shards=1))
    intake.apply(once, READ_MS)
    changes = intake.drain(READ_MS, 0)
    found = measures(changes.frames)
    assert {measure: found.get(measure) for measure in WHOLE} == WHOLE
    assert changes.counts.contradictions == {}
    assert changes.rejected == []

    intake.apply(once, READ_MS)
    again = intake.drain(READ_MS, 0)
    assert (again.counts.accepted, again.counts.duplicates) == (0, len(once))
    assert measures(again.frames) == {}


@pytest.mark.parametrize("name", LIVES)
def test_every_event_of_a_vendor_passes_intake_in_any_order(name: str) -> None:
    # Within a minute of each other, which the grace of the shortest window allows.
    backward = sorted(records(name, LIVES[name]), key=lambda record: -time_of(orjson.loads(record.value_ or b"")))
    intake = Intake(0, {}, make_rules(shards=1, graces_ms=(("1m", HOUR), ("15m", HOUR), ("1h", HOUR), ("1d", HOUR))))
    intake.apply(backward, READ_MS)
    changes = intake.drain(READ_MS, 0)
    found = measures(changes.frames)
    assert (found["offered"], found["queued"], found["handled"], changes.rejected) == (1, 1, 1, [])

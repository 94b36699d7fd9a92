"""Genesys Cloud's notifications and conversation details, and the events in them."""

import json
from typing import Any

import pytest
from genesys_calls import START, TOPIC, Leg, Talk, details, notifications

from streams.core.event import Reason, Rejection
from streams.sources.genesys import read
from streams.sources.row import CanonicalEvent, Row

SAME: CanonicalEvent = {"source": "genesys", "interaction_id": "v-1", "direction": "inbound", "channel": "voice"}


def told(payload: object) -> Row | Rejection:
    return read(json.dumps(payload).encode())


def events(*payloads: object) -> list[CanonicalEvent]:
    found = []
    for payload in payloads:
        row = told(payload)
        assert isinstance(row, Row), row
        found += row.events
    return found


def fact(name: str, kind: str, time_ms: int, **fields: str | float) -> CanonicalEvent:
    return {**SAME, "id": f"v-1/{name}", "type": kind, "time": START + time_ms, **fields}


def notice(kind: str, **fields: object) -> dict[str, Any]:
    body = {
        "conversationId": "v-1",
        "sessionId": "s-1",
        "eventTime": START,
        "mediaType": "VOICE",
        "direction": "INBOUND",
        **fields,
    }
    return {"topicName": f"{TOPIC}.v-1.{kind}", "eventBody": body}


OFFERED = fact("offered/s-customer", "offered", 0, customer_id="x-1")
QUEUED = fact("queued/s-queue-0", "queued", 10_000, queue="q-billing")
ANSWERED = fact("answered/s-queue-0", "answered", 45_500, queue="q-billing", agent_id="u-0")
END_MS = 45_500 + 17 + 240_000 + 60_000


def test_the_notifications_of_an_answered_call() -> None:
    ended = fact("completed/2-event/s-agent-0", "completed", END_MS, queue="q-billing", agent_id="u-0", outcome="peer")
    assert events(*notifications(Talk())) == [OFFERED, QUEUED, ANSWERED, ended]


def test_the_details_of_an_answered_call_have_what_the_agent_spent_and_the_wrap_up_code() -> None:
    ended = fact("completed/1-details/s-agent-0", "completed", END_MS, queue="q-billing", agent_id="u-0", outcome="peer")
    spent = {"talk_seconds": 240.0, "hold_seconds": 60.0, "wrap_seconds": 20.0}
    who = {"customer_id": "x-1", "issue": "w-invoice", "segment": "business"}
    assert events(details(Talk())) == [OFFERED, QUEUED, ANSWERED, {**ended, **spent, **who}]
    assert events({"conversations": [details(Talk())], "totalHits": 1}) == events(details(Talk()))


def test_a_conversation_that_is_not_over_tells_all_but_the_end() -> None:
    going_on = details(Talk())
    del going_on["conversationEnd"]
    assert events(going_on) == [OFFERED, QUEUED, ANSWERED]
    working = details(Talk())
    del working["participants"][-1]["sessions"][0]["segments"][-1]["segmentEnd"]
    assert events(working) == [OFFERED, QUEUED, ANSWERED]


def test_what_genesys_measured_counts_before_the_lengths_of_segments() -> None:
    payload = details(Talk())
    payload["participants"][-1]["sessions"][0]["metrics"] = [
        {"name": "tAcw", "value": 17_000},
        {"name": "tTalkComplete", "value": 239_990},
    ]
    ended = events(payload)[-1]
    assert (ended["talk_seconds"], ended["hold_seconds"], ended["wrap_seconds"]) == (239.99, 60.0, 17.0)


def test_who_leaves_the_queue_abandons() -> None:
    talk = Talk(legs=(Leg(talk=None),))
    abandoned = fact("abandoned/s-queue-0", "abandoned", 45_500, queue="q-billing")
    ended = fact("completed/2-event/s-queue-0", "completed", 45_500, queue="q-billing")
    assert events(*notifications(talk)) == [OFFERED, QUEUED, abandoned, ended]
    assert events(details(talk))[:3] == [OFFERED, QUEUED, abandoned]


def test_a_flow_out_of_the_queue_ends_the_wait_and_is_neither_answer_nor_abandonment() -> None:
    moved = fact("transferred/s-queue-0", "transferred", 44_500)
    out = {"sessionId": "s-queue-0", "eventTime": START + 45_500, "connectedDurationMs": 35_500}
    assert events(notice("acd.end", acdOutcome="FLOW_OUT", queueId="q", **out)) == [moved]
    payload = details(Talk(legs=(Leg(talk=None),)))
    payload["participants"][-1]["sessions"][0]["metrics"] = [{"name": "tFlowOut", "value": 35_500}]
    assert events(payload) == [OFFERED, QUEUED, moved]


def test_a_transfer_is_told_a_second_early_so_that_it_comes_before_the_next_queue() -> None:
    talk = Talk(legs=(Leg(how="TRANSFER"), Leg(since=END_MS - 3, until=END_MS + 9_000, queue="q-retention")))
    transferred = fact("transferred/s-agent-0", "transferred", END_MS - 1_000)
    assert transferred in events(*notifications(talk))
    assert transferred in events(details(talk))
    assert [e["type"] for e in events(details(talk))].count("completed") == 1
    assert events(details(talk))[-1]["talk_seconds"] == 480.0


def test_who_hangs_up_in_the_menu_left_before_the_queue_as_far_as_the_details_tell() -> None:
    talk = Talk(exit_reason="DISCONNECT", legs=())
    ended = fact("completed/2-event/s-menu", "completed", 9_990, outcome="disconnect")
    assert events(*notifications(talk)) == [OFFERED, ended]
    completed = {**ended, "id": "v-1/completed/1-details/s-menu", "customer_id": "x-1", "segment": "business"}
    assert events(details(talk)) == [OFFERED, fact("abandoned/s-menu", "abandoned", 9_990), completed]


def test_a_call_to_an_agent_without_any_queue_is_answered_when_they_talk() -> None:
    payload = details(Talk())
    payload["participants"] = [payload["participants"][0], payload["participants"][-1]]
    answered = fact("answered/s-agent-0", "answered", 45_517, queue="q-billing", agent_id="u-0")
    assert events(payload)[:2] == [OFFERED, answered]


def test_a_conversation_that_came_back_into_a_queue_after_its_end_ends_twice() -> None:
    again = Leg(since=END_MS + 60_000, until=END_MS + 65_000, talk=30_000, hold=0, wrap=None, how="CLIENT")
    ends = [e for e in events(details(Talk(legs=(Leg(), again)))) if e["type"] == "completed"]
    assert [(e["time"], e["talk_seconds"], e["wrap_seconds"]) for e in ends] == [
        (START + END_MS, 240.0, 20.0),
        (START + END_MS + 65_000 + 17 + 30_000, 30.0, 0.0),
    ]


def test_a_survey_that_was_answered_is_told_when_it_was() -> None:
    answered = {
        "surveyId": "y-1",
        "surveyStatus": "Finished",
        "surveyCompletedDate": "2025-10-09T09:30:00.000Z",
        "surveyPromoterScore": 9,
    }
    sent = {"surveyId": "y-2", "surveyStatus": "Sent"}
    assert events({**details(Talk()), "surveys": [answered, sent]})[-1] == {
        **{"id": "v-1/surveyed/y-1", "source": "genesys", "type": "surveyed", "interaction_id": "v-1"},
        **{"time": START + 36 * 60_000, "nps": 9},
    }


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (notice("customer.start", direction="OUTBOUND"), "outbound"),
        ({**details(Talk()), "originatingDirection": "outbound"}, "outbound"),
        ({**details(Talk()), "participants": []}, "no_customer"),
        (notice("customer.start", mediaType="CALLBACK"), "callback"),
        (notice("user.end", queueId="q", interactingDurationMs=0, disconnectType="NO_ANSWER_TRANSFER"), "no_talk"),
        (notice("user.end", interactingDurationMs=5_000, disconnectType="PEER"), "no_queue"),
        (notice("flow.end", flowType="INBOUNDCALL", exitReason="TRANSFER"), "flow_goes_on"),
        (notice("flow.end", flowType="INQUEUECALL", exitReason="DISCONNECT"), "flow_goes_on"),
        (notice("acw", wrapupDurationMs=3_000), "acw"),
        (notice("user.start"), "user_start"),
        (notice("flow.outcome"), "flow_outcome"),
        ({"topicName": "channel.metadata", "eventBody": {"message": "WebSocket Heartbeat"}}, "heartbeat"),
    ],
)
def test_what_tells_no_fact_is_counted_by_name(payload: object, rule: str) -> None:
    assert told(payload) == Row([], (rule,))


def test_messages_have_the_channel_of_the_message_and_voicemail_ends_a_contact() -> None:
    sms = notice("acd.start", mediaType="MESSAGE", messageType="WHATSAPP", queueId="q")
    assert events(sms)[0]["channel"] == "whatsapp"
    assert events(notice("voicemail.end", queueId="q"))[0]["outcome"] == "voicemail"


@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        ({"conversationId": "v-1"}, Reason.UNKNOWN_TYPE, "payload: expected a notification"),
        ({"topicName": "v2.users.u-1.presence", "eventBody": {}}, Reason.UNKNOWN_TYPE, "topicName: expected v2.detail.events"),
        (notice("acd.start", sessionId=None), Reason.MISSING_FIELD, "sessionId: expected a text"),
        (notice("acd.start", conversationId="v" * 81), Reason.BAD_VALUE, "conversationId: expected at most 80 characters"),
        (notice("acd.start", eventTime="soon"), Reason.BAD_TIME, "eventTime: expected RFC 3339 with an offset"),
        (notice("acd.start", eventTime=None), Reason.MISSING_FIELD, "eventTime: expected a time"),
        (
            notice("user.end", queueId="q", interactingDurationMs=-1),
            Reason.BAD_VALUE,
            "interactingDurationMs: expected milliseconds",
        ),
        (notice("acd.start", queueId=["q"]), Reason.BAD_TYPE, "queueId: expected a text"),
        ({"conversations": [{"participants": []}]}, Reason.MISSING_FIELD, "conversationId: expected a text"),
    ],
)
def test_a_field_that_cant_be_read_is_named(payload: object, reason: Reason, detail: str) -> None:
    refused = told(payload)
    assert isinstance(refused, Rejection)
    assert refused.reason == reason
    assert refused.detail.startswith(detail)


@pytest.mark.parametrize(
    ("routing", "presence", "state"),
    [
        ("IDLE", "ON_QUEUE", "available"),
        ("INTERACTING", "ON_QUEUE", "on_contact"),
        ("NOT_RESPONDING", "ON_QUEUE", "break"),
        ("OFF_QUEUE", "MEAL", "break"),
        ("OFF_QUEUE", "OFFLINE", "offline"),
    ],
)
def test_the_activity_of_a_user_tells_what_an_agent_does(routing: str, presence: str, state: str) -> None:
    body = {
        "id": "u-1",
        "routingStatus": {"status": routing, "startTime": "2026-11-27T09:00:00.250Z"},
        "presence": {"presenceDefinition": {"systemPresence": presence}, "modifiedDate": "2026-11-27T08:59:00Z"},
        "activeQueueIds": ["q-1", "q-2"],
    }
    found = read(json.dumps({"topicName": "v2.users.u-1.activity", "eventBody": body}).encode())
    assert isinstance(found, Row)
    (event,) = found.events
    assert (event["state"], event["queues"], event["agent_id"]) == (state, ["q-1", "q-2"], "u-1")
    assert (event["time"], event["id"]) == (1_795_770_000_250, f"activity/1795770000250/{state}")


def test_of_a_page_of_conversations_only_the_one_that_cannot_be_read_is_refused() -> None:
    good, bad = details(Talk()), {"conversationId": "x" * 100, "participants": []}
    page = read(json.dumps({"conversations": [good, bad]}).encode())
    why = Rejection(Reason.BAD_VALUE, "conversationId: expected at most 80 characters")
    assert isinstance(page, Row)
    assert isinstance(alone := read(json.dumps(good).encode()), Row)
    assert page.events == alone.events
    assert [(json.loads(part.body), part.why) for part in page.refused] == [(bad, why)]
    assert read(json.dumps({"conversations": [bad]}).encode()) == why

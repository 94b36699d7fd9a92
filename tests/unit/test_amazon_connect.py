"""Amazon Connect's payloads and the events in them, as its documentation says; the samples are those of its documentation."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from amazon_calls import Call, agent_event, contact_event, contact_record

from streams.core.event import Reason, Rejection
from streams.sources.amazon_connect import read
from streams.sources.row import CanonicalEvent, Row

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "vendor_payloads" / "amazon_connect"
MS = 1_760_000_040_000  # the start of the calls
SAMPLE_CONTACT = "11111111-1111-1111-1111-111111111111"


def sample(name: str) -> Any:
    if not SAMPLES.exists():
        pytest.skip("the samples of Amazon Connect's documentation are not in ../shared/data/vendor_payloads")
    return json.loads((SAMPLES / name).read_text())


def told(payload: object) -> Row | Rejection:
    return read(json.dumps(payload).encode())


def events(payload: object) -> list[CanonicalEvent]:
    found = told(payload)
    assert isinstance(found, Row), found
    return found.events


def of_call(kind: str, time_ms: int, **fields: str | float) -> CanonicalEvent:
    """An event of the call of tests/amazon_calls.py."""
    same: CanonicalEvent = {"source": "amazon-connect", "interaction_id": "c-1", "channel": "voice", "direction": "inbound"}
    return {"id": f"c-1/{kind}", **same, "initiation_method": "inbound", "type": kind, "time": time_ms, **fields}


OFFERED = of_call("offered", MS)
QUEUED = of_call("queued", MS + 10_000, queue="q-billing")
ANSWERED = of_call("answered", MS + 45_000, queue="q-billing", agent_id="a-7")
IN_QUEUE = {"queue": "q-billing", "outcome": "customer_disconnect"}


def test_the_sample_of_a_call_that_an_agent_took_tells_arrival_queue_and_answer() -> None:
    same: CanonicalEvent = {
        **{"source": "amazon-connect", "interaction_id": SAMPLE_CONTACT, "channel": "voice"},
        **{"direction": "inbound", "initiation_method": "inbound"},
    }
    name = "12345678-1234-1234-1234-123456789012"
    assert events(sample("contact-events.0.json")) == [
        {**same, "id": f"{SAMPLE_CONTACT}/offered", "type": "offered", "time": 1628097473000},
        {**same, "id": f"{SAMPLE_CONTACT}/queued", "type": "queued", "time": 1628098144000, "queue": name},
        {
            **{**same, "id": f"{SAMPLE_CONTACT}/answered", "type": "answered"},
            **{"time": 1628098149000, "queue": name, "agent_id": name},
        },
    ]


def test_the_sample_of_an_outbound_call_is_left_out_and_counted() -> None:
    assert told(sample("contact-events.1.json")) == Row([], ("outbound",))


def test_the_sample_of_a_disconnect_were_it_inbound_tells_all_but_the_end_which_is_told_after_the_work() -> None:
    payload = sample("contact-events.1.json")
    payload["detail"]["initiationMethod"] = "INBOUND"
    initial = "11111111-2222-3333-4444-555555555555"
    same: CanonicalEvent = {
        **{"source": "amazon-connect", "interaction_id": SAMPLE_CONTACT, "channel": "voice", "direction": "inbound"},
        **{"initiation_method": "inbound", "parent_interaction_id": initial},
    }
    assert events(payload) == [
        {**same, "id": f"{SAMPLE_CONTACT}/offered", "type": "offered", "time": 1628097473000},
        {**same, "id": f"{SAMPLE_CONTACT}/queued", "type": "queued", "time": 1628098144000, "queue": "arn"},
        {
            **{**same, "id": f"{SAMPLE_CONTACT}/answered", "type": "answered"},
            **{"time": 1628098149000, "queue": "arn", "agent_id": "arn"},
        },
    ]


def test_the_sample_of_an_analysed_chat_tells_the_customers_sentiment_at_its_last_message() -> None:
    expected: CanonicalEvent = {
        "id": "b49644f6-672f-445c-b209-f76b36482830/sentiment/overall",
        "source": "amazon-connect",
        "type": "sentiment",
        "time": 1666841683000,  # 2022-10-27T03:34:43Z
        "interaction_id": "b49644f6-672f-445c-b209-f76b36482830",
        "channel": "chat",
        "language": "en-US",
        "score": 0.0,
    }
    assert events(sample("contact-lens-example-output-files-chat.0.json")) == [expected]
    assert events(sample("contact-lens-example-output-files-chat.1.json")) == [expected]


def test_the_sample_of_an_analysed_call_names_no_contact_and_with_one_its_score_is_a_fifth() -> None:
    payload = sample("contact-lens-example-output-files.1.json")
    assert told(payload) == Rejection(Reason.MISSING_FIELD, "customermetadata.contactid: expected a text")
    payload["CustomerMetadata"] = {
        "ContactId": "c-1",
        "InputS3Uri": "s3://b/CallRecordings/2022/01/05/c-1_20220105T17:20_UTC.wav",
    }
    assert events(payload) == [
        {
            **{"id": "c-1/sentiment/overall", "source": "amazon-connect", "type": "sentiment", "interaction_id": "c-1"},
            **{"time": 1641403200000 + 32_110, "channel": "voice", "language": "en-US", "score": 0.62},
        }
    ]


def test_the_samples_of_a_live_analysis_tell_each_turn_of_the_customer_at_its_arrival_in_kinesis() -> None:
    payload = sample("sample-real-time-contact-analysis-segment-stream.1.json")
    missing = "approximatearrivaltimestamp: expected a record of Kinesis around it"
    assert told(payload) == Rejection(Reason.MISSING_FIELD, missing)
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    expected: CanonicalEvent = {
        "id": "the ID of the contact/sentiment/the ID of the transcript",
        "source": "amazon-connect",
        "type": "sentiment",
        "time": 1545084650000,
        "interaction_id": "the ID of the contact",
        "channel": "voice",
        "language": "the language code of the contact",
        "score": -1.0,
    }
    assert events({"kinesis": {"data": data, "approximateArrivalTimestamp": 1545084650.987}}) == [expected]
    assert events({"Records": [{"Data": data, "ApproximateArrivalTimestamp": "2018-12-17T22:10:50.987Z"}]}) == [expected]


@pytest.mark.parametrize("number", [0, 2, 3])
def test_the_samples_of_begin_and_end_of_a_live_analysis_tell_nothing(number: int) -> None:
    assert told(sample(f"sample-real-time-contact-analysis-segment-stream.{number}.json")) == Row([], ("no_sentiment",))


def test_the_samples_of_matched_rules_tell_nothing_and_those_of_other_services_are_refused() -> None:
    assert told(sample("contact-lens-rules-eventbridge-event.0.json")) == Row([], ("contact_lens_rule",))
    assert told(sample("contact-lens-rules-eventbridge-event.1.json")) == Row([], ("contact_lens_rule",))
    for name in ("case-event-streams-sample.0.json", "chat-message-streaming.4.json"):
        refused = told(sample(name))
        assert isinstance(refused, Rejection)
        assert refused.reason == Reason.UNKNOWN_TYPE


def test_each_contact_event_tells_the_whole_story_so_far() -> None:
    assert events(contact_event(Call(), "INITIATED")) == [OFFERED]
    assert events(contact_event(Call(), "QUEUED")) == [OFFERED, QUEUED]
    assert events(contact_event(Call(), "CONNECTED_TO_AGENT")) == [OFFERED, QUEUED, ANSWERED]
    assert events(contact_event(Call(), "DISCONNECTED")) == [OFFERED, QUEUED, ANSWERED]
    completed = of_call("completed", MS + 365_000, **IN_QUEUE, agent_id="a-7", talk_seconds=300.0, wrap_seconds=20.0)
    assert events(contact_event(Call(), "COMPLETED")) == [OFFERED, QUEUED, ANSWERED, {**completed, "id": "c-1/completed/2-event"}]
    assert events(contact_event(Call(), "A_TYPE_OF_TOMORROW")) == [OFFERED, QUEUED, ANSWERED]


def test_an_agent_event_tells_queue_and_answer_of_the_contacts_that_the_agent_has() -> None:
    assert events(agent_event(Call()))[:2] == [QUEUED, ANSWERED]
    idle = agent_event(Call())
    del idle["CurrentAgentSnapshot"]["Contacts"], idle["CurrentAgentSnapshot"]["AgentStatus"]
    assert told(idle) == Row([], ("no_contact",))


@pytest.mark.parametrize(
    ("contacts", "status", "event_type", "state"),
    [
        ([], {"Name": "Available"}, "HEART_BEAT", "available"),
        ([], {"Name": "Frei", "Type": "ROUTABLE"}, "STATE_CHANGE", "available"),
        ([], {"Name": "Lunch", "Type": "CUSTOM"}, "STATE_CHANGE", "break"),
        ([], {"Name": "Lunch"}, "STATE_CHANGE", "break"),
        ([], {"Name": "Offline", "Type": "OFFLINE"}, "STATE_CHANGE", "offline"),
        ([], {"Name": "Available"}, "LOGOUT", "offline"),
        (["INCOMING"], {"Name": "Available"}, "STATE_CHANGE", "available"),
        (["ENDED", "CONNECTED_ONHOLD"], {"Name": "Available"}, "STATE_CHANGE", "on_contact"),
        (["ENDED"], {"Name": "Available"}, "STATE_CHANGE", "after_contact_work"),
    ],
)
def test_an_agent_event_tells_what_the_agent_does(
    contacts: list[str], status: dict[str, str], event_type: str, state: str
) -> None:
    payload = agent_event(Call())
    listed = payload["CurrentAgentSnapshot"]["Contacts"][0]
    queues = [{"ARN": "arn:x/queue/agent/a-7"}, {"ARN": "arn:x/queue/q-billing"}]
    payload["CurrentAgentSnapshot"] = {
        "AgentStatus": status,
        "Contacts": [{**listed, "State": of_contact} for of_contact in contacts],
        "Configuration": {"RoutingProfile": {"InboundQueues": queues}},
    }
    told_last = events({**payload, "EventType": event_type})[-1]
    expected = {"id": "e-1", "source": "amazon-connect", "type": "agent_state", "time": told_last["time"], "agent_id": "a-7"}
    assert told_last == {**expected, "state": state, "queues": ["q-billing"]}


def test_a_contact_record_tells_the_whole_contact_and_who_it_was_and_what_about() -> None:
    completed = of_call("completed", MS + 365_000, **IN_QUEUE, agent_id="a-7", issue="invoice", segment="business")
    durations = {"talk_seconds": 240.0, "hold_seconds": 60.0, "wrap_seconds": 20.0}
    expected = {**completed, "id": "c-1/completed/1-record", "customer_id": "+15550100", **durations}
    assert events(contact_record(Call())) == [OFFERED, QUEUED, ANSWERED, expected]


def test_a_customer_who_hangs_up_in_the_queue_abandons() -> None:
    call = Call(answered=None, disconnected=70)
    abandoned = of_call("abandoned", MS + 70_000, queue="q-billing")
    assert events(contact_event(call, "DISCONNECTED")) == [OFFERED, QUEUED, abandoned]
    assert events(contact_record(call))[:3] == [OFFERED, QUEUED, abandoned]
    assert events(contact_event(call._replace(reason=None), "COMPLETED")) == [OFFERED, QUEUED, abandoned]


def test_a_flow_that_ends_the_contact_is_no_abandonment() -> None:
    call = Call(queued=None, answered=None, disconnected=70, reason="CONTACT_FLOW_DISCONNECT")
    completed = of_call("completed", MS + 70_000, outcome="contact_flow_disconnect")
    assert events(contact_event(call, "DISCONNECTED")) == [OFFERED, {**completed, "id": "c-1/completed/2-event"}]


def test_a_transfer_is_told_to_the_contact_it_came_from_and_is_no_arrival() -> None:
    call = Call(contact="c-2", previous="c-1", method="TRANSFER")
    assert [(e["type"], e["interaction_id"], e["id"]) for e in events(contact_event(call, "QUEUED"))] == [
        ("transferred", "c-1", "c-2/transferred"),
        ("queued", "c-2", "c-2/queued"),
    ]
    assert told(contact_event(call._replace(method="CALLBACK"), "INITIATED")) == Row([], ("nothing_yet",))


def test_a_transferred_call_is_no_second_contact_of_its_customer() -> None:
    assert "customer_id" in events(contact_record(Call()))[-1]
    for method in ("TRANSFER", "QUEUE_TRANSFER", "CALLBACK"):
        record = contact_record(Call(contact="c-2", previous="c-1", method=method))
        record["Attributes"]["customer_id"] = "k-1"
        ended = events(record)[-1]
        assert (ended.get("customer_id"), ended["issue"]) == (None, "invoice")


def test_a_transfer_to_a_number_outside_is_told_by_the_record() -> None:
    record = {**contact_record(Call()), "TransferCompletedTimestamp": "2025-10-09T08:59:45Z"}
    moved = {"id": "c-1/transferred-out", "source": "amazon-connect", "type": "transferred", "time": MS + 345_000}
    assert {**moved, "interaction_id": "c-1"} in events(record)


def test_an_agents_own_queue_is_not_named_after_the_agent() -> None:
    record = contact_record(Call())
    record["Queue"]["ARN"] = "arn:aws:connect:eu-central-1:123456789012:instance/i-1/queue/agent/a-7"
    assert events(record)[1]["queue"] == "agent"


@pytest.mark.parametrize(
    ("method", "channel", "expected"),
    [
        ("OUTBOUND", "VOICE", Row([], ("outbound",))),
        ("EXTERNAL_OUTBOUND", "VOICE", Row([], ("outbound",))),
        ("API", "VOICE", Row([], ("outbound",))),
        ("MONITOR", "VOICE", Row([], ("monitor",))),
        ("DISCONNECT", "VOICE", Row([], ("disconnect_flow",))),
    ],
)
def test_contacts_that_no_customer_began_are_left_out(method: str, channel: str, expected: Row) -> None:
    assert told({**contact_record(Call(method=method)), "Channel": channel}) == expected


def test_a_chat_begun_by_the_api_is_an_arrival() -> None:
    assert events({**contact_record(Call(method="API")), "Channel": "CHAT"})[0]["type"] == "offered"


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"ContactId": None}, Reason.UNKNOWN_TYPE, "payload: expected"),
        ({"ContactId": "c" * 151}, Reason.BAD_VALUE, "contactid: expected at most 150 characters"),
        ({"ContactId": True}, Reason.BAD_TYPE, "contactid: expected a text or a whole number"),
        ({"InitiationTimestamp": "yesterday"}, Reason.BAD_TIME, "initiationtimestamp: expected RFC 3339 with an offset"),
        ({"InitiationTimestamp": "1969-12-31T23:59:59Z"}, Reason.BAD_TIME, "initiationtimestamp: expected a time after 1970"),
        ({"Agent": {"ConnectedToAgentTimestamp": 1, "AgentInteractionDuration": -1}}, Reason.BAD_VALUE, "agent.agentinteraction"),
        ({"Queue": {"ARN": "q" * 201}}, Reason.BAD_VALUE, "queue.arn: expected at most 200 characters"),
    ],
)
def test_a_field_that_cant_be_read_is_named(changes: dict[str, object], reason: Reason, detail: str) -> None:
    refused = told({**contact_record(Call()), **changes})
    assert isinstance(refused, Rejection)
    assert refused.reason == reason
    assert refused.detail.startswith(detail)


def test_a_contact_of_which_nothing_happened_is_refused() -> None:
    expected = Rejection(Reason.MISSING_FIELD, "initiationtimestamp: expected a time of anything that happened")
    assert told({"ContactId": "c-1"}) == expected
    assert read(b"{") == Rejection(Reason.NOT_JSON, "payload: expected JSON")


def test_attributes_that_cant_be_fields_are_left_out() -> None:
    record = {**contact_record(Call()), "Attributes": {"issue": "x" * 201, "region": "", "product": 7}}
    assert {"issue", "region", "product"}.isdisjoint(events(record)[-1])

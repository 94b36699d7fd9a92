"""Whatever a payload holds, its source gives events that can be written, or names why not; asked again, the same."""

import json
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.event import Rejection
from streams.sources.formats import PAYLOADS
from streams.sources.row import Row, key_of, time_of

# Words that make readers go further than noise would.
WORDS = {
    "events": ("id", "source", "type", "time", "interaction_id", "specversion", "data", "subject", "offered", "queue", "csat"),
    "genesys": (
        *(
            "topicName",
            "eventBody",
            "detail",
            "v2.detail.events.conversation.v.acd.end",
            "v2.detail.events.conversation.v.user.end",
        ),
        *("conversationId", "sessionId", "eventTime", "acdOutcome", "ANSWERED", "queueId", "mediaType", "interactingDurationMs"),
        *(
            "conversations",
            "participants",
            "purpose",
            "customer",
            "agent",
            "acd",
            "sessions",
            "segments",
            "segmentType",
            "interact",
        ),
        *("segmentStart", "segmentEnd", "disconnectType", "transfer", "metrics", "name", "value", "tAbandon", "conversationEnd"),
    ),
    "amazon-connect": (
        *(
            "ContactId",
            "EventType",
            "eventType",
            "detail",
            "detail-type",
            "Amazon Connect Contact Event",
            "COMPLETED",
            "SEGMENTS",
        ),
        *(
            "InitiationTimestamp",
            "DisconnectTimestamp",
            "Queue",
            "QueueInfo",
            "EnqueueTimestamp",
            "Agent",
            "AgentInfo",
            "Records",
        ),
        *("AgentARN", "CurrentAgentSnapshot", "Contacts", "Segments", "Transcript", "Sentiment", "CUSTOMER", "kinesis", "Data"),
        *(
            "ConversationCharacteristics",
            "OverallSentiment",
            "CustomerMetadata",
            "ApproximateArrivalTimestamp",
            "Id",
            "Attributes",
        ),
    ),
    "freshdesk": (
        *("freshdesk_webhook", "triggered_event", "{status:{from:2,to:5}}", "{ticket_action:created}", "{reply_sent:sent}"),
        *("event_time", "2026-11-27 09:00:00", "time_zone", "Europe/Berlin", "ticket_id", "ticket_status", "created_at"),
    ),
    "twilio": (
        *("type", "com.twilio.taskrouter.task.created", "com.twilio.taskrouter.reservation.accepted", "data", "payload", "time"),
        *("timestamp", "task_sid", "task_attributes", "task_queue_name", '{"from": 1}', "worker_sid", "reservation_sid"),
    ),
    "zendesk": (
        *("type", "zen:event-type:ticket.comment_added", "zen:event-type:ticket.status_changed", "detail", "event", "id", "time"),
        *("ticket_metric_events", "metric", "reply_time", "fulfill", "ticket_id", "instance_id", "comment", "current", "via"),
    ),
    "intercom": (
        *("topic", "data", "item", "id", "conversation_parts", "created_at", "assignee", "type", "team", "author", "tags"),
        *(
            "conversation_rating",
            "rating",
            "conversation.user.created",
            "conversation.admin.replied",
            "conversation.admin.closed",
        ),
    ),
}
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)


def values(words: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """JSON made of the words of a vendor."""
    leaves = SCALARS | st.sampled_from(words) | st.sampled_from(["2026-11-27T09:00:00Z", 1795770000, 1795770000123])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=8),
        max_leaves=25,
    )


def check(name: str, body: bytes) -> None:
    """A source's answer is events that can be written and sent, or a named rejection, and the same when asked again."""
    found = PAYLOADS[name](body)
    assert found == PAYLOADS[name](body)
    if isinstance(found, Rejection):
        assert found.detail
        return
    assert isinstance(found, Row)
    for event in found.events:
        assert event["id"]
        assert event["source"]
        assert key_of(event)
        assert time_of(event) is not None
        orjson.dumps(event)


@pytest.mark.parametrize("name", PAYLOADS)
@given(data=st.data())
def test_noise_is_refused_and_never_raises(name: str, data: st.DataObject) -> None:
    check(name, data.draw(st.binary(max_size=200)))


@pytest.mark.parametrize("name", PAYLOADS)
@given(data=st.data())
def test_json_of_the_right_words_in_the_wrong_places_never_raises(name: str, data: st.DataObject) -> None:
    check(name, json.dumps(data.draw(values(WORDS.get(name, WORDS["events"])))).encode())


@given(st.lists(st.sampled_from(["1732700000", "c.1", "NONE", "", "CONNECT", "ENTERQUEUE", "TRANSFER", "EXITEMPTY", "5", "x"])))
def test_lines_of_a_queue_log_in_any_order_never_raise(cells: list[str]) -> None:
    check("asterisk", "|".join(cells).encode())


@given(
    st.dictionaries(st.sampled_from(["EventType", "TimestampMs", "Timestamp", "TaskSid", "TaskAttributes"]), st.text(max_size=9))
)
def test_a_form_of_any_texts_never_raises(fields: dict[str, str]) -> None:
    check("twilio", urlencode({"EventType": "task.created", **fields}, errors="replace").encode())

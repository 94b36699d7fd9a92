"""Intercom: the sample webhooks of version 1 where they are there, version 2 made by hand from the reference."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.core.event import Reason, Rejection
from streams.sources.intercom import read
from streams.sources.row import CanonicalEvent, Row

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "vendor_payloads" / "intercom"
CONVERSATION = "137324500000000"
KNOWN: CanonicalEvent = {
    "source": "intercom",
    "interaction_id": CONVERSATION,
    "channel": "chat",
    "customer_id": "5ee3d479d1cf3dedbee23d68",
}
AGENT: CanonicalEvent = {"agent_id": "3330619"}


def of(kind: str, part: str, time_s: int, *more: CanonicalEvent) -> CanonicalEvent:
    event: CanonicalEvent = {"id": f"{CONVERSATION}/{kind}/{part}", **KNOWN, "type": kind, "time": time_s * 1000}
    for fields in more:
        event |= fields
    return event


EXPECTED = {
    "admin-single-created": Row([], ("outbound",)),
    "admin-opened": Row([of("reopened", "6073760644", 1596634937, AGENT)]),
    "admin-opened-no-admin": Row([of("reopened", "6073760644", 1596634937, AGENT)]),
    "admin-assigned": Row([], ("assigned_to_agent",)),
    "admin-assigned-to-unknown": Row([], ("assigned_to_agent",)),
    "admin-replied": Row(
        [
            of("answered", "first", 1596635049, AGENT),
            of("replied", "6073780765", 1596635049, {"author": "agent"}, AGENT),
        ]
    ),
    "admin-noted": Row([], ("topic_not_counted",)),
    "admin-snoozed": Row([], ("topic_not_counted",)),
    "admin-unsnoozed": Row([], ("topic_not_counted",)),
    "part-tag-created": Row([], ("topic_not_counted",)),
    "part-redacted": Row([], ("topic_not_counted",)),
    "admin-closed": Row([of("completed", "6073838784", 1596635368, AGENT)]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_samples_give_what_the_reference_says(name: str) -> None:
    file = SAMPLES / (f"webhook-conversation-{name}.json")
    if not file.exists():
        pytest.skip(f"no samples of Intercom at {SAMPLES}")
    payload = json.loads(file.read_bytes())
    begun_by = payload["data"]["item"].get("conversation_message", {}).get("author", {})
    if "topic_not_counted" not in EXPECTED[name].rules:  # in all samples a teammate wrote first
        assert read(file.read_bytes()) == Row([], ("outbound",))
    begun_by["type"] = "user"
    assert read(json.dumps(payload).encode()) == EXPECTED[name]


def notice(topic: str, **item: Any) -> bytes:
    """A notification of version 2."""
    known = {
        "id": "9",
        "created_at": 1795770000,
        "updated_at": 1795770060,
        "source": {"type": "whatsapp", "author": {"type": "user", "id": "u1"}},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "u1"}]},
        "team_assignee_id": 814,
        "tags": {"type": "tag.list", "tags": [{"type": "tag", "id": "1", "name": "refund"}]},
    }
    return json.dumps({"topic": topic, "created_at": 1795770061, "data": {"item": {**known, **item}}}).encode()


SECOND: CanonicalEvent = {
    "source": "intercom",
    "interaction_id": "9",
    "channel": "messaging",
    "customer_id": "u1",
    "queue": "814",
    "issue": "refund",
}
NINE = 1795770000000


def part(kind: str, author: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = {"id": "p5", "part_type": kind, "created_at": 1795770030, "author": author, **more}
    return {"conversation_parts": [{"id": "p4", "created_at": 1}, found]}


def test_a_customer_who_writes_waits_from_the_beginning_of_the_conversation() -> None:
    inbound: CanonicalEvent = {**SECOND, "direction": "inbound"}
    assert read(notice("conversation.user.created")) == Row(
        [
            {"id": "9/offered/first", **inbound, "type": "offered", "time": NINE},
            {"id": "9/queued/first", **inbound, "type": "queued", "time": NINE},
        ]
    )


def test_replies_are_known_by_their_part_and_author() -> None:
    asked = read(notice("conversation.user.replied", conversation_parts=part("comment", {"type": "user", "id": "u1"})))
    replied: CanonicalEvent = {"id": "9/replied/p5", **SECOND, "type": "replied", "time": NINE + 30_000}
    assert asked == Row([{**replied, "author": "customer"}])
    bot = read(notice("conversation.operator.replied", conversation_parts=part("comment", {"type": "bot", "id": "b"})))
    assert bot == Row([{**replied, "author": "bot"}])


def test_who_is_assigned_to_a_team_waits_there() -> None:
    parts = part("assignment", {"type": "bot", "id": "b"}, assigned_to={"type": "team", "id": "77"})
    expected: CanonicalEvent = {"id": "9/queued/p5", **SECOND, "type": "queued", "time": NINE + 30_000, "queue": "77"}
    assert read(notice("conversation.admin.assigned", conversation_parts=parts)) == Row([expected])


def test_a_rating_is_an_answer_at_its_own_time() -> None:
    rating = {"rating": 4, "remark": "ok", "created_at": 1795773600}
    surveyed: CanonicalEvent = {"id": "9/surveyed/1795773600", **SECOND, "type": "surveyed", "time": NINE + 3_600_000, "csat": 4}
    assert read(notice("conversation.rating.added", conversation_rating=rating)) == Row([surveyed])
    assert read(notice("conversation.rating.added", conversation_rating=None)) == Row([], ("no_rating",))
    assert read(notice("conversation.rating.added", conversation_rating={"rating": 9})) == Rejection(
        Reason.BAD_VALUE, "conversation_rating.rating: expected 1 to 5"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"topic": "ping"}', Row([], ("topic_not_counted",))),
        (b"{}", Rejection(Reason.MISSING_FIELD, "topic: expected a text")),
        (b'{"topic": "conversation.admin.closed"}', Rejection(Reason.BAD_TYPE, "data.item: expected a JSON object")),
        (notice("conversation.admin.closed", id=None), Rejection(Reason.MISSING_FIELD, "id: expected a text")),
        (b"topic=ping", Rejection(Reason.NOT_JSON, "payload: expected JSON")),
    ],
)
def test_what_is_no_notification_is_named(body: bytes, expected: Row | Rejection) -> None:
    assert read(body) == expected

"""Zendesk: payloads made by hand after the reference of ticket event webhooks and of ticket metric events."""

import json
from typing import Any

import pytest

from streams.core.event import Reason, Rejection
from streams.sources.row import CanonicalEvent, Row
from streams.sources.zendesk import read

NINE = 1795770000000  # 2026-11-27 09:00 UTC
BARE: CanonicalEvent = {"source": "zendesk", "interaction_id": "35436"}
KNOWN: CanonicalEvent = {
    **BARE,
    "channel": "email",
    "customer_id": "8447388090494",
    "queue": "98738",
    "agent_id": "235323",
    "issue": "question",
    "product": "123",
}


def webhook(kind: str, event: dict[str, Any], **detail: Any) -> bytes:
    known = {
        "id": "35436",
        "created_at": "2026-11-27T08:59:00Z",
        "updated_at": "2026-11-27T09:00:00Z",
        "status": "OPEN",
        "type": "QUESTION",
        "requester_id": "8447388090494",
        "group_id": "98738",
        "assignee_id": "235323",
        "brand_id": "123",
        "subject": "Where is it?",
        "via": {"channel": "Email"},
    }
    payload = {
        "type": f"zen:event-type:ticket.{kind}",
        "account_id": 22129848,
        "id": "2b24ef10-19d4-4740-93cf-8f98ec4776c0",
        "time": "2026-11-27T09:00:00.465719851Z",
        "zendesk_event_version": "2022-11-06",
        "subject": "zen:ticket:35436",
        "detail": {**known, **detail},
        "event": event,
    }
    return json.dumps(payload).encode()


def event(kind: str, part: str, time_ms: int, **fields: str | bool) -> CanonicalEvent:
    return {"id": f"35436/{kind}/{part}", **KNOWN, "type": kind, "time": time_ms, **fields}


def test_a_new_ticket_waits_from_when_it_was_made() -> None:
    begun_ms = NINE - 60_000
    expected = Row([event("offered", "first", begun_ms), event("queued", "first", begun_ms)])
    assert read(webhook("created", {})) == expected


def test_a_public_comment_is_a_reply_and_the_first_of_staff_is_the_answer() -> None:
    comment = {"id": 6596, "is_public": True, "author": {"id": "77", "is_staff": True}, "body": "Here"}
    said_ms = NINE + 465
    assert read(webhook("comment_added", {"comment": comment})) == Row(
        [
            event("answered", "first", said_ms, agent_id="77"),
            event("replied", "6596", said_ms, author="agent", agent_id="77"),
        ]
    )
    asked = {**comment, "author": {"id": "8447388090494", "is_staff": False}}
    expected = Row([event("replied", "6596", said_ms, author="customer")])
    assert read(webhook("comment_added", {"comment": asked})) == expected
    assert read(webhook("comment_added", {"comment": {**comment, "is_public": False}})) == Row([], ("private_comment",))


@pytest.mark.parametrize(
    ("previous", "current", "expected"),
    [
        ("OPEN", "SOLVED", Row([event("completed", "1795770000", NINE + 465, resolved=True, outcome="solved")])),
        ("OPEN", "CLOSED", Row([event("completed", "1795770000", NINE + 465, outcome="closed")])),
        ("SOLVED", "CLOSED", Row([], ("done_before",))),
        ("SOLVED", "OPEN", Row([event("reopened", "1795770000", NINE + 465)])),
        ("OPEN", "PENDING", Row([], ("status_not_counted",))),
    ],
)
def test_solving_ends_a_ticket_and_coming_back_reopens_it(previous: str, current: str, expected: Row) -> None:
    assert read(webhook("status_changed", {"previous": previous, "current": current})) == expected


def test_another_group_is_a_transfer_and_another_wait() -> None:
    moved_ms = NINE + 465
    assert read(webhook("group_assignment_changed", {"previous": "98738", "current": "555"}, group_id="555")) == Row(
        [
            event("transferred", "1795770000", moved_ms, target_queue="555"),
            event("queued", "1795770000", moved_ms, queue="555"),
        ]
    )
    first = webhook("group_assignment_changed", {"previous": None, "current": "555"})
    assert read(first) == Row([], ("first_group",))


@pytest.mark.parametrize(("kind", "outcome"), [("merged", "merged"), ("soft_deleted", "deleted")])
def test_what_is_merged_or_deleted_ends(kind: str, outcome: str) -> None:
    assert read(webhook(kind, {})) == Row([event("completed", "1795770000", NINE + 465, outcome=outcome)])


def test_what_is_missing_is_left_out() -> None:
    missing = {"via": None, "group_id": "0", "assignee_id": None, "brand_id": "", "type": None, "requester_id": None}
    row = read(webhook("soft_deleted", {}, **missing))
    assert isinstance(row, Row)
    assert row.events[0].keys() == {"id", "source", "interaction_id", "type", "time", "outcome"}


def metric(metric: str, kind: str, instance: int, time: str) -> dict[str, Any]:
    return {"id": 1, "ticket_id": 35436, "metric": metric, "instance_id": instance, "type": kind, "time": time}


def test_a_page_of_metric_events_tells_a_life_with_the_ids_of_the_webhooks() -> None:
    page = [
        metric("reply_time", "activate", 1, "2026-11-27T09:00:00Z"),
        metric("agent_work_time", "activate", 1, "2026-11-27T09:00:00Z"),
        metric("reply_time", "fulfill", 1, "2026-11-27T09:05:00Z"),
        metric("reply_time", "activate", 2, "2026-11-27T09:10:00Z"),
        metric("reply_time", "fulfill", 2, "2026-11-27T09:20:00Z"),
        metric("requester_wait_time", "fulfill", 1, "2026-11-27T09:30:00Z"),
        metric("reply_time", "breach", 1, "2026-11-27T09:04:00Z"),
    ]
    solved: CanonicalEvent = {"resolved": True, "outcome": "solved"}
    expected: list[CanonicalEvent] = [
        {"id": "35436/offered/first", **BARE, "type": "offered", "time": NINE},
        {"id": "35436/queued/first", **BARE, "type": "queued", "time": NINE},
        {"id": "35436/answered/first", **BARE, "type": "answered", "time": NINE + 300_000},
        {"id": "35436/replied/1795770300", **BARE, "type": "replied", "time": NINE + 300_000, "author": "agent"},
        {"id": "35436/replied/1795770600", **BARE, "type": "replied", "time": NINE + 600_000, "author": "customer"},
        {"id": "35436/replied/1795771200", **BARE, "type": "replied", "time": NINE + 1_200_000, "author": "agent"},
        {"id": "35436/completed/1795771800", **BARE, "type": "completed", "time": NINE + 1_800_000, **solved},
    ]
    body = json.dumps({"ticket_metric_events": page, "count": 7, "end_time": 1795771800}).encode()
    assert read(body) == Row(expected, ("metric_not_counted",) * 2)
    assert read(json.dumps(page[0]).encode()) == Row(expected[:2])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"type": "zen:event-type:user.created"}', Row([], ("event_not_counted",))),
        (webhook("tags_changed", {"tags_added": ["x"]}), Row([], ("event_not_counted",))),
        (b"{}", Rejection(Reason.MISSING_FIELD, "type: expected a text")),
        (webhook("created", {}, id=None), Rejection(Reason.MISSING_FIELD, "id: expected a text")),
        (webhook("status_changed", {}), Rejection(Reason.MISSING_FIELD, "event.current: expected a status")),
        (
            webhook("created", {}, created_at="yesterday"),
            Rejection(Reason.BAD_TIME, "detail.created_at: expected RFC 3339 with an offset"),
        ),
        (b"[]", Rejection(Reason.BAD_TYPE, "payload: expected a JSON object")),
    ],
)
def test_what_is_not_counted_or_no_event_is_named(body: bytes, expected: Row | Rejection) -> None:
    assert read(body) == expected

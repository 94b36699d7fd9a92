"""Freshdesk: what the template of the documentation sends, and the content that Freshdesk makes by itself."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from streams.core.event import Reason, Rejection
from streams.sources.freshdesk import read
from streams.sources.row import CanonicalEvent, Row

PAGE = Path(__file__).parents[2] / "streams" / "sources" / "freshdesk.md"
NINE = 1795770000000  # 2026-11-27 09:00 UTC, 10:00 in Berlin
# What Freshdesk puts in for the placeholders.
FILLED = {
    "ticket.id": "11",
    "ticket.modified_on": "2026-11-27 10:00:00",
    "ticket.created_on": "2026-11-27 09:58:20",
    "ticket.source": "Email",
    "ticket.group.name": "Billing",
    "ticket.agent.email": "a@acme.example",
    "ticket.ticket_type": "Question",
    "ticket.requester.email": "k@home.example",
}
KNOWN: CanonicalEvent = {
    "source": "freshdesk",
    "interaction_id": "11",
    "channel": "email",
    "customer_id": "k@home.example",
    "queue": "Billing",
    "agent_id": "a@acme.example",
    "issue": "question",
}


def sent(trigger: str, **more: Any) -> bytes:
    """The template of the documentation, filled in."""
    template = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert template is not None
    filled = {**FILLED, "triggered_event": trigger}
    text = re.sub(r"\{\{(.*?)\}\}", lambda name: filled[name[1]], template[1])
    return json.dumps({**json.loads(text), **more}).encode()


def event(kind: str, part: str, time_ms: int = NINE, **fields: str | bool) -> CanonicalEvent:
    return {"id": f"11/{kind}/{part}", **KNOWN, "type": kind, "time": time_ms, **fields}


def test_a_new_ticket_waits_from_when_it_was_made() -> None:
    begun_ms = NINE - 100_000
    expected = Row([event("offered", "first", begun_ms), event("queued", "first", begun_ms)])
    assert read(sent("{ticket_action:created}")) == expected


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("{status:{from:2,to:4}}", Row([event("completed", "1795770000", resolved=True, outcome="resolved")])),
        ("{status:{from:Open,to:Resolved}}", Row([event("completed", "1795770000", resolved=True, outcome="resolved")])),
        ("{status: {from: Waiting on Customer, to: Closed}}", Row([event("completed", "1795770000", outcome="closed")])),
        ("{status:{from:4,to:5}}", Row([], ("done_before",))),
        ("{status:{from:5,to:2}}", Row([event("reopened", "1795770000")])),
        ("{status:{from:2,to:3}}", Row([], ("status_not_counted",))),
        ("{priority:{from:1,to:4}}", Row([], ("event_not_counted",))),
        ("{group_id:{from:7,to:9}}", Row([event("transferred", "1795770000"), event("queued", "1795770000")])),
        ("{group_id:{from:,to:9}}", Row([], ("event_not_counted",))),
        ("{note_type:private}", Row([], ("event_not_counted",))),
    ],
)
def test_triggers_are_read_although_they_are_no_json(trigger: str, expected: Row) -> None:
    assert read(sent(trigger)) == expected


@pytest.mark.parametrize("source", ["10", "Outbound Email"])
@pytest.mark.parametrize("trigger", ["{ticket_action:created}", "{reply_sent:sent}", "{status:{from:2,to:4}}"])
def test_nobody_waits_in_a_ticket_that_an_agent_began_by_mail(source: str, trigger: str) -> None:
    assert read(sent(trigger, ticket_source=source)) == Row([], ("outbound",))


@pytest.mark.parametrize("trigger", ["{reply_sent:sent}", "{note_type:public}"])
def test_an_agent_answers_by_a_reply_or_a_public_note(trigger: str) -> None:
    expected = Row([event("answered", "first"), event("replied", "1795770000", author="agent")])
    assert read(sent(trigger)) == expected


def test_a_rule_for_requesters_says_so_in_its_template() -> None:
    assert read(sent("{reply_sent:sent}", performed_by="requester")) == Row([event("replied", "1795770000", author="customer")])


def test_times_with_an_offset_need_no_zone_and_summer_has_another_one() -> None:
    for text, time_ms in (("2026-11-27T09:00:00Z", NINE), ("2026-07-01 10:00:00", 1782892800000)):
        row = read(sent("{status:{from:5,to:2}}", event_time=text))
        assert isinstance(row, Row)
        assert row.events[0]["time"] == time_ms


def test_the_content_that_freshdesk_makes_by_itself_lacks_the_time_and_says_so() -> None:
    ticket = {
        "ticket_id": 11,
        "ticket_status": "Open",
        "triggered_event": "{ticket_action:created}",
        "ticket_company_domains": None,
    }
    expected = "event_time: expected a time, see the template in the documentation of this source"
    assert read(json.dumps({"freshdesk_webhook": ticket}).encode()) == Rejection(Reason.MISSING_FIELD, expected)
    row = read(json.dumps({"freshdesk_webhook": {**ticket, "event_time": "2026-11-27 09:00:00"}}).encode())
    assert isinstance(row, Row)
    assert row.events[0] == {
        "id": "11/offered/first",
        "source": "freshdesk",
        "interaction_id": "11",
        "type": "offered",
        "time": NINE,
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (sent("created"), Rejection(Reason.BAD_VALUE, "triggered_event: expected {name:value} or {name:{from:…,to:…}}")),
        (
            sent("{a:" + "b" * 500 + "}"),
            Rejection(Reason.BAD_VALUE, "triggered_event: expected {name:value} or {name:{from:…,to:…}}"),
        ),
        (sent("", x=1), Rejection(Reason.MISSING_FIELD, "triggered_event: expected a text")),
        (sent("{status:{from:2,to:4}}", ticket_id="nil"), Rejection(Reason.MISSING_FIELD, "ticket_id: expected a text")),
        (
            sent("{status:{from:2,to:4}}", event_time="soon"),
            Rejection(Reason.BAD_TIME, "event_time: expected yyyy-mm-dd hh:mm:ss"),
        ),
        (sent("{status:{from:2,to:4}}", time_zone="Berlin"), Rejection(Reason.BAD_VALUE, "time_zone: expected an IANA name")),
        (b'{"a": "he said "hi""}', Rejection(Reason.NOT_JSON, "payload: expected JSON")),
    ],
)
def test_what_is_wrong_with_a_template_is_named(body: bytes, expected: Rejection) -> None:
    assert read(body) == expected

"""Canonical events as payloads: every way to put them together, and what refuses them."""

import pytest

from streams.core.event import Reason, Rejection
from streams.sources.canonical import read
from streams.sources.row import CanonicalEvent, Row

NINE = 1709280000000  # 2024-03-01 08:00 UTC
FIRST = b'{"id": "1", "source": "acd", "type": "offered", "time": 1709280000000, "interaction_id": "c", "more": [1]}'
SECOND = b'{"id": "2", "source": "acd", "type": "queued", "time": "2024-03-01T08:00:01.5Z", "interaction_id": "c", "queue": "b"}'
OFFERED: CanonicalEvent = {"id": "1", "source": "acd", "type": "offered", "time": NINE, "interaction_id": "c"}
QUEUED: CanonicalEvent = {"id": "2", "source": "acd", "type": "queued", "time": NINE + 1500, "interaction_id": "c", "queue": "b"}


@pytest.mark.parametrize("body", [b"[" + FIRST + b"," + SECOND + b"]", FIRST + b"\n\n" + SECOND + b"\n"])
def test_events_come_one_a_line_or_in_an_array_and_what_is_unknown_is_left_out(body: bytes) -> None:
    assert read(body) == Row([OFFERED, QUEUED])


def test_one_event_may_span_lines() -> None:
    assert read(FIRST.replace(b", ", b",\n")) == Row([OFFERED])


def test_a_structured_cloud_event_is_one_too() -> None:
    event = (
        b'{"specversion": "1.0", "id": "1", "source": "acd", "type": "com.acme.offered", "subject": "c",'
        b' "time": "2024-03-01T08:00:00Z", "data": {"queue": "sales"}}'
    )
    assert read(event) == Row([{**OFFERED, "queue": "sales"}])


def test_a_heartbeat_is_left_out_because_it_would_speak_for_every_feed() -> None:
    assert read(b'{"id": "h", "source": "acd", "type": "heartbeat", "time": 1}') == Row([], ("heartbeat_left_out",))


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (b"", Reason.NOT_JSON, "payload: expected JSON"),
        (b"\xff", Reason.NOT_JSON, "payload: expected JSON"),
        (FIRST + b"\n{", Reason.NOT_JSON, "payload: expected JSON"),
        (b"[" * 100_000, Reason.NOT_JSON, "payload: expected JSON"),
        (b"[1]", Reason.BAD_TYPE, "payload: expected a JSON object"),
        (FIRST.replace(b'"c"', b"null"), Reason.MISSING_FIELD, "interaction_id: expected on every event but a heartbeat"),
        (FIRST.replace(b"1709280000000", b"1709280000000000000"), Reason.BAD_TIME, "time: expected milliseconds since the epoch"),
        (FIRST.replace(b'"acd"', b"7"), Reason.BAD_TYPE, "source: expected a text of 1 to 200 characters"),
        (FIRST[:-1] + b', "csat": 6}', Reason.BAD_VALUE, "csat: expected a whole number, 1 to 5"),
        (b'{"specversion": "1.0", "data": 7}', Reason.BAD_TYPE, "data: expected a JSON object"),
    ],
)
def test_what_is_wrong_is_named_and_refuses_the_whole_payload(body: bytes, reason: Reason, detail: str) -> None:
    assert read(body) == Rejection(reason, detail)

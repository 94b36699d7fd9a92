"""cloudevents.py: both modes give the same event as plain canonical JSON."""

import json
from typing import Any

from intake_fakes import READ_MS, T0, RecordFake, make_rules

from streams.core.decode import decode
from streams.core.event import Event, Reason, Rejection
from streams.core.record import Headers

STRUCTURED = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/acd",
    "type": "com.example.queued",
    "time": "2025-10-09T08:54:00Z",
    "subject": "i1",
    "data": {"queue": "billing", "channel": "voice"},
}
BINARY: Headers = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e1"),
    ("ce_source", b"/acd"),
    ("ce_type", b"com.example.queued"),
    ("ce_time", b"2025-10-09T08:54:00Z"),
    ("ce_subject", b"i1"),
    ("content-type", b"application/json"),
]
EXPECTED = Event(id="e1", source="/acd", type="queued", time_ms=T0, interaction_id="i1", queue="billing", channel="voice")


def decoded(fields: dict[str, Any], headers: Headers | None = None) -> Event | Rejection:
    return decode(RecordFake(json.dumps(fields).encode(), headers), make_rules(), READ_MS)


def test_the_structured_mode_is_told_by_its_header() -> None:
    assert decoded(STRUCTURED, [("content-type", b"application/cloudevents+json; charset=UTF-8")]) == EXPECTED


def test_the_structured_mode_is_told_by_specversion_in_the_body() -> None:
    assert decoded(STRUCTURED) == EXPECTED


def test_the_structured_mode_is_told_by_specversion_even_if_the_body_looks_canonical() -> None:
    assert decoded({**STRUCTURED, "type": "queued", "interaction_id": "i1"}) == EXPECTED


def test_the_binary_mode_takes_the_envelope_from_the_headers() -> None:
    assert decoded({"queue": "billing", "channel": "voice"}, BINARY) == EXPECTED


def test_the_subject_names_the_interaction_only_where_nothing_else_does() -> None:
    event = decoded({"queue": "billing", "channel": "voice", "interaction_id": "i2"}, BINARY)
    assert isinstance(event, Event)
    assert event.interaction_id == "i2"


def test_other_headers_change_nothing() -> None:
    plain = {
        "id": "e1",
        "source": "/acd",
        "type": "queued",
        "time": T0,
        "interaction_id": "i1",
        "queue": "billing",
        "channel": "voice",
    }
    assert decoded(plain, [("traceparent", b"00-1"), ("content-type", b"application/json")]) == EXPECTED


def test_data_must_be_an_object() -> None:
    assert decoded({**STRUCTURED, "data": "x"}) == Rejection(Reason.BAD_TYPE, "data: expected a JSON object")


def test_binary_data_in_base64_is_refused() -> None:
    fields = {name: value for name, value in STRUCTURED.items() if name != "data"}
    refused = decoded({**fields, "data_base64": "eA=="})
    assert refused == Rejection(Reason.BAD_TYPE, "data_base64: expected a JSON object in data")


def test_a_header_must_be_utf_8() -> None:
    refused = decoded({}, [("ce_id", b"\xff")])
    assert refused == Rejection(Reason.BAD_VALUE, "ce_id: expected UTF-8")


def test_an_unknown_cloudevents_type_is_an_unknown_type() -> None:
    refused = decoded({**STRUCTURED, "type": "com.example.ringing"})
    assert isinstance(refused, Rejection)
    assert refused.reason == Reason.UNKNOWN_TYPE

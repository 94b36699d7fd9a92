"""decode.py and wire.py: bytes become events, or say why not."""

import json
from typing import Any

import pytest
from intake_fakes import READ_MS, T0, RecordFake, make_rules

from streams.core.decode import decode
from streams.core.event import MAX_RECORD_BYTES, Event, Reason, Rejection

OFFERED = {"id": "e1", "source": "acd", "type": "offered", "time": "2025-10-09T08:54:00Z", "interaction_id": "i1"}


def decoded(fields: dict[str, Any] | bytes, **rules: Any) -> Event | Rejection:
    value = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return decode(RecordFake(value), make_rules(**rules), READ_MS)


def test_a_canonical_event_is_decoded_with_its_time_in_milliseconds() -> None:
    expected = Event(id="e1", source="acd", type="offered", time_ms=T0, interaction_id="i1", channel="voice", queue="billing")
    assert decoded({**OFFERED, "channel": "voice", "queue": "billing", "schema_version": 1, "extra": [1]}) == expected


@pytest.mark.parametrize(
    ("time", "time_ms"),
    [
        ("2025-10-09T08:54:00Z", T0),
        ("2025-10-09T10:54:00+02:00", T0),
        ("2025-10-09T08:54:00.1239Z", T0 + 123),
        (T0, T0),
        (0, 0),
    ],
)
def test_a_time_is_rfc_3339_with_offset_or_milliseconds_rounded_down(time: str | int, time_ms: int) -> None:
    event = decoded({**OFFERED, "time": time})
    assert isinstance(event, Event)
    assert event.time_ms == time_ms


def test_durations_come_in_seconds_and_are_rounded_to_milliseconds() -> None:
    event = decoded({**OFFERED, "type": "completed", "talk_seconds": 61.2345, "hold_seconds": 3, "wrap_seconds": 0})
    assert isinstance(event, Event)
    assert (event.talk_ms, event.hold_ms, event.wrap_ms) == (61_234, 3_000, 0)


def test_a_heartbeat_needs_no_interaction() -> None:
    expected = Event(id="h1", source="acd", type="heartbeat", time_ms=T0, interaction_id="")
    assert decoded({"id": "h1", "source": "acd", "type": "heartbeat", "time": T0}) == expected


def test_null_is_the_same_as_absent() -> None:
    assert decoded({**OFFERED, "queue": None, "csat": None}) == decoded(OFFERED)


TEXT = "a text of 1 to 200 characters"
REFUSED: list[tuple[dict[str, Any] | bytes, Reason, str]] = [
    (b"", Reason.NOT_JSON, "record: expected a JSON object"),
    (b"{", Reason.NOT_JSON, "record: expected a JSON object"),
    (b'{"id":"\xff"}', Reason.NOT_JSON, "record: expected a JSON object"),
    (b'{"id":"\\ud800"}', Reason.NOT_JSON, "record: expected a JSON object"),
    (b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", Reason.NOT_JSON, "record: expected a JSON object"),
    (b"[]", Reason.BAD_TYPE, "record: expected a JSON object"),
    (b"3", Reason.BAD_TYPE, "record: expected a JSON object"),
    (b" " * (MAX_RECORD_BYTES + 1), Reason.TOO_LARGE, "record: expected at most 65,536 bytes"),
    ({**OFFERED, "id": None}, Reason.MISSING_FIELD, f"id: expected {TEXT}"),
    ({**OFFERED, "interaction_id": None}, Reason.MISSING_FIELD, "interaction_id: expected on every event but a heartbeat"),
    ({**OFFERED, "id": 7}, Reason.BAD_TYPE, f"id: expected {TEXT}"),
    ({**OFFERED, "id": ""}, Reason.BAD_VALUE, f"id: expected {TEXT}"),
    ({**OFFERED, "queue": "q" * 201}, Reason.BAD_VALUE, f"queue: expected {TEXT}"),
    ({**OFFERED, "queue": "a\x1fb"}, Reason.BAD_VALUE, "queue: expected no unit separator (U+001F)"),
    ({**OFFERED, "time": "yesterday"}, Reason.BAD_TIME, "time: expected RFC 3339 with offset, or milliseconds since the epoch"),
    (
        {**OFFERED, "time": "2025-10-09T08:54:00"},
        Reason.BAD_TIME,
        "time: expected RFC 3339 with offset, or milliseconds since the epoch",
    ),
    ({**OFFERED, "time": 1.5}, Reason.BAD_TIME, "time: expected RFC 3339 with offset, or milliseconds since the epoch"),
    ({**OFFERED, "time": -1}, Reason.BAD_TIME, "time: expected RFC 3339 with offset, or milliseconds since the epoch"),
    ({**OFFERED, "time": "1969-12-31T23:59:59Z"}, Reason.BAD_TIME, "time: expected 1970 or later"),
    ({**OFFERED, "time": True}, Reason.BAD_TYPE, "time: expected RFC 3339 with offset, or milliseconds since the epoch"),
    ({**OFFERED, "time": READ_MS + 300_001}, Reason.FUTURE_TIME, "time: expected at most 300 s ahead of the clock"),
    ({**OFFERED, "time": 10**30}, Reason.FUTURE_TIME, "time: expected at most 300 s ahead of the clock"),
    ({**OFFERED, "type": 3}, Reason.BAD_TYPE, "type: expected one of offered, queued"),
    ({**OFFERED, "type": "ringing"}, Reason.UNKNOWN_TYPE, "type: expected one of offered, queued"),
    ({**OFFERED, "type": "com.example.offered"}, Reason.UNKNOWN_TYPE, "type: expected one of offered, queued"),
    ({**OFFERED, "csat": 6}, Reason.BAD_VALUE, "csat: expected a whole number, 1 to 5"),
    ({**OFFERED, "csat": 4.0}, Reason.BAD_TYPE, "csat: expected a whole number, 1 to 5"),
    ({**OFFERED, "csat": True}, Reason.BAD_TYPE, "csat: expected a whole number, 1 to 5"),
    ({**OFFERED, "nps": -1}, Reason.BAD_VALUE, "nps: expected a whole number, 0 to 10"),
    ({**OFFERED, "score": 1.1}, Reason.BAD_VALUE, "score: expected a number, -1 to 1"),
    ({**OFFERED, "score": "1"}, Reason.BAD_TYPE, "score: expected a number, -1 to 1"),
    ({**OFFERED, "resolved": "yes"}, Reason.BAD_TYPE, "resolved: expected true or false"),
    ({**OFFERED, "talk_seconds": -1}, Reason.BAD_VALUE, "talk_seconds: expected a number, 0 to 2592000"),
    ({**OFFERED, "wrap_seconds": 2_592_001}, Reason.BAD_VALUE, "wrap_seconds: expected a number, 0 to 2592000"),
]


@pytest.mark.parametrize(("fields", "reason", "detail"), REFUSED)
def test_a_bad_record_is_refused_with_its_reason(fields: dict[str, Any] | bytes, reason: Reason, detail: str) -> None:
    refused = decoded(fields)
    assert isinstance(refused, Rejection)
    assert refused.reason == reason
    assert refused.detail.startswith(detail)


def test_a_record_without_a_value_is_not_json() -> None:
    refused = decode(RecordFake(None), make_rules(), READ_MS)
    assert refused == Rejection(Reason.NOT_JSON, "record: expected a JSON object")


def test_only_allowed_sources_pass_when_there_is_a_list() -> None:
    assert isinstance(decoded(OFFERED, sources=frozenset({"acd"})), Event)
    refused = decoded(OFFERED, sources=frozenset({"crm"}))
    assert refused == Rejection(Reason.UNKNOWN_SOURCE, "source: expected one of the configured names")


def test_every_reason_is_reachable() -> None:
    assert {reason for _, reason, _ in REFUSED} | {Reason.UNKNOWN_SOURCE} == set(Reason)


def test_a_detail_never_holds_what_was_found() -> None:
    refused = decoded({**OFFERED, "csat": 666, "customer_id": "secret"})
    assert isinstance(refused, Rejection)
    assert "666" not in refused.detail
    assert "secret" not in refused.detail

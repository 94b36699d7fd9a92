"""core.aside: what is kept of a refused or late record, and the way back."""

from intake_fakes import READ_MS, RecordFake, event, make_rules

from streams.core.aside import Kept, Original, headers_with, keep, original
from streams.core.intake import Intake
from streams.core.record import Headers

WHY = {"reason": "not_json", "detail": "record: expected a JSON object"}


class UnreadableHeaders(RecordFake):
    """A header's name isn't UTF-8."""

    def headers(self) -> Headers | None:
        """Raises what confluent-kafka raises; must not be asked again."""
        assert not hasattr(self, "asked"), "the process has died"
        self.asked = True
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


def test_a_record_is_kept_as_it_came() -> None:
    record = RecordFake(b"{", [("ce_id", b"1"), ("empty", None)], 7, b"k")
    assert keep(record) == Kept(7, b"k", b"{", [("ce_id", b"1"), ("empty", b"")], 0)
    assert keep(RecordFake(None, None, 8, None)) == Kept(8, None, None, [], 0)


def test_why_and_where_stand_behind_the_records_own_headers() -> None:
    expected = [
        ("reason", b"theirs"),
        ("reason", b"not_json"),
        ("detail", b"record: expected a JSON object"),
        ("topic", b"interactions"),
        ("partition", b"3"),
        ("offset", b"7"),
    ]
    assert headers_with(keep(RecordFake(b"{", [("reason", b"theirs")], 7)), WHY, "interactions", 3) == expected


def test_the_way_back_gives_the_record_as_it_came() -> None:
    own = [("reason", b"theirs"), ("offset", b"theirs"), ("ce_id", b"1")]
    headers = headers_with(keep(RecordFake(b"{", own, 7, b"k")), WHY, "interactions", 3)
    assert original(RecordFake(b"{", headers, 0, b"k")) == Original(b"k", b"{", own, "interactions", 3, "not_json")


def test_a_record_too_long_for_kafka_with_what_is_added_is_cut_and_has_no_way_back() -> None:
    kept = keep(RecordFake(b"x" * 1_000_001, [], 7, b"k"))
    assert (len(kept.value or b""), kept.key, kept.cut_bytes) == (1_000_000, b"k", 1_000_002)
    headers = headers_with(kept, WHY, "interactions", 3)
    assert headers[-1] == ("cut_bytes", b"1000002")
    assert original(RecordFake(kept.value, headers, 0, kept.key)) is None


def test_a_key_and_headers_that_are_too_long_are_left_out() -> None:
    assert keep(RecordFake(b"{", [("h", b"x" * 40_000)], 7, b"k")) == Kept(7, None, b"{", [], 40_003)
    assert keep(RecordFake(None, [], 7, b"k" * 40_000)) == Kept(7, None, None, [], 40_000)


def test_what_intake_did_not_write_has_no_way_back() -> None:
    assert original(RecordFake(b"{", None)) is None
    assert original(RecordFake(b"{", [("reason", b"not_json")])) is None


def test_headers_that_cannot_be_read_are_bad_input_and_asked_for_once() -> None:
    intake = Intake(0, {}, make_rules())
    intake.apply([UnreadableHeaders(event("offered", 0).value_, None, 7), UnreadableHeaders(b"x" * 65_537, None, 8)], READ_MS)
    refused = [(bad.reason, bad.detail, bad.record.offset, bad.record.headers) for bad in intake.drain(READ_MS, 0).rejected]
    assert refused == [
        ("bad_value", "headers: expected names in UTF-8", 7, []),
        ("too_large", "record: expected at most 65,536 bytes", 8, []),
    ]


def test_intake_keeps_the_envelope_of_a_refused_cloud_event() -> None:
    intake = Intake(0, {}, make_rules(sources=frozenset({"acd"})))
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", b"crm"),
        ("ce_type", b"offered"),
        ("ce_time", b"2024-03-01T09:00:00Z"),
    ]
    intake.apply([RecordFake(b'{"interaction_id":"i1"}', headers, 7)], READ_MS)
    (refused,) = intake.drain(READ_MS, 0).rejected
    assert (refused.reason, refused.record.headers) == ("unknown_source", headers)

"""Laws of Amazon Connect's payloads: whatever arrives of a contact, in any order and more than once, counts it once."""

import json
from pathlib import Path
from typing import Any

import pytest
from amazon_calls import Call, agent_event, contact_events, contact_record
from broken import check_broken
from hypothesis import given
from hypothesis import strategies as st
from laws import examples
from told import contribution, records, totals

from streams.sources.amazon_connect import read

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "vendor_payloads" / "amazon_connect"


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Answered, abandoned in the queue or the menu, ended by the flow, with and without after-contact work."""
    queued = draw(st.none() | st.integers(0, 60))
    answered = draw(st.none() | st.integers(0, 300)) if queued is not None else None
    answered_at = None if queued is None or answered is None else queued + answered
    before = max(second for second in (0, queued, answered_at) if second is not None)
    length = draw(st.integers(0, 3_000))
    return Call(
        queued=queued,
        answered=answered_at,
        disconnected=before + length,
        wrap=draw(st.none() | st.integers(0, 600)),
        hold=draw(st.integers(0, length)),
        reason=draw(st.sampled_from([None, "CUSTOMER_DISCONNECT", "AGENT_DISCONNECT", "CONTACT_FLOW_DISCONNECT"])),
        method=draw(st.sampled_from(["INBOUND", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK"])),
        previous="c-0",
        millis=draw(st.integers(0, 999)),
    )


def live(call: Call) -> list[dict[str, Any]]:
    return [*contact_events(call), *([agent_event(call)] if call.answered is not None else [])]


@examples(40)  # three runs of intake each
@given(calls(), st.data())
def test_contact_events_count_the_same_in_any_order_and_repeated(call: Call, data: st.DataObject) -> None:
    payloads = live(call)
    told = data.draw(st.permutations(payloads + data.draw(st.lists(st.sampled_from(payloads), max_size=4))))
    assert contribution(records(read, told)) == contribution(records(read, payloads))
    assert contribution(records(read, told))[1] == {}


@examples(40)  # three runs of intake each
@given(calls(), st.data())
def test_a_contact_record_counts_the_same_alone_and_with_any_events_of_the_contact_around_it(
    call: Call, data: st.DataObject
) -> None:
    record = contact_record(call)
    told = data.draw(st.permutations([record, *data.draw(st.lists(st.sampled_from([record, *live(call)]), max_size=8))]))
    assert contribution(records(read, told)) == contribution(records(read, [record]))
    assert contribution(records(read, told))[1] == {}


@examples(40)
@given(calls())
def test_contact_events_alone_count_what_the_record_counts_but_for_hold_within_the_talk(call: Call) -> None:
    from_events, from_record = totals(records(read, contact_events(call))), totals(records(read, [contact_record(call)]))
    held = from_record.pop("hold_ms", 0)
    talk = from_record.pop("talk_ms", 0) + held
    assert from_events.pop("talk_ms", 0) == talk
    assert from_events == from_record


@examples(40)
@given(calls())
def test_what_two_payloads_tell_they_tell_in_the_same_words(call: Call) -> None:
    words: dict[str, bytes] = {}
    for record in records(read, [*live(call), contact_record(call)]):
        value = record.value() or b""
        fields = {name: found for name, found in json.loads(value).items() if name != "target_queue"}
        assert words.setdefault(fields["id"], json.dumps(fields).encode()) == json.dumps(fields).encode()


def test_a_transferred_call_is_offered_once_and_handled_by_two() -> None:
    first = Call(contact="c-1", disconnected=345, hold=0, reason="AGENT_DISCONNECT")
    second = Call(
        contact="c-2", previous="c-1", method="TRANSFER", initiated=340, queued=341, answered=351, disconnected=600, hold=0
    )
    expected = {
        **{"offered": 1, "queued": 2, "answered": 2, "answered_in_target": 1, "wait_ms": 45_000},
        **{"handled": 2, "talk_ms": 549_000, "wrap_ms": 40_000, "transferred": 1},
    }
    assert totals(records(read, [contact_record(second), contact_record(first)])) == expected
    assert totals(records(read, [*contact_events(second), *contact_events(first)])) == expected


@given(calls(), st.data())
def test_a_payload_of_which_a_part_is_replaced_gives_events_or_a_named_rejection(call: Call, data: st.DataObject) -> None:
    payload = data.draw(st.sampled_from([*live(call), contact_record(call)]))
    check_broken(read, payload, data)


@examples(60)
@given(st.data())
def test_a_sample_of_the_documentation_of_which_a_part_is_replaced_does_so_too(data: st.DataObject) -> None:
    files = sorted(SAMPLES.glob("*.json"))
    if not files:
        pytest.skip("the samples of Amazon Connect's documentation are not in ../shared/data/vendor_payloads")
    payload = json.loads(data.draw(st.sampled_from(files)).read_text())
    if data.draw(st.booleans()):
        payload = {"Data": payload, "ApproximateArrivalTimestamp": 1_760_000_040.5}
    check_broken(read, payload, data)

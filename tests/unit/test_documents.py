"""Files of payloads: one a line, over many lines, joined, in an array; and what isn't JSON at all."""

import json
from collections import Counter

from amazon_calls import Call, contact_event, contact_record

from streams.core.event import Reason
from streams.sources.documents import documents
from streams.sources.formats import read_feed


def test_payloads_come_one_a_line_joined_in_arrays_or_over_many_lines() -> None:
    assert list(documents('{"a": 1}\n\n{"b": [2]}{"c": 3}\n[{"d": 4}, 5]\n{\n "e": 6\n}\n{"f": 7}')) == [
        (1, b'{"a": 1}'),
        (3, b'{"b": [2]}'),
        (3, b'{"c": 3}'),
        (4, b'{"d": 4}'),
        (4, b"5"),
        (5, b'{\n "e": 6\n}'),
        (8, b'{"f": 7}'),
    ]


def test_what_is_no_json_comes_line_by_line_and_hides_nothing_that_follows() -> None:
    assert list(documents('1|QUEUE|x\n{"a": \n{"b": 2}\n' + "[" * 5_000 + "\nend")) == [
        (1, b"1|QUEUE|x"),
        (2, b'{"a": '),
        (3, b'{"b": 2}'),
        (4, b"[" * 5_000),
        (5, b"end"),
    ]


def test_a_file_of_a_vendor_is_read_in_any_of_these_ways() -> None:
    payloads = [contact_event(Call(), "QUEUED"), contact_event(Call(), "COMPLETED"), contact_record(Call())]
    lines = "\n".join(json.dumps(payload) for payload in payloads)
    joined = "".join(json.dumps(payload) for payload in payloads)
    feeds = [
        read_feed(text.splitlines(keepends=True), "amazon-connect", None, "calls.json")
        for text in (lines, joined, json.dumps(payloads), json.dumps(payloads, indent=2))
    ]
    assert [len(feed.events) for feed in feeds] == [10, 10, 10, 10]
    assert feeds[1:] == feeds[:-1]
    broken = read_feed([lines, "\n", '{"ContactId": "c-1"'], "amazon-connect", None, "calls.json")
    assert (broken.events, broken.rejected, broken.first_rejection) == (
        feeds[0].events,
        Counter({Reason.NOT_JSON: 1}),
        "line 4: payload: expected JSON",
    )

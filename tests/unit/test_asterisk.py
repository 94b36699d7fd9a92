"""Asterisk's queue_log line by line: a call that is answered, transferred and answered again, and every way to leave a queue."""

import pytest

from streams.core.event import Reason, Rejection
from streams.sources.asterisk import read
from streams.sources.formats import read_feed
from streams.sources.row import CanonicalEvent, Row, is_state

NINE = 1795770000000  # 2026-11-27 09:00 UTC
CALL: CanonicalEvent = {"source": "asterisk", "interaction_id": "c.1", "channel": "voice", "direction": "inbound"}


def events(line: str) -> list[CanonicalEvent]:
    row = read(line.encode())
    assert isinstance(row, Row)
    return row.events


def completed(outcome: str, **fields: str | float) -> CanonicalEvent:
    done: CanonicalEvent = {"id": "c.1/completed/1795770000", "type": "completed", "time": NINE, "outcome": outcome}
    return {**CALL, "queue": "sales", **done, **fields}


def test_a_call_that_is_answered_transferred_to_another_queue_and_abandoned_there() -> None:
    lines = """
1795769999|c.1|NONE|NONE|DID|5550100
1795770000|c.1|sales|NONE|ENTERQUEUE||+15550123|1
1795770006|c.1|sales|PJSIP/7|RINGNOANSWER|5000
1795770012|c.1|sales|PJSIP/8|CONNECT|12|b.2|3
1795770072|c.1|sales|PJSIP/8|BLINDTRANSFER|200|internal|12|60|1
1795770073|c.1|billing|NONE|ENTERQUEUE||+15550123|4
1795770080|c.1|billing|NONE|ABANDON|4|4|7
"""
    feed = read_feed(lines.splitlines(keepends=True), "asterisk", None, "queue_log")
    sales: CanonicalEvent = {**CALL, "queue": "sales"}
    agent: CanonicalEvent = {**sales, "agent_id": "PJSIP/8"}
    billing: CanonicalEvent = {**CALL, "queue": "billing"}
    caller: CanonicalEvent = {"customer_id": "+15550123"}
    talked: CanonicalEvent = {"talk_seconds": 60.0, "outcome": "transferred"}
    assert [event for event in feed.events if not is_state(event)] == [
        {"id": "c.1/offered/first", **sales, **caller, "type": "offered", "time": NINE},
        {"id": "c.1/queued/1795770000", **sales, **caller, "type": "queued", "time": NINE},
        {"id": "c.1/answered/1795770012", **agent, "type": "answered", "time": NINE + 12_000},
        {"id": "c.1/transferred/1795770072", **agent, "type": "transferred", "time": NINE + 72_000},
        {"id": "c.1/completed/1795770072", **agent, "type": "completed", "time": NINE + 72_000, **talked},
        # A repeat of the first by its id: intake drops it.
        {"id": "c.1/offered/first", **billing, **caller, "type": "offered", "time": NINE + 73_000},
        {"id": "c.1/queued/1795770073", **billing, **caller, "type": "queued", "time": NINE + 73_000},
        {"id": "c.1/abandoned/1795770080", **billing, "type": "abandoned", "time": NINE + 80_000},
    ]
    assert feed.rules == {"event_not_counted": 1, "not_answered_by_agent": 1}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("COMPLETEAGENT|12|60|1", completed("ended_by_agent", talk_seconds=60.0)),
        ("COMPLETECALLER|12|61|1", completed("ended_by_customer", talk_seconds=61.0)),
        ("COMPLETECALLER", completed("ended_by_customer")),
        ("TRANSFER|200|internal|12|62", completed("transferred", talk_seconds=62.0)),
        ("ATTENDEDTRANSFER|BRIDGE|b.7|12|63|1", completed("transferred", talk_seconds=63.0)),
        ("ATTENDEDTRANSFER|LINK|b.7|b.8|12|64|1", completed("transferred", talk_seconds=64.0)),
        ("EXITWITHTIMEOUT|1|1|300", completed("left_by_timeout")),
        ("EXITWITHKEY|9|1|1|30", completed("left_by_key")),
        ("EXITEMPTY|1|1|30", completed("left_without_agents")),
    ],
)
def test_every_end_of_a_stay_in_a_queue_is_told(line: str, expected: CanonicalEvent) -> None:
    assert events(f"1795770000|c.1|sales|NONE|{line}")[-1] == expected


def test_the_same_lines_again_give_the_same_events_and_fractions_of_seconds_are_kept() -> None:
    line = "1795770000.25|c.1|sales|NONE|ABANDON|1|1|5"
    assert events(line) == events(line)
    assert events(line)[0]["time"] == NINE + 250


@pytest.mark.parametrize(
    ("line", "state", "queues"),
    [
        ("NONE|sales|PJSIP/7|ADDMEMBER|", "available", ["sales"]),
        ("NONE|sales|PJSIP/7|ADDMEMBER|PAUSED", "break", ["sales"]),
        ("NONE|NONE|PJSIP/7|PAUSEALL|lunch", "break", None),
        ("NONE|NONE|PJSIP/7|UNPAUSEALL|", "available", None),
        ("c.1|sales|PJSIP/7|CONNECT|12|b.7|3", "on_contact", ["sales"]),
        ("c.1|sales|PJSIP/7|COMPLETECALLER|12|62|1", "available", None),
        ("NONE|sales|PJSIP/7|REMOVEMEMBER|", "offline", None),
    ],
)
def test_what_an_agent_does_is_told(line: str, state: str, queues: list[str] | None) -> None:
    kind, queue = line.split("|")[3], line.split("|")[1].replace("NONE", "")
    expected: CanonicalEvent = {"id": f"{kind}/{NINE}/{queue}", "source": "asterisk", "type": "agent_state", "time": NINE}
    expected |= {"agent_id": "PJSIP/7", "state": state}
    found = [event for event in events(f"1795770000|{line}") if event["type"] == "agent_state"]
    assert found == [expected if queues is None else {**expected, "queues": queues}]


def test_a_state_of_nobody_is_left_out_by_name() -> None:
    assert read(b"1795770000|NONE|sales|NONE|ADDMEMBER|") == Row([], ("no_agent",))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"hello", Rejection(Reason.MISSING_FIELD, "line: expected time|callid|queue|agent|event")),
        (b"|c.1|sales|NONE|ABANDON|1|1|5", Rejection(Reason.MISSING_FIELD, "time: expected a value")),
        (b"2026-11-27 09:00|c.1|sales|NONE|ABANDON|1", Rejection(Reason.BAD_TIME, "time: expected RFC 3339 with an offset")),
        (b"1795770000|NONE|sales|NONE|ABANDON|1", Rejection(Reason.MISSING_FIELD, "callid: expected a value")),
        (b"1795770000|c.1|sales|NONE|COMPLETEAGENT|x|y|1", Rejection(Reason.BAD_TYPE, "calltime: expected a number")),
        (b"1795770000|c\xff|sales|NONE|ABANDON|1", Rejection(Reason.BAD_VALUE, "line: expected UTF-8")),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: bytes, expected: Rejection) -> None:
    assert read(line) == expected

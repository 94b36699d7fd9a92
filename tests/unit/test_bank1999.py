"""The bank's file as canonical events: literal rows, each rule for dirty rows, and the whole February against the oracle."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import oracle
import pytest

from streams.core.errors import StreamsError
from streams.core.event import Reason, Rejection
from streams.sources.bank1999 import COLUMNS, Rule, read_row, read_rows
from streams.sources.row import CanonicalEvent, Feed, Row, collect, time_of


def call(**changes: str) -> Row | Rejection:
    """Read one row: a call that waited 10 s and talked 60 s, with changes."""
    row = {
        "vru+line": "AA0101",
        "call_id": "34536",
        "customer_id": "0",
        "priority": "0",
        "type": "PS",
        "date": "990201",
        "vru_entry": "7:02:47",
        "vru_exit": "7:02:56",
        "vru_time": "9",
        "q_start": "7:02:56",
        "q_exit": "7:03:06",
        "q_time": "10",
        "outcome": "AGENT",
        "ser_start": "7:03:06",
        "ser_exit": "7:04:06",
        "ser_time": "60",
        "server": "DORIT",
    }
    assert set(changes) <= set(row)
    return read_row({**row, **changes})


def life(row: Row | Rejection) -> list[tuple[str, str]]:
    """(type, local time) of each event; Jerusalem is two hours ahead of UTC in February."""
    assert isinstance(row, Row)
    return [(str(event["type"]), _local(event)) for event in row.events]


def _local(event: CanonicalEvent) -> str:
    return (datetime.fromtimestamp(time_of(event) / 1000, UTC) + timedelta(hours=2)).strftime("%d %H:%M:%S")


def rules(row: Row | Rejection) -> set[str]:
    assert isinstance(row, Row)
    return set(row.rules)


NO_QUEUE = {"q_start": "0:00:00", "q_exit": "0:00:00", "q_time": "0"}
NO_SERVICE = {"ser_start": "0:00:00", "ser_exit": "0:00:00", "ser_time": "0"}


def test_an_answered_call_becomes_offered_queued_answered_completed() -> None:
    row = call(customer_id="34536912", priority="2")
    assert isinstance(row, Row)
    context = {
        "source": "bank1999",
        "interaction_id": "AA0101-34536-990201",
        "channel": "voice",
        "queue": "PS",
        "segment": "priority",
        "direction": "inbound",
        "customer_id": "34536912",
    }
    entry_ms = 917845367000  # 1999-02-01 07:02:47 in Jerusalem, 05:02:47 UTC
    expected = [
        {**context, "id": "AA0101-34536-990201/offered", "type": "offered", "time": entry_ms},
        {**context, "id": "AA0101-34536-990201/queued", "type": "queued", "time": entry_ms + 9_000},
        {**context, "id": "AA0101-34536-990201/answered", "type": "answered", "time": entry_ms + 19_000, "agent_id": "DORIT"},
        {**context, "id": "AA0101-34536-990201/completed", "type": "completed", "time": entry_ms + 79_000, "talk_seconds": 60},
    ]
    assert expected == row.events
    assert row.rules == ()


def test_a_call_that_hangs_up_in_the_queue_is_abandoned_when_its_wait_is_over() -> None:
    row = call(outcome="HANG", server="NO_SERVER", **NO_SERVICE)
    assert life(row) == [("offered", "01 07:02:47"), ("queued", "01 07:02:56"), ("abandoned", "01 07:03:06")]


def test_a_call_answered_without_a_queue_is_queued_and_answered_at_the_same_moment() -> None:
    row = call(**NO_QUEUE, ser_start="7:02:56", ser_exit="7:03:56")
    expected = [
        ("offered", "01 07:02:47"),
        ("queued", "01 07:02:56"),
        ("answered", "01 07:02:56"),
        ("completed", "01 07:03:56"),
    ]
    assert expected == life(row)


def test_a_call_that_hangs_up_in_the_menu_never_entered_a_queue() -> None:
    row = call(outcome="HANG", server="NO_SERVER", **NO_QUEUE, **NO_SERVICE)
    assert life(row) == [("offered", "01 07:02:47"), ("abandoned", "01 07:02:56")]
    assert rules(row) == {Rule.LEFT_IN_MENU}


def test_a_call_that_hangs_up_on_entering_the_queue_waited_0_seconds() -> None:
    row = call(outcome="HANG", server="NO_SERVER", q_exit="7:02:56", q_time="0", **NO_SERVICE)
    assert life(row) == [("offered", "01 07:02:47"), ("queued", "01 07:02:56"), ("abandoned", "01 07:02:56")]
    assert rules(row) == {Rule.LEFT_AT_ONCE}


def test_phantom_calls_are_ignored_and_counted() -> None:
    assert call(outcome="PHANTOM") == Row([], (Rule.PHANTOM,))


def test_a_menu_entry_after_its_exit_is_offered_at_the_exit() -> None:
    row = call(vru_entry="7:03:53", vru_time="-57")
    assert life(row)[:2] == [("offered", "01 07:02:56"), ("queued", "01 07:02:56")]
    assert rules(row) == {Rule.MENU_ENTRY_TOO_LATE}


def test_service_that_ends_past_midnight_is_completed_the_next_day() -> None:
    row = call(vru_entry="23:59:32", vru_exit="23:59:44", **NO_QUEUE, ser_start="23:59:44", ser_exit="0:01:28", ser_time="104")
    assert life(row)[-2:] == [("answered", "01 23:59:44"), ("completed", "02 00:01:28")]
    assert rules(row) == {Rule.PAST_MIDNIGHT}


def test_a_queue_entered_at_midnight_sharp_did_happen_if_it_has_a_duration() -> None:
    row = call(
        **{"vru_entry": "23:59:54", "vru_exit": "23:59:54", "vru_time": "0", "q_start": "0:00:00", "q_exit": "0:00:27"},
        **{"q_time": "27", "ser_start": "0:00:27", "ser_exit": "0:01:34", "ser_time": "67"},
    )
    expected = [
        ("offered", "01 23:59:54"),
        ("queued", "02 00:00:00"),
        ("answered", "02 00:00:27"),
        ("completed", "02 00:01:34"),
    ]
    assert expected == life(row)
    assert rules(row) == {Rule.PAST_MIDNIGHT}


def test_a_service_clock_ahead_of_the_queue_clock_changes_neither_wait_nor_talk() -> None:
    row = call(ser_start="7:03:05", ser_exit="7:04:05")
    assert life(row)[1:] == [("queued", "01 07:02:56"), ("answered", "01 07:03:06"), ("completed", "01 07:04:06")]
    assert rules(row) == {Rule.CLOCK_SKEW}


def test_a_hang_with_service_time_stays_abandoned() -> None:
    row = call(outcome="HANG", server="NO_SERVER")
    assert life(row)[-1] == ("abandoned", "01 07:03:06")
    assert rules(row) == {Rule.HANG_WITH_SERVICE}


def test_an_answered_call_without_service_is_completed_with_0_seconds_of_talk() -> None:
    row = call(**NO_SERVICE)
    assert isinstance(row, Row)
    assert life(row)[-2:] == [("answered", "01 07:03:06"), ("completed", "01 07:03:06")]
    assert row.events[-1]["talk_seconds"] == 0
    assert rules(row) == {Rule.ANSWERED_WITHOUT_SERVICE}


def test_an_answered_call_without_server_has_no_agent() -> None:
    row = call(server="NO_SERVER")
    assert isinstance(row, Row)
    assert all("agent_id" not in event for event in row.events)
    assert rules(row) == {Rule.ANSWERED_WITHOUT_SERVER}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"vru_entry": "7.02"}, Rejection(Reason.BAD_TIME, "vru_entry: expected h:mm:ss")),
        ({"vru_exit": "25:00:00"}, Rejection(Reason.BAD_TIME, "vru_exit: expected a time of day")),
        ({"date": "991301"}, Rejection(Reason.BAD_TIME, "date: expected yymmdd")),
        ({"q_time": "-1"}, Rejection(Reason.BAD_TYPE, "q_time: expected whole seconds, 0 or more")),
        ({"outcome": "LOST"}, Rejection(Reason.BAD_VALUE, "outcome: expected AGENT, HANG, PHANTOM")),
        ({"priority": "7"}, Rejection(Reason.BAD_VALUE, "priority: expected 0, 1 or 2")),
        ({"call_id": ""}, Rejection(Reason.MISSING_FIELD, "call_id: expected a value")),
    ],
)
def test_an_unreadable_field_rejects_the_row_and_names_the_field(changes: dict[str, str], expected: Rejection) -> None:
    assert expected == call(**changes)


def test_a_file_without_the_columns_is_refused_in_one_line() -> None:
    with pytest.raises(StreamsError, match=r"^calls\.txt is no bank1999 file: 1 of its 17 .* missing, first 'q_time'\.$"):
        list(read_rows(["\t".join(column for column in COLUMNS if column != "q_time")], "calls.txt"))


def test_a_short_row_is_rejected_with_its_line_number() -> None:
    feed = collect(read_rows(["\t".join(COLUMNS), "AA0101\t1"], "calls.txt"))
    assert feed == Feed([], 1, Counter(), Counter({Reason.MISSING_FIELD: 1}), "line 2: outcome: expected a value")


# The whole February.


@pytest.fixture(scope="module")
def february() -> Feed:
    if not oracle.DATA.exists():
        pytest.skip("../shared/data/anonymous_bank_feb1999 is absent")
    with oracle.DATA.open(newline="") as lines:
        return collect(read_rows(lines, oracle.DATA.name))


@pytest.mark.thorough
def test_february_holds_the_control_figures_of_its_readme(february: Feed) -> None:
    assert (february.rows, february.rejected) == (33_344, Counter())
    types = Counter(str(event["type"]) for event in february.events)
    expected = {"offered": 33_344 - 278, "queued": 31_125, "answered": 27_162, "abandoned": 5_904, "completed": 27_162}
    assert expected == types
    talks = [event["talk_seconds"] for event in february.events if event["type"] == "completed" and event["talk_seconds"]]
    assert (len(talks), round(sum(float(str(talk)) for talk in talks) / len(talks), 1)) == (27_077, 176.9)


def test_february_counts_each_rule(february: Feed) -> None:
    expected = {
        Rule.PHANTOM: 278,
        Rule.MENU_ENTRY_TOO_LATE: 23,  # 25 rows, two of them phantoms
        Rule.PAST_MIDNIGHT: 22,
        Rule.CLOCK_SKEW: 21_052,
        Rule.LEFT_IN_MENU: 1_941,
        Rule.LEFT_AT_ONCE: 31,
        Rule.HANG_WITH_SERVICE: 97,
        Rule.ANSWERED_WITHOUT_SERVICE: 85,
        Rule.ANSWERED_WITHOUT_SERVER: 491,
    }
    assert expected == february.rules


def test_february_is_in_time_order_with_unique_ids(february: Feed) -> None:
    times = [time_of(event) for event in february.events]
    assert times == sorted(times)
    assert len({event["id"] for event in february.events}) == len(february.events)


@pytest.mark.thorough
def test_february_agrees_with_the_oracle_per_day_and_queue(february: Feed) -> None:
    """Each event counts on the local day of its own time; wait = answered − queued, handle = talk_seconds."""
    counts: dict[tuple[date, str], oracle.Count] = {}
    queued_ms: dict[str, int] = {}
    for event in february.events:
        interaction, time_ms = str(event["interaction_id"]), time_of(event)
        day = datetime.fromtimestamp(time_ms / 1000, ZoneInfo(oracle.TIME_ZONE)).date()
        count = counts.setdefault((day, str(event["queue"])), oracle.Count())
        match event["type"]:
            case "offered":
                count.offered += 1
            case "queued":
                queued_ms[interaction] = time_ms
            case "answered":
                count.answered += 1
                count.wait_ms += time_ms - queued_ms[interaction]
            case "abandoned" if interaction in queued_ms:
                count.abandoned += 1
                count.abandon_wait_ms += time_ms - queued_ms[interaction]
            case "abandoned":
                count.left_before_queue += 1
            case "completed":
                count.handled += 1
                count.handle_ms += int(str(event["talk_seconds"])) * 1000
    expected = {key: count for key, count in oracle.recount().items() if count != oracle.Count()}
    assert expected == {key: count for key, count in counts.items() if count != oracle.Count()}

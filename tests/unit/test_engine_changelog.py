"""What a changelog tells, and when state and offsets tell different stories."""

import pytest
from confluent_kafka import TopicPartition

from streams.engine.changelog import STAMP_KEY, Recovered, Stamp, check_rules, encode_stamp, start_position
from streams.engine.errors import EngineError
from streams.engine.stamp import Committed, committed_of, decode_stamp, to_commit

FIVE = encode_stamp(Stamp(position=5))


def test_the_last_value_of_a_key_counts_and_none_deletes() -> None:
    table = Recovered()
    table.replay({b"a": b"1", b"b": b"2", STAMP_KEY: FIVE}, 3)
    table.replay({b"a": b"3", b"b": None, b"c": None}, 6)
    assert dict(table.store) == {b"a": b"3"}
    assert table.store.take_dirty() == {}
    assert table.stamp == Stamp(position=5)
    assert table.next == 6


def test_a_table_is_complete_at_its_end_and_at_the_committed_offset() -> None:
    table = Recovered(stamp=Stamp(position=5))
    assert not table.stands_at(Committed(5))
    table.at_end = True
    assert table.stands_at(Committed(5))
    assert table.stands_at(None)
    assert not table.stands_at(Committed(6))


def test_a_stamp_of_an_earlier_flush_at_the_same_position_is_not_the_committed_state() -> None:
    """A pulse moves no position. Its end may reach the group's offsets before the changelog."""
    table = Recovered(stamp=Stamp(position=5, flush=1), at_end=True)
    assert table.stands_at(Committed(5, 1))
    assert not table.stands_at(Committed(5, 2))
    with pytest.raises(EngineError, match="the state in its changelog stands at 5, flush 1 and not 2"):
        start_position(table, Committed(5, 2), transactional=True, where="count: events/0")


def test_what_is_committed_beside_the_offset_is_the_number_of_the_flush() -> None:
    assert committed_of(to_commit("events", 0, Stamp(position=5, flush=7))) == Committed(5, 7)
    assert committed_of(TopicPartition("events", 0, 5, "by hand")) == committed_of(TopicPartition("events", 0, 5)) == Committed(5)
    assert committed_of(TopicPartition("events", 0)) is None


@pytest.mark.parametrize(
    ("stamp", "committed", "transactional", "position"),
    [
        (None, None, True, None),
        (5, 5, True, 5),
        (5, None, True, 5),  # the group was empty for a week: its offsets expired
        (5, 3, False, 5),  # a crash between records and offsets
        (5, None, False, 5),
    ],
)
def test_the_stamp_says_where_to_go_on(
    stamp: int | None, committed: int | None, transactional: bool, position: int | None
) -> None:
    table = Recovered(stamp=None if stamp is None else Stamp(position=stamp))
    assert (
        start_position(
            table, None if committed is None else Committed(committed), transactional=transactional, where="count: events/0"
        )
        == position
    )


@pytest.mark.parametrize(("stamp", "says"), [(5, "stands at 5"), (None, "has no stamp")])
def test_another_committed_offset_is_refused(stamp: int | None, says: str) -> None:
    table = Recovered(stamp=None if stamp is None else Stamp(position=stamp))
    with pytest.raises(EngineError, match=rf"count: events/0: the group committed 7, but the state in its changelog {says}"):
        start_position(table, Committed(7), transactional=True, where="count: events/0")


def test_state_made_under_other_rules_is_refused() -> None:
    rules = {"[intake] pane_seconds": "10", "[merge] time_zone": "UTC"}
    stamp = decode_stamp(encode_stamp(Stamp(position=5, rules=rules)))
    check_rules("intake: events/0", stamp, rules)
    check_rules("intake: events/0", Stamp(position=5), rules)  # written by an earlier version
    check_rules("intake: events/0", None, rules)
    expected = r"intake: events/0: the state was made with \[intake\] pane_seconds = 10, now it is 20\. Set it back, or"
    with pytest.raises(EngineError, match=expected):
        check_rules("intake: events/0", stamp, {**rules, "[intake] pane_seconds": "20"})

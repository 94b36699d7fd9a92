"""Which batches the open partitions accept, and what of them a flush has to write."""

from collections import Counter
from pathlib import Path

import pytest

from streams.engine.batch import Batch, Output
from streams.engine.changelog import STAMP_KEY, Stamp, encode_stamp
from streams.engine.disk import Disk, make_cache, open_database
from streams.engine.errors import EngineError
from streams.engine.stamp import Mark
from streams.engine.store import Store
from streams.engine.table import Table, together

STAMP_AT_3 = Output("log", encode_stamp(Stamp(position=3, flush=5, worker="w", at_ms=7)), STAMP_KEY, 0)


class Keeping:
    """Counts batches; tells what it counted and which lag it heard of."""

    def __init__(self, partition: int, store: Store) -> None:
        self.partition = partition
        self.store = store
        self.counts: Counter[bytes] = Counter()

    def drain(self, now_ms: int, lag: int) -> list[Output]:  # noqa: ARG002  # the engine's contract
        """What was counted since the last flush."""
        outputs = [Output("out", b"%d behind" % lag, key) for key in self.counts]
        self.store.update({key: b"%d" % n for key, n in self.counts.items()})
        self.counts.clear()
        return outputs


def make_table() -> Table[Keeping]:
    table = Table("count", "events", "log", "w", Keeping)
    table.open(0, Store({b"a": b"1"}), Stamp(position=0, flush=4), assignment=5)
    return table


def batch(first: int, following: int, assignment: int = 5, partition: int = 0) -> Batch:
    return Batch("events", partition, first, following, [], 0, 0, assignment)


def test_a_batch_goes_to_the_keeper_of_its_partition_and_moves_the_position() -> None:
    table = make_table()
    assert table.accept(batch(0, 3)) is table.opened[0].keeper
    assert table.position(0) == 3


@pytest.mark.parametrize(("first", "following"), [(1, 3), (-1, 3)])
def test_a_batch_that_does_not_go_on_where_the_state_stands_is_refused(first: int, following: int) -> None:
    with pytest.raises(EngineError, match=f"count: events/0 goes on at {first}, but the state stands at 0"):
        make_table().accept(batch(first, following))


def test_a_batch_of_an_earlier_assignment_or_of_a_partition_that_has_gone_is_left_out() -> None:
    table = make_table()
    assert table.accept(batch(0, 3, assignment=4)) is None
    assert table.accept(batch(0, 3, partition=1)) is None
    table.close([0, 1])
    assert table.accept(batch(0, 3)) is None
    assert table.position(0) is None


def test_entries_are_counted_where_a_table_is_made_and_not_by_whoever_asks(tmp_path: Path) -> None:
    store = Store(disk=Disk(open_database(tmp_path / "table", make_cache(1)), "here"))
    store.load({b"%d" % n: b"" for n in range(10)}, Mark())
    make_table().make(1, store)
    store.close()  # from now on nothing could be counted
    assert len(store) == 10


def test_a_flush_writes_outputs_then_changed_keys_then_the_stamp_and_commits_where_the_state_stands() -> None:
    table = make_table()
    keeper = table.accept(batch(0, 3))
    assert keeper is not None
    keeper.counts[b"b"] = 2
    work = table.take(7, {0: 9}.__getitem__)
    assert work.records == [Output("out", b"9 behind", b"b"), Output("log", b"2", b"b", 0), STAMP_AT_3]
    assert [(offset.topic, offset.partition, offset.offset, offset.metadata) for offset in work.offsets] == [
        ("events", 0, 3, "5")
    ]
    assert table.entries() == 2


def test_what_did_not_move_is_not_written_again() -> None:
    table = make_table()
    assert table.take(7, {0: 0}.__getitem__).offsets == []
    table.accept(batch(0, 3))
    assert table.take(7, {0: 0}.__getitem__).records == [STAMP_AT_3]
    assert table.take(8, {0: 0}.__getitem__).records == []


def test_a_flush_without_a_new_position_has_a_number_of_its_own() -> None:
    table = make_table()
    keeper = table.opened[0].keeper
    for number in ("5", "6"):
        keeper.counts[b"b"] += 1
        assert [(offset.offset, offset.metadata) for offset in table.take(7, {0: 0}.__getitem__).offsets] == [(0, number)]


def test_all_partitions_leave_in_one_flush() -> None:
    table = make_table()
    table.open(1, Store(), Stamp(position=0), assignment=6)
    table.accept(batch(0, 3))
    table.accept(batch(0, 4, assignment=6, partition=1))
    work = table.take(7, {0: 0, 1: 0}.__getitem__)
    assert [(offset.partition, offset.offset) for offset in work.offsets] == [(0, 3), (1, 4)]
    assert [(record.key, record.partition) for record in work.records] == [(STAMP_KEY, 0), (STAMP_KEY, 1)]


def test_partitions_may_be_taken_one_by_one_with_batches_in_between() -> None:
    table = make_table()
    table.open(1, Store(), Stamp(position=0), assignment=6)
    table.accept(batch(0, 3))
    first = table.take(7, {0: 0}.__getitem__, [0])
    table.accept(batch(3, 5))
    table.accept(batch(0, 4, assignment=6, partition=1))
    second = table.take(7, {1: 0}.__getitem__, [1])
    whole = together([first, second])
    assert [(offset.partition, offset.offset) for offset in whole.offsets] == [(0, 3), (1, 4)]
    assert {partition: stamp.position for partition, stamp in whole.stamps.items()} == {0: 3, 1: 4}
    assert whole.records == [*first.records, *second.records]
    assert [(offset.partition, offset.offset) for offset in table.take(8, {0: 0, 1: 0}.__getitem__).offsets] == [(0, 5)]


def test_a_round_of_small_flushes_ends_when_each_partition_had_its_turn_whatever_came_meanwhile() -> None:
    table = make_table()
    table.open(1, Store(), Stamp(position=0), assignment=6)
    table.accept(batch(0, 3))
    table.accept(batch(0, 4, assignment=6, partition=1))
    assert flushed(table, records_max=1) == [(0, 3)]
    assert table.left == [1]
    table.accept(batch(3, 5))
    assert flushed(table, records_max=1) == [(1, 4)]
    assert table.left == [], "else what it held up would wait for ever while all are busy"
    assert flushed(table, records_max=10) == [(0, 5)]


def test_a_partition_that_has_gone_has_no_turn() -> None:
    table = make_table()
    table.open(1, Store(), Stamp(position=0), assignment=6)
    table.accept(batch(0, 3))
    assert flushed(table, records_max=1) == [(0, 3)]
    table.close([1])
    table.accept(batch(3, 5))
    assert flushed(table, records_max=1) == [(0, 5)]


def flushed(table: Table[Keeping], records_max: int) -> list[tuple[int, int]]:
    work = together(table.turn(lambda: 7, lambda _partition: 0, records_max))
    return [(offset.partition, offset.offset) for offset in work.offsets]

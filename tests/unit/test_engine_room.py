"""Room for batches on their way."""

from streams.engine.room import OVERHEAD_BYTES, Limits, Room

RECORD_BYTES = 1_000 - OVERHEAD_BYTES


def test_there_is_room_until_the_limit_and_again_when_one_has_arrived() -> None:
    room = Room(Limits(500, 2, 1_000_000))
    room.enter(1, RECORD_BYTES)
    assert room.wait(0)
    room.enter(1, RECORD_BYTES)
    assert not room.wait(0)
    room.enter(1, RECORD_BYTES)
    room.leave()
    assert not room.wait(0)
    room.leave()
    assert room.wait(0)


def test_bytes_take_room_until_they_are_drained() -> None:
    room = Room(Limits(500, 10, 10))
    room.enter(6, 6 * RECORD_BYTES)
    room.enter(6, 6 * RECORD_BYTES)
    room.leave()
    assert not room.wait(0)
    room.drained(room.applied())
    assert room.wait(0)
    room.enter(6, 6 * RECORD_BYTES)
    assert not room.wait(0)
    room.drained(room.applied())
    assert not room.wait(0), "two batches are on their way still"
    room.leave()
    room.leave()
    room.drained(room.applied())
    assert room.wait(0)


def test_large_records_are_read_few_at_a_time() -> None:
    room = Room(Limits(500, 10, 1_000))
    assert room.count() == 1, "as long as none was seen they may be as large as any"
    room.enter(1, RECORD_BYTES)
    assert room.count() == 102
    room.enter(1, 300_000)
    assert room.count() == 1


def test_room_is_full_when_nothing_more_can_arrive_before_a_flush() -> None:
    room = Room(Limits(500, 10, 10))
    room.enter(6, 6 * RECORD_BYTES)
    room.leave()
    first_bytes = room.applied()
    assert not room.is_full()
    room.enter(6, 6 * RECORD_BYTES)
    assert not room.is_full(), "a batch is on its way still"
    room.leave()
    assert room.is_full()
    room.drained(first_bytes)
    assert not room.is_full()
    assert room.applied() == first_bytes, "what came after the first is in no flush yet"

"""Room for batches on their way."""

from streams.engine.room import Room


def test_there_is_room_until_the_limit_and_again_when_one_has_arrived() -> None:
    room = Room(2)
    room.enter()
    assert room.wait(0)
    room.enter()
    assert not room.wait(0)
    room.enter()
    room.leave()
    assert not room.wait(0)
    room.leave()
    assert room.wait(0)

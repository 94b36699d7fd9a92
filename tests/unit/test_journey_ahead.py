"""Contacts that wait for the slowest partition: in order, from the store, and few of them in memory."""

from streams.core.contact import Contact
from streams.core.journey_ahead import CHUNK_CONTACTS, NEW_CHUNKS_MAX, Ahead, Chunk, Chunks

MINUTE = 60_000
HOUR = 60 * MINUTE


def contact(known_ms: int, customer: str = "ann") -> Contact:
    return Contact(customer, f"c{known_ms}", 1, known_ms, known_ms=known_ms)


def ahead(store: dict[bytes, bytes], chunks: Chunks | None = None, watermark_ms: int = 0) -> Ahead:
    return Ahead(store, {} if chunks is None else chunks, watermark_ms)


def times(found: Ahead, watermark_ms: int) -> list[int]:
    """When those were known who wait no more."""
    return [each.known_ms for each in found.until(watermark_ms)]


def test_who_came_ahead_comes_out_in_order_of_time_when_the_watermark_reaches_it() -> None:
    store: dict[bytes, bytes] = {}
    found = ahead(store)
    for known_ms in (50, 10, 30):
        found.add(contact(known_ms))
    assert times(found, 10) == [10]
    found.write(10)
    found.add(contact(20))
    assert times(found, 40) == [20, 30]
    found.write(40)
    assert (times(found, 50), times(found, 60)) == ([50], [])
    found.write(60)
    assert (store, found.chunks) == ({}, {})


def test_a_day_ahead_of_the_slowest_partition_is_in_the_store_and_not_in_memory() -> None:
    store: dict[bytes, bytes] = {}
    found, most = ahead(store), 0
    for minute in range(1, 24 * 60):  # as many drains, in which the slowest partition stays where it is
        found.add(contact(minute * MINUTE))
        assert times(found, 0) == []
        found.write(0)
        assert len(found) == 0
    assert len(found.chunks) <= 2 * NEW_CHUNKS_MAX
    came = []
    for hour in range(25):
        came += times(found, hour * HOUR)
        found.write(hour * HOUR)
        most = max(most, len(found))
    assert came == [minute * MINUTE for minute in range(1, 24 * 60)]
    assert most <= CHUNK_CONTACTS
    assert store == {}


def test_two_partitions_that_are_days_ahead_of_each_other_share_no_chunk() -> None:
    found = ahead({})
    for known_ms in (HOUR, 72 * HOUR, HOUR + 1, 72 * HOUR + 1):
        found.add(contact(known_ms))
    found.write(0)
    assert list(found.chunks.values()) == [Chunk(HOUR, HOUR + 1, 2), Chunk(72 * HOUR, 72 * HOUR + 1, 2)]
    assert (times(found, HOUR), len(found)) == ([HOUR], 1)


def test_after_a_restart_those_come_who_waited_and_nobody_twice() -> None:
    store: dict[bytes, bytes] = {}
    found = ahead(store)
    for known_ms in (10, 20, 30, 2 * HOUR):
        found.add(contact(known_ms))
    found.write(0)
    assert times(found, 20) == [10, 20]
    found.write(20)
    again = ahead(store, found.chunks, 20)
    assert times(again, 3 * HOUR) == [30, 2 * HOUR]


def test_a_customer_who_is_forgotten_is_in_no_chunk_and_the_others_still_come() -> None:
    store: dict[bytes, bytes] = {}
    found = ahead(store)
    for known_ms, customer in ((10, "ann"), (20, "bob"), (30, "ann"), (5 * HOUR, "bob"), (9 * HOUR, "ann")):
        found.add(contact(known_ms, customer))
    found.write(0)
    assert times(found, 10) == [10]
    found.write(10)
    found.add(contact(40, "bob"))
    assert [each.known_ms for each in found.take("bob")] == [20, 40, 5 * HOUR]
    assert [key for key, value in store.items() if b"bob" in value] == []
    again = ahead(store, found.chunks, 10)
    assert times(found, 10 * HOUR) == times(again, 10 * HOUR) == [30, 9 * HOUR]


def test_versions_that_were_known_at_one_moment_come_in_their_order_wherever_they_waited() -> None:
    """The watermark stands still while late facts come, so versions of several flushes may have the same."""
    found = ahead({})
    for first_ms, revision in ((MINUTE, 2), (0, 3)):  # who is due before them wakes their chunk, the later one first
        found.add(Contact("ann", "other", 1, 0, known_ms=first_ms))
        found.add(Contact("ann", "c1", revision, 0, known_ms=2 * MINUTE))
        found.write(-1)
    found.add(Contact("ann", "c1", 4, 0, removed=True, known_ms=2 * MINUTE))
    came = [each.revision for watermark_ms in (0, MINUTE, 2 * MINUTE) for each in found.until(watermark_ms)]
    assert came == [1, 1, 2, 3, 4]

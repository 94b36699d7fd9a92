"""expiry.py: ids come up when they are due, and not after."""

from streams.core.expiry import BUCKET_MS, Expiry, rounded


def test_a_due_time_is_rounded_up_to_its_bucket() -> None:
    assert [rounded(ms) for ms in (0, 1, BUCKET_MS, BUCKET_MS + 1)] == [0, BUCKET_MS, BUCKET_MS, 2 * BUCKET_MS]


def test_ids_are_due_at_the_watermark_of_their_bucket_and_once() -> None:
    expiry = Expiry()
    expiry.schedule("b", 2 * BUCKET_MS)
    expiry.schedule("a", 1)
    assert expiry.next_ms == BUCKET_MS
    assert list(expiry.due(BUCKET_MS - 1)) == []
    assert list(expiry.due(BUCKET_MS)) == ["a"]
    assert expiry.next_ms == 2 * BUCKET_MS
    assert list(expiry.due(365 * 24 * 60 * BUCKET_MS)) == ["b"]
    assert list(expiry.due(365 * 24 * 60 * BUCKET_MS)) == []


def test_an_earlier_appointment_replaces_a_later_one_and_not_the_other_way_round() -> None:
    expiry = Expiry()
    expiry.schedule("a", 5 * BUCKET_MS)
    expiry.schedule("a", 3 * BUCKET_MS)
    expiry.schedule("a", 4 * BUCKET_MS)
    assert list(expiry.due(3 * BUCKET_MS)) == ["a"]
    assert list(expiry.due(9 * BUCKET_MS)) == []


def test_an_id_that_is_not_done_with_can_be_scheduled_while_its_bucket_is_emptied() -> None:
    expiry = Expiry()
    expiry.schedule("a", BUCKET_MS)
    seen = []
    for key in expiry.due(3 * BUCKET_MS):
        seen.append(key)
        if len(seen) < 3:
            expiry.schedule(key, (1, BUCKET_MS, 2 * BUCKET_MS)[len(seen)])
    assert seen == ["a", "a", "a"]
    assert expiry.next_ms > 3 * BUCKET_MS

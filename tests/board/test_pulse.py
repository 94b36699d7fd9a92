"""The pulse tells a dead pipeline from a silent feed and from a replay."""

from streams.board.pulse import Pulse
from streams.core.trend import Clock

NOW = 1_000_000_000


def pulse() -> Pulse:
    return Pulse(stale_ms=3_000, live_ms=60_000, time_zone="Europe/Berlin")


def clock(shard: int = 0, shards: int = 1, *, published: int = NOW, heard: int | None = NOW, event: int | None = NOW) -> Clock:
    return Clock(
        shard=shard,
        shards=shards,
        watermark_ms=event,
        closed_ms=event,
        heard_ms=heard,
        event_ms=event,
        revision=1,
        published_ms=published,
    )


def test_without_any_clock_the_board_is_stale_and_says_that_no_worker_has_written() -> None:
    health = pulse().health(NOW, None)
    assert (health.status, health.message) == ("stale", "No pulse yet: no worker has written to the live view")
    assert (health.pulse_age_seconds, health.feed) == (None, "none")


def test_a_young_pulse_is_ok_and_its_age_is_that_of_the_oldest_of_publication_and_hearing() -> None:
    one = pulse()
    one.hear([clock(published=NOW - 100, heard=NOW - 400)], NOW)
    health = one.health(NOW, None)
    assert (health.status, health.pulse_age_seconds, health.feed) == ("ok", 0.4, "live")


def test_a_pulse_older_than_the_limit_is_stale() -> None:
    one = pulse()
    one.hear([clock()], NOW)
    assert one.health(NOW + 3_000, None).status == "ok"
    assert one.health(NOW + 3_001, None).message == "The pipeline's pulse has stopped"


def test_intake_that_died_under_a_living_merge_is_stale() -> None:
    one = pulse()
    one.hear([clock(published=NOW, heard=NOW - 5_000)], NOW)
    assert one.health(NOW, None).status == "stale"


def test_the_oldest_shard_counts_and_a_missing_one_is_named() -> None:
    one = pulse()
    one.hear([clock(0, 2)], NOW)
    assert one.health(NOW, None).message == "Only 1 of 2 shards have a pulse"
    one.hear([clock(1, 2, published=NOW - 9_000)], NOW)
    assert one.health(NOW, None).pulse_age_seconds == 9.0


def test_after_a_change_of_the_number_of_shards_the_old_ones_are_forgotten() -> None:
    one = pulse()
    one.hear([clock(0, 2, published=NOW - 5_000), clock(1, 2, published=NOW - 5_000)], NOW)
    one.hear([clock(0, 1)], NOW)
    assert (one.health(NOW, None).status, one.health(NOW, None).shards) == ("ok", 1)


def test_a_live_view_that_cannot_be_read_is_down_whatever_the_pulse() -> None:
    one = pulse()
    one.hear([clock()], NOW)
    health = one.health(NOW, "Redis doesn't answer")
    assert (health.status, health.message) == ("down", "The live view can't be read: Redis doesn't answer")


def test_a_feed_that_brings_nothing_new_is_silent_while_the_pipeline_lives() -> None:
    one = pulse()
    one.hear([clock(event=NOW)], NOW)
    one.hear([clock(published=NOW + 61_000, heard=NOW + 61_000, event=NOW)], NOW + 61_000)
    health = one.health(NOW + 61_000, None)
    assert (health.status, health.feed, health.feed_age_seconds) == ("ok", "silent", 61.0)


def test_events_of_the_past_that_keep_coming_are_a_replay() -> None:
    one = pulse()
    one.hear([clock(event=1_000)], NOW)
    assert one.health(NOW, None).feed == "silent"  # not yet seen to move
    one.hear([clock(published=NOW + 500, heard=NOW + 500, event=61_000)], NOW + 500)
    health = one.health(NOW + 500, None)
    assert (health.feed, health.event_ms) == ("replaying", 61_000)


def test_an_older_clock_never_wins() -> None:
    one = pulse()
    one.hear([clock(published=NOW)], NOW)
    one.hear([clock(published=NOW - 10_000)], NOW)
    assert one.health(NOW, None).pulse_age_seconds == 0.0

"""intake.py: watermark, lateness, frames, counts and state of one source partition."""

from collections.abc import Sequence
from typing import Any

import pytest
from intake_fakes import HOUR, MINUTE, READ_MS, SECOND, T0, RecordFake, event, make_rules, measures, named, sums

from streams.core import lives
from streams.core.changes import IntakeChanges, IntakeCounts
from streams.core.event import Reason
from streams.core.facts import MAX_FACTS
from streams.core.frame import WaitingLevel, shard_of
from streams.core.intake import Intake


def applied(records: Sequence[RecordFake], **rules: Any) -> tuple[Intake, IntakeChanges]:
    intake = Intake(3, {}, make_rules(**rules))
    intake.apply(records, READ_MS)
    return intake, intake.drain(READ_MS, 0)


def test_each_drain_gives_one_frame_per_shard_and_each_series_to_its_own() -> None:
    _, changes = applied([event("offered", 0, channel="voice", queue="billing")], shards=3)
    assert [frame.source for frame in changes.frames] == [3, 3, 3]
    for shard, frame in enumerate(changes.frames):
        assert {shard_of(change.series, 3) for change in frame.changes} <= {shard}
    assert {change.series: named(change.cell) for frame in changes.frames for change in frame.changes} == {
        "total": {"offered": 1},
        "channel\x1fvoice": {"offered": 1},
        "queue\x1fbilling": {"offered": 1},
        "issue\x1funknown": {"offered": 1},
        "channel+queue\x1fvoice\x1fbilling": {"offered": 1},
    }


def test_frames_are_numbered_from_1_without_gaps_across_a_restart() -> None:
    store: dict[bytes, bytes] = {}
    intake = Intake(0, store, make_rules(shards=1))
    numbers = []
    for second in range(3):
        intake.apply([event("offered", second, f"i{second}")], READ_MS)
        numbers += [frame.number for frame in intake.drain(READ_MS, 0).frames]
        intake = Intake(0, store, make_rules(shards=1))
    assert numbers == [1, 2, 3]


def test_without_changes_a_frame_is_sent_once_a_second() -> None:
    intake, first = applied([event("offered", 0)], shards=1, idle_ms=HOUR)
    assert len(first.frames) == 1
    assert [len(intake.drain(READ_MS + ms, 0).frames) for ms in (250, 500, 999, 1_000, 1_250, 2_000)] == [0, 0, 0, 1, 0, 1]


def test_the_watermark_is_the_highest_time_less_the_disorder_and_never_goes_back() -> None:
    intake = Intake(0, {}, make_rules(shards=1))
    seen = []
    for second in (60, 61, 30, 64):
        intake.apply([event("offered", second, f"i{second}")], READ_MS)
        seen.append(intake.drain(READ_MS, 0).frames[0].watermark_ms)
    assert seen == [T0 + 55 * SECOND, T0 + 56 * SECOND, T0 + 56 * SECOND, T0 + 59 * SECOND]


def test_there_is_no_watermark_before_the_first_event() -> None:
    intake = Intake(0, {}, make_rules(shards=1))
    assert [frame.watermark_ms for frame in intake.drain(READ_MS, 0).frames] == [None]


def test_a_heartbeat_moves_the_watermark_to_its_time_and_counts_nothing() -> None:
    _, changes = applied([event("heartbeat", 100)], shards=1)
    assert changes.frames[0].watermark_ms == T0 + 100 * SECOND
    assert changes.frames[0].changes == []
    assert changes.counts == IntakeCounts(consumed=1, accepted=1)


def test_an_event_goes_into_the_windows_that_are_still_open_and_is_late_for_the_others() -> None:
    # The minute [T0, T0 + 60 s) closes when the watermark is at T0 + 180 s, its quarter at 09:15, its hour at 10:00.
    late = {
        179: ([], [0]),
        180: ([("1m",)], [1]),
        6 * 60 + 15 * 60: ([("1m", "15m")], [2]),
        6 * 60 + 60 * 60: ([("1m", "15m", "1h")], [3]),
        22 * 3600: ([("1m", "15m", "1h", "1d")], []),
    }
    for seconds, (windows, levels) in late.items():
        _, changes = applied([event("heartbeat", seconds), event("offered", 0, queue="q")], cuts=("queue",))
        assert [record.windows for record in changes.late] == windows
        assert [level for _, level, _ in sums(changes.frames)] == levels


def test_what_is_too_late_for_all_windows_counts_as_late_only() -> None:
    record = event("offered", 0)._replace(offset_=42)
    _, changes = applied([event("heartbeat", 3 * 24 * 3600), record])
    assert changes.counts == IntakeCounts(consumed=2, accepted=1, too_late=1, late={"1m": 1, "15m": 1, "1h": 1, "1d": 1})
    assert [(late.record.offset, late.record.key, late.record.value) for late in changes.late] == [(42, b"key", record.value_)]


def test_days_close_by_the_configured_time_zone() -> None:
    # 08:54 UTC is 17:54 in Tokyo, whose day ends at 15:00 UTC; with 6 h grace it is closed 12 h 6 min after T0, not before.
    for seconds, windows in ((12 * 3600 + 6 * 60 - 1, 3), (12 * 3600 + 6 * 60, 4)):
        _, changes = applied([event("heartbeat", seconds), event("offered", 0)], time_zone="Asia/Tokyo")
        assert [len(late.windows) for late in changes.late] == [windows]


def test_a_correction_of_a_closed_pane_goes_to_the_windows_that_are_open_now() -> None:
    intake, first = applied([event("offered", 0)], cuts=("queue",))
    assert {key[1:]: named(cell) for key, cell in sums(first.frames).items()} == {(0, "queue\x1funknown"): {"offered": 1}}
    intake.apply([event("heartbeat", 200), event("queued", 250, queue="billing")], READ_MS)
    assert {key: named(cell) for key, cell in sums(intake.drain(READ_MS, 0).frames).items()} == {
        (T0, 1, "queue\x1funknown"): {"offered": -1},
        (T0, 1, "queue\x1fbilling"): {"offered": 1},
        (T0 + 250 * SECOND, 0, "queue\x1fbilling"): {"queued": 1},
    }


def test_a_repeated_event_is_dropped_and_the_same_id_of_another_source_is_not() -> None:
    first = event("offered", 0, id="e1")
    _, changes = applied([first, first, event("queued", 1, id="e1", source="other")])
    assert (changes.counts.consumed, changes.counts.accepted, changes.counts.duplicates) == (3, 2, 1)
    assert measures(changes.frames) == {"offered": 1, "queued": 1}


def test_a_repeat_is_known_after_a_restart() -> None:
    store: dict[bytes, bytes] = {}
    for expected in (0, 1):
        intake = Intake(0, store, make_rules())
        intake.apply([event("offered", 0)], READ_MS)
        assert intake.drain(READ_MS, 0).counts.duplicates == expected


def test_a_bad_record_costs_only_itself() -> None:
    records = [event("offered", 0, "a"), RecordFake(b"{", None, 7, b"k"), event("offered", 1, "b")]
    _, changes = applied(records)
    assert measures(changes.frames) == {"offered": 2}
    assert changes.counts == IntakeCounts(consumed=3, accepted=2, rejected={"not_json": 1})
    assert [(bad.record.offset, bad.record.key, bad.record.value, bad.reason) for bad in changes.rejected] == [
        (7, b"k", b"{", Reason.NOT_JSON)
    ]


def test_an_interaction_takes_a_limited_number_of_events() -> None:
    _, changes = applied([event("replied", second) for second in range(MAX_FACTS + 2)])
    assert changes.counts.accepted == MAX_FACTS
    assert {bad.detail for bad in changes.rejected} == {"interaction_id: expected at most 1,000 events of one interaction"}


def test_waiting_contacts_are_told_in_full_when_they_change_and_not_otherwise() -> None:
    rules = make_rules(shards=1, cuts=("total", "queue"))
    intake = Intake(0, {}, rules)

    def levels(*records: RecordFake) -> list[WaitingLevel] | None:
        intake.apply(records, READ_MS)
        return intake.drain(READ_MS, 0).frames[0].waiting

    assert levels(event("queued", 0, "a", queue="x"), event("queued", 1, "b", queue="y"), event("queued", 2, "c", queue="y")) == [
        WaitingLevel("queue\x1fx", 1, T0),
        WaitingLevel("queue\x1fy", 2, T0 + 1 * SECOND),
        WaitingLevel("total", 3, T0),
    ]
    assert levels(event("offered", 3, "d")) is None
    assert levels(event("answered", 4, "a"), event("abandoned", 5, "b")) == [
        WaitingLevel("queue\x1fy", 1, T0 + 2 * SECOND),
        WaitingLevel("total", 1, T0 + 2 * SECOND),
    ]
    assert levels(event("transferred", 6, "c")) == []


def test_interactions_that_went_to_sleep_go_on_where_they_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "AWAKE_MAX", 1)
    intake = Intake(0, {}, make_rules())
    steps = [event(kind, second, name) for second, kind in enumerate(("queued", "answered", "completed")) for name in "abc"]
    found = []
    for step in [*steps, *steps]:
        intake.apply([step], READ_MS)
        found.append(intake.drain(READ_MS, 0))
    assert sum(changes.counts.duplicates for changes in found) == len(steps)
    total = measures(frame for changes in found for frame in changes.frames)
    assert (total["queued"], total["answered"], total["wait_ms"], total["handled"]) == (3, 3, 3_000, 3)


def test_waiting_contacts_are_known_after_a_restart() -> None:
    store: dict[bytes, bytes] = {}
    Intake(0, store, make_rules(shards=1, cuts=("total",))).drain(READ_MS, 0)
    intake = Intake(0, store, make_rules(shards=1, cuts=("total",)))
    intake.apply([event("queued", 0)], READ_MS)
    intake.drain(READ_MS, 0)
    again = Intake(0, store, make_rules(shards=1, cuts=("total",)))
    assert again.drain(READ_MS, 0).frames[0].waiting == [WaitingLevel("total", 1, T0)]


def test_a_partition_is_idle_when_nothing_was_applied_for_a_while_and_nothing_is_left_to_read() -> None:
    intake, _ = applied([event("offered", 0)], shards=1)
    assert not intake.drain(READ_MS + 2_999, 0).frames[0].idle
    assert not intake.drain(READ_MS + 9_000, 1).frames[0].idle
    assert intake.drain(READ_MS + 10_000, 0).frames[0].idle


def test_a_partition_that_never_had_an_event_becomes_idle_too() -> None:
    intake = Intake(0, {}, make_rules(shards=1))
    assert [intake.drain(READ_MS + ms, 0).frames[0].idle for ms in (0, 3_000)] == [False, True]


@pytest.mark.parametrize(
    ("age_ms", "watermark_ms"), [(MINUTE, T0 + MINUTE + 600 * SECOND - 8 * SECOND), (MINUTE + 1, T0 - 5 * SECOND)]
)
def test_the_watermark_of_a_silent_live_feed_follows_the_clock_and_that_of_a_replay_does_not(
    age_ms: int, watermark_ms: int
) -> None:
    intake = Intake(0, {}, make_rules(shards=1))
    intake.apply([event("offered", 0)], T0 + age_ms)
    intake.drain(T0 + age_ms, 0)
    assert intake.drain(T0 + age_ms + 600 * SECOND, 0).frames[0].watermark_ms == watermark_ms


def test_a_live_feed_stays_live_across_a_restart() -> None:
    store: dict[bytes, bytes] = {}
    intake = Intake(0, store, make_rules(shards=1))
    intake.apply([event("offered", 0)], T0)
    intake.drain(T0, 0)
    again = Intake(0, store, make_rules(shards=1))
    again.drain(T0 + 10 * SECOND, 0)
    assert again.drain(T0 + 20 * SECOND, 0).frames[0].watermark_ms == T0 + 12 * SECOND


def test_a_frame_says_when_the_oldest_event_in_its_changes_was_read() -> None:
    intake = Intake(0, {}, make_rules(shards=1))
    intake.apply([event("offered", 0, "a")], READ_MS)
    intake.apply([event("offered", 0, "b")], READ_MS + 100)
    assert intake.drain(READ_MS + 200, 0).frames[0].read_ms == READ_MS
    intake.apply([event("heartbeat", 1)], READ_MS + 300)
    assert intake.drain(READ_MS + 400, 0).frames[0].read_ms is None


def test_an_ended_interaction_is_forgotten_after_its_linger_time_and_an_open_one_is_not() -> None:
    store: dict[bytes, bytes] = {}
    intake = Intake(0, store, make_rules())
    intake.apply([event("queued", 0, "ended"), event("abandoned", 9, "ended"), event("queued", 9, "open")], READ_MS)
    intake.drain(READ_MS, 0)
    assert {key for key in store if key.startswith(b"i")} == {b"iended", b"iopen"}
    intake.apply([event("heartbeat", 3600 + 60)], READ_MS)
    intake.drain(READ_MS, 0)
    assert {key for key in store if key.startswith(b"i")} == {b"iopen"}
    intake.apply([event("heartbeat", 26 * 3600)], READ_MS)
    assert measures(intake.drain(READ_MS, 0).frames) == {"timed_out": 1, "flowed_out": 1}
    assert {key for key in store if key.startswith(b"i")} == set()


def test_a_full_cut_counts_new_values_as_other_and_known_ones_as_before() -> None:
    store: dict[bytes, bytes] = {}
    rules = make_rules(cuts=("total", "queue"), cut_series_max=2)
    intake = Intake(0, store, rules)
    intake.apply([event("offered", 0, queue, queue=queue) for queue in ("a", "b", "c", "d", "a")], READ_MS)
    changes = intake.drain(READ_MS, 0)
    assert {series: cell[0] for (_, _, series), cell in sums(changes.frames).items()} == {
        "total": 4, "queue\x1fa": 1, "queue\x1fb": 1, "queue\x1fother": 2
    }  # fmt: skip
    assert changes.counts.capped == {"queue": 2}
    again = Intake(0, store, rules)
    again.apply([event("offered", 1, f"{queue}2", queue=queue) for queue in ("c", "b")], READ_MS)
    assert {series for _, _, series in sums(again.drain(READ_MS, 0).frames)} == {"total", "queue\x1fb", "queue\x1fother"}


def test_a_quiet_drain_writes_nothing() -> None:
    store: dict[bytes, bytes] = {}
    intake = Intake(0, store, make_rules(idle_ms=HOUR))
    intake.apply([event("offered", 0)], READ_MS)
    intake.drain(READ_MS, 0)
    before = dict(store)
    intake.drain(READ_MS + 500, 0)
    assert store == before


def test_a_feed_that_says_it_ends_has_ended_at_the_heartbeat_before_until_somebody_comes() -> None:
    store: dict[bytes, bytes] = {}
    seen = []
    for one in (
        event("offered", 0),
        event("heartbeat", 60),
        event("heartbeat", 9_000, outcome="end"),
        event("completed", 9_100),
        event("heartbeat", 9_200, outcome="end"),
        event("offered", 9_300, "another"),
    ):
        intake = Intake(0, store, make_rules(shards=1))
        intake.apply([one], READ_MS)
        seen.append(intake.drain(READ_MS, 0).frames[0].ended_ms)
    assert seen == [None, None, *[T0 + 60 * SECOND] * 3, None]

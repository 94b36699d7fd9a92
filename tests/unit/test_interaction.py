"""interaction.py: what one interaction contributes, example by example."""

from collections.abc import Sequence
from typing import Any

import pytest
from intake_fakes import HOUR, READ_MS, RecordFake, event, make_rules, measures, sums

from streams.core.changes import IntakeChanges
from streams.core.intake import Intake
from streams.core.life import Contradiction
from streams.core.measure import ABANDON_SKETCH, HANDLE_BUCKET, HANDLE_SKETCH, WAIT_BUCKET, WAIT_SKETCH, sketch_index


def taken(records: Sequence[RecordFake], **rules: Any) -> IntakeChanges:
    intake = Intake(0, {}, make_rules(**rules))
    intake.apply(records, READ_MS)
    return intake.drain(READ_MS, 0)


def test_an_answered_contact_is_counted_from_offer_to_completion() -> None:
    records = [
        event("offered", 0),
        event("queued", 1),
        event("answered", 13.5),
        event("completed", 100, talk_seconds=60, hold_seconds=5.5, wrap_seconds=20, resolved=True),
    ]
    assert measures(taken(records).frames) == {
        "offered": 1,
        "queued": 1,
        "answered": 1,
        "answered_in_target": 1,
        "wait_ms": 12_500,
        "handled": 1,
        "talk_ms": 60_000,
        "hold_ms": 5_500,
        "wrap_ms": 20_000,
        "resolved": 1,
        "resolutions": 1,
        "resolution_ms": 100_000,
    }


def test_each_measure_counts_in_the_pane_of_its_own_moment() -> None:
    records = [event("offered", 0), event("queued", 11), event("answered", 22), event("completed", 33, talk_seconds=10)]
    cells = {
        pane: set(cell) for (pane, _, series), cell in sums(taken(records, cuts=("total",)).frames).items() if series == "total"
    }
    start = min(cells)
    sketch = WAIT_SKETCH + sketch_index(11_000)
    assert cells == {
        start: {0},
        start + 10_000: {1},
        start + 20_000: {2, 5, 7, WAIT_BUCKET + 3, sketch},
        start + 30_000: {9, 10, HANDLE_BUCKET, HANDLE_SKETCH + sketch_index(10_000)},
    }


def test_a_contact_abandoned_in_the_queue_is_short_below_the_threshold_and_in_target_up_to_it() -> None:
    def abandoned(wait: float) -> dict[str, int]:
        return measures(taken([event("queued", 0), event("abandoned", wait)]).frames)

    assert abandoned(4.999) == {
        "queued": 1, "abandoned": 1, "short_abandoned": 1, "abandoned_in_target": 1, "abandon_wait_ms": 4_999
    }  # fmt: skip
    assert abandoned(5) == {"queued": 1, "abandoned": 1, "abandoned_in_target": 1, "abandon_wait_ms": 5_000}
    assert abandoned(20.001) == {"queued": 1, "abandoned": 1, "abandon_wait_ms": 20_001}


def test_the_wait_of_an_abandoned_contact_has_a_sketch_of_its_own() -> None:
    frames = taken([event("queued", 0), event("abandoned", 30)], cuts=("total",)).frames
    codes = {code for cell in sums(frames).values() for code in cell}
    assert ABANDON_SKETCH + sketch_index(30_000) in codes
    assert not any(WAIT_BUCKET <= code < ABANDON_SKETCH for code in codes)


def test_who_leaves_before_any_queue_abandons_no_queue() -> None:
    assert measures(taken([event("offered", 0), event("abandoned", 9)]).frames) == {"offered": 1, "left_before_queue": 1}


def test_an_answer_without_a_queue_entry_counts_as_one_of_no_length() -> None:
    assert measures(taken([event("offered", 0), event("answered", 9)]).frames) == {
        "offered": 1,
        "queued": 1,
        "answered": 1,
        "answered_in_target": 1,
    }


def test_a_queue_has_the_service_level_target_it_is_given() -> None:
    records = [event("queued", 0, queue="vip"), event("answered", 12, queue="vip")]
    assert "answered_in_target" in measures(taken(records).frames)
    assert "answered_in_target" not in measures(taken(records, queue_target_ms={"vip": 10_000}).frames)


def test_the_target_holds_also_when_the_queue_is_named_after_the_answer() -> None:
    records = [event("queued", 0), event("answered", 12), event("completed", 20, queue="vip")]
    assert "answered_in_target" not in measures(taken(records, queue_target_ms={"vip": 10_000}, cuts=("total",)).frames)


def test_without_any_duration_the_talk_is_from_answer_to_completion() -> None:
    assert measures(taken([event("answered", 0), event("completed", 75)]).frames)["talk_ms"] == 75_000
    records = [event("answered", 0), event("transferred", 20), event("queued", 20), event("answered", 50), event("completed", 60)]
    assert measures(taken(records).frames)["talk_ms"] == 30_000


def test_a_completion_with_some_durations_takes_the_others_as_nothing() -> None:
    found = measures(taken([event("answered", 0), event("completed", 75, wrap_seconds=5)]).frames)
    assert (found.get("talk_ms"), found["wrap_ms"]) == (None, 5_000)


def test_transfers_and_escalations_are_counted_at_completion() -> None:
    records = [
        event("queued", 0),
        event("answered", 5),
        event("transferred", 20, target_queue="tier-2"),
        event("escalated", 20, tier="2"),
        event("queued", 20, queue="tier-2"),
        event("answered", 50),
        event("completed", 100, talk_seconds=60),
    ]
    assert measures(taken(records[:-1]).frames).keys().isdisjoint({"transferred", "escalated"})
    found = measures(taken(records).frames)
    assert {name: found[name] for name in ("queued", "answered", "wait_ms", "handled", "transferred", "escalated")} == {
        "queued": 2,
        "answered": 2,
        "wait_ms": 35_000,
        "handled": 1,
        "transferred": 1,
        "escalated": 1,
    }


def test_a_completion_without_an_answer_closes_the_contact_unanswered() -> None:
    assert measures(taken([event("queued", 0), event("completed", 9)]).frames) == {
        "queued": 1, "closed_unanswered": 1, "flowed_out": 1
    }  # fmt: skip


def test_a_completion_after_an_abandonment_adds_nothing() -> None:
    found = taken([event("queued", 0), event("abandoned", 30), event("completed", 30)])
    assert measures(found.frames) == {"queued": 1, "abandoned": 1, "abandon_wait_ms": 30_000}
    assert found.counts.contradictions == {}


def test_an_end_that_two_records_tell_at_one_moment_is_one_end_and_the_lesser_id_measures_it() -> None:
    record, event_ = (
        event("completed", 75, id="c/completed/1-record", talk_seconds=50, hold_seconds=20, wrap_seconds=5),
        event("completed", 75, id="c/completed/2-event", talk_seconds=70, wrap_seconds=5),
    )
    for order in ([record, event_], [event_, record]):
        found = taken([event("answered", 0), *order])
        assert {name: measures(found.frames).get(name) for name in ("handled", "talk_ms", "hold_ms", "wrap_ms")} == {
            "handled": 1,
            "talk_ms": 50_000,
            "hold_ms": 20_000,
            "wrap_ms": 5_000,
        }
        assert found.counts.contradictions == {}


def test_reopenings_and_surveys_count_at_their_own_time() -> None:
    records = [
        event("answered", 0),
        event("completed", 10),
        event("reopened", 50),
        event("surveyed", 60, csat=5, nps=9),
        event("replied", 61, author="agent"),
        event("sentiment", 62, score=-0.5),
    ]
    found = measures(taken(records).frames)
    assert (found["reopened"], found["csat_5"], found["nps_9"]) == (1, 1, 1)


def test_a_dimension_that_becomes_known_later_counts_for_the_earlier_facts_too() -> None:
    frames = taken([event("offered", 0, channel="voice"), event("queued", 5, queue="billing")]).frames
    assert {series for _, _, series in sums(frames)} == {
        "total",
        "channel\x1fvoice",
        "queue\x1fbilling",
        "issue\x1funknown",
        "channel+queue\x1fvoice\x1fbilling",
    }


def test_the_last_known_value_of_a_dimension_wins_from_its_fact_on() -> None:
    records = [event("offered", 0, queue="a"), event("queued", 20, queue="b"), event("answered", 40)]
    frames = taken(records).frames
    assert measures(frames, "queue\x1fa") == {"offered": 1}
    assert measures(frames, "queue\x1fb") == {"queued": 1, "answered": 1, "answered_in_target": 1, "wait_ms": 20_000}


def test_an_interaction_that_stays_open_times_out_at_its_last_fact_plus_the_limit() -> None:
    records = [event("offered", 0), event("queued", 5), event("heartbeat", 2 * 24 * 3600)]
    frames = taken(records, cuts=("total",)).frames
    panes = {pane for (pane, _, _), cell in sums(frames).items() if 15 in cell}
    offered = {pane for (pane, _, _), cell in sums(frames).items() if 0 in cell}
    assert measures(frames) == {"offered": 1, "queued": 1, "timed_out": 1, "flowed_out": 1}
    assert {pane - 24 * HOUR for pane in panes} == offered
    assert all(not frame.waiting for frame in frames)


def test_a_gap_longer_than_the_limit_times_out_even_before_the_watermark_says_so() -> None:
    records = [event("queued", 0), event("answered", 24 * 3600 + 1)]
    assert measures(taken(records).frames) == {
        "queued": 2, "answered": 1, "answered_in_target": 1, "timed_out": 1, "flowed_out": 1
    }  # fmt: skip


CONTRADICTIONS: list[tuple[list[RecordFake], Contradiction, dict[str, int]]] = [
    ([event("offered", 0), event("offered", 1)], Contradiction.OFFERED_TWICE, {"offered": 1}),
    (
        [event("queued", 0), event("answered", 30), event("answered", 40)],
        Contradiction.ANSWERED_TWICE,
        {"queued": 1, "answered": 1, "wait_ms": 30_000},
    ),
    (
        [event("queued", 0), event("abandoned", 30), event("answered", 40)],
        Contradiction.ANSWERED_AFTER_ABANDONED,
        {"queued": 2, "abandoned": 1, "abandon_wait_ms": 30_000, "answered": 1, "answered_in_target": 1},
    ),
    (
        [event("queued", 0), event("abandoned", 30), event("abandoned", 40)],
        Contradiction.ABANDONED_TWICE,
        {"queued": 1, "abandoned": 1, "abandon_wait_ms": 30_000},
    ),
    (
        [event("queued", 0), event("answered", 30), event("abandoned", 40)],
        Contradiction.ABANDONED_AFTER_ANSWERED,
        {"queued": 1, "answered": 1, "wait_ms": 30_000},
    ),
    (
        [event("queued", 0), event("completed", 30), event("abandoned", 40)],
        Contradiction.ABANDONED_AFTER_END,
        {"queued": 1, "closed_unanswered": 1, "flowed_out": 1},
    ),
    (
        [event("queued", 0), event("completed", 30), event("completed", 40)],
        Contradiction.COMPLETED_TWICE,
        {"queued": 1, "closed_unanswered": 1, "flowed_out": 1},
    ),
    (
        [event("completed", 0), event("offered", 5.001)],
        Contradiction.COMPLETED_BEFORE_OFFERED,
        {"offered": 1, "closed_unanswered": 1},
    ),
]


@pytest.mark.parametrize(("records", "kind", "expected"), CONTRADICTIONS)
def test_a_contradiction_is_counted_by_kind_and_measured_once(
    records: list[RecordFake], kind: Contradiction, expected: dict[str, int]
) -> None:
    for order in (records, records[::-1]):
        found = taken(order)
        assert found.counts.contradictions == {kind: 1}
        assert measures(found.frames) == expected


def test_every_contradiction_has_an_example() -> None:
    assert {kind for _, kind, _ in CONTRADICTIONS} == set(Contradiction)


def test_a_completion_within_the_disorder_before_its_offer_is_no_contradiction() -> None:
    assert taken([event("completed", 0), event("offered", 5)]).counts.contradictions == {}


def test_a_contradiction_that_turns_out_to_be_none_is_set_off_against_the_next() -> None:
    intake = Intake(0, {}, make_rules())
    intake.apply([event("queued", 0), event("answered", 1), event("answered", 20)], READ_MS)
    assert intake.drain(READ_MS, 0).counts.contradictions == {"answered_twice": 1}
    intake.apply([event("queued", 10)], READ_MS)
    assert intake.drain(READ_MS, 0).counts.contradictions == {}
    intake.apply([event("answered", 30)], READ_MS)
    assert intake.drain(READ_MS, 0).counts.contradictions == {}
    intake.apply([event("answered", 31)], READ_MS)
    assert intake.drain(READ_MS, 0).counts.contradictions == {"answered_twice": 1}

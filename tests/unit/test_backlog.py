"""backlog.py: who is open, and how often that is told; by itself and in intake."""

import pytest
from intake_fakes import READ_MS, SECOND, RecordFake, event, make_rules

from streams.core.backlog import Backlog
from streams.core.context import MAX_CONTEXTS, Combination
from streams.core.intake import Intake


def combination(queue: str) -> Combination:
    return Combination((queue,), 20_000)


def levels(backlog: Backlog) -> dict[tuple[str, ...], int]:
    return {found.values: n for found, n in backlog.levels()}


def test_a_contact_is_open_under_one_combination_until_it_ends() -> None:
    backlog = Backlog()
    billing, sales = combination("billing"), combination("sales")
    backlog.move(None, billing)
    backlog.move(None, billing)
    assert levels(backlog) == {("billing",): 2}
    backlog.move(billing, sales)
    assert levels(backlog) == {("billing",): 1, ("sales",): 1}
    backlog.move(combination("sales"), None)  # the same values are the same combination
    backlog.move(billing, None)
    assert levels(backlog) == {}


def test_it_is_told_each_second_and_less_often_where_there_is_much() -> None:
    backlog = Backlog()
    assert [backlog.is_due(ms) for ms in (5_000, 5_500, 7_000)] == [True, False, False]
    backlog.move(None, combination("billing"))
    assert [backlog.is_due(ms) for ms in (7_100, 7_200)] == [True, False]
    for number in range(3_000):
        backlog.move(None, combination(str(number)))
    assert [backlog.is_due(ms) for ms in (8_200, 10_000, 10_101)] == [False, False, True]


def test_contacts_are_open_until_they_end_and_are_told_once_a_second_where_that_changed() -> None:
    store: dict[bytes, bytes] = {}
    rules = make_rules(shards=1, cuts=("total", "queue"), open_ms=3_600_000)
    intake = Intake(0, store, rules)

    def backlog(second: int, *records: RecordFake) -> dict[str, int] | None:
        intake.apply(records, READ_MS)
        frames = intake.drain(READ_MS + second * SECOND, 0).frames
        return frames[-1].backlog if frames else None

    assert backlog(0, event("offered", 0, "a"), event("queued", 1, "b", queue="x")) == {
        "total": 2, "queue\x1funknown": 1, "queue\x1fx": 1,
    }  # fmt: skip
    assert backlog(0, event("queued", 2, "a", queue="x")) is None  # within the second
    assert backlog(1, event("answered", 3, "b")) == {"total": 2, "queue\x1fx": 2}
    assert backlog(2, event("transferred", 4, "b", target_queue="y"), event("queued", 4, "b", queue="y")) == {
        "total": 2, "queue\x1fx": 1, "queue\x1fy": 1,
    }  # fmt: skip
    intake = Intake(0, store, rules)
    assert backlog(3) == {"total": 2, "queue\x1fx": 1, "queue\x1fy": 1}
    assert backlog(4, event("abandoned", 5, "a")) == {"total": 1, "queue\x1fy": 1}
    assert backlog(5, event("queued", 3, "c", queue="y"), event("completed", 2, "c")) == {"total": 2, "queue\x1fy": 2}
    assert backlog(6, event("completed", 6, "c")) == {"total": 1, "queue\x1fy": 1}
    assert backlog(7, event("reopened", 7, "c")) == {"total": 2, "queue\x1fy": 2}
    assert backlog(8, event("offered", 7_300, "d", queue="x")) == {"total": 1, "queue\x1fx": 1}  # the others have timed out


def test_after_a_restart_the_same_are_open_whatever_is_remembered_of_their_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    store: dict[bytes, bytes] = {}
    rules = make_rules(shards=1, cuts=("queue",))
    intake = Intake(0, store, rules)
    intake.apply([event("offered", number, f"i{number}", queue=f"q{number % 3}") for number in range(10)], READ_MS)
    intake.apply([event("completed", 20, "i0")], READ_MS)
    intake.drain(READ_MS, 0)
    for limit in (1, MAX_CONTEXTS):
        monkeypatch.setattr("streams.core.lives.MAX_CONTEXTS", limit)
        backlog = Intake(0, dict(store), rules).drain(READ_MS, 0).frames[-1].backlog
        assert backlog == {"queue\x1fq0": 3, "queue\x1fq1": 3, "queue\x1fq2": 3}

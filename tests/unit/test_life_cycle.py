"""The life of a case of any kind, here one without figures: pending, firing or silent, over, and again within the cool-down."""

from msgspec.structs import replace

from streams.core.acknowledgement import Acknowledgement, Order
from streams.core.alert import Alert, AlertState
from streams.core.case import Case, record
from streams.core.explain import Move
from streams.core.held_back import HeldBackRules, HeldBacks
from streams.core.life_cycle import Kind, LifeCycle

MINUTE_MS = 60_000
A, B, C = (f"queue\x1f{name}" for name in "abc")
ANNA = Acknowledgement(by="anna", comment="", at_ms=0, until_ms=None)


def told(case: Case, state: AlertState, runbook: str) -> Alert:
    return record(case, state, runbook, "spike", "offered")


KIND: Kind[Case] = Kind(told, lambda case: "critical" if case.score > 20 else "info", lambda _, case: case)


def life() -> LifeCycle[Case]:
    """Cases of it are recent for half an hour."""
    return LifeCycle(KIND, HeldBacks(HeldBackRules()), 30, "run.md")


def case(series: str, minute: int, score: float = 10.0, *, up: bool = True) -> Case:
    """Found at the end of a minute, in which it began; its id says where and when."""
    end_ms = minute * MINUTE_MS
    return Case(
        alert_id=f"{series[-1]} {minute}",
        series=series,
        up=up,
        score=score,
        onset_ms=end_ms - MINUTE_MS,
        detected_ms=end_ms,
        updated_ms=end_ms,
    )


def move(series: str, seen: float) -> Move:
    return Move(series=series, up=True, crossed=True, seen=seen, expected=10.0, minutes=1)


def later(one: Case, minute: int) -> Case:
    return replace(one, updated_ms=minute * MINUTE_MS, minutes=one.minutes + 1)


def versions(some: LifeCycle[Case]) -> list[tuple[str, AlertState, int]]:
    """What was told since they were last asked for: id, state, version."""
    found = [(alert.alert_id, alert.state, alert.version) for alert in some.told]
    some.told = []
    return found


def test_what_is_found_once_is_pending_and_expires() -> None:
    some = life()
    some.wait([case(A, 1)], MINUTE_MS)
    assert versions(some) == [("a 1", "pending", 1)]
    some.wait([], 2 * MINUTE_MS)
    assert (versions(some), some.pending) == ([("a 1", "expired", 2)], {})


def test_what_is_found_again_with_no_less_evidence_stands() -> None:
    some = life()
    assert not some.stands(case(A, 1))
    some.wait([case(A, 1)], MINUTE_MS)
    again = [case(A, 2), case(A, 2, 9.0), case(A, 2, up=False), case(B, 2)]
    assert [some.stands(one) for one in again] == [True, False, False, False]


def test_it_opens_under_the_identity_that_it_had_while_pending_and_the_others_are_silent_under_it() -> None:
    some = life()
    some.wait([case(A, 1)], MINUTE_MS)
    found = {one.series: one for one in (case(A, 2), case(B, 2))}
    assert some.open(found, ([move(A, 30)], {B: A}), lambda one: (one, None)) == [A, B]
    some.wait(found.values(), 2 * MINUTE_MS)
    assert versions(some) == [("a 1", "pending", 1), ("a 1", "firing", 2)]
    assert some.telling() == {A: "a 1", B: "a 1"}
    assert some.active[A].onset_ms == 0


def test_the_greatest_opens_first_and_may_tell_of_the_next() -> None:
    some = life()
    found = {one.series: one for one in (case(A, 2), case(B, 2))}

    def under_another(one: Case) -> tuple[Case, str | None]:
        return one, next((other.alert_id for other in some.speaking()), None)

    some.open(found, ([move(A, 30), move(B, 300)], {}), under_another)
    assert some.telling() == {B: "b 2", A: "b 2"}


def test_a_silent_case_is_followed_untold_and_let_go_with_its_alert() -> None:
    some = life()
    some.begin(case(A, 1), None)
    some.begin(case(B, 1), "a 1")
    some.begin(case(C, 1), "x 1")
    for name in (A, B, C):
        some.follow(later(some.active[name], 2), None)
    assert [one.series for one in some.unspoken(["x 1"])] == []
    some.follow(later(some.active[A], 3), "returned")
    assert [one.series for one in some.unspoken(["x 1"])] == [B]
    assert versions(some) == [("a 1", "firing", 1), ("a 1", "firing", 2), ("a 1", "resolved", 3)]
    assert list(some.active) == [C]


def test_what_comes_back_within_the_cool_down_is_the_same_alert() -> None:
    some = life()
    some.begin(case(A, 1), None)
    some.follow(later(some.active[A], 2), "calm")
    some.forget(32 * MINUTE_MS)
    some.open({A: case(A, 32)}, ([move(A, 30)], {}), lambda one: (one, None))
    assert versions(some) == [("a 1", "firing", 1), ("a 1", "resolved", 2), ("a 1", "firing", 3)]
    assert (some.active[A].onset_ms, some.active[A].fired_ms, some.recent) == (0, MINUTE_MS, {})


def test_after_the_cool_down_it_is_a_new_one() -> None:
    some = life()
    some.begin(case(A, 1), None)
    some.follow(later(some.active[A], 2), "lasting")
    some.forget(33 * MINUTE_MS)
    some.wait([case(A, 33)], 33 * MINUTE_MS)
    assert versions(some) == [("a 1", "firing", 1), ("a 1", "expired", 2), ("a 33", "pending", 1)]


def test_an_acknowledgement_is_told_at_once_and_holds_until_it_grows_worse() -> None:
    some = life()
    some.begin(case(A, 1), None)
    some.begin(case(B, 1), "a 1")
    orders = [Order(alert_id=name, acknowledgement=ANNA) for name in ("a 1", "b 1", "other")]
    assert [some.acknowledge(order) for order in orders] == [True, False, False]
    some.follow(later(some.active[A], 2), None)
    some.follow(replace(later(some.active[A], 3), score=30.0), None)
    found = [(alert.severity, alert.acknowledged) for alert in some.told]
    assert found == [("info", None), ("info", ANNA), ("info", ANNA), ("critical", None)]


def test_where_nothing_can_be_followed_any_longer_all_that_was_told_expires() -> None:
    some = life()
    some.begin(case(A, 1), None)
    some.begin(case(B, 1), "a 1")
    some.wait([case(C, 1)], MINUTE_MS)
    versions(some)
    some.expire(9 * MINUTE_MS)
    assert (versions(some), some.books()) == ([("c 1", "expired", 2), ("a 1", "expired", 2)], ({}, {}, {}))

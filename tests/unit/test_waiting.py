"""waiting.py: how many wait under each combination, and since when the oldest."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.context import Combination
from streams.core.waiting import Waiting

BILLING, SALES = Combination(("billing",), 20_000), Combination(("sales",), 20_000)


def test_the_oldest_is_the_one_of_those_who_still_wait() -> None:
    waiting = Waiting()
    waiting.enter("a", BILLING, 1_000)
    waiting.enter("b", BILLING, 2_000)
    waiting.enter("c", SALES, 3_000)
    assert waiting.levels() == [(BILLING, 2, 1_000), (SALES, 1, 3_000)]
    waiting.leave("a")
    assert waiting.levels() == [(BILLING, 1, 2_000), (SALES, 1, 3_000)]


def test_who_goes_to_another_queue_waits_there_only() -> None:
    waiting = Waiting()
    waiting.enter("a", BILLING, 1_000)
    waiting.enter("a", SALES, 5_000)
    assert waiting.levels() == [(SALES, 1, 5_000)]


def test_only_what_changes_who_waits_is_a_change() -> None:
    waiting = Waiting()
    assert waiting.is_due(0)
    waiting.leave("nobody")
    assert not waiting.is_due(5_000)
    waiting.enter("a", BILLING, 1_000)
    assert waiting.is_due(5_000)


def test_where_many_combinations_wait_they_are_told_once_a_second() -> None:
    waiting = Waiting()
    for n in range(101):
        waiting.enter(f"i-{n}", Combination((f"q-{n}",), 20_000), 1_000)
    assert waiting.is_due(5_000)
    waiting.enter("a", BILLING, 2_000)
    assert [waiting.is_due(now_ms) for now_ms in (5_250, 5_999, 6_000, 6_250)] == [False, False, True, False]


Step = tuple[str, Combination | None, int]
steps = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from((BILLING, SALES, None)), st.integers(0, 9)), max_size=300)


@given(steps)
def test_levels_are_those_of_a_recount(walk: list[Step]) -> None:
    waiting, known = Waiting(), dict[str, tuple[Combination, int]]()
    for name, combination, since_ms in walk:
        if combination is None:
            waiting.leave(name)
            known.pop(name, None)
        else:
            waiting.enter(name, combination, since_ms)
            known[name] = combination, since_ms
        recount = {
            where: (len(times), min(times))
            for where in (BILLING, SALES)
            if (times := [since_ms for combination, since_ms in known.values() if combination is where])
        }
        assert {where: (n, oldest_ms) for where, n, oldest_ms in waiting.levels()} == recount

"""context.py: what is known of an interaction's dimensions, by identity."""

from intake_fakes import make_rules

from streams.core.context import MAX_CONTEXTS, Contexts, finest_dimensions
from streams.core.series import DIMENSIONS


def values(**known: str) -> tuple[str | None, ...]:
    return tuple(known.get(name) for name in DIMENSIONS)


def test_the_finest_dimensions_are_those_of_any_cut_and_always_the_queue() -> None:
    assert finest_dimensions(("total", "issue", "region+channel")) == ("channel", "queue", "issue", "region")
    assert finest_dimensions(("total",)) == ("queue",)


def test_equal_values_are_one_context_and_what_cuts_need_is_one_combination() -> None:
    contexts = Contexts(make_rules(cuts=("channel",)))
    voice = contexts.of(values(channel="voice"))
    north = contexts.of(values(channel="voice", region="north"))
    assert contexts.of(values(channel="voice")) is voice
    assert north is not voice
    assert north.combination is voice.combination
    assert voice.combination.values == ("voice", "unknown")


def test_a_later_value_wins_from_then_on_and_fills_gaps_only_before() -> None:
    contexts = Contexts(make_rules())
    known, later = contexts.of(values(queue="a")), contexts.of(values(queue="b", channel="voice"))
    then, before = contexts.sum(known, later)
    assert then.values == values(queue="b", channel="voice")
    assert before.values == values(queue="a", channel="voice")


def test_a_queue_has_its_own_target_where_it_is_given_one() -> None:
    contexts = Contexts(make_rules(queue_target_ms={"vip": 10_000}))
    assert contexts.of(values(queue="vip")).combination.target_ms == 10_000
    assert contexts.of(values(queue="billing")).combination.target_ms == 20_000
    assert contexts.nothing.combination.target_ms == 20_000


def test_the_cache_starts_anew_beyond_its_limit_and_contexts_held_elsewhere_stay_valid() -> None:
    contexts = Contexts(make_rules(cuts=("total",)))
    held = contexts.of(values(queue="a"))
    for number in range(MAX_CONTEXTS + 1):
        contexts.of(values(issue=f"free text {number}"))
    contexts.prune()
    assert len(contexts.by_values) == 1
    assert contexts.sum(held, contexts.of(values(channel="voice")))[0].values == values(queue="a", channel="voice")

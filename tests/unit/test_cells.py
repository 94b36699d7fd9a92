"""cells.py: cells of combinations rolled up to the cuts are the sums that one would make by hand."""

from hypothesis import given
from hypothesis import strategies as st
from intake_fakes import T0, make_rules

from streams.core.cells import Cells
from streams.core.context import Contexts
from streams.core.measure import Cell, add
from streams.core.series import series_of

CUTS = ("total", "channel", "queue", "channel+queue")
contacts = st.tuples(
    st.sampled_from(("voice", "chat")), st.sampled_from(("billing", "sales")), st.sampled_from((0, 10_000)), st.integers(0, 1)
)
changes = st.dictionaries(st.sampled_from((0, 7, 3_999)), st.integers(-2, 10**15), max_size=3)


@given(st.lists(st.tuples(contacts, changes), max_size=12))
def test_each_cut_gets_the_sum_of_its_combinations_and_nothing_that_comes_to_zero(
    told: list[tuple[tuple[str, str, int, int], Cell]],
) -> None:
    rules = make_rules(cuts=CUTS)
    contexts = Contexts(rules)
    cells = Cells(rules, contexts.finest, ())
    expected: dict[tuple[int, int, str], Cell] = {}
    for (channel, queue, after_ms, level), change in told:
        context = contexts.of((channel, queue, None, None, None, None, None, None))
        add(cells.at(T0 + after_ms, level, context.combination), change)
        names = (series_of("total"), series_of("channel", channel), series_of("queue", queue), series_of(CUTS[3], channel, queue))
        for name in names:
            add(expected.setdefault((T0 + after_ms, level, name), {}), change)
    taken = {(change.pane_ms, change.closed, change.series): change.cell for shard in cells.take() for change in shard}
    assert taken == {key: cell for key, cell in expected.items() if cell}
    assert cells.take() == [[], []]

"""cells.py: from which finer cut a cut is rolled up."""

from streams.core.cells import roll_up_order


def test_a_cut_is_rolled_up_from_the_smallest_finer_one_that_comes_before_it() -> None:
    assert roll_up_order(("total", "channel", "issue", "channel+queue", "channel+queue+region")) == [
        ("channel+queue+region", None),
        ("channel+queue", "channel+queue+region"),
        ("channel", "channel+queue"),
        ("issue", None),
        ("total", "channel"),
    ]

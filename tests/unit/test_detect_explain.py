"""Explain: which series speaks when several have changed together."""

from streams.core.explain import Move, explained_by, speakers


def move(series: str, seen: float, expected: float, *, crossed: bool = True, minutes: float = 5, alert_id: str = "") -> Move:
    name = series.replace("=", "\x1f")
    return Move(
        series=name, up=seen > expected, crossed=crossed, seen=seen, expected=expected, minutes=minutes, alert_id=alert_id
    )


def opened(moves: list[Move], active: list[Move] | None = None) -> list[str]:
    return [m.series.replace("\x1f", "=") for m in speakers(moves, active or [])[0]]


def test_a_rise_of_everything_is_told_by_the_total_alone() -> None:
    moves = [move("total", 200, 100), move("queue=billing", 100, 50), move("queue=sales", 52, 25), move("channel=voice", 120, 60)]
    assert opened(moves) == ["total"]


def test_a_rise_in_one_queue_is_told_by_that_queue_alone() -> None:
    moves = [move("total", 140, 100), move("queue=billing", 60, 20), move("channel=voice", 84, 60)]
    assert opened(moves) == ["queue=billing"]


def test_a_queue_whose_evidence_is_nearly_enough_speaks_for_the_total_that_crossed_first() -> None:
    assert opened([move("total", 140, 100), move("queue=billing", 60, 20, crossed=False)]) == ["queue=billing"]


def test_a_channel_speaks_when_its_ratio_says_most() -> None:
    moves = [move("channel=chat", 60, 15), move("queue=billing", 90, 60), move("total", 145, 100)]
    assert opened(moves) == ["channel=chat"]


def test_two_queues_with_incidents_of_their_own_both_speak() -> None:
    moves = [move("queue=billing", 60, 20), move("queue=sales", 45, 15), move("total", 170, 100)]
    assert sorted(opened(moves)) == ["queue=billing", "queue=sales"]


def test_an_outage_of_everything_is_told_by_the_total() -> None:
    moves = [move("total", 0, 100), move("queue=billing", 0, 50), move("channel=voice", 0, 60)]
    assert opened(moves) == ["total"]


def test_children_of_a_firing_total_with_a_like_ratio_stay_silent() -> None:
    total = move("total", 200, 100, alert_id="a")
    found, silent = speakers([move("queue=billing", 100, 45)], [total])
    assert (found, silent) == ([], {"queue\x1fbilling": "a"})


def test_a_child_that_the_firing_total_does_not_explain_speaks_for_itself() -> None:
    assert opened([move("queue=billing", 100, 20)], [move("total", 260, 200, alert_id="a")]) == ["queue=billing"]


def test_a_total_that_crosses_because_of_a_firing_child_stays_silent() -> None:
    found, silent = speakers([move("total", 150, 100)], [move("queue=billing", 60, 20, alert_id="b")])
    assert (found, silent) == ([], {"total": "b"})


def test_a_total_that_rises_by_far_more_than_its_firing_child_speaks() -> None:
    assert opened([move("total", 300, 100)], [move("queue=billing", 60, 20, alert_id="b")]) == ["total"]


def test_another_queue_is_not_explained_by_a_firing_one() -> None:
    assert explained_by(move("queue=sales", 45, 15), [move("queue=billing", 60, 20)]) is None


def test_an_old_alert_does_not_explain_a_new_change_elsewhere() -> None:
    assert explained_by(move("channel=chat", 45, 15, minutes=5), [move("queue=billing", 900, 300, minutes=90)]) is None

"""Frames fit into records, however much a flush brings."""

import pytest
from intake_fakes import READ_MS, T0, RecordFake, event, make_rules, sums

from streams.core.frame import CHANGES_BYTES_MAX, FEW_CHANGES, Frame, PaneChange, encode_frame, parts_of
from streams.core.intake import Intake
from streams.core.measure import OFFERED


def changes(count: int, series: str = "total", codes: int = 3) -> list[PaneChange]:
    return [PaneChange(T0 + 10_000 * number, 0, series, dict.fromkeys(range(codes), 1 << 40)) for number in range(count)]


def test_few_changes_are_one_part() -> None:
    shards = [changes(FEW_CHANGES), []]
    assert parts_of(shards, bytes_max=1) == [shards]


def test_many_changes_are_cut_and_shards_with_less_go_on_empty() -> None:
    one, two = changes(1_000), changes(300)
    parts = parts_of([one, two], bytes_max=500 * (24 + 36 + 5))
    assert parts == [[one[:500], two], [one[500:], []]]


def test_a_part_is_never_larger_than_reckoned() -> None:
    worst = changes(3_000, series="channel+queue\x1f" + "\u20ac" * 400, codes=100)
    parts = parts_of([worst])
    assert len(parts) > 1
    for (part,) in parts:
        frame = Frame(source=0, number=1, watermark_ms=T0, idle=False, read_ms=T0, sent_ms=T0, changes=part)
        assert len(encode_frame(frame)) <= CHANGES_BYTES_MAX + 100
    assert [change for (part,) in parts for change in part] == worst


def catch_up(first: int) -> list[RecordFake]:
    """So many panes with names so long that they don't fit into one record."""
    queue = "q" * 200
    return [event("offered", 10 * number, f"i{number}", queue=queue, channel="voice") for number in range(first, first + 8_000)]


@pytest.mark.thorough
def test_a_large_flush_takes_several_numbers_and_only_the_last_part_moves_the_watermark() -> None:
    store: dict[bytes, bytes] = {}
    rules = make_rules(shards=1)
    intake = Intake(0, store, rules)
    intake.apply(catch_up(0), READ_MS)
    frames = intake.drain(READ_MS, 1).frames
    assert [frame.number for frame in frames] == [1, 2]
    assert frames[0].watermark_ms is None
    reached_ms = frames[1].watermark_ms
    assert reached_ms == T0 + 79_990_000 - rules.disorder_ms
    assert sum(cell.get(OFFERED, 0) for (_, _, series), cell in sums(frames).items() if series == "total") == 8_000
    intake = Intake(0, store, rules)
    intake.apply(catch_up(8_000), READ_MS)
    again = intake.drain(READ_MS, 1).frames
    assert [(frame.number, frame.watermark_ms) for frame in again[:1]] == [(3, reached_ms)]
    assert all(len(encode_frame(frame)) < 8_000_000 for frame in [*frames, *again])

"""core.live: slots, versions and the JSON of the live view."""

from streams.core import live
from streams.core.live import LiveChanges
from streams.core.trend import Clock, Expectation, Trend, Window, WindowKind


def trend(kind: WindowKind, start_ms: int, revision: int) -> Trend:
    """A trend of channel voice, queue billing."""
    return Trend(
        cut="channel+queue",
        series={"queue": "billing", "channel": "voice"},
        window=Window(kind, start_ms, start_ms + 60_000, "UTC"),
        final=True,
        revision=revision,
        measures={"offered": 3},
        kpis={},
        watermark_ms=0,
        read_ms=None,
        published_ms=0,
    )


CLOCK = Clock(shard=1, shards=2, watermark_ms=None, closed_ms=None, heard_ms=None, event_ms=None, revision=7, published_ms=8)
MINUTE = Expectation(
    cut="total", series={}, start_ms=60_000, end_ms=120_000, actual=1, expected=2.0, low=0.0, high=5.0, published_ms=3
)


def test_the_series_of_a_record_follows_the_order_of_its_cut() -> None:
    assert live.record_series(trend("1m", 0, 1)) == "channel+queue\x1fvoice\x1fbilling"
    assert live.record_series(MINUTE) == "total"


def test_windows_of_one_kind_share_a_slot_and_minutes_have_one_each() -> None:
    assert live.slot_of(trend("1m", 0, 1)) == live.slot_of(trend("1m", 60_000, 1))
    assert live.slot_of(trend("1m", 0, 1)) != live.slot_of(trend("15m", 0, 1))
    assert live.slot_of(MINUTE) == "minute\x1ftotal\x1f60000"
    assert live.slot_of(CLOCK) == "clock\x1f1"


def test_versions_order_by_window_and_then_by_revision() -> None:
    versions = [
        live.version_of(trend("1m", start_ms, revision))
        for start_ms, revision in [(60_000, 9), (60_000, 10), (900_000, 1), (900_000, 2), (1_767_225_600_000, 1)]
    ]
    assert versions == sorted(versions)
    assert len(set(versions)) == 5


def test_a_message_survives_its_json_and_leaves_empty_parts_out() -> None:
    changes = LiveChanges(clocks=(CLOCK,), expectations=(MINUTE,))
    assert live.decode_changes(live.encode(changes)) == changes
    assert live.encode(LiveChanges()) == b"{}"


def test_records_are_sorted_by_type() -> None:
    first = trend("1m", 0, 1)
    assert live.changes_of([CLOCK, first, MINUTE]) == LiveChanges(trends=(first,), expectations=(MINUTE,), clocks=(CLOCK,))

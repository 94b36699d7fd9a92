"""Shares and changes by example."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from streams.core.compare import Against, change, earlier_start, share, share_change
from streams.core.trend import KpiValue, Trend, Window, WindowKind

ZONE = "Europe/Berlin"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) * 1000


def trend(
    offered: int, cut: str = "total", kind: WindowKind = "1h", start: str = "2026-03-30T09:00", *, final: bool = True
) -> Trend:
    window = Window(kind, at(start), at(start) + 3_600_000, ZONE)
    series = {} if cut == "total" else {cut: "chat"}
    return Trend(
        cut=cut, series=series, window=window, final=final, revision=1, measures={"offered": offered} if offered else {},
        kpis={}, watermark_ms=0, read_ms=None, published_ms=0,
    )  # fmt: skip


def test_a_share_is_of_the_total_of_the_same_window() -> None:
    found = share(trend(20, "channel"), trend(100))
    assert (found.value, found.n, round(found.low or 0, 2), round(found.high or 0, 2)) == (0.2, 100, 0.13, 0.29)
    assert share(trend(0, "channel"), trend(100)).value == 0


def test_there_is_no_share_of_another_window_or_of_none_or_of_nothing() -> None:
    nothing = KpiValue(None, 0)
    for total in (None, trend(100, start="2026-03-30T10:00"), trend(100, final=False), trend(0)):
        assert nothing == share(trend(20, "channel"), total)


@pytest.mark.parametrize(
    ("kind", "against", "expected"),
    [
        ("1h", "previous", "2026-03-30T08:00"),
        ("1d", "previous", "2026-03-29T00:00"),  # a day of 23 hours
        ("1h", "yesterday", "2026-03-29T09:00"),
        ("1h", "last-week", "2026-03-23T09:00"),  # by the local clock, although it has changed since
        ("1w", "previous", "2026-03-23T00:00"),
        ("1mo", "previous", "2026-02-01T00:00"),
    ],
)
def test_the_earlier_window_is_found_by_the_local_clock(kind: WindowKind, against: Against, expected: str) -> None:
    start = {"1h": "2026-03-30T09:00", "1mo": "2026-03-01T00:00"}.get(kind, "2026-03-30T00:00")
    assert earlier_start(trend(1, kind=kind, start=start).window, against) == at(expected)


def test_a_change_is_against_the_earlier_number_with_the_interval_of_two_counts() -> None:
    found = change(trend(150), trend(100))
    assert (found.value, found.n, round(found.low or 0, 2), round(found.high or 0, 2)) == (0.5, 100, 0.17, 0.93)


def test_provisional_windows_are_never_compared_with_final_ones() -> None:
    nothing = KpiValue(None, 0)
    assert nothing == change(trend(150, final=False), trend(100)) == change(trend(150), trend(100, final=False))
    assert nothing == change(trend(150), None) == change(trend(150), trend(0))


def test_there_is_a_change_from_few_contacts_to_none() -> None:
    found = change(trend(0), trend(3))
    assert (found.value, found.low) == (-1, -1)


def test_a_share_that_grew_is_told_with_the_interval_of_a_difference() -> None:
    # Newcombe's example of 1998: 56 of 70 against 48 of 80 are 0.2 more, 0.0524 to 0.3339.
    found = share_change(trend(56, "channel"), trend(70), trend(48, "channel"), trend(80))
    limits = [round(limit or 0, 4) for limit in (found.value, found.low, found.high)]
    assert (limits, found.n) == ([0.2, 0.0524, 0.3339], 80)


def test_a_share_of_a_window_that_may_still_change_or_of_none_is_not_compared() -> None:
    now, total, nothing = trend(56, "channel"), trend(70), KpiValue(None, 0)
    assert nothing == share_change(now, total, None, trend(80)) == share_change(now, total, trend(48, "channel"), None)
    assert nothing == share_change(now, total, trend(48, "channel", final=False), trend(80, final=False))

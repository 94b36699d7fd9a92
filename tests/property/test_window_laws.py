"""Laws of windows in every zone: they cover, nest and never go back."""

from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from streams.core.trend import LONG, TUMBLING, WindowKind
from streams.core.window import window_bounds, window_end, window_start

# Clock changes by hours and half hours, at midnight, at 00:01, at noon of the date line; offsets of 30 and 45 minutes.
ZONES = (
    "UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/Sao_Paulo", "America/Havana", "America/St_Johns",
    "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Asia/Jerusalem", "Africa/Casablanca", "Africa/Monrovia",
    "America/Nuuk", "Asia/Beirut", "Africa/Cairo", "Pacific/Kiritimati", "Pacific/Kwajalein", "Antarctica/Troll",
)  # fmt: skip
DECADES_MS = 4_102_444_800_000  # 2100-01-01

times = st.integers(min_value=0, max_value=DECADES_MS)
zones = st.sampled_from(ZONES).map(ZoneInfo)
kinds = st.sampled_from((*TUMBLING, *LONG))


@given(kinds, times, zones)
def test_a_window_holds_the_time_it_was_asked_for(kind: WindowKind, time_ms: int, zone: ZoneInfo) -> None:
    start, end = window_bounds(kind, time_ms, zone)
    assert start <= time_ms < end
    assert (start, end) == window_bounds(kind, start, zone) == window_bounds(kind, end - 1, zone)


@given(kinds, times, zones)
def test_windows_follow_each_other_without_gap(kind: WindowKind, time_ms: int, zone: ZoneInfo) -> None:
    start, end = window_bounds(kind, time_ms, zone)
    assert window_start(kind, end, zone) == end
    assert window_end(kind, start - 1, zone) == start


@given(kinds, times, st.integers(0, 3 * 86_400_000), zones)
def test_starts_never_go_back(kind: WindowKind, time_ms: int, later_ms: int, zone: ZoneInfo) -> None:
    assert window_start(kind, time_ms, zone) <= window_start(kind, time_ms + later_ms, zone)


@given(times, zones)
def test_kinds_nest(time_ms: int, zone: ZoneInfo) -> None:
    bounds = [window_bounds(kind, time_ms, zone) for kind in TUMBLING]
    for (inner_start, inner_end), (start, end) in pairwise(bounds):
        assert start <= inner_start < inner_end <= end
    (day_start, day_end), *longer = (window_bounds(kind, time_ms, zone) for kind in ("1d", *LONG))
    assert all(start <= day_start < day_end <= end for start, end in longer)

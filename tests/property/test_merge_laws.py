"""Laws of merge: finals don't depend on how frames are cut into drains, interleaved or interrupted; an oracle recounts them.

The oracle knows lists of (time, series, cell) only; it shares only the window arithmetic with merge,
which has laws of its own.
"""

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.frame import Frame, PaneChange
from streams.core.kpi import KpiRules
from streams.core.merge import Merge, MergeRules
from streams.core.trend import TUMBLING, Trend
from streams.core.window import window_start

SOURCES = 3
PANE_MS = 10_000
ZONE = ZoneInfo("Europe/Berlin")
START_MS = 1_792_868_400_000  # 2026-10-24 23:00 in Berlin; the night after has 25 hours
GRACES_MS = {"1m": 120_000, "15m": 900_000, "1h": 3_600_000, "1d": 21_600_000}
END_MS = START_MS + 3 * 86_400_000
NAMES = ("offered", "queued", "answered")

RULES = MergeRules(
    shards=1, sources=SOURCES, pane_ms=PANE_MS, time_zone="Europe/Berlin",
    graces_ms=tuple((kind, GRACES_MS[kind]) for kind in TUMBLING),
    refresh_ms=60_000, watch_cuts=frozenset({"total"}),
    kpi=KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands={}),
)  # fmt: skip

Contact = tuple[int, int, str, dict[int, int]]  # source, time, series, cell
Finals = dict[tuple[str, str, int], dict[str, int]]

# Minutes, hours, and jumps over a day's end; small steps are likelier, so that windows hold several contacts.
gaps = st.one_of(st.integers(0, 20_000), st.integers(0, 600_000), st.integers(0, 30_000_000))
cells = st.dictionaries(st.integers(0, 2), st.integers(-1, 3).filter(bool), min_size=1)
contacts = st.lists(
    st.tuples(st.integers(0, SOURCES - 1), gaps, st.sampled_from(["total", "queue\x1fbilling"]), cells), max_size=60
)


def timed(steps: list[Contact]) -> list[Contact]:
    """Contacts with times in place of gaps."""
    found, time_ms = [], START_MS
    for source, gap_ms, series, cell in steps:
        time_ms = min(time_ms + gap_ms, END_MS)
        found.append((source, time_ms, series, cell))
    return found


def frames_of(source: int, mine: list[Contact], cuts: set[int]) -> list[Frame]:
    """The frames of one source partition: a new one at each cut, and a last one that closes every window."""
    frames: list[Frame] = []
    changes: list[PaneChange] = []
    watermark_ms = None
    for index, (_, time_ms, series, cell) in enumerate(mine):
        if index in cuts:
            frames.append(make_frame(source, len(frames) + 1, watermark_ms, changes))
            changes = []
        changes.append(PaneChange(time_ms - time_ms % PANE_MS, 0, series, cell))
        watermark_ms = time_ms
    frames.append(make_frame(source, len(frames) + 1, watermark_ms, changes))
    return [*frames, make_frame(source, len(frames) + 1, END_MS + 3 * 86_400_000, [])]


def make_frame(source: int, number: int, watermark_ms: int | None, changes: list[PaneChange]) -> Frame:
    return Frame(
        source=source, number=number, watermark_ms=watermark_ms, idle=False, read_ms=1, sent_ms=1, changes=changes
    )  # fmt: skip


def interleave(data: st.DataObject, queues: list[list[Frame]]) -> list[Frame]:
    """One order of all frames that keeps the order within each source partition."""
    queues = [list(queue) for queue in queues]
    found = []
    while any(queues):
        source = data.draw(st.sampled_from([index for index, queue in enumerate(queues) if queue]))
        found.append(queues[source].pop(0))
    return found


def recount(listed: list[Contact]) -> Finals:
    """Sums per kind, series and window, straight from the contacts."""
    sums: dict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
    for _, time_ms, series, cell in listed:
        for kind in TUMBLING:
            for code, n in cell.items():
                sums[kind, series, window_start(kind, time_ms, ZONE)][NAMES[code]] += n
    return {key: measures for key, total in sums.items() if (measures := {name: n for name, n in total.items() if n})}


def finals_of(records: list[tuple[str, Trend]]) -> Finals:
    found: Finals = {}
    for series, trend in records:
        if trend.final:
            key = (trend.window.kind, series, trend.window.start_ms)
            assert key not in found, f"{key} was final twice"
            found[key] = trend.measures
    return {key: measures for key, measures in found.items() if measures}


@settings(max_examples=150, deadline=None)
@given(st.data(), contacts, st.sets(st.integers(1, 60)), st.booleans())
def test_any_interleaving_drains_and_restarts_give_the_recount(
    data: st.DataObject, steps: list[Contact], cuts: set[int], restart: bool
) -> None:
    listed = timed(steps)
    queues = [frames_of(source, [contact for contact in listed if contact[0] == source], cuts) for source in range(SOURCES)]
    store: dict[bytes, bytes] = {}
    merge = Merge(0, store, RULES)
    records, late, now_ms = [], Counter[str](), START_MS
    for frame in interleave(data, queues):
        merge.apply([frame])
        if data.draw(st.booleans()):
            now_ms += 250
            changes = merge.drain(now_ms)
            records += changes.trends
            late.update(changes.late)
            if restart and data.draw(st.booleans()):
                merge = Merge(0, store, RULES)
    records += merge.drain(now_ms + 250).trends

    assert recount(listed) == finals_of(records)
    assert Counter() == late
    assert [key for key in store if key[:1] in b"pq"] == []


@settings(max_examples=50, deadline=None)
@given(contacts)
def test_longer_windows_are_the_sums_of_shorter_ones(steps: list[Contact]) -> None:
    listed = timed(steps)
    merge = Merge(0, {}, RULES)
    for source in range(SOURCES):
        merge.apply(frames_of(source, [contact for contact in listed if contact[0] == source], set()))
    finals = finals_of(merge.drain(START_MS).trends)

    for shorter, longer in (("1m", "15m"), ("15m", "1h"), ("15m", "1d"), ("1h", "1d")):
        sums: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        for (kind, series, start_ms), measures in finals.items():
            if kind == shorter:
                for name, n in measures.items():
                    sums[series, window_start(longer, start_ms, ZONE)][name] += n  # type: ignore[arg-type]  # loop over literals
        added = {key: {name: n for name, n in total.items() if n} for key, total in sums.items()}
        expected = {(series, start): measures for (kind, series, start), measures in finals.items() if kind == longer}
        assert expected == {key: measures for key, measures in added.items() if measures}


@settings(max_examples=80, deadline=None)
@given(st.data(), contacts, st.sets(st.integers(1, 60)))
def test_the_trailing_half_hour_is_the_sum_of_its_panes(data: st.DataObject, steps: list[Contact], cuts: set[int]) -> None:
    listed = timed(steps)
    queues = [frames_of(source, [contact for contact in listed if contact[0] == source], cuts)[:-1] for source in range(SOURCES)]
    store: dict[bytes, bytes] = {}
    merge = Merge(0, store, RULES)
    shown: dict[tuple[str, str], Trend] = {}
    applied: list[PaneChange] = []
    for now_ms, frame in enumerate(interleave(data, queues)):
        merge.apply([frame])
        applied += frame.changes
        if data.draw(st.booleans()):
            changes = merge.drain(now_ms)
            shown |= {(series, trend.window.kind): trend for series, trend in changes.trends if not trend.final}
            if data.draw(st.booleans()):
                merge = Merge(0, store, RULES)
    changes = merge.drain(1_000_000)
    shown |= {(series, trend.window.kind): trend for series, trend in changes.trends if not trend.final}
    if changes.clock is None or changes.clock.watermark_ms is None:
        return

    watermark_ms = changes.clock.watermark_ms
    end_ms = watermark_ms - watermark_ms % PANE_MS + PANE_MS
    day_ms = window_start("1d", watermark_ms, ZONE)
    for series in ("total", "queue\x1fbilling"):
        half_hour, today = Counter[str](), Counter[str]()
        for change in applied:
            for code, n in change.cell.items():
                inside = end_ms - 1_800_000 <= change.pane_ms < end_ms + 60_000
                half_hour[NAMES[code]] += n if change.series == series and inside else 0
                inside = window_start("1d", change.pane_ms, ZONE) == day_ms
                today[NAMES[code]] += n if change.series == series and inside else 0
        for kind, expected in (("30m", half_hour), ("today", today)):
            measures = shown[series, kind].measures if (series, kind) in shown else {}
            assert {name: n for name, n in expected.items() if n} == measures, (series, kind)

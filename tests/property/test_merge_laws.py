"""Laws of merge: finals don't depend on how frames are cut into drains, interleaved or interrupted; an oracle recounts them.

The oracle knows a list of contacts only; it shares nothing with merge but the window arithmetic, which has laws of its own. A
failure prints the seed of its contacts.
"""

from collections import Counter, defaultdict
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st
from laws import examples

from streams.core.frame import Frame, MinuteFrame, PaneChange
from streams.core.kpi import KpiRules
from streams.core.merge import Merge, MergeChanges, MergeRules
from streams.core.trend import LONG, TUMBLING, Trend, WindowKind
from streams.core.window import window_end, window_start

SOURCES = 3
PANE_MS = 10_000
ZONE = ZoneInfo("Europe/Berlin")
START_MS = 1_792_868_400_000  # 2026-10-24 21:00 in Berlin; the night after has 25 hours
DAY_MS = 86_400_000
GRACES_MS: dict[WindowKind, int] = {"1m": 120_000, "15m": 900_000, "1h": 3_600_000, "1d": 21_600_000}
NAMES = ("offered", "queued", "answered")
SERIES = ("total", "queue\x1fbilling")

RULES = MergeRules(
    shards=1,
    sources=SOURCES,
    followers=0,
    pane_ms=PANE_MS,
    time_zone="Europe/Berlin",
    graces_ms=tuple((kind, GRACES_MS[kind]) for kind in TUMBLING),
    refresh_ms=60_000,
    watch_cuts=frozenset({"total"}),
    contribution_cuts=frozenset(),
    kpi=KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands={}),
)


class Contact(NamedTuple):
    """A contribution of a source partition, when its watermark was `heard_ms`; closed: how many kinds it was too late for."""

    source: int
    heard_ms: int
    pane_ms: int
    closed: int
    series: str
    cell: dict[int, int]


Finals = dict[tuple[WindowKind, str, int], dict[str, int]]
seeds = st.integers(0, 2**32)


def contacts(random: Random, late: bool) -> list[Contact]:
    """Some hours to days of contacts in the order of their coming, dense or thin, with pauses; `late`: up to a day late."""
    found: list[Contact] = []
    heard_ms, mean_ms = START_MS, random.choice([4_000, 30_000, 300_000])
    for _ in range(random.randrange(250)):
        heard_ms += int(random.expovariate(1 / mean_ms)) if random.random() > 0.02 else random.randrange(DAY_MS)
        behind_ms = random.choice([60_000, 2_000_000, 10_000_000, DAY_MS]) if late and random.random() < 0.3 else 1
        time_ms = heard_ms - random.randrange(behind_ms)
        closed = sum(window_end(kind, window_start(kind, time_ms, ZONE), ZONE) + GRACES_MS[kind] <= heard_ms for kind in TUMBLING)
        cell = {code: random.choice([-1, 1, 2]) for code in range(3) if random.random() < 0.6}
        if cell and closed < len(TUMBLING):
            found.append(
                Contact(random.randrange(SOURCES), heard_ms, time_ms - time_ms % PANE_MS, closed, random.choice(SERIES), cell)
            )
    return found


def frames_of(random: Random, source: int, listed: list[Contact], end_ms: int | None) -> list[Frame]:
    """The frames of one source partition, of a few contacts each; with `end_ms`, a last one that moves the watermark there."""
    frames: list[Frame] = []
    changes: list[PaneChange] = []
    watermark_ms = None
    for contact in listed:
        if contact.source == source:
            changes.append(PaneChange(contact.pane_ms, contact.closed, contact.series, contact.cell))
            watermark_ms = contact.heard_ms
            if random.random() < 0.5:
                frames.append(make_frame(source, len(frames) + 1, watermark_ms, changes))
                changes = []
    frames.append(make_frame(source, len(frames) + 1, watermark_ms, changes))
    return frames if end_ms is None else [*frames, make_frame(source, len(frames) + 1, end_ms, [])]


def make_frame(source: int, number: int, watermark_ms: int | None, changes: list[PaneChange]) -> Frame:
    return Frame(source=source, number=number, watermark_ms=watermark_ms, idle=False, read_ms=1, sent_ms=1, changes=changes)


def interleave(random: Random, queues: list[list[Frame]]) -> list[Frame]:
    """One order of all frames that keeps the order within each source partition; one partition may run far ahead."""
    waiting = [list(queue) for queue in queues]
    found = []
    while any(waiting):
        source = random.choice([index for index, queue in enumerate(waiting) if queue])
        count = random.choice([1, 1, 20])
        found += waiting[source][:count]
        del waiting[source][:count]
    return found


def run(random: Random, frames: list[Frame], restarts: bool) -> tuple[list[MergeChanges], dict[bytes, bytes]]:
    """Drains at random moments, with restarts from the store after some of them; the last ones finish the work."""
    store: dict[bytes, bytes] = {}
    merge, drained, now_ms = Merge(0, store, RULES), [], START_MS
    drain_chance = random.choice([0.05, 0.5, 1.0])
    for frame in frames:
        merge.apply([frame])
        if random.random() < drain_chance:
            now_ms += 250
            drained.append(merge.drain(now_ms))
            if restarts and random.random() < 0.3:
                merge = Merge(0, store, RULES)
    # A week or a month closes in each drain, so a few are needed at the end.
    return [*drained, *(merge.drain(now_ms + 250 * k) for k in range(1, 8))], store


def without_zeros(measures: dict[str, int]) -> dict[str, int]:
    return {name: n for name, n in measures.items() if n}


def recount(listed: list[Contact]) -> Finals:
    """Sums per kind, series and window, straight from the contacts."""
    sums: dict[tuple[WindowKind, str, int], Counter[str]] = defaultdict(Counter)
    for contact in listed:
        for kind in (*TUMBLING[contact.closed :], *LONG):
            for code, n in contact.cell.items():
                sums[kind, contact.series, window_start(kind, contact.pane_ms, ZONE)][NAMES[code]] += n
    return {key: measures for key, total in sums.items() if (measures := without_zeros(total))}


def finals_of(drained: list[MergeChanges]) -> Finals:
    found: Finals = {}
    for series, trend in [record for changes in drained for record in changes.trends]:
        if trend.final:
            key = (trend.window.kind, series, trend.window.start_ms)
            assert key not in found, f"{key} was final twice"
            found[key] = trend.measures
    return {key: measures for key, measures in found.items() if measures}


@examples(150)
@given(seeds, st.booleans(), st.booleans())
def test_any_interleaving_drains_and_restarts_give_the_recount(seed: int, late: bool, restarts: bool) -> None:
    random = Random(seed)
    listed = contacts(random, late)
    end_ms = max([contact.heard_ms for contact in listed], default=START_MS) + 40 * DAY_MS
    queues = [frames_of(random, source, listed, end_ms) for source in range(SOURCES)]
    drained, store = run(random, interleave(random, queues), restarts)

    assert recount(listed) == finals_of(drained)
    assert Counter() == sum((Counter(changes.late) for changes in drained), Counter[WindowKind]())
    assert [key for key in store if key[:1] in b"pql"] == []


@examples(80)
@example(485, False)  # a partition that ran ahead brings what is too late by its own clock for all but the day
@given(seeds, st.booleans())
def test_live_windows_are_the_sums_of_their_panes(seed: int, restarts: bool) -> None:
    random = Random(seed)
    listed = contacts(random, late=True)
    queues = [frames_of(random, source, listed, None) for source in range(SOURCES)]
    drained, _ = run(random, interleave(random, queues), restarts)
    watermark_ms = [changes.clock.watermark_ms for changes in drained if changes.clock][-1]
    shown: dict[tuple[str, str], Trend] = {}
    for changes in drained:
        shown |= {(series, trend.window.kind): trend for series, trend in changes.trends}

    if watermark_ms is None:
        assert shown == {}
        return
    end_ms = watermark_ms - watermark_ms % PANE_MS + PANE_MS
    today_ms = window_start("1d", watermark_ms, ZONE)
    expected: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for contact in listed:
        for code, n in contact.cell.items():
            # What comes so late that only its day takes it means nothing in half an hour.
            if contact.closed < TUMBLING.index("1d") and end_ms - 1_800_000 <= contact.pane_ms < end_ms + 60_000:
                expected[contact.series, "30m"][NAMES[code]] += n
            if window_start("1d", contact.pane_ms, ZONE) == today_ms:
                expected[contact.series, "today"][NAMES[code]] += n
    sums = {key: without_zeros(total) for key, total in expected.items()}
    live = {key: trend.measures for key, trend in shown.items() if key[1] in ("30m", "today") and trend.measures}
    assert {key: measures for key, measures in sums.items() if measures} == live


@examples(60)
@given(seeds)
def test_longer_windows_are_the_sums_of_shorter_ones_when_nothing_is_late(seed: int) -> None:
    random = Random(seed)
    queues = [frames_of(random, source, contacts(random, late=False), START_MS + 60 * DAY_MS) for source in range(SOURCES)]
    drained, _ = run(random, interleave(random, queues), restarts=False)
    finals = finals_of(drained)

    pairs: list[tuple[WindowKind, WindowKind]] = [
        ("1m", "15m"),
        ("15m", "1h"),
        ("15m", "1d"),
        ("1h", "1d"),
        ("1d", "1w"),
        ("1d", "1mo"),
    ]
    for shorter, longer in pairs:
        sums: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        for (kind, series, start_ms), measures in finals.items():
            for name, n in measures.items():
                sums[series, window_start(longer, start_ms, ZONE)][name] += n if kind == shorter else 0
        expected = {(series, start_ms): measures for (kind, series, start_ms), measures in finals.items() if kind == longer}
        added = {key: without_zeros(total) for key, total in sums.items()}
        assert expected == {key: measures for key, measures in added.items() if measures}


@examples(60)
@given(seeds)
def test_minute_frames_hold_the_final_minutes_of_the_watched_cuts(seed: int) -> None:
    random = Random(seed)
    queues = [frames_of(random, source, contacts(random, late=True), START_MS + 60 * DAY_MS) for source in range(SOURCES)]
    drained, _ = run(random, interleave(random, queues), restarts=True)
    frames: list[MinuteFrame] = [changes.minutes for changes in drained if changes.minutes]
    rows = {
        ("1m", row.series, row.start_ms): {NAMES[code]: n for code, n in row.cell.items()}
        for frame in frames
        for row in frame.rows
    }

    assert list(range(1, len(frames) + 1)) == [frame.number for frame in frames]
    assert sorted({frame.closed_ms for frame in frames}) == [frame.closed_ms for frame in frames]
    assert all(row.start_ms + 60_000 <= frame.closed_ms for frame in frames for row in frame.rows)
    assert {key: n for key, n in finals_of(drained).items() if key[:2] == ("1m", "total")} == rows

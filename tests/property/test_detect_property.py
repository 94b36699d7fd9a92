"""Laws of detect: a restart, the cutting into frames and drains, and the order of shards change nothing that comes out."""

import msgspec
import numpy as np
from detect_rules import DETECT
from forecast_rules import FORECAST
from hypothesis import example, given
from hypothesis import strategies as st
from laws import examples
from msgspec.structs import replace

from streams.core.alert import Alert
from streams.core.detect import Detect
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import OFFERED
from streams.core.trend import Expectation

START_MS = 1_700_006_400_000
MINUTE_MS = 60_000
MINUTES = 130
SERIES = ("total", "queue\x1fbilling", "queue\x1fsales", "channel\x1fvoice")
RULES = replace(DETECT, forecast=FORECAST)


def counts_of(seed: int, factor: float) -> list[dict[str, int]]:
    """Two queues and a channel, with an incident in billing between minutes 60 and 90."""
    rng = np.random.default_rng(seed)
    found = []
    for minute in range(MINUTES):
        billing = int(rng.poisson(20 * (factor if 60 <= minute < 90 else 1)))
        sales, voice = int(rng.poisson(6)), int(rng.binomial(billing, 0.6))
        found.append(dict(zip(SERIES, (billing + sales, billing, sales, voice), strict=True)))
    return found


def frames_of(counts: list[dict[str, int]], cuts: list[int], shards: int) -> list[MinuteFrame]:
    """Frames of each shard over spans of minutes that end at `cuts`, shard after shard."""
    frames = []
    ends = sorted({*cuts, len(counts)})
    for shard in range(shards):
        begin = 0
        for number, end in enumerate(ends):
            rows = [
                MinuteRow(series, START_MS + minute * MINUTE_MS, {OFFERED: n})
                for minute in range(begin, end)
                for position, (series, n) in enumerate(counts[minute].items())
                if n and position % shards == shard
            ]
            closed_ms = START_MS + end * MINUTE_MS
            frames.append(MinuteFrame(shard=shard, shards=shards, number=number, closed_ms=closed_ms, rows=rows))
            begin = end
    return frames


def comes_out(frames: list[MinuteFrame], restarts: set[int]) -> tuple[list[tuple[str, Expectation]], list[Alert]]:
    """Everything handed over, with a drain after each frame and a restart from the store after some."""
    store: dict[bytes, bytes] = {}
    detect = Detect(store, RULES)
    expectations, alerts = [], []
    for number, frame in enumerate(frames):
        detect.apply([frame])
        changes = detect.drain(0)
        expectations += changes.expectations
        alerts += changes.alerts
        if number in restarts:
            detect = Detect(store, RULES)
    return expectations, alerts


@examples(12)
@given(
    seed=st.integers(0, 1000),
    factor=st.sampled_from([0.0, 0.3, 1.0, 3.0]),
    restarts=st.sets(st.integers(0, MINUTES - 1), max_size=6),
)
def test_a_restart_anywhere_changes_nothing(seed: int, factor: float, restarts: set[int]) -> None:
    frames = frames_of(counts_of(seed, factor), list(range(1, MINUTES)), 1)
    assert comes_out(frames, restarts) == comes_out(frames, set())


@examples(12)
@given(
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(1, MINUTES - 1), max_size=8),
    shards=st.integers(1, 3),
)
def test_cutting_into_frames_and_the_order_of_shards_change_nothing(seed: int, cuts: list[int], shards: int) -> None:
    counts = counts_of(seed, 3.0)
    frames = frames_of(counts, cuts, shards)
    shuffled = interleaved(frames, shards, np.random.default_rng(seed))
    assert comes_out(shuffled, set()) == comes_out(frames_of(counts, [], 1), set())


def interleaved(frames: list[MinuteFrame], shards: int, rng: np.random.Generator) -> list[MinuteFrame]:
    """The frames of all shards, each shard's in order."""
    lines = [[frame for frame in frames if frame.shard == shard] for shard in range(shards)]
    found = []
    while any(lines):
        line = lines[rng.integers(shards)]
        if line:
            found.append(line.pop(0))
    return found


@examples(10)
@given(seed=st.integers(0, 1000), factor=st.sampled_from([0.0, 3.0]))
@example(seed=440, factor=0.0)  # pending twice with one onset
def test_versions_of_an_alert_go_up_and_it_fires_once(seed: int, factor: float) -> None:
    _, alerts = comes_out(frames_of(counts_of(seed, factor), list(range(1, MINUTES)), 1), {65, 70, 95})
    for name in {alert.alert_id for alert in alerts}:
        own = [alert for alert in alerts if alert.alert_id == name]
        versions = [alert.version for alert in own]
        assert versions == sorted(set(versions))
        assert len({(alert.onset_ms, alert.kind) for alert in own if alert.state == "firing"}) <= 1
        assert msgspec.json.decode(msgspec.json.encode(own), type=list[Alert]) == own

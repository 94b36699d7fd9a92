"""What many source partitions cost: frames of so many through the real merge, encoded and decoded, on this machine.

The frames are intake's own: one source partition's share of the events goes through the real Intake, four flushes a second, and
its frames stand for every source partition, each under its own number. What merge does with them is timed in processor time,
because it varies less than the clock where other work runs beside.
"""

import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
from intake_fakes import RecordFake, make_rules

from bench.interactions import Found, Plan, make
from streams.core.frame import Frame, decode_frame, encode_frame
from streams.core.intake import Intake
from streams.core.kpi import KpiRules
from streams.core.live import encode
from streams.core.merge import Merge, MergeRules
from streams.core.trend import TUMBLING
from streams.engine.store import Store

EVENTS_PER_INTERACTION = 4.6  # of LIVES in interactions.py
FLUSH_MS = 250
HASTE = 5  # lives are so many times shorter than in LIVES, so that as many end as begin after a minute
BEFORE_SECONDS = 60
MEASURED_SECONDS = 15
GRACES_MS = (2, 15, 60, 360)  # minutes, as in config/default.toml
MINUTE_MS = 60_000


class Measured(NamedTuple):
    """One run. Times in seconds of processor time per flush of all sources; counts and bytes per flush of all sources."""

    sources: int
    shards: int
    events_per_second: float
    frames: float
    changes: float
    frame_bytes: float
    decode: float
    apply: float
    drain: float
    encode: float
    trends: float
    mebibytes: float
    apply_empty: float  # the same with frames that bring no change: what a frame costs by itself


def measure(sources: int, shards: int, events_per_second: float) -> Measured:
    """Run one shard of `shards` on the frames of `sources` that share this many events; in this process."""
    frames = list(_frames(events_per_second / sources, shards))
    before_mebibytes = _resident_mebibytes()
    merge = Merge(0, Store(), _rules(sources, shards))
    spent, counts = [0.0] * 4, [0] * 4
    for number, (now_ms, frame) in enumerate(frames, 1):
        encoded = [encode_frame(msgspec.structs.replace(frame, source=s, number=number)) for s in range(sources)]
        marks = [time.process_time()]
        decoded = [decode_frame(data) for data in encoded]
        marks.append(time.process_time())
        merge.apply(decoded)
        marks.append(time.process_time())
        changes = merge.drain(now_ms)
        marks.append(time.process_time())
        for _, trend in changes.trends:
            encode(trend)
        marks.append(time.process_time())
        spent = [total + b - a for total, a, b in zip(spent, marks, marks[1:], strict=False)]
        new = (sources, sources * len(frame.changes), sum(map(len, encoded)), len(changes.trends))
        counts = [total + n for total, n in zip(counts, new, strict=True)]
    mebibytes = _resident_mebibytes() - before_mebibytes
    flushes = len(frames)
    per_flush = [total / flushes for total in (*counts, *spent)]
    return Measured(
        sources=sources, shards=shards, events_per_second=events_per_second,
        frames=per_flush[0], changes=per_flush[1], frame_bytes=per_flush[2], trends=per_flush[3],
        decode=per_flush[4], apply=per_flush[5], drain=per_flush[6], encode=per_flush[7],
        mebibytes=mebibytes, apply_empty=_empty(sources, shards, frames[-1][1]),
    )  # fmt: skip


def _frames(events_per_second: float, shards: int) -> Iterator[tuple[int, Frame]]:
    """(wall clock, frame for shard 0) of each measured flush of one source partition, which is live."""
    rate = max(1, round(events_per_second / EVENTS_PER_INTERACTION))
    intake = Intake(0, {}, make_rules(shards=shards))
    plan = Plan(per_second=rate, haste=HASTE)
    ends_ms = plan.start_ms + (BEFORE_SECONDS + MEASURED_SECONDS) * 1000
    begins_ms = plan.start_ms + BEFORE_SECONDS * 1000
    made = make(round(rate * EVENTS_PER_INTERACTION * (BEFORE_SECONDS + 2 * MEASURED_SECONDS)), Found(), plan)
    for flush, events in groupby(made, lambda event: _time_ms(event.value) // FLUSH_MS):
        now_ms = (flush + 1) * FLUSH_MS
        if now_ms > ends_ms:
            return
        intake.apply([RecordFake(event.value) for event in events], now_ms)
        frames = intake.drain(now_ms, 1).frames
        if frames and now_ms > begins_ms:
            yield now_ms, frames[0]


def _time_ms(value: bytes) -> int:
    return int(value.split(b'"time":', 1)[1].split(b",", 1)[0])


def _rules(sources: int, shards: int) -> MergeRules:
    graces = tuple((kind, minutes * MINUTE_MS) for kind, minutes in zip(TUMBLING, GRACES_MS, strict=True))
    kpi = KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands={})
    watched = frozenset({"total", "channel", "queue"})
    return MergeRules(
        shards=shards, sources=sources, followers=0, pane_ms=10_000, time_zone="UTC", graces_ms=graces, refresh_ms=MINUTE_MS,
        watch_cuts=watched, contribution_cuts=frozenset(), kpi=kpi,
    )  # fmt: skip


def _empty(sources: int, shards: int, like: Frame) -> float:
    """Seconds to decode and apply a flush of frames without changes, and to drain after it."""
    merge = Merge(0, Store(), _rules(sources, shards))
    times = []
    for number in range(1, 21):
        bare = msgspec.structs.replace(like, changes=[], waiting=None, read_ms=None, number=number)
        encoded = [encode_frame(msgspec.structs.replace(bare, source=s)) for s in range(sources)]
        began = time.process_time()
        merge.apply([decode_frame(data) for data in encoded])
        merge.drain(like.sent_ms)
        times.append(time.process_time() - began)
    return sorted(times)[len(times) // 2]


def _resident_mebibytes() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024

"""A centre of three queues whose volumes are steady, for tests of handle time and abandonment. Minutes as merge hands them on.

Seven contacts a minute each, 8 or 10 % of whom give up, 6 or 4 minutes of handle time, whose logarithm has a deviation of 0.8.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from streams.core import measure as m
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import Cell, add

START_MS = 1_700_006_400_000  # a Wednesday, midnight UTC
MINUTE_MS = 60_000
SPREAD = 0.8


class Queue(NamedTuple):
    """Contacts a minute, share who give up, median handle time in minutes."""

    rate: float
    gives_up: float
    handle_minutes: float


USUAL = {"billing": Queue(7, 0.08, 6), "orders": Queue(7, 0.1, 4), "sales": Queue(7, 0.08, 6)}


def minute(queue: Queue, random: np.random.Generator) -> Cell:
    """What one queue has in a minute."""
    offered = int(random.poisson(queue.rate))
    left = int(random.binomial(offered, queue.gives_up))
    logs = np.log(60_000 * queue.handle_minutes) + SPREAD * random.normal(size=offered - left)
    cell: Cell = {m.OFFERED: offered, m.ANSWERED: offered - left, m.TALK_MS: round(float(np.exp(logs).sum()))}
    for log in logs:
        add(cell, {m.HANDLE_SKETCH + m.sketch_index(int(np.exp(log))): 1})
    counts = {code: n for code, n in cell.items() if code < m.HANDLE_SKETCH} | m.handle_logs(cell)
    return counts | ({m.ABANDONED: left} if left else {})


def frames(first: int, end: int, seed: int, queues: Mapping[str, Queue] = USUAL) -> Iterator[MinuteFrame]:
    """Minutes [first, end)."""
    random = np.random.default_rng(seed)
    for number in range(first, end):
        start_ms, total = START_MS + number * MINUTE_MS, dict[int, int]()
        rows = []
        for name, queue in queues.items():
            cell = minute(queue, random)
            rows.append(MinuteRow(f"queue\x1f{name}", start_ms, cell))
            add(total, cell)
        rows.append(MinuteRow("total", start_ms, total))
        yield MinuteFrame(shard=0, shards=1, number=number, closed_ms=start_ms + MINUTE_MS, rows=rows)

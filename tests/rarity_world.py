"""A centre of three queues for tests of waits and sentiment. Minutes as merge hands them on.

Seven contacts a minute each, all answered, after 20 s in the median (deviation of the logarithm 0.8); a score for each, 0.1 in
the mean with a deviation of 0.4.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from streams.core import measure as m
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import Cell, add

START_MS = 1_700_006_400_000  # a Wednesday, midnight UTC
MINUTE_MS = 60_000


class Queue(NamedTuple):
    """Contacts a minute, median wait in seconds, mean score."""

    rate: float = 7.0
    wait_seconds: float = 20.0
    score: float = 0.1


USUAL = {"billing": Queue(), "orders": Queue(), "sales": Queue()}


def minute(queue: Queue, random: np.random.Generator) -> Cell:
    """What one queue has in a minute."""
    n = int(random.poisson(queue.rate))
    waits = queue.wait_seconds * 1000 * np.exp(random.normal(0, 0.8, n))
    scores = np.clip(random.normal(queue.score, 0.4, n), -1, 1)
    if not n:
        return {}
    return {
        m.OFFERED: n,
        m.ANSWERED: n,
        m.WAIT_MS: round(float(waits.sum())),
        m.SENTIMENTS: n,
        m.SENTIMENT_MICRO: round(float(scores.sum() * 1e6)),
    }


def frames(first: int, end: int, seed: int, queues: Mapping[str, Queue] = USUAL) -> Iterator[MinuteFrame]:
    """Minutes [first, end)."""
    random = np.random.default_rng(seed)
    for number in range(first, end):
        start_ms, total = START_MS + number * MINUTE_MS, dict[int, int]()
        rows = []
        for name, queue in queues.items():
            cell = minute(queue, random)
            rows += [MinuteRow(f"queue\x1f{name}", start_ms, cell)] if cell else []
            add(total, cell)
        rows.append(MinuteRow("total", start_ms, total))
        yield MinuteFrame(shard=0, shards=1, number=number, closed_ms=start_ms + MINUTE_MS, rows=rows)

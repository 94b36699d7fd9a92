"""Records, rules and a recount for the tests of intake: what Kafka and the settings would give it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streams.core.frame import Frame
from streams.core.measure import NAMES, add
from streams.core.record import Headers
from streams.core.rules import IntakeRules

T0 = 1_760_000_040_000  # a full minute (2025-10-09 08:54 UTC)
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
READ_MS = T0 + 365 * 24 * HOUR  # the wall clock of a replay


class RecordFake(NamedTuple):
    """A record as a consumer gives it."""

    value_: bytes | None
    headers_: Headers | None = None
    offset_: int = 0
    key_: bytes | None = b"key"

    def value(self) -> bytes | None:
        return self.value_

    def key(self) -> bytes | None:
        return self.key_

    def headers(self) -> Headers | None:
        return self.headers_

    def offset(self) -> int:
        return self.offset_


_RULES: dict[str, Any] = {
    "shards": 2,
    "pane_ms": 10 * SECOND,
    "disorder_ms": 5 * SECOND,
    "idle_ms": 3 * SECOND,
    "live_ms": MINUTE,
    "linger_ms": HOUR,
    "open_ms": 24 * HOUR,
    "cuts": ("total", "channel", "queue", "issue", "channel+queue"),
    "cut_series_max": 5_000,
    "sources": frozenset(),
    "ahead_ms": 5 * MINUTE,
    "time_zone": "UTC",
    "graces_ms": (("1m", 2 * MINUTE), ("15m", 15 * MINUTE), ("1h", HOUR), ("1d", 6 * HOUR)),
    "target_ms": 20 * SECOND,
    "queue_target_ms": {},
    "short_abandon_ms": 5 * SECOND,
    "customer_key": b"test",
}


def make_rules(**changes: Any) -> IntakeRules:
    """The rules of config/default.toml, but for the changes."""
    return IntakeRules(**{**_RULES, **changes})


def event(kind: str, seconds: float, interaction: str = "i1", **fields: Any) -> RecordFake:
    """An event `seconds` after T0, with an id of its own unless one is given."""
    time_ms = T0 + round(seconds * SECOND)
    envelope = {"id": f"{interaction}/{kind}/{time_ms}", "source": "test", "type": kind, "time": time_ms}
    if kind != "heartbeat":
        envelope["interaction_id"] = interaction
    return RecordFake(json.dumps({**envelope, **fields}).encode())


Sums = dict[tuple[int, int, str], dict[int, int]]  # (pane, closed level, series) → cell


def sums(frames: Iterable[Frame]) -> Sums:
    """What frames add up to; cells that come to nothing are left out."""
    total: Sums = {}
    for frame in frames:
        for change in frame.changes:
            add(total.setdefault((change.pane_ms, change.closed, change.series), {}), change.cell)
    return {key: cell for key, cell in total.items() if cell}


def measures(frames: Iterable[Frame], series: str = "total") -> dict[str, int]:
    """Counts and sums of one series over all panes by name."""
    result: dict[str, int] = {}
    for (_, _, name), cell in sums(frames).items():
        if name == series:
            for code, n in named(cell).items():
                result[code] = result.get(code, 0) + n
    return {name: n for name, n in result.items() if n}


def named(cell: Mapping[int, int]) -> dict[str, int]:
    """A cell without its histograms, by name."""
    return {NAMES[code]: n for code, n in cell.items() if code in NAMES}

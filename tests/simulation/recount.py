"""What the final trends must come to, counted again from the input by other means; shares no code with `streams`.

Each partition's log is taken alone, in its order. A contact's contribution is one function of the set of its events seen so far;
an event counts as the difference that it makes, in each window that the partition's watermark hasn't closed.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulation.events import DISORDER_MS

MINUTE = 60_000
KINDS = {"1m": (1, 2), "15m": (15, 15), "1h": (60, 60), "1d": (1440, 360)}  # minutes of length and of grace; days in UTC
YEAR_2100_MS = 4_102_444_800_000

Window = tuple[str, str, int]  # kind, queue or "" for all, start


@dataclass
class Recount:
    """Sums by window, and what became of each record."""

    sums: dict[Window, Counter[str]] = field(default_factory=dict)
    fate: Counter[str] = field(default_factory=Counter)
    partly_late: int = 0


def recount(logs: Iterable[list[bytes]]) -> Recount:
    """Count all partitions."""
    result = Recount()
    for log in logs:
        _count_log(result, log)
    result.sums = {window: +sums for window, sums in result.sums.items() if any(sums.values())}
    return result


def _count_log(result: Recount, log: list[bytes]) -> None:
    watermark_ms = -1
    contacts: dict[str, dict[str, tuple[int, str]]] = {}
    for value in log:
        event = _parse(value)
        if event is None:
            result.fate["rejected"] += 1
            continue
        time_ms, kind = event["time"], event["type"]
        if kind == "heartbeat":
            result.fate["accepted"] += 1
            watermark_ms = max(watermark_ms, time_ms)
            continue
        seen = contacts.get(event["interaction_id"], {})
        if kind in seen:
            result.fate["duplicate"] += 1
            continue
        open_kinds = [window for window in KINDS if _closes_ms(window, time_ms) > watermark_ms]
        result.partly_late += 0 < len(open_kinds) < len(KINDS)
        if not open_kinds:
            result.fate["too_late"] += 1
            continue
        result.fate["accepted"] += 1
        before = _contribution(seen)
        seen = contacts[event["interaction_id"]] = {**seen, kind: (time_ms, event["queue"])}
        _add(result, _contribution(seen), before, watermark_ms)
        watermark_ms = max(watermark_ms, time_ms - DISORDER_MS)


def _parse(value: bytes) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(value)
    except ValueError:
        return None
    wrong = event["time"] >= YEAR_2100_MS or (event["type"] != "heartbeat" and "interaction_id" not in event)
    return None if wrong else event


def _add(result: Recount, after: Counter[tuple[int, str, str]], before: Counter[tuple[int, str, str]], watermark_ms: int) -> None:
    for time_ms, queue, measure in after | before:
        change = after[time_ms, queue, measure] - before[time_ms, queue, measure]
        for kind in KINDS:
            if change and _closes_ms(kind, time_ms) > watermark_ms:
                for series in ("", queue):
                    key = (kind, series, _start_ms(kind, time_ms))
                    result.sums.setdefault(key, Counter())[measure] += change


def _contribution(seen: dict[str, tuple[int, str]]) -> Counter[tuple[int, str, str]]:
    """(moment, queue, measure) → amount. A contact has one queue, and at most one event of each kind."""
    found: Counter[tuple[int, str, str]] = Counter()
    times = {kind: time_ms for kind, (time_ms, _queue) in seen.items()}
    queue = next((queue for _time, queue in seen.values()), "")
    answered, queued = times.get("answered"), times.get("queued")
    for kind in ("offered", "queued"):
        if kind in times:
            found[times[kind], queue, kind] += 1
    if answered is not None:
        found[answered, queue, "answered"] += 1
        if queued is None:  # counted as a wait of no length
            found[answered, queue, "queued"] += 1
        else:
            found[answered, queue, "wait_ms"] += answered - queued
    if "abandoned" in times:
        if queued is None:
            found[times["abandoned"], queue, "left_before_queue"] += 1
        else:
            found[times["abandoned"], queue, "abandoned"] += 1
            found[times["abandoned"], queue, "abandon_wait_ms"] += times["abandoned"] - queued
    if "completed" in times and answered is not None:
        found[times["completed"], queue, "handled"] += 1
        found[times["completed"], queue, "talk_ms"] += times["completed"] - answered
    return found


def _start_ms(kind: str, time_ms: int) -> int:
    length_ms = KINDS[kind][0] * MINUTE
    return time_ms - time_ms % length_ms


def _closes_ms(kind: str, time_ms: int) -> int:
    length, grace = KINDS[kind]
    return _start_ms(kind, time_ms) + (length + grace) * MINUTE

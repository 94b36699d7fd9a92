"""A CSV file of counts: first column the time a slot begins (local where it has no offset), then a column of counts per series.

One column of counts is the total; with several each is a queue of that name, and the total is their sum.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from streams.core.errors import StreamsError
from streams.core.series import TOTAL, series_of

_MINUTE_MS = 60_000
_HOUR_MINUTES = 60


class Counts(msgspec.Struct, frozen=True):
    """Rows in order of time, (start in ms, contacts by series), and how many minutes a slot has."""

    slot_minutes: int
    rows: list[tuple[int, dict[str, int]]]


def read_counts(path: Path, zone: ZoneInfo) -> Counts:
    """All rows of a file; StreamsError names the line that isn't one."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            names = [TOTAL] if len(header) == 2 else [series_of("queue", name.strip()) for name in header[1:]]
            rows = sorted(_rows(path, lines, names, zone), key=lambda row: row[0])
    except (OSError, UnicodeDecodeError) as error:
        raise StreamsError(f"{path} can't be read: {error}") from error
    if len(rows) < 2:
        raise StreamsError(f"{path} has no two rows: expected a header, then a time and counts in each line")
    step = min(later[0] - earlier[0] for earlier, later in pairwise(rows)) // _MINUTE_MS
    if step < 1 or _HOUR_MINUTES % step:
        raise StreamsError(f"{path}: rows are {step} minutes apart, expected a divisor of an hour, and no time twice")
    return Counts(step, rows)


def _rows(path: Path, lines: Iterator[list[str]], names: list[str], zone: ZoneInfo) -> Iterator[tuple[int, dict[str, int]]]:
    for number, line in enumerate(lines, 2):
        try:
            moment = datetime.fromisoformat(line[0])
            counts = {name: round(float(text or 0)) for name, text in zip(names, line[1:], strict=True)}
        except (ValueError, IndexError) as error:
            raise StreamsError(f"{path}:{number}: {error}; expected a time and {len(names)} counts") from error
        counts[TOTAL] = sum(counts.values())
        local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        yield round(local.timestamp() * 1000), counts

"""What every file source gives for one row: canonical events, or a rejection, and the names of the rules that it needed.

A canonical event here is the JSON of domain.md before it is encoded: `time` in epoch milliseconds, durations in `*_seconds`.
The surprise: a row without events is no error. A source may have a rule to ignore it, and the rule is counted.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from streams.core.event import Reason, Rejection

CanonicalEvent: TypeAlias = dict[str, str | int | float | bool]


class Row(NamedTuple):
    """The events of one row in the order of a contact's life, and the rules for dirty rows that were applied."""

    events: list[CanonicalEvent]
    rules: tuple[str, ...] = ()


class Feed(NamedTuple):
    """A whole file: its events in time order, and what became of its rows."""

    events: list[CanonicalEvent]
    rows: int
    rules: Counter[str]
    rejected: Counter[Reason]
    first_rejection: str  # 'line 7: vru_entry: expected h:mm:ss', '' without one


def time_of(event: CanonicalEvent) -> int:
    """The time of a canonical event, ms since the epoch; sources set it as an int."""
    time_ms = event["time"]
    assert isinstance(time_ms, int), "a source sets time in epoch milliseconds"
    return time_ms


def collect(rows: Iterable[tuple[int, Row | Rejection]]) -> Feed:
    """Gather numbered rows into one feed, sorted by event time; at equal times the order of the rows is kept."""
    events: list[CanonicalEvent] = []
    rules: Counter[str] = Counter()
    rejected: Counter[Reason] = Counter()
    count, first_rejection = 0, ""
    for line, row in rows:
        count += 1
        if isinstance(row, Rejection):
            rejected[row.reason] += 1
            first_rejection = first_rejection or f"line {line}: {row.detail}"
        else:
            events.extend(row.events)
            rules.update(row.rules)
    return Feed(sorted(events, key=time_of), count, rules, rejected, first_rejection)

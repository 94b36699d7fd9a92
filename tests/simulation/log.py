"""A partition of a topic: records, transactions and their markers, and the compaction that removes what is superseded.

The surprise: markers take offsets, and so do aborted records. A reader of committed records sees no further than the first record
of an open transaction (the last stable offset), and finds gaps.
"""

from bisect import bisect_left
from operator import attrgetter
from typing import Literal, NamedTuple

Headers = list[tuple[str, bytes]]
_OFFSET = attrgetter("offset")


class Span:
    """The records of one transaction in one partition."""

    __slots__ = ("first", "state")

    def __init__(self, first: int) -> None:
        self.first = first
        self.state: Literal["open", "committed", "aborted"] = "open"


class Record(NamedTuple):
    """A record, or a transaction's marker (`marker`)."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    span: Span | None
    marker: bool = False


class Log:
    """One partition."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.end = 0
        self.open: dict[int, Span] = {}  # by producer
        self.epochs: dict[int, int] = {}  # of producers, as far as this partition has heard
        self.compactions = 0

    def append(self, key: bytes | None, value: bytes | None, headers: Headers, producer: int | None = None) -> None:
        """A record, of the producer's open transaction or of none."""
        span = None
        if producer is not None:
            span = self.open.get(producer)
            if span is None:
                span = self.open[producer] = Span(self.end)
        self.records.append(Record(self.end, key, value, headers, span))
        self.end += 1

    def mark(self, producer: int, epoch: int, *, committed: bool) -> None:
        """A transaction ends here."""
        self.epochs[producer] = epoch
        span = self.open.pop(producer, None)
        if span is not None:
            span.state = "committed" if committed else "aborted"
        self.records.append(Record(self.end, None, None, [], None, marker=True))
        self.end += 1

    def stable(self) -> int:
        """The last stable offset."""
        return min((span.first for span in self.open.values()), default=self.end)

    def read(self, position: int, count: int, *, committed: bool) -> tuple[list[Record], int]:
        """Up to so many records from a position on, and the position after them."""
        end = self.stable() if committed else self.end
        found: list[Record] = []
        for record in self.records[bisect_left(self.records, position, key=_OFFSET) :]:
            if record.offset >= end:
                break
            if len(found) == count:
                return found, record.offset
            if not record.marker and (not committed or record.span is None or record.span.state == "committed"):
                found.append(record)
        return found, max(position, end)

    def committed(self) -> list[Record]:
        """All committed records."""
        return self.read(0, self.end, committed=True)[0]

    def compact(self, below: int) -> int:
        """Remove below an offset what is aborted, marks, or is superseded there; how many records went.

        Nothing from the last stable offset on is touched, and tombstones stay, as Kafka keeps them for a day.
        """
        below = min(below, self.stable())
        head = bisect_left(self.records, below, key=_OFFSET)
        kept: dict[bytes | None, Record] = {}
        for record in self.records[:head]:
            if not record.marker and (record.span is None or record.span.state == "committed"):
                kept[record.key] = record
        before = len(self.records)
        self.records = [*sorted(kept.values(), key=_OFFSET), *self.records[head:]]
        self.compactions += 1
        return before - len(self.records)

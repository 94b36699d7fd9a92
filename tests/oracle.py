"""A recount of the bank's February file with csv and datetime only: what the pipeline must come to, by other means.

It shares no code with `streams`. It works in local wall time throughout (Asia/Jerusalem has no clock change in February), and
keeps to the rules in streams/sources/README.md: PHANTOM rows are left out; a call is offered at the earlier of menu entry and
exit; it enters the queue at `q_start`, else at `vru_exit`; it leaves it `q_time` later; talk takes `ser_time`. Each figure counts
on the local day of its own moment: offered, answered, abandoned at theirs, handle time at the end of the talk.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "anonymous_bank_feb1999" / "data_anonymous_bank_february.txt"
TIME_ZONE = "Asia/Jerusalem"


@dataclass
class Count:
    """What happened on one day in one queue; sums in ms."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    left_before_queue: int = 0
    wait_ms: int = 0
    abandon_wait_ms: int = 0
    handled: int = 0
    handle_ms: int = 0

    def plus(self, other: "Count") -> "Count":
        """The sum of two counts."""
        return Count(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def recount(path: Path = DATA) -> dict[tuple[date, str], Count]:
    """(local day, type) → what happened."""
    counts: dict[tuple[date, str], Count] = defaultdict(Count)
    with path.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["outcome"] != "PHANTOM":
                _count_call(counts, row)
    return dict(counts)


def total(counts: dict[tuple[date, str], Count]) -> Count:
    """All days and types in one."""
    result = Count()
    for count in counts.values():
        result = result.plus(count)
    return result


def _count_call(counts: dict[tuple[date, str], Count], row: dict[str, str]) -> None:
    entry, leaves_menu = _stamp(row, "vru_entry"), _stamp(row, "vru_exit")
    wait, talk = timedelta(seconds=int(row["q_time"])), timedelta(seconds=int(row["ser_time"]))
    counts[min(entry, leaves_menu).date(), row["type"]].offered += 1
    in_queue = row["q_time"] != "0" or row["q_start"] != "0:00:00"
    enters = _stamp(row, "q_start") if in_queue else leaves_menu
    if enters < leaves_menu:  # q_start is never before vru_exit in this file, except past midnight
        enters += timedelta(days=1)
    leaves = counts[(enters + wait).date(), row["type"]]
    if row["outcome"] == "AGENT":
        leaves.answered += 1
        leaves.wait_ms += wait // timedelta(milliseconds=1)
        ends = counts[(enters + wait + talk).date(), row["type"]]
        ends.handled += 1
        ends.handle_ms += talk // timedelta(milliseconds=1)
    elif in_queue:
        leaves.abandoned += 1
        leaves.abandon_wait_ms += wait // timedelta(milliseconds=1)
    else:
        leaves.left_before_queue += 1


def _stamp(row: dict[str, str], name: str) -> datetime:
    return datetime.strptime(f"{row['date']} {row[name]}", "%y%m%d %H:%M:%S")

"""The result of the fault tests: a table of faults and invariants, with the seconds of recovery."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6", "I7")


class Row(NamedTuple):
    """One fault. `verdicts`: "" where an invariant held, else what was found; an invariant that isn't in it wasn't looked at."""

    fault: str
    worker: str
    in_flight: int
    recovered_seconds: float
    limit_seconds: float
    starts: int
    verdicts: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """The rows so far."""

    rows: list[Row]

    def add(self, row: Row) -> None:
        """Note a fault's result."""
        self.rows.append(row)

    def markdown(self) -> str:
        """The table; ✓ held, ✗ did not, – not looked at."""
        head = ["fault", "worker", "in flight", "recovered s", "limit s", "new starts", *INVARIANTS]
        lines = [head, ["---"] * len(head), *map(_cells, self.rows)]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row: Row) -> list[str]:
    marks = ["–" if name not in row.verdicts else "✗" if row.verdicts[name] else "✓" for name in INVARIANTS]
    figures = [f"{row.in_flight:,}", f"{row.recovered_seconds:.1f}", f"{row.limit_seconds:.0f}", str(row.starts)]
    return [row.fault, row.worker, *figures, *marks]

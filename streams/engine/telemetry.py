"""What the engine reports, and what it answers when asked how it is.

`edge` implements the reports with metrics and log lines; calls come from the event loop only. The surprise: what changes too
often to be reported each time is asked for instead, when somebody looks.
"""

from typing import NamedTuple, Protocol


class Vitals(NamedTuple):
    """A stage or tail at this moment; the last three since its start."""

    batches_under_way: int  # read, but not yet taken by an agent
    state_bytes: int  # keys and values of its tables on this worker
    held_seconds: float  # how long backpressure kept it from reading
    transactions_aborted: int


class EngineTelemetry(Protocol):
    """One method per fact."""

    def consumed(self, topic: str, n: int) -> None:
        """So many records were handed to the agent that applies them."""

    def flushed(self, stage: str, seconds: float) -> None:
        """A flush took so long."""

    def recovered(self, stage: str, partition: int, seconds: float, entries: int) -> None:
        """A partition was opened with so many entries in its table."""

    def lag(self, topic: str, partition: int, records: int) -> None:
        """So many records are not yet applied; -1 while unknown."""

    def entries(self, stage: str, n: int) -> None:
        """The stage's tables on this worker hold so many entries."""

    def assigned(self, stage: str, partitions: int) -> None:
        """The stage owns so many partitions on this worker."""

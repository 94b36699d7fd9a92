"""Deliberate defects, for the tests of the test: each is one mistake that an engine like this might make."""

from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import TopicPartition
from simulation.broker import Strictness
from simulation.run import Defect
from simulation.stages import SimulatedStage

from streams.engine.batch import Batch
from streams.engine.producer import Work, Writer
from streams.engine.stamp import STAMP_KEY
from streams.engine.table import Table
from streams.pipeline import Applying

Parts = Callable[[Work, str], list[Work]]  # the flush and the changelog's name


class Torn:
    """A writer that makes several transactions of one."""

    def __init__(self, whole: Writer, changelog: str, parts: Parts) -> None:
        self.aborted = 0
        self._whole = whole
        self._changelog = changelog
        self._parts = parts

    def open(self, timeout_seconds: float) -> None:
        """As the whole."""
        self._whole.open(timeout_seconds)

    def write(self, work: Work, metadata: Callable[[], object]) -> None:
        """One part after the other."""
        for part in self._parts(work, self._changelog):
            self._whole.write(part, metadata)


def torn(parts: Parts) -> Defect:
    """Flushes in parts."""

    def change(stage: SimulatedStage) -> None:
        stage.writer = Torn(stage.writer, stage.table.changelog, parts)

    return Defect(change)


def _offsets_first(work: Work, _changelog: str) -> list[Work]:
    return [Work([], work.offsets), Work(work.records, [])]


def _stamps_later(work: Work, _changelog: str) -> list[Work]:
    others = [record for record in work.records if record.key != STAMP_KEY]
    return [Work(others, work.offsets), Work([record for record in work.records if record.key == STAMP_KEY], [])]


def _outputs_first(work: Work, changelog: str) -> list[Work]:
    outputs = [record for record in work.records if record.topic != changelog]
    return [Work(outputs, []), Work([record for record in work.records if record.topic == changelog], work.offsets)]


def _without_numbers(work: Work, _changelog: str) -> list[Work]:
    return [Work(work.records, [TopicPartition(offset.topic, offset.partition, offset.offset) for offset in work.offsets])]


def _credulous(table: Table[Applying], batch: Batch) -> Applying | None:
    """Takes every batch of a partition that is open, wherever it begins and whenever it was read."""
    opened = table.opened.get(batch.partition)
    if opened is None:
        return None
    opened.position = batch.next
    return opened.keeper


def _trust(stage: SimulatedStage) -> None:
    stage.accept = _credulous


# A number tells two flushes at one position apart while the offsets of the second can be seen and its records can't. Where both
# come at once 1 of 100 seeds meets that; where the logs are so late 12 of 18 do, and merge misses a frame's number.
LATE_LOGS = Strictness(late_ms=300)


class Planted(NamedTuple):
    """A defect, and seeds of which at least one finds it."""

    defect: Defect
    seeds: range


DEFECTS = {
    "offsets are committed before the state": Planted(torn(_offsets_first), range(5)),
    "the stamp is not in the transaction of its state": Planted(torn(_stamps_later), range(5)),
    "outputs are not in the transaction of their state": Planted(torn(_outputs_first), range(5)),
    "the flush's number is not committed": Planted(Defect(torn(_without_numbers).change, LATE_LOGS), range(5)),
    "the generation is not checked": Planted(Defect(strictness=Strictness(generations=False)), range(30)),
    "no earlier life is fenced": Planted(Defect(strictness=Strictness(generations=False, epochs=False)), range(30)),
    "batches are taken wherever they begin": Planted(Defect(_trust), range(60)),
    "recovery reads what was not committed": Planted(Defect(reads_uncommitted=True), range(10)),
}

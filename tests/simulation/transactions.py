"""The broker's side of transactions: ids with their epochs, decisions, markers, time-outs.

A decision to commit or to abort is one step; the markers that carry it to each partition and to the group's offsets come later,
one by one and in any order. Until the last is written the id can't begin anew.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException

Place = tuple[str, int]
Target = Place | str  # a partition, or a group's offsets


class Refusal(NamedTuple):
    """How a client has to take an error."""

    fatal: bool = False
    retriable: bool = False
    abort: bool = False


FATAL = Refusal(fatal=True)
RETRIABLE = Refusal(retriable=True)
ABORT = Refusal(abort=True)


def refused(code: int, reason: str, how: Refusal) -> KafkaException:
    """librdkafka's exception."""
    return KafkaException(KafkaError(code, reason, how.fatal, how.retriable, how.abort))


class Transaction:
    """One transactional id."""

    def __init__(self, producer: int, timeout_ms: int) -> None:
        self.producer = producer
        self.epoch = 0
        self.timeout_ms = timeout_ms
        self.state: Literal["none", "open", "committing", "aborting"] = "none"
        self.began_ms = 0
        self.decided_ms = 0
        self.targets: list[Target] = []
        self.records = 0
        self.note: object = None  # whatever the test wants to know when it is committed


class Coordinator:
    """All transactional ids. `mark` writes a decision to a target; to a log so many `late_ms` after it was taken."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        mark: Callable[[Target, Transaction, bool], None],
        *,
        fencing: bool = True,
        late_ms: int = 0,
    ) -> None:
        self._now_ms = now_ms
        self._mark = mark
        self._fencing = fencing
        self._late_ms = late_ms
        self.ids: dict[str, Transaction] = {}
        self.deciding: list[Transaction] = []
        self.open: dict[int, Transaction] = {}
        self.committed: list[object] = []  # notes
        self.aborted_with_records = 0
        self.timed_out = 0
        self.fenced = 0

    def begin_id(self, name: str, timeout_ms: int) -> tuple[Transaction, int] | None:
        """InitProducerId: the id with its new epoch. None while what was open is still being aborted: ask again."""
        transaction = self.ids.get(name)
        if transaction is None:
            transaction = self.ids[name] = Transaction(len(self.ids), timeout_ms)
            return transaction, transaction.epoch
        if transaction.state == "open":
            transaction.epoch += 1  # whoever opened it is fenced from now on
            self._decide(transaction, "aborting")
        if transaction.state != "none":
            return None
        transaction.epoch += 1
        return transaction, transaction.epoch

    def add(self, transaction: Transaction, epoch: int, target: Target, note: object) -> bool:
        """AddPartitionsToTxn; False while the last transaction's markers are on their way: ask again."""
        self.check(transaction, epoch)
        if transaction.state in ("committing", "aborting"):
            return False
        if transaction.state == "none":
            transaction.state, transaction.began_ms, transaction.note = "open", self._now_ms(), note
            transaction.targets, transaction.records = [], 0
            self.open[transaction.producer] = transaction
        if target not in transaction.targets:
            transaction.targets.append(target)
        return True

    def end(self, transaction: Transaction, epoch: int, *, commit: bool) -> None:
        """EndTxn: decided when this returns. Repeating it is fine."""
        self.check(transaction, epoch)
        if transaction.state == "open":
            self._decide(transaction, "committing" if commit else "aborting")

    def check(self, transaction: Transaction, epoch: int) -> None:
        """Refuse a producer whose epoch is over."""
        if epoch < transaction.epoch and self._fencing:
            self.fenced += 1
            raise refused(KafkaError._FENCED, "a producer of this id with a newer epoch is at work", FATAL)

    def write_marker(self, choose: Callable[[int], int]) -> None:
        """One marker of one decision reaches its target."""
        ready = [transaction for transaction in self.deciding if self._targets(transaction)]
        transaction = ready[choose(len(ready))]
        targets = self._targets(transaction)
        target = targets[choose(len(targets))]
        transaction.targets.remove(target)
        self._mark(target, transaction, transaction.state == "committing")
        if not transaction.targets:
            transaction.state = "none"
            self.deciding.remove(transaction)

    def has_marker(self) -> bool:
        """Whether one can be written."""
        return any(map(self._targets, self.deciding))

    def _targets(self, transaction: Transaction) -> list[Target]:
        """What a decision can reach by now."""
        if self._now_ms() >= transaction.decided_ms + self._late_ms:
            return transaction.targets
        return [target for target in transaction.targets if isinstance(target, str)]

    def time_out(self) -> None:
        """Abort what has been open for too long, and fence whoever opened it."""
        for transaction in list(self.open.values()):
            if self._now_ms() - transaction.began_ms > transaction.timeout_ms:
                transaction.epoch += 1
                self.timed_out += 1
                self._decide(transaction, "aborting")

    def _decide(self, transaction: Transaction, state: Literal["committing", "aborting"]) -> None:
        transaction.state, transaction.decided_ms = state, self._now_ms()
        del self.open[transaction.producer]
        self.deciding.append(transaction)
        if state == "committing":
            self.committed.append(transaction.note)
        elif transaction.records:
            self.aborted_with_records += 1

"""Make a flush durable: outputs, changed keys, stamps; with transactions the offsets, too.

Two ways. `Transactions` writes all or nothing, and the broker refuses it all from a worker that no longer is in the group.
`Plain` is for a broker without transactions: stamps after the state, one worker only; the offsets follow later.

The surprise: a transaction that had to be aborted is written again, with the same content. This is safe only because the stage
holds its lock meanwhile, so that no partition can come or go between the attempts.
"""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep
from typing import NamedTuple, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from streams.engine.batch import Output
from streams.engine.errors import EngineError, Fenced, KafkaFailed, Stuck, engine_error, error_of, explain
from streams.engine.options import Settings, writer_settings
from streams.engine.outage import Outage
from streams.engine.stamp import Stamp

FLUSH_SECONDS_MAX = 60.0  # a broker restart takes up to half a minute; after this others should try
MEMBERSHIP_ATTEMPTS = 5  # the generation is old for some milliseconds in every rebalance, for ever in a zombie
PAUSE_SECONDS = 0.2
MEMBERSHIP = (KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.REBALANCE_IN_PROGRESS)
# FENCED_INSTANCE_ID: the group knows another member of our name. It asks to be tried again, as the others, and for ever in vain.
OUT_OF_GROUP = (*MEMBERSHIP, KafkaError.FENCED_INSTANCE_ID)


class Work(NamedTuple):
    """One flush: records in the order in which they are written, the source's positions that they include, and the stamps."""

    records: Sequence[Output]
    offsets: list[TopicPartition]
    stamps: Mapping[int, Stamp] = {}


class Writer(Protocol):
    """Either way of writing. All calls block. `aborted`: transactions given up so far, whether written again or not."""

    aborted: int

    def open(self, timeout_seconds: float) -> None:
        """Get ready; whatever an earlier run under this name left open is aborted."""

    def write(self, work: Work, metadata: Callable[[], object]) -> None:
        """Durable when this returns. Raises EngineError: then nothing is known, and the worker must begin anew or stop."""


class Transactions:
    """One transaction per flush; the offsets carry the consumer's generation (KIP-447)."""

    def __init__(self, client: Settings, transactional_id: str, timeout_seconds: float, outage: Outage) -> None:
        self._id = transactional_id
        self._outage = outage
        self._settings: Settings = {
            **writer_settings(client),
            "transactional.id": transactional_id,
            "transaction.timeout.ms": round(timeout_seconds * 1000),
            "delivery.report.only.error": True,  # a call per record would cost as much as the record
            "error_cb": outage.reported,
        }
        self._producer: Producer | None = None
        self.aborted = 0
        self._undelivered = ""  # the first record of the current attempt that wasn't written, and why

    def open(self, timeout_seconds: float) -> None:
        """Fence and abort what an earlier run left open."""
        self._producer = Producer(self._settings)
        try:
            _until(lambda seconds: self._ready.init_transactions(seconds), monotonic() + timeout_seconds)
        except KafkaException as error:
            raise engine_error(f"can't begin transactions as {self._id}: {explain(error)}", error_of(error)) from error

    @property
    def _ready(self) -> Producer:
        assert self._producer is not None, "open() comes first"
        return self._producer

    def write(self, work: Work, metadata: Callable[[], object]) -> None:
        """Write until committed; refuse after a while, at once where another attempt can't help."""
        deadline = monotonic() + FLUSH_SECONDS_MAX
        refusals = 0
        while True:
            try:
                self._attempt(work, metadata(), deadline)
            except KafkaException as error:
                inner = error_of(error)
                refusals += inner.code() in OUT_OF_GROUP
                if inner.txn_requires_abort():  # also before giving up: left open, it would hold up whoever reads its topics
                    self._abort(deadline)
                if not inner.txn_requires_abort() or refusals >= MEMBERSHIP_ATTEMPTS or monotonic() > deadline:
                    raise self._refused(error) from error
                sleep(PAUSE_SECONDS)
            else:
                self._outage.over()
                return

    def _attempt(self, work: Work, metadata: object, deadline: float) -> None:
        producer = self._ready
        self._undelivered = ""
        producer.begin_transaction()
        for record in work.records:
            send(producer, record, self._delivered)
        _until(lambda seconds: producer.send_offsets_to_transaction(work.offsets, metadata, seconds), deadline)
        _until(lambda seconds: producer.commit_transaction(seconds), deadline)

    def _abort(self, deadline: float) -> None:
        self.aborted += 1
        try:
            _until(lambda seconds: self._ready.abort_transaction(seconds), deadline)
        except KafkaException as error:
            raise self._refused(error) from error

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and not self._undelivered:
            self._undelivered = f"{message.topic()}/{message.partition()}: {error.str()}; "

    def _refused(self, error: KafkaException) -> EngineError:
        inner = error_of(error)
        if inner.code() in MEMBERSHIP:
            return KafkaFailed(f"{self._id}: this worker was silent too long and is out of its group; nothing was written")
        refused = engine_error(f"{self._id}: the flush was not written: {self._undelivered}{explain(error)}", inner)
        if isinstance(refused, Fenced):
            return Fenced(
                f"{self._id}: another worker of the same name is running, or a transaction took longer than "
                f"[kafka] transaction_timeout_seconds; nothing was written ({self._undelivered}{explain(error)})"
            )
        if isinstance(refused, KafkaFailed) and (inner.retriable() or inner.txn_requires_abort()):
            return Stuck(f"{refused}; tried for {FLUSH_SECONDS_MAX:.0f} s")
        return refused


class Plain:
    """Records only. A crash in between repeats outputs; the stamp says where to go on, the source commits offsets later."""

    def __init__(self, client: Settings, outage: Outage) -> None:
        self._settings: Settings = {
            **writer_settings(client),
            "max.in.flight.requests.per.connection": 1,  # keeps the order of retries, which idempotence would do elsewhere
            "message.timeout.ms": round(FLUSH_SECONDS_MAX * 1000),
            "error_cb": outage.reported,
        }
        self._outage = outage
        self._producer: Producer | None = None
        self._failure: KafkaError | None = None
        self.aborted = 0  # never any

    def open(self, timeout_seconds: float) -> None:  # noqa: ARG002  # the protocol's; there is nothing to wait for
        """Connects by itself."""
        self._producer = Producer(self._settings)

    def write(self, work: Work, metadata: Callable[[], object]) -> None:  # noqa: ARG002  # the protocol's
        """Send and wait for all."""
        assert self._producer is not None, "open() comes first"
        for record in work.records:
            send(self._producer, record, self._delivered)
        left = self._producer.flush(FLUSH_SECONDS_MAX)
        if left or self._failure is not None:
            raise KafkaFailed(f"{left} records were not written: {self._failure.str() if self._failure else 'timed out'}")
        self._outage.over()

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        self._failure = error or self._failure


def send(producer: Producer, record: Output, delivered: Callable[[KafkaError | None, Message], None] | None = None) -> None:
    """Hand a record to librdkafka; waits where its queue is full."""
    while True:
        try:
            headers: list[tuple[str, str | bytes | None]] = [*record.headers] if record.headers else []
            producer.produce(record.topic, record.value, record.key, record.partition, headers=headers, on_delivery=delivered)
        except BufferError:
            producer.poll(0.05)
        else:
            return


def _until(call: Callable[[float], None], deadline: float) -> None:
    """Repeat a call that may be repeated until it works or the deadline passes."""
    while True:
        try:
            return call(max(1.0, min(10.0, deadline - monotonic())))
        except KafkaException as error:
            if not error_of(error).retriable() or monotonic() > deadline:
                raise
            sleep(PAUSE_SECONDS)

"""Warm replicas: a worker follows the changelogs of the partitions that others own, so that it takes one over by its tail.

What is followed are committed records, nothing else, and a takeover goes the same way as any opening: it reads on to the end,
and the stamp must equal the committed offset. The surprise: a partition that leaves is followed from what the inner stores have
of it, on disk from where it stood, in memory from the beginning. What was not flushed here must not stay in the copy.
"""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from time import sleep

from streams.engine.changelog import Reader, Recovered
from streams.engine.errors import EngineError, kafka_errors
from streams.engine.options import Settings
from streams.engine.stamp import Stamp
from streams.engine.stores import Stores

LOG = logging.getLogger(__name__)

READ_SECONDS = 0.1  # a takeover waits for a read under way
YIELD_SECONDS = 0.01  # between reads, so that a takeover that waits comes in
RETRY_SECONDS = 5.0  # after a failure; a replica that can't follow costs nothing but warmth


class Warm:
    """Stores of a stage whose other partitions are followed in a thread, from `begin` to `end`."""

    def __init__(self, inner: Stores, client: Settings, changelog: str) -> None:
        self._inner = inner
        self._client = client
        self._changelog = changelog
        self._others: set[int] = set()  # not owned here
        self._followed: dict[int, Recovered] = {}
        self._reader: Reader | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def begin(self, partitions: int) -> None:
        """Follow all of so many partitions until told which are owned."""
        self._others = set(range(partitions))
        threading.Thread(target=self._follow, name=f"{self._changelog}-replicas", daemon=True).start()

    def end(self) -> None:
        """Follow no more."""
        self._ended.set()
        with self._lock:
            self._let_go()

    def open(self, partitions: Sequence[int]) -> dict[int, Recovered]:
        """What was followed of these; what the inner stores have of the others."""
        with self._lock:
            self._others -= set(partitions)
            warm = {partition: self._followed.pop(partition) for partition in partitions if partition in self._followed}
            if warm and self._reader is not None:
                self._reader.replace(self._followed)
            for table in warm.values():
                table.at_end = False
            return {**warm, **self._inner.open([partition for partition in partitions if partition not in warm])}

    def anew(self, partition: int) -> Recovered:
        """As the inner stores do."""
        return self._inner.anew(partition)

    def settle(self, stamps: Mapping[int, Stamp]) -> None:
        """As the inner stores do."""
        self._inner.settle(stamps)

    def close(self, partitions: Iterable[int]) -> None:
        """Others own these now: they are followed."""
        gone = list(partitions)
        self._inner.close(gone)
        with self._lock:
            self._others |= set(gone)

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                with self._lock, kafka_errors(f"can't follow {self._changelog}"):
                    if not self._ended.is_set():
                        self._step()
            except EngineError as error:
                LOG.warning("warm replicas are cold for a while: %s", error)
                with self._lock:
                    self._let_go()
                self._ended.wait(RETRY_SECONDS)
            sleep(YIELD_SECONDS)

    def _step(self) -> None:
        """Follow what isn't yet, then read what is there."""
        if self._reader is None:
            self._reader = Reader(self._client, self._changelog, {})
        if cold := sorted(self._others - self._followed.keys()):
            self._followed.update(self._inner.open(cold))
            self._reader.replace(self._followed)
        self._reader.read(READ_SECONDS)

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._inner.close(list(self._followed))
        self._followed = {}

"""The simulated broker: topics, transactions and groups in one, without faults of its own.

What clients ask of it takes effect at once; that requests are slow, lost or late is the clients' business. `Strictness` turns off
what a correct broker insists on, for the tests of the test.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError
from simulation.groups import Group
from simulation.log import Headers, Log
from simulation.transactions import FATAL, Coordinator, Place, Target, Transaction, refused
from simulation.world import Process, World

CHECK_MS = 50  # sessions and transactions end at most this late


@dataclass(frozen=True, kw_only=True)
class Strictness:
    """What the broker insists on."""

    generations: bool = True  # offsets in a transaction come from a member of the current generation
    epochs: bool = True  # a producer whose transactional id was taken over is fenced
    # A correct broker may take its time, too: the decision of a transaction reaches a group's offsets long before the logs.
    late_ms: int = 0


class Broker:
    """Never dies. `groups` are made with the topics that they read."""

    def __init__(self, world: World, topics: Mapping[str, int], strictness: Strictness) -> None:
        self.world = world
        self.process = Process("broker")
        self.logs: dict[Place, Log] = {
            (topic, partition): Log() for topic, partitions in topics.items() for partition in range(partitions)
        }
        self.groups: dict[str, Group] = {}
        self.partitions = dict(topics)
        self._strictness = strictness
        self.coordinator = Coordinator(lambda: world.now_ms, self._mark, fencing=strictness.epochs, late_ms=strictness.late_ms)
        decisions = self.coordinator
        choose = world.random.randrange
        world.attend(self.process, "marks", decisions.has_marker, lambda: decisions.write_marker(choose))
        world.every(CHECK_MS, decisions.time_out)

    def add_group(self, name: str, topic: str, session_ms: int) -> Group:
        """A group, with the expiry of its members."""
        world, places = self.world, [(topic, partition) for partition in range(self.partitions[topic])]
        checking = self._strictness.generations
        group = Group(name, places, session_ms, lambda: world.now_ms, world.random, checking=checking)
        self.groups[name] = group
        world.every(CHECK_MS, group.expire)
        return group

    def append(
        self, place: Place, record: tuple[bytes | None, bytes | None, Headers], transaction: Transaction, epoch: int
    ) -> None:
        """Produce within a transaction."""
        log = self.logs[place]
        if epoch < log.epochs.get(transaction.producer, 0) and self._strictness.epochs:
            raise refused(KafkaError._FENCED, "a producer of this id with a newer epoch is at work", FATAL)
        log.append(*record, producer=transaction.producer)
        transaction.records += 1

    def _mark(self, target: Target, transaction: Transaction, committed: bool) -> None:
        if isinstance(target, str):
            self.groups[target].mark(transaction.producer, transaction.epoch, committed=committed)
        else:
            self.logs[target].mark(transaction.producer, transaction.epoch, committed=committed)

"""The broker's side of a consumer group: members, generations, cooperative assignment, offsets that may be part of a transaction.

The surprise: a static member that comes back with a new life takes its old place without a rebalance, and whoever still holds the
old life is fenced. And offsets that a transaction left pending hide the committed ones until it is decided.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException
from simulation.transactions import ABORT, Place, refused

SHUFFLE = 0.3  # how often partitions move for no reason, which the real assignor would not do


class Offset(NamedTuple):
    """What is committed of a partition."""

    offset: int
    metadata: str


class Metadata(NamedTuple):
    """Who a member says it is."""

    group: str
    generation: int
    member: str
    instance: str | None


class Member:
    """What the broker knows of a member."""

    def __init__(self, instance: str | None, expires_ms: int) -> None:
        self.instance = instance
        self.expires_ms = expires_ms
        self.joined = True
        self.owned: tuple[int, list[Place]] = (-1, [])  # in which generation it had what
        self.assignment: list[Place] = []


class Group:
    """One group that reads one topic."""

    def __init__(
        self, name: str, places: Sequence[Place], session_ms: int, now_ms: Callable[[], int], random: Random, *, checking: bool
    ) -> None:
        self.name = name
        self.generation = 0
        self.preparing = False
        self.members: dict[str, Member] = {}
        self.instances: dict[str, str] = {}
        self.committed: dict[Place, Offset] = {}
        self.pending: dict[int, dict[Place, Offset]] = {}  # by producer
        self.epochs: dict[int, int] = {}
        self.expired = 0
        self.refused = 0
        self._places = list(places)
        self._session_ms = session_ms
        self._now_ms = now_ms
        self._random = random
        self._checking = checking
        self._lives = 0

    def join(self, member: str, instance: str | None, owned: tuple[int, list[Place]]) -> str:
        """JoinGroup; the answer comes with `answer`. The member's id."""
        if member:
            self._check(member, instance)
            self._prepare()
            self.members[member].joined, self.members[member].owned = True, owned
        else:
            self._lives += 1
            member = f"{instance}-{self._lives}"
            earlier = self.members.pop(self.instances.get(instance or "", ""), None)
            if earlier is None:
                self._prepare()
            fresh = self.members[member] = Member(instance, self._now_ms() + self._session_ms)
            if earlier is not None:
                fresh.assignment = earlier.assignment
                if sum(len(known.assignment) for known in self.members.values()) < len(self._places):
                    self._prepare()
                    fresh.joined = True
            if instance is not None:
                self.instances[instance] = member
        self._settle()
        return member

    def answer(self, member: str, instance: str | None) -> tuple[int, list[Place]] | None:
        """Generation and assignment, once all have joined; None until then."""
        self._check(member, instance)
        if self.preparing:
            return None
        return self.generation, list(self.members[member].assignment)

    def heartbeat(self, member: str, instance: str | None, generation: int) -> bool:
        """Whether all is well; False: a rebalance, join again."""
        self._check(member, instance)
        self.members[member].expires_ms = self._now_ms() + self._session_ms
        if generation != self.generation:
            raise _membership(KafkaError.ILLEGAL_GENERATION)
        return not self.preparing

    def leave(self, instance: str) -> None:
        """Take a static member out."""
        member = self.instances.get(instance)
        if member is not None:
            self._remove(member)

    def expire(self) -> None:
        """Take out whoever was silent too long. Who waits for the others to join is safe meanwhile."""
        now_ms = self._now_ms()
        for name, member in list(self.members.items()):
            if member.expires_ms < now_ms and not (self.preparing and member.joined):
                self.expired += 1
                self._remove(name)

    def stage_offsets(self, producer: int, epoch: int, metadata: Metadata, offsets: dict[Place, Offset]) -> None:
        """TxnOffsetCommit: offsets of an open transaction."""
        if epoch < self.epochs.get(producer, 0):
            raise refused(KafkaError.INVALID_PRODUCER_EPOCH, "a newer epoch is at work", ABORT)
        # A client that has lost its membership and is no static member is taken at its word, as by a real broker.
        trusted = metadata.generation < 0 and not metadata.member and metadata.instance is None
        if self._checking and not trusted:
            try:
                self._check(metadata.member, metadata.instance)
                if metadata.generation != self.generation:
                    raise _membership(KafkaError.ILLEGAL_GENERATION)
            except KafkaException:
                self.refused += 1
                raise
        self.pending.setdefault(producer, {}).update(offsets)

    def mark(self, producer: int, epoch: int, *, committed: bool) -> None:
        """A transaction is decided."""
        self.epochs[producer] = epoch
        offsets = self.pending.pop(producer, {})
        if committed:
            for place, offset in offsets.items():
                before = self.committed.get(place, offset)
                assert offset.offset >= before.offset, f"{self.name} {place}: {offset.offset} is committed after {before.offset}"
                self.committed[place] = offset

    def stable(self, places: Sequence[Place]) -> bool:
        """Whether no transaction may still change the offsets of these partitions."""
        return not any(place in offsets for offsets in self.pending.values() for place in places)

    def _check(self, member: str, instance: str | None) -> None:
        if instance is not None and self.instances.get(instance, member) != member:
            raise _membership(KafkaError.FENCED_INSTANCE_ID)
        if member not in self.members:
            raise _membership(KafkaError.UNKNOWN_MEMBER_ID)

    def _remove(self, member: str) -> None:
        gone = self.members.pop(member)
        if gone.instance is not None:
            del self.instances[gone.instance]
        self._prepare()
        self._settle()

    def _prepare(self) -> None:
        """A rebalance: everybody has to join."""
        if not self.preparing:
            self.preparing = True
            for member in self.members.values():
                member.joined = False

    def _settle(self) -> None:
        """The rebalance is over when everybody has joined."""
        if self.preparing and all(member.joined for member in self.members.values()):
            self.preparing = False
            self.generation += 1
            self._assign()
            for member in self.members.values():
                member.expires_ms = self._now_ms() + self._session_ms

    def _assign(self) -> None:
        """Cooperative and sticky: keep what one has, up to a fair share; what another still has isn't given away yet."""
        owners = self._owners()
        names = sorted(self.members)
        if not names:
            return
        wanted: dict[str, list[Place]] = {name: [] for name in names}
        share = -(-len(self._places) // len(names))
        places = list(self._places)
        shuffled = self._random.random() < SHUFFLE
        if shuffled:
            self._random.shuffle(places)
        for place in places:
            owner = owners.get(place)
            if owner is not None and not shuffled and len(wanted[owner]) < share:
                wanted[owner].append(place)
            else:
                least = min(len(wanted[name]) for name in names)
                wanted[self._random.choice([name for name in names if len(wanted[name]) == least])].append(place)
        for name in names:
            self.members[name].assignment = [place for place in wanted[name] if owners.get(place, name) == name]

    def _owners(self) -> dict[Place, str]:
        """Who has what, by what members say; the younger generation is right."""
        owners: dict[Place, tuple[int, str]] = {}
        for name, member in self.members.items():
            generation, owned = member.owned
            for place in owned:
                if generation > owners.get(place, (-2, ""))[0]:
                    owners[place] = generation, name
        return {place: name for place, (_generation, name) in owners.items()}


def _membership(code: int) -> KafkaException:
    return refused(code, "not a member, or not any more", ABORT)

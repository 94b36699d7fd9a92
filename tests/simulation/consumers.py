"""A consumer as confluent-kafka's, on the simulated broker: a group's member, or a reader of assigned partitions.

Joining and heartbeats go on by themselves, beside the application, as in librdkafka's own threads; callbacks run inside `poll`
and `consume` only. So a consumer may have lost its membership while the application still works for it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition
from simulation.broker import Broker
from simulation.groups import Group, Metadata, Offset
from simulation.log import Record
from simulation.transactions import Place

Callback = Callable[[Any, list[TopicPartition]], None]
FETCH_MAX = 25
POLL_SECONDS = 1.0  # shorter waits take steps in which nothing happens


class Message:
    """A record, or an event such as the end of a partition."""

    __slots__ = ("_error", "_offset", "_place", "_record")

    def __init__(self, place: Place, offset: int, record: Record | None, error: KafkaError | None = None) -> None:
        self._place = place
        self._offset = offset
        self._record = record
        self._error = error

    def __len__(self) -> int:
        return len(self.value() or b"")

    def topic(self) -> str:
        """As confluent_kafka.Message, like all that follows."""
        return self._place[0]

    def partition(self) -> int:
        """Its partition."""
        return self._place[1]

    def offset(self) -> int:
        """Its offset; of an end, where it is."""
        return self._offset

    def key(self) -> bytes | None:
        """Its key."""
        return self._record.key if self._record else None

    def value(self) -> bytes | None:
        """Its value."""
        return self._record.value if self._record else None

    def headers(self) -> list[tuple[str, bytes]] | None:
        """Its headers."""
        return (self._record.headers or None) if self._record else None

    def error(self) -> KafkaError | None:
        """What happened in place of a record."""
        return self._error


class Consuming:
    """What the engine calls of confluent_kafka.Consumer."""

    def __init__(self, broker: Broker, settings: dict[str, Any]) -> None:
        self._world = broker.world
        self._broker = broker
        self._process = broker.world.process
        self._group_name = str(settings["group.id"])
        self._instance: str | None = settings.get("group.instance.id")
        self._heartbeat_ms = int(settings.get("heartbeat.interval.ms", 1000))
        self._committed_only = settings["isolation.level"] == "read_committed"
        self._positions: dict[Place, int] = {}  # where to fetch next
        self._ended: dict[Place, int] = {}  # the end that was told last
        self._paused: set[Place] = set()
        self._fetched: list[Message] = []
        self._callbacks: dict[str, Callback] = {}
        self._pending: list[tuple[str, list[Place]]] = []
        self._calling = False
        self._state = "alone"  # out, joining, up, fenced
        self._member, self._generation = "", -1
        self._owned: list[Place] = []
        self._rejoin = False
        self._beat_ms = 0
        self._closed = False

    # The member's own life, in steps that the world calls.

    def subscribe(self, _topics: Sequence[str], on_assign: Callback, on_revoke: Callback, on_lost: Callback) -> None:
        """Join the group from now on."""
        self._callbacks = {"assign": on_assign, "revoke": on_revoke, "lost": on_lost}
        self._state = "out"
        self._world.attend(self._process, f"member of {self._group_name}", self._may_step, self._step)

    def _may_step(self) -> bool:
        if self._closed or self._state == "fenced":
            return False
        idle = not self._pending and not self._calling
        if self._state == "out":
            return idle
        if self._state == "joining":
            group = self._group
            return self._member not in group.members or not group.preparing
        return self._world.now_ms >= self._beat_ms or (self._rejoin and idle)

    def _step(self) -> None:
        try:
            if self._state == "out" or (self._state == "up" and self._rejoin and not self._pending and not self._calling):
                self._rejoin = False
                self._member = self._group.join(self._member, self._instance, (self._generation, list(self._owned)))
                self._state = "joining"
            elif self._state == "joining":
                self._take_answer()
            else:
                self._beat_ms = self._world.now_ms + self._heartbeat_ms
                if not self._group.heartbeat(self._member, self._instance, self._generation):
                    self._rejoin = True
        except KafkaException as error:
            self._fall_out(error.args[0].code())

    def _take_answer(self) -> None:
        answer = self._group.answer(self._member, self._instance)
        if answer is None:
            return
        self._generation, assigned = answer
        self._state = "up"
        self._beat_ms = self._world.now_ms + self._heartbeat_ms
        gone = [place for place in self._owned if place not in assigned]
        come = [place for place in assigned if place not in self._owned]
        if gone:
            self._pending.append(("revoke", gone))
            self._rejoin = True
        if come or not gone:
            self._pending.append(("assign", come))

    def _fall_out(self, code: int) -> None:
        """The broker knows this member no more: what it has is lost, and it begins anew once the application knows."""
        if code == KafkaError.FENCED_INSTANCE_ID:
            self._state = "fenced"
            return
        self._member = ""
        if self._calling or self._pending:  # librdkafka skips it during a rebalance; the next heartbeat fails again
            self._beat_ms = self._world.now_ms + self._heartbeat_ms
            return
        self._generation = -1
        self._state, self._rejoin = "out", False
        if self._owned:
            self._pending = [("lost", list(self._owned))]

    @property
    def _group(self) -> Group:
        return self._broker.groups[self._group_name]

    # What the application calls.

    def consumer_group_metadata(self) -> Metadata:
        """Who this is, now."""
        self._world.pause("consumer_group_metadata")
        return Metadata(self._group_name, self._generation, self._member, self._instance)

    def memberid(self) -> str:
        """The broker's name for it."""
        return self._member

    def poll(self, timeout: float) -> Message | None:
        """A message, after whatever callbacks are due."""
        found = self._consume(1, timeout)
        return found[0] if found else None

    def consume(self, count: int, timeout: float) -> list[Message]:
        """Up to so many messages."""
        return self._consume(count, timeout)

    def _consume(self, count: int, timeout: float) -> list[Message]:
        self._world.wait("poll", self._has_news, max(timeout, POLL_SECONDS))
        while self._pending:
            self._call(*self._pending.pop(0))
        if self._state == "fenced":
            error = KafkaError(KafkaError.FENCED_INSTANCE_ID, "another member of this name is at work", True)
            return [Message(("", 0), 0, None, error)]
        if not self._fetched:
            self._fetch()
        found, self._fetched = self._fetched[:count], self._fetched[count:]
        return found

    def _call(self, kind: str, places: list[Place]) -> None:
        if kind != "assign":
            places = [place for place in places if place in self._owned]
        self._calling = True
        try:
            self._callbacks[kind](self, [TopicPartition(*place) for place in places])
        finally:
            self._calling = False

    def _has_news(self) -> bool:
        return bool(self._pending or self._fetched) or self._state == "fenced" or any(map(self._has_more, self._positions))

    def _has_more(self, place: Place) -> bool:
        if place in self._paused:
            return False
        log = self._broker.logs[place]
        end = log.stable() if self._committed_only else log.end
        return self._positions[place] < end or self._ended.get(place) != end

    def _fetch(self) -> None:
        random = self._world.random
        places = [place for place in self._positions if self._has_more(place)]
        random.shuffle(places)
        for place in places[: 1 + random.randrange(2)]:
            log = self._broker.logs[place]
            records, following = log.read(self._positions[place], 1 + random.randrange(FETCH_MAX), committed=self._committed_only)
            self._positions[place] = following
            self._fetched += [Message(place, record.offset, record) for record in records]
            if following >= (log.stable() if self._committed_only else log.end):
                self._ended[place] = following
                self._fetched.append(Message(place, following, None, KafkaError(KafkaError._PARTITION_EOF)))

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these, outside any group."""
        self._start(partitions)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Own these, too."""
        self._owned += [(partition.topic, partition.partition) for partition in partitions]
        self._start(partitions)

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        """Own these no more."""
        for partition in partitions:
            place = (partition.topic, partition.partition)
            if place in self._owned:
                self._owned.remove(place)
            self._drop(place)
            self._positions.pop(place, None)

    def seek(self, partition: TopicPartition) -> None:
        """Read on from there."""
        self._start([partition])

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Fetch no more of these; what was fetched is thrown away."""
        for partition in partitions:
            place = (partition.topic, partition.partition)
            fetched = [message.offset() for message in self._fetched if (message.topic(), message.partition()) == place]
            if fetched:
                self._positions[place] = fetched[0]
            self._drop(place)
            self._paused.add(place)

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Fetch these again."""
        self._paused -= {(partition.topic, partition.partition) for partition in partitions}

    def assignment(self) -> list[TopicPartition]:
        """What is owned."""
        return [TopicPartition(*place) for place in self._owned]

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """Committed offsets, once no transaction may change them any more; -1001 where there is none."""
        places = [(partition.topic, partition.partition) for partition in partitions]
        group = self._group
        self._world.pause("committed")
        if not self._world.wait("committed waits for transactions", lambda: group.stable(places), timeout):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "offsets are not stable", False, True))
        nothing = Offset(OFFSET_INVALID, "")
        return [TopicPartition(*place, *group.committed.get(place, nothing)) for place in places]

    def get_watermark_offsets(
        self,
        partition: TopicPartition,
        timeout: float = 0,  # noqa: ARG002  # the broker answers at once
        *,
        cached: bool = False,  # noqa: ARG002  # as above
    ) -> tuple[int, int]:
        """First offset and end."""
        return 0, self._broker.logs[partition.topic, partition.partition].stable()

    def close(self) -> None:
        """A static member stays in its group."""
        if self._closed or self._process.dead:
            return
        if self._callbacks and self._owned:
            self._callbacks["revoke"](self, self.assignment())
        self._closed = True

    def _start(self, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            place = (partition.topic, partition.partition)
            self._drop(place)
            self._positions[place] = 0 if partition.offset == OFFSET_BEGINNING else partition.offset
            self._ended.pop(place, None)
            self._paused.discard(place)

    def _drop(self, place: Place) -> None:
        self._fetched = [message for message in self._fetched if (message.topic(), message.partition()) != place]

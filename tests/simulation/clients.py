"""Puts the simulated Kafka and clock where the engine has confluent-kafka and the system's clock, for as long as a run takes.

The engine's own code isn't touched: what is replaced are the names that its modules imported from outside.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import confluent_kafka
from simulation.broker import Broker
from simulation.consumers import Consuming
from simulation.producers import Producing, Weather

from streams.engine import reading, source


class Kafka:
    """Makes clients for whoever is at work, and remembers them by process."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.weather = Weather()
        self.producers: list[tuple[object, Producing]] = []
        self.notes: dict[object, object] = {}  # process and id of the producer → what its next transaction holds
        self.partial_flushes = 0  # some partitions had to wait for the next one
        self.reads_uncommitted = False  # a defect: who reads changelogs sees what was never committed

    def consumer(self, settings: dict[str, Any]) -> Consuming:
        """In place of confluent_kafka.Consumer."""
        if self.reads_uncommitted and str(settings["group.id"]).endswith("-changelog-reader"):
            settings = {**settings, "isolation.level": "read_uncommitted"}
        return Consuming(self.broker, settings)

    def producer(self, settings: dict[str, Any]) -> Producing:
        """In place of confluent_kafka.Producer."""
        process = self.broker.world.process
        key = (process, settings["transactional.id"])
        made = Producing(self.broker, self.weather, settings, lambda: self.notes.get(key))
        self.producers.append((process, made))
        return made


@contextmanager
def in_place(kafka: Kafka) -> Iterator[None]:
    """Within the block the engine's modules talk to this Kafka and read this clock."""
    world = kafka.broker.world
    stand_ins: list[tuple[object, object]] = [
        (confluent_kafka.Consumer, kafka.consumer),
        (confluent_kafka.Producer, kafka.producer),
        (time.monotonic, world.monotonic),
        (time.sleep, world.sleep),
    ]
    # The source waits for room by a lock of the system's, which would hold up the whole world: here it only looks.
    changed: list[tuple[dict[str, Any], str, object]] = []
    for names, pause in ((vars(reading), "POLL_SECONDS"), (vars(source), "POLL_SECONDS"), (vars(source), "TEND_SECONDS")):
        changed.append((names, pause, names[pause]))
        names[pause] = 0.0
    for name, module in list(sys.modules.items()):
        if name.startswith("streams.engine."):
            names = vars(module)
            for attribute, value in list(names.items()):
                for real, stand_in in stand_ins:
                    if value is real:
                        changed.append((names, attribute, value))
                        names[attribute] = stand_in
    try:
        yield
    finally:
        for names, attribute, value in changed:
            names[attribute] = value

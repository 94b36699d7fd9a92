"""The commands in this process, with topics of their own: quicker than a process for each, and errors come as they are raised."""

import json
from collections.abc import Mapping

import typer
from confluent_kafka import Message, Producer
from typer.testing import CliRunner, Result

from streams import settings
from streams.commands import alerts, recommend, rejected, replay, simulate, topics, trends
from streams.core.errors import StreamsError
from streams.edge.reader import read
from streams.settings import Settings

# 2024-03-01 09:00 UTC: the time that tests count from.
NINE = 1709283600000


class Commands:
    """The commands in this process with the environment of one test."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.settings: Settings = settings.load([], environment)
        self._app = typer.Typer()
        for command in (topics, replay, simulate, trends, alerts, rejected, recommend):
            command.register(self._app)

    def attempt(self, *arguments: str) -> Result:
        """Run a command, whatever comes of it."""
        return CliRunner().invoke(self._app, arguments, env=dict(self.environment))

    def run(self, *arguments: str) -> str:
        """Standard output of a command that works."""
        result = self.attempt(*arguments)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    def refusal(self, *arguments: str) -> str:
        """What a command that can't go on says."""
        error = self.attempt(*arguments).exception
        assert isinstance(error, StreamsError)
        return str(error)

    def write(self, topic: str, records: list[tuple[bytes, bytes]], headers: Mapping[str, bytes] | None = None) -> None:
        """Put records on a topic."""
        producer = Producer({"bootstrap.servers": self.settings.kafka.bootstrap_servers})
        for key, value in records:
            producer.produce(topic, value, key, headers=dict(headers or {}))
        assert producer.flush(30) == 0

    def sent(self) -> dict[int, list[tuple[str, int]]]:
        """(type, time after nine) of the events in each partition, in their order."""
        found: dict[int, list[tuple[str, int]]] = {}
        for message in read(self.settings, self.settings.topics.interactions):
            event = json.loads(value_of(message))
            found.setdefault(message.partition() or 0, []).append((event["type"], event["time"] - NINE))
        return found

    def sent_states(self) -> int:
        """How many states of agents were sent."""
        return len(list(read(self.settings, self.settings.topics.agents)))


def value_of(message: Message) -> bytes:
    """The value of a record that has one."""
    value = message.value()
    assert value is not None
    return value

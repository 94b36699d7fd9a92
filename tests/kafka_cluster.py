"""Real Kafka for tests: brokers started by deploy/kafka/kafka.sh, which can be killed and started again one by one."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from coordinators import is_whole
from running import eventually

from streams.edge.embedded import end_with_parent
from streams.engine.errors import EngineError
from streams.engine.probe import find_broker

SCRIPT = Path(__file__).parents[1] / "deploy" / "kafka" / "kafka.sh"
START_SECONDS_MAX = 240  # a broker is up in 3 s; three beside other work, on two cores, took a minute and a half
JARS_SECONDS_MAX = 300  # the first time Maven fetches the jars
END_SECONDS_MAX = 60  # three brokers that all want to hand over first, on a busy machine


class KafkaCluster:
    """One or three brokers in a directory; `address` is what clients connect to."""

    def __init__(self, directory: Path, brokers: int = 1) -> None:
        self._directory = directory
        self._scripts = [self._run("--brokers", str(brokers))]
        addresses = directory / "bootstrap"
        eventually(lambda: addresses.exists() and addresses.read_text().endswith("\n"), JARS_SECONDS_MAX, "Kafka is laid out")
        self.address = addresses.read_text().strip()
        for broker in self.address.split(","):
            eventually(partial(answers, broker), START_SECONDS_MAX, f"Kafka answers at {broker}")

    def kill(self, broker: int) -> None:
        """kill -9 of one broker, counted from 1."""
        os.kill(self._pid(broker), signal.SIGKILL)

    def freeze(self, broker: int) -> None:
        """SIGSTOP: it keeps its connections and answers nobody."""
        os.kill(self._pid(broker), signal.SIGSTOP)

    def thaw(self, broker: int) -> None:
        """SIGCONT."""
        os.kill(self._pid(broker), signal.SIGCONT)

    def is_running(self, broker: int) -> bool:
        """Whether its process lives."""
        try:
            os.kill(self._pid(broker), 0)
        except ProcessLookupError:
            return False
        return "Z" not in Path(f"/proc/{self._pid(broker)}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def log(self, broker: int) -> str:
        """What it said."""
        return (self._directory / f"broker-{broker}" / "log").read_text()

    def data(self, broker: int) -> Path:
        """The directory of a broker's files."""
        return self._directory / f"broker-{broker}"

    def _pid(self, broker: int) -> int:
        return int((self._directory / f"broker-{broker}" / "pid").read_text())

    def restart(self, broker: int) -> None:
        """Start a killed broker again, with its data."""
        self._scripts.append(self._run("--only", str(broker)))
        eventually(lambda: answers(self.address.split(",")[broker - 1]), START_SECONDS_MAX, f"broker {broker} answers again")

    def heal(self) -> None:
        """Wake and start what was stopped or killed, and wait until all replicas are in sync."""
        for broker in range(1, len(self.address.split(",")) + 1):
            if self.is_running(broker):
                self.thaw(broker)
            else:
                self.restart(broker)
        eventually(lambda: is_whole(self.address), START_SECONDS_MAX, "all replicas are in sync")

    def stop(self) -> None:
        """End all brokers."""
        for script in self._scripts:
            script.terminate()
        for script in self._scripts:
            script.wait(END_SECONDS_MAX)

    def _run(self, *options: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [SCRIPT, "--directory", self._directory, *options], stdout=subprocess.DEVNULL, preexec_fn=end_with_parent()
        )


def answers(address: str) -> bool:
    """Whether a Kafka broker answers there."""
    try:
        find_broker({"bootstrap.servers": address}, 5)  # a second is too short on a busy machine
    except EngineError:
        return False
    return True


def make_topics(address: str, topics: list[NewTopic]) -> None:
    """Create topics, and wait until the broker has."""
    admin = AdminClient({"bootstrap.servers": address})  # kept by name: when it goes, what it was asked for ends, too
    for made in admin.create_topics(topics).values():
        made.result()

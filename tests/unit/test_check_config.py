"""`streams check-config`: what it shows, what it hides, and how it ends."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from streams.commands import check_config
from streams.settings import fingerprint, load


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("STREAMS_PUBLISH_REDIS_URL", "redis://board:12345678@localhost:1/0")
    return monkeypatch


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    check_config.register(app)
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, list(arguments))
    return result.exit_code, result.stdout


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_it_says_each_value_and_where_it_comes_from(tmp_path: Path) -> None:
    overlay = tmp_path / "my.toml"
    overlay.write_text("[kpi.queue_service_level_seconds]\nbilling = 30\n")

    code, text = run("--json", "--config", str(overlay))
    document: dict[str, Any] = json.loads(text)

    assert code == 0
    assert document["settings"]["kpi.queue_service_level_seconds.billing"] == {"value": 30, "from": str(overlay)}
    assert document["settings"]["intake.pane_seconds"] == {"value": 10, "from": "default"}
    assert document["settings"]["publish.redis_url"] == {
        "value": "redis://***@localhost:1/0",
        "from": "STREAMS_PUBLISH_REDIS_URL",
    }
    assert document["fingerprint"] == fingerprint(load([overlay], {"STREAMS_PUBLISH_REDIS_URL": "redis://a:b@localhost:1/0"}))


def test_people_get_a_table_without_passwords() -> None:
    code, text = run()

    assert code == 0
    assert "intake.pane_seconds" in text
    assert "STREAMS_PUBLISH_REDIS_URL" in text
    assert "12345678" not in text


def test_connect_says_of_each_what_is_down_and_ends_with_1(environment: pytest.MonkeyPatch) -> None:
    port = closed_port()
    environment.setenv("STREAMS_KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{port}")
    environment.setenv("STREAMS_KAFKA_CONNECT_TIMEOUT_SECONDS", "1")
    environment.setenv("STREAMS_PUBLISH_REDIS_URL", f"redis://board:12345678@127.0.0.1:{port}/0")
    environment.setenv("STREAMS_PUBLISH_ALERTMANAGER_URLS", f"http://127.0.0.1:{port}")

    code, text = run("--connect", "--json")
    answers = json.loads(text)["answers"]

    assert code == 1
    assert {name: answer["ok"] for name, answer in answers.items()} == {"kafka": False, "redis": False, "alertmanager": False}
    assert f"127.0.0.1:{port}" in answers["kafka"]["detail"]
    assert "Redis doesn't answer" in answers["redis"]["detail"]
    assert "12345678" not in text

"""`streams staffing` as people call it."""

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from streams.commands import staffing, topics
from streams.core.errors import StreamsError


def call(*arguments: str) -> Result:
    app = typer.Typer()
    for command in (staffing, topics):  # two, so that Typer wants the name of the command
        command.register(app)
    return CliRunner().invoke(app, ["staffing", *arguments], env={"COLUMNS": "100"})


def test_the_answer_stands_between_one_agent_less_and_one_more() -> None:
    result = call("--contacts", "100", "--minutes", "30", "--aht", "180", "--target", "0.8/20", "--shrinkage", "0")

    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["13", "79.56", "17.1", "76.9", "0.0"] in rows
    assert ["14", "88.84", "7.8", "71.4", "0.0"] in rows
    assert "14 contacts at once must be possible: plan 14 people" in result.stdout


def test_chat_with_two_at_once_and_breaks() -> None:
    result = call("--contacts", "100", "--aht", "180", "--target", "0.8/20", "--concurrency", "2", "--shrinkage", "0.3", "--json")

    answer = json.loads(result.stdout)
    assert (answer["needed"]["agents"], answer["people"]) == (14, 10)


def test_the_settings_give_what_is_not_said() -> None:
    result = call("--contacts", "100", "--aht", "180", "--json")

    answer = json.loads(result.stdout)
    assert (answer["needed"]["agents"], answer["people"]) == (14, 20)  # 80 % in 20 s, shrinkage 30 %


@pytest.mark.parametrize("target", ["80/20", "0.8", "0.8/x", "0.8/-1"])
def test_a_target_that_is_none_is_refused(target: str) -> None:
    result = call("--contacts", "100", "--aht", "180", "--target", target)

    assert isinstance(result.exception, StreamsError)
    assert target in str(result.exception)

"""`streams forecast --file` as people call it: no broker, no server."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from counts_made_up import hours
from typer.testing import CliRunner, Result

from streams.commands import forecast, staffing
from streams.core.errors import StreamsError


def call(*arguments: str) -> Result:
    app = typer.Typer()
    for command in (forecast, staffing):  # two, so that Typer wants the name of the command
        command.register(app)
    return CliRunner().invoke(app, ["forecast", *arguments], env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("counts") / "counts.csv"
    rows = (
        f"{datetime.fromtimestamp(start_ms / 1000, UTC):%Y-%m-%d %H:%M:%S},{number},{number // 2}"
        for start_ms, number, _ in hours(22, 60.0)
    )
    path.write_text("\n".join(["time,billing,sales", *rows, ""]))
    return path


def test_a_file_of_counts_is_learned_and_the_hours_after_it_are_told(counts: Path) -> None:
    result = call("--file", str(counts), "--series", "queue/billing", "--horizon", "1d", "--aht", "240", "--capacity", "90")

    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[1] == ["from", "expected", "80", "%", "95", "%", "agents", "people", "busy", "day"]
    assert [line[1] for line in lines if line[0] == "2024-01-23"] == [f"{hour:02}:00" for hour in range(8, 18)]
    assert "Tuesday 2024-01-23: " in result.stdout
    assert "most likely busiest at 10:00" in result.stdout
    assert "above 90 with " in result.stdout


def test_the_total_is_the_sum_of_the_columns_and_a_horizon_leaves_days_out(counts: Path) -> None:
    lines = call("--file", str(counts), "--horizon", "2d", "--json").stdout.splitlines()
    days = [json.loads(line) for line in lines]

    assert [day["day"] for day in days] == ["2024-01-23", "2024-01-24"]
    assert days[0]["cut"] == "total"
    assert 850 < days[0]["total"] < 1_150  # 9 mean hours of 60 × 1.1 and half as many


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("time,total\n2024-01-01 00:00,1\n", "has no two rows"),
        ("time,total\n2024-01-01 00:00,1\n2024-01-01 00:07,x\n", ":3: could not convert string to float: 'x'"),
        ("time,total\n2024-01-01 00:00,1\n2024-01-01 00:07,1\n", "rows are 7 minutes apart, expected a divisor of an hour"),
        ("time,total\n2024-01-01 00:00,1\n2024-01-01 00:15,1\n", "no forecast of total: it takes a whole day of contacts first"),
    ],
)
def test_a_file_that_tells_nothing_is_refused_with_its_reason(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text)

    assert complaint in str(call("--file", str(path)).exception)


@pytest.mark.parametrize("arguments", [("--horizon", "1w"), ("--series", "queue")])
def test_what_cannot_be_understood_is_refused(arguments: tuple[str, str], counts: Path) -> None:
    error = call("--file", str(counts), *arguments).exception

    assert isinstance(error, StreamsError)
    assert f"{arguments[0]} is '{arguments[1]}'" in str(error)

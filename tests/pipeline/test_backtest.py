"""`streams backtest` as people call it, on contacts of four mornings: what it finds, says and draws."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from streams.commands import backtest, forecast

pytestmark = pytest.mark.thorough  # twenty seconds: each test plays four days

START_MS = 1_767_571_200_000  # Monday 5 January 2026, midnight UTC
MINUTE_MS = 60_000


def call(*arguments: str) -> Result:
    app = typer.Typer()
    for command in (backtest, forecast):  # two, so that Typer wants the name of the command
        command.register(app)
    return CliRunner().invoke(app, ["backtest", *arguments], env={"COLUMNS": "140"})


@pytest.fixture(scope="module")
def contacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four mornings, 9 to 11 h, some twenty contacts a minute, a tenth of whom leave."""
    chance = Random(1)
    lines = []
    for minute in range(4 * 1_440):
        for number in range(sum(chance.random() < 0.25 for _ in range(80)) if 540 <= minute % 1_440 < 660 else 0):
            name, start_ms = f"{minute}-{number}", START_MS + minute * MINUTE_MS + chance.randrange(MINUTE_MS)
            known = {"source": "acd", "interaction_id": name, "channel": "voice", "queue": "billing"}
            end = "abandoned" if chance.random() < 0.1 else "completed"
            for kind, after_ms in (("offered", 0), (end, 60_000)):
                lines.append(json.dumps({**known, "id": f"{name}/{kind}", "type": kind, "time": start_ms + after_ms}))
    path = tmp_path_factory.mktemp("backtest") / "contacts.jsonl"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def found(contacts: Path) -> tuple[dict[str, Any], str]:
    page = contacts.with_name("page.html")
    result = call(str(contacts), "--seed", "5", "--json", "--html", str(page))
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), page.read_text()


def test_a_surge_and_an_outage_are_found_within_minutes(found: tuple[dict[str, Any], str]) -> None:
    (first,) = found[0]["runs"]
    kinds = {kind["kind"]: (kind["injected"], kind["found"]) for kind in first["kinds"]}

    assert (first["days"], first["calm_days"]) == (4, 1)
    assert (kinds["surge"], kinds["outage"]) == ((1, 1), (1, 1))
    assert all(0 < one["delay_minutes"] <= 15 for one in first["incidents"] if one["incident"]["kind"] in ("surge", "outage"))
    assert {alert["kind"] for alert in first["alerts"]} == {"outage"}  # at eleven everything ends at once


def test_forecasts_are_scored_by_cut_and_horizon(found: tuple[dict[str, Any], str]) -> None:
    told = {(one["cut"], one["minutes"]): one for one in found[0]["forecasts"]}

    assert set(told) == {(cut, minutes) for cut in ("total", "channel", "queue") for minutes in (15, 60, 180)}
    assert told["total", 15]["slots"] == 96  # the third day: the first was seen in part, the second learned, the last has no end
    assert 0.03 < told["total", 15]["error"] < 0.4


def test_the_page_needs_nothing_from_elsewhere(found: tuple[dict[str, Any], str]) -> None:
    page = found[1]

    assert page.count("Plotly.newPlot(") == 5
    assert "<script src" not in page
    assert "cdn.plot.ly" not in page.split("</script>", 1)[1]


def test_without_rounds_only_what_happened_is_told_for_each_budget(contacts: Path) -> None:
    result = call(str(contacts), "--rounds", "0", "--budget", "10", "--budget", "0.01")

    assert result.exit_code == 0, result.output
    assert "contacts of 4 days, with a budget of 10 a day for false alarms: " in result.stdout
    assert "contacts of 4 days, with a budget of 0.01 a day for false alarms: " in result.stdout
    assert "injected" not in result.stdout
    assert "forecasts of" in result.stdout


def test_alerts_name_what_explains_them_and_those_of_thresholds_are_told_apart(tmp_path: Path) -> None:
    """Two hours of twenty contacts a minute about five issues; in the last half hour thirty more about refunds."""
    chance = Random(2)
    known = {"source": "acd", "channel": "voice", "queue": "billing"}
    lines = []
    for minute in range(120):
        issues = chance.choices(("refund", "card", "login", "rate", "move"), k=20) + ["refund"] * (30 if minute >= 90 else 0)
        for number, issue in enumerate(issues):
            name, start_ms = f"{minute}-{number}", START_MS + minute * MINUTE_MS + chance.randrange(MINUTE_MS)
            for kind, after_ms in (("offered", 0), ("completed", 60_000)):
                event = {"id": f"{name}/{kind}", "interaction_id": name, "type": kind, "time": start_ms + after_ms}
                lines.append(json.dumps({**known, **event, "issue": issue}))
    file, config = tmp_path / "contacts.jsonl", tmp_path / "limits.toml"
    file.write_text("\n".join(lines))
    config.write_text(
        '[thresholds.busy]\nkpi = "offered"\ncut = "total"\nvalues = []\nside = "above"\nlimit = 40\nclear = 30\n'
        'minutes = 3\nof_minutes = 5\ncontacts_min = 1\nseverity = "info"\nrunbook = ""\n'
    )
    result = call(str(file), "--rounds", "0", "--json", "--config", str(config))
    found = json.loads(result.stdout)
    (run,) = found["runs"]

    (spike,) = [alert for alert in run["alerts"] if alert["kind"] == "spike"]
    assert spike["contribution"][0]["series"] == {"issue": "refund"}
    assert "threshold" not in {alert["kind"] for alert in run["alerts"]}
    assert [(alert["rule"], alert["metric"], alert["limit"]) for alert in found["thresholds"]] == [("busy", "offered", 40.0)]
    shown = call(str(file), "--rounds", "0", "--config", str(config)).stdout
    assert "alerts of static thresholds" in shown
    assert f"{len(run['alerts'])} alerts, " in shown


def test_a_file_and_a_topic_exclude_each_other() -> None:
    assert "give a FILE, or --from-topic" in str(call().exception)

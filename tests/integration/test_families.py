"""The page of the trend families: every command on it runs and prints what the page shows."""

import pytest
from commands_in_process import Commands
from families import FAMILIES, PAGE, environment, page

pytestmark = pytest.mark.integration


def test_every_command_of_the_page_of_families_prints_what_the_page_shows(tansu: str) -> None:
    commands = Commands(environment(tansu))
    commands.run("topics", "create")
    made = page(commands)
    assert made == PAGE.read_text()
    assert made.count("$ streams trends") == len(FAMILIES)
    assert "no 1d windows" not in made

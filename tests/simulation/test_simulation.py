"""The engine and the stages, simulated by seeds: nothing is found, faults really strike, and deliberate defects are found.

A seed that finds something is in the message; `make sim SEED=…` runs it again and prints each step.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from simulation.defects import DEFECTS, LATE_LOGS
from simulation.run import SOUND, Defect, run

QUICK = 3  # in `make quick`
FEW = 20  # so many meet every fault
CHUNKS, CHUNK = 8, 25  # the rest, in `make test`
TESTS = Path(__file__).parent.parent

# What a run must not only be able to meet, but meet: else its silence proves nothing. Summed over the few seeds.
STRIKES = (
    "killed in a flush",
    "slept in a flush",
    "woke as a zombie",
    "flushes refused by the group",
    "producers fenced",
    "transactions aborted with records",
    "transactions timed out",
    "network failures",
    "sessions expired",
    "replaced while asleep",
    "stopped",
    "added",
    "clock set",
    "records compacted",
    "partial flushes",
)


def findings(seeds: range, defect: Defect = SOUND) -> tuple[list[str], Counter[str]]:
    """What seeds find, and what struck."""
    found, struck = [], Counter[str]()
    for seed in seeds:
        outcome = run(seed, defect)
        struck += outcome.struck
        if outcome.finding:
            found.append(f"make sim SEED={seed}: {outcome.finding}")
    return found, struck


def test_whatever_happens_to_workers_the_counts_are_right() -> None:
    found, _ = findings(range(QUICK))
    assert not found, "\n".join(found)


@pytest.mark.thorough
def test_every_fault_strikes_and_the_counts_are_right() -> None:
    found, struck = findings(range(FEW))
    assert not found, "\n".join(found)
    assert [name for name in STRIKES if not struck[name]] == []


@pytest.mark.thorough
@pytest.mark.parametrize("first", range(FEW, FEW + CHUNKS * CHUNK, CHUNK))
def test_nothing_is_found_by_many_seeds(first: int) -> None:
    found, _ = findings(range(first, first + CHUNK))
    assert not found, "\n".join(found)


@pytest.mark.thorough
def test_logs_that_hear_of_a_decision_long_after_the_group_change_no_count() -> None:
    found, _ = findings(range(5), Defect(strictness=LATE_LOGS))
    assert not found, "\n".join(found)


@pytest.mark.thorough
@pytest.mark.parametrize("name", DEFECTS)
def test_a_deliberate_defect_is_found(name: str) -> None:
    planted = DEFECTS[name]
    assert any(run(seed, planted.defect).finding for seed in planted.seeds), f"{name}: not found by {planted.seeds}"


@pytest.mark.thorough
def test_a_seed_gives_the_same_run_again_also_in_another_process() -> None:
    outcome = run(3)
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "simulation.run", "--seed", "3"]
    again = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=False)
    assert f"{outcome.steps} steps, digest {outcome.digest:08x}" in again.stdout.splitlines()[-1]

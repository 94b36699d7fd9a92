"""The oracle against the control figures in the data's README, which were counted with awk."""

import csv
from datetime import date

import oracle
import pytest


@pytest.fixture(scope="module")
def counts() -> dict[tuple[date, str], oracle.Count]:
    if not oracle.DATA.exists():
        pytest.skip("../shared/data/anonymous_bank_feb1999 is absent")
    return oracle.recount()


def test_the_oracle_holds_the_control_figures(counts: dict[tuple[date, str], oracle.Count]) -> None:
    total = oracle.total(counts)
    assert (total.answered, total.abandoned + total.left_before_queue) == (27_162, 5_904)
    assert total.offered == 33_344 - 278
    assert total.left_before_queue == 1_941
    assert round(total.handle_ms / 1000 / 27_077, 1) == 176.9


def test_the_oracle_counts_28_days_and_six_queues(counts: dict[tuple[date, str], oracle.Count]) -> None:
    assert {queue for _, queue in counts} == {"PS", "NW", "NE", "TT", "IN", "PE"}
    assert len({day for day, _ in counts}) == 28


def test_all_waits_of_the_file_are_either_answered_abandoned_or_phantom(counts: dict[tuple[date, str], oracle.Count]) -> None:
    with oracle.DATA.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    waits = [int(row["q_time"]) for row in rows if int(row["q_time"]) > 0]
    assert (len(waits), round(sum(waits) / len(waits), 1)) == (18_306, 76.1)
    phantom_ms = sum(1000 * int(row["q_time"]) for row in rows if row["outcome"] == "PHANTOM")
    assert sum(waits) * 1000 == phantom_ms + sum(count.wait_ms + count.abandon_wait_ms for count in counts.values())

"""Budget: evidence that alerts need, for the whole fleet and for whom it is set apart."""

from math import log
from pathlib import Path

import numpy as np
import pytest
from detect_rules import DETECT
from msgspec.structs import replace

from streams import rules, settings
from streams.core.budget import Budgets
from streams.core.detect import Detect
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import OFFERED

RULES = replace(DETECT, cuts=("total",))
NAMES = ["total", "channel\x1fvoice", "channel\x1fchat", "queue\x1fbilling", "queue\x1fsales"]


def frame(minute: int, contacts: int) -> MinuteFrame:
    rows = [MinuteRow("total", minute * 60_000, {OFFERED: contacts})]
    return MinuteFrame(shard=0, shards=1, number=minute, closed_ms=(minute + 1) * 60_000, rows=rows)


def test_all_series_share_the_budget_of_the_fleet() -> None:
    assert Budgets(1.0, {}, 1.0).evidence(NAMES, 8).tolist() == pytest.approx([log(1440 * 5 * 8 / 1.0)] * 5)


def test_a_cut_shares_its_own_and_a_series_has_its_own_for_itself() -> None:
    needed = Budgets(1.0, {"channel": 0.1, "queue\x1fbilling": 2.0}, 1.0).evidence(NAMES, 8)
    fleet, channel, billing = log(1440 * 2 * 8 / 1.0), log(1440 * 2 * 8 / 0.1), log(1440 * 8 / 2.0)
    assert needed.tolist() == pytest.approx([fleet, channel, channel, billing, fleet])


def test_false_alarms_of_all_series_add_up_to_the_budgets() -> None:
    """Each series is due e^-evidence of the tests of a day."""
    needed = Budgets(1.0, {"channel": 0.1, "queue\x1fbilling": 2.0}, 1.0).evidence(NAMES, 8)
    assert sum(1440 * 8 * 2.718281828459045 ** -float(one) for one in needed) == pytest.approx(1.0 + 0.1 + 2.0)


def test_a_series_that_comes_later_makes_the_others_need_more() -> None:
    budgets = Budgets(1.0, {}, 1.0)
    assert budgets.evidence(NAMES[:4], 8)[0] < budgets.evidence(NAMES, 8)[0]


def test_a_series_that_has_less_to_say_shares_less_and_a_measure_has_its_part() -> None:
    needed = Budgets(1.0, {"channel": 0.1}, 0.25).evidence_for(NAMES, np.array([10.0, 3.0, 1.0, 5.0, 0.0]))
    fleet, channel = log((10 + 5) / 0.25), log((3 + 1) / 0.025)
    assert needed.tolist() == pytest.approx([fleet, channel, channel, fleet, fleet])


def found_after(own: dict[str, float]) -> int | None:
    """Minutes after which a rise from 20 to 40 contacts a minute fires."""
    detect = Detect({}, replace(RULES, own_false_alarms_per_day=own))
    for minute in range(130):
        detect.apply([frame(minute, 20 if minute < 100 else 40)])
        if any(alert.state == "firing" for alert in detect.drain(0).alerts):
            return minute - 99
    return None


def test_the_smaller_its_number_the_later_a_series_calls() -> None:
    assert [found_after(own) for own in ({"total": 2.0}, {"total": 0.1}, {"total": 1e-3}, {"total": 1e-9})] == [2, 3, 4, None]


def test_numbers_of_the_settings_reach_detect(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[detect.own_false_alarms_per_day]\nchannel = 0.1\n"queue/billing" = 2\n')
    found = rules.detect_rules(settings.load([file], {}))
    assert found.own_false_alarms_per_day == {"channel": 0.1, "queue\x1fbilling": 2.0}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '"chanel/voice" = 1',
            "[detect.own_false_alarms_per_day] chanel/voice ({file}) and [detect] cuts (default): 'chanel' is not watched; "
            "did you mean channel?",
        ),
        (
            '"queue/a/b" = 1',
            "[detect.own_false_alarms_per_day] queue/a/b ({file}): expected queue/queue, a value for each dimension",
        ),
        ("queue = 0", "{file}: [detect.own_false_alarms_per_day] queue is 0, expected a number above 0"),
    ],
)
def test_a_number_for_what_is_not_watched_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f"[detect.own_false_alarms_per_day]\n{text}\n")
    with pytest.raises(settings.SettingsError) as refused:
        settings.load([file], {})
    assert str(refused.value) == complaint.format(file=file)

"""Contribution: which part explains an excess, worked by hand; what is remembered for it, and what isn't."""

from contribution_rules import CONTRIBUTION

from streams import rules, settings
from streams.core.contribution import Told, contributions
from streams.core.contribution_rows import ContributionRows, ContributionRules

MINUTE_MS = 60_000
CUTS = ("issue", "region", "issue+region")
# 1,000 usual contacts: three issues in two regions, each leaf a sixth or so.
USUAL = {
    "issue\x1finvoice": 400.0,
    "issue\x1flogin": 400.0,
    "issue\x1frefund": 200.0,
    "region\x1fnorth": 500.0,
    "region\x1fsouth": 500.0,
    "issue+region\x1finvoice\x1fnorth": 200.0,
    "issue+region\x1finvoice\x1fsouth": 200.0,
    "issue+region\x1flogin\x1fnorth": 200.0,
    "issue+region\x1flogin\x1fsouth": 200.0,
    "issue+region\x1frefund\x1fnorth": 100.0,
    "issue+region\x1frefund\x1fsouth": 100.0,
}


def seen(more: dict[tuple[str, str], int]) -> dict[str, int]:
    """A tenth of the usual contacts, and more in some leaves."""
    counts = {series: int(n / 10) for series, n in USUAL.items()}
    for (issue, region), n in more.items():
        for series in (f"issue\x1f{issue}", f"region\x1f{region}", f"issue+region\x1f{issue}\x1f{region}"):
            counts[series] += n
    return counts


def named(told: Told, counts: dict[str, int], min_cell: int = 0) -> list[tuple[dict[str, str], float]]:
    return [(part.series, part.share) for part in contributions(told, counts, USUAL, CUTS, min_cell)]


def test_the_leaf_that_carries_the_excess_is_named_alone() -> None:
    # 20 expected of refunds and of the north alike, 10 of both together: 60 more there say most of the leaf.
    told = Told("total", True, 160, 100)
    (part,) = contributions(told, seen({("refund", "north"): 60}), USUAL, CUTS)
    assert (part.series, part.observed, part.expected) == ({"issue": "refund", "region": "north"}, 70, 10.0)
    assert (part.share, part.usual_share) == (1.0, 0.1)


def test_an_issue_that_rises_in_all_regions_is_named_and_not_its_leaves() -> None:
    counts = seen({("refund", "north"): 30, ("refund", "south"): 30})
    assert named(Told("total", True, 160, 100), counts) == [({"issue": "refund"}, 1.0)]


def test_two_causes_are_both_named_the_greater_first() -> None:
    counts = seen({("refund", "north"): 60, ("login", "south"): 40})
    expected = [({"issue": "refund", "region": "north"}, 0.6), ({"issue": "login", "region": "south"}, 0.4)]
    assert expected == named(Told("total", True, 200, 100), counts)


def test_an_even_rise_is_told_by_the_largest_parts_whose_share_is_the_usual_one() -> None:
    counts = {series: int(n / 5) for series, n in USUAL.items()}
    parts = contributions(Told("total", True, 200, 100), counts, USUAL, CUTS)
    assert [(part.series["issue"], part.share, part.usual_share) for part in parts] == [
        ("invoice", 0.4, 0.4),
        ("login", 0.4, 0.4),
        ("refund", 0.2, 0.2),
    ]


def test_what_stays_away_is_named_of_a_dip() -> None:
    counts = seen({("login", "south"): -20})
    assert named(Told("total", False, 80, 100), counts) == [({"issue": "login", "region": "south"}, 1.0)]


def test_an_alert_of_an_issue_is_explained_by_its_region_and_never_by_another_issue() -> None:
    counts = seen({("invoice", "south"): 60, ("login", "north"): 90})
    told = Told("issue\x1finvoice", True, 100, 40)
    assert named(told, counts) == [({"issue": "invoice", "region": "south"}, 1.0)]


def test_a_part_of_few_people_is_not_named() -> None:
    told, counts = Told("total", False, 83, 100), seen({("login", "south"): -17})
    assert named(told, counts, min_cell=0)[0][0] == {"issue": "login", "region": "south"}  # 3 contacts are left of 20
    assert {"issue": "login", "region": "south"} not in [series for series, _ in named(told, counts, min_cell=5)]


def minute(more: int = 0) -> dict[str, int]:
    """Ten contacts of the north and ten of the south, and more of the south."""
    return {"total": 20 + more, "region\x1fnorth": 10, "region\x1fsouth": 10 + more}


RULES = ContributionRules(cuts=("region",), min_cell=0)


def explained(rows: ContributionRows, onset: int, end: int) -> list[tuple[str, int, float]]:
    told = Told("total", True, 40 * (end - onset), 20 * (end - onset))
    parts = rows.explain(told, onset * MINUTE_MS, end * MINUTE_MS)
    return [(part.series["region"], part.observed, part.usual_share) for part in parts]


def test_a_new_worker_explains_as_the_one_before_would_have() -> None:
    store: dict[bytes, bytes] = {}
    rows = ContributionRows(store, RULES)
    for number in range(300):
        rows.take(number * MINUTE_MS, minute(20 if number >= 290 else 0))
    rows.drain()
    assert explained(rows, 290, 300) == [("south", 300, 0.5)]
    assert explained(ContributionRows(store, RULES), 290, 300) == [("south", 300, 0.5)]


def test_minutes_of_an_incident_do_not_become_usual() -> None:
    rows = ContributionRows({}, RULES)
    for number in range(400):
        rows.take(number * MINUTE_MS, minute(80 if 100 <= number < 200 else 20 if number >= 390 else 0))
        if 105 <= number < 200:
            rows.spoil(100 * MINUTE_MS)
        rows.drain()
    assert explained(rows, 390, 400) == [("south", 300, 0.5)]


def test_memory_stays_two_hours_of_minutes_and_a_mean() -> None:
    store: dict[bytes, bytes] = {}
    rows = ContributionRows(store, RULES)
    for number in range(1000):
        rows.take(number * MINUTE_MS, minute())
        rows.drain()
        assert len(store) <= 120 + len(RULES.cuts) + 1


def test_without_cuts_nothing_is_kept() -> None:
    store: dict[bytes, bytes] = {}
    rows = ContributionRows(store, ContributionRules(cuts=(), min_cell=0))
    rows.take(0, minute())
    rows.drain()
    assert store == {}


def test_the_default_cuts_are_those_of_the_rules_for_tests() -> None:
    expected = CONTRIBUTION
    assert expected == rules.detect_rules(settings.load([], {})).contribution

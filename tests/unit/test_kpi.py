"""KPIs by example: what each is for a given cell, when it is null, its interval, band and variant."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from streams.core import measure as m
from streams.core import measure_journey as j
from streams.core.kpi import Band, KpiRules, QueueNow, band_of, kpis, kpis_of, rules_in, service_level_variant, wilson
from streams.core.kpi_sums import net_limits
from streams.core.kpi_table import KPIS, ServiceLevel
from streams.core.measure import Cell
from streams.core.measure_journey import of_window
from streams.core.trend import LIVE, LONG, TUMBLING, KpiValue

BANDS = {"service_level": Band("up", 0.8, 0.7), "asa": Band("down", 20.0, 60.0)}
WINDOW_KINDS = (*TUMBLING, *LONG, *LIVE)
RULES = KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands=BANDS)

DAY: Cell = {
    m.OFFERED: 12, m.QUEUED: 10, m.ANSWERED: 8, m.ABANDONED: 2, m.SHORT_ABANDONED: 1, m.ANSWERED_IN_TARGET: 7,
    m.ABANDONED_IN_TARGET: 1, m.WAIT_MS: 240_000, m.HANDLED: 5, m.TALK_MS: 500_000, m.HOLD_MS: 50_000, m.WRAP_MS: 100_000,
    m.CSAT_1: 1, m.CSAT_1 + 3: 2, m.CSAT_1 + 4: 1, m.TRANSFERRED: 1, m.ESCALATED: 2, m.REOPENED: 3, m.RESOLUTIONS: 4,
    m.RESOLUTION_MS: 8_000_000, m.BOT_HANDLED: 4, m.CONTAINED: 1, m.FLOWED_OUT: 2, m.NPS_0: 1, m.NPS_0 + 6: 1, m.NPS_0 + 7: 1,
    m.NPS_0 + 9: 3, m.NPS_0 + 10: 2, m.SENTIMENTS: 4, m.SENTIMENT_MICRO: -1_000_000, m.SENTIMENTS_NEGATIVE: 3,
    m.SENTIMENTS_AFTER: 1,
    m.SENTIMENT_AFTER_MICRO: 500_000, m.FIRST_REPLIES: 2, m.FIRST_REPLY_MS: 90_000, m.SURVEY_RESOLVED: 3, m.SURVEY_UNRESOLVED: 1,
    m.TICKETS_RESOLVED: 4, m.ONE_TOUCH: 1,
}  # fmt: skip


def sketch(base: int, *values_ms: int) -> Cell:
    cell: Cell = {}
    for value_ms in values_ms:
        m.add(cell, {base + m.sketch_index(value_ms): 1})
    return cell


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("offered", 12.0, 12),
        ("answered", 8.0, 8),
        ("abandoned", 2.0, 2),
        ("short_abandoned", 1.0, 1),
        ("service_level", 0.8, 10),  # (7 + 1) / 10
        ("abandonment", 1 / 9, 9),  # (2 - 1) / (10 - 1)
        ("asa", 30.0, 8),  # 240 s / 8
        ("aht", 130.0, 5),  # (500 + 50 + 100) s / 5
        ("aht_without_wrap", 110.0, 5),
        ("csat", 0.75, 4),
        ("csat_mean", 3.5, 4),  # (1 + 4 + 4 + 5) / 4
        ("nps", 37.5, 8),  # 5 of 8 - 2 of 8
        ("fcr_survey", 0.75, 4),
        ("fcr_ticket", 0.25, 4),
        ("transfer_rate", 0.2, 5),
        ("escalation_rate", 0.4, 5),
        ("reopen_rate", 0.6, 5),
        ("resolution_time", 2000.0, 4),
        ("containment", 0.25, 4),
        ("sentiment", -0.25, 4),
        ("sentiment_after", 0.5, 1),
        ("sentiment_negative", 0.75, 4),
        ("first_reply", 45.0, 2),
    ],
)
def test_a_kpi_is_its_formula(name: str, value: float, n: int) -> None:
    found = kpis(DAY, RULES, "total")[name]
    assert (value, n) == (found.value, found.n)


@pytest.mark.parametrize(
    ("variant", "value", "n"),
    [
        ("A", 8 / 10, 10),
        ("B", 7 / 10, 10),  # 7 of 8 answered + 2 abandoned
        ("B-short", 7 / 9, 9),
        ("B+flow", 7 / 12, 12),
        ("B-short+flow", 7 / 11, 11),
        ("C", 7 / 11, 11),  # of 12 offered - 1 short
        ("D", 7 / 8, 8),
        ("E", 7 / 10, 10),
    ],
)
def test_the_service_level_is_the_one_that_the_settings_choose(variant: ServiceLevel, value: float, n: int) -> None:
    found = kpis(DAY, structs.replace(RULES, service_level=variant), "total")["service_level"]
    assert (value, n, f"{variant}/20s") == (found.value, found.n, found.variant)


def test_the_abandonment_rate_may_count_short_abandons_in_both() -> None:
    found = kpis(DAY, structs.replace(RULES, abandonment="with_short"), "total")["abandonment"]
    assert (found.value, found.n, found.variant) == (0.2, 10, "with short < 5s")


def test_a_mean_answer_is_labelled_as_such_and_has_an_interval_from_thirty_answers_on() -> None:
    few, many = (kpis({m.CSAT_1 + 3: n, m.CSAT_1 + 4: n}, RULES, "total")["csat_mean"] for n in (14, 15))
    assert KpiValue(4.5, 28, variant="mean") == few
    assert (many.value, many.n, round(many.low or 0, 3), round(many.high or 0, 3)) == (4.5, 30, 4.318, 4.682)


@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.7, 0.2, 0.1), (0.9, 0.1, 0.0)])
@pytest.mark.parametrize("n", [10, 30, 200])
def test_the_interval_of_the_net_promoter_score_holds_the_truth_in_92_of_100_samples_and_more(
    shares: tuple[float, float, float], n: int
) -> None:
    answers = np.random.default_rng(n).multinomial(n, shares, size=20_000)
    low, high = net_limits(answers[:, 0], answers[:, 2], np.full(20_000, n))
    assert ((low <= shares[0] - shares[2]) & (shares[0] - shares[2] <= high)).mean() >= 0.92


@pytest.mark.parametrize("weights", [(1, 1, 1, 1, 1), (1, 1, 2, 5, 11), (6, 1, 1, 1, 6)])
def test_the_interval_of_the_mean_answer_holds_the_truth_in_some_95_of_100_samples(weights: tuple[int, ...]) -> None:
    chance, held = Random(30), 0
    truth = sum(answer * weight for answer, weight in enumerate(weights, 1)) / sum(weights)
    for _ in range(1_000):
        answers = Counter(chance.choices(range(5), weights, k=30))
        found = kpis({m.CSAT_1 + answer: n for answer, n in answers.items()}, RULES, "total")["csat_mean"]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 925 <= held <= 975


def test_ratios_means_and_percentiles_without_contacts_are_null_and_counts_are_zero() -> None:
    found = kpis({}, RULES, "total", QueueNow(0, 0.0))
    counts = {"offered", "answered", "abandoned", "short_abandoned", "contacts_in_queue", "backlog"}
    assert {name: (0.0 if name in counts else None) for name in found} == {name: kpi.value for name, kpi in found.items()}
    assert {0} == {kpi.n for kpi in found.values()}
    assert {None} == {kpi.low for kpi in found.values()}


def test_there_is_one_value_for_each_definition() -> None:
    assert [kpi.name for kpi in KPIS if kpi.shape != "reader"] == list(kpis(DAY, RULES, "total", QueueNow(3, 61.5)))


def test_who_waits_now_is_told_in_live_windows_only() -> None:
    found = kpis(DAY, RULES, "total", QueueNow(3, 61.5))
    assert (KpiValue(3.0, 3), KpiValue(61.5, 3)) == (found["contacts_in_queue"], found["oldest_in_queue"])
    assert "contacts_in_queue" not in kpis(DAY, RULES, "total")


@pytest.mark.parametrize(("n", "low", "high"), [(10, 0.49, 0.94), (100, 0.71, 0.87), (400, 0.76, 0.84)])
def test_the_interval_of_80_percent_narrows_with_n(n: int, low: float, high: float) -> None:
    assert (low, high) == tuple(round(limit, 2) for limit in wilson(0.8 * n, n))


def test_a_ratio_above_one_is_published_as_it_is_with_the_interval_of_one() -> None:
    found = kpis({m.QUEUED: 2, m.ANSWERED_IN_TARGET: 3}, RULES, "total")["service_level"]
    assert found.value == 1.5
    low, high = wilson(2, 2)
    assert (found.low, found.high) == (round(low, 6), high)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 2000)), min_size=1, max_size=4))
def test_kpis_of_many_series_are_those_of_each(ratios: list[tuple[int, int]]) -> None:
    cells: list[Cell] = [{m.HANDLED: n, m.TRANSFERRED: hits, m.CSAT_1 + hits % 5: n} for hits, n in ratios]
    names = ["total"] * len(cells)
    together = kpis_of(cells, RULES, names, [None] * len(cells), 0)
    assert together == [kpis(cell, RULES, "total") for cell in cells]
    limits = [tuple(round(limit, 6) for limit in wilson(hits, n)) for hits, n in ratios]
    assert limits == [(found["transfer_rate"].low, found["transfer_rate"].high) for found in together]


def test_percentiles_and_the_longest_wait_are_within_one_percent() -> None:
    cell = sketch(m.WAIT_SKETCH, *range(1_000, 101_000, 1_000)) | sketch(m.ABANDON_SKETCH, 240_000)
    cell |= sketch(m.HANDLE_SKETCH, 60_000, 120_000, 600_000)
    found = kpis(cell, RULES, "total")
    seconds = {"wait_p50": 50, "wait_p90": 90, "wait_p95": 95, "longest_wait": 240, "handle_p50": 120, "handle_p90": 120}
    assert seconds == {name: pytest.approx(found[name].value, rel=0.0101) for name in seconds}
    assert (found["wait_p95"].n, found["longest_wait"].n, found["handle_p50"].n) == (100, 101, 3)


@given(st.dictionaries(st.integers(m.WAIT_SKETCH, m.WAIT_SKETCH + m.SKETCH_SIZE - 1), st.integers(-1, 5).filter(bool)))
def test_percentiles_are_those_of_the_measure(cell: Cell) -> None:
    found = kpis(cell, RULES, "total")
    expected = m.sketch_quantiles(cell, m.WAIT_SKETCH, (0.5, 0.9, 0.95))
    assert [None if ms is None else ms / 1000 for ms in expected] == [found[f"wait_p{p}"].value for p in (50, 90, 95)]


@pytest.mark.parametrize(
    ("value", "band", "expected"),
    [
        (0.80, BANDS["service_level"], "high"),
        (0.75, BANDS["service_level"], "moderate"),
        (0.69, BANDS["service_level"], "low"),
        (20.0, BANDS["asa"], "high"),
        (60.0, BANDS["asa"], "moderate"),
        (60.1, BANDS["asa"], "low"),
        (None, BANDS["asa"], None),
        (0.5, None, None),
    ],
)
def test_a_value_on_a_limit_is_in_the_better_band(value: float | None, band: Band | None, expected: str | None) -> None:
    assert expected == band_of(value, band)


@pytest.mark.parametrize(
    ("series", "targets", "expected"),
    [
        ("total", {}, "A/20s"),
        ("queue\x1fbilling", {"billing": 30}, "A/30s"),
        ("channel+queue\x1fvoice\x1fsales", {"billing": 30}, "A/20s"),
        ("total", {"billing": 30}, "A/by queue"),
    ],
)
def test_the_variant_names_the_target(series: str, targets: dict[str, int], expected: str) -> None:
    rules = KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds=targets, bands={})
    assert expected == service_level_variant(series, rules)


def test_a_cut_or_a_series_may_have_bands_of_its_own() -> None:
    own = {"queue": {"transfer_rate": Band("down", 0.1, 0.2)}, "queue\x1fsales": {"transfer_rate": Band("down", 0.4, 0.6)}}
    rules = structs.replace(RULES, own_bands=own)
    cell = {m.HANDLED: 10, m.TRANSFERRED: 3}
    bands = [kpis(cell, rules, series)["transfer_rate"].band for series in ("total", "queue\x1fbilling", "queue\x1fsales")]
    assert bands == [None, "low", "high"]


def test_a_band_holds_in_the_windows_that_it_is_made_for() -> None:
    of_days = Band("down", 0.1, 0.2, ("1d", "today"))
    rules = structs.replace(RULES, bands={"transfer_rate": of_days}, own_bands={"queue": {"reopen_rate": of_days}})
    cell = {m.HANDLED: 10, m.TRANSFERRED: 3, m.REOPENED: 1}
    found = {kind: kpis(cell, rules_in(rules, kind), "queue\x1fsales") for kind in WINDOW_KINDS}
    bands = {kind: (of_kind["transfer_rate"].band, of_kind["reopen_rate"].band) for kind, of_kind in found.items()}
    assert {kind for kind, of_kind in bands.items() if of_kind != (None, None)} == {"1d", "today"}
    assert bands["1d"] == ("low", "high")


def test_the_interaction_rate_is_of_the_customers_seen_where_none_are_given() -> None:
    cell = of_window({m.OFFERED: 12, j.DAY_CUSTOMERS: 3, j.DAY_CUSTOMERS + 1: 1, j.MONTH_CUSTOMERS: 2}, "1mo")
    names = ("interaction_rate", "interaction_rate_net", "customer_reach")
    rules = structs.replace(RULES, bands={"interaction_rate": Band("up", 0.8, 0.6)})
    seen = [kpis(cell, rules, "total")[name] for name in names]
    assert seen == [
        KpiValue(6.0, 2, variant="of customers seen"),
        KpiValue(2.0, 2, variant="of customers seen"),
        KpiValue(None, 0),
    ]
    given_rules = structs.replace(rules, segment_customers={"private": 40})
    of_given = [kpis(cell, given_rules, "total")[name] for name in names]
    assert of_given == [KpiValue(0.3, 40, band="low"), KpiValue(0.1, 40), KpiValue(0.05, 40)]


def test_the_interaction_rate_of_a_segment_is_of_the_segments_own_customers_in_every_cut_that_holds_it() -> None:
    cell = of_window({m.OFFERED: 12, j.DAY_CUSTOMERS: 3, j.MONTH_CUSTOMERS: 2}, "1mo")
    rules = structs.replace(RULES, segment_customers={"private": 40, "business": 10})
    private, all_customers, nobodys = [(0.3, 40), (0.075, 40), (0.05, 40)], [(0.24, 50), (0.06, 50), (0.04, 50)], [(None, 0)] * 3
    for series, expected in (
        ("segment\x1fprivate", private),
        ("channel+segment\x1fvoice\x1fprivate", private),
        ("segment+region+age_band\x1fprivate\x1fsouth\x1f30-39", private),
        ("channel\x1fprivate", all_customers),  # no segment, but a channel of that name
        ("segment\x1funknown", nobodys),
    ):
        found = kpis(cell, rules, series)
        names = ("interaction_rate", "interaction_rate_net", "customer_reach")
        assert [(found[name].value, found[name].n) for name in names] == expected

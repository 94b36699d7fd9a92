"""edge.prometheus: latest records in, samples out."""

import pytest
from alert_made_up import made_up_alert
from forecast_rules import forecast_day
from prometheus_client import CollectorRegistry

from streams.core.alert import Alert, AlertState, Severity
from streams.core.forecast_score import Accuracy
from streams.core.measure import HANDLE_BOUNDARIES_MS, WAIT_BOUNDARIES_MS
from streams.core.trend import Expectation, KpiValue, Trend, Window, WindowKind
from streams.edge import metrics
from streams.edge.prometheus import SERIES_MAX, BusinessCollector

DAY_MS = 86_400_000
PLACE = {"channel": "voice", "queue": "billing"}


@pytest.fixture
def registry() -> CollectorRegistry:
    """An empty registry."""
    return CollectorRegistry()


@pytest.fixture
def collector(registry: CollectorRegistry) -> BusinessCollector:
    """A collector in the registry."""
    return BusinessCollector(registry)


def trend(
    revision: int,
    *,
    day: int = 0,
    queue: str = "billing",
    kind: WindowKind = "today",
    waits: tuple[int, ...] = (),
    **measures: int,
) -> Trend:
    """Today of voice contacts of one queue."""
    return Trend(
        cut="channel+queue",
        series={"channel": "voice", "queue": queue},
        window=Window(kind, day * DAY_MS, (day + 1) * DAY_MS, "UTC"),
        final=False,
        revision=revision,
        measures=measures,
        kpis={"contacts_in_queue": KpiValue(4.0, 4), "oldest_in_queue": KpiValue(None, 0)},
        waits=[*waits, *[0] * (len(WAIT_BOUNDARIES_MS) + 1 - len(waits))],
        handles=[0] * len(HANDLE_BOUNDARIES_MS) + [1],
        watermark_ms=0,
        read_ms=None,
        published_ms=0,
    )


def minute(cut: str, series: dict[str, str], start_ms: int = 0, actual: int = 3) -> Expectation:
    """Three contacts where five were expected."""
    return Expectation(
        cut=cut,
        series=series,
        start_ms=start_ms,
        end_ms=start_ms + 60_000,
        actual=actual,
        expected=5.0,
        low=1.0,
        high=9.5,
        published_ms=0,
    )


def alert(version: int, state: AlertState, alert_id: str = "a", severity: Severity = "warning") -> Alert:
    """A spike in billing."""
    return made_up_alert(version=version, state=state, alert_id=alert_id, severity=severity)


def test_counters_are_the_totals_of_today(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    collector.update(
        "trends", 0, trend(1, offered=9, queued=8, answered=6, abandoned=2, csat_1=1, csat_2=1, csat_5=3, nps_6=1, nps_10=2)
    )
    value = registry.get_sample_value
    assert value("streams_contacts_offered_total", PLACE) == 9
    assert value("streams_contacts_queued_total", PLACE) == 8
    assert value("streams_contacts_answered_total", PLACE) == 6
    assert value("streams_contacts_abandoned_total", PLACE) == 2
    assert value("streams_contacts_short_abandoned_total", PLACE) == 0
    assert value("streams_contacts_in_queue", PLACE) == 4
    assert value("streams_oldest_wait_seconds", PLACE) == 0
    answers = [value("streams_csat_answers_total", PLACE | {"score_band": band}) for band in ("negative", "neutral", "positive")]
    assert answers == [2, 0, 3]
    groups = [value("streams_nps_answers_total", PLACE | {"group": group}) for group in ("detractor", "passive", "promoter")]
    assert groups == [1, 0, 2]


def test_histograms_are_cumulative_with_sums_in_seconds(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    collector.update("trends", 0, trend(1, waits=(2, 1), wait_ms=4_500, talk_ms=4_000_000, hold_ms=1_000, wrap_ms=500))
    value = registry.get_sample_value
    assert value("streams_wait_seconds_bucket", PLACE | {"le": "1.0"}) == 2
    assert value("streams_wait_seconds_bucket", PLACE | {"le": "5.0"}) == 3
    assert value("streams_wait_seconds_bucket", PLACE | {"le": "+Inf"}) == 3
    assert value("streams_wait_seconds_count", PLACE) == 3
    assert value("streams_wait_seconds_sum", PLACE) == 4.5
    assert value("streams_handle_seconds_bucket", PLACE | {"le": "3600.0"}) == 0
    assert value("streams_handle_seconds_count", PLACE) == 1
    assert value("streams_handle_seconds_sum", PLACE) == 4001.5


def test_a_counter_goes_down_at_midnight_only(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    totals = []
    for record in (
        trend(1, offered=9),
        trend(2, offered=8),
        trend(3, offered=10),
        trend(4, day=1, offered=1),
        trend(9, offered=11),
    ):
        collector.update("trends", 0, record)
        totals.append(registry.get_sample_value("streams_contacts_offered_total", PLACE))
    assert totals == [9, 9, 10, 1, 1]


def test_buckets_never_go_down_within_a_day(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    collector.update("trends", 0, trend(1, waits=(2, 1)))
    collector.update("trends", 0, trend(2, waits=(1, 3)))
    assert registry.get_sample_value("streams_wait_seconds_count", PLACE) == 5
    collector.update("trends", 0, trend(3, day=1, waits=(1,)))
    assert registry.get_sample_value("streams_wait_seconds_count", PLACE) == 1


def test_an_older_revision_never_wins(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    collector.update("trends", 0, trend(5, offered=9))
    collector.update("trends", 0, trend(4, offered=20))
    assert registry.get_sample_value("streams_contacts_offered_total", PLACE) == 9


def test_other_windows_and_cuts_are_not_exposed(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    collector.update("trends", 0, trend(1, kind="1d", offered=9))
    collector.update("expectations", 0, minute("issue", {"issue": "refund"}))
    assert registry.get_sample_value("streams_contacts_offered_total", PLACE) is None
    assert registry.get_sample_value("streams_contacts_expected", {"cut": "issue", "channel": "", "queue": ""}) is None


def test_expected_contacts_carry_the_labels_that_their_cut_has(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    collector.update("expectations", 0, minute("total", {}))
    collector.update("expectations", 1, minute("queue", {"queue": "billing"}, start_ms=60_000, actual=4))
    collector.update("expectations", 1, minute("queue", {"queue": "billing"}, start_ms=0, actual=99))
    total, billing = {"cut": "total", "channel": "", "queue": ""}, {"cut": "queue", "channel": "", "queue": "billing"}
    names = ("observed", "expected", "expected_low", "expected_high")
    assert [registry.get_sample_value(f"streams_contacts_{name}", total) for name in names] == [3, 5, 1, 9.5]
    assert registry.get_sample_value("streams_contacts_observed", billing) == 4


def test_firing_alerts_are_counted_and_resolved_ones_go(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    def firing(queue: str, severity: str = "warning") -> float | None:
        labels = {"kind": "spike", "severity": severity, "queue": queue, "channel": ""}
        return registry.get_sample_value("streams_alert_firing", labels)

    assert [firing(""), firing("billing")] == [0, None]
    collector.update("alerts", 0, alert(1, "pending"))
    assert firing("billing") is None
    collector.update("alerts", 0, alert(2, "firing"))
    collector.update("alerts", 1, alert(2, "firing", "b"))
    assert firing("billing") == 2
    collector.update("alerts", 0, alert(3, "firing", severity="critical"))
    assert [firing("billing"), firing("billing", "critical")] == [1, 1]
    collector.update("alerts", 0, alert(2, "firing"))
    collector.update("alerts", 0, alert(4, "resolved"))
    collector.update("alerts", 1, alert(3, "resolved", "b"))
    assert [firing("billing"), firing("billing", "critical")] == [None, None]


def test_series_go_when_their_partition_moves(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    collector.update("trends", 0, trend(1, offered=9))
    collector.update("trends", 1, trend(1, queue="sales", offered=2))
    collector.update("alerts", 0, alert(2, "firing"))
    collector.drop("trends", 0)
    collector.drop("alerts", 0)
    assert registry.get_sample_value("streams_contacts_offered_total", PLACE) is None
    assert registry.get_sample_value("streams_contacts_offered_total", {"channel": "voice", "queue": "sales"}) == 2
    firing = {"kind": "spike", "severity": "warning", "queue": "billing", "channel": ""}
    assert registry.get_sample_value("streams_alert_firing", firing) is None


def test_forecasts_are_summed_over_each_horizon_and_go_with_their_partition(
    registry: CollectorRegistry, collector: BusinessCollector
) -> None:
    hour, labels = 3_600_000, {"cut": "queue", "channel": "", "queue": "billing"}
    today = tuple(hour * number for number in range(20, 24))
    tomorrow = tuple(hour * number for number in range(24, 48))
    collector.update("forecasts", 0, forecast_day("queue", {"queue": "billing"}, "1970-01-01", today, today[0]))
    collector.update("forecasts", 0, forecast_day("queue", {"queue": "billing"}, "1970-01-02", tomorrow, today[0]))
    collector.update("forecasts", 0, forecast_day("issue", {"issue": "refund"}, "1970-01-02", tomorrow, today[0]))

    found = [registry.get_sample_value("streams_contacts_forecast", {**labels, "horizon": h}) for h in ("1h", "3h", "1d")]
    assert found == [100, 100, 200]
    later = tomorrow[1:]
    collector.update("forecasts", 0, forecast_day("queue", {"queue": "billing"}, "1970-01-02", later, later[0]))
    assert registry.get_sample_value("streams_contacts_forecast", {**labels, "horizon": "1d"}) == 100  # yesterday is over
    collector.drop("forecasts", 0)
    assert registry.get_sample_value("streams_contacts_forecast", {**labels, "horizon": "1d"}) is None


def test_how_good_forecasts_were_is_told_by_how_far_they_looked_ahead(
    registry: CollectorRegistry, collector: BusinessCollector
) -> None:
    known = Accuracy(minutes=180, slots=96, error=0.11, within_80=0.79, within_95=0.96)
    collector.update("forecasts", 0, forecast_day("queue", {"queue": "billing"}, accuracy=(known,)))
    collector.update("forecasts", 0, forecast_day("queue", {"queue": "billing"}, "2026-03-03", (86_400_000,)))

    labels = {"cut": "queue", "channel": "", "queue": "billing", "ahead": "3h"}
    assert registry.get_sample_value("streams_forecast_error_ratio", labels) == 0.11
    found = [registry.get_sample_value("streams_forecast_coverage_ratio", {**labels, "band": band}) for band in ("80", "95")]
    assert found == [0.79, 0.96]


def test_series_beyond_the_cap_are_hidden_and_counted(registry: CollectorRegistry, collector: BusinessCollector) -> None:
    for number in range(SERIES_MAX + 3):
        collector.update("trends", 0, trend(1, queue=f"queue {number}", offered=1))
    assert registry.get_sample_value("streams_series_hidden", {}) == 3
    assert (
        registry.get_sample_value("streams_contacts_offered_total", {"channel": "voice", "queue": f"queue {SERIES_MAX}"}) is None
    )


def test_every_business_metric_is_there_from_the_start(collector: BusinessCollector) -> None:
    exposed = {f"{family.name}_total" if family.type == "counter" else family.name for family in collector.collect()}
    assert exposed == {metric.name for metric in metrics.BUSINESS}

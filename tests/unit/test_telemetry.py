"""edge.telemetry and edge.health: facts in, exposition, log lines and health out."""

import logging

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from streams.edge import metrics
from streams.edge.health import StageHealth
from streams.edge.telemetry import Telemetry, make_registry

STAGES = {"intake": ("interactions",), "merge": ("partials",)}


@pytest.fixture
def registry() -> CollectorRegistry:
    """A fresh registry."""
    return make_registry()


@pytest.fixture
def telemetry(registry: CollectorRegistry) -> Telemetry:
    """Telemetry of two stages and one publisher."""
    return Telemetry(registry, STAGES, ["redis"])


def test_known_label_values_start_at_0(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    assert telemetry is not None
    assert registry.get_sample_value("streams_events_rejected_total", {"reason": "not_json"}) == 0
    assert registry.get_sample_value("streams_events_rejected_total", {"reason": "unknown_source"}) == 0
    assert registry.get_sample_value("streams_events_late_total", {"window": "15m"}) == 0
    assert registry.get_sample_value("streams_windows_closed_total", {"window": "1d"}) == 0
    assert registry.get_sample_value("streams_events_consumed_total", {"topic": "interactions"}) == 0
    assert registry.get_sample_value("streams_publisher_up", {"publisher": "redis"}) == 0
    assert registry.get_sample_value("streams_publisher_failures_total", {"publisher": "redis"}) == 0
    assert registry.get_sample_value("streams_flush_seconds_count", {"stage": "merge"}) == 0


def test_every_fact_arrives_in_its_metric(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    telemetry.consumed("interactions", 5)
    telemetry.accepted(4)
    telemetry.rejected("bad_time", 1)
    telemetry.late("1m", 2)
    telemetry.duplicates(3)
    telemetry.too_late(8)
    telemetry.capped("issue", 9)
    telemetry.contradictions("answered_twice", 1)
    telemetry.watermark("merge", 0, 1_767_225_600_500)
    telemetry.windows_closed("1h", 6)
    telemetry.partials_sent(7)
    telemetry.flushed("intake", 0.2)
    telemetry.recovered("intake", 0, 1.5, 10)
    telemetry.entries("intake", 99)
    telemetry.freshness(0.6)
    telemetry.heartbeat("intake", 2_000)
    telemetry.build_info("0.1.0")
    telemetry.config_info("abc")
    samples: list[tuple[str, dict[str, str], float]] = [
        ("streams_events_consumed_total", {"topic": "interactions"}, 5),
        ("streams_events_accepted_total", {}, 4),
        ("streams_events_rejected_total", {"reason": "bad_time"}, 1),
        ("streams_events_late_total", {"window": "1m"}, 2),
        ("streams_events_duplicate_total", {}, 3),
        ("streams_events_too_late_total", {}, 8),
        ("streams_series_capped_total", {"cut": "issue"}, 9),
        ("streams_contradictions_total", {"kind": "answered_twice"}, 1),
        ("streams_watermark_timestamp_seconds", {"stage": "merge"}, 1_767_225_600.5),
        ("streams_windows_closed_total", {"window": "1h"}, 6),
        ("streams_partials_sent_total", {}, 7),
        ("streams_flush_seconds_bucket", {"stage": "intake", "le": "0.25"}, 1),
        ("streams_flush_seconds_bucket", {"stage": "intake", "le": "0.1"}, 0),
        ("streams_recovery_seconds", {"stage": "intake"}, 1.5),
        ("streams_state_entries", {"stage": "intake"}, 99),
        ("streams_freshness_seconds_sum", {}, 0.6),
        ("streams_heartbeat_timestamp_seconds", {"stage": "intake"}, 2),
        ("streams_build_info", {"version": "0.1.0"}, 1),
        ("streams_config_info", {"fingerprint": "abc"}, 1),
    ]
    assert [(name, labels, registry.get_sample_value(name, labels)) for name, labels, _ in samples] == samples


def test_only_listed_names_are_exposed(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    telemetry.rejected("bad_time", 1)
    exposed = {line.split()[2] for line in generate_latest(registry).decode().splitlines() if line.startswith("# TYPE streams_")}
    assert exposed == {metric.name for metric in metrics.PIPELINE}
    assert "_created" not in generate_latest(registry).decode()


def test_lag_of_a_partition_goes_when_the_partition_does(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    def lags() -> list[float | None]:
        labels = [{"topic": "interactions", "partition": partition} for partition in ("0", "1")]
        return [registry.get_sample_value("streams_consumer_lag_records", one) for one in labels]

    telemetry.assigned("intake", 2)
    telemetry.lag("interactions", 0, 3)
    telemetry.lag("interactions", 1, 4)
    assert lags() == [3, 4]
    telemetry.assigned("merge", 1)
    assert lags() == [3, 4]
    telemetry.assigned("intake", 1)
    assert lags() == [None, None]
    telemetry.lag("interactions", 1, 4)
    assert lags() == [None, 4]
    telemetry.lag("interactions", 1, -1)
    assert lags() == [None, None]


def test_the_watermark_of_a_stage_is_the_lowest_of_its_partitions_and_goes_with_them(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    def shown() -> float | None:
        return registry.get_sample_value("streams_watermark_timestamp_seconds", {"stage": "intake"})

    telemetry.watermark("intake", 0, 7_000)
    telemetry.watermark("intake", 1, 5_000)
    assert shown() == 5
    telemetry.assigned("merge", 1)
    assert shown() == 5
    telemetry.assigned("intake", 1)
    assert shown() is None
    telemetry.watermark("intake", 0, 8_000)
    assert shown() == 8


def test_each_time_that_partitions_come_or_go_is_counted(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    for partitions in (4, 2, 4):
        telemetry.assigned("intake", partitions)
    assert registry.get_sample_value("streams_rebalances_total", {"stage": "intake"}) == 3
    assert registry.get_sample_value("streams_rebalances_total", {"stage": "merge"}) == 0


def test_a_flood_of_rejects_gives_a_line_per_digit(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "streams"):
        for _ in range(250):
            telemetry.rejected("not_json", 1)
    assert [record.message for record in caplog.records] == [
        "rejected kind=not_json total=1",
        "rejected kind=not_json total=10",
        "rejected kind=not_json total=100",
    ]


def test_a_publisher_is_logged_when_its_state_changes(
    registry: CollectorRegistry, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "streams"):
        for up in (False, False, True, True, False):
            telemetry.publisher("redis", up, "" if up else "no answer")
            telemetry.outbox("redis", 5, 2)
    assert [record.message for record in caplog.records] == [
        "publisher down name=redis problem=no answer",
        "dropped kind=redis total=2",
        "publisher up name=redis",
        "publisher down name=redis problem=no answer",
    ]
    assert registry.get_sample_value("streams_publisher_failures_total", {"publisher": "redis"}) == 3
    assert registry.get_sample_value("streams_publisher_waiting_records", {"publisher": "redis"}) == 5
    assert registry.get_sample_value("streams_publisher_dropped_total", {"publisher": "redis"}) == 2


def test_kinds_of_contradictions_are_capped(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    for number in range(60):
        telemetry.contradictions(f"kind_{number}", 1)
    assert registry.get_sample_value("streams_contradictions_total", {"kind": "kind_49"}) == 1
    assert registry.get_sample_value("streams_contradictions_total", {"kind": "other"}) == 10


def test_a_worker_is_ready_when_it_knows_what_it_owns_be_it_nothing(telemetry: Telemetry) -> None:
    assert (telemetry.health(0).ok, telemetry.health(0).ready) == (True, False)
    for stage in ("intake",):
        telemetry.assigned(stage, 0)
    assert not telemetry.health(1_000).ready, "one stage still recovers"
    telemetry.assigned("merge", 2)
    assert telemetry.health(1_000).ready


def test_a_stage_that_moved_to_another_worker_may_be_silent(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    telemetry.assigned("merge", 1)
    telemetry.heartbeat("merge", 1_000)
    telemetry.assigned("merge", 0)
    assert telemetry.health(60_000).ok
    assert registry.get_sample_value("streams_heartbeat_timestamp_seconds", {"stage": "merge"}) is None
    telemetry.assigned("merge", 1)
    assert telemetry.health(60_000).ok, "no time for a sign of life yet"


def test_a_stage_that_falls_silent_makes_the_worker_unhealthy_and_a_publisher_does_not(telemetry: Telemetry) -> None:
    for stage in STAGES:
        telemetry.heartbeat(stage, 1_000)
        telemetry.assigned(stage, 2)
    telemetry.watermark("merge", 0, 500)
    telemetry.publisher("redis", False, "gone")
    assert telemetry.health(11_000).ok
    telemetry.heartbeat("merge", 11_001)
    health = telemetry.health(11_001)
    assert (health.ok, health.ready, health.watermark_ms, health.publishers) == (False, False, 500, {"redis": False})
    assert health.stages["intake"] == StageHealth(alive=False, partitions=2, watermark_ms=None)

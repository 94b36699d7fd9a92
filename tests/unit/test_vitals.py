"""edge.vitals: the engine's vitals and the collector's pauses, as Prometheus sees them."""

import gc

from prometheus_client import CollectorRegistry, generate_latest

from streams.edge import metrics
from streams.edge.vitals import Pauses, VitalsCollector
from streams.engine.room import Limits, Room
from streams.engine.store import Store
from streams.engine.telemetry import Vitals


def collected(pauses: Pauses, **stages: Vitals) -> CollectorRegistry:
    """A registry with nothing but vitals."""
    registry = CollectorRegistry()
    registry.register(VitalsCollector({name: lambda vitals=vitals: vitals for name, vitals in stages.items()}, pauses))  # type: ignore[misc]  # mypy sees no type in a default
    return registry


def test_every_stage_is_asked_how_it_is() -> None:
    registry = collected(Pauses(), intake=Vitals(3, 4_096, 1.5, 2), publish=Vitals(0, 0, 0.0, 0))
    assert registry.get_sample_value("streams_batches_under_way", {"stage": "intake"}) == 3
    assert registry.get_sample_value("streams_state_bytes", {"stage": "intake"}) == 4_096
    assert registry.get_sample_value("streams_backpressure_seconds_total", {"stage": "intake"}) == 1.5
    assert registry.get_sample_value("streams_transactions_aborted_total", {"stage": "intake"}) == 2
    assert registry.get_sample_value("streams_batches_under_way", {"stage": "publish"}) == 0


def test_only_listed_names_are_exposed() -> None:
    text = generate_latest(collected(Pauses(), intake=Vitals(0, 0, 0.0, 0))).decode()
    exposed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    assert exposed == {metric.name for metric in metrics.VITALS}


def test_each_collection_is_a_pause_of_its_generation() -> None:
    pauses = Pauses()
    registry = collected(pauses)
    pauses.watch()
    try:
        gc.collect(2)
    finally:
        pauses.leave()
    gc.collect(2)
    assert registry.get_sample_value("streams_gc_pause_seconds_count", {"generation": "2"}) == 1
    assert registry.get_sample_value("streams_gc_pause_seconds_bucket", {"generation": "2", "le": "+Inf"}) == 1
    total = registry.get_sample_value("streams_gc_pause_seconds_sum", {"generation": "2"})
    assert total == pauses.longest_seconds > 0


def test_the_time_without_room_is_held_and_with_room_it_is_not() -> None:
    room = Room(Limits(500, 1))
    assert room.wait(10.0)
    assert room.held_seconds == 0
    room.enter(1, 0)
    assert not room.wait(0.01)
    assert room.held_seconds >= 0.01
    assert room.batches() == 1


def test_the_size_of_a_store_follows_its_entries() -> None:
    store = Store({b"key": b"value"})
    assert store.size_bytes() == 8
    store[b"key"] = b"longer value"
    store[b"k"] = b""
    assert store.size_bytes() == 16
    del store[b"key"]
    assert store.size_bytes() == 1

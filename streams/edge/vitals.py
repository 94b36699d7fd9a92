"""How the engine and Python's garbage collector are, asked for when Prometheus scrapes.

The surprise: a collection may begin anywhere, also inside of prometheus_client while it holds a lock of its own, and calls back
there. So pauses are noted in plain lists, which take no lock, and become metrics only here.
"""

import gc
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from time import perf_counter

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.edge import metrics
from streams.engine.telemetry import Vitals

GENERATIONS = 3


class Pauses:
    """Notes each collection of the process from `watch` to `leave`."""

    def __init__(self) -> None:
        self._began = 0.0
        self.counts = [[0] * (len(metrics.PAUSE_BOUNDARIES) + 1) for _ in range(GENERATIONS)]
        self.seconds = [0.0] * GENERATIONS
        self.longest_seconds = 0.0

    def watch(self) -> None:
        """Begin."""
        gc.callbacks.append(self._collected)

    def leave(self) -> None:
        """End."""
        gc.callbacks.remove(self._collected)

    def _collected(self, phase: str, facts: Mapping[str, int]) -> None:
        if phase == "start":
            self._began = perf_counter()
            return
        took = perf_counter() - self._began
        generation = facts["generation"]
        self.counts[generation][bisect_left(metrics.PAUSE_BOUNDARIES, took)] += 1
        self.seconds[generation] += took
        self.longest_seconds = max(self.longest_seconds, took)


class VitalsCollector(Collector):
    """Stages and tails by name, each asked for its vitals; pauses by generation."""

    def __init__(self, stages: Mapping[str, Callable[[], Vitals]], pauses: Pauses) -> None:
        self._stages = stages
        self._pauses = pauses

    def collect(self) -> Iterator[Metric]:
        """All of it as it is now."""
        under_way, state_bytes = _gauge(metrics.UNDER_WAY), _gauge(metrics.STATE_BYTES)
        held, aborted = _counter(metrics.HELD), _counter(metrics.ABORTED)
        for stage, ask in self._stages.items():
            vitals = ask()
            under_way.add_metric([stage], vitals.batches_under_way)
            state_bytes.add_metric([stage], vitals.state_bytes)
            held.add_metric([stage], vitals.held_seconds)
            aborted.add_metric([stage], vitals.transactions_aborted)
        yield from (under_way, state_bytes, held, aborted, self._pause_histogram())

    def _pause_histogram(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(metrics.PAUSES.name, metrics.PAUSES.text, labels=metrics.PAUSES.labels)
        names = [*map(str, metrics.PAUSE_BOUNDARIES), "+Inf"]
        for generation in range(GENERATIONS):
            counts = accumulate(self._pauses.counts[generation])
            family.add_metric([str(generation)], list(zip(names, counts, strict=True)), self._pauses.seconds[generation])
        return family


def _gauge(metric: metrics.Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.text, labels=metric.labels)


def _counter(metric: metrics.Metric) -> CounterMetricFamily:
    return CounterMetricFamily(metric.name, metric.text, labels=metric.labels)

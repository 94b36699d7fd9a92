"""What the pipeline says of itself: one method per fact, each at most one log line and one metric. Names are in edge/metrics.py.

The engine's, the stages' and the publishers' telemetry in one. The surprise: facts that repeat (rejects, late events) are logged
when their total gains a digit (1, 10, 100 …), so that a flood of bad input floods no log; the metric has every one.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from streams.core.event import Reason
from streams.core.trend import LONG, TUMBLING, WindowKind
from streams.edge import metrics
from streams.edge.health import Health, HealthBook
from streams.edge.metrics import Metric

# Kinds of contradictions that get a label of their own; intake's list is closed, this only guards the label.
CONTRADICTION_KINDS_MAX = 50
OTHER = "other"

log = logging.getLogger("streams")


def make_registry() -> CollectorRegistry:
    """A registry with the process's own metrics; switches `_created` series off, process-wide: they double every counter."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the package ships this one function untyped
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


class Telemetry:
    """Every fact that the worker reports.

    topics: stage → topics that it reads; publishers: their names. Both are the known label sets, which start at 0.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        topics: Mapping[str, Sequence[str]] | None = None,
        publishers: Collection[str] = (),
    ) -> None:
        self._registry = registry
        self._topics = dict(topics or {})
        self._health = HealthBook(tuple(self._topics))
        self._totals: dict[tuple[str, str], int] = {}
        self._lagging: set[tuple[str, int]] = set()
        self._watermarks: dict[str, dict[int, int]] = {}  # stage → partition → watermark in ms
        self._consumed = self._counter(metrics.CONSUMED, *(topic for topics in self._topics.values() for topic in topics))
        self._accepted = self._counter(metrics.ACCEPTED)
        self._rejected = self._counter(metrics.REJECTED, *Reason)
        self._late = self._counter(metrics.LATE, *get_args(WindowKind))
        self._too_late = self._counter(metrics.TOO_LATE)
        self._late_changes = self._counter(metrics.LATE_CHANGES, *TUMBLING)
        self._capped = self._counter(metrics.CAPPED)
        self._duplicates = self._counter(metrics.DUPLICATE)
        self._contradictions = self._counter(metrics.CONTRADICTIONS)
        self._watermark = self._gauge(metrics.WATERMARK)
        self._lag = self._gauge(metrics.LAG)
        self._flush = self._histogram(metrics.FLUSH, metrics.FLUSH_BOUNDARIES, *self._topics)
        self._recovery = self._gauge(metrics.RECOVERY)
        self._entries = self._gauge(metrics.ENTRIES, *self._topics)
        self._partitions = self._gauge(metrics.PARTITIONS, *self._topics)
        self._rebalances = self._counter(metrics.REBALANCES, *self._topics)
        self._partials_sent = self._counter(metrics.PARTIALS_SENT)
        self._contacts_ignored = self._counter(metrics.CONTACTS_IGNORED)
        self._agent_states = self._counter(metrics.AGENT_STATES, "accepted", "repeated", "too_late", "crowded")
        self._windows_closed = self._counter(metrics.WINDOWS_CLOSED, *TUMBLING, *LONG)
        self._freshness = self._histogram(metrics.FRESHNESS, metrics.FRESHNESS_BOUNDARIES)
        self._publisher_up = self._gauge(metrics.PUBLISHER_UP, *publishers)
        self._publisher_failures = self._counter(metrics.PUBLISHER_FAILURES, *publishers)
        self._publisher_waiting = self._gauge(metrics.PUBLISHER_WAITING, *publishers)
        self._publisher_dropped = self._counter(metrics.PUBLISHER_DROPPED, *publishers)
        self._heartbeat = self._gauge(metrics.HEARTBEAT)
        self._build_info = self._gauge(metrics.BUILD_INFO)
        self._config_info = self._gauge(metrics.CONFIG_INFO)

    # The worker

    def build_info(self, version: str) -> None:
        """What runs."""
        self._build_info.labels(version).set(1)
        self._health.version = version

    def config_info(self, fingerprint: str) -> None:
        """Under which settings."""
        self._config_info.labels(fingerprint).set(1)

    def heartbeat(self, stage: str, now_ms: int) -> None:
        """The stage lives."""
        self._heartbeat.labels(stage).set(now_ms / 1000)
        self._health.heartbeats[stage] = now_ms

    def health(self, now_ms: int) -> Health:
        """All that was reported, judged."""
        return self._health.judge(now_ms)

    # The engine

    def consumed(self, topic: str, n: int) -> None:
        """Records read."""
        self._consumed.labels(topic).inc(n)

    def flushed(self, stage: str, seconds: float) -> None:
        """State, outputs and offsets are durable."""
        self._flush.labels(stage).observe(seconds)

    def recovered(self, stage: str, partition: int, seconds: float, entries: int) -> None:
        """The state of a partition was read back."""
        self._recovery.labels(stage).set(seconds)
        log.info("recovered stage=%s partition=%d entries=%d seconds=%.3f", stage, partition, entries, seconds)

    def lag(self, topic: str, partition: int, records: int) -> None:
        """Records not yet applied; negative: unknown."""
        if records >= 0:
            self._lag.labels(topic, str(partition)).set(records)
            self._lagging.add((topic, partition))
        elif (topic, partition) in self._lagging:
            self._lag.remove(topic, str(partition))
            self._lagging.discard((topic, partition))

    def entries(self, stage: str, n: int) -> None:
        """Entries in the state."""
        self._entries.labels(stage).set(n)

    def assigned(self, stage: str, partitions: int) -> None:
        """So many are ours now. Lag and watermark are unknown until the next flush; a stage that rests has no pulse."""
        self._partitions.labels(stage).set(partitions)
        self._rebalances.labels(stage).inc()
        if self._watermarks.pop(stage, None):
            self._watermark.remove(stage)
        self._health.partitions[stage] = partitions
        if not partitions and self._health.heartbeats.pop(stage, None) is not None:
            self._heartbeat.remove(stage)
        for topic, partition in list(self._lagging):
            if topic in self._topics.get(stage, ()):
                self.lag(topic, partition, -1)
        log.info("assigned stage=%s partitions=%d", stage, partitions)

    # Intake

    def accepted(self, n: int) -> None:
        """Events taken in."""
        self._accepted.inc(n)

    def rejected(self, reason: str, n: int) -> None:
        """Bad input; its reason is one of core.event.Reason."""
        self._rejected.labels(reason).inc(n)
        self._tell("rejected", reason, n)

    def late(self, window: str, n: int) -> None:
        """Events too late for this window."""
        self._late.labels(window).inc(n)
        self._tell("late", window, n)

    def too_late(self, n: int) -> None:
        """Events too late for every window: consumed = accepted + duplicate + too late + rejected."""
        self._too_late.inc(n)

    def late_changes(self, window: str, n: int) -> None:
        """Changes of panes that merge could only add to longer windows; one event makes several."""
        self._late_changes.labels(window).inc(n)
        self._tell("late_changes", window, n)

    def capped(self, cut: str, n: int) -> None:
        """Series that a full cut counts as 'other'; cuts come from the settings, so the label is closed."""
        self._capped.labels(cut).inc(n)
        self._tell("capped", cut, n)

    def duplicates(self, n: int) -> None:
        """Events seen before."""
        self._duplicates.inc(n)

    def contradictions(self, kind: str, n: int) -> None:
        """Facts that contradict each other."""
        known = sum(1 for name, _ in self._totals if name == "contradictions")
        if ("contradictions", kind) not in self._totals and known >= CONTRADICTION_KINDS_MAX:
            kind = OTHER
        self._contradictions.labels(kind).inc(n)
        self._tell("contradictions", kind, n)

    def partials_sent(self, n: int) -> None:
        """Frames for merge."""
        self._partials_sent.inc(n)

    def watermark(self, stage: str, partition: int, ms: int) -> None:
        """The stage has seen everything of this partition up to this event time; what counts is the lowest that is ours."""
        partitions = self._watermarks.setdefault(stage, {})
        partitions[partition] = ms
        lowest_ms = min(partitions.values())
        self._watermark.labels(stage).set(lowest_ms / 1000)
        self._health.watermarks[stage] = lowest_ms

    # Journey

    def contacts_ignored(self, kind: str, n: int) -> None:
        """Customers' contacts that changed nothing: repeated, too_late, crowded."""
        self._contacts_ignored.labels(kind).inc(n)

    # Agents

    def agent_states(self, outcomes: Mapping[str, int]) -> None:
        """States of agents: accepted, repeated, too_late, crowded."""
        for outcome, n in outcomes.items():
            self._agent_states.labels(outcome).inc(n)

    # Merge and publish

    def windows_closed(self, kind: str, n: int) -> None:
        """Windows became final."""
        self._windows_closed.labels(kind).inc(n)

    def freshness(self, seconds: float) -> None:
        """An event has become a published trend."""
        self._freshness.observe(max(0.0, seconds))

    def publisher(self, name: str, up: bool, problem: str = "") -> None:
        """A try to hand over; logged when the state changes."""
        if not up:
            self._publisher_failures.labels(name).inc()
        self._publisher_up.labels(name).set(up)
        if self._health.publishers.get(name) == up:
            return
        self._health.publishers[name] = up
        if up:
            log.info("publisher up name=%s", name)
        else:
            log.warning("publisher down name=%s problem=%s", name, problem)

    def outbox(self, name: str, waiting: int, dropped: int) -> None:
        """What waits at a publisher now, and how much it has given up since the start."""
        self._publisher_waiting.labels(name).set(waiting)
        before = self._totals.get(("dropped", name), 0)
        self._publisher_dropped.labels(name).inc(dropped - before)
        self._tell("dropped", name, dropped - before)

    # Behind the facts

    def _tell(self, fact: str, label: str, n: int) -> None:
        """Log a repeated fact when its total gains a digit."""
        before = self._totals.get((fact, label), 0)
        after = before + n
        self._totals[(fact, label)] = after
        if after and (not before or len(str(after)) > len(str(before))):
            log.warning("%s kind=%s total=%d", fact, label, after)

    def _counter(self, metric: Metric, *known: str) -> Counter:
        """A counter whose known label values start at 0."""
        counter = Counter(metric.name, metric.text, metric.labels, registry=self._registry)
        for value in known:
            counter.labels(value)
        return counter

    def _gauge(self, metric: Metric, *known: str) -> Gauge:
        """A gauge whose known label values start at 0."""
        gauge = Gauge(metric.name, metric.text, metric.labels, registry=self._registry)
        for value in known:
            gauge.labels(value)
        return gauge

    def _histogram(self, metric: Metric, boundaries: Sequence[float], *known: str) -> Histogram:
        """A histogram whose known label values start at 0."""
        histogram = Histogram(metric.name, metric.text, metric.labels, buckets=boundaries, registry=self._registry)
        for value in known:
            histogram.labels(value)
        return histogram

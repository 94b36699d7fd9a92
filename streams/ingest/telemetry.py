"""What the ingest service says of itself: one method per fact. Names are in edge/metrics.py.

Labels are closed: sources are those that are served, and a request to another one counts as 'other'; rules are named in sources.
"""

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.core.event import Rejection
from streams.edge import metrics
from streams.edge.metrics import Metric

OTHER = "other"

log = logging.getLogger("streams")


class Telemetry:
    """Every fact that the service reports."""

    def __init__(self, registry: CollectorRegistry, sources: tuple[str, ...]) -> None:
        self._sources = sources
        self._requests = _counter(registry, metrics.PUSHES)
        self._events = _counter(registry, metrics.PUSHED_EVENTS)
        self._refused = _counter(registry, metrics.PUSHES_REFUSED)
        self._rules = _counter(registry, metrics.PUSHES_APPLIED)
        self._under_way = Gauge(*metrics.PUSHES_UNDER_WAY, registry=registry)
        self._answers = Histogram(*metrics.ANSWERS, buckets=metrics.ANSWER_BOUNDARIES, registry=registry)
        self._well = True
        for source in sources:
            self._events.labels(source)
            self._requests.labels(source, "202")

    def answered(self, source: str, status: int, seconds: float) -> None:
        """A request has its answer."""
        self._requests.labels(source if source in self._sources else OTHER, str(status)).inc()
        self._answers.observe(seconds)

    def under_way(self, n: int) -> None:
        """So many wait for an answer."""
        self._under_way.set(n)

    def written(self, source: str, events: int, rules: tuple[str, ...]) -> None:
        """Events are on Kafka."""
        self._events.labels(source).inc(events)
        for rule in rules:
            self._rules.labels(source, rule).inc()

    def refused(self, source: str, why: Rejection) -> None:
        """A payload is bad input, and kept as such. The detail names a field and no value."""
        self._refused.labels(source, why.reason.value).inc()
        log.warning("rejected source=%s reason=%s detail=%s", source, why.reason, why.detail)

    def kafka(self, well: bool, problem: str = "") -> None:
        """Whether Kafka takes what it is given; logged when it changes."""
        if well != self._well:
            self._well = well
            log.warning("kafka %s %s", "takes events again" if well else "takes no events:", problem)


def _counter(registry: CollectorRegistry, metric: Metric) -> Counter:
    return Counter(*metric, registry=registry)

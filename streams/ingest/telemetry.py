"""What the ingest service says of itself: one method per fact. Names are in edge/metrics.py.

Labels are closed: sources are those that are served, and a request to another one counts as 'other'; rules are named in sources.
What repeats is logged when its total gains a digit (1, 10, 100 …), so that a wrong secret or template floods no log.
"""

import logging
from collections import Counter as Totals

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.core.event import Rejection
from streams.edge import metrics
from streams.edge.metrics import Metric

OTHER = "other"
UNSIGNED = 401

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
        self._totals: Totals[str] = Totals()
        for source in sources:
            self._events.labels(source)
            self._requests.labels(source, "202")

    def answered(self, source: str, status: int, seconds: float) -> None:
        """A request has its answer."""
        self._requests.labels(source if source in self._sources else OTHER, str(status)).inc()
        self._answers.observe(seconds)
        if status == UNSIGNED:
            self._tell(f"no valid signature source={source}")

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
        self._tell(f"rejected source={source} reason={why.reason} detail={why.detail}")

    def kafka(self, well: bool, problem: str = "") -> None:
        """Whether Kafka takes what it is given; logged when it changes."""
        if well != self._well:
            self._well = well
            log.warning("kafka %s %s", "takes events again" if well else "takes no events:", problem)

    def _tell(self, fact: str) -> None:
        """Log a fact when its total gains a digit; both parts of it come from closed lists."""
        self._totals[fact] += 1
        total = self._totals[fact]
        if total == 1 or len(str(total)) > len(str(total - 1)):
            log.warning("%s total=%d", fact, total)


def _counter(registry: CollectorRegistry, metric: Metric) -> Counter:
    return Counter(*metric, registry=registry)

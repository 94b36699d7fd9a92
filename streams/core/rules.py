"""The rules that intake follows, as plain values: what the settings say, in milliseconds. Built by whoever builds intake."""

from collections.abc import Mapping

import msgspec

from streams.core.hours import BusinessHours
from streams.core.trend import WindowKind


class IntakeRules(msgspec.Struct, frozen=True, kw_only=True):
    """One set for all source partitions. Durations in ms.

    shards: merge shards, one frame each. pane_ms: divides 60,000. graces_ms: per tumbling kind, shortest kind first; must not
    shrink. sources: names that `source` may take, empty for any. queue_target_ms: service-level targets where they differ from
    target_ms. short_abandon_ms: who leaves sooner is a short abandon. customer_key: of the hash that hides
    customers. hours: when queues are open, for the cuts that are split by it.
    """

    shards: int
    pane_ms: int
    disorder_ms: int
    idle_ms: int
    live_ms: int
    linger_ms: int
    open_ms: int
    cuts: tuple[str, ...]
    cut_series_max: int
    sources: frozenset[str]
    ahead_ms: int
    time_zone: str
    graces_ms: tuple[tuple[WindowKind, int], ...]
    target_ms: int
    queue_target_ms: Mapping[str, int]
    short_abandon_ms: int
    customer_key: bytes
    hours: BusinessHours = BusinessHours()

"""The worker's health: what telemetry heard of stages and publishers, and the judgement on it.

A publisher that is down is shown and makes nobody unhealthy: restarting a worker would not bring Redis back. The surprise: a
worker without partitions is healthy, too; it waits for one that another worker leaves.
"""

import msgspec

# A stage drains four times a second; one that was silent this long hangs: Kafka's session time-out is no longer than this.
SILENT_MS_MAX = 10_000


class StageHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One stage: whether it gave a sign of life lately, what it owns and how far it has come."""

    alive: bool
    partitions: list[int]
    watermark_ms: int | None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """ok: every stage lives. ready: every stage has been given its partitions once and recovered them."""

    ok: bool
    ready: bool
    version: str
    watermark_ms: int | None
    stages: dict[str, StageHealth]
    publishers: dict[str, bool]


class HealthBook:
    """The latest of everything that health depends on."""

    def __init__(self, stages: tuple[str, ...]) -> None:
        self._stages = stages
        self.version = ""
        self.heartbeats: dict[str, int] = {}
        self.partitions: dict[str, list[int]] = {}
        self.watermarks: dict[str, int] = {}
        self.publishers: dict[str, bool] = {}

    def judge(self, now_ms: int) -> Health:
        """Health at this moment. Before a stage's first sign of life it counts as alive, but the worker isn't ready."""
        stages = {stage: self._stage(stage, now_ms) for stage in self._stages}
        ok = all(stage.alive for stage in stages.values())
        return Health(
            ok=ok,
            ready=ok and all(stage in self.partitions and stage in self.heartbeats for stage in self._stages),
            version=self.version,
            watermark_ms=self.watermarks.get("merge"),
            stages=stages,
            publishers=dict(self.publishers),
        )

    def _stage(self, stage: str, now_ms: int) -> StageHealth:
        """One stage at this moment."""
        heard_ms = self.heartbeats.get(stage)
        return StageHealth(
            alive=heard_ms is None or now_ms - heard_ms <= SILENT_MS_MAX,
            partitions=self.partitions.get(stage, []),
            watermark_ms=self.watermarks.get(stage),
        )

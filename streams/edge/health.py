"""The worker's health: what telemetry heard of stages and publishers, and the judgement on it.

A publisher that is down is shown and makes nobody unhealthy: restarting a worker would not bring Redis back. The surprise: a
stage without partitions here is healthy, too, and gives no sign of life; it waits for one that another worker leaves (detect has
one partition in all).
"""

import msgspec

# A stage drains four times a second; one that was silent this long hangs: Kafka's session time-out is no longer than this.
SILENT_MS_MAX = 10_000


class StageHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One stage: whether it gave a sign of life lately, how many partitions it owns here and how far it has come."""

    alive: bool
    partitions: int
    watermark_ms: int | None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """ok: every stage that owns partitions here lives. ready: ok, and every stage was told what it owns, and recovered it."""

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
        self.partitions: dict[str, int] = {}
        self.watermarks: dict[str, int] = {}
        self.publishers: dict[str, bool] = {}

    def judge(self, now_ms: int) -> Health:
        """Health at this moment."""
        stages = {stage: self._stage(stage, now_ms) for stage in self._stages}
        ok = all(stage.alive for stage in stages.values())
        return Health(
            ok=ok,
            ready=ok and self.partitions.keys() >= set(self._stages),
            version=self.version,
            watermark_ms=self.watermarks.get("merge"),
            stages=stages,
            publishers=dict(self.publishers),
        )

    def _stage(self, stage: str, now_ms: int) -> StageHealth:
        """One stage at this moment; one that has just been given its partitions had no time for a sign of life."""
        heard_ms = self.heartbeats.get(stage)
        return StageHealth(
            alive=heard_ms is None or now_ms - heard_ms <= SILENT_MS_MAX,
            partitions=self.partitions.get(stage, 0),
            watermark_ms=self.watermarks.get(stage),
        )

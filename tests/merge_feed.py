"""A merge with two source partitions that tests feed frame by frame, and a short way to read what comes out."""

from collections.abc import Iterable

from streams.core import measure as m
from streams.core.frame import Frame, PaneChange, WaitingLevel
from streams.core.kpi import KpiRules
from streams.core.merge import Merge, MergeChanges, MergeRules
from streams.core.trend import LIVE, TUMBLING
from streams.engine.store import Store

NOON = 1_795_435_200_000  # 2026-11-23T12:00Z
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CALL = {m.OFFERED: 1, m.QUEUED: 1}
RULES = MergeRules(
    shards=1,
    sources=2,
    followers=0,
    pane_ms=10_000,
    time_zone="UTC",
    graces_ms=(("1m", 2 * MINUTE), ("15m", 15 * MINUTE), ("1h", HOUR), ("1d", 6 * HOUR)),
    refresh_ms=60_000,
    watch_cuts=frozenset({"total"}),
    contribution_cuts=frozenset(),
    kpi=KpiRules(service_level_seconds=20, short_abandon_seconds=5, queue_service_level_seconds={}, bands={}),
)


class Feed:
    """A merge with numbered frames: `send` gives one from a source partition, `drain` what comes out."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.merge = Merge(0, self.store, RULES)
        self.numbers = [0, 0]
        self.now_ms = NOON

    def send(
        self,
        source: int,
        watermark_ms: int | None,
        *changes: PaneChange,
        idle: bool = False,
        waiting: list[WaitingLevel] | None = None,
        ended_ms: int | None = None,
        backlog: dict[str, int] | None = None,
    ) -> None:
        self.numbers[source] += 1
        self.merge.apply(
            [
                Frame(
                    source=source, number=self.numbers[source], watermark_ms=watermark_ms, idle=idle,
                    read_ms=self.now_ms - 100, sent_ms=self.now_ms, changes=list(changes), waiting=waiting,
                    ended_ms=ended_ms, backlog=backlog,
                )
            ]
        )  # fmt: skip

    def send_both(self, watermark_ms: int, *changes: PaneChange) -> None:
        self.send(0, watermark_ms, *changes)
        self.send(1, watermark_ms)

    def drain(self, after_ms: int = 250) -> MergeChanges:
        self.now_ms += after_ms
        return self.merge.drain(self.now_ms)


def call(time_ms: int, closed: int = 0, series: str = "total") -> PaneChange:
    return PaneChange(time_ms - time_ms % 10_000, closed, series, CALL)


def seen(changes: MergeChanges, kinds: Iterable[str] = (*TUMBLING, *LIVE)) -> list[tuple[str, int, bool, int]]:
    """(kind, minutes from noon to the window's start, final, offered) of each record."""
    return [
        (trend.window.kind, (trend.window.start_ms - NOON) // MINUTE, trend.final, trend.measures.get("offered", 0))
        for _, trend in changes.trends
        if trend.window.kind in kinds
    ]

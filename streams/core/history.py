"""History: events of the past played through intake, merge and detect in one process: the code that is live, without a broker.

`minutes_of` counts, `judge` watches what was counted; who asks what another setting of [detect] would have done counts once. The
surprise: what happens depends on the events alone and not on batches (decision 1), so thousands are taken at once. Journey isn't
asked: nobody watches who comes back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

import msgspec

from streams.core.alert import Alert
from streams.core.detect import Detect, DetectRules
from streams.core.forecast_score import DayScore
from streams.core.frame import MinuteFrame
from streams.core.intake import Intake
from streams.core.merge import Merge, MergeRules
from streams.core.record import Headers
from streams.core.rules import IntakeRules

Event: TypeAlias = Mapping[str, object]

_TOGETHER = 5_000  # events; what is under way takes memory
_YEAR_MS = 366 * 86_400_000
_ENCODER = msgspec.json.Encoder()


class Watched(NamedTuple):
    """What detect said: each alert as it was when it called, and as it was last; how good the forecasts of each day were.

    fired: without what was held back to its end and called nobody. thresholds: alerts of static limits as they were
    last, apart, since no budget and no incident of a plan is behind them.
    """

    fired: dict[str, Alert]
    last: dict[str, Alert]
    thresholds: dict[str, Alert]
    scores: list[DayScore]


class _Told(NamedTuple):
    """An event as a record."""

    data: bytes

    def value(self) -> bytes | None:
        return self.data

    def key(self) -> bytes | None:
        return None

    def headers(self) -> Headers | None:
        return None

    def offset(self) -> int | None:
        return 0


def minutes_of(events: Sequence[Event], rules: tuple[IntakeRules, MergeRules]) -> list[MinuteFrame]:
    """The closed minutes of the cuts that detect looks at; `events` in order of time, the last of them closes what is open."""
    cuts = tuple(sorted(rules[1].watch_cuts | rules[1].contribution_cuts))
    intake = Intake(0, {}, msgspec.structs.replace(rules[0], shards=1, cuts=cuts))
    merge = Merge(0, {}, msgspec.structs.replace(rules[1], shards=1, sources=1))
    last_ms = events[-1]["time"]
    assert isinstance(last_ms, int), "a source sets time in epoch milliseconds"
    read_ms = last_ms + _YEAR_MS  # a feed of the past: its watermark doesn't follow the clock
    frames: list[MinuteFrame] = []
    for some in _batches(events):
        intake.apply([_Told(_ENCODER.encode(event)) for event in some], read_ms)
        merge.apply(intake.drain(read_ms, 0).frames)
        while (found := merge.drain(read_ms).minutes) is not None:  # it closes some at once
            frames.append(found)
    return frames


def judge(frames: Sequence[MinuteFrame], rules: DetectRules) -> Watched:
    """What detect says of closed minutes, from nothing learned on."""
    detect = Detect({}, rules)
    watched = Watched({}, {}, {}, [])
    for frame in frames:
        detect.apply([frame])
        changes = detect.drain(frame.closed_ms)
        watched.scores.extend(changes.scores)
        for alert in changes.alerts:
            if alert.kind == "shortage":
                continue  # of a forecast, not of what happened: no budget and no incident is behind it
            if alert.kind == "threshold":
                watched.thresholds[alert.alert_id] = alert
                continue
            watched.last[alert.alert_id] = alert
            if alert.state == "firing" and not alert.is_kept_back:
                watched.fired.setdefault(alert.alert_id, alert)
    return watched


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    rest = iter(events)
    while some := list(islice(rest, _TOGETHER)):
        yield some

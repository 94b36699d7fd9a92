"""When a system has done all that a replay told: every window that the replay closes is final and on the topic `trends`.

A replay ends with a heartbeat in each partition, days behind its last event. Merge's watermark is there when each of its sources
has told all that comes before, journey as well as intake; and a shard's pulse follows the finals that it announces (Clock in
core/trend.py). So when each shard's pulse says the time of that heartbeat, no final is to come. The surprise: that all days of
some series are final doesn't say so: their shard is done, another may be behind.
"""

import json
from typing import Any

from running import System, eventually
from topic_reading import News

from streams import settings
from streams.core.live import decode_clock
from streams.core.trend import CLOCK_KEY
from streams.edge.reader import read
from streams.settings import Settings


class Pulses:
    """How far each shard is."""

    def __init__(self, loaded: Settings) -> None:
        self._news = News(loaded, loaded.topics.trends)
        self._watermarks: dict[int, int | None] = dict.fromkeys(range(loaded.topics.shards))

    def watermarks(self) -> set[int | None]:
        """The watermarks of all shards by their last pulses, None for one that has said none."""
        for message in self._news.look():
            if message.key() == CLOCK_KEY:
                pulse = decode_clock(message.value() or b"")
                self._watermarks[pulse.shard] = pulse.watermark_ms
        return set(self._watermarks.values())


def end_of_feed(loaded: Settings) -> int:
    """The time (ms) of the last heartbeat on the topic `interactions`; only heartbeats have no key."""
    beats = [message for message in read(loaded, loaded.topics.interactions) if message.key() is None]
    return max(int(json.loads(beat.value() or b"")["time"]) for beat in beats)


def wait_until_all_is_final(system: System, seconds: float) -> None:
    """Until the system has done all that was replayed, which must have ended with its closing heartbeat."""
    loaded = settings.load([], system.environment)
    end_ms, pulses = end_of_feed(loaded), Pulses(loaded)
    eventually(lambda: pulses.watermarks() == {end_ms}, seconds, f"all that is final at {end_ms} is on the topic")


def differences(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[str]:
    """Where windows, as the command prints them, differ: start_ms and series with those figures that aren't the same."""
    first, second = (
        {(trend["window"]["start_ms"], *trend["series"].values()): _figures(trend) for trend in each} for each in (one, other)
    )
    return [
        f"{place}: {different}"
        for place in sorted(first.keys() | second.keys())
        if (different := _different(first.get(place, {}), second.get(place, {})))
    ]


def _figures(trend: dict[str, Any]) -> dict[str, Any]:
    return {f"{kind}.{name}": value for kind in ("measures", "kpis") for name, value in trend[kind].items()}


def _different(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = sorted(one.keys() | other.keys())
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}

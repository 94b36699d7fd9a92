"""edge.publisher: the outbox and the loop. The other side here is a list that refuses when told to."""

import asyncio

from streams.edge.publisher import Outbox, Pace, PublisherDown, run


class Shelf:
    """A publisher that counts tries and refuses the first few."""

    name = "shelf"
    waiting = 0
    dropped = 0

    def __init__(self, refusals: int, last_try: int, stop: asyncio.Event) -> None:
        self.tries_at: list[float] = []
        self.closed = False
        self._refusals = refusals
        self._last_try = last_try
        self._stop = stop

    async def publish(self, now_ms: int) -> None:
        """Refuse or take; the last try ends the loop."""
        assert now_ms == 7
        self.tries_at.append(asyncio.get_running_loop().time())
        if len(self.tries_at) >= self._last_try:
            self._stop.set()
        if len(self.tries_at) <= self._refusals:
            raise PublisherDown("the shelf is full")

    async def close(self) -> None:
        """Remember it."""
        self.closed = True


class Reports:
    """What the loop told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool, str]] = []
        self.waiting = 0

    def publisher(self, name: str, up: bool, problem: str = "") -> None:
        """Keep it."""
        self.told.append((name, up, problem))

    def outbox(self, name: str, waiting: int, dropped: int) -> None:
        """As much as was put there."""
        assert (name, waiting, dropped) == ("shelf", self.waiting, 0)


def test_an_outbox_keeps_the_newest_version_per_slot() -> None:
    outbox: Outbox[str] = Outbox(10)
    outbox.put("a", "2", "new")
    outbox.put("a", "1", "old")
    outbox.put("b", "1", "other")
    assert outbox.first(10) == {"a": "new", "b": "other"}


def test_a_full_outbox_gives_up_the_oldest_slot_and_counts_it() -> None:
    outbox: Outbox[str] = Outbox(2)
    for slot in ("a", "b", "c"):
        outbox.put(slot, "1", slot)
    assert outbox.first(10) == {"b": "b", "c": "c"}
    assert outbox.dropped == 1


def test_what_came_while_sending_stays() -> None:
    outbox: Outbox[list[int]] = Outbox(10)
    outbox.put("a", "1", [1])
    outbox.put("b", "1", [1])
    sent = outbox.first(1)
    assert sent == {"a": [1]}
    outbox.put("a", "2", [2])
    outbox.done(sent)
    assert outbox.first(10) == {"a": [2], "b": [1]}


def test_pauses_double_while_the_other_side_is_down_and_every_try_is_reported() -> None:
    async def scenario() -> tuple[Shelf, Reports]:
        stop, reports = asyncio.Event(), Reports()
        shelf = Shelf(refusals=4, last_try=6, stop=stop)
        await asyncio.wait_for(run(shelf, Pace(publish_seconds=0.01, retry_seconds_max=0.04), reports, lambda: 7, stop), 10)
        return shelf, reports

    shelf, reports = asyncio.run(scenario())
    assert reports.told == [("shelf", False, "the shelf is full")] * 4 + [("shelf", True, "")] * 2
    pauses = [after - before for before, after in zip(shelf.tries_at, shelf.tries_at[1:], strict=False)]
    assert [pause >= least for pause, least in zip(pauses, (0.019, 0.039, 0.039, 0.039), strict=False)] == [True] * 4
    assert len(shelf.tries_at) == 7, "once more after stop"
    assert shelf.closed


def tries(waiting: int, publish_seconds: float, count: int) -> list[float]:
    """When a publisher was asked that always has so much waiting."""

    async def scenario() -> list[float]:
        stop, reports = asyncio.Event(), Reports()
        shelf = Shelf(refusals=0, last_try=count, stop=stop)
        shelf.waiting = reports.waiting = waiting
        await asyncio.wait_for(
            run(shelf, Pace(publish_seconds=publish_seconds, retry_seconds_max=30), reports, lambda: 7, stop), 10
        )
        return shelf.tries_at

    return asyncio.run(scenario())


def test_who_has_something_is_asked_at_most_every_publish_seconds() -> None:
    first, second, *_farewell = tries(waiting=1, publish_seconds=0.1, count=2)
    assert second - first >= 0.099


def test_who_had_nothing_is_asked_again_soon_so_that_what_comes_next_does_not_wait() -> None:
    assert len(tries(waiting=0, publish_seconds=30, count=3)) == 4, "three, and once more after stop"


def test_a_publisher_that_is_down_at_the_end_does_not_hold_the_worker() -> None:
    async def scenario() -> Shelf:
        stop = asyncio.Event()
        shelf = Shelf(refusals=9, last_try=1, stop=stop)
        await asyncio.wait_for(run(shelf, Pace(publish_seconds=30, retry_seconds_max=30), Reports(), lambda: 7, stop), 5)
        return shelf

    assert asyncio.run(scenario()).closed


def test_a_cancelled_loop_lets_its_connections_go() -> None:
    async def scenario() -> Shelf:
        stop = asyncio.Event()
        shelf = Shelf(refusals=0, last_try=99, stop=stop)
        task = asyncio.create_task(run(shelf, Pace(publish_seconds=30, retry_seconds_max=30), Reports(), lambda: 7, stop))
        await asyncio.wait([task], timeout=0.05)
        task.cancel()
        await asyncio.wait([task])
        return shelf

    assert asyncio.run(scenario()).closed

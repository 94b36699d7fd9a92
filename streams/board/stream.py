"""The hub: follows the live view, keeps the picture and tells every viewer of it by server-sent events.

Each change is serialised once, however many viewers there are. The surprise: a viewer's queue is short and never waits; who
falls behind loses what is queued and gets a fresh snapshot, so that a slow phone costs no memory and delays nobody.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic

import msgspec

from streams.board.picture import CUT_SERIES_MAX, Picture
from streams.board.pulse import Pulse
from streams.board.view import Changes, Health, MinuteView, TrendView, view_minute
from streams.core.alert import Alert
from streams.core.live import LiveChanges
from streams.core.small_cells import without_few, without_small
from streams.edge.redis import LiveReader, LiveViewError

VIEWERS_MAX = 200  # one process serves a building; beyond it, start another board
QUEUE_MAX = 32  # messages a viewer may lag behind: 8 s at four a second
RECONNECT_MS = 1_000  # how soon a browser tries again
BEAT_SECONDS = 0.25  # changes go out at most this often: as often as the pipeline publishes
STATUS_SECONDS = 1.0  # health goes out this often, changed or not: it is the heartbeat of the stream
RELOAD_SECONDS = 15.0  # the whole view is read again this often: pub/sub promises no delivery, and expired series must go
RETRY_SECONDS = 1.0  # Redis is near and cheap to ask, so the pause doesn't grow


class Viewer:
    """One connected page: a short queue of serialised messages."""

    def __init__(self, messages: list[bytes] | None) -> None:
        """`messages`: what it missed; None where it needs a snapshot."""
        self._messages = deque(messages or [])
        self._wake = asyncio.Event()
        self.behind = messages is None
        self.closed = False

    def offer(self, message: bytes) -> None:
        """Queue a message; a full queue is dropped and the viewer counts as behind until it gets a snapshot."""
        if len(self._messages) >= QUEUE_MAX:
            self.fall_behind()
        if not self.behind:
            self._messages.append(message)
        self._wake.set()

    def fall_behind(self) -> None:
        """Drop what is queued: a snapshot comes next."""
        self._messages.clear()
        self.behind = True
        self._wake.set()

    def close(self) -> None:
        """End the viewer's stream."""
        self.closed = True
        self._wake.set()

    async def wait(self) -> None:
        """Return when there is something to do."""
        while not (self._messages or self.behind or self.closed):
            self._wake.clear()
            await self._wake.wait()

    def take(self) -> bytes:
        """The next message."""
        return self._messages.popleft()


class Pending:
    """What changed since the last beat; a later change of the same key replaces the earlier one."""

    def __init__(self) -> None:
        self._trends: dict[tuple[str, str], TrendView] = {}
        self._minutes: dict[tuple[str, int], MinuteView] = {}
        self._alerts: dict[str, Alert] = {}
        self._some = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return as soon as there is something, at the latest after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # wait_for may lose a cancellation before 3.12 (cpython#86296)
                await self._some.wait()

    def add(self, changes: Changes) -> None:
        """Add changes."""
        if changes.trends or changes.minutes or changes.alerts:
            self._some.set()
        self._trends.update({(view.key, view.kind): view for view in changes.trends})
        self._minutes.update({(view.key, view.start_ms): view for view in changes.minutes})
        self._alerts.update({alert.alert_id: alert for alert in changes.alerts})

    def take(self) -> Changes | None:
        """What was added since the last call, None if nothing was."""
        self._some.clear()
        if not (self._trends or self._minutes or self._alerts):
            return None
        changes = Changes(list(self._trends.values()), list(self._minutes.values()), list(self._alerts.values()))
        self._trends.clear()
        self._minutes.clear()
        self._alerts.clear()
        return changes


class Hub:
    """The reader on one side, viewers on the other, the picture between them."""

    def __init__(self, reader: LiveReader, pulse: Pulse, cuts: tuple[str, ...], min_cell: int, now_ms: Callable[[], int]) -> None:
        self._reader = reader
        self._min_cell = min_cell
        self._picture = Picture()
        self._pulse = pulse
        self._cuts = cuts
        self._now_ms = now_ms
        self._boot = f"{now_ms():x}"
        self._number = 0
        self._history: deque[tuple[int, bytes]] = deque(maxlen=QUEUE_MAX)
        self._viewers: set[Viewer] = set()
        self._pending = Pending()
        self._problem: str | None = "it has not been read yet"
        self._ending: Callable[[], bool] = lambda: False
        self._ended: Callable[[], None] = lambda: None

    def tie(self, ending: Callable[[], bool], ended: Callable[[], None]) -> None:
        """Tie to a server: streams end once `ending()`, because a server that stops waits for its connections and these never
        end by themselves; `ended` is called when the hub stops, because a server must not go on with a dead picture."""
        self._ending, self._ended = ending, ended

    def health(self) -> Health:
        """What may be said of the picture now."""
        return self._pulse.health(self._now_ms(), self._problem)

    def full(self) -> bool:
        """Whether VIEWERS_MAX are connected."""
        return len(self._viewers) >= VIEWERS_MAX

    def start(self) -> bytes:
        """Health and the whole picture as JSON, for a page's first paint."""
        return msgspec.json.encode({"health": self.health(), "picture": self._picture.everything()})

    async def run(self) -> None:
        """Follow the live view and feed viewers until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._reload())
                group.create_task(self._beat())
        finally:
            self._ended()

    async def _follow(self) -> None:
        """Take in what is announced. An empty announcement says that the subscription stands: the time to read the rest."""
        while True:
            try:
                async for changes in self._reader.subscribe():
                    if changes == LiveChanges():
                        await self.load()
                    self._take(changes)
            except LiveViewError as error:
                self._problem = str(error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _reload(self) -> None:
        """Read the whole live view again and again."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                await self.load()
            except LiveViewError as error:
                self._problem = str(error)

    async def load(self) -> None:
        """Read the live view. Viewers get what that changed, or a snapshot where something has left."""
        self._picture.begin_reading()
        series = [one for cut in self._cuts for one in (await self._reader.series(cut))[:CUT_SERIES_MAX]]
        trends = [trend for kinds in (await self._reader.live_many(series)).values() for trend in kinds.values()]
        alerts, clocks = await self._reader.alerts(), await self._reader.clocks()
        self._problem = None
        self._pulse.hear(clocks, self._now_ms())
        changes, left = self._picture.end_reading(without_small(trends, self._min_cell), alerts)
        self._pending.add(changes)
        if left:
            self._start_over()

    def _start_over(self) -> None:
        """Let every viewer take a snapshot, now or when it comes back."""
        self._history.clear()
        self._number += 1
        for viewer in self._viewers:
            viewer.fall_behind()

    def _take(self, changes: LiveChanges) -> None:
        """Into the picture, and what that changed to the viewers at the next beat."""
        self._problem = None
        self._pulse.hear(changes.clocks, self._now_ms())
        for trend in changes.trends:
            if trend.read_ms is not None:
                self._pulse.hear_freshness(trend.published_ms - trend.read_ms)
        newer = self._picture.apply(without_small(changes.trends, self._min_cell), changes.alerts)
        minutes = without_few(changes.expectations, self._min_cell)
        self._pending.add(Changes(newer.trends, [view_minute(minute) for minute in minutes], newer.alerts))

    async def _beat(self) -> None:
        """Send what changed: at once after a quiet beat, else with the next; and the health once a second."""
        status_at = 0.0
        while True:
            await self._pending.wait(BEAT_SECONDS)
            changes = self._pending.take()
            if changes is not None:
                self._number += 1
                message = sse("changes", msgspec.json.encode(changes), self._id())
                self._history.append((self._number, message))
                self._send(message)
            if monotonic() >= status_at:
                status_at = monotonic() + STATUS_SECONDS
                self._send(self._status())
            if self._ending():
                for viewer in self._viewers:
                    viewer.close()
            if changes is not None:
                await asyncio.sleep(BEAT_SECONDS)

    def _send(self, message: bytes) -> None:
        for viewer in self._viewers:
            viewer.offer(message)

    def _id(self) -> str:
        return f"{self._boot}-{self._number}"

    def _status(self) -> bytes:
        return sse("status", msgspec.json.encode(self.health()))

    def _snapshot(self) -> bytes:
        return sse("snapshot", msgspec.json.encode(self._picture.everything()), self._id())

    def _missed(self, last_id: str | None) -> list[bytes] | None:
        """The messages after `last_id`; None where it is unknown or too old."""
        boot, _, number = (last_id or "").partition("-")
        if boot != self._boot or not number.isdecimal():
            return None
        last = int(number)
        messages = [message for n, message in self._history if n > last]
        return messages if len(messages) == self._number - last and len(messages) < QUEUE_MAX else None

    async def messages(self, last_id: str | None) -> AsyncIterator[bytes]:
        """The stream of one viewer: what it missed or a snapshot, health, then what comes."""
        viewer = Viewer(self._missed(last_id))
        self._viewers.add(viewer)
        try:
            yield f"retry: {RECONNECT_MS}\n\n".encode() + self._status()
            while True:
                await viewer.wait()
                if viewer.closed:
                    return
                if viewer.behind:
                    viewer.behind = False
                    yield self._snapshot()
                else:
                    yield viewer.take()
        finally:
            self._viewers.discard(viewer)


def sse(name: str, data: bytes, message_id: str | None = None) -> bytes:
    """A server-sent event; JSON has no raw line breaks, so the data are one line."""
    tail = b"" if message_id is None else f"id: {message_id}\n".encode()
    return b"event: " + name.encode() + b"\n" + tail + b"data: " + data + b"\n\n"

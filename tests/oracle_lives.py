"""A recount of interactions from their events as people would tell it: what every window of every cut must come to.

It shares no code with `streams`: events are the dictionaries that are sent, measures are names, windows are local datetimes. It
keeps to the words of streams/sources/README.md and streams/core/KPIS.md. An interaction is told once, in order of time; nothing
is taken back.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Event = dict[str, Any]

# In this order where they carry one time.
ORDER = (
    "offered", "transferred", "queued", "answered", "abandoned", "escalated", "replied", "sentiment", "completed", "reopened",
    "surveyed",
)  # fmt: skip
DIMENSIONS = ("channel", "queue", "issue", "product", "segment", "region", "age_band", "language")


def always(_queue: str, _local: datetime) -> bool:
    """No queue is ever closed."""
    return True


class Terms(NamedTuple):
    """What the settings say, in ms. is_open: whether a queue is open at a local time."""

    target_ms: int
    short_ms: int
    open_ms: int
    is_open: Callable[[str, datetime], bool] = always


class Told(NamedTuple):
    """One thing that counts: when, under which dimensions, as what; waits and handle times carry their length."""

    time_ms: int
    dimensions: dict[str, str]
    name: str
    n: int


@dataclass
class Story:
    """One interaction on its way; `state` is new, offered, waiting, talking, abandoned, completed or timed out."""

    terms: Terms
    state: str = "new"
    last: int = 0
    offered: int | None = None
    since: int = 0
    ended_once: bool = False
    talked: int = 0
    handlers: list[str] = field(default_factory=list)
    replies: int = 0
    transferred: bool = False
    escalated: bool = False

    def is_open(self) -> bool:
        return self.state in ("offered", "waiting", "talking")

    def time_out(self) -> list[tuple[str, int]]:
        left = [("flowed_out", 1)] if self.state == "waiting" else []
        if self.state == "talking":
            self.talked += self.last + self.terms.open_ms - self.since
        self.state = "timed out"
        return [("timed_out", 1), *left]

    def tell(self, event: Event) -> list[tuple[str, int]]:
        """What the next event counts."""
        self.last = event["time"]
        told: list[tuple[str, int]] = getattr(self, f"when_{event['type']}")(event, event["time"])
        return told

    def stop_talking(self, time: int) -> None:
        if self.state == "talking":
            self.talked += time - self.since

    def when_offered(self, _: Event, time: int) -> list[tuple[str, int]]:
        if self.offered is not None:
            return []
        self.offered = time
        self.state = "offered" if self.state == "new" else self.state
        return [("offered", 1)]

    def when_queued(self, _: Event, time: int) -> list[tuple[str, int]]:
        self.stop_talking(time)
        self.state, self.since = "waiting", time
        return [("queued", 1)]

    def when_answered(self, event: Event, time: int) -> list[tuple[str, int]]:
        if self.state == "talking":
            return []
        wait, told = (time - self.since, []) if self.state == "waiting" else (0, [("queued", 1)])
        self.state, self.since = "talking", time
        self.handlers.append("bot" if event.get("bot") else "agent")
        in_target = [("answered_in_target", 1)] if wait <= self.terms.target_ms else []
        return [*told, ("answered", 1), ("wait_ms", wait), *in_target]

    def when_abandoned(self, _: Event, time: int) -> list[tuple[str, int]]:
        before, wait = self.state, time - self.since
        if before in ("new", "offered"):
            self.state = "abandoned"
            return [("left_before_queue", 1)]
        if before != "waiting":
            return []
        self.state = "abandoned"
        short = [("short_abandoned", 1)] if wait < self.terms.short_ms else []
        in_target = [("abandoned_in_target", 1)] if wait <= self.terms.target_ms else []
        return [("abandoned", 1), ("abandon_wait_ms", wait), *short, *in_target]

    def when_transferred(self, _: Event, time: int) -> list[tuple[str, int]]:
        self.stop_talking(time)
        left = [("flowed_out", 1)] if self.state == "waiting" else []
        self.state = "offered" if self.is_open() else self.state
        self.transferred = True
        return left

    def when_escalated(self, _: Event, __: int) -> list[tuple[str, int]]:
        self.escalated = True
        return []

    def when_replied(self, event: Event, time: int) -> list[tuple[str, int]]:
        if event.get("author") == "bot":
            return []
        if event.get("author") == "customer":
            return [("customer_replies", 1)]
        is_first = self.replies == 0 and not self.ended_once
        self.replies += 1
        if is_first and self.offered is not None:
            return [("replies", 1), ("first_replies", 1), ("first_reply_ms", time - self.offered)]
        return [("replies", 1)]

    def when_sentiment(self, event: Event, _: int) -> list[tuple[str, int]]:
        if "score" not in event:
            return []
        micro = round(event["score"] * 1_000_000)
        negative = [("sentiments_negative", 1)] if micro < 0 else []
        after = [("sentiments_after", 1), ("sentiment_after_micro", micro)]
        is_over = self.state in ("abandoned", "completed", "timed out")
        return [("sentiments", 1), ("sentiment_micro", micro), *negative, *(after if is_over else [])]

    def when_completed(self, event: Event, time: int) -> list[tuple[str, int]]:
        told = self.handled(event, time) if self.handlers else []
        is_over = self.state in ("abandoned", "completed", "timed out")
        if not self.handlers and not is_over and not self.replies:
            told.append(("closed_unanswered", 1))
        if self.state == "waiting":
            told.append(("flowed_out", 1))
        if event.get("resolved") and (self.handlers or not is_over):
            told += self.resolution(time)
        self.state, self.ended_once, self.talked, self.replies = "completed", True, 0, 0
        self.handlers, self.transferred, self.escalated = [], False, False
        return told

    def handled(self, event: Event, time: int) -> list[tuple[str, int]]:
        given = [event.get(name) for name in ("talk_seconds", "hold_seconds", "wrap_seconds")]
        if given == [None, None, None]:
            self.stop_talking(time)
            lengths = [self.talked, 0, 0]
        else:
            lengths = [round((seconds or 0) * 1000) for seconds in given]
        told = [("handled", 1), *zip(("talk_ms", "hold_ms", "wrap_ms"), lengths, strict=True), ("handle", sum(lengths))]
        bots = [("bot_handled", 1)] if "bot" in self.handlers else []
        contained = [("contained", 1)] if set(self.handlers) == {"bot"} and event.get("resolved") else []
        moved = [("transferred", 1)] if self.transferred else []
        raised = [("escalated", 1)] if self.escalated else []
        return [*told, *bots, *contained, *moved, *raised]

    def resolution(self, time: int) -> list[tuple[str, int]]:
        took = [] if self.offered is None else [("resolutions", 1), ("resolution_ms", time - self.offered)]
        ticket = [("tickets_resolved", 1)] if self.replies and not self.ended_once else []
        touch = [("one_touch", 1)] if ticket and self.replies == 1 else []
        return [("resolved", 1), *took, *ticket, *touch]

    def when_reopened(self, _: Event, __: int) -> list[tuple[str, int]]:
        self.state = self.state if self.is_open() else "offered"
        return [("reopened", 1)]

    def when_surveyed(self, event: Event, _: int) -> list[tuple[str, int]]:
        answers = [(f"csat_{event['csat']}", 1)] if "csat" in event else []
        answers += [(f"nps_{event['nps']}", 1)] if "nps" in event else []
        said = event.get("resolved")
        return answers if said is None else [*answers, ("survey_resolved" if said else "survey_unresolved", 1)]


def told(events: Iterable[Event], terms: Terms) -> Iterator[Told]:
    """What one interaction counts, until long after its last event."""
    story = Story(terms)
    ordered = sorted(events, key=lambda event: (event["time"], ORDER.index(event["type"]), event["id"]))
    known = {name: next((event[name] for event in ordered if name in event), "unknown") for name in DIMENSIONS}
    for event in ordered:
        if story.is_open() and event["time"] > story.last + terms.open_ms:
            yield from (Told(story.last + terms.open_ms, known, name, n) for name, n in story.time_out())
        known = known | {name: event[name] for name in DIMENSIONS if name in event}
        yield from (Told(event["time"], known, name, n) for name, n in story.tell(event))
    if story.is_open():
        yield from (Told(story.last + terms.open_ms, known, name, n) for name, n in story.time_out())


def windows(time_ms: int, zone: ZoneInfo) -> dict[str, datetime]:
    """Kind → local start of the window that holds a moment; in a zone whose clock doesn't change around it."""
    local = datetime.fromtimestamp(time_ms // 1000, zone)
    minute = local.replace(second=0, microsecond=0)
    day = minute.replace(hour=0, minute=0)
    return {
        "1m": minute,
        "15m": minute.replace(minute=minute.minute // 15 * 15),
        "1h": minute.replace(minute=0),
        "1d": day,
        "1w": day - timedelta(days=day.weekday()),
        "1mo": day.replace(day=1),
    }


Key = tuple[str, datetime, str, tuple[str, ...]]  # kind, local start, cut, values


class Recount(NamedTuple):
    """Sums by window and series, and the single waits of answered contacts and handle times, in ms."""

    sums: dict[Key, Counter[str]]
    waits: dict[Key, list[int]]
    handles: dict[Key, list[int]]


def recount(events: Iterable[Event], cuts: Iterable[str], zone: ZoneInfo, terms: Terms) -> Recount:
    """What all windows of all cuts come to."""
    by_interaction: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_interaction[event["interaction_id"]].append(event)
    result = Recount(defaultdict(Counter), defaultdict(list), defaultdict(list))
    for story in by_interaction.values():
        for one in told(story, terms):
            is_open = terms.is_open(one.dimensions["queue"], datetime.fromtimestamp(one.time_ms / 1000, zone))
            dimensions = {**one.dimensions, "hours": "open" if is_open else "closed"}
            for cut in cuts:
                values = () if cut == "total" else tuple(dimensions[name] for name in cut.split("+"))
                for kind, start in windows(one.time_ms, zone).items():
                    _put(result, (kind, start, cut, values), one)
    return result


def _put(result: Recount, key: Key, one: Told) -> None:
    if one.name == "handle":
        result.handles[key].append(one.n)
        return
    if one.name == "wait_ms":
        result.waits[key].append(one.n)
    result.sums[key][one.name] += one.n

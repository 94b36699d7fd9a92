"""What replay and simulate share: sending with a progress bar, and how far to move old events to end now."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from streams.sources.row import CanonicalEvent

if TYPE_CHECKING:
    from rich.progress import Task

    from streams.edge.replay import Pace, Sent
    from streams.settings import Settings


class _Rate(TextColumn):
    """Events per second so far."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: "Task") -> Text:
        """The rate as text, '' before the first event."""
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} events/s", style="cyan")


def send(
    settings: "Settings",
    events: Iterable[CanonicalEvent],
    pace: "Pace",
    total: int | None,
    title: str,
    closing: CanonicalEvent | None = None,
) -> "Sent":
    """Send events with a progress bar on stderr, and after them, without waiting for its moment, `closing`.

    total: None where the end isn't known. Ctrl-C ends it; what was sent so far is kept.
    """
    from streams.edge.replay import Sender, at_speed  # heavy

    with Sender(settings) as sender, bar(title, total) as (progress, task):
        sent = sender.send(events, pace, lambda n: progress.advance(task, n))
        if closing is not None:
            sender.send([closing], at_speed(0), lambda _: None)
        return sent


@contextmanager
def bar(title: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on stderr; without a total it counts."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress, progress.add_task(title, total=total)


def shift_to_now_ms(first_ms: int, last_ms: int, speed: float, now_ms: int) -> int:
    """How far to move events so that a replay at this speed catches up with the clock at its last event, and is never ahead.

    Real time (1): the first event is now. As fast as possible (0): the last is. 10 times: the first is now minus nine tenths.
    """
    length_ms = last_ms - first_ms
    takes_ms = round(length_ms / speed) if speed else 0
    return now_ms + takes_ms - last_ms

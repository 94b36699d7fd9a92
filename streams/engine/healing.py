"""A worker that Kafka failed starts itself again, for a while, with back-off.

The process replaces itself by a new one of the same command (exec): same process id, same log, no supervisor. The surprise: that
is the whole recovery. State in memory may hold what was never written, and a client that gave up may hold anything; a new
process has neither, opens its partitions from the changelog as after a crash, and is back in its groups under its name.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import NamedTuple, NoReturn, TypeVar

from streams.core.errors import StreamsError
from streams.engine.errors import EngineError, Fenced, KafkaFailed

LOG = logging.getLogger(__name__)

OUTAGE = "INTERACTION_STREAMS_OUTAGE"  # environment: since when (monotonic seconds) and how many starts ago it went well
WELL_SECONDS = 120.0  # a run longer than this was well: its failure begins another outage. Longer than a flush is tried
PAUSE_SECONDS = 0.5  # before the first new start; doubles with each
PAUSE_SECONDS_MAX = 30.0
RIVAL_SECONDS = 3.0  # a second worker of our name has joined its groups by then

T = TypeVar("T")


class Outage(NamedTuple):
    """What this start knows of the ones before it."""

    since: float
    starts: int

    def encode(self) -> str:
        """As it stands in the environment."""
        return f"{self.since} {self.starts}"

    def pause_seconds(self) -> float:
        """How long to wait before the next start."""
        return min(PAUSE_SECONDS_MAX, PAUSE_SECONDS * float(2**self.starts))


def run(look: Callable[[], T], work: Callable[[T], None], has_rival: Callable[[], bool], seconds_max: float) -> None:
    """Look around, then work. What Kafka failed to do is tried again by a new process until an outage lasts `seconds_max`.

    Raises StreamsError: what won't pass, what `look` finds at the very first start, and what has lasted too long. `has_rival`
    tells whether another worker has our name by now: whoever came last stays.
    """
    outage, began = _outage(), monotonic()
    try:
        found = look()
    except StreamsError as error:
        if outage is None:
            raise
        _start_again(error, outage, seconds_max)
    try:
        work(found)
    except KafkaFailed as error:
        if outage is None or monotonic() - began > WELL_SECONDS:
            outage = Outage(monotonic(), 0)
        if isinstance(error, Fenced) and seconds_max > 0:
            with _ends_at_a_signal():
                sleep(RIVAL_SECONDS)
                rival = has_rival()
            if rival:
                reason = "another worker of the same name is running: give each its own [app] worker"
                raise EngineError(f"{reason} ({error})") from error
        _start_again(error, outage, seconds_max)


def _outage() -> Outage | None:
    said = os.environ.get(OUTAGE)
    if said is None:
        return None
    since, starts = said.split()
    return Outage(float(since), int(starts))


def _start_again(error: StreamsError, outage: Outage, seconds_max: float) -> NoReturn:
    """Become a new process, or raise the error when it has lasted too long."""
    lasted = monotonic() - outage.since
    if lasted >= seconds_max:
        raise error
    pause = outage.pause_seconds()
    LOG.warning("%s", error)
    LOG.warning("starting again in %.1f s, as often as it takes until %.0f s have passed", pause, seconds_max - lasted)
    with _ends_at_a_signal():
        sleep(pause)
    os.environ[OUTAGE] = Outage(outage.since, outage.starts + 1).encode()
    logging.shutdown()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@contextmanager
def _ends_at_a_signal() -> Iterator[None]:
    """SIGTERM and SIGINT end the worker as they do while it runs, with 0."""
    for number in (signal.SIGTERM, signal.SIGINT):  # the event loop, now closed, has taken its handlers with it
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(0)

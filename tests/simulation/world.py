"""The simulated world: one clock, one source of chance, and who may take the next step.

Code of the engine runs in greenlets, unchanged; whenever it calls a simulated client or waits, it comes back here, and the seed
says who goes on. So any two steps of two processes may come in any order, a process may stop between any two of its own, and
the same seed gives the same run.

The surprise: time moves by steps. It passes a little with each, and jumps to the next moment that somebody waits for when nobody
can take a step.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from zlib import crc32

from greenlet import GreenletExit, getcurrent, greenlet

TICKS_MS = (0, 0, 0, 1, 1, 2)  # what a step takes
LOOK_MS = 100  # conditions are looked at this often where nothing happens
SHUFFLE_STEPS = 40  # whoever stands behind an idle stretch of the list gets more turns; so the list is mixed now and then


class Process:
    """What is paused, killed and woken as one. `waits_for_write`: it is inside a flush."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.awake = True
        self.dead = False
        self.in_flush = 0
        self.trip: Callable[[], None] | None = None  # called at a step inside a flush
        self.trip_steps = 0


class Task:
    """One line of work: a greenlet that goes on, or a function that is called, whenever it is ready."""

    __slots__ = ("function", "green", "name", "process", "until", "wake_ms")

    def __init__(self, process: Process, name: str, green: greenlet | None, function: Callable[[], None] | None) -> None:
        self.process = process
        self.name = name
        self.green = green
        self.function = function
        self.until: Callable[[], bool] | None = None
        self.wake_ms: float = 0


class World:
    """Made anew for each run. `trace` collects a line per step where it isn't None."""

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.random = Random(seed)
        self.now_ms = 0
        self.steps = 0
        self.digest = 0
        self.trace: list[str] | None = [] if traced else None
        self.tasks: list[Task] = []  # of all processes that are awake
        self._asleep: list[Task] = []
        self._timers: list[tuple[int, int, str, Callable[[], None]]] = []
        self._hub = getcurrent()
        self._current: Task | None = None
        self._doomed: list[Process] = []

    # For whoever sets the world up, and for faults.

    def spawn(self, process: Process, name: str, work: Callable[[], None]) -> None:
        """A line of work of a process."""
        self.tasks.append(Task(process, f"{process.name} {name}", greenlet(work, parent=self._hub), None))

    def attend(self, process: Process, name: str, ready: Callable[[], bool], step: Callable[[], None]) -> None:
        """Something that happens in one piece whenever it is ready."""
        task = Task(process, f"{process.name} {name}", None, step)
        task.until, task.wake_ms = ready, float("inf")
        self.tasks.append(task)

    def at(self, due_ms: int, name: str, do: Callable[[], None]) -> None:
        """Do something once, at a moment or soon after it."""
        heappush(self._timers, (due_ms, self.random.randrange(1 << 30), name, do))

    def every(self, milliseconds: int, do: Callable[[], None]) -> None:
        """Do something again and again."""
        do()
        self.at(self.now_ms + milliseconds, "", lambda: self.every(milliseconds, do))

    def sleep_process(self, process: Process) -> None:
        """The process takes no step until it is woken."""
        process.awake = False
        self._asleep += [task for task in self.tasks if task.process is process]
        self.tasks = [task for task in self.tasks if task.process is not process]

    def wake_process(self, process: Process) -> None:
        """It goes on where it was."""
        process.awake = True
        self.tasks += [task for task in self._asleep if task.process is process]
        self._asleep = [task for task in self._asleep if task.process is not process]

    def kill(self, process: Process) -> None:
        """The process is no more; what it was doing is never finished. Its greenlets end when the hub is next at work."""
        process.dead, process.awake = True, False
        self._doomed.append(process)

    def step(self) -> None:
        """Somebody takes a step."""
        self.steps += 1
        self.now_ms += TICKS_MS[int(self.random.random() * len(TICKS_MS))]
        if self._timers and self._timers[0][0] <= self.now_ms:
            _due_ms, _order, name, do = heappop(self._timers)
            if name:
                self.note(name)
            do()
        task = self._choose() or self._choose()  # again, where time had to pass first
        if task is not None:
            self._go_on(task)
        while self._doomed:
            self._bury(self._doomed.pop())

    def _go_on(self, task: Task) -> None:
        self.note(task.name)
        if task.function is not None:
            task.function()
        elif task.green is not None:
            task.until, task.wake_ms = None, 0
            self._current = task
            task.green.switch()
            self._current = None
            if task.green.dead and not task.process.dead:
                self.tasks.remove(task)

    def note(self, text: str) -> None:
        """A line of the trace; part of what makes two runs the same."""
        self.digest = crc32(text.encode(), self.digest)
        if self.trace is not None:
            self.trace.append(f"{self.steps:6} {self.now_ms / 1000:8.3f} {text}")

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return self.random.random() < probability

    def close(self) -> None:
        """End all that is still under way."""
        for process in {id(task.process): task.process for task in [*self.tasks, *self._asleep]}.values():
            self.kill(process)
        while self._doomed:
            self._bury(self._doomed.pop())

    # For what runs in a greenlet.

    @property
    def process(self) -> Process:
        """Who is at work."""
        assert self._current is not None, "only while a task runs"
        return self._current.process

    def pause(self, doing: str) -> None:
        """Somebody else may go on before this is done."""
        self._leave(doing, None, 0)

    def wait(self, doing: str, until: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """Go on when the condition holds, or the time has passed; whether it holds."""
        if not until():
            self._leave(doing, until, self.now_ms + seconds * 1000)
        return until()

    def sleep(self, seconds: float) -> None:
        """As time.sleep."""
        self._leave("sleep", None, self.now_ms + seconds * 1000)

    def monotonic(self) -> float:
        """As time.monotonic."""
        return self.now_ms / 1000

    def _leave(self, doing: str, until: Callable[[], bool] | None, wake_ms: float) -> None:
        task = self._current
        assert task is not None, "only a task may wait"
        process = task.process
        if process.dead:
            raise GreenletExit
        self.note(f"{task.name}: {doing}")
        if process.trip is not None and process.in_flush:
            process.trip_steps -= 1
            if process.trip_steps < 0:
                trip, process.trip = process.trip, None
                trip()
        task.until, task.wake_ms = until, wake_ms
        self._hub.switch()

    def _choose(self) -> Task | None:
        """One that can go on, from a place in the list that chance says; None where time has to pass first."""
        tasks, now_ms = self.tasks, self.now_ms
        if self.steps % SHUFFLE_STEPS == 0:
            self.random.shuffle(tasks)
        start = int(self.random.random() * len(tasks))
        for part in (tasks[start:], tasks[:start]):
            for task in part:  # most of the time of a run is spent here
                if task.wake_ms <= now_ms or (task.until is not None and task.until()):
                    return task
        due_ms = min((task.wake_ms for task in tasks), default=float("inf"))
        if self._timers:
            due_ms = min(due_ms, self._timers[0][0])
        self.now_ms = max(now_ms, int(min(due_ms, now_ms + LOOK_MS) + 0.999))
        return None

    def _bury(self, process: Process) -> None:
        doomed = [task for task in [*self.tasks, *self._asleep] if task.process is process]
        self.tasks = [task for task in self.tasks if task.process is not process]
        self._asleep = [task for task in self._asleep if task.process is not process]
        for task in doomed:
            if task.green is not None and not task.green.dead:
                self._current = task
                task.green.throw(GreenletExit)
                self._current = None

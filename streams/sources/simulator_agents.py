"""The simulated agents of one queue: who is free when, and what each of them is doing, told as it is on the topic `agents`.

First come, first served, by the agent who has been free longest. The surprise: what an agent will do is known when they take a
contact, as the contact's life is; who leaves the shift does so when free, rests until the next plan and is gone after it.
"""

import heapq
from collections.abc import Iterator

from streams.core.agent_state import State
from streams.sources.row import CanonicalEvent, state_of_agent


class Desk:
    """The agents of one queue, as a heap of the moments when they are free."""

    def __init__(self, source: str, prefix: str, queue: str) -> None:
        self._source = source
        self._prefix = prefix
        self._queue = queue
        self._free: list[tuple[int, str]] = []
        self._resting: list[tuple[int, str]] = []
        self._gone: list[str] = []
        self._names = 0
        self._told = 0

    def staff(self, agents: int, now_ms: int) -> Iterator[CanonicalEvent]:
        """Bring the shift to so many agents; who leaves does so when free."""
        rested = [name for since_ms, name in self._resting if since_ms < now_ms]
        self._resting = [(since_ms, name) for since_ms, name in self._resting if since_ms >= now_ms]
        while len(self._free) < agents:
            name = rested.pop() if rested else self._gone.pop() if self._gone else self._name()
            heapq.heappush(self._free, (now_ms, name))
            yield self._state(name, "available", now_ms, [self._queue])
        for name in rested:
            yield self._state(name, "offline", now_ms)
        self._gone += rested
        while len(self._free) > agents:
            free_ms, name = heapq.heappop(self._free)
            leaves_ms = max(free_ms, now_ms)
            self._resting.append((leaves_ms, name))
            yield self._state(name, "break", leaves_ms)

    def starts_ms(self, now_ms: int) -> int:
        """When the next agent is free for somebody who comes now."""
        return max(now_ms, self._free[0][0])

    def take(self, answered_ms: int, until_ms: int, wrap_ms: int) -> tuple[str, list[CanonicalEvent]]:
        """Occupy the next free agent, the last part by after-contact work; who it is, and what they do."""
        name = self._free[0][1]
        heapq.heapreplace(self._free, (until_ms, name))
        return name, [
            self._state(name, "on_contact", answered_ms),
            self._state(name, "after_contact_work", until_ms - wrap_ms),
            self._state(name, "available", until_ms),
        ]

    def _name(self) -> str:
        self._names += 1
        return f"agent-{self._queue}-{self._names:03d}"

    def _state(self, name: str, state: State, time_ms: int, queues: list[str] | None = None) -> CanonicalEvent:
        self._told += 1
        return state_of_agent(self._source, name, state, time_ms, f"{self._prefix}-{self._queue}-{self._told}", queues)

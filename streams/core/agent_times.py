"""Agents' time: how long how many of them were in which state, by pane and series, as far as time has come.

Time that passes is counted for all agents in the same occupation at once, whole panes only; a fact that comes later than its time
takes back what it makes untrue. So cost follows changes of state and kinds of occupation, not agents. The surprise: an agent of
two queues counts once in the total and once in each, so a queue's time is that of all who serve it, whatever they are doing.
"""

from collections import Counter
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import TypeAlias

from streams.core import measure
from streams.core.agent_facts import OFFLINE, Occupation, Span, StateFact, added, occupation_at, pruned, spans
from streams.core.cells import OTHER
from streams.core.expiry import Expiry, rounded
from streams.core.frame import PaneChange, WaitingLevel, shard_of
from streams.core.measure import Cell
from streams.core.rules import IntakeRules
from streams.core.series import TOTAL, series_of
from streams.core.watermark import NEVER, Lateness

CODES = (measure.AVAILABLE_MS, measure.ON_CONTACT_MS, measure.AFTER_CONTACT_MS, measure.BREAK_MS)  # by state
AGENTS_MAX = 100_000  # of one partition; more aren't followed
FACTS_MAX = 1_000  # of one agent within the hour that facts are remembered: beyond it a machine is stuck
STEP_MS = 3_600_000  # longest step of counting: what ends early in a step is counted to its end first and taken back
QUEUE = "queue"

Outcome: TypeAlias = str  # 'accepted', or why not: repeated, too_late, crowded


class _Agent:
    """One agent; `now`: the occupation under which time is counted that passes from here on."""

    __slots__ = ("facts", "now")

    def __init__(self, facts: list[StateFact], now: Occupation | None) -> None:
        self.facts = facts
        self.now = now


class AgentTimes:
    """All agents of one partition. `counted_ms`: time before it is in the cells. `dirty`: who changed, for the store."""

    def __init__(self, rules: IntakeRules, state_max_ms: int, queues: set[str]) -> None:
        self._rules = rules
        self._state_max_ms = state_max_ms
        self._lateness = Lateness(rules)
        self._queues = queues
        self._agents: dict[str, _Agent] = {}
        self._groups: Counter[Occupation] = Counter()
        self._coming: list[tuple[int, str]] = []  # facts whose time has not come
        self._expiry = Expiry()
        self._series: dict[tuple[str, ...], list[str]] = {}
        self._panes: dict[tuple[int, int], dict[Occupation, int]] = {}  # by pane start and closed level: milliseconds
        self.counted_ms = NEVER
        self.dirty: set[str] = set()
        self._new_queues: list[str] = []
        self._capped = 0

    def restore(self, name: str, facts: list[StateFact]) -> None:
        """Take up an agent of the store, after `counted_ms` was set."""
        agent = self._agents[name] = _Agent(facts, occupation_at(facts, self.counted_ms, self._state_max_ms))
        self._appoint(name, agent)
        if agent.now is not None:
            self._groups[agent.now] += 1
        for fact in facts:
            if fact.time_ms >= self.counted_ms:
                heappush(self._coming, (fact.time_ms, name))

    def facts(self, name: str) -> list[StateFact] | None:
        """What is known of an agent; None where they were forgotten."""
        agent = self._agents.get(name)
        return None if agent is None else agent.facts

    def tell(self, name: str, fact: StateFact, watermark_ms: int) -> Outcome:
        """Add a fact; what had been counted otherwise is put right, in the windows that are open."""
        agent = self._agents.get(name)
        facts = [] if agent is None else agent.facts
        if any(known.id == fact.id and known.source == fact.source for known in facts):
            return "repeated"
        if len(facts) >= FACTS_MAX or (agent is None and len(self._agents) >= AGENTS_MAX):
            return "crowded"
        horizon_ms = watermark_ms - self._rules.linger_ms
        after = added(facts, fact)
        place = after.index(fact)
        if fact.time_ms <= horizon_ms and place + 1 < len(after) and after[place + 1].time_ms <= horizon_ms:
            return "too_late"  # something else has held since before anything that is remembered
        if agent is None:
            agent = self._agents[name] = _Agent([], None)
        agent.facts = pruned(after, horizon_ms)
        if fact.time_ms >= self.counted_ms:
            heappush(self._coming, (fact.time_ms, name))
        else:
            from_ms = max(fact.time_ms, horizon_ms)
            self._count(spans(facts, from_ms, self.counted_ms, self._state_max_ms), -1, watermark_ms)
            self._count(spans(after, from_ms, self.counted_ms, self._state_max_ms), 1, watermark_ms)
            self._regroup(agent)
        self._appoint(name, agent)
        self.dirty.add(name)
        return "accepted"

    def advance(self, until_ms: int, watermark_ms: int) -> None:
        """Count the time up to the last whole pane before `until_ms`, in the windows that were open at a watermark."""
        until_ms -= until_ms % self._rules.pane_ms
        while self.counted_ms < until_ms:
            is_first = self.counted_ms == NEVER
            from_ms = until_ms - self._rules.linger_ms if is_first else self.counted_ms
            self._step(from_ms, until_ms if is_first else min(until_ms, from_ms + STEP_MS), watermark_ms)

    def take(self) -> list[list[PaneChange]]:
        """The changes since the last call, by shard; nothing is left."""
        shards: list[list[PaneChange]] = [[] for _ in range(self._rules.shards)]
        for (pane_ms, level), row in self._panes.items():
            cells: dict[str, Cell] = {}
            for (state, queues), spent_ms in row.items():
                for series in self._names(queues) if spent_ms else ():
                    cell = cells.setdefault(series, {})
                    cell[CODES[state]] = cell.get(CODES[state], 0) + spent_ms
            for series, cell in cells.items():
                if change := {code: n for code, n in cell.items() if n}:
                    shards[shard_of(series, self._rules.shards)].append(PaneChange(pane_ms, level, series, change))
        self._panes = {}
        return shards

    def levels(self) -> list[list[WaitingLevel]]:
        """How many agents are in which state where counting stands, by shard, sorted by series."""
        found: dict[str, list[int]] = {}
        for (state, queues), agents in self._groups.items():
            for series in self._names(queues):
                found.setdefault(series, [0] * len(CODES))[state] += agents
        shards: list[list[WaitingLevel]] = [[] for _ in range(self._rules.shards)]
        for series, agents_by_state in sorted(found.items()):
            shards[shard_of(series, self._rules.shards)].append(WaitingLevel(series, 0, 0, tuple(agents_by_state)))
        return shards

    def take_new_queues(self) -> list[str]:
        """The queues that were counted for the first time since the last call."""
        found, self._new_queues = self._new_queues, []
        return found

    def take_capped(self) -> int:
        """How many queues of a full cut were made 'other' since the last call."""
        found, self._capped = self._capped, 0
        return found

    def _step(self, from_ms: int, to_ms: int, watermark_ms: int) -> None:
        """Let time pass for all, then put right those of whom it isn't true that they did the same all the time."""
        for occupation, agents in self._groups.items():
            self._count([Span(from_ms, to_ms, occupation)], agents, watermark_ms)
        self.counted_ms = to_ms
        changing = dict.fromkeys(self._expiry.due(to_ms))
        while self._coming and self._coming[0][0] < to_ms:
            changing[heappop(self._coming)[1]] = None
        for name in changing:
            agent = self._agents[name]
            if agent.now is not None:
                self._count([Span(from_ms, to_ms, agent.now)], -1, watermark_ms)
            self._count(spans(agent.facts, from_ms, to_ms, self._state_max_ms), 1, watermark_ms)
            self._regroup(agent)
            if self._is_over(agent):
                del self._agents[name]
                self.dirty.add(name)
            else:
                self._appoint(name, agent)

    def _count(self, found: Iterable[Span], agents: int, watermark_ms: int) -> None:
        """Add so many times the milliseconds of spans to their panes."""
        pane_ms, lateness = self._rules.pane_ms, self._lateness
        for start_ms, end_ms, occupation in found:
            at_ms = start_ms
            while at_ms < end_ms:
                begins_ms = at_ms - at_ms % pane_ms
                ends_ms = min(end_ms, begins_ms + pane_ms)
                level = lateness.level(begins_ms, watermark_ms)
                if level < lateness.levels:
                    row = self._panes.setdefault((begins_ms, level), {})
                    row[occupation] = row.get(occupation, 0) + agents * (ends_ms - at_ms)
                at_ms = ends_ms

    def _regroup(self, agent: _Agent) -> None:
        """Bring an agent's occupation in line with the facts."""
        before, agent.now = agent.now, occupation_at(agent.facts, self.counted_ms, self._state_max_ms)
        if before is not None:
            self._groups[before] -= 1
            if not self._groups[before]:
                del self._groups[before]
        if agent.now is not None:
            self._groups[agent.now] += 1

    def _appoint(self, name: str, agent: _Agent) -> None:
        """Look at an agent again though nobody says anything: when the state ends of itself, then when all can be forgotten."""
        ends_ms = self._ends_ms(agent)
        is_ended = agent.facts[-1].state == OFFLINE or ends_ms <= self.counted_ms
        self._expiry.schedule(name, ends_ms + self._rules.linger_ms if is_ended else ends_ms)

    def _is_over(self, agent: _Agent) -> bool:
        """Whether no fact may come any more that would be older than the last one and still count."""
        return rounded(self._ends_ms(agent) + self._rules.linger_ms) <= self.counted_ms

    def _ends_ms(self, agent: _Agent) -> int:
        return rounded(agent.facts[-1].time_ms + self._state_max_ms)

    def _names(self, queues: tuple[str, ...]) -> list[str]:
        """The series of who serves these queues: the total, and each queue; all that a full cut takes no more are one."""
        known = self._series.get(queues)
        if known is None:
            cuts = self._rules.cuts
            names = [TOTAL] if TOTAL in cuts else []
            if QUEUE in cuts:
                names += dict.fromkeys(series_of(QUEUE, self._admitted(queue)) for queue in queues)
            known = self._series[queues] = names
        return known

    def _admitted(self, queue: str) -> str:
        if queue in self._queues:
            return queue
        if len(self._queues) >= self._rules.cut_series_max:
            self._capped += 1
            return OTHER
        self._queues.add(queue)
        self._new_queues.append(queue)
        return queue

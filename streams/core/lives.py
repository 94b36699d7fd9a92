"""Lives: the interactions of one source partition, each stepped by its facts, and what that adds to the cells.

A fact that comes in order and fills no gap steps the running life; any other is folded anew, and the difference goes to the cells
under the closed level that its pane has now. The surprise: time-outs and forgetting follow the watermark after each event, never
the batch, so that the same log always gives the same.

Every interaction has an appointment in `expiry`; only those that were touched lately are in `interactions`, the others lie in the
store as bytes and come back by `recall`.
"""

from bisect import insort
from collections.abc import Iterable, MutableMapping

from streams.core import contact
from streams.core.backlog import Backlog
from streams.core.cells import Cells
from streams.core.contact import Contact
from streams.core.context import MAX_CONTEXTS, Combination, Context, Contexts
from streams.core.customer import Customers
from streams.core.expiry import Expiry, rounded
from streams.core.facts import ABANDONED, Fact, fact_of
from streams.core.frame import WaitingLevel
from streams.core.interaction import STEPS, Contribution, first_context, fold, step, time_out
from streams.core.life import NEVER, OPEN, TALKING, TIMED_OUT, WAITING, Life, Odd, is_open
from streams.core.measure import Cell, add
from streams.core.rules import IntakeRules
from streams.core.stored import Interaction, decode_head, decode_interaction, decode_values, encode_interaction
from streams.core.waiting import Waiting
from streams.core.watermark import Lateness
from streams.core.wire import Wire

PREFIX = b"i"  # of an interaction's key in the store

# Interactions at hand of one partition, about 600 bytes each; beyond it all go to sleep, and each comes back for 3 µs. An event
# costs 10: even where none finds its interaction at hand, that is less than a third, and memory has a bound.
AWAKE_MAX = 100_000


class Lives:
    """All interactions that are open or ended a short while ago. `odd` collects contradictions until they are reported."""

    def __init__(
        self, store: MutableMapping[bytes, bytes], rules: IntakeRules, lateness: Lateness, contexts: Contexts, cells: Cells
    ) -> None:
        self._store = store
        self._rules = rules
        self._lateness = lateness
        self._contexts = contexts
        self._cells = cells
        self.expiry = Expiry()
        self._waiting = Waiting()
        self._backlog = Backlog()
        self._customers = Customers(rules.customer_key)
        self._contacts_told: list[Contact] = []
        self._dirty: dict[str, Interaction | None] = {}
        self.interactions: dict[str, Interaction] = {}
        self.odd: Odd = {}

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the interactions of the store: who is due when, who is open and who waits. They stay asleep."""
        schedule, start = self.expiry.schedule, len(PREFIX)
        known: dict[bytes, Combination] = {}  # by values as stored: to decode them for each interaction costs 0.7 µs more
        opened: dict[Combination, int] = {}
        for key, data in entries:
            name, head = key[start:].decode(), decode_head(data)
            phase = head.phase
            schedule(name, self._due(phase, head.last_ms))
            if OPEN <= phase <= TALKING:
                values = bytes(head.values)
                combination = known.get(values)
                if combination is None:
                    if len(known) >= MAX_CONTEXTS:
                        known.clear()
                    combination = known[values] = self._contexts.of(decode_values(values)).combination
                opened[combination] = opened.get(combination, 0) + 1
                if phase == WAITING:
                    self._waiting.enter(name, combination, head.queued_ms)
        for combination, n in opened.items():
            self._backlog.enter(combination, n)

    def recall(self, name: str) -> Interaction:
        """An interaction that is asleep, awake again."""
        interaction = self.interactions[name] = decode_interaction(self._store[PREFIX + name.encode()], self._contexts)
        return interaction

    def tell(self, name: str, wire: Wire, time_ms: int, kind: int, level: int, watermark_ms: int) -> None:
        """Add a fact to an interaction; `level` is the closed level of its pane."""
        w, contexts = wire, self._contexts
        raw = w.customer_id
        customer = None if raw is None else self._customers.remembered.get(raw) or self._customers.name(raw)
        # In the order of series.DIMENSIONS, written out because this is the hot path: a loop over names costs 1 µs more.
        values = (w.channel, w.queue, w.issue, w.product, w.segment, w.region, w.age_band, w.language)
        context = contexts.by_values.get(values) or contexts.of(values)
        fact = (
            Fact(time_ms, kind, w.id, w.source, context.values, customer)
            if kind <= ABANDONED and not w.bot
            else fact_of(w, time_ms, kind, context.values, customer)
        )
        interaction, was_open = self.interactions.get(name), None
        if interaction is None:
            life = Life(context)
            interaction = self.interactions[name] = Interaction([fact], context, life)
        else:
            life, facts = interaction.life, interaction.facts
            if OPEN <= life.phase <= TALKING:
                was_open = life.context.combination
            if fact < facts[-1] or (life.phase == TIMED_OUT and time_ms <= life.last_ms):
                self._fold_anew(name, interaction, fact, watermark_ms)
                return
            known = life.context
            if context is not known:
                known, filled = contexts.sum(known, context)
                if filled.combination is not life.context.combination:
                    self._fill_gaps(interaction, context, watermark_ms)
                life.context = filled
            if time_ms > life.last_ms + self._rules.open_ms and is_open(life):
                self._time_out(name, interaction, watermark_ms)
            life.context = known
            facts.append(fact)
        self._dirty[name] = interaction
        phase = life.phase
        life.last_ms = time_ms
        STEPS[kind](life, fact, self._cells.at(time_ms, level, life.context.combination), self.odd, self._rules)
        if phase == WAITING or life.phase == WAITING:
            self._wait(name, life)
        now_open = life.context.combination if OPEN <= life.phase <= TALKING else None
        if now_open is not was_open:
            self._backlog.move(was_open, now_open)
        # An open interaction that stays open is due later than it was, and that is noticed in time.
        if not (OPEN <= phase <= TALKING and OPEN <= life.phase <= TALKING):
            self.expiry.schedule(name, self._due(life.phase, time_ms))
            if life.ended_ms != NEVER:
                self._tell_contact(name, interaction, watermark_ms)

    def expire(self, before_ms: int, watermark_ms: int) -> None:
        """Time out and forget what is due at a watermark that was `before_ms` until now."""
        for name in self.expiry.due(watermark_ms):
            interaction = self.interactions.get(name)
            state = decode_head(self._store[PREFIX + name.encode()]) if interaction is None else interaction.life
            is_due = rounded(self._due(state.phase, state.last_ms)) <= watermark_ms
            if is_due and not OPEN <= state.phase <= TALKING:
                self.interactions.pop(name, None)
                self._dirty[name] = None
                continue
            if is_due:
                interaction = interaction or self.recall(name)
                state = interaction.life
                self._backlog.move(state.context.combination, None)
                self._time_out(name, interaction, before_ms)
                self._dirty[name] = interaction
            self.expiry.schedule(name, self._due(state.phase, state.last_ms))

    def waiting(self, now_ms: int) -> list[list[WaitingLevel]] | None:
        """The contacts that wait now, by shard, sorted by series; None where nothing has changed since the last time they were
        given, and where many wait and that was less than a second ago."""
        if not self._waiting.is_due(now_ms):
            return None
        levels: list[dict[str, tuple[int, int]]] = [{} for _ in range(self._rules.shards)]
        for combination, n, since_ms in self._waiting.levels():
            for shard, series in self._cells.now(combination):
                waiting, oldest_ms = levels[shard].get(series, (0, since_ms))
                levels[shard][series] = waiting + n, min(oldest_ms, since_ms)
        return [[WaitingLevel(series, *level) for series, level in sorted(shard.items())] for shard in levels]

    def backlog(self, now_ms: int) -> list[dict[str, int]] | None:
        """The contacts that are open now, by shard and series; None where nothing has changed or it isn't time."""
        if not self._backlog.is_due(now_ms):
            return None
        levels: list[dict[str, int]] = [{} for _ in range(self._rules.shards)]
        for combination, n in self._backlog.levels():
            for shard, series in self._cells.now(combination):
                levels[shard][series] = levels[shard].get(series, 0) + n
        return levels

    def contacts(self) -> list[Contact]:
        """What journey has to hear since the last call: a version for each fact, whatever the drains."""
        told, self._contacts_told = self._contacts_told, []
        return told

    def write(self) -> None:
        """Write to the store what changed since the last call; then what is at hand may go to sleep."""
        store = self._store
        for name, interaction in self._dirty.items():
            key = PREFIX + name.encode()
            if interaction is not None:
                store[key] = encode_interaction(interaction)
            elif key in store:
                del store[key]
        self._dirty = {}
        if len(self.interactions) > AWAKE_MAX:
            self.interactions.clear()

    def _fold(self, facts: list[Fact], first: Context, watermark_ms: int) -> Contribution:
        return fold(facts, first, self._contexts, self._rules, lambda due_ms: rounded(due_ms) <= watermark_ms)

    def _fold_anew(self, name: str, interaction: Interaction, fact: Fact, watermark_ms: int) -> None:
        """Add a fact that doesn't come in order."""
        was_open = _open_under(interaction.life)
        before = self._fold(interaction.facts, interaction.first, watermark_ms)
        insort(interaction.facts, fact)
        interaction.first = first_context(interaction.facts, self._contexts)
        after = self._fold(interaction.facts, interaction.first, watermark_ms)
        interaction.life = after.life
        self._replace(before, after, watermark_ms)
        self._dirty[name] = interaction
        self._backlog.move(was_open, _open_under(after.life))
        self._settle(name, interaction, watermark_ms)

    def _fill_gaps(self, interaction: Interaction, context: Context, watermark_ms: int) -> None:
        """Count the facts so far under dimensions that become known only now; where the life stands doesn't depend on them."""
        facts, unfilled = interaction.facts, interaction.first
        first = interaction.first = self._contexts.sum(unfilled, context)[1]
        if len(facts) == 1 and interaction.life.phase != TIMED_OUT:
            # The common case, an offer without a queue: a first fact measures the same under any dimensions. Saves 4 µs.
            cell: Cell = {}
            step(Life(unfilled), facts[0], cell, {}, self._rules)
            pane_ms = facts[0].time_ms - facts[0].time_ms % self._rules.pane_ms
            self._add((pane_ms, first.combination), cell, watermark_ms)
            self._add((pane_ms, unfilled.combination), {code: -n for code, n in cell.items()}, watermark_ms)
        else:
            before = self._fold(facts, unfilled, watermark_ms)
            self._replace(before, self._fold(facts, first, watermark_ms), watermark_ms)

    def _replace(self, before: Contribution, after: Contribution, watermark_ms: int) -> None:
        """Take back one contribution and add another, where they differ."""
        for key, cell in before.cells.items():
            if after.cells.get(key) == cell:
                del after.cells[key]
            else:
                self._add(key, {code: -n for code, n in cell.items()}, watermark_ms)
        for key, cell in after.cells.items():
            self._add(key, cell, watermark_ms)
        for kind in before.odd.keys() | after.odd.keys():
            self.odd[kind] = self.odd.get(kind, 0) + after.odd.get(kind, 0) - before.odd.get(kind, 0)

    def _add(self, key: tuple[int, Combination], cell: Cell, watermark_ms: int) -> None:
        pane_ms, combination = key
        level = self._lateness.level(pane_ms, watermark_ms)
        if cell and level < self._lateness.levels:
            add(self._cells.at(pane_ms, level, combination), cell)

    def _time_out(self, name: str, interaction: Interaction, watermark_ms: int) -> None:
        life = interaction.life
        due_ms = life.last_ms + self._rules.open_ms
        cell: Cell = {}
        time_out(life, cell, self._rules)
        self._add((due_ms - due_ms % self._rules.pane_ms, life.context.combination), cell, watermark_ms)
        self._waiting.leave(name)
        self._tell_contact(name, interaction, watermark_ms)

    def _tell_contact(self, name: str, interaction: Interaction, watermark_ms: int) -> None:
        self._contacts_told += contact.tell(name, interaction, watermark_ms)

    def _settle(self, name: str, interaction: Interaction, watermark_ms: int) -> None:
        """Bring queue and appointments in line with a life that was folded anew."""
        self._wait(name, interaction.life)
        self.expiry.schedule(name, self._due(interaction.life.phase, interaction.life.last_ms))
        if interaction.told is not None or interaction.life.ended_ms != NEVER:
            self._tell_contact(name, interaction, watermark_ms)

    def _wait(self, name: str, life: Life) -> None:
        if life.phase == WAITING:
            self._waiting.enter(name, life.context.combination, life.queued_ms)
        else:
            self._waiting.leave(name)

    def _due(self, phase: int, last_ms: int) -> int:
        return last_ms + (self._rules.open_ms if OPEN <= phase <= TALKING else self._rules.linger_ms)


def _open_under(life: Life) -> Combination | None:
    return life.context.combination if is_open(life) else None

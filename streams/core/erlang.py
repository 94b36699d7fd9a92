"""Erlang: how long contacts wait for how many agents, and how many agents a target needs. Pure formulas, no state.

Erlang C (who waits stays) and Erlang A (who waits gives up after a random patience) as in Gans, Koole and Mandelbaum, "Telephone
call centers: tutorial, review, and research prospects" (2003) and Zeltyn and Mandelbaum, "Call centers with impatient customers"
(2005, section 3). The surprise: no factorials and no powers. The recursion of Erlang B is stable from 1 to 10,000 agents and
everything else follows from it.
"""

from math import ceil, exp, inf, isfinite, log, sqrt

import numpy as np
from msgspec import Struct, structs

AGENTS_MAX = 1_000_000  # a search that comes here has been given a load that is no contact centre's
# The integrals of Erlang A: this many points (Simpson's rule, so odd) over so many widths of the peak to each side; finer or
# wider doesn't change the sixth decimal from 1 to 10,000 agents.
_POINTS, _WIDTHS = 4001, 40.0


class Load(Struct, frozen=True, kw_only=True):
    """Contacts of an interval, `aht_seconds` each. Who waits gives up after `patience_seconds` on average, never with `inf`."""

    contacts: float
    interval_seconds: float
    aht_seconds: float
    patience_seconds: float = inf

    @property
    def erlangs(self) -> float:
        """Offered load: how many agents would be busy if nobody waited or gave up."""
        return self.contacts * self.aht_seconds / self.interval_seconds


class Target(Struct, frozen=True, kw_only=True):
    """`share` of all contacts answered within `seconds`, with at most `occupancy_max` of the agents' time spent on contacts."""

    share: float
    seconds: float
    occupancy_max: float = 1.0


class Service(Struct, frozen=True, kw_only=True):
    """What `agents` give: share of all contacts answered within the target's seconds, mean wait of all, share of the agents' time
    spent on contacts, share of contacts that gives up. Too few agents for those who never give up: level 0, wait `inf`."""

    agents: int
    service_level: float
    asa_seconds: float
    occupancy: float
    abandonment: float


def erlang_b(agents: int, erlangs: float) -> float:
    """Share of contacts lost if nobody could wait: B(n) = a·B(n−1) / (n + a·B(n−1)), B(0) = 1."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = erlangs * blocked / (n + erlangs * blocked)
    return blocked


def serve(load: Load, agents: int, within_seconds: float) -> Service:
    """What so many agents give for a load."""
    if load.erlangs <= 0:
        return Service(agents=agents, service_level=1.0, asa_seconds=0.0, occupancy=0.0, abandonment=0.0)
    if agents == 0:
        gone = 1.0 if isfinite(load.patience_seconds) else 0.0
        return Service(agents=0, service_level=0.0, asa_seconds=load.patience_seconds, occupancy=1.0, abandonment=gone)
    model = _erlang_a if isfinite(load.patience_seconds) else _erlang_c
    return model(load, agents, within_seconds)


def reaches(load: Load, agents: int, target: Target) -> bool:
    """Whether so many agents reach the target."""
    service = serve(load, agents, target.seconds)
    return service.service_level >= target.share and service.occupancy <= target.occupancy_max


def agents_needed(load: Load, target: Target) -> Service:
    """The fewest agents that reach the target, and what they give. More agents never serve worse, so bisection finds them."""
    low, high = -1, 0  # low never reaches the target, high does at the end of the loop
    while not reaches(load, high, target):
        low, high = high, max(1, 2 * high, ceil(load.erlangs / 2))
        assert high <= AGENTS_MAX, f"{load} needs more than {AGENTS_MAX} agents"
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(load, middle, target) else (middle, high)
    return serve(load, high, target.seconds)


def contacts_max(agents: int, load: Load, target: Target) -> float:
    """The most contacts of the load's interval with which so many agents reach the target, to 0.01 %; `load.contacts`
    doesn't matter. More contacts are never served better, so bisection finds them."""

    def takes(contacts: float) -> bool:
        return reaches(structs.replace(load, contacts=contacts), agents, target)

    low, high = 0.0, agents * load.interval_seconds / load.aht_seconds
    while high and takes(high):  # who is impatient makes room
        low, high = high, 2 * high
    while high - low > high / 10_000:
        middle = (low + high) / 2
        low, high = (middle, high) if takes(middle) else (low, middle)
    return low


def rostered(agents: int, shrinkage: float, concurrency: float = 1.0) -> int:
    """People to plan for so many contacts at once: `concurrency` each (chat), `shrinkage` of their paid time not on contacts."""
    return ceil(round(agents / concurrency / (1 - shrinkage), 9))


def _erlang_c(load: Load, agents: int, within_seconds: float) -> Service:
    """P(wait) = B / (1 − ρ(1 − B)); who waits, waits exponentially with rate (n − a) / AHT."""
    busy = load.erlangs / agents
    if busy >= 1:
        return Service(agents=agents, service_level=0.0, asa_seconds=inf, occupancy=1.0, abandonment=0.0)
    blocked = erlang_b(agents, load.erlangs)
    waits = blocked / (1 - busy * (1 - blocked))
    rate = (agents - load.erlangs) / load.aht_seconds
    return Service(
        agents=agents,
        service_level=1 - waits * exp(-rate * within_seconds),
        asa_seconds=waits / rate,
        occupancy=busy,
        abandonment=0.0,
    )


def _erlang_a(load: Load, agents: int, within_seconds: float) -> Service:
    """From the density of the wait that a contact of endless patience would find: λ·exp(h(x)) / (1/B(n−1) + λ∫exp(h)), with
    h(x) = λ/θ·(1 − exp(−θx)) − nμx; all divided by exp(max h), which alone would overflow."""
    arrivals, leaving = load.contacts / load.interval_seconds, 1 / load.patience_seconds
    serving = agents / load.aht_seconds
    peak = max(0.0, log(arrivals / serving) / leaving)  # where h is highest
    top = arrivals / leaving * -np.expm1(-leaving * peak) - serving * peak
    curvature = sqrt(arrivals * leaving * exp(-leaving * peak))
    width = _WIDTHS / max(curvature, serving - arrivals)

    def integral(low: float, high: float, patience: float) -> float:
        x = np.linspace(low, high, _POINTS)
        h = arrivals / leaving * -np.expm1(-leaving * x) - serving * x - top
        return _simpson(np.exp(h - leaving * x * patience), (high - low) / (_POINTS - 1))

    low, high = max(0.0, peak - width), peak + width
    waits = arrivals * integral(low, high, 0.0)
    nobody = exp(-top) / erlang_b(agents - 1, load.erlangs)
    everything = nobody + waits
    served_late = arrivals * integral(max(low, within_seconds), high, 1.0) / everything if within_seconds < high else 0.0
    served_waiting = arrivals * integral(low, high, 1.0) / everything
    abandonment = max(0.0, waits / everything - served_waiting)
    return Service(
        agents=agents,
        service_level=max(0.0, nobody / everything + served_waiting - served_late),
        asa_seconds=abandonment * load.patience_seconds,
        occupancy=min(1.0, load.erlangs * (1 - abandonment) / agents),
        abandonment=abandonment,
    )


def _simpson(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", step: float) -> float:
    """∫ over an odd number of equally spaced points."""
    return float(step / 3 * (values[0] + values[-1] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum()))

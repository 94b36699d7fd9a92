"""Python's collector of cyclic garbage, kept away from where it finds nothing and costs much.

Opening a table makes millions of objects that all stay. The collector would go through them again and again meanwhile (27 % of
the time to open 200,000 interactions), and then in every full collection for as long as the worker runs. The surprise: freezing
leaves freeing alone. What is frozen still goes when nothing refers to it any more; only cycles of it never would.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

# A full collection that takes longer is noticed by whoever waits for a figure; what it has left will most likely stay.
LONG_SECONDS = 0.05
_FULL = 2  # the oldest generation


@contextmanager
def collection_paused() -> Iterator[None]:
    """No collection within; afterwards what is there then is left out of all later ones."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class Freezing:
    """A callback of the collector: what a long full collection has left is left out of all later ones.

    So a state that grows is gone through once and not again each time it has grown by a quarter.
    """

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Called by the collector at its start and its stop."""
        if info["generation"] == _FULL:
            if phase == "start":
                self._began = perf_counter()
            elif perf_counter() - self._began > LONG_SECONDS:
                gc.freeze()


# Python begins a collection after every 700 new containers; a batch of events makes ten thousand that are gone at its end.
# While an intake grew from nothing to a million open interactions, collections took 2.4 s of 22 s of processor time, with this
# 1.5 s; the longest pause was 0.11 s either way. It is so short because the state is made of objects that are never collected
# (msgspec, gc=False): of a million interactions 60,000 objects are looked at. Measured on a machine that did much else.
CONTAINERS = 10_000


def collect_seldom() -> None:
    """Begin collections less often, for the whole process."""
    gc.set_threshold(CONTAINERS, *gc.get_threshold()[1:])

"""One run by one seed, and many of them: `make sim SEED=7` prints each step, `make sim SEEDS=5000` says which seeds fail.

PYTHONPATH=tests python -m simulation.run --seed 7 | --seeds 5000 [--first 1000]
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pool

from simulation.broker import Strictness
from simulation.clients import in_place
from simulation.cluster import STAGES, Cluster, Finding
from simulation.faults import Faults
from simulation.invariants import check
from simulation.stages import SimulatedStage
from simulation.world import World

STEPS_MAX = 60_000  # ten times what the longest run takes: who needs more is going round in circles


def no_change(_stage: SimulatedStage) -> None:
    """The engine as it is."""


STRICT = Strictness()


@dataclass(frozen=True)
class Defect:
    """What is deliberately wrong."""

    change: Callable[[SimulatedStage], None] = no_change
    strictness: Strictness = STRICT
    reads_uncommitted: bool = False


SOUND = Defect()


@dataclass
class Outcome:
    """What came of a run."""

    seed: int
    finding: str  # empty where all is well
    struck: Counter[str]
    steps: int
    digest: int
    trace: list[str] | None


def run(seed: int, defect: Defect = SOUND, *, traced: bool = False) -> Outcome:
    """Simulate, and check what came of it."""
    world = World(seed, traced=traced)
    partitions, contacts = world.random.choice([(2, 12), (3, 8), (2, 25)])
    cluster = Cluster(world, defect.strictness, defect.change, partitions=partitions, contacts=contacts)
    cluster.kafka.reads_uncommitted = defect.reads_uncommitted
    cluster.wanted = ["a", "b", "c"][: 1 + world.random.randrange(3)]
    faults = Faults(cluster)
    finding = ""
    with in_place(cluster.kafka):
        try:
            _until_done(world, cluster, faults)
            check(cluster)
        except AssertionError as error:
            finding = f"{type(error).__name__}: {error}"
        finally:
            world.close()
    return Outcome(seed, finding, _struck(cluster, faults), world.steps, world.digest, world.trace)


def _until_done(world: World, cluster: Cluster, faults: Faults) -> None:
    """Step until each stage, one after the other, has committed all that the one before it sent, and nothing is under way."""
    done = 0
    ends = cluster.ends(STAGES[0])
    while done < len(STAGES) or not cluster.idle():
        world.step()
        if cluster.findings:
            raise Finding(str(cluster.findings[0])) from cluster.findings[0]
        if world.steps > STEPS_MAX:
            raise Finding(f"after {world.steps} steps only {done} stages are done")
        if not faults.healed or not cluster.idle():  # what is decided may not have reached all logs
            continue
        if done == 0:
            ends = cluster.ends(STAGES[0])
        if done < len(STAGES) and cluster.has_committed(STAGES[done], ends):
            done += 1
            ends = cluster.ends(STAGES[done]) if done < len(STAGES) else ends


def _struck(cluster: Cluster, faults: Faults) -> Counter[str]:
    """What really happened."""
    decisions, groups = cluster.broker.coordinator, cluster.broker.groups.values()
    return faults.struck + Counter(
        {
            "transactions aborted with records": decisions.aborted_with_records,
            "transactions timed out": decisions.timed_out,
            "producers fenced": decisions.fenced,
            "flushes refused by the group": sum(group.refused for group in groups),
            "sessions expired": sum(group.expired for group in groups),
            "rebalances": sum(group.generation for group in groups),
            "network failures": cluster.kafka.weather.struck,
            "workers ended": cluster.deaths,
            "partial flushes": cluster.kafka.partial_flushes,
        }
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="run this one and print each step")
    parser.add_argument("--seeds", type=int, default=1_000, help="run so many")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        outcome = run(arguments.seed, traced=True)
        _say("\n".join([*(outcome.trace or []), _line(outcome)]))
        sys.exit(bool(outcome.finding))
    sys.exit(_many(range(arguments.first, arguments.first + arguments.seeds)))


def _many(seeds: range) -> int:
    began, struck, failed, steps = time.perf_counter(), Counter[str](), 0, 0
    with Pool() as pool:
        for outcome in pool.imap_unordered(run, seeds, chunksize=10):
            struck, steps = struck + outcome.struck, steps + outcome.steps
            if outcome.finding:
                failed += 1
                _say(_line(outcome))
    _say(f"{len(seeds)} seeds, {failed} failed, {steps:,} steps in {time.perf_counter() - began:.0f} s")
    for name, n in sorted(struck.items()):
        _say(f"{n:10,} {name}")
    return int(failed > 0)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _line(outcome: Outcome) -> str:
    return f"seed {outcome.seed}: {outcome.finding or 'all is well'} ({outcome.steps} steps, digest {outcome.digest:08x})"


if __name__ == "__main__":
    main()

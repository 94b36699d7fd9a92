"""`make bench`: the reference job by everyone, the whole default job by a worker, in one run on one broker; see README.md.

Prints a table and, on the last line, all figures as JSON. Contestants take turns, each as often as there are rounds, so that what
else the machine does meets them all alike.
"""

import fcntl
import json
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import race, whole_job
from bench.contestants import CONTESTANTS, KEPT
from bench.race import Result
from bench.topic import PARTITIONS, Topic, delete_topics, fill, start_kafka

EVENTS = 4_000_000  # ten seconds of the fastest
WORKER = "worker"  # takes part with the whole default job instead of the reference job
WORKER_SHARE = 0.25  # a million by default
SHARES = {WORKER: WORKER_SHARE, **{name: contestant.share for name, contestant in CONTESTANTS.items()}}
LABELS = {WORKER: whole_job.LABEL, **{name: contestant.label for name, contestant in CONTESTANTS.items()}}
BASES = {"kafka": "× Kafka Streams", "bare": "× bare loop", "engine": "× engine"}

LEFT_OVER = ("bench-", "test-")  # of runs that were killed

Results = dict[str, list[Result]]


def main(
    only: Annotated[str, typer.Option(help="Contestants, comma separated; all by default.")] = "",
    events: Annotated[int, typer.Option(help="For the fastest; slower ones get a part.")] = EVENTS,
    rounds: Annotated[int, typer.Option(help="Turns of each; 0 only fills the topics.")] = 3,
    partitions: Annotated[int, typer.Option(help="Of the topic.")] = PARTITIONS,
) -> None:
    """Run and print."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # end what was started, also then
    names = [name.strip() for name in only.split(",") if name.strip()] or list(SHARES)
    results: Results = {name: [] for name in names}
    KEPT.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        alone = stack.enter_context((KEPT / "lock").open("w"))
        fcntl.flock(alone, fcntl.LOCK_EX)  # another run waits: both would want the same broker
        kafka = start_kafka(KEPT / "kafka")
        stack.callback(kafka.stop)
        delete_topics(kafka.address, lambda name: name.startswith(LEFT_OVER))
        topics = {name: fill(kafka.address, KEPT, round(events * SHARES[name]), partitions) for name in names}
        for number in range(rounds):
            for name in names:
                found = turn(name, kafka.address, topics[name], directory)
                results[name].append(found)
                say(f"{number + 1}/{rounds} {name}: {found.events_per_second:,.0f} events/s in {found.seconds:.1f} s")
    if rounds:
        print_table(results)
    say(json.dumps({name: [found._asdict() for found in turns] for name, turns in results.items()}))


def turn(name: str, bootstrap: str, topic: Topic, directory: Path) -> Result:
    """One turn of one contestant."""
    if name == WORKER:
        return whole_job.turn(bootstrap, topic, directory)
    return race.turn(CONTESTANTS[name], bootstrap, topic, directory)


def print_table(results: Results) -> None:
    """Median, spread and ratios."""
    table = Table("", "events/s", "min-max", *[label for base, label in BASES.items() if base in results], "CPU µs", "peak MiB")
    for name, turns in results.items():
        rates = [found.events_per_second for found in turns]
        ratios = [median(rates) / median(found.events_per_second for found in results[base]) for base in BASES if base in results]
        table.add_row(
            LABELS[name],
            f"{median(rates):,.0f}",
            f"{min(rates):,.0f}-{max(rates):,.0f}",
            *[f"{ratio:.2f}" for ratio in ratios],
            f"{median(found.cpu_us_per_event for found in turns):.2f}",
            f"{median(found.peak_mebibytes for found in turns):,.0f}",
        )
    Console(width=150).print(table)


def say(line: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(line + os.linesep)
    sys.stdout.flush()


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()

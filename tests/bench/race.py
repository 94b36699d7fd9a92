"""One turn of one contestant of the reference job: start it, wait until all is counted, end it, check its sums.

The result counts only if it is exact: count, sum and max of every key are compared with what the maker of the events kept.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple
from uuid import uuid4

import msgspec

from bench.contestants import Contestant, Run, environment
from bench.measure import Outputs, Rate, Usage, difference
from bench.reference import Key, key_in
from bench.topic import Topic, create_topics, delete_topics
from streams.edge.embedded import end_with_parent

SECONDS_MAX = 600
LOOK_SECONDS = 0.25
END_SECONDS = 20
ENDED_SECONDS = 2  # what who has ended has written is read within this


class Result(NamedTuple):
    """What one turn has shown."""

    events_per_second: float
    events: int
    seconds: float
    cpu_us_per_event: float
    peak_mebibytes: float


class _Own(msgspec.Struct):
    """RESULT.json of a contestant that publishes nothing."""

    events: int
    seconds: float
    cpu_seconds: float
    sums: dict[str, list[int]]


def turn(contestant: Contestant, bootstrap: str, topic: Topic, directory: Path) -> Result:
    """Run once; AssertionError when it fails, is late or miscounts."""
    name = f"bench-{uuid4().hex[:8]}"
    run = Run(bootstrap, name, topic, f"{name}-sink", Path(mkdtemp(prefix=name, dir=directory)))
    create_topics(bootstrap, {run.sink: topic.partitions}, **{"message.timestamp.type": "LogAppendTime"})
    for suffix in contestant.compacted:
        create_topics(bootstrap, {f"{name}-{suffix}": topic.partitions}, **{"cleanup.policy": "compact"})
    usage = Usage()
    try:
        with _processes(contestant, run) as processes:
            if contestant.publishes:
                rate, sums = _follow(run, processes, usage)
            else:
                rate, sums = _await_result(run, processes, usage)
    finally:
        delete_topics(bootstrap, lambda topic: topic.startswith(name))
    wrong = difference(topic.sums, sums)
    assert not wrong, f"{contestant.label} is wrong: {wrong}"
    cpu_us = rate.cpu_seconds / rate.events * 1e6 if rate.cpu_seconds else usage.cpu_us_per_event
    return Result(rate.events / rate.seconds, topic.events, rate.seconds, cpu_us, usage.peak_mebibytes)


@contextmanager
def _processes(contestant: Contestant, run: Run) -> Iterator[list["subprocess.Popen[bytes]"]]:
    processes = []
    try:
        for number, command in enumerate(contestant.commands(run)):
            with (run.directory / f"log-{number}").open("wb") as log:
                process = subprocess.Popen(
                    command,
                    cwd=run.directory,
                    env={**environment(), **contestant.environment},
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=end_with_parent(),
                )
            processes.append(process)
        yield processes
    finally:
        for process in processes:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # it and its children: it has a session of its own
        process.wait()


def _follow(run: Run, processes: list["subprocess.Popen[bytes]"], usage: Usage) -> tuple[Rate, dict[Key, list[int]]]:
    outputs = Outputs(run.bootstrap, run.sink, run.topic.partitions)
    deadline = time.monotonic() + SECONDS_MAX
    try:
        while outputs.read(LOOK_SECONDS) < run.topic.events:
            ended = all(process.poll() is not None for process in processes)
            if ended and outputs.read(ENDED_SECONDS) < run.topic.events:
                raise AssertionError(f"ended with {outputs.counted:,} of {run.topic.events:,} counted")
            usage.look([process.pid for process in processes], outputs.counted)
            _check(run, processes, deadline, f"counted {outputs.counted:,} of {run.topic.events:,}")
        usage.look([process.pid for process in processes], outputs.counted)
        return outputs.rate(), outputs.sums()
    finally:
        outputs.close()


def _await_result(run: Run, processes: list["subprocess.Popen[bytes]"], usage: Usage) -> tuple[Rate, dict[Key, list[int]]]:
    deadline = time.monotonic() + SECONDS_MAX
    result = run.directory / "RESULT.json"
    while not result.exists():
        _check(run, processes, deadline, "no result yet")
        time.sleep(LOOK_SECONDS)
    usage.look([process.pid for process in processes], 0)
    own = msgspec.json.decode(result.read_bytes(), type=_Own)
    return Rate(own.events, own.seconds, own.cpu_seconds), {key_in(key.encode()): sums for key, sums in own.sums.items()}


def _check(run: Run, processes: list["subprocess.Popen[bytes]"], deadline: float, state: str) -> None:
    for number, process in enumerate(processes):
        if process.poll() is not None and process.returncode:
            raise AssertionError(f"process {number} has ended: {(run.directory / f'log-{number}').read_text()[-2000:]}")
    assert time.monotonic() < deadline, f"not within {SECONDS_MAX} s: {state}; see {run.directory}"

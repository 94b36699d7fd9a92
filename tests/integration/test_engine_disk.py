"""Tables on disk and warm replicas: only the tail of a changelog is read, and a copy is trusted no further than it may be."""

import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest
from counting import PARTITIONS, Job, assert_exact, has_consumed
from running import eventually

from streams.engine.disk import HELD_KEY, Held, decode_held, make_cache, open_database
from streams.engine.stamp import Mark, Stamp

pytestmark = pytest.mark.integration

SLOW_FLUSH = {"pause": 0.02, "batch_records": 200, "flush": 0.3, "disk": True}
EVENTS = 20_000


@pytest.fixture
def job(job: Job) -> Job:
    """With a filled topic."""
    job.create_topics()
    job.produce(EVENTS)
    return job


def openings(job: Job, worker: str = "a") -> list[tuple[int, int]]:
    """Each time that the worker opened partitions: how many records it read, how many tables were warm."""
    found = re.findall(r"read (\d+) records of .* (\d+) of \d+ tables were warm", job.log(worker))
    return [(int(records), int(warm)) for records, warm in found]


def end(job: Job, worker: str = "a") -> None:
    """An orderly end."""
    job.send(worker, signal.SIGTERM)
    assert job.end(worker) == 0, job.log(worker)


def finish(job: Job) -> None:
    """Worker a counts all there is and ends in order."""
    eventually(
        lambda: job.consumed("a") > 0 or job.workers["a"].poll() is not None, 60, "the worker counts"
    )  # a group that was never used can't be asked
    job.wait_done()
    end(job)


def database(job: Job, partition: int) -> Path:
    """Where worker a has a partition's table."""
    return job.directory / "data-a" / "tables" / "count" / str(partition)


def test_a_killed_worker_reads_only_the_tail_of_its_changelog(job: Job) -> None:
    job.start("a", **SLOW_FLUSH)
    finish(job)
    before = len(job.changelog())
    job.produce(EVENTS)
    job.start("a", **SLOW_FLUSH)
    eventually(partial(has_consumed, job, EVENTS + 5_000), 60, "the worker counts")
    job.send("a", signal.SIGKILL)
    job.end("a")
    assert job.committed() < job.events
    job.start("a", disk=True)
    assert_exact(job)
    (_, none), (after_end, some), (after_kill, all_) = openings(job)
    assert (none, some, all_) == (0, PARTITIONS, PARTITIONS)
    assert after_end == 0, "an orderly end leaves nothing to read"
    assert after_kill < 2 * 26 * PARTITIONS < before, "at most the flush under way, 25 keys and a stamp each"
    assert job.consumed("a") > job.events, "nothing was in flight at the kill"


def rewrite(path: Path, change: Callable[[Held], Held]) -> None:
    """Make a database say something else of itself."""
    opened = open_database(path, make_cache(1))
    held = decode_held(opened[HELD_KEY] or b"")
    assert held is not None
    opened[HELD_KEY] = msgspec.msgpack.encode(change(held))
    opened.close()


def break_files(path: Path) -> None:
    """What a full disk or a careless hand leaves."""
    (path / "CURRENT").write_text("nonsense")


def make_foreign(path: Path) -> None:
    """The directory comes from elsewhere."""
    rewrite(path, lambda held: msgspec.structs.replace(held, origin="another cluster"))


def make_ahead(path: Path) -> None:
    """The broker has lost what it had acknowledged."""
    rewrite(path, lambda held: msgspec.structs.replace(held, mark=Mark(held.mark.stamp, 1 << 40)))


def make_old(path: Path) -> None:
    """The worker was away for long."""
    rewrite(path, lambda held: msgspec.structs.replace(held, mark=Mark(Stamp(position=1, at_ms=1), held.mark.next)))


HARMS = [
    (break_files, "can't be opened"),
    (make_foreign, "belongs to another changelog"),
    (make_ahead, "is at an offset that its changelog doesn't have"),
    (make_old, "is too old"),
]


def test_what_is_on_disk_and_no_good_is_made_anew(job: Job) -> None:
    job.start("a", disk=True)
    finish(job)
    for partition, (harm, _) in enumerate(HARMS):
        harm(database(job, partition))
    job.produce(1_000)
    job.start("a", disk=True)
    assert_exact(job)
    for partition, (_, says) in enumerate(HARMS):
        assert f"{job.app}-count-changelog/{partition} {says}" in job.log("a")
    assert openings(job)[-1][1] == 0


def test_a_partition_that_comes_back_is_warm(job: Job) -> None:
    job.start("a", **SLOW_FLUSH)
    eventually(partial(has_consumed, job, 2_000), 60, "the first counts")
    job.start("b", **SLOW_FLUSH)
    eventually(lambda: job.notes("b", "assigned")[-1:] == [2], 60, "the second has its share")
    end(job, "b")
    assert_exact(job)
    assert openings(job)[-1][1] == 2


@pytest.mark.parametrize("disk", [False, True])
def test_a_worker_with_warm_replicas_takes_over_by_the_tail(job: Job, disk: bool) -> None:
    """The session of the killed worker has to time out first, so what it wrote last is followed by then."""
    plan = {**SLOW_FLUSH, "disk": disk, "warm_replicas": True}
    job.start("a", **plan)
    job.start("b", **plan)
    eventually(lambda: job.notes("a", "assigned")[-1:] == [2] and job.notes("b", "assigned")[-1:] == [2], 60, "both work")
    job.produce(3 * EVENTS)
    eventually(partial(has_consumed, job, job.consumed("a") + 3_000), 60, "the first counts")
    opened = len(openings(job, "b"))
    job.send("a", signal.SIGKILL)
    assert job.committed() < job.events
    eventually(lambda: job.notes("b", "assigned")[-1:] == [PARTITIONS], 60, "the second has taken all")
    (taken,) = openings(job, "b")[opened:]
    assert_exact(job)
    assert taken == (0, 2), "nothing was left to read"
    assert job.consumed("a", "b") > job.events, "nothing was in flight at the kill"

"""`make bench-journey CUSTOMERS=100000,1000000,10000000`: journey with so many customers in RocksDB; a table and a picture.

For each size three processes, so that each has its own memory: one puts down a contact of each customer within W, directly, then
takes in contacts at that rate, half of them repeats, while the first ones' W is over; one opens what that left; one makes it anew
from the records that its changelog has when it is compacted. The surprise: caches of the file system are warm, as after a restart
of the worker and not of the machine.
"""

import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench.contestants import HERE
from bench.customers import START_MS, JourneyOnDisk, Spent, Teller, Told, total
from bench.frequent import of_frequent
from bench.journey_shown import Filled, Gap, Opened, Size, picture, show
from streams.core.expiry import rounded
from streams.core.frame import decode_frame
from streams.core.journey import CUSTOMER_PREFIX
from streams.core.journey_timers import PREFIX as TIMER_PREFIX
from streams.core.measure import Cell, add
from streams.core.measure_journey import ANY
from streams.engine.changelog import STAMP_KEY, Recovered, encode_stamp
from streams.engine.collection import collect_seldom, collection_paused
from streams.engine.store import Store

FLUSH_CONTACTS = 2_000  # a quarter of a second at 8,000 a second
AFTER_CONTACTS_MAX = 50_000  # told after W is over for the first ones
GAP_MS = 6 * 3_600_000
EDGE = 100  # customers at either end whom journey itself puts down
LOOK_FLUSHES = 50  # between two looks at the size of the directory
ALIKE_CUSTOMERS = 3_000  # for whom both ways are compared
CHANGELOG_RECORDS = 10_000  # taken in at a time, as engine/changelog.py reads them
MEBIBYTE = 1024 * 1024


def fill(directory: Path, customers: int) -> Filled:
    """In a process of its own: all customers once within W, then repeats."""
    collect_seldom()
    spent = Spent()
    journey, largest = stocked(directory, customers, spent)
    stocked_us = spent.processor() / customers * 1e6
    teller, after, found, spent = Teller(), after_all(customers), Cell(), Spent()
    for first in range(customers, customers + after, FLUSH_CONTACTS):
        with spent.left_out():
            told = told_from(teller, first, min(first + FLUSH_CONTACTS, customers + after), customers, journey.rules.repeat_ms)
        sent = journey.flush(told, told[-1].contact.ended_ms)
        with spent.left_out():
            add(found, total(sent))
            sys.stderr.write(
                f"\r{first - customers:,} contacts of {after:,}, {spent.clock():,.0f} s, {peak_mebibytes():.0f} MiB "
            )
    seconds, processor = spent.clock(), spent.processor()
    check(found, customers, after, journey.rules.repeat_ms)
    gap = after_gap(journey, customers, after)
    entries = journey.table.entries()
    journey.close()
    size = size_mebibytes(directory)
    rates = after / seconds, processor / after * 1e6
    return Filled(stocked_us, *rates, gap, peak_mebibytes(), size, max(largest, size), entries)


def after_gap(journey: JourneyOnDisk, customers: int, after: int) -> Gap:
    """Six hours go by without a contact, and intake says so all at once."""
    last_ms = START_MS + round((customers + after - 1) * journey.rules.repeat_ms / customers)
    goal_ms, found, longest, all_spent = last_ms + GAP_MS, Cell(), 0.0, Spent()
    is_there = False
    while not is_there:
        spent = Spent()
        sent = journey.flush([], goal_ms)
        longest = max(longest, spent.processor())
        with all_spent.left_out():
            add(found, total(sent))
            is_there = all(decode_frame(record.value or b"").watermark_ms == goal_ms for record in sent)
    # No list: of ten million moments it would be the larger part of the memory that is measured.
    over = (rounded(START_MS + round((n + customers) * journey.rules.repeat_ms / customers)) for n in range(customers))
    matured = sum(last_ms < over_ms <= goal_ms for over_ms in over)
    assert found.get(ANY.matured, 0) == matured, (found, matured)
    return Gap(matured, all_spent.processor() / matured * 1e6, longest)


def stocked(directory: Path, customers: int, spent: Spent) -> tuple[JourneyOnDisk, float]:
    """All customers once, the first and the last by journey itself; how much they took on disk at most."""
    teller, journey = Teller(), JourneyOnDisk(directory)
    journey.open()
    for first, end in ((0, EDGE), (customers - EDGE, customers)):
        told = told_from(teller, first, end, customers, journey.rules.repeat_ms)
        journey.flush(told, told[-1].contact.ended_ms)
    largest = 0.0
    for first in range(EDGE, customers - EDGE, FLUSH_CONTACTS):
        with spent.left_out():
            told = told_from(teller, first, min(first + FLUSH_CONTACTS, customers - EDGE), customers, journey.rules.repeat_ms)
        journey.stock(told)
        with spent.left_out():
            if first // FLUSH_CONTACTS % LOOK_FLUSHES == 0:
                largest = max(largest, size_mebibytes(directory))
                sys.stderr.write(f"\r{first:,} customers of {customers:,}, {spent.clock():,.0f} s, {peak_mebibytes():.0f} MiB ")
    journey.close()
    journey = JourneyOnDisk(directory)
    journey.open()
    return journey, largest


def told_from(teller: Teller, first: int, end: int, customers: int, repeat_ms: int) -> list[Told]:
    """The contacts of these numbers: as many within W as there are customers, then on at that rate."""
    return [teller.tell(whose(n, customers), n, START_MS + round(n * repeat_ms / customers)) for n in range(first, end)]


def after_all(customers: int) -> int:
    """How many contacts are told after W is over for the first ones."""
    return min(customers // 4, AFTER_CONTACTS_MAX)


def alike(customers: int) -> None:
    """What is put down directly is what journey itself would have put down, byte by byte."""
    with TemporaryDirectory(prefix="bench-journey-") as folder:
        direct, _ = stocked(Path(folder) / "direct", customers, Spent())
        told = JourneyOnDisk(Path(folder) / "told")
        told.open()
        contacts = told_from(Teller(), 0, customers, customers, told.rules.repeat_ms)
        told.flush(contacts, contacts[-1].contact.ended_ms)
        for partition, opened in told.table.opened.items():
            found = dict(direct.table.opened[partition].store)
            for key, value in opened.store.items():
                if key[:1] in (CUSTOMER_PREFIX, TIMER_PREFIX):
                    assert found.get(key) == value, key
        direct.close()
        told.close()


def whose(number: int, customers: int) -> int:
    """The customer of a contact: each once, then by turns one who came within W and a new one."""
    after = number - customers
    return number if after < 0 or after % 2 else customers // 2 + after * 7919 % (customers // 2)


def check(found: Cell, customers: int, after: int, repeat_ms: int) -> None:
    """What was counted after all customers were there, against what was told."""
    each_ms = repeat_ms / customers
    last_ms = START_MS + round((customers + after - 1) * each_ms)
    over = [n for n in range(after) if rounded(START_MS + round(n * each_ms) + repeat_ms) <= last_ms]
    expected = {"contacts": after, "repeats": (after + 1) // 2, "matured": len(over)}
    counted = {name: found.get(getattr(ANY, name), 0) for name in expected}
    assert counted == expected, f"counted {counted}, told {expected}"


def reopen(directory: Path, customers: int) -> Opened:
    """In a process of its own: open what is there; who came before is known."""
    began = time.perf_counter()
    with collection_paused():
        journey = JourneyOnDisk(directory)
        journey.open()
    seconds = time.perf_counter() - began
    counting = time.perf_counter()
    journey.table.entries()  # telemetry asks when partitions are taken up
    counted = time.perf_counter() - counting
    after = after_all(customers)
    ended_ms = START_MS + round((customers + after) * journey.rules.repeat_ms / customers) + GAP_MS
    again = Teller().tell(customers - 1, customers + after, ended_ms)
    cell = total(journey.flush([again], ended_ms))
    assert (cell[ANY.contacts], cell[ANY.repeats]) == (1, 1), cell
    journey.close()
    return Opened(seconds + counted, counted, peak_mebibytes())


def anew(directory: Path, fresh: Path) -> Opened:
    """In a process of its own: each partition from the last values of its keys."""
    source, target, spent = JourneyOnDisk(directory), JourneyOnDisk(fresh), Spent()
    counted = 0.0
    for partition in range(source.topics.contact_partitions):
        held, disk = source.disk(partition), target.disk(partition)
        assert held.held is not None, "it was filled"
        table = Recovered(Store(disk=disk))
        for number, changes in enumerate(parts(held.pairs(), spent)):
            table.replay(changes, number)
        assert held.held.mark.stamp is not None, "it was flushed"
        table.replay({STAMP_KEY: encode_stamp(held.held.mark.stamp)}, held.held.mark.next)
        target.table.open(partition, table.store, held.held.mark.stamp, 1)
        counting = time.perf_counter()
        entries = len(table.store)
        counted += time.perf_counter() - counting
        with spent.left_out():
            assert entries == len(held), "all is there"
            held.close()
    seconds = spent.clock()
    target.close()
    return Opened(seconds, counted, peak_mebibytes())


def parts(pairs: Iterator[tuple[bytes, bytes]], spent: Spent) -> Iterator[dict[bytes, bytes | None]]:
    """Entries in parts, as a reader of the changelog gets them; reading them doesn't count."""
    while True:
        with spent.left_out():
            part: dict[bytes, bytes | None] = dict(next(pairs, (b"", b"")) for _ in range(CHANGELOG_RECORDS))
            part.pop(b"", None)
        if not part:
            return
        yield part


def size_mebibytes(directory: Path) -> float:
    """What the files take on disk."""
    sizes = []
    for path in directory.rglob("*"):
        try:
            sizes.append(path.stat().st_blocks * 512)
        except FileNotFoundError:  # compacted meanwhile
            continue
    return sum(sizes) / MEBIBYTE


def peak_mebibytes() -> float:
    """This process's largest resident memory."""
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def measure(customers: int) -> Size:
    """One size, in a folder that goes when it is done."""
    with (
        TemporaryDirectory(prefix="bench-journey-") as folder,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool,
    ):
        directory = Path(folder) / "journey"
        filled = pool.submit(fill, directory, customers).result()
        opened = pool.submit(reopen, directory, customers).result()
        return Size(customers, filled, opened, pool.submit(anew, directory, Path(folder) / "anew").result())


def main(
    customers: Annotated[str, typer.Option(help="How many, comma separated.")] = "100000,1000000",
    path: Annotated[Path, typer.Option(help="Where the picture goes.")] = HERE / "pictures" / "journey.png",
) -> None:
    """Measure all sizes, print and draw them; then customers with many contacts."""
    alike(ALIKE_CUSTOMERS)
    sizes: list[Size] = []
    for number in customers.split(","):
        sizes.append(measure(int(number)))
        show(sizes)  # the next one may take long
    of_frequent()
    path.parent.mkdir(exist_ok=True)
    picture(sizes, path)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()

"""What a contact costs whose customer had many before: a part of `make bench-journey`.

So many customers get contact after contact over six days. Measured are the newest one, a later version of one in the middle, and
what follows without any contact, until all are forgotten: W over, forgetting. Then one customer, a machine, contacts ten thousand
times in a day. The surprise: it is all bounded by CONTACTS_MAX of journey, beyond which contacts aren't counted.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.customers import START_MS, JourneyOnDisk, Spent, Teller
from streams.core.journey import CONTACTS_MAX, CUSTOMER_PREFIX

DAY_MS = 24 * 3_600_000
SPREAD_MS = 6 * DAY_MS
OVER_MS = 17 * DAY_MS  # all W are over, all contacts forgotten
STEP_MS = 600_000  # how far the watermark goes between two flushes where nothing comes
CONTACTS = 5_000  # of all customers together, at least
BOT_CONTACTS = 10_000


class Cost(NamedTuple):
    """Processor time of the newest contact, of a later version of one, of all that follows from one; bytes of a customer."""

    contacts: int
    newest_us: float
    revised_us: float
    due_us: float
    state_bytes: int


def of_frequent() -> None:
    """Measure and print."""
    table = Table("contacts of the customer", "newest µs", "revised µs", "until forgotten µs", "bytes of the customer")
    for contacts in (1, 10, 50, 100, CONTACTS_MAX):
        with TemporaryDirectory(prefix="bench-journey-") as folder:
            cost = frequent(Path(folder), contacts)
        table.add_row(
            f"{contacts}", f"{cost.newest_us:.0f}", f"{cost.revised_us:.0f}", f"{cost.due_us:.0f}", f"{cost.state_bytes:,}"
        )
    Console(width=130).print(table)
    with TemporaryDirectory(prefix="bench-journey-") as folder:
        counted_us, crowded_us = bot(Path(folder))
    Console(width=130).print(
        f"{BOT_CONTACTS:,} contacts of one customer in a day: {counted_us:.0f} µs each of the first {CONTACTS_MAX}, "
        f"{crowded_us:.0f} µs each that isn't counted any more"
    )


def frequent(directory: Path, contacts: int) -> Cost:
    """Customers with so many contacts."""
    customers = max(20, CONTACTS // contacts)
    journey, teller = JourneyOnDisk(directory), Teller()
    journey.open()

    def flush(step: int, revision: int = 8, known_ms: int | None = None) -> float:
        """The contact of this step of each customer, flushed; processor seconds."""
        ended_ms = START_MS + step * SPREAD_MS // contacts
        told = [teller.tell(who, who * contacts + step, ended_ms + who, revision, known_ms) for who in range(customers)]
        spent = Spent()
        journey.flush(told, known_ms or told[-1].contact.ended_ms)
        return spent.processor()

    for step in range(contacts - 1):
        flush(step)
    newest = flush(contacts - 1)
    revised = flush(contacts // 2, 9, START_MS + SPREAD_MS)
    state_bytes = sum(
        len(value)
        for opened in journey.table.opened.values()
        for key, value in opened.store.items()
        if key.startswith(CUSTOMER_PREFIX)
    )
    spent = Spent()
    for after_ms in range(SPREAD_MS, OVER_MS, STEP_MS):
        journey.flush([], START_MS + after_ms)
    due = spent.processor()
    journey.close()
    return Cost(
        contacts,
        newest / customers * 1e6,
        revised / customers * 1e6,
        due / customers / contacts * 1e6,
        state_bytes // customers,
    )


def bot(directory: Path) -> tuple[float, float]:
    """Processor time of a contact of one customer who never stops: while contacts are counted, and afterwards."""
    journey, teller = JourneyOnDisk(directory), Teller()
    journey.open()
    spent, counted = Spent(), 0.0
    for number in range(BOT_CONTACTS):
        with spent.left_out():
            told = teller.tell(0, number, START_MS + number * DAY_MS // BOT_CONTACTS)
        journey.flush([told], told.contact.ended_ms)
        if number == CONTACTS_MAX - 1:
            counted = spent.processor()
    crowded = spent.processor() - counted
    journey.close()
    return counted / CONTACTS_MAX * 1e6, crowded / (BOT_CONTACTS - CONTACTS_MAX) * 1e6

"""How far a drain of journey goes, and whom the week holds when contacts come too late for their day."""

from intake_fakes import HOUR, MINUTE, RecordFake, sums
from journey_oracle import DAY, START, rules
from msgspec.structs import replace

from streams.core.contact import PULSE_KEY, Contact, Pulse, encode_contact
from streams.core.frame import Frame
from streams.core.journey import Journey
from streams.core.measure_journey import ANY, MONTH_CUSTOMERS, OFTEN, WEEK_CUSTOMERS


def told(number: int) -> RecordFake:
    """The contact of a customer of his own that ends in this minute."""
    ended_ms, name = START + number * MINUTE, f"{number:016d}"
    return RecordFake(encode_contact(Contact(name, f"i{number}", 2, ended_ms, known_ms=ended_ms)), key_=name.encode())


def pulse(minutes: int, *, idle: bool = False) -> RecordFake:
    """Intake is so far, and perhaps has nothing to read."""
    beat = Pulse(source=0, watermark_ms=START + minutes * MINUTE, idle=idle, ended_ms=None, sent_ms=0)
    return RecordFake(encode_contact(beat), key_=PULSE_KEY)


def drained(journey: Journey, minutes: int) -> list[tuple[int, bool, int]]:
    """Drains until journey is so far: where each leads to, in minutes, whether nobody need wait, for how many W is over."""
    found: list[tuple[int, bool, int]] = []
    while not found or found[-1][0] != minutes:
        frames: list[Frame] = journey.drain(0, 0).frames
        matured = sum(cell.get(ANY.matured, 0) for (_, _, series), cell in sums(frames).items() if series == "total")
        found.append((((frames[-1].watermark_ms or 0) - START) // MINUTE, frames[-1].idle, matured))
    return found


def test_after_a_gap_a_drain_goes_on_until_so_many_customers_have_changed_and_the_next_one_from_there() -> None:
    store: dict[bytes, bytes] = {}
    journey = Journey(1, store, replace(rules(DAY), customers_max=10))
    journey.apply([*(told(number) for number in range(30)), pulse(40)], 0)
    assert drained(journey, 40) == [(9, False, 0), (19, False, 0), (29, False, 0), (40, False, 0)]

    two_days = 2 * 24 * 60  # W
    journey.apply([pulse(two_days + 100, idle=True)], 0)
    over = [(two_days + 9, False, 10), (two_days + 19, False, 10), (two_days + 29, False, 10), (two_days + 100, True, 0)]
    assert drained(journey, two_days + 100) == over


def test_a_worker_that_ends_within_a_gap_goes_on_from_there() -> None:
    store: dict[bytes, bytes] = {}
    few = replace(rules(DAY), customers_max=10)
    journey = Journey(1, store, few)
    journey.apply([*(told(number) for number in range(30)), pulse(40)], 0)
    assert journey.drain(0, 0).frames[-1].watermark_ms == START + 9 * MINUTE
    assert drained(Journey(1, store, few), 40) == [(19, False, 0), (29, False, 0), (40, False, 0)]


MONDAY = START + 3 * DAY  # 7 October 2024
HOURS_OF_GRACE = 6
NAME = "0" * 16


def called(
    name: str, day: int, known_day: int, *, queue: str = "billing", revision: int = 2, removed: bool = False
) -> RecordFake:
    """A contact that ended at 09:00 of a day, as it was known at 12:00 of another."""
    ended_ms, known_ms = MONDAY + day * DAY + 9 * HOUR, MONDAY + known_day * DAY + 12 * HOUR
    contact = Contact(NAME, name, revision, ended_ms, removed=removed, queue=queue, known_ms=known_ms)
    return RecordFake(encode_contact(contact), key_=NAME.encode())


def customers(*records: RecordFake) -> dict[str, tuple[list[int], list[int]]]:
    """Series → customers of the week, and of the month, with 1, 2, 3, 4 and more contacts, when all days are closed."""
    journey = Journey(1, {}, rules(HOURS_OF_GRACE * HOUR))
    journey.apply([*records, pulse(60 * 24 * 60)], 0)
    frames: list[Frame] = []
    while not frames or frames[-1].watermark_ms != START + 60 * DAY:
        frames += journey.drain(0, 0).frames
    found: dict[str, tuple[list[int], list[int]]] = {}
    for (_, _, series), cell in sums(frames).items():
        week, month = found.setdefault(series, ([0] * OFTEN, [0] * OFTEN))
        for k in range(OFTEN):
            week[k] += cell.get(WEEK_CUSTOMERS + k, 0)
            month[k] += cell.get(MONTH_CUSTOMERS + k, 0)
    return found


def test_a_contact_that_comes_too_late_for_its_day_is_in_no_week_and_takes_nobody_out_of_it() -> None:
    once = ([1, 0, 0, 0], [1, 0, 0, 0])
    assert customers(called("tue", 1, 1), called("mon", 0, 1))["total"] == once  # Tuesday is still open
    assert customers(called("mon", 0, 1), called("tue", 1, 1))["total"] == once
    assert customers(called("mon", 0, 3), called("tue", 1, 3)) == {}


def test_a_contact_that_is_taken_back_when_its_day_is_closed_stays_in_the_week_as_it_is_in_the_day() -> None:
    first, gone = called("mon", 0, 0), called("mon", 0, 2, revision=3, removed=True)
    assert customers(first, gone, called("wed", 2, 2))["total"] == ([0, 1, 0, 0], [0, 1, 0, 0])
    assert customers(first, called("wed", 2, 2), gone)["total"] == ([0, 1, 0, 0], [0, 1, 0, 0])


def test_a_contact_whose_queue_becomes_known_when_its_day_is_closed_stays_in_the_queue_in_which_it_was_counted() -> None:
    moved = called("mon", 0, 2, queue="sales", revision=3)
    found = customers(called("mon", 0, 0), moved, called("wed", 2, 2, queue="sales"), called("thu", 3, 3))
    assert found["queue\x1fsales"] == ([1, 0, 0, 0], [1, 0, 0, 0])
    assert found["queue\x1fbilling"] == ([0, 1, 0, 0], [0, 1, 0, 0])
    assert found["total"] == ([0, 0, 1, 0], [0, 0, 1, 0])

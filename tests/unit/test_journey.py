"""How far a drain of journey goes."""

from intake_fakes import MINUTE, RecordFake, sums
from journey_oracle import DAY, START, rules
from msgspec.structs import replace

from streams.core.contact import PULSE_KEY, Contact, Pulse, encode_contact
from streams.core.frame import Frame
from streams.core.journey import Journey
from streams.core.measure_journey import ANY


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

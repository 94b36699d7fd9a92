"""Contacts: what intake tells journey of an interaction that has ended and whose customer is known, and how far it is.

A contact is absolute and versioned: a later fact that changes it sends it whole again, with a higher revision. It has one moment,
its first end, which a reopening doesn't move. The surprise: the same topic carries pulses, one to each partition with every flush
of intake, because a partition without contacts has a watermark, too.
"""

import msgspec

from streams.core.facts import ESCALATED, REOPENED, Fact
from streams.core.life import NEVER, TIMED_OUT
from streams.core.series import DIMENSIONS
from streams.core.stored import Interaction
from streams.core.watermark import NEVER as UNKNOWN_MS

PULSE_KEY = b"pulse"  # no customer's name is that short


class Contact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One contact of a customer, by its hashed name. revision: goes up with every fact.

    ended_ms: when it first ended; back_ms: when it was first reopened after that. removed: it turned out to be another
    customer's. Dimensions as last known. known_ms: the watermark of its source partition before the fact that made this version.
    """

    customer: str
    interaction_id: str
    revision: int
    ended_ms: int
    back_ms: int | None = None
    escalated: bool = False
    removed: bool = False
    known_ms: int = UNKNOWN_MS
    channel: str | None = None
    queue: str | None = None
    issue: str | None = None
    product: str | None = None
    segment: str | None = None
    region: str | None = None
    age_band: str | None = None
    language: str | None = None


class Pulse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far one source partition of intake is; the contacts before it are all there are so far. Fields as in frame.Frame."""

    source: int
    watermark_ms: int | None
    idle: bool
    ended_ms: int | None
    sent_ms: int


_ENCODER = msgspec.json.Encoder()
_CONTACTS = msgspec.json.Decoder(Contact)
_PULSES = msgspec.json.Decoder(Pulse)


def encode_contact(record: Contact | Pulse) -> bytes:
    """A contact or pulse as JSON."""
    return _ENCODER.encode(record)


def decode_contact(data: bytes) -> Contact:
    """JSON of a contact."""
    return _CONTACTS.decode(data)


def decode_pulse(data: bytes) -> Pulse:
    """JSON of a pulse."""
    return _PULSES.decode(data)


def dimensions_of(contact: Contact) -> tuple[str | None, ...]:
    """The values of a contact by series.DIMENSIONS."""
    return tuple(getattr(contact, name) for name in DIMENSIONS)


def tell(name: str, interaction: Interaction, known_ms: int) -> list[Contact]:
    """What journey has to hear of an interaction that has ended: where its customer was another, also that it isn't theirs."""
    life, told = interaction.life, interaction.told
    customer = None if life.ended_ms == NEVER else customer_of(interaction.facts)
    interaction.told = customer
    if customer is None and told is None:
        return []
    revision = 2 * len(interaction.facts) + (life.phase == TIMED_OUT)  # a time-out is a fact that no event brings
    found = []
    if told is not None and told != customer:
        found.append(Contact(told, name, revision, max(0, life.ended_ms), removed=True, known_ms=known_ms))
    if customer is not None:
        back_ms, escalated = after_end(interaction.facts, life.ended_ms)
        values = life.context.values
        found.append(Contact(customer, name, revision, life.ended_ms, back_ms, escalated, False, known_ms, *values))
    return found


def customer_of(facts: list[Fact]) -> str | None:
    """The customer that was named last."""
    for known in reversed(facts):
        if known.customer is not None:
            return known.customer
    return None


def after_end(facts: list[Fact], ended_ms: int) -> tuple[int | None, bool]:
    """When an interaction was first reopened after its end, and whether it was ever escalated."""
    back_ms, escalated = None, False
    for known in facts:
        if known.kind == ESCALATED:
            escalated = True
        elif known.kind == REOPENED and back_ms is None and known.time_ms >= ended_ms:
            back_ms = known.time_ms
    return back_ms, escalated

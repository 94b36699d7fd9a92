"""The canonical event as it is written in JSON, and why an object is not one.

`Wire` is decoded straight from bytes; what it says of a field (length, range) is the validation, there is no second one. Only for
an object that it refuses, `refusal` looks for the first field at fault, with the same types, so that the two can't disagree.
"""

from datetime import datetime
from typing import Annotated, Any, TypeAlias, get_args

import msgspec
from msgspec import Meta

from streams.core.event import MAX_IDENTIFIER_CHARACTERS, EventType, Reason, Rejection

# No single conversation lasts longer; what does is a unit mixed up (milliseconds given as seconds).
MAX_DURATION_SECONDS = 30 * 24 * 3600

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_IDENTIFIER_CHARACTERS)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_DURATION_SECONDS)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)] | Annotated[int, Meta(ge=0)]


class Wire(msgspec.Struct, gc=False, kw_only=True):
    """One event in JSON. Unknown fields are ignored; `specversion` gives a structured CloudEvent away."""

    id: Text
    source: Text
    type: EventType
    time: Moment
    interaction_id: Text | None = None
    customer_id: Text | None = None
    channel: Text | None = None
    queue: Text | None = None
    issue: Text | None = None
    product: Text | None = None
    segment: Text | None = None
    region: Text | None = None
    age_band: Text | None = None
    language: Text | None = None
    agent_id: Text | None = None
    direction: Text | None = None
    initiation_method: Text | None = None
    parent_interaction_id: Text | None = None
    bot: bool | None = None
    target_queue: Text | None = None
    tier: Text | None = None
    author: Text | None = None
    talk_seconds: Seconds | None = None
    hold_seconds: Seconds | None = None
    wrap_seconds: Seconds | None = None
    resolved: bool | None = None
    outcome: Text | None = None
    csat: Annotated[int, Meta(ge=1, le=5)] | None = None
    nps: Annotated[int, Meta(ge=0, le=10)] | None = None
    score: Annotated[float, Meta(ge=-1, le=1)] | None = None
    specversion: Any = None


_TEXT = f"a text of 1 to {MAX_IDENTIFIER_CHARACTERS} characters"
_EXPECTED = {
    "time": "RFC 3339 with offset, or milliseconds since the epoch",
    "bot": "true or false",
    "talk_seconds": f"a number, 0 to {MAX_DURATION_SECONDS}",
    "hold_seconds": f"a number, 0 to {MAX_DURATION_SECONDS}",
    "wrap_seconds": f"a number, 0 to {MAX_DURATION_SECONDS}",
    "resolved": "true or false",
    "csat": "a whole number, 1 to 5",
    "nps": "a whole number, 0 to 10",
    "score": "a number, -1 to 1",
    "state": "available, on_contact, after_contact_work, break or offline",
    "queues": "a list of texts, 100 at most",
}
_NUMBERS = ("talk_seconds", "hold_seconds", "wrap_seconds", "score")


def refusal(fields: dict[str, object], kind: type[msgspec.Struct] = Wire) -> Rejection:
    """Why an object is no event: its first field, in the order of its kind, that is not what it must be."""
    for field in msgspec.structs.fields(kind):
        found, expected = fields.get(field.name), _EXPECTED.get(field.name, _TEXT)
        if field.name == "type":
            expected = f"one of {', '.join(get_args(field.type))}"
        if found is None and field.required:
            return Rejection(Reason.MISSING_FIELD, f"{field.name}: expected {expected}")
        try:
            msgspec.convert(found, field.type)
        except msgspec.ValidationError:
            return Rejection(_reason(field.name, found), f"{field.name}: expected {expected}")
    raise AssertionError("an object is refused, but none of its fields")


def _reason(name: str, found: object) -> Reason:
    """The reason that fits a value of a field: its type where it isn't even of the right one."""
    if name == "time":
        return Reason.BAD_TIME if isinstance(found, str | int | float) and not isinstance(found, bool) else Reason.BAD_TYPE
    if name == "type" and isinstance(found, str):
        return Reason.UNKNOWN_TYPE
    if name in ("csat", "nps"):
        fits = isinstance(found, int) and not isinstance(found, bool)
    elif name in _NUMBERS:
        fits = isinstance(found, int | float) and not isinstance(found, bool)
    elif name == "queues":
        fits = isinstance(found, list) and all(isinstance(queue, str) for queue in found)
    else:
        fits = isinstance(found, str) and name not in ("bot", "resolved")
    return Reason.BAD_VALUE if fits else Reason.BAD_TYPE

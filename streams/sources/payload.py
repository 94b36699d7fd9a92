"""A vendor's payload as it came: the JSON in it, and its fields by path, each absent, of the right kind, or refused by name.

Vendors leave fields out, send null for them and send ids as numbers here and as texts there: all of it is tolerated. What is
there and of another kind is refused, because a guess would count wrongly. The surprise: msgspec reads the JSON, not Python's own
parser, which lets through what can't be written again (lone surrogates, NaN).
"""

from datetime import UTC, datetime, timedelta

import msgspec

from streams.core.event import MAX_IDENTIFIER_CHARACTERS, Reason, Rejection
from streams.core.series import SEPARATOR
from streams.sources.mapping import Scalar
from streams.sources.row import CanonicalEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# The year 2286: a number of seconds beyond it is one of milliseconds.
_SECONDS_MAX = 10_000_000_000
TIME_MS_MAX = 1_000 * _SECONDS_MAX


class FieldError(Exception):
    """A field that can't be read; a source makes a Rejection of it at the end of `read`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(reason, detail)


def json_of(body: bytes) -> object:
    """The JSON value in a payload; FieldError where there is none."""
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FieldError(Reason.NOT_JSON, "payload: expected JSON") from error
    return found


def object_of(body: bytes) -> dict[str, object]:
    """The JSON object in a payload; FieldError where there is none."""
    return need_object(json_of(body), "payload")


def need_object(found: object, name: str) -> dict[str, object]:
    """A value that must be a JSON object."""
    if not isinstance(found, dict):
        raise FieldError(Reason.BAD_TYPE, f"{name}: expected a JSON object")
    return found


def at(found: object, *path: str) -> object:
    """The value at a path; None where anything on the way is absent, null or no object."""
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def objects_at(found: object, *path: str) -> list[dict[str, object]]:
    """The objects in the list at a path; nothing where there is no list."""
    values = at(found, *path)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def text_at(found: object, *path: str) -> str | None:
    """The text at a path, a whole number as its digits; None where it is absent, null or empty."""
    value = at(found, *path)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise FieldError(Reason.BAD_TYPE, f"{'.'.join(path)}: expected a text or a whole number")


def need_text(found: object, *path: str) -> str:
    """The text at a path, which must be there."""
    text = text_at(found, *path)
    if text is None:
        raise FieldError(Reason.MISSING_FIELD, f"{'.'.join(path)}: expected a text")
    return text


def need_short(found: object, characters_max: int, *path: str) -> str:
    """A text that must be there and no longer, so that ids can be made of it."""
    text = need_text(found, *path)
    if len(text) > characters_max:
        raise FieldError(Reason.BAD_VALUE, f"{'.'.join(path)}: expected at most {characters_max} characters")
    return text


def name_at(found: object, *path: str) -> str | None:
    """A text that may become a field of events; None where it is absent."""
    text = text_at(found, *path)
    if text is not None and not is_name(text):
        raise FieldError(Reason.BAD_VALUE, f"{'.'.join(path)}: expected at most {MAX_IDENTIFIER_CHARACTERS} characters")
    return text


def is_name(text: str) -> bool:
    """Whether intake would take a text as the value of a field."""
    return 0 < len(text) <= MAX_IDENTIFIER_CHARACTERS and SEPARATOR not in text


def number_at(found: object, *path: str) -> float | None:
    """The number at a path, also where it is written as a text; None where it is absent."""
    value = at(found, *path)
    if value is None or value == "":
        return None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = float("nan")
        if number - number == 0:  # neither NaN nor an infinity
            return number
    raise FieldError(Reason.BAD_TYPE, f"{'.'.join(path)}: expected a number")


def time_at(found: object, *path: str) -> int | None:
    """The time at a path, ms since the epoch: RFC 3339 with offset, or a number of seconds or milliseconds; None where absent."""
    value = at(found, *path)
    if value is None or value == "":
        return None
    if isinstance(value, str) and not value.strip().replace(".", "", 1).isdecimal():
        return iso_ms(value.strip(), ".".join(path))
    number = number_at(found, *path)
    assert number is not None, "it is there"
    if not 0 <= number <= TIME_MS_MAX:
        raise FieldError(Reason.BAD_TIME, f"{'.'.join(path)}: expected a time after 1970")
    return int(number) if number >= _SECONDS_MAX else round(number * 1000)


def need_time(found: object, *path: str) -> int:
    """The time at a path, which must be there."""
    time_ms = time_at(found, *path)
    if time_ms is None:
        raise FieldError(Reason.MISSING_FIELD, f"{'.'.join(path)}: expected a time")
    return time_ms


def iso_ms(text: str, name: str) -> int:
    """RFC 3339 with an offset as ms since the epoch, rounded down."""
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError, OverflowError) as error:  # TypeError: no offset
        raise FieldError(Reason.BAD_TIME, f"{name}: expected RFC 3339 with an offset") from error


def event_of(context: CanonicalEvent, event_type: str, time_ms: int, part: str = "", **own: Scalar | None) -> CanonicalEvent:
    """An event of an interaction, without fields that are None.

    Its id is made of the interaction, the type and `part`, or the second in which it was: the same payload again gives the same.
    """
    name = f"{context['interaction_id']}/{event_type}/{part or time_ms // 1000}"
    known = {field: value for field, value in own.items() if value is not None}
    return {"id": name, **context, "type": event_type, "time": time_ms, **known}


def context_of(source: str, interaction_id: str, **known: str | None) -> CanonicalEvent:
    """What every event of an interaction carries, without what is None."""
    return {
        "source": source,
        "interaction_id": interaction_id,
        **{name: text for name, text in known.items() if text is not None},
    }

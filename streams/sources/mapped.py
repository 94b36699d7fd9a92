"""Rows of CSV and JSON lines through a mapping.

The surprise: an empty column is no value. A field that is empty in a row is absent from its events and not rejected, and JSON
null, a missing key and "" are the same.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from streams.core.event import Reason, Rejection
from streams.sources.mapping import DURATIONS, Condition, EventMapping, FileMapping, Scalar, check_header
from streams.sources.row import CanonicalEvent, Row

# How the text of a column becomes the JSON of a canonical field; fields not named here are texts.
_NUMBERS = (*DURATIONS, "score")
_INTEGERS = ("csat", "nps")
_FLAGS = ("bot", "resolved")
_NUMBER_MAX = 1e12  # seconds of 30,000 years: what is more is no measure, and its milliseconds would fit no integer
_TIME_MS_MAX = 253_402_300_800_000  # the year 10000, where dates end
_FLAG_TEXTS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class _FieldError(Exception):
    """A column that can't be read; becomes a Rejection at the end of `read_row`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(reason, detail)


def read_csv(lines: Iterable[str], mapping: FileMapping, name: str) -> Iterator[tuple[int, Row | Rejection]]:
    """Rows of a CSV file with header, numbered by line; a missing column raises StreamsError."""
    reader = csv.DictReader(lines, delimiter=mapping.delimiter)
    check_header(mapping, reader.fieldnames or (), name)
    for row in reader:
        # Surplus cells come under the key None, absent ones as None.
        cells = {str(column): cell for column, cell in row.items() if isinstance(cell, str)}
        yield reader.line_num, read_row(cells, mapping)


def read_jsonl(lines: Iterable[str], mapping: FileMapping) -> Iterator[tuple[int, Row | Rejection]]:
    """JSON objects, one per line; the columns of nested ones are joined by dots: {"customer": {"id": 7}} has 'customer.id'."""
    for number, found in _objects(lines):
        yield number, found if isinstance(found, Rejection) else read_row(dict(_flat(found, "")), mapping)


def read_row(row: Mapping[str, str], mapping: FileMapping) -> Row | Rejection:
    """One row as the events whose conditions it meets, in the order of the mapping; an unreadable column gives a Rejection."""
    try:
        events = [_event(row, mapping, event) for event in mapping.events if _holds(row, event)]
    except _FieldError as error:
        return error.rejection
    return Row(events, () if events else ("no_condition_met",))


def _holds(row: Mapping[str, str], event: EventMapping) -> bool:
    return all(_meets(row.get(column, "").strip(), condition) for column, condition in event.when.items())


def _meets(text: str, condition: Condition) -> bool:
    if isinstance(condition, tuple):
        return text in condition
    return bool(text) if condition == "*" else text == condition


def _event(row: Mapping[str, str], mapping: FileMapping, event: EventMapping) -> CanonicalEvent:
    """A canonical event; without a column for `id`, its id is made of what identifies it, so that a repeat is a duplicate."""
    time_ms = _time_ms(row, event.time, mapping)
    if event.plus_seconds:
        time_ms += round(_number(row.get(event.plus_seconds, "").strip() or "0", event.plus_seconds) * 1000)
        if abs(time_ms) > _TIME_MS_MAX:
            raise _FieldError(Reason.BAD_TIME, f"{event.plus_seconds}: expected seconds")
    columns = {**mapping.columns, **event.columns}
    texts = {field: row.get(column, "").strip() for field, column in columns.items()}
    if not texts["interaction_id"]:
        raise _FieldError(Reason.MISSING_FIELD, f"{columns['interaction_id']}: expected a value")
    values = {field: _value(field, text, columns[field]) for field, text in texts.items() if text}
    made = {"id": f"{texts['interaction_id']}/{event.type}/{time_ms}", "source": mapping.source}
    return {**made, **mapping.constants, **event.constants, **values, "type": event.type, "time": time_ms}


def _value(field: str, text: str, column: str) -> Scalar:
    if field in _NUMBERS:
        return _number(text, column)
    if field in _INTEGERS:
        number = _number(text, column)
        if number != int(number) or abs(number) > _NUMBER_MAX:
            raise _FieldError(Reason.BAD_TYPE, f"{column}: expected a whole number")
        return int(number)
    if field in _FLAGS:
        if text.lower() not in _FLAG_TEXTS:
            raise _FieldError(Reason.BAD_TYPE, f"{column}: expected one of {', '.join(_FLAG_TEXTS)}")
        return _FLAG_TEXTS[text.lower()]
    if any("\ud800" <= character <= "\udfff" for character in text):  # JSON can say half a character, and nothing can write it
        raise _FieldError(Reason.BAD_VALUE, f"{column}: expected a text of whole characters")
    return text


def _number(text: str, column: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise _FieldError(Reason.BAD_TYPE, f"{column}: expected a number") from error
    if not abs(number) <= _NUMBER_MAX:  # nor NaN, which is a number to float(), but not to JSON
        raise _FieldError(Reason.BAD_TYPE, f"{column}: expected a number")
    return number


def _time_ms(row: Mapping[str, str], column: str, mapping: FileMapping) -> int:
    text = row.get(column, "").strip()
    if not text:
        raise _FieldError(Reason.MISSING_FIELD, f"{column}: expected a time")
    try:
        time_ms = _parse_ms(text, mapping)
    except (ValueError, OverflowError) as error:
        raise _FieldError(Reason.BAD_TIME, f"{column}: expected {mapping.time_format}") from error
    if abs(time_ms) > _TIME_MS_MAX:
        raise _FieldError(Reason.BAD_TIME, f"{column}: expected {mapping.time_format}")
    return time_ms


def _parse_ms(text: str, mapping: FileMapping) -> int:
    if mapping.time_format == "epoch_ms":
        return round(float(text))
    if mapping.time_format == "epoch_s":
        return round(float(text) * 1000)
    iso = mapping.time_format == "iso"
    moment = datetime.fromisoformat(text) if iso else datetime.strptime(text, mapping.time_format)
    return _epoch_ms(moment, mapping.time_zone)


def _epoch_ms(moment: datetime, time_zone: str) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(time_zone))
    return round(aware.timestamp() * 1000)


def _objects(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, object] | Rejection]]:
    """JSON objects numbered by line; empty lines are skipped."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        yield number, found if isinstance(found, dict) else Rejection(Reason.NOT_JSON, "expected a JSON object")


def _flat(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Columns of a JSON value: texts as they are, numbers and flags as JSON writes them, nothing for null and lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, str):
        yield path, value
    elif isinstance(value, bool | int | float):
        yield path, json.dumps(value)

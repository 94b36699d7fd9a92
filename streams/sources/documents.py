"""The payloads in a file: one a line, over many lines, one after the other without a line between, or in an array.

Exports come in all of these ways: Firehose joins records without a separator, command lines write arrays over many lines. The
surprise: what can't be read as JSON is handed on line by line, so that its source refuses it, or knows better.
"""

import json
from collections.abc import Iterator

_DECODER = json.JSONDecoder()


def documents(text: str) -> Iterator[tuple[int, bytes]]:
    """Payloads with the number of the line they begin on: '[1, 2]\\n{}{}' has 1 and 2 on line 1, {} and {} on line 2."""
    at, line = 0, 1
    while (begins := _skip_space(text, at)) < len(text):
        line += text.count("\n", at, begins)
        found, ends = _value(text, begins)
        if isinstance(found, list):
            yield from ((line, json.dumps(one).encode()) for one in found)
        else:
            yield line, text[begins:ends].encode()
        line += text.count("\n", begins, ends)
        at = ends


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _value(text: str, begins: int) -> tuple[object, int]:
    """The JSON object or array that begins here and where it ends; None and the end of the line where there is none."""
    line_ends = text.find("\n", begins)
    line_ends = len(text) if line_ends < 0 else line_ends
    if text[begins] not in "{[":
        return None, line_ends
    try:
        return _DECODER.raw_decode(text, begins)
    except (ValueError, RecursionError):
        return None, line_ends

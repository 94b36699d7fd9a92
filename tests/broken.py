"""Payloads that are broken in some places: parts of a good one replaced by anything."""

import json
from typing import Any

from hypothesis import strategies as st
from told import Read, records

from streams.core.event import Rejection
from streams.sources.row import Row

_ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.text(max_size=300)
    | st.sampled_from(["", " ", "\x1f", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", [], {}, [{}], "x" * 250])
)


def check_broken(read: Read, payload: Any, data: st.DataObject) -> None:
    """Replaces up to three parts of a payload: it must give events that intake takes, or a rejection that names a field."""
    spots = list(_spots(payload))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, name = data.draw(st.sampled_from(spots))
        holder[name] = data.draw(_ANYTHING)
    found = read(json.dumps(payload).encode())
    if isinstance(found, Rejection):
        assert found.detail
    else:
        assert isinstance(found, Row)
        records(read, [payload])


def _spots(found: object) -> list[tuple[Any, Any]]:
    """Every place in a JSON value that can be replaced."""
    if isinstance(found, dict):
        return [spot for name, inner in found.items() for spot in [(found, name), *_spots(inner)]]
    if isinstance(found, list):
        return [spot for at, inner in enumerate(found) for spot in [(found, at), *_spots(inner)]]
    return []

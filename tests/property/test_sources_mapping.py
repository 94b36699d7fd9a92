"""Whatever a file of one's own holds, each row gives events that can be written, or names why not."""

import json
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.event import Rejection
from streams.sources.mapped import read_csv, read_jsonl
from streams.sources.mapping import FileMapping, load_mapping
from streams.sources.row import Row, key_of, time_of

# Every kind of field, a time that is a sum, conditions of each kind.
MAPPING = """
source = "acme"
time_format = "{time_format}"
time_zone = "Europe/Berlin"

[columns]
interaction_id = "call"
customer_id = "customer"

[[events]]
type = "completed"
time = "at"
plus_seconds = "wait"
columns = {{ talk_seconds = "talk", resolved = "solved" }}

[[events]]
type = "surveyed"
time = "at"
when = {{ stars = "*", kind = ["a", "b"] }}
columns = {{ csat = "stars", nps = "wait" }}
"""
MAPPINGS = [
    load_mapping(MAPPING.format(time_format=form), "map.toml") for form in ("iso", "epoch_ms", "epoch_s", "%d.%m.%Y %H:%M")
]
COLUMNS = ("call", "customer", "at", "wait", "talk", "solved", "stars", "kind")
TEXTS = (
    "",
    "c-1",
    "yes",
    "5",
    "1e300",
    "1e308",
    "-1e308",
    "nan",
    "inf",
    "1709280000000",
    "2024-03-01T09:00:00Z",
    "01.03.2024 09:00",
    "a",
)
CELLS = st.sampled_from(TEXTS) | st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(COLUMNS), inner, max_size=3),
    max_leaves=5,
)
GOOD = {"call": "c-1", "at": "1709280000000", "wait": "5", "stars": "5", "kind": "a"}


def check(found: Row | Rejection) -> None:
    if isinstance(found, Rejection):
        assert found.detail
        return
    for event in found.events:
        assert event["id"]
        assert event["source"] == "acme"
        assert key_of(event)
        assert time_of(event) is not None
        orjson.dumps(event)


@given(st.sampled_from(MAPPINGS), st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELLS), max_size=3))
@example(MAPPINGS[1], [{**GOOD, "wait": "1e308"}])
@example(MAPPINGS[1], [{**GOOD, "stars": "1e300"}])
@example(MAPPINGS[1], [{**GOOD, "at": "1e300"}])
def test_a_row_of_any_texts_gives_events_that_can_be_written_or_names_the_column(
    mapping: FileMapping, rows: list[dict[str, str]]
) -> None:
    lines = [",".join(f'"{row.get(column, "")}"'.replace("\n", " ") for column in COLUMNS) for row in rows]
    for _, found in read_csv([",".join(COLUMNS), *lines], mapping, "calls.csv"):
        check(found)


@given(st.sampled_from(MAPPINGS), st.dictionaries(st.sampled_from(COLUMNS), VALUES))
@example(MAPPINGS[1], {**GOOD, "customer": "\ud800"})
def test_an_object_of_any_values_gives_events_that_can_be_written_or_names_the_column(
    mapping: FileMapping, row: dict[str, Any]
) -> None:
    for _, found in read_jsonl([json.dumps(row)], mapping):
        check(found)


@given(st.text(max_size=30))
@example("[" * 100_000)
def test_a_line_that_is_no_object_is_refused(line: str) -> None:
    for _, found in read_jsonl([line], MAPPINGS[0]):
        assert isinstance(found, Rejection)

"""Files of one's own: the example of streams/sources/README.md as it stands there, and each thing that can be wrong."""

import re
from collections import Counter
from pathlib import Path

import pytest

from streams.core.errors import StreamsError
from streams.core.event import Reason, Rejection
from streams.sources.formats import FORMATS, check_format, read_feed
from streams.sources.mapped import read_csv, read_jsonl, read_row
from streams.sources.mapping import FileMapping, load_mapping
from streams.sources.row import CanonicalEvent, Feed, Row, collect

README = Path(__file__).parents[2] / "streams" / "sources" / "README.md"
KNOWN = ", ".join(FORMATS)
NINE = 1709280000000  # 2024-03-01 09:00 in Berlin, 08:00 UTC
MINIMAL = """
source = "acme"
{top}
[columns]
interaction_id = "call"
[[events]]
type = "offered"
time = "at"
{event}
"""


def block(language: str) -> str:
    """The README's example in one language."""
    found = re.search(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found.group(1)


def minimal(top: str = "", event: str = "") -> FileMapping:
    return load_mapping(MINIMAL.format(top=top, event=event), "map.toml")


def test_the_readme_example_gives_the_events_that_the_readme_says() -> None:
    mapping = load_mapping(block("toml"), "mapping.toml")
    feed = read_feed(block("csv").splitlines(), "csv", mapping, "calls.csv")
    first: CanonicalEvent = {
        "source": "acme-phones",
        "channel": "voice",
        "interaction_id": "c-1",
        "customer_id": "k-9",
        "queue": "billing",
    }
    second: CanonicalEvent = {"source": "acme-phones", "channel": "voice", "interaction_id": "c-2", "queue": "sales"}
    expected: list[CanonicalEvent] = [
        {**first, "id": f"c-1/offered/{NINE}", "type": "offered", "time": NINE},
        {**first, "id": f"c-1/queued/{NINE}", "type": "queued", "time": NINE},
        {**first, "id": f"c-1/answered/{NINE + 12_000}", "type": "answered", "time": NINE + 12_000, "agent_id": "a-4"},
        {**second, "id": f"c-2/offered/{NINE + 30_000}", "type": "offered", "time": NINE + 30_000},
        {**second, "id": f"c-2/queued/{NINE + 30_000}", "type": "queued", "time": NINE + 30_000},
        {**second, "id": f"c-2/abandoned/{NINE + 70_000}", "type": "abandoned", "time": NINE + 70_000},
        {
            **{**first, "id": f"c-1/completed/{NINE + 192_000}", "type": "completed", "time": NINE + 192_000},
            **{"talk_seconds": 180.0, "resolved": True},
        },
        {**first, "id": f"c-1/surveyed/{NINE + 192_000}", "type": "surveyed", "time": NINE + 192_000, "csat": 5},
    ]
    assert feed == Feed(expected, 2, Counter(), Counter(), "")


@pytest.mark.parametrize(
    ("top", "at", "expected_ms"),
    [
        ("", "2024-03-01T08:00:00Z", NINE),
        ("", "2024-03-01T09:00:00.250+01:00", NINE + 250),
        ("", "2024-03-01 08:00:00", NINE),
        ('time_zone = "Europe/Berlin"', "2024-03-01 09:00:00", NINE),
        ('time_format = "epoch_s"', "1709280000.5", NINE + 500),
        ('time_format = "epoch_ms"', "1709280000000", NINE),
        ('time_format = "%d/%m/%Y %H.%M"', "01/03/2024 08.00", NINE),
    ],
)
def test_times_are_read_in_the_format_and_zone_of_the_mapping(top: str, at: str, expected_ms: int) -> None:
    row = read_row({"call": "c-1", "at": at}, minimal(top))
    assert isinstance(row, Row)
    assert expected_ms == row.events[0]["time"]


@pytest.mark.parametrize(
    ("when", "cell", "expected"),
    [('"x"', "x", 1), ('"x"', "y", 0), ('["x", "y"]', "y", 1), ('"*"', "x", 1), ('"*"', " ", 0), ('""', "", 1), ('""', "x", 0)],
)
def test_a_condition_is_a_text_one_of_several_empty_or_not_empty(when: str, cell: str, expected: int) -> None:
    row = read_row({"call": "c-1", "at": "2024-03-01T08:00:00Z", "state": cell}, minimal(event=f"when = {{ state = {when} }}"))
    assert isinstance(row, Row)
    assert expected == len(row.events)
    assert row.rules == (() if expected else ("no_condition_met",))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"call": ""}, Rejection(Reason.MISSING_FIELD, "call: expected a value")),
        ({"at": ""}, Rejection(Reason.MISSING_FIELD, "at: expected a time")),
        ({"at": "yesterday"}, Rejection(Reason.BAD_TIME, "at: expected iso")),
        ({"talk": "long"}, Rejection(Reason.BAD_TYPE, "talk: expected a number")),
        ({"talk": "nan"}, Rejection(Reason.BAD_TYPE, "talk: expected a number")),
        ({"stars": "4.5"}, Rejection(Reason.BAD_TYPE, "stars: expected a whole number")),
        ({"bot": "perhaps"}, Rejection(Reason.BAD_TYPE, "bot: expected one of true, yes, 1, false, no, 0")),
    ],
)
def test_an_unreadable_cell_rejects_the_row_and_names_the_column(cells: dict[str, str], expected: Rejection) -> None:
    mapping = minimal(event='columns = { talk_seconds = "talk", csat = "stars", bot = "bot" }')
    assert expected == read_row({"call": "c-1", "at": "2024-03-01T08:00:00Z", **cells}, mapping)


@pytest.mark.parametrize(
    ("top", "event", "expected"),
    [
        ("colour = 1", "", "map.toml: Object contains unknown field `colour`"),
        ('time_zone = "Mars/Base"', "", "map.toml: time_zone 'Mars/Base' is not a known IANA time zone"),
        ('delimiter = ";;"', "", "map.toml: delimiter must be one character"),
        ('time_format = "us"', "", "map.toml: time_format must be iso, epoch_s, epoch_ms or a pattern like %Y-%m-%d %H:%M:%S"),
        ("", 'columns = { quue = "Skill" }', "map.toml: 'quue' is no field of an event. Did you mean 'queue'?"),
        ("", "time = 5", "map.toml: Cannot overwrite a value"),
        ("", "plus_seconds = 5", "map.toml: Expected `str`, got `int` - at `$.events[0].plus_seconds`"),
    ],
)
def test_a_wrong_mapping_is_refused_in_one_line(top: str, event: str, expected: str) -> None:
    with pytest.raises(StreamsError) as error:
        minimal(top, event)
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)


def test_a_mapping_without_interaction_id_is_refused() -> None:
    with pytest.raises(StreamsError, match=r"^m\.toml: interaction_id has no column: give one in \[columns\]$"):
        load_mapping('source = "a"\n[columns]\n[[events]]\ntype = "offered"\ntime = "at"', "m.toml")


def test_a_csv_file_without_a_mapped_column_is_refused_and_says_what_it_has() -> None:
    with pytest.raises(StreamsError, match=r"^calls\.csv: no column at\. The file has call, when\.$"):
        list(read_csv(["call,when"], minimal(), "calls.csv"))


def test_nested_json_has_columns_joined_by_dots() -> None:
    lines = ['{"call": "c-1", "at": "2024-03-01T08:00:00Z", "who": {"id": 7, "bot": true, "name": null}}', "", "oops", "[1]"]
    feed = collect(read_jsonl(lines, minimal(event='columns = { customer_id = "who.id", bot = "who.bot", queue = "who.name" }')))
    offered: CanonicalEvent = {
        "source": "acme",
        "interaction_id": "c-1",
        "type": "offered",
        "time": NINE,
        "customer_id": "7",
        "bot": True,
    }
    expected: list[CanonicalEvent] = [{"id": f"c-1/offered/{NINE}", **offered}]
    assert feed == Feed(expected, 3, Counter(), Counter({Reason.NOT_JSON: 2}), "line 3: expected a JSON object")


def test_canonical_events_pass_with_their_time_in_milliseconds() -> None:
    lines = [
        '{"id": "2", "source": "s", "type": "queued", "interaction_id": "c", "time": "2024-03-01T09:00:01+01:00"}',
        f'{{"id": "1", "source": "s", "type": "offered", "interaction_id": "c", "time": {NINE}, "csat": null}}',
        '{"id": "h", "source": "s", "type": "heartbeat", "time": 1}',
        '{"id": "3", "source": "s", "type": "queued", "interaction_id": "c", "time": "2024-03-01T09:00:01"}',
        '{"id": "3", "source": "s", "type": "queued", "time": 5}',
    ]
    feed = read_feed(lines, "events", None, "events.jsonl")
    context = {"source": "s", "interaction_id": "c"}
    expected = [
        {"id": "1", "type": "offered", "time": NINE, **context},
        {"id": "2", "type": "queued", "time": NINE + 1000, **context},
    ]
    assert expected == feed.events
    assert feed.rules == {"heartbeat_left_out": 1}
    assert feed.rejected == {Reason.BAD_TIME: 1, Reason.MISSING_FIELD: 1}


@pytest.mark.parametrize(
    ("name", "with_mapping", "expected"),
    [
        ("bank1998", False, f"unknown format 'bank1998'. Did you mean 'bank1999'? Known are {KNOWN}."),
        ("xml", False, f"unknown format 'xml'. Known are {KNOWN}."),
        ("csv", False, "format 'csv' needs --mapping FILE, which says what the columns mean (streams/sources/README.md)."),
        ("events", True, "format 'events' takes no --mapping; formats csv and jsonl do."),
    ],
)
def test_a_format_that_does_not_fit_is_refused_in_one_line(name: str, with_mapping: bool, expected: str) -> None:
    with pytest.raises(StreamsError) as error:
        check_format(name, with_mapping)
    assert expected == str(error.value)

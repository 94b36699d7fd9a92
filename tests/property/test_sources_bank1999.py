"""Laws of the bank's rows: whatever the stamps say, wait and talk are the row's durations and a life goes forward."""

from hypothesis import assume, given
from hypothesis import strategies as st

from streams.sources.bank1999 import read_row
from streams.sources.row import Row, time_of

STAMPS = st.builds("{}:{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
SECONDS = st.integers(min_value=0, max_value=7200)
# 2 April 1999: the clock goes forward in Jerusalem; durations are real time all the same.
DATES = st.sampled_from(["990201", "990331", "990401", "990402"])


@given(
    date=DATES,
    stamps=st.lists(STAMPS, min_size=6, max_size=6),
    wait=SECONDS,
    talk=SECONDS,
    outcome=st.sampled_from(["AGENT", "HANG"]),
)
def test_wait_and_talk_are_exact_and_the_life_goes_forward(
    date: str, stamps: list[str], wait: int, talk: int, outcome: str
) -> None:
    names = ("vru_entry", "vru_exit", "q_start", "q_exit", "ser_start", "ser_exit")
    row = read_row(
        {
            **{"vru+line": "L", "call_id": "1", "customer_id": "0", "priority": "0", "type": "PS", "date": date, "vru_time": "0"},
            **{"q_time": str(wait), "ser_time": str(talk), "outcome": outcome, "server": "ANN"},
            **dict(zip(names, stamps, strict=True)),
        }
    )
    assert isinstance(row, Row)
    times = [time_of(event) for event in row.events]
    assert times == sorted(times)
    at = {event["type"]: time_of(event) for event in row.events}
    assume("queued" in at)  # HANG in the menu: midnight stamps and no wait
    assert at["answered" if outcome == "AGENT" else "abandoned"] - at["queued"] == wait * 1000
    if outcome == "AGENT":
        assert at["completed"] - at["answered"] == talk * 1000
        assert row.events[-1]["talk_seconds"] == talk

"""The page of the eight trend families and the seed KPIs: each a command, and what it prints of two simulated days.

The days go through the real stages in memory (flow.py), what merge sends is put on the trends topic of a broker, and the commands
are run on it. The same seed gives the same page: a test makes it anew. `PYTHONPATH=tests:. python tests/families.py` writes it.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import orjson
from commands_in_process import Commands
from flow import DAY, MONDAY, Flow, heartbeat
from intake_fakes import RecordFake
from own_topics import own_environment

from streams.core.live import decode_trend
from streams.core.series import SEPARATOR
from streams.core.trend import Trend
from streams.edge.embedded import start_broker
from streams.sources.simulator import simulate
from streams.sources.simulator_world import Profile

PAGE = Path(__file__).parents[1] / "streams" / "commands" / "FAMILIES.md"
SETTINGS = {
    "STREAMS_JOURNEY_REPEAT_HOURS": "24",
    "STREAMS_INTAKE_CUTS": "total,channel,queue,issue,segment,age_band,channel+queue",  # those shown: others would cost time
    "STREAMS_KPI_SEGMENT_CUSTOMERS": "{consumer = 28571, business = 14286, premium = 7143}",
    "STREAMS_TOPICS_PARTITIONS": "1",  # more would change no figure and cost time
    "STREAMS_TOPICS_CONTACT_PARTITIONS": "1",
    "STREAMS_TOPICS_SHARDS": "1",
}
DAYS, PER_MINUTE, SEED = 2, 1.5, 7
WIDTH = 128  # of the text of the page
TOGETHER = 10_000  # events between two drains: most of a day, as only final windows are wanted

_HEAD = f"""# The trend families, by command

Each family and each seed KPI of a contact centre as a command, and what it prints of two simulated days, Monday and
Tuesday (`streams simulate`, seed {SEED}, {PER_MINUTE:g} contacts a minute at the busiest hour). `[journey] repeat_hours`
is 24 here instead of a week, so that first-contact resolution matures within them. Written by `tests/families.py`; a test
runs every command again.

How to read it: a line is a window of a series; the number in brackets is the n of the KPI, its denominator; – is no
value, because n is 0. What each KPI is says [KPIS.md](../core/KPIS.md). `--json` gives the same with 95 % intervals,
bands and variants; `--window` is any of 1m, 15m, 1h, 1d, 1w, 1mo, 30m, today; without `--final-only` the windows that
still change are shown, too.
"""


class Family(NamedTuple):
    """A section: what it answers, and the options of `streams trends` that show it."""

    title: str
    says: str
    options: str


FAMILIES = (
    Family(
        "1 Channel preference",
        "Which channels customers take, as shares of all contacts of the day.",
        "--cut channel --limit 4 --kpis offered --shares",
    ),
    Family(
        "2 Contact volume",
        "Days against the day before; Monday has none to be compared with. `--window 1h` gives hours; `--against "
        "last-week` compares with the same weekday, which is fairer where weekdays differ.",
        "--kpis offered --against yesterday",
    ),
    Family(
        "3 First-contact resolution",
        "`fcr` is final: of the first contacts whose 24 hours ended on that day, so of those of the day before. "
        "`fcr_provisional` is of the day's own, as far as that day shows: higher, as who comes back tomorrow isn't "
        "known yet. `fcr_survey` is what customers say.",
        "--kpis fcr,fcr_provisional,fcr_survey",
    ),
    Family(
        "4 Sentiment and satisfaction",
        "What customers say in surveys (`csat`: share of 4s and 5s, `nps`: -100 to 100), and how they sound (-1 to 1).",
        "--cut queue --limit 5 --kpis csat,nps,sentiment,sentiment_negative",
    ),
    Family(
        "5 Interaction time",
        "Waiting on the mean and for the unluckiest tenth, handling, and how long until it is solved, in minutes and seconds.",
        "--cut queue --limit 5 --kpis asa,wait_p90,aht,handle_p90,resolution_time",
    ),
    Family(
        "6 Issues",
        "What it is about, and what grows. So few contacts change by a fifth by chance alone: `--json` gives each "
        "change its interval.",
        "--cut issue --limit 9 --kpis offered --shares --against yesterday",
    ),
    Family(
        "7 Customer behaviour",
        "How often the same customers come within the day, which share of contacts repeats one of the last 24 "
        "hours, and how many of the repeats are escalated. (The simulator draws repeats from its latest callers. "
        "On Monday there are few, so the same come often.)",
        "--kpis customers,customers_once,customers_twice,repeat_rate,escalation_after_repeat",
    ),
    Family(
        "8 Demographics",
        "By age band; `--cut region` and `--cut segment` likewise. Figures of fewer than `[privacy] min_cell` "
        "contacts are hidden.",
        "--cut age_band --limit 6 --kpis offered,csat,aht --shares",
    ),
    Family(
        "Interaction rate",
        "Contacts, and customers who were in touch (net), against all customers that there are: "
        "`[kpi.segment_customers]` says how many. The target band that comes with the program, 60 to 80 %, is one of "
        "months, so no day is marked.",
        "--cut segment --limit 3 --kpis interaction_rate,interaction_rate_net",
    ),
    Family(
        "Interaction count per customer",
        "Contacts of known customers, by those who had any on that day.",
        "--kpis contacts_per_customer,customers",
    ),
    Family(
        "Interaction time by segment",
        "Whether contacts of all segments take the same time: mean, median, and what nine of ten don't exceed.",
        "--cut segment --limit 3 --kpis aht,handle_p50,handle_p90",
    ),
    Family(
        "Contact volume by channel and queue",
        "Where the volume is, by two dimensions at once.",
        "--cut channel+queue --limit 18 --kpis offered,answered,abandoned",
    ),
    Family(
        "Agents",
        "How busy they are, of how many. An n is in seconds: of agents' time for occupancy, of the day for how "
        "many agents were there on the mean of its 24 hours.",
        "--cut queue --limit 5 --kpis occupancy,occupancy_without_wrap,agents_staffed",
    ),
)


@cache
def trend_records() -> list[tuple[bytes, bytes]]:
    """What merge sends of whole days, once they are final."""
    flow = Flow(SETTINGS)
    feed: list[RecordFake] = []
    for event in simulate(SEED, MONDAY, MONDAY + DAYS * DAY, Profile(contacts_per_minute=PER_MINUTE)):
        feed.append(RecordFake(orjson.dumps(event)))
        if len(feed) == TOGETHER:
            flow.feed(feed)
            flow.settle()
            feed = []
    flow.feed([*feed, heartbeat(MONDAY + (DAYS + 3) * DAY)])
    while not any(trend.window.start_ms == MONDAY + (DAYS - 1) * DAY for _, _, trend in _final_days(flow)):
        flow.settle()  # merge closes what falls due in one drain after the other
    return [(key, value) for key, value, trend in _final_days(flow) if trend.window.start_ms < MONDAY + DAYS * DAY]


def _final_days(flow: Flow) -> Iterator[tuple[bytes, bytes, Trend]]:
    """Key, value and what it says, of whole days. There is one more than simulated: its contacts end and agents leave in it."""
    for sent in flow.sent[flow.topics.trends]:
        key, value = sent.key or b"", sent.value or b""
        if value and f"{SEPARATOR}1d{SEPARATOR}".encode() in key:  # decoding the minutes, too, would take seconds
            trend = decode_trend(value)
            if trend.final:
                yield key, value, trend


def page(commands: Commands) -> str:
    """The whole page; the topics of `commands` are there and empty."""
    commands.write(commands.settings.topics.trends, trend_records())
    return _HEAD + "".join(_sections(commands))


def _sections(commands: Commands) -> Iterator[str]:
    for family in FAMILIES:
        printed = commands.run("trends", "--window", "1d", "--final-only", *family.options.split())
        lines = "\n".join(line.rstrip() for line in printed.splitlines())
        command = f"$ streams trends --window 1d --final-only {family.options}"
        yield f"\n## {family.title}\n\n{fill(family.says, WIDTH)}\n\n```console\n{command}\n{lines}\n```\n"


def environment(bootstrap: str) -> dict[str, str]:
    """Topics of its own, and a terminal that is wide enough."""
    return {**own_environment(bootstrap, SETTINGS), "COLUMNS": "120"}


def main() -> None:
    """Write the page."""
    broker = start_broker()
    try:
        commands = Commands(environment(broker.address))
        commands.run("topics", "create")
        PAGE.write_text(page(commands))
    finally:
        broker.stop()


if __name__ == "__main__":
    main()

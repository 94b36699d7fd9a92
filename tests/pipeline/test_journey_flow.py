"""Journey by a worked example, through intake, journey and merge: eleven days, W = 7 days, every figure by hand."""

from flow import Flow, contact, heartbeat

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 1_763_942_400_000  # 2025-11-24T00:00Z

# Who contacted when, by day and hour of the end. Bob comes back a minute before his seven days are over, Cem when they are.
CONTACTS = (
    ("ann", 0, 10.0, "invoice"),
    ("bob", 0, 11.0, "invoice"),
    ("cem", 0, 12.0, "outage"),
    ("dee", 1, 8.0, "outage"),
    ("dee", 1, 15.0, "invoice"),
    ("ann", 2, 9.0, "invoice"),
    ("eve", 3, 9.0, "invoice"),
    ("bob", 7, 11.0 - 1 / 60, "outage"),
    ("cem", 7, 12.0, "outage"),
)


def played(flow: Flow) -> Flow:
    """The contacts in order, then heartbeats until all days are final."""
    for number, (who, day, hour, issue) in enumerate(CONTACTS):
        ended_ms = MONDAY + day * DAY + round(hour * HOUR)
        flow.feed([heartbeat(ended_ms - HOUR), *contact(f"customer {who}", f"c{number}", ended_ms, issue=issue)])
        flow.settle()
    for day in range(8, 13):
        flow.feed([heartbeat(MONDAY + day * DAY)])
        flow.settle()
    return flow


def by_day(flow: Flow, *names: str) -> list[tuple[int, ...]]:
    days = flow.finals("1d", "total")
    return [
        tuple(days[start].measures.get(name, 0) for name in names) if (start := MONDAY + day * DAY) in days else ()
        for day in range(11)
    ]


def test_first_contacts_repeats_and_those_whose_seven_days_are_over_by_day() -> None:
    flow = played(Flow())
    names = ("journey_contacts", "journey_repeats", "journey_followed", "journey_matured", "journey_matured_followed")
    assert by_day(flow, *names) == [
        (3, 0, 0, 0, 0),  # ann, bob, cem for the first time; none of them comes back today
        (2, 1, 1, 0, 0),  # dee, and dee again: her first contact was followed within the day
        (1, 1, 0, 0, 0),  # ann again
        (1, 0, 0, 0, 0),  # eve
        (),
        (),
        (),
        (2, 1, 0, 3, 2),  # bob repeats, cem begins anew; the seven days of ann, bob and cem are over: two of them came back
        (0, 0, 0, 1, 1),  # dee's are over
        (),
        (0, 0, 0, 1, 0),  # eve's are over: resolved at first contact
    ]

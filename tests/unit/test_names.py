"""Names for ids: what has one gets it, everywhere that a queue or an issue is named; what has none stays."""

import json
from pathlib import Path

from genesys_calls import Leg, Talk, details
from intake_fakes import READ_MS, make_rules

from streams import settings
from streams.ingest.taking import Taken, take
from streams.settings import Names
from streams.sources.genesys_details import read_conversation
from streams.sources.names import named

NAMES = Names(queue={"q-billing": "Billing & dunning"}, issue={"w-invoice": "invoice"})


def test_ids_of_queues_and_issues_get_their_names_and_nothing_else_changes() -> None:
    events = read_conversation(details(Talk(legs=(Leg(how="TRANSFER"), Leg(since=400_000, until=405_000, queue="q-7"))))).events
    renamed = named(events, NAMES)
    assert [(event["type"], event.get("queue"), event.get("issue")) for event in renamed] == [
        ("offered", None, None),
        ("queued", "Billing & dunning", None),
        ("answered", "Billing & dunning", None),
        ("queued", "q-7", None),
        ("answered", "q-7", None),
        ("transferred", None, None),
        ("completed", "q-7", "invoice"),
    ]
    gone = ("queue", "issue")
    assert [{k: v for k, v in e.items() if k not in gone} for e in renamed] == [
        {k: v for k, v in e.items() if k not in gone} for e in events
    ]
    assert named([{"id": "t", "target_queue": "q-billing"}], NAMES) == [{"id": "t", "target_queue": "Billing & dunning"}]


def test_names_are_set_in_a_file_or_by_environment(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[names.queue]\n"c677a7a5-1d56" = "billing"\n')
    environment = {"STREAMS_NAMES_ISSUE": '{"7fb3.1" = "invoice"}'}
    assert settings.load([file], environment).names == Names(queue={"c677a7a5-1d56": "billing"}, issue={"7fb3.1": "invoice"})
    assert settings.load([], {}).names == Names(queue={}, issue={})


def test_what_is_pushed_has_names_when_it_is_written() -> None:
    taken = take("genesys", json.dumps(details(Talk())).encode(), make_rules(), NAMES, READ_MS)
    assert isinstance(taken, Taken)
    assert {json.loads(value).get("queue") for _, value in taken.records} == {None, "Billing & dunning"}

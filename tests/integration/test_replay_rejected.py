"""replay --rejected against real Kafka and the embedded broker: refused records go back as they came, each once."""

import pytest
from commands_in_process import Commands
from confluent_kafka import Producer
from intake_fakes import RecordFake
from own_topics import own_environment

from streams.core.aside import headers_with, keep
from streams.edge.reader import read

pytestmark = pytest.mark.integration

ENVELOPE = [("ce_id", b"1"), ("ce_source", b"crm")]


@pytest.fixture(params=["kafka", "tansu"])
def commands(request: pytest.FixtureRequest) -> Commands:
    """Commands on each broker in turn, with topics of their own."""
    made = Commands(own_environment(str(request.getfixturevalue(request.param))))
    made.run("topics", "create")
    return made


def refuse(commands: Commands, record: RecordFake, reason: str, partition: int) -> None:
    """Put a record on the topic of rejected ones, as intake does."""
    topics = commands.settings.topics
    headers = headers_with(keep(record), {"reason": reason, "detail": "expected"}, topics.interactions, partition)
    producer = Producer({"bootstrap.servers": commands.settings.kafka.bootstrap_servers})
    producer.produce(topics.rejected, record.value(), record.key(), headers=list(headers))
    assert producer.flush(30) == 0


def interactions(commands: Commands) -> list[tuple[int | None, bytes | None, bytes | None, object]]:
    """Partition, key, value and headers of what is on the topic of interactions."""
    found = read(commands.settings, commands.settings.topics.interactions)
    return sorted(((m.partition(), m.key(), m.value(), m.headers()) for m in found), key=str)


def test_refused_records_go_back_to_their_partition_as_they_came_and_once(commands: Commands) -> None:
    topic = commands.settings.topics.interactions
    refuse(commands, RecordFake(b"[1,", None, 7, b"k"), "not_json", 3)
    refuse(commands, RecordFake(b"{}", ENVELOPE, 8, b"k"), "unknown_source", 2)
    refuse(commands, RecordFake(b"{}", None, 9, None), "missing_field", 1)
    expected = f"3 rejected records sent to '{topic}' again: missing_field 1, not_json 1, unknown_source 1\n"
    assert commands.run("replay", "--rejected") == expected
    sent = [(1, None, b"{}", None), (2, b"k", b"{}", ENVELOPE), (3, b"k", b"[1,", None)]
    assert interactions(commands) == sent
    assert commands.run("replay", "--rejected") == f"0 rejected records sent to '{topic}' again\n"
    refuse(commands, RecordFake(b"[2,", None, 10, b"k"), "not_json", 0)
    assert commands.run("replay", "--rejected") == f"1 rejected records sent to '{topic}' again: not_json 1\n"
    assert interactions(commands) == [(0, b"k", b"[2,", None), *sent]


def test_what_is_empty_or_was_cut_is_left_out_and_said(commands: Commands) -> None:
    refuse(commands, RecordFake(None, None, 7, None), "not_json", 0)
    refuse(commands, RecordFake(b"{", [("h", b"x" * 40_000)], 8, b"k"), "not_json", 0)
    result = commands.attempt("replay", "--rejected")
    assert result.stdout == f"0 rejected records sent to '{commands.settings.topics.interactions}' again\n"
    assert "2 left out: empty, too long to have been kept whole, or not from intake" in result.stderr
    assert interactions(commands) == []


def test_what_is_wrong_with_the_options_is_said_in_one_line(kafka: str) -> None:
    commands = Commands(own_environment(kafka))
    expected = "nothing to send: give a FILE, or --rejected for what intake refused."
    assert expected == commands.refusal("replay")
    expected = "--rejected sends what was refused, as it came: give neither FILE nor other options with it."
    assert expected == commands.refusal("replay", "calls.jsonl", "--rejected")
    assert expected == commands.refusal("replay", "--rejected", "--speed", "1")
    name = commands.environment["STREAMS_APP_NAME"]
    assert commands.refusal("replay", "--rejected") == f"topic '{name}.interactions' does not exist: run `streams topics create`."

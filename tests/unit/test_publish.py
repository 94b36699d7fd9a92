"""pipeline.Publish: which records of a batch reach the publishers."""

import msgspec
from board_asked import ALERT
from intake_fakes import RecordFake

from streams.core.live import Record, encode
from streams.core.trend import Clock
from streams.engine.batch import Batch
from streams.pipeline import Publish
from streams.settings import load

TOPICS = load([], {}).topics


def pulse(revision: int) -> Clock:
    """Of shard 0."""
    return Clock(shard=0, shards=1, watermark_ms=0, closed_ms=0, heard_ms=0, event_ms=0, revision=revision, published_ms=revision)


def offered(topic: str, *values: tuple[bytes, bytes | None]) -> list[Record]:
    """What the publishers get of one batch of keys and values."""
    taken: list[Record] = []
    publish = Publish(TOPICS, [lambda _topic, _partition, record: taken.append(record)])
    records = [RecordFake(value, key_=key) for key, value in values]
    publish.apply(Batch(topic, 0, 0, len(records), records, 0, len(records)))
    return taken


def test_a_record_that_a_newer_one_of_its_key_replaces_in_the_same_batch_is_not_even_decoded() -> None:
    newest = pulse(3)

    assert offered(TOPICS.trends, (b"clock", b"never read"), (b"clock", encode(newest))) == [newest]


def test_a_key_that_is_deleted_at_the_end_of_a_batch_offers_nothing() -> None:
    assert offered(TOPICS.trends, (b"clock", encode(pulse(1))), (b"clock", None)) == []


def test_of_an_alert_each_state_is_offered_though_it_was_over_before_anyone_was_called() -> None:
    fired, resolved = ALERT, msgspec.structs.replace(ALERT, state="resolved", version=4)

    assert offered(TOPICS.alerts, (b"a1", encode(fired)), (b"a1", encode(resolved))) == [fired, resolved]

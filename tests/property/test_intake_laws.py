"""The laws of intake: order, repetition, batching and restarts change nothing; cuts add up; every record is accounted for."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from intake_fakes import HOUR, READ_MS, SECOND, T0, RecordFake, Sums, event, make_rules, sums
from laws import examples

from streams.core.changes import IntakeChanges
from streams.core.context import Contexts
from streams.core.event import MAX_RECORD_BYTES
from streams.core.facts import KINDS
from streams.core.frame import Frame
from streams.core.hours import ALWAYS, BusinessHours, parse_week
from streams.core.intake import Intake
from streams.core.interaction import first_context, fold
from streams.core.measure import add
from streams.core.stored import decode_interaction, encode_interaction

SHORT = 100  # seconds: all within the smallest grace, so nothing is ever late
QUEUES = ("billing", "sales", "tier-2")
DAY = 24 * 3600


@st.composite
def events(draw: st.DrawFn, seconds: int = SHORT) -> RecordFake:
    """Any event of one of a few interactions: contradictory, bare or rich, at any time in the range."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    fields: dict[str, Any] = {"id": draw(st.sampled_from("abcdefgh")) + kind}
    if draw(st.booleans()):
        fields["queue"] = draw(st.sampled_from(QUEUES))
    if draw(st.booleans()):
        fields["channel"] = draw(st.sampled_from(("voice", "chat")))
    if draw(st.booleans()):
        fields["region"] = draw(st.sampled_from(("north", "south")))
    if kind == "completed" and draw(st.booleans()):
        fields |= {"talk_seconds": draw(st.integers(0, 900)), "resolved": draw(st.booleans())}
    if kind == "surveyed":
        fields |= {"csat": draw(st.integers(1, 5)), "nps": draw(st.integers(0, 10))}
    time = draw(st.integers(0, seconds))
    return event(kind, time, draw(st.sampled_from(("i1", "i2", "i3"))), **fields)


def unique(records: Sequence[RecordFake]) -> list[RecordFake]:
    """The first record of each (interaction, id): what a source sends, each event once."""
    found: dict[tuple[str, str], RecordFake] = {}
    for record in records:
        fields = json.loads(record.value_ or b"")
        found.setdefault((fields["interaction_id"], fields["id"]), record)
    return list(found.values())


def in_order(records: Sequence[RecordFake]) -> list[RecordFake]:
    def place(record: RecordFake) -> tuple[int, int, str]:
        fields = json.loads(record.value_ or b"")
        return fields["time"], KINDS[fields["type"]], fields["id"]

    return sorted(records, key=place)


def taken(records: Sequence[RecordFake], **rules: Any) -> IntakeChanges:
    intake = Intake(0, {}, make_rules(**rules))
    intake.apply(records, READ_MS)
    return intake.drain(READ_MS, 0)


def without_levels(found: Sums) -> dict[tuple[int, str], dict[int, int]]:
    total: dict[tuple[int, str], dict[int, int]] = {}
    for (pane_ms, _, series), cell in found.items():
        add(total.setdefault((pane_ms, series), {}), cell)
    return {key: cell for key, cell in total.items() if cell}


NINE_TO_FIVE = BusinessHours(week=parse_week("mo-fr 09:00-17:00") or ALWAYS)
TARGETS = {"queue_target_ms": {"sales": 10 * SECOND}}


@given(st.data(), st.lists(events(), max_size=25))
def test_any_order_within_the_grace_and_any_repetition_give_the_same_cells(data: st.DataObject, raw: list[RecordFake]) -> None:
    records = unique(raw)
    again = records + data.draw(st.lists(st.sampled_from(records), max_size=10)) if records else []
    shuffled = data.draw(st.permutations(again))
    assert sums(taken(shuffled, **TARGETS).frames) == sums(taken(in_order(records), **TARGETS).frames)


@given(st.data(), st.lists(events(3 * DAY), max_size=25))
def test_order_changes_nothing_either_where_interactions_time_out(data: st.DataObject, raw: list[RecordFake]) -> None:
    records = unique(raw)
    rules: dict[str, Any] = {
        "graces_ms": (("1m", 96 * HOUR), ("1d", 96 * HOUR)),
        "open_ms": HOUR,
        "linger_ms": 200 * HOUR,
        **TARGETS,
    }
    end = event("heartbeat", 5 * DAY)
    shuffled = data.draw(st.permutations(records))
    assert sums(taken([*shuffled, end], **rules).frames) == sums(taken([*in_order(records), end], **rules).frames)


@given(st.lists(events(), max_size=25))
def test_what_is_counted_is_the_fold_over_the_facts_of_each_interaction(raw: list[RecordFake]) -> None:
    store: dict[bytes, bytes] = {}
    rules = make_rules(cuts=("channel+queue",), **TARGETS)
    intake = Intake(0, store, rules)
    intake.apply(raw, READ_MS)
    counted = without_levels(sums(intake.drain(READ_MS, 0).frames))
    contexts = Contexts(rules)
    folded: dict[tuple[int, str], dict[int, int]] = {}
    for key, data in store.items():
        if key.startswith(b"i"):
            stored = decode_interaction(data, contexts)
            again = fold(stored.facts, first_context(stored.facts, contexts), contexts, rules, lambda _: False)
            assert again.life == stored.life
            for (pane_ms, combination), cell in again.cells.items():
                series = "\x1f".join(("channel+queue", *combination.values))
                add(folded.setdefault((pane_ms, series), {}), {code: n for code, n in cell.items() if n})
    assert counted == {key: cell for key, cell in folded.items() if cell}


@given(st.data(), st.lists(events(3 * DAY), max_size=25))
def test_neither_batches_nor_drains_nor_restarts_change_anything(data: st.DataObject, records: list[RecordFake]) -> None:
    rules: dict[str, Any] = {"open_ms": 6 * HOUR, "cut_series_max": 2, **TARGETS}
    whole = taken(records, **rules)
    store: dict[bytes, bytes] = {}
    intake = Intake(0, store, make_rules(**rules))
    frames: list[Frame] = []
    counts: dict[str, int] = {}
    late = 0
    for record in records:
        intake.apply([record], READ_MS)
        if data.draw(st.booleans()):
            changes = intake.drain(READ_MS, 1)
            frames += changes.frames
            late += len(changes.late)
            add_counts(counts, changes)
            if data.draw(st.booleans()):
                intake = Intake(0, store, make_rules(**rules))
    last = intake.drain(READ_MS, 0)
    add_counts(counts, last)
    expected: dict[str, int] = {}
    add_counts(expected, whole)
    assert sums([*frames, *last.frames]) == sums(whole.frames)
    assert counts == expected
    assert late + len(last.late) == len(whole.late)
    assert waiting([*frames, *last.frames]) == waiting(whole.frames)
    numbers = [frame.number for frame in [*frames, *last.frames][::2]]
    assert numbers == list(range(1, len(numbers) + 1))


def add_counts(total: dict[str, int], changes: IntakeChanges) -> None:
    counts = changes.counts
    for name in ("consumed", "accepted", "duplicates", "too_late"):
        total[name] = total.get(name, 0) + getattr(counts, name)
    for name, n in {**counts.late, **counts.rejected}.items():
        total[name] = total.get(name, 0) + n


def waiting(frames: Sequence[Frame]) -> dict[int, list[Any]]:
    """The waiting levels that each shard was told last."""
    return {shard: [frame.waiting for frame in frames[shard::2] if frame.waiting is not None][-1] for shard in (0, 1)}


@given(st.lists(events(3 * DAY), max_size=25))
def test_the_series_of_each_cut_sum_to_the_total(records: list[RecordFake]) -> None:
    by_cut: dict[tuple[str, int, int], dict[int, int]] = {}
    for (pane_ms, level, series), cell in sums(taken(records, cut_series_max=2).frames).items():
        add(by_cut.setdefault((series.split("\x1f")[0], pane_ms, level), {}), cell)
    total = {key[1:]: cell for key, cell in by_cut.items() if key[0] == "total" and cell}
    for cut in ("channel", "queue", "issue", "channel+queue"):
        assert {key[1:]: cell for key, cell in by_cut.items() if key[0] == cut and cell} == total


@given(st.lists(events(3 * DAY), max_size=25), st.sampled_from((2, 5_000)))
def test_a_cut_counts_the_same_beside_other_cuts_as_alone(records: list[RecordFake], series_max: int) -> None:
    cuts = (
        "total",
        "channel",
        "queue",
        "region",
        "channel+queue",
        "queue+region",
        "channel+queue+region",
        "hours",
        "queue+hours",
    )
    rules = {"cut_series_max": series_max, "hours": NINE_TO_FIVE}
    together = sums(taken(records, cuts=cuts, **rules).frames)
    for cut in cuts:
        alone = sums(taken(records, cuts=(cut,), **rules).frames)
        assert {key: cell for key, cell in together.items() if key[2].split("\x1f")[0] == cut} == alone


@given(st.lists(st.one_of(events(3 * DAY), st.builds(RecordFake, st.binary(max_size=20))), max_size=25))
def test_every_record_is_accepted_rejected_a_duplicate_or_too_late(records: list[RecordFake]) -> None:
    changes = taken(records)
    counts = changes.counts
    rejected = sum(counts.rejected.values())
    assert counts.consumed == len(records) == counts.accepted + counts.duplicates + counts.too_late + rejected
    assert len(changes.rejected) == rejected
    assert counts.late.get("1m", 0) == len(changes.late) >= counts.late.get("1d", 0) == counts.too_late


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "id",
    "source",
    "type",
    "time",
    "interaction_id",
    "queue",
    "csat",
    "score",
    "resolved",
    "talk_seconds",
    "specversion",
    "data",
)


@examples(300)
@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.lists(st.tuples(st.sampled_from(("ce_id", "ce_type", "ce_x", "x")), st.binary())),
)
def test_no_record_stops_intake(fields: dict[str, Any], headers: list[tuple[str, bytes]]) -> None:
    value = json.dumps({"id": "e", "source": "s", "type": "queued", "time": T0, "interaction_id": "i", **fields}).encode()
    assert len(value) < MAX_RECORD_BYTES
    for given_headers in (None, headers):
        assert taken([RecordFake(value, given_headers)]).counts.consumed == 1


@given(st.lists(events(), max_size=25))
def test_an_interaction_is_the_same_after_encoding(raw: list[RecordFake]) -> None:
    store: dict[bytes, bytes] = {}
    rules = make_rules()
    contexts = Contexts(rules)
    intake = Intake(0, store, rules)
    intake.apply(raw, READ_MS)
    intake.drain(READ_MS, 0)
    for key, data in store.items():
        if key.startswith(b"i"):
            stored = decode_interaction(data, contexts)
            assert stored.facts == sorted(stored.facts)
            assert encode_interaction(stored) == data

"""What must hold at the end of a run: the invariants of the engine, read from the broker's logs, and the recount."""

import json
from collections import Counter
from collections.abc import Iterator

import msgspec
from simulation.cluster import STAGES, Cluster
from simulation.log import Record
from simulation.recount import KINDS, Recount, Window, recount

STAMP = b"\x00stamp"
MEASURES = (
    "offered",
    "queued",
    "answered",
    "abandoned",
    "wait_ms",
    "abandon_wait_ms",
    "handled",
    "talk_ms",
    "left_before_queue",
)


def check(cluster: Cluster) -> None:
    """Raises AssertionError that says what doesn't hold."""
    expected = recount(cluster.logs)
    check_trends(cluster, expected)
    check_fates(cluster, expected)
    check_numbers(cluster)
    check_states(cluster)
    check_alerts(cluster, expected)


def check_trends(cluster: Cluster, expected: Recount) -> None:
    """I1: finals equal the recount. I4: each window is final once, after it nothing; revisions go up."""
    finals: dict[Window, Counter[str]] = {}
    for place in _places(cluster, cluster.topics.trends):
        revisions: dict[bytes | None, tuple[int, bool]] = {}
        for record in cluster.broker.logs[place].committed():
            if record.key == b"clock":
                continue
            trend = json.loads(record.value or b"")
            revision, final = revisions.get(record.key, (0, False))
            assert not final, f"{record.key!r} goes on after it was final"
            assert trend["revision"] > revision, f"{record.key!r}: revision {trend['revision']} follows {revision}"
            revisions[record.key] = trend["revision"], trend["final"]
            if trend["final"]:
                window, queue = trend["window"], trend["series"].get("queue", "")
                finals[window["kind"], queue, window["start_ms"]] = Counter(
                    {name: n for name, n in trend["measures"].items() if name in MEASURES and n}
                )
    assert all(window[0] in KINDS for window in finals)
    found = {window: sums for window, sums in finals.items() if sums}
    wrong = sorted(window for window in expected.sums | found if expected.sums.get(window) != found.get(window))
    assert not wrong, f"{len(wrong)} windows are wrong, {wrong[0]}: {_differ(expected.sums.get(wrong[0]), found.get(wrong[0]))}"


def check_fates(cluster: Cluster, expected: Recount) -> None:
    """I4: each record was accepted, rejected, late or a duplicate, once; what is put aside is there."""
    fate: Counter[str] = Counter()
    for told in cluster.broker.coordinator.committed:
        for count in told if isinstance(told, list) else []:
            fate.update(count or {})
    assert +fate == +expected.fate, f"records became {dict(fate)}, expected {dict(expected.fate)}"
    rejected = sum(len(cluster.broker.logs[place].committed()) for place in _places(cluster, cluster.topics.rejected))
    assert rejected == expected.fate["rejected"], f"{rejected} rejected records, expected {expected.fate['rejected']}"
    late = sum(len(cluster.broker.logs[place].committed()) for place in _places(cluster, cluster.topics.late))
    assert late == expected.partly_late + expected.fate["too_late"], f"{late} late records"


def check_numbers(cluster: Cluster) -> None:
    """Frames between stages are numbered without a gap or a repeat, per sender."""
    for topic, sender, number in ((cluster.topics.partials, 1, 2), (cluster.topics.minutes, 1, 3)):
        for place in _places(cluster, topic):
            numbers: Counter[int] = Counter()
            for record in cluster.broker.logs[place].committed():
                frame = msgspec.msgpack.decode(record.value or b"")
                numbers[frame[sender]] += 1
                assert frame[number] == numbers[frame[sender]], f"{place}: frame {frame[number]} of {frame[sender]}"


def check_states(cluster: Cluster) -> None:
    """I2, I3: stamps are the committed offsets; open tables are what their changelogs tell, uncompacted or not."""
    for stage in STAGES:
        group = cluster.broker.groups[f"{cluster.app}-{stage}"]
        for place in _places(cluster, f"{cluster.app}-{stage}-changelog"):
            told: dict[bytes | None, bytes | None] = {}
            for record in cluster.broker.logs[place].committed():
                told[record.key] = record.value
            stamp = json.loads(told.pop(STAMP, None) or b'{"position": null, "flush": 0}')
            source = next(source for source in group.committed if source[1] == place[1])
            committed = group.committed[source].offset
            assert stamp["position"] == committed, f"{stage}/{place[1]}: stamp {stamp}, committed {committed}"
            entries = {key: value for key, value in told.items() if value is not None}
            for worker in cluster.alive():
                opened = worker.stages[STAGES.index(stage)].table.opened.get(place[1])
                # By the number too: a zombie may stand at a position where its successor has flushed a pulse since.
                if opened is not None and (opened.position, opened.stamp.flush) == (stamp["position"], stamp["flush"]):
                    assert dict(opened.store) == entries, f"{stage}/{place[1]}: the table isn't what its changelog tells"


def check_alerts(cluster: Cluster, expected: Recount) -> None:
    """I7: an alert has one id through its life, and its versions go up; expectations saw the contacts of the final minutes."""
    versions: dict[str, int] = {}
    for record in _records(cluster, cluster.topics.alerts):
        alert = json.loads(record.value or b"")
        before = versions.get(alert["alert_id"], 0)
        assert alert["version"] > before, f"alert {alert['alert_id']}: version {alert['version']} follows {before}"
        versions[alert["alert_id"]] = alert["version"]
    minutes: set[tuple[str, int]] = set()
    for record in _records(cluster, cluster.topics.expectations):
        expectation = json.loads(record.value or b"")
        minute = (expectation["series"].get("queue", ""), expectation["start_ms"])
        assert minute not in minutes, f"minute {minute} was expected twice"
        minutes.add(minute)
        offered = expected.sums.get(("1m", *minute), Counter())["offered"]
        assert expectation["actual"] == offered, f"minute {minute}: {expectation['actual']} contacts, expected {offered}"


def _records(cluster: Cluster, topic: str) -> Iterator[Record]:
    for place in _places(cluster, topic):
        yield from cluster.broker.logs[place].committed()


def _places(cluster: Cluster, topic: str) -> list[tuple[str, int]]:
    return [(topic, partition) for partition in range(cluster.broker.partitions[topic])]


def _differ(expected: Counter[str] | None, found: Counter[str] | None) -> str:
    return f"expected {dict(expected or {})}, found {dict(found or {})}"

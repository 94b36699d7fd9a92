"""Contacts without end: one hour of `contacts`, told again and again, an hour later and under new names each time.

The surprise: what a contact does after its hour belongs into the next telling. So the records of a telling are those of the hour
of day in which they are sent, and some of them belong to contacts of the telling before.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from contacts import DISORDER_MS, DUPLICATES, HOUR_MS, MINUTE_MS, QUEUES, START_MS, Feed, Figures, Sent, contact_events


class Template(NamedTuple):
    """A record of every telling."""

    when: float  # in which moment of the hour it is sent
    after: int  # how many tellings after its contact began
    partition: int
    time_ms: int
    value: bytes  # JSON with three gaps: twice the number of the telling, and the time


class Cycle:
    """`records` gives them in order, for ever; `figures` what a number of tellings comes to."""

    def __init__(self, seed: int, per_minute: int, partitions: int) -> None:
        chance = random.Random(seed)
        self._feed = Feed()
        self._templates: list[Template] = []
        for number in range(60 * per_minute):
            begins = START_MS + number // per_minute * MINUTE_MS + 1000 * chance.randrange(60)
            for event in contact_events(chance, self._feed, chance.choice(QUEUES), begins):
                self._add(chance, event, number % partitions)
        self._templates.sort(key=lambda template: template.when)

    def __len__(self) -> int:
        return len(self._templates)

    def records(self) -> Iterator[Sent]:
        """All tellings; of the first, only contacts of its own."""
        telling = 0
        while True:
            for template in self._templates:
                told = telling - template.after
                if told >= 0:
                    yield Sent(template.partition, template.value % (told, told, template.time_ms + told * HOUR_MS))
            telling += 1

    def figures(self, tellings: int) -> Figures:
        """Hours that are complete after so many tellings, by queue."""
        sums: Figures = defaultdict(Counter)
        for (kind, start_ms, queue), counts in self._feed.figures.items():
            if kind == "1h":
                for telling in range(tellings):
                    if (at := start_ms + telling * HOUR_MS) < START_MS + tellings * HOUR_MS:
                        sums[kind, at, queue].update(counts)
        return sums

    def _add(self, chance: random.Random, event: dict[str, object], partition: int) -> None:
        time_ms = int(str(event["time"]))
        after, when = divmod(time_ms - START_MS + chance.uniform(0, DISORDER_MS), HOUR_MS)
        names = {"id": f"{event['id']}-%d", "interaction_id": f"{event['interaction_id']}-%d"}
        text = json.dumps({**event, **names, "time": 0}).replace('"time": 0', '"time": %d')
        template = Template(when, int(after), partition, time_ms, text.encode())
        self._templates += [template] * (2 if chance.random() < DUPLICATES else 1)

"""A made-up contact centre in minutes of counts, in which one issue of one region causes an excess; and what Detect says of it.

1,800 leaves: five queues with their issues, twelve regions of very different size, four channels. Contacts are negative binomial
(variance μ + 0.02 μ²), fall on leaves by chance, and the excess has the channels of its queue.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from contribution_rules import CONTRIBUTION
from detect_rules import DETECT
from msgspec.structs import replace

from streams.core.alert import Alert
from streams.core.detect import Detect
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import OFFERED
from streams.core.series import cut_dimensions, series_of
from streams.sources.simulator_world import QUEUES

START_MS = 1_700_006_400_000
MINUTE_MS = 60_000
REGIONS = tuple(f"region-{number}" for number in range(1, 13))
RULES = replace(DETECT, contribution=CONTRIBUTION)

Leaf = tuple[str, str, str, str]  # queue, issue, region, channel


class Found(NamedTuple):
    """What came of one world: records of alerts that fired, when the excess ended, the issue and region that caused it."""

    records: list[Alert]
    end_ms: int
    cause: dict[str, str]

    @property
    def rises(self) -> list[Alert]:
        """Records of what fired while the excess lasted."""
        return [alert for alert in self.records if (alert.fired_ms or 0) <= self.end_ms]

    @property
    def alerts(self) -> int:
        """How many alerts fired while the excess lasted."""
        return len({alert.alert_id for alert in self.rises})

    @property
    def after(self) -> int:
        """How many alerts fired when the excess was over."""
        return len({alert.alert_id for alert in self.records}) - self.alerts

    def ranks_first(self, record: int) -> bool:
        """Whether the cause is the first of what a record (0 the first, -1 the last) names as contributing."""
        parts = self.rises[record].contribution
        return bool(parts) and parts[0].series == self.cause


def leaves() -> tuple[list[Leaf], npt.NDArray[np.float64]]:
    """All leaves with their share of contacts."""
    sizes = 1 / np.arange(1, len(REGIONS) + 1)
    regions = list(zip(REGIONS, sizes / sizes.sum(), strict=True))
    found = [
        ((queue.name, issue, region, channel), queue.share * of_issue * of_region * of_channel)
        for queue in QUEUES
        for issue, of_issue in queue.issues
        for region, of_region in regions
        for channel, of_channel in queue.channels
    ]
    shares = np.array([share for _, share in found])
    return [leaf for leaf, _ in found], shares / shares.sum()


def run(seed: int, rate: float, excess: float, before: int = 120, during: int = 20, after: int = 30) -> Found:
    """`excess`: contacts of the cause beside the usual ones, as a share of all; rate: contacts a minute."""
    rng = np.random.default_rng(seed)
    names, shares = leaves()
    issue, region = names[int(rng.integers(len(names)))][1], str(rng.choice(REGIONS))
    touched = np.array([leaf[1] == issue and leaf[2] == region for leaf in names])
    caused = shares * touched / (shares * touched).sum()
    detect = Detect({}, RULES)
    for minute in range(before + during + after):
        more = excess * rate if before <= minute < before + during else 0.0
        counts = rng.poisson((shares * rate + caused * more) * rng.gamma(50, 1 / 50))
        rows = [MinuteRow(name, START_MS + minute * MINUTE_MS, {OFFERED: n}) for name, n in _by_cut(names, counts).items()]
        end_ms = START_MS + (minute + 1) * MINUTE_MS
        detect.apply([MinuteFrame(shard=0, shards=1, number=minute, closed_ms=end_ms, rows=rows)])
    records = [alert for alert in detect.drain(0).alerts if alert.has_fired]
    return Found(records, START_MS + (before + during) * MINUTE_MS, {"issue": issue, "region": region})


def _by_cut(names: list[Leaf], counts: npt.NDArray[np.int64]) -> Counter[str]:
    """Contacts of every series of every cut that these leaves have."""
    found: Counter[str] = Counter()
    for index in np.nonzero(counts)[0]:
        values = dict(zip(("queue", "issue", "region", "channel"), names[index], strict=True))
        for cut in ("total", *CONTRIBUTION.cuts):
            dimensions = cut_dimensions(cut)
            if all(dimension in values for dimension in dimensions):
                found[series_of(cut, *(values[dimension] for dimension in dimensions))] += int(counts[index])
    return found

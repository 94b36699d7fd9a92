"""What became of records, as intake's keepers tell it in a simulation."""

from collections import Counter
from collections.abc import Callable


class Tally:
    """Telemetry that adds up what became of records until it is asked; what else keepers report is of no interest here."""

    def __init__(self) -> None:
        self._told: Counter[str] = Counter()

    def take(self) -> Counter[str]:
        """What was told; it begins anew."""
        told, self._told = self._told, Counter()
        return told

    def accepted(self, n: int) -> None:
        """As edge/telemetry.py, like all that follows."""
        self._told["accepted"] += n

    def duplicates(self, n: int) -> None:
        """Events seen before."""
        self._told["duplicate"] += n

    def too_late(self, n: int) -> None:
        """Events too late for every window."""
        self._told["too_late"] += n

    def rejected(self, _reason: str, n: int) -> None:
        """Bad input."""
        self._told["rejected"] += n

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_facts: object) -> None:
    """A fact of no interest."""

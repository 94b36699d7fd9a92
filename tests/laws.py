"""How many examples a law is tried on: all in `make test`, an eighth in `make quick`, which has no time for more."""

import os

from hypothesis import settings

QUICK_PART = 8
DEFAULT = 100  # Hypothesis's own
QUICK = "QUICK" in os.environ  # `make quick` sets it


def examples(count: int) -> settings:
    """So many, or the part of them that `make quick` tries."""
    return settings(max_examples=max(2, count // QUICK_PART) if QUICK else count)

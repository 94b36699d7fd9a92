"""The wall clock: the only place that reads it.

Everything else takes `now_ms` as an argument or a clock function, so that a test can turn time by hand.
"""

import time


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000

"""How often a stage flushes, by how long a flush takes."""

from streams.engine.options import StageOptions

REST_SECONDS = 0.05  # how often is looked whether a rest has become pointless
FLUSH_SHARE = 3  # in a catch-up pauses last so many times as the flush before


def pause_seconds(took: float, options: StageOptions, *, behind: bool) -> float:
    """How long to rest after a flush, so that one begins every `flush_seconds`, or half of the time is left to others.

    In a catch-up how fresh figures are doesn't matter, and flushes shall take a quarter of the time: rest three times as long as
    it took, but so that one begins every `flush_seconds_max`.
    """
    if not behind:
        return min(max(took, options.flush_seconds - took), options.flush_seconds_max)
    longest = max(options.flush_seconds, options.flush_seconds_max - took)
    return min(max(options.flush_seconds, took * FLUSH_SHARE), longest)

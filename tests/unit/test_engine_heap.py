"""engine.heap: what was freed goes back to the system."""

import sys
from pathlib import Path

import pytest

from streams.engine.heap import give_back


def resident_bytes() -> int:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can give memory back when asked to")
def test_freed_memory_goes_back_though_something_small_lies_behind_it() -> None:
    blocks = [bytes(4_000) for _ in range(25_000)]  # too large for Python's own allocator, too small for pages of their own
    last = blocks[-1]
    del blocks
    before = resident_bytes()
    assert give_back()
    assert before - resident_bytes() > 80_000_000
    assert len(last) == 4_000

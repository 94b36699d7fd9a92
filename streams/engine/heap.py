"""Freed memory, given back to the system.

The surprise: what is freed stays with the process. Of a long read the C library keeps what librdkafka and Python have let go of,
because some small thing lies behind it, and the next long read comes in another thread, whose memory is taken from another heap.
"""

import ctypes
import sys

# A read of so many records leaves some 8 MiB: worth a call that takes milliseconds. A usual opening reads some thousands.
LONG_READ_RECORDS = 100_000


def give_back() -> bool:
    """Return freed memory of all threads to the system; False where the C library can't (it isn't glibc).

    Other threads that allocate wait meanwhile, for milliseconds.
    """
    if sys.platform != "linux":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    if trim is None:
        return False
    trim(ctypes.c_size_t(0))
    return True

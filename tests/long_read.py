"""A process of its own that opens a table whose changelog is long, three times over, and says how many MiB that has left behind.

The surprise: each opening is in a new thread, as after each rebalance of a worker whose earlier source ended. What one thread has
freed another can't always use, so what stays grows with their number.
"""

import sys
import threading
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer

from streams.engine.opening import find


def resident_mebibytes() -> int:
    """Memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


def opening(broker: str, topic: str, changelog: str) -> None:
    """Open partition 0 as a stage does, and let go of it."""
    client: dict[str, Any] = {"bootstrap.servers": broker}
    consumer = Consumer({**client, "group.id": f"{changelog}-group"})
    (found,) = find(consumer, client, "stage", changelog, [(topic, 0)], transactional=False).values()
    assert found.table.stamp is not None
    consumer.close()


def main(broker: str, topic: str, changelog: str) -> None:
    """Open, open, open."""
    before = resident_mebibytes()
    for _ in range(3):
        thread = threading.Thread(target=opening, args=(broker, topic, changelog))
        thread.start()
        thread.join()
    sys.stdout.write(f"{resident_mebibytes() - before}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

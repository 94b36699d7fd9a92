"""Which stages of a worker keep their tables where, and the data directory, which is one worker's own.

The surprise: the lock is taken only where something is kept. Workers without state on disk may share a directory.
"""

import fcntl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from streams.engine.disk import make_cache
from streams.engine.errors import EngineError
from streams.engine.options import Settings
from streams.engine.replicas import Warm
from streams.engine.stores import InMemory, OnDisk, Stores


class Shelf:
    """Which stages of a worker keep their tables on disk, and where."""

    def __init__(
        self, directory: Path, stages: Sequence[str], cache_megabytes: int, client: Settings, *, warm_replicas: bool
    ) -> None:
        """EngineError where another worker has the directory, or RocksDB isn't installed."""
        self._directory = directory
        self._stages = stages
        self._client = client
        self._warm_replicas = warm_replicas
        self._lock = lock_directory(directory) if stages else None
        self._cache = make_cache(cache_megabytes) if stages else None

    def stores(self, stage: str, changelog: str, now_ms: Callable[[], int]) -> Stores:
        """The stores of a stage."""
        stores: Stores = InMemory()
        if stage in self._stages and self._cache is not None:
            stores = OnDisk(self._directory / "tables" / stage, self._cache, self._client, changelog, now_ms)
        return Warm(stores, self._client, changelog) if self._warm_replicas else stores


def lock_directory(path: Path) -> IO[bytes]:
    """Keep other workers out of a data directory until the file is closed. EngineError where one is in it."""
    path.mkdir(parents=True, exist_ok=True)
    file = (path / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EngineError(f"another worker keeps its state in {path}: give each its own [app] data_directory") from error
    return file

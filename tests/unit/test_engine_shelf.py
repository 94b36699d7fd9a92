"""The data directory of a worker, and what it needs."""

import sys
from pathlib import Path

import pytest

from streams.engine.errors import EngineError
from streams.engine.shelf import Shelf, lock_directory

CLIENT: dict[str, object] = {"bootstrap.servers": "nowhere"}


def test_a_data_directory_is_for_one_worker(tmp_path: Path) -> None:
    lock = lock_directory(tmp_path / "data")
    with pytest.raises(EngineError, match=r"another worker keeps its state in .*data: give each its own"):
        Shelf(tmp_path / "data", ["intake"], 1, CLIENT, warm_replicas=False)
    lock.close()
    lock_directory(tmp_path / "data").close()


def test_workers_that_keep_nothing_may_share_a_directory(tmp_path: Path) -> None:
    lock = lock_directory(tmp_path)
    Shelf(tmp_path, [], 1, CLIENT, warm_replicas=False)
    lock.close()


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    with pytest.raises(EngineError, match=r"pip install 'interaction-streams\[rocksdb\]'"):
        Shelf(tmp_path, ["intake"], 1, CLIENT, warm_replicas=False)

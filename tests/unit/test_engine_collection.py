"""engine.collection: what a long full collection has left isn't gone through again."""

import gc
from math import inf

import pytest

from streams.engine import collection
from streams.engine.collection import Freezing


@pytest.mark.parametrize(("long_seconds", "frozen"), [(0.0, True), (inf, False)])
def test_only_a_long_full_collection_freezes_what_it_left(
    long_seconds: float, frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "LONG_SECONDS", long_seconds)
    freezing, kept = Freezing(), [[number] for number in range(10_000)]
    gc.unfreeze()  # what other tests froze in this process: it would be freed meanwhile
    before = gc.get_freeze_count()
    gc.callbacks.append(freezing)
    try:
        gc.collect(1)
        assert gc.get_freeze_count() == before, "a young collection freezes nothing"
        gc.collect()
        assert (gc.get_freeze_count() - before >= len(kept)) == frozen
    finally:
        gc.callbacks.remove(freezing)
        gc.unfreeze()

"""A table partition in memory."""

import pytest

from streams.engine.store import Store


def test_what_changed_is_dirty_once() -> None:
    store = Store({b"a": b"1", b"b": b"2"})
    assert store.take_dirty() == {}
    store[b"a"] = b"3"
    store[b"c"] = b"4"
    del store[b"b"]
    assert store.take_dirty() == {b"a": b"3", b"b": None, b"c": b"4"}
    assert store.take_dirty() == {}
    assert dict(store) == {b"a": b"3", b"c": b"4"}


def test_a_key_that_came_and_went_is_deleted_in_the_changelog_too() -> None:
    store = Store()
    store[b"a"] = b"1"
    del store[b"a"]
    assert store.take_dirty() == {b"a": None}


def test_a_missing_key_is_no_change() -> None:
    store = Store()
    with pytest.raises(KeyError):
        del store[b"a"]
    assert store.take_dirty() == {}

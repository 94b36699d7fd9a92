"""Columns: numbers of many series as bytes and back, whatever arrays they lie in; the last axis of each is the series.

The surprise: a store has a value for each block of series and not for each series: most of what is stored changes each minute.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence

import numpy as np

from streams.core.level import FloatArray

BLOCK = 256  # series whose numbers are kept as one value; of a fleet 330 kB


def blocks(series: int) -> list[tuple[int, int]]:
    """Columns [first, end) of each block of so many series."""
    return [(first, min(first + BLOCK, series)) for first in range(0, series, BLOCK)]


def save(store: MutableMapping[bytes, bytes], prefix: bytes, series: int, pack: Callable[[int, int], bytes]) -> None:
    """Put all blocks into a store, under the prefix and their number."""
    for number, (first, end) in enumerate(blocks(series)):
        store[prefix + b"%d" % number] = pack(first, end)


def saved(store: Mapping[bytes, bytes], prefix: bytes, series: int) -> list[tuple[int, bytes]]:
    """What `save` has put there: (series, bytes) of each block, in order of column. KeyError where one isn't there."""
    return [(end - first, store[prefix + b"%d" % number]) for number, (first, end) in enumerate(blocks(series))]


def packed(fields: Sequence[FloatArray], first: int, end: int) -> bytes:
    """The series of columns [first, end) as bytes."""
    return b"".join(field[..., first:end].tobytes() for field in fields)


def unpacked(fields: Sequence[FloatArray], blocks: Sequence[tuple[int, bytes]]) -> list[FloatArray]:
    """All series from `packed`, (series, bytes) of each block, in order of column, in arrays of the shapes that `fields` have."""
    shapes = [field.shape[:-1] for field in fields]
    parts: list[list[FloatArray]] = [[] for _ in shapes]
    for number, data in blocks:
        numbers, start = np.frombuffer(data), 0
        for part, shape in zip(parts, shapes, strict=True):
            end = start + int(np.prod(shape)) * number
            part.append(numbers[start:end].reshape(*shape, number))
            start = end
        assert start == len(numbers), f"a packed block has {len(numbers)} numbers, this program writes {start}"
    return [np.concatenate(part, axis=-1) for part in parts]

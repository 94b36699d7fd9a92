"""Columns: numbers of many series as bytes and back, whatever arrays they lie in; the last axis of each is the series."""

from collections.abc import Sequence

import numpy as np

from streams.core.level import FloatArray


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

"""Rows: named arrays with one row per series, which grow, and go to bytes and back row by row.

The surprise: raw float64 in the order of the names, without a header. It is exact; who keeps it keeps a version beside it
(forecasting.py), which changes whenever a name or a shape does.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from streams.core.level import FloatArray


class Rows:
    """Arrays of shape (series, …) by name."""

    def __init__(self, empty: Mapping[str, FloatArray]) -> None:
        """`empty`: what a new series starts with, by name."""
        self._empty = {name: np.asarray(row, dtype=np.float64) for name, row in empty.items()}
        self._arrays = {name: np.zeros((0, *row.shape)) for name, row in self._empty.items()}

    def __getitem__(self, name: str) -> FloatArray:
        return self._arrays[name]

    def __setitem__(self, name: str, values: FloatArray) -> None:
        assert values.shape == self._arrays[name].shape, f"{name}: {values.shape} instead of {self._arrays[name].shape}"
        self._arrays[name] = values

    def enrol(self, number: int) -> None:
        """Add so many new series."""
        for name, row in self._empty.items():
            new = np.broadcast_to(row, (number, *row.shape))
            self._arrays[name] = np.concatenate((self._arrays[name], new))

    def reset(self) -> None:
        """All rows as new."""
        for name, row in self._empty.items():
            self._arrays[name] = np.broadcast_to(row, self._arrays[name].shape).copy()

    def pack(self, row: int) -> bytes:
        """One series as bytes."""
        return b"".join(values[row].tobytes() for values in self._arrays.values())

    def unpack(self, packed: Sequence[bytes]) -> None:
        """All series anew, from bytes of `pack`."""
        table = np.array([np.frombuffer(data) for data in packed])
        start = 0
        for name, row in self._empty.items():
            self._arrays[name] = table[:, start : start + row.size].reshape(len(packed), *row.shape).copy()
            start += row.size
        assert start == table.shape[1], f"a packed series has {table.shape[1]} numbers, this program writes {start}"

"""The column that goes first when one frame holds the rows of several symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .batch import Array

__all__ = ["Leading"]


@dataclass(frozen=True, slots=True)
class Leading:
    """A column of few different words: ``labels``, and for each row the position of its word among them.

    Labels are distinct and stand in the order in which they first appear.
    """

    name: str
    labels: tuple[str, ...]
    codes: Array  # int32, one a row

    @classmethod
    def runs(cls, name: str, lengths: Mapping[str, int]) -> Leading:
        """So many rows of the first word, then so many of the second, and so on."""
        codes = np.repeat(np.arange(len(lengths), dtype=np.int32), np.array(list(lengths.values()), np.int64))
        return cls(name, tuple(lengths), codes)

    @classmethod
    def of(cls, name: str, words: Sequence[str]) -> Leading:
        """One word a row."""
        positions: dict[str, int] = {}
        codes = [positions.setdefault(word, len(positions)) for word in words]
        return cls(name, tuple(positions), np.array(codes, np.int32))

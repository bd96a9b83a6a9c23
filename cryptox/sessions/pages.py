"""Pages of a long history: planned up front on a grid, checked, and joined. Pure.

The grid is a candle interval's, or that of trade ids (``IDS``). Ranges are half-open, ``[start, end)``, in the unit of
their grid: milliseconds of open time, or ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cryptox.errors import ExchangeError
from cryptox.model.interval import Interval
from cryptox.table.batch import Array, Batch

__all__ = ["IDS", "NOTHING", "Before", "Range", "Segment", "inside", "join", "missing_in", "plan", "subtract"]

IDS = Interval("id", 1)
"""The grid of contiguous ids: a step is one id."""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Everything from ``start`` to before ``end``."""

    start: int
    end: int

    def __bool__(self) -> bool:
        """Whether anything lies in it."""
        return self.start < self.end


@dataclass(frozen=True, slots=True)
class Before:
    """Everything before ``end``, from nobody knows where on."""

    end: int

    @property
    def start(self) -> None:
        """Not known."""

    def __bool__(self) -> bool:
        """Whether anything can lie in it: before the epoch there is nothing."""
        return self.end > 0


NOTHING = Range(0, 0)
"""The range of a call that does not know yet what it wants, or wants nothing."""


@dataclass(frozen=True, slots=True)
class Segment:
    """All that the exchange has in a range, and the holes that it confirmed when asked for exactly them again."""

    range: Range
    batch: Batch
    holes: tuple[Range, ...] = ()


def plan(grid: Interval, wanted: Range, cap: int) -> list[Range]:
    """Cut a range into pages of at most ``cap`` rows, oldest first."""
    pages = []
    start, end = grid.ceil(wanted.start), grid.ceil(wanted.end)
    while start < end:
        stop = min(grid.shift(start, cap), end)
        pages.append(Range(start, stop))
        start = stop
    return pages


def subtract(wanted: Range, covered: Iterable[Range]) -> list[Range]:
    """What of a range is not covered, oldest first."""
    left = []
    start = wanted.start
    for known in sorted(covered):
        if known.end <= start or known.start >= wanted.end:
            continue
        if known.start > start:
            left.append(Range(start, known.start))
        start = max(start, known.end)
    if start < wanted.end:
        left.append(Range(start, wanted.end))
    return left


def inside(batch: Batch, key: str, wanted: Range) -> Batch:
    """The rows whose ``key`` lies in a range, checked to be in order and unique.

    Raises
    ------
    ExchangeError
        Rows out of order or doubled.
    """
    keys = batch[key]
    if len(keys) > 1 and not bool(np.all(keys[1:] > keys[:-1])):
        raise ExchangeError("The exchange's rows are out of order or doubled.")
    first, last = np.searchsorted(keys, (wanted.start, wanted.end))
    if first == 0 and last == len(keys):
        return batch
    return batch.take(slice(int(first), int(last)))


def missing_in(grid: Interval, keys: Array, wanted: Range) -> list[Range]:
    """The stretches of the grid in a range that no row stands for, oldest first."""
    if len(keys) == grid.count(wanted.start, wanted.end):
        return []
    found = []
    expected = grid.ceil(wanted.start)
    for first, last in _runs(grid, keys):
        place = grid.floor(first)
        if place > expected:
            found.append(Range(expected, place))
        expected = max(expected, grid.shift(grid.floor(last), 1))
    end = grid.ceil(wanted.end)
    if expected < end:
        found.append(Range(expected, end))
    return found


def _runs(grid: Interval, keys: Array) -> list[tuple[int, int]]:
    """First and last key of each stretch without a hole; months are looked at one by one."""
    if grid.monthly:
        return [(int(key), int(key)) for key in keys]
    if not len(keys):
        return []
    breaks = np.flatnonzero(np.diff(keys) != grid.step_ms)
    firsts = keys[np.concatenate(([0], breaks + 1))]
    lasts = keys[np.concatenate((breaks, [len(keys) - 1]))]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def join(segments: Sequence[Segment], key: str, wanted: Range) -> Batch:
    """The rows of segments that lie in a range, oldest first."""
    ordered = sorted(segments, key=lambda segment: segment.range)
    pieces = [inside(segment.batch, key, wanted) for segment in ordered]
    filled = [piece for piece in pieces if len(piece)]
    return Batch.concat(filled) if filled else pieces[0].take(slice(0, 0))

"""Fewer rows that look the same: candles merged whole, lines by their outline."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from cryptox.model.interval import DAY_MS, INTERVALS, Interval
from cryptox.table.batch import Array
from cryptox.table.grids import floors

__all__ = ["MOST_CANDLES", "buckets", "interval_of", "merged", "outline"]

MOST_CANDLES: Final = 5_000

_MONTH: Final = INTERVALS["1M"]


def interval_of(times_ms: Array) -> Interval | None:
    """The interval that candles at these moments, in order, are most likely of; None where they are of none."""
    steps, counts = np.unique(np.diff(times_ms), return_counts=True)
    if not len(steps):
        return None
    step = int(steps[np.argmax(counts)])
    if _MONTH.step_ms <= step <= 31 * DAY_MS:
        return _MONTH
    return next((one for one in INTERVALS.values() if one.step_ms == step and not one.monthly), None)


def buckets(times_ms: Array, most: int = MOST_CANDLES) -> tuple[Array, str]:
    """Where to cut candles, in order, into at most ``most`` runs, and what such a run is.

    They are the candles of the next longer interval of the exchange that gives few enough, on its own grid, so that
    none spans a hole that the longer candle would not; runs of equal numbers of rows where there is no such interval.

    Returns
    -------
    tuple
        The first row of each run; in words what each one is.
    """
    count = len(times_ms)
    source = interval_of(times_ms)
    for target in INTERVALS.values() if source is not None else ():
        if source is None or not _fits(source, target):
            continue
        if not target.monthly and count * source.step_ms > most * target.step_ms:
            continue  # more than that even without a hole
        opens = floors(times_ms, target)
        first = np.flatnonzero(np.r_[True, np.diff(opens) != 0])
        if len(first) <= most:
            return first, f"candles of {target.name}"
    size = -(-count // most)
    return np.arange(0, count, size), f"runs of {size} rows"


def merged(columns: dict[str, Array], first: Array) -> dict[str, Array]:
    """Candles put together: first open, highest high, lowest low, last close, summed volume; of others the last value.

    Parameters
    ----------
    columns
        By name, all of one length, oldest first; numbers are floats, NaN where there is none.
    first
        The first row of each candle to come.
    """
    count = len(columns["close"])
    last = np.r_[first[1:], count] - 1
    made: dict[str, Array] = {}
    for name, values in columns.items():
        if name in ("open_time", "open"):
            made[name] = values[first]
        elif name == "high":
            made[name] = np.fmax.reduceat(values, first)
        elif name == "low":
            made[name] = np.fmin.reduceat(values, first)
        elif name == "volume":
            made[name] = np.add.reduceat(np.nan_to_num(values, nan=0.0), first)
        else:
            made[name] = values[last]
    return made


def outline(values: Array, most: int) -> Array:
    """Rows that draw the same line at any width up to a quarter of ``most``: first, lowest, highest, last of each run.

    Parameters
    ----------
    values
        What the line is of; not one is left out where there are no more than ``most``.
    most
        So many rows at most.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    runs = max(1, most // 4)
    edges = np.linspace(0, count, runs + 1).astype(np.int64)
    chosen = [edges[:-1], edges[1:] - 1]
    for find, empty in ((np.argmin, np.inf), (np.argmax, -np.inf)):
        filled = np.where(np.isfinite(values), values, empty)
        chosen.append(np.array([begin + find(filled[begin:end]) for begin, end in pairwise(edges)]))
    return np.unique(np.concatenate(chosen))


def _fits(source: Interval, target: Interval) -> bool:
    """Whether each candle of the source lies in one of the target, which is longer."""
    if source.monthly or target.step_ms <= source.step_ms:
        return False
    if target.monthly:
        return DAY_MS % source.step_ms == 0
    return target.step_ms % source.step_ms == 0 and (target.offset_ms - source.offset_ms) % source.step_ms == 0

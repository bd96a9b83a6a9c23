"""The spine of a market: minutes as rows of integers, what lies inside a minute, and how rows become longer candles.

A *table* of candles is one int64 array of ``len(Row)`` lines and one column per candle, oldest first, so that any
slice, concatenation or sum over candles is one numpy call for all columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import DAY_MS, MINUTE_MS

from .market import Ints, Listing

__all__ = [
    "DAY_MINUTES",
    "Day",
    "Lot",
    "Row",
    "Spine",
    "generator",
    "key_of",
    "merges",
    "reduce_groups",
    "reduce_rows",
    "shares",
]

DAY_MINUTES = DAY_MS // MINUTE_MS
UNMERGED = 8  # trades of a minute that are always aggregates of their own


class Row(IntEnum):
    """Lines of a table of candles."""

    TIME = 0  # open time in ms
    OPEN = 1
    HIGH = 2
    LOW = 3
    CLOSE = 4
    VOLUME = 5  # from here on: sums
    QUOTE = 6
    TRADES = 7
    TAKER = 8
    TAKER_QUOTE = 9


class Lot(IntEnum):
    """Lines of a table of what trades inside minutes, in aggregates (taker orders at one price).

    Four aggregates touch the open, high, low and close (``ANCHORS`` says which of them there are, and which buy);
    the others, a group a side, trade ``V`` steps in ``K`` aggregates around price ``X``: ``R`` of the steps at
    ``X + 1``, the others at ``X`` on average.
    """

    Q_OPEN = 0
    Q_HIGH = 1
    Q_LOW = 2
    Q_CLOSE = 3
    ANCHORS = 4  # bits 0-3: open, high, low, close trade; bits 4-7: that one is bought by its taker
    V_BUY = 5
    X_BUY = 6
    R_BUY = 7
    K_BUY = 8
    V_SELL = 9
    X_SELL = 10
    R_SELL = 11
    K_SELL = 12


@dataclass(frozen=True, slots=True)
class Day:
    """The minutes of one UTC day that exist, and what trades inside them."""

    rows: Ints  # (len(Row), minutes)
    lots: Ints  # (len(Lot), minutes)


class Spine(Protocol):
    """One symbol's minutes, a day at a time."""

    listing: Listing
    first_day: int  # days since the epoch

    def day(self, day: int) -> Day:
        """The minutes of that day; a day without any has no columns."""

    def stretches(self, first_day: int, end_day: int) -> Iterable[Ints]:
        """The minutes of the days in [first_day, end_day), whole days at a time; each table holds until the next."""

    def counts(self, last_day: int) -> tuple[Ints, Ints]:
        """Trades and merged trades before each day from ``first_day`` to at least ``last_day + 1``, cumulated."""


def key_of(seed: int, symbol: str, purpose: str) -> int:
    """A 64-bit key for one purpose of one symbol."""
    digest = hashlib.blake2b(f"{seed}|{symbol}|{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def generator(key: int, index: int) -> np.random.Generator:
    """The generator of cell ``index`` under ``key``: any cell costs the same, in any order."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((key, index))))


def merges(trades: Ints, minutes: Ints) -> Ints:
    """How many trades of a day join the aggregate before them: a closed form of its trades and open minutes."""
    merged: Ints = np.maximum(0, trades - UNMERGED * minutes) * 3 // 10
    return merged


def shares(totals: int | Ints, weights: npt.NDArray[np.generic]) -> Ints:
    """``totals`` as integers in proportion to ``weights`` along the last axis, exact in sum; 0 where no weight is."""
    running = np.cumsum(weights, axis=-1, dtype=np.float64)
    if not running.shape[-1]:
        return np.zeros(running.shape, np.int64)
    whole = running[..., -1:]
    total = np.where(whole > 0, np.asarray(totals, np.int64)[..., np.newaxis], 0)
    running *= total / np.where(whole > 0, whole, 1.0)
    running += 1e-9
    edges = running.astype(np.int64)
    edges[..., -1:] = total
    np.minimum(edges, total, out=edges)
    edges[..., 1:] -= edges[..., :-1].copy()
    return edges


def reduce_rows(rows: Ints, starts: Ints) -> Ints:
    """Candles made of consecutive candles: group i begins at column ``starts[i]``."""
    if not len(starts):
        return rows[:, :0]
    ends = np.append(starts[1:], rows.shape[1]) - 1
    out = np.empty((len(Row), len(starts)), np.int64)
    out[Row.TIME] = rows[Row.TIME][starts]
    out[Row.OPEN] = rows[Row.OPEN][starts]
    out[Row.HIGH] = np.maximum.reduceat(rows[Row.HIGH], starts)
    out[Row.LOW] = np.minimum.reduceat(rows[Row.LOW], starts)
    out[Row.CLOSE] = rows[Row.CLOSE][ends]
    out[Row.VOLUME :] = np.add.reduceat(rows[Row.VOLUME :], starts, axis=1)
    return out


def reduce_groups(rows: Ints, size: int) -> Ints:
    """Candles made of ``size`` consecutive candles each: the same as ``reduce_rows``, much faster."""
    groups = rows.reshape(len(Row), -1, size)
    out = np.empty(groups.shape[:2], np.int64)
    out[: Row.CLOSE] = groups[: Row.CLOSE, :, 0]
    np.max(groups[Row.HIGH], axis=1, out=out[Row.HIGH])
    np.min(groups[Row.LOW], axis=1, out=out[Row.LOW])
    out[Row.CLOSE] = groups[Row.CLOSE, :, -1]
    np.sum(groups[Row.VOLUME :], axis=2, out=out[Row.VOLUME :])
    return out

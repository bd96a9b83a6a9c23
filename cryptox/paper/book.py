"""The order book as a function of the last trade and the 100 ms tick.

Levels hang on absolute prices: one in each cell of the price grid, whose place and quantity change now and then,
the farther from the middle the more seldom. So two ticks differ in few levels, as the difference stream wants it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .market import Ints, Levels

__all__ = ["TICK_MS", "book_levels", "update_id"]

TICK_MS = 100
NEAR = 8  # levels beside the best, a few ticks apart
Words = npt.NDArray[np.uint64]


def book_levels(
    key: int, tick: int, first_tick: int, last_price: int, buyer_is_maker: bool, size: float, limit: int
) -> Levels:
    """The book around ``last_price`` (ticks), levels of about ``size`` steps, at 100 ms tick ``tick``.

    The last trade stands at the best bid where its buyer was the maker, else at the best ask.
    """
    spread = 1 + int(_mix(np.array([tick // 7], np.uint64), key)[0] % np.uint64(3)) * max(1, last_price // 2_000_000)
    bid = last_price if buyer_is_maker else last_price - spread
    ask = last_price + spread if buyer_is_maker else last_price
    if bid < 1:
        bid, ask = max(1, last_price - 1), max(2, last_price)
    bids = _side(key + 1, tick, bid, -1, size, limit)
    asks = _side(key + 2, tick, ask, 1, size, limit)
    return Levels(update_id(key, tick, first_tick), *bids, *asks)


def update_id(key: int, tick: int, first_tick: int) -> int:
    """Id of the newest change at ``tick``: grows with every tick."""
    return (tick - first_tick + 1) * 11 + int(_mix(np.array([tick], np.uint64), key)[0] % np.uint64(11))


def _side(key: int, tick: int, best: int, way: int, size: float, limit: int) -> tuple[Ints, Ints]:
    cell = 1 << max(0, (best // 200_000).bit_length() - 1)  # steady while the price stays within a factor of two
    near = best + way * np.concatenate(([0], np.cumsum(_steps(key, tick, cell))))
    # Cells begin past the near levels, on a grid of their own, so that they stay where they are as the best moves.
    begin = int(near[-1]) // cell + way
    cells = begin + way * np.arange(max(0, limit - len(near)) + 1, dtype=np.int64)
    prices = np.concatenate((near, cells * cell + _place(cells, cell, key, tick)))[:limit]
    prices = prices[prices >= 1]
    return prices, _quantities(prices, best, cell, key, tick, size)


def _steps(key: int, tick: int, cell: int) -> Ints:
    words = _mix(np.arange(NEAR, dtype=np.uint64) + np.uint64(tick // 5 * NEAR), key)
    return 1 + (words % np.uint64(max(1, cell // 2))).astype(np.int64)


def _place(cells: Ints, cell: int, key: int, tick: int) -> Ints:
    if cell == 1:
        return np.zeros(len(cells), np.int64)
    return (_mix(_turn(cells, 600, key, tick), key ^ 0x51) % np.uint64(cell)).astype(np.int64)


def _quantities(prices: Ints, best: int, cell: int, key: int, tick: int, size: float) -> Ints:
    words = _mix(_turn(prices, 150, key, tick), key ^ 0xA7)
    share = (words >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    # Deeper levels hold more, in steps of two, so that a small move of the best leaves most quantities as they are.
    far = 1.0 + np.abs(prices - best) / (40.0 * cell)
    deep = np.exp2(0.5 * np.floor(np.log2(np.minimum(far, 400.0))))
    result: Ints = np.maximum(1, (size * deep * -np.log1p(-share * 0.9999)).astype(np.int64))
    return result


def _turn(places: Ints, period: int, key: int, tick: int) -> Words:
    """A word for each place that changes every ``period`` ticks, each place at a time of its own."""
    words = places.astype(np.uint64)
    phase = _mix(words, key ^ 0x3D) % np.uint64(period)
    turns = (np.uint64(tick) + phase) // np.uint64(period)
    return words * np.uint64(0x9E3779B97F4A7C15) + turns


def _mix(words: Words, key: int) -> Words:
    """SplitMix64's finaliser."""
    z = words * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key & 0xFFFFFFFFFFFFFFFF)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))

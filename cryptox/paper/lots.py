"""What trades inside a minute: lots at its open, high, low and close, and a group a side between low and high.

From the lots follow volume, quote volume and the taker's part of a minute; ``inside`` draws single trades from them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .market import Ints
from .spine import Lot, Row

__all__ = ["SMALLEST", "draw_lots", "total_up"]

SMALLEST = 2  # steps of an aggregate, so that two trades can fill it
_NEEDED = np.array([[2], [3], [4], [1]])  # orders from which on open, high, low, close have one of their own
_TOUCHED = np.array([0, 8, 9, 11, 15])  # the same as bits of ANCHORS, by orders
_ANCHORS = ((Lot.Q_OPEN, Row.OPEN), (Lot.Q_HIGH, Row.HIGH), (Lot.Q_LOW, Row.LOW), (Lot.Q_CLOSE, Row.CLOSE))


def draw_lots(rng: np.random.Generator, prices: Ints, orders: Ints, size: float | npt.NDArray[np.float64]) -> Ints:
    """Lots of minutes whose open, high, low and close are ``prices``, for so many orders of about ``size`` steps."""
    count = len(orders)
    lots = np.zeros((len(Lot), count), np.int64)
    present = orders >= _NEEDED
    draws = rng.random((8, count))
    anchors = present * (SMALLEST + draws[4:] * (1.2 * size))
    lots[Lot.Q_OPEN : Lot.Q_CLOSE + 1] = anchors
    sides = rng.integers(0, 16, count)
    lots[Lot.ANCHORS] = _TOUCHED[np.minimum(orders, 4)]
    lots[Lot.ANCHORS] |= (lots[Lot.ANCHORS] & sides) << 4
    groups = orders - np.minimum(orders, 4)
    lots[Lot.K_BUY] = groups * (0.25 + 0.5 * draws[0]) + 0.5
    lots[Lot.K_SELL] = groups - lots[Lot.K_BUY]
    mean = size * np.exp(1.2 * (draws[1] - 0.5))
    lots[Lot.V_BUY] = lots[Lot.K_BUY] * (SMALLEST + mean)
    lots[Lot.V_SELL] = lots[Lot.K_SELL] * (SMALLEST + mean)
    _, high, low, _ = prices
    lots[Lot.X_BUY] = low + ((high - low) * (0.25 + 0.5 * draws[2])).astype(np.int64)
    lots[Lot.X_SELL] = low + ((high - low) * (0.25 + 0.5 * draws[3])).astype(np.int64)
    return lots


def total_up(rows: Ints, lots: Ints) -> None:
    """Write the sums of ``lots`` into their minutes' ``rows``, whose prices are there already."""
    rows[Row.TAKER] = lots[Lot.V_BUY]
    rows[Row.TAKER_QUOTE] = lots[Lot.V_BUY] * lots[Lot.X_BUY] + lots[Lot.R_BUY]
    rows[Row.VOLUME] = lots[Lot.V_BUY] + lots[Lot.V_SELL]
    rows[Row.QUOTE] = rows[Row.TAKER_QUOTE] + lots[Lot.V_SELL] * lots[Lot.X_SELL] + lots[Lot.R_SELL]
    for bit, (lot, price) in enumerate(_ANCHORS):
        steps = lots[lot]
        value = steps * rows[price]
        bought = (lots[Lot.ANCHORS] >> (4 + bit)) & 1
        rows[Row.VOLUME] += steps
        rows[Row.QUOTE] += value
        rows[Row.TAKER] += steps * bought
        rows[Row.TAKER_QUOTE] += value * bought

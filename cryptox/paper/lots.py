"""What trades inside a minute: lots at its open, high, low and close, and a group a side between low and high.

From the lots follow volume, quote volume and the taker's part of a minute; ``inside`` draws single trades from them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .market import Ints
from .spine import Lot, Row

__all__ = ["DRAWS", "SIDES", "SMALLEST", "draw_lots", "lay_lots", "total_up"]

Floats = npt.NDArray[np.float64]

SMALLEST = 2  # steps of an aggregate, so that two trades can fill it
DRAWS = 8  # numbers in [0, 1) that the lots of a minute are made of
SIDES = 16  # one bit for each price touched
_NEEDED = (2, 3, 4, 1)  # orders from which on open, high, low, close have one of their own
_TOUCHED = np.array([0, 8, 9, 11, 15])  # the same as bits of ANCHORS, by orders
_ANCHORS = ((Lot.Q_OPEN, Row.OPEN), (Lot.Q_HIGH, Row.HIGH), (Lot.Q_LOW, Row.LOW), (Lot.Q_CLOSE, Row.CLOSE))


def draw_lots(rng: np.random.Generator, prices: Ints, orders: Ints, size: float) -> Ints:
    """Lots of minutes whose open, high, low and close are ``prices``, for so many orders of about ``size`` steps."""
    draws = rng.random((DRAWS, len(orders)))
    lots = np.empty((len(Lot), len(orders)), np.int64)
    lay_lots(draws, rng.integers(0, SIDES, len(orders)), prices, orders, size, lots)
    return lots


def lay_lots(draws: Floats, sides: Ints, prices: Ints, orders: Ints, size: float | Floats, lots: Ints) -> None:
    """Write ``lots`` made of ``DRAWS`` numbers in [0, 1) and one below ``SIDES`` a minute; minutes on any axes."""
    reach = 1.2 * size
    for line, draw in zip(lots, draws[4:], strict=False):
        steps = draw * reach
        steps += SMALLEST
        line[...] = steps
    lots[Lot.ANCHORS] = sides << 4 | 15
    if (orders < 4).any():
        for line, needed in zip(lots, _NEEDED, strict=False):
            line *= orders >= needed
        touched = _TOUCHED[np.minimum(orders, 4)]
        lots[Lot.ANCHORS] = (touched & sides) << 4 | touched
    groups = np.maximum(orders - 4, 0)
    lots[Lot.K_BUY] = (0.25 + 0.5 * draws[0]) * groups + 0.5
    np.subtract(groups, lots[Lot.K_BUY], out=lots[Lot.K_SELL])
    mean = SMALLEST + size * np.exp(1.2 * (draws[1] - 0.5))
    lots[Lot.V_BUY] = lots[Lot.K_BUY] * mean
    lots[Lot.V_SELL] = lots[Lot.K_SELL] * mean
    _, high, low, _ = prices
    extent = high - low
    for line, draw in ((Lot.X_BUY, draws[2]), (Lot.X_SELL, draws[3])):
        np.add(low, (extent * (0.25 + 0.5 * draw)).astype(np.int64), out=lots[line])
    lots[Lot.R_BUY] = lots[Lot.R_SELL] = 0


def total_up(rows: Ints, lots: Ints) -> None:
    """Write the sums of ``lots`` into their minutes' ``rows``, whose prices are there already."""
    taker = lots[Lot.V_BUY].copy()
    taker_quote = taker * lots[Lot.X_BUY] + lots[Lot.R_BUY]
    volume = taker + lots[Lot.V_SELL]
    quote = taker_quote + lots[Lot.V_SELL] * lots[Lot.X_SELL] + lots[Lot.R_SELL]
    for bit, (lot, price) in enumerate(_ANCHORS):
        steps = lots[lot]
        value = steps * rows[price]
        bought = -((lots[Lot.ANCHORS] >> (4 + bit)) & 1)  # as a mask: all bits or none
        volume += steps
        quote += value
        taker += steps & bought
        taker_quote += value & bought
    rows[Row.VOLUME], rows[Row.QUOTE], rows[Row.TAKER], rows[Row.TAKER_QUOTE] = volume, quote, taker, taker_quote

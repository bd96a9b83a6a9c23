"""Given candles cut into shorter ones, and lots found for given sums: how history is drawn inside.

Levels of what is given beside open, high, low, close, volume and trades: 0 nothing, 1 the quote volume,
2 the quote volume and the taker's part of both volumes. What is given is met exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .lots import SMALLEST, draw_lots
from .market import Ints
from .spine import UNMERGED, Lot, Row

__all__ = ["fit_lots", "split"]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

ROOMY = 4  # steps a trade from which on a candle is spread over all of its minutes
SLACK = 16  # steps kept off both ends of what a minute's quote volume can be


def split(rng: np.random.Generator, parents: Ints, parts: int, step_ms: int, level: int) -> Ints:
    """Each candle of ``parents`` as ``parts`` shorter ones of ``step_ms``, with the same prices and sums.

    A candle with too few trades or too little volume trades in its first part only.
    """
    if parts == 1:
        return parents.copy()
    shape = (parents.shape[1], parts)
    out = np.zeros((len(Row), *shape), np.int64)
    out[Row.TIME] = parents[Row.TIME][:, np.newaxis] + np.arange(parts) * step_ms
    _draw_prices(rng, parents, out)
    trades, volume = parents[Row.TRADES], parents[Row.VOLUME]
    spread = (trades >= UNMERGED * parts) & (volume >= ROOMY * trades)
    weights = 0.3 + rng.standard_exponential(shape)
    out[Row.TRADES] = UNMERGED + _shares(np.maximum(0, trades - UNMERGED * parts), weights)
    weights *= 0.5 + rng.random(shape)
    least = ROOMY * out[Row.TRADES]
    spare = np.maximum(0, volume - least.sum(axis=1))
    out[Row.VOLUME] = least + _shares(spare, weights)
    if level == 1:
        out[Row.QUOTE], fits = _poured(parents[Row.QUOTE], out, out[Row.VOLUME])
        spread &= fits
    if level == 2:
        spread &= _pour_sides(parents, out)
    alone = ~spread
    if alone.any():
        out[1:, alone] = 0
        out[Row.OPEN : Row.CLOSE + 1, alone] = parents[Row.CLOSE][alone][:, np.newaxis]
        out[1:, alone, 0] = parents[1:, alone]
    return out.reshape(len(Row), -1)


def _draw_prices(rng: np.random.Generator, parents: Ints, out: Ints) -> None:
    """Prices of the parts: from open to close, within low and high, both of which are touched."""
    opens, high, low, close = (parents[line][:, np.newaxis] for line in (Row.OPEN, Row.HIGH, Row.LOW, Row.CLOSE))
    count, parts = out.shape[1:]
    along = np.arange(1, parts + 1) / parts
    walk = np.cumsum(rng.standard_normal((count, parts)), axis=1)
    walk -= along * walk[:, -1:]
    size = (high - low) / (2.0 * np.sqrt(parts))
    path = np.rint(opens + along * (close - opens) + walk * size).astype(np.int64)
    path = np.clip(path, low, high)
    path[:, -1] = close[:, 0]
    out[Row.CLOSE] = path
    out[Row.OPEN] = np.concatenate((opens, path[:, :-1]), axis=1)
    wicks = (rng.standard_exponential((2, count, parts)) * (0.6 * size)).astype(np.int64)
    out[Row.HIGH] = np.minimum(high, np.maximum(out[Row.OPEN], path) + wicks[0])
    out[Row.LOW] = np.maximum(low, np.minimum(out[Row.OPEN], path) - wicks[1])
    each = np.arange(count)
    out[Row.HIGH][each, np.argmax(out[Row.HIGH], axis=1)] = high[:, 0]
    out[Row.LOW][each, np.argmin(out[Row.LOW], axis=1)] = low[:, 0]


def _pour_sides(parents: Ints, out: Ints) -> Flags:
    """The taker's part and the rest, each within what its volume and the part's prices allow."""
    parts = out.shape[2]
    bought, volume = parents[Row.TAKER], parents[Row.VOLUME]
    ratio = bought / np.maximum(1, volume)
    share = np.floor(out[Row.VOLUME] * ratio[:, np.newaxis]).astype(np.int64)
    rest = bought - share.sum(axis=1)
    share[:, -1] += rest
    out[Row.TAKER] = share
    sold = out[Row.VOLUME] - share
    out[Row.TAKER_QUOTE], fits_bought = _poured(parents[Row.TAKER_QUOTE], out, share)
    quote, fits_sold = _poured(parents[Row.QUOTE] - parents[Row.TAKER_QUOTE], out, sold)
    out[Row.QUOTE] = out[Row.TAKER_QUOTE] + quote
    roomy = (share[:, -1] <= out[Row.VOLUME][:, -1]) & (rest <= parts)
    fits: Flags = fits_bought & fits_sold & roomy
    return fits


def _poured(totals: Ints, out: Ints, volume: Ints) -> tuple[Ints, Flags]:
    """Quote volumes with these ``totals`` between low and high times volume, and where that is possible."""
    reach = out[Row.HIGH] - out[Row.LOW]
    least = out[Row.LOW] * volume + SLACK * reach
    room = reach * (volume - 2 * SLACK)
    spare = totals - least.sum(axis=1)
    fits = (room >= 0).all(axis=1) & (spare >= 0) & (spare <= room.sum(axis=1))
    return least + _shares(np.where(fits, spare, 0), np.maximum(0, room)), fits


def _shares(totals: Ints, weights: npt.NDArray[np.generic]) -> Ints:
    """Each row's total as integers in proportion to that row's weights, exact in sum."""
    running = np.cumsum(weights, axis=1, dtype=np.float64)
    whole = running[:, -1:]
    edges = (running * (totals[:, np.newaxis] / np.maximum(whole, 1e-300))).astype(np.int64)
    edges = np.minimum(edges, totals[:, np.newaxis])
    edges = np.where(running == whole, totals[:, np.newaxis], edges)
    return np.diff(edges, axis=1, prepend=0)


def fit_lots(rng: np.random.Generator, rows: Ints, orders: Ints, level: int) -> Ints:
    """Lots whose sums are those given in ``rows``; ``orders`` aggregates a minute.

    Exact for every minute of eight or more orders, and for fewer where nothing beyond volume is given. An anchor whose
    steps do not fit gets none: the price is touched by a trade of quantity 0.
    """
    prices = rows[Row.OPEN : Row.CLOSE + 1]
    volume = rows[Row.VOLUME]
    lots = draw_lots(rng, prices, orders, 1.0)
    _swap_low_for_high(rows, orders, lots)
    anchors = lots[Lot.Q_OPEN : Lot.Q_CLOSE + 1]
    present = (lots[Lot.ANCHORS] >> np.arange(4)[:, np.newaxis]) & 1
    mean = volume // np.maximum(1, 2 * orders)
    limit = np.minimum(mean, SMALLEST) if level else mean
    anchors[:] = present * limit
    if not level:
        anchors[:] = anchors * (0.3 + 0.7 * rng.random(anchors.shape)) + np.minimum(present, limit) * 0.9
        anchors[:] = np.minimum(anchors, limit)
        _fit_volume(rng, volume, lots)
    elif level == 1:
        _fit_quote(rng, rows, lots)
    else:
        _fit_sides(rows, lots)
    return lots


def _swap_low_for_high(rows: Ints, orders: Ints, lots: Ints) -> None:
    """Three orders touch open, close and one more price: the low where that lies apart."""
    below = rows[Row.LOW] < np.minimum(rows[Row.OPEN], rows[Row.CLOSE])
    swap = (orders == 3) & below
    lots[Lot.ANCHORS] = np.where(swap, (lots[Lot.ANCHORS] & ~0x22) | 4, lots[Lot.ANCHORS])


def _rest(volume: Ints, lots: Ints) -> Ints:
    """Volume beyond the anchors'; where no group can take it, the close does."""
    rest = volume - lots[Lot.Q_OPEN : Lot.Q_CLOSE + 1].sum(axis=0)
    lonely = lots[Lot.K_BUY] + lots[Lot.K_SELL] == 0
    lots[Lot.Q_CLOSE] += np.where(lonely, rest, 0)
    return np.where(lonely, 0, rest)


def _fit_volume(rng: np.random.Generator, volume: Ints, lots: Ints) -> None:
    rest = _rest(volume, lots)
    groups = np.maximum(1, lots[Lot.K_BUY] + lots[Lot.K_SELL])
    skew = 0.8 + 0.4 * rng.random(len(volume))
    bought = np.minimum(rest, (rest * (lots[Lot.K_BUY] / groups) * skew).astype(np.int64))
    bought = np.where(lots[Lot.K_SELL] == 0, rest, np.minimum(bought, rest - SMALLEST * lots[Lot.K_SELL]))
    bought = np.where(lots[Lot.K_BUY] == 0, 0, np.maximum(bought, 0))
    lots[Lot.V_BUY], lots[Lot.V_SELL] = bought, rest - bought


def _fit_quote(rng: np.random.Generator, rows: Ints, lots: Ints) -> None:
    volume, quote = rows[Row.VOLUME], rows[Row.QUOTE]
    anchors = lots[Lot.Q_OPEN : Lot.Q_CLOSE + 1]
    rest, worth = volume - anchors.sum(axis=0), quote - (anchors * rows[Row.OPEN : Row.CLOSE + 1]).sum(axis=0)
    bad = (worth < rows[Row.LOW] * rest) | (worth > rows[Row.HIGH] * rest)
    anchors[:, bad] = 0
    rest = _rest(volume, lots)
    worth = quote - (anchors * rows[Row.OPEN : Row.CLOSE + 1]).sum(axis=0)
    groups = lots[Lot.K_BUY] + lots[Lot.K_SELL]
    one_side = groups < 4
    lots[Lot.K_BUY] = np.where(one_side, groups, np.clip(lots[Lot.K_BUY], 2, groups - 2))
    lots[Lot.K_SELL] = groups - lots[Lot.K_BUY]
    centre, above = _centre(rest, worth, rows)
    ratio = lots[Lot.K_BUY] / np.maximum(1, groups) * (0.8 + 0.2 * rng.random(len(volume)))
    bought = np.where(one_side, rest, np.minimum(rest, (rest * ratio).astype(np.int64)))
    lots[Lot.V_BUY], lots[Lot.V_SELL] = bought, rest - bought
    lots[Lot.X_BUY] = lots[Lot.X_SELL] = centre
    lots[Lot.R_BUY] = np.minimum(above, bought)
    lots[Lot.R_SELL] = above - lots[Lot.R_BUY]


def _fit_sides(rows: Ints, lots: Ints) -> None:
    prices = rows[Row.OPEN : Row.CLOSE + 1]
    anchors = lots[Lot.Q_OPEN : Lot.Q_CLOSE + 1]
    bought, worth_bought = rows[Row.TAKER], rows[Row.TAKER_QUOTE]
    sold, worth_sold = rows[Row.VOLUME] - bought, rows[Row.QUOTE] - worth_bought
    buy = bought >= sold
    present = lots[Lot.ANCHORS] & 15
    lots[Lot.ANCHORS] = present | np.where(buy, present << 4, 0)
    volume, worth = np.where(buy, bought, sold), np.where(buy, worth_bought, worth_sold)
    rest, left = volume - anchors.sum(axis=0), worth - (anchors * prices).sum(axis=0)
    bad = (left < rows[Row.LOW] * rest) | (left > rows[Row.HIGH] * rest)
    anchors[:, bad] = 0
    groups = lots[Lot.K_BUY] + lots[Lot.K_SELL]
    middle = np.clip(lots[Lot.K_BUY], np.minimum(2, groups // 2), groups - np.minimum(2, groups // 2))
    lots[Lot.K_BUY] = np.where(bought == 0, 0, np.where(sold == 0, groups, middle))
    lots[Lot.K_SELL] = groups - lots[Lot.K_BUY]
    anchors[3] += np.where(groups == 0, volume - anchors.sum(axis=0), 0)
    steps, value = anchors.sum(axis=0), (anchors * prices).sum(axis=0)
    for base, mine, volume_side, worth_side in (
        (Lot.V_BUY, buy, bought, worth_bought),
        (Lot.V_SELL, ~buy, sold, worth_sold),
    ):
        rest, left = volume_side - steps * mine, worth_side - value * mine
        centre, above = _centre(rest, left, rows)
        lots[base], lots[base + 1], lots[base + 2] = rest, centre, above


def _centre(volume: Ints, worth: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """The price below the average one, and how many steps must trade a tick above it."""
    centre = np.where(volume > 0, worth // np.maximum(1, volume), rows[Row.LOW])
    centre = np.clip(centre, rows[Row.LOW], rows[Row.HIGH])
    above = np.clip(np.where(volume > 0, worth - centre * volume, 0), 0, volume)
    return centre, np.where(centre < rows[Row.HIGH], above, 0)

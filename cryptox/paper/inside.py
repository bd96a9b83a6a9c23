"""Trades drawn inside minutes, and 1s candles made of them: both add up to their minutes exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import MINUTE_MS

from .lots import SMALLEST
from .market import Ints
from .spine import Lot, Row, reduce_rows

__all__ = ["Block", "draw_block", "seconds"]

MINUTE_US = MINUTE_MS * 1000
SECOND_US = 1_000_000
FIRST, MIDDLE, LAST = 0, 1, 2

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Block:
    """The trades of consecutive minutes, oldest first; ids count from the block's first trade and aggregate."""

    price: Ints  # of each aggregate, in ticks
    steps: Ints
    time_us: Ints
    buy: Flags  # the taker's side
    first: Ints  # first trade of each aggregate, and one past the last trade
    order: Ints  # of each trade: its aggregate
    quantity: Ints  # of each trade, in steps

    def until(self, now_us: int) -> tuple[int, int]:
        """How many trades and how many aggregates there are before ``now_us``."""
        count = int(np.searchsorted(self.time_us, now_us, "left"))
        return int(self.first[count]), count


def draw_block(rng: np.random.Generator, rows: Ints, lots: Ints, listed_ms: int) -> Block:
    """The trades inside the minutes ``rows``. A minute that trades does so within its first second.

    The very first trade of a symbol falls on the moment of its listing.
    """
    minute, place, price, steps, buy = _orders(rng, rows, lots)
    order = _arrange(rng, minute, place, price, rows)
    minute, price, steps, buy = minute[order], price[order], steps[order], buy[order]
    count = np.bincount(minute, minlength=rows.shape[1])
    rank = np.arange(len(minute)) - np.repeat(np.cumsum(count) - count, count)
    time_us = _times(rng, minute, rank, count, rows[Row.TIME], listed_ms)
    fills = _fills(rng, minute, rank, count, rows[Row.TRADES])
    first = np.concatenate(([0], np.cumsum(fills)))
    owner = np.repeat(np.arange(len(fills)), fills)
    return Block(price, steps, time_us, buy, first, owner, _cut(rng, steps, fills, owner, first))


def seconds(block: Block, rows: Ints) -> Ints:
    """The 1s candles of minutes with their trades; a second without trades stays at the price before it."""
    grid = np.repeat(rows[Row.TIME], 60) + np.tile(np.arange(60) * 1000, rows.shape[1])
    out = np.zeros((len(Row), len(grid)), np.int64)
    out[Row.TIME] = grid
    traded = trade_rows(block)
    position = np.searchsorted(grid, traded[Row.TIME] // 1000 * 1000)
    starts = np.flatnonzero(np.diff(position, prepend=-1))
    made = reduce_rows(traded, starts)
    at = position[starts]
    out[Row.OPEN :, at] = made[Row.OPEN :]
    # An idle second takes the close of the last one that traded, within its minute; an idle minute its own price.
    seen = np.zeros(len(grid), np.int64)
    seen[at] = at + 1
    seen = np.maximum.accumulate(seen.reshape(-1, 60), axis=1).ravel()
    idle = out[Row.TRADES] == 0
    price = np.where(seen > 0, out[Row.CLOSE][seen - 1], np.repeat(rows[Row.CLOSE], 60))
    for line in (Row.OPEN, Row.HIGH, Row.LOW, Row.CLOSE):
        out[line][idle] = price[idle]
    return out


def trade_rows(block: Block, begin: int = 0, end: int | None = None) -> Ints:
    """Aggregates as candles of one order each; ``TIME`` is the order's own millisecond."""
    part = slice(begin, end)
    price, steps = block.price[part], block.steps[part]
    rows = np.empty((len(Row), len(price)), np.int64)
    rows[Row.TIME] = block.time_us[part] // 1000
    rows[Row.OPEN : Row.CLOSE + 1] = price
    rows[Row.VOLUME] = steps
    rows[Row.QUOTE] = steps * price
    rows[Row.TRADES] = np.diff(block.first)[part]
    rows[Row.TAKER :] = rows[Row.VOLUME : Row.QUOTE + 1] * block.buy[part]
    return rows


def _orders(rng: np.random.Generator, rows: Ints, lots: Ints) -> tuple[Ints, Ints, Ints, Ints, Flags]:
    """Every aggregate of the minutes, in no order: its minute, place, price, steps and side."""
    parts: list[tuple[Ints, int, Ints, Ints, Flags]] = []
    anchors = lots[Lot.ANCHORS]
    lines = (Row.OPEN, Row.HIGH, Row.LOW, Row.CLOSE)
    for bit, (line, place) in enumerate(zip(lines, (FIRST, MIDDLE, MIDDLE, LAST), strict=True)):
        at = np.flatnonzero(anchors >> bit & 1)
        bought = (anchors[at] >> (4 + bit) & 1).astype(np.bool_)
        parts.append((at, place, rows[line][at], lots[Lot.Q_OPEN + bit][at], bought))
    for base, bought_all in ((Lot.V_BUY, True), (Lot.V_SELL, False)):
        at, price, steps = _group(rng, rows, *lots[base : base + 4])
        parts.append((at, MIDDLE, price, steps, np.full(len(at), bought_all)))
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([np.full(len(part[0]), part[1]) for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
        np.concatenate([part[4] for part in parts]),
    )


def _group(
    rng: np.random.Generator, rows: Ints, volume: Ints, centre: Ints, above: Ints, orders: Ints
) -> tuple[Ints, Ints, Ints]:
    """Orders of one side: one of ``above`` steps a tick over the centre, the others in pairs around the centre.

    Both orders of a pair have the same size and lie equally far over and under the centre, so that any distance gives
    the same sums. What pairs leave over trades at the centre.
    """
    minutes = rows.shape[1]
    extra = np.flatnonzero((above > 0) & ((orders > 1) | (above == volume)))
    orders, volume = orders.copy(), volume.copy()
    orders[extra] -= 1
    volume[extra] -= above[extra]
    least = np.minimum(SMALLEST, volume // np.maximum(1, orders))
    pairs, single = orders // 2, orders % 2
    spare = (volume - least * orders) * (pairs / np.maximum(1, orders)) * (1 - 1e-12)
    owner = np.repeat(np.arange(minutes), pairs)
    weight = rng.standard_exponential(len(owner)) ** 1.5 + 1e-9
    weight *= (spare / np.maximum(1e-9, np.bincount(owner, weight, minutes)))[owner]
    size = weight.astype(np.int64) + least[owner]
    room = np.minimum(rows[Row.HIGH] - centre, centre - rows[Row.LOW])
    distance = (rng.random(len(owner)) * (room[owner] + 1)).astype(np.int64)
    left = volume - _sum(owner, 2 * size, minutes)
    last = np.cumsum(pairs) - 1
    odd = np.flatnonzero(single)
    even = np.flatnonzero((single == 0) & (pairs > 0) & (left > 0))
    upper, lower = size, size.copy()
    distance[last[even]] = 0
    lower[last[even]] += left[even]
    return (
        np.concatenate((owner, owner, odd, extra)),
        np.concatenate((centre[owner] + distance, centre[owner] - distance, centre[odd], centre[extra] + 1)),
        np.concatenate((upper, lower, left[odd], above[extra])),
    )


def _sum(owner: Ints, values: Ints, length: int) -> Ints:
    """Sums of ``values`` by their sorted ``owner``, exact in integers."""
    running = np.concatenate(([0], np.cumsum(values)))
    edges = np.searchsorted(owner, np.arange(length + 1))
    return np.diff(running[edges])


def _arrange(rng: np.random.Generator, minute: Ints, place: Ints, price: Ints, rows: Ints) -> Ints:
    """An order of the aggregates: open first, close last, between them prices ranked like a random path."""
    count = len(minute)
    by_price = np.lexsort((rng.random(count), price, place, minute))
    minute, place = minute[by_price], place[by_price]
    sizes = np.bincount(minute, minlength=rows.shape[1])
    ends = np.cumsum(sizes)
    rank = np.arange(count) - np.repeat(ends - sizes, sizes)
    walk = np.concatenate(([0.0], np.cumsum(rng.standard_normal(count))))
    along = (rank + 1) / sizes[minute]
    reach = walk[ends] - walk[ends - sizes]
    extent = np.maximum(1, rows[Row.HIGH] - rows[Row.LOW])
    slope = 2.0 * (rows[Row.CLOSE] - rows[Row.OPEN]) / extent * np.sqrt(sizes)
    path = walk[1:] - walk[ends - sizes][minute] + along * (slope - reach)[minute]
    arranged = np.empty(count, np.int64)
    arranged[np.lexsort((path, place, minute))] = by_price
    return arranged


def _times(rng: np.random.Generator, minute: Ints, rank: Ints, count: Ints, open_ms: Ints, listed_ms: int) -> Ints:
    """Strictly increasing moments within each minute, the first in its first second."""
    begin = (rng.random(len(count)) * (SECOND_US - 1)).astype(np.int64)
    begin[open_ms == listed_ms] = 0
    gaps = rng.standard_exponential(len(minute))
    gaps[rank == 0] = 0.0
    tail = rng.standard_exponential(len(count)) + 1e-6
    running = np.concatenate(([0.0], np.cumsum(gaps)))
    ends = np.cumsum(count)
    whole = running[ends] - running[ends - count] + tail
    along = (running[1:] - running[ends - count][minute]) / whole[minute]
    room = MINUTE_US - begin - count - 1
    after = (np.maximum(along, 0.0) * room[minute]).astype(np.int64)
    time_us: Ints = open_ms[minute] * 1000 + begin[minute] + rank + after
    return time_us


def _fills(rng: np.random.Generator, minute: Ints, rank: Ints, count: Ints, trades: Ints) -> Ints:
    """Trades of each aggregate: those beyond one each are spread evenly over a minute's aggregates."""
    size = np.maximum(1, count)
    extra = np.maximum(0, trades - count)
    phase = (rng.random(len(count)) * size).astype(np.int64)
    at = rank * extra[minute] + phase[minute]
    result: Ints = 1 + (at + extra[minute]) // size[minute] - at // size[minute]
    return result


def _cut(rng: np.random.Generator, steps: Ints, fills: Ints, owner: Ints, first: Ints) -> Ints:
    """Each aggregate's steps as its trades: the first takes what it likes, the others share the rest evenly."""
    most = steps - (fills - 1)
    head = np.clip((steps * rng.random(len(steps))).astype(np.int64), np.minimum(1, most), np.maximum(1, most))
    head = np.where(fills == 1, steps, np.clip(head, 0, steps))
    rest, parts = steps - head, np.maximum(1, fills - 1)
    place = np.arange(len(owner)) - first[:-1][owner]
    share = (rest[owner] * place) // parts[owner] - (rest[owner] * (place - 1)) // parts[owner]
    return np.where(place == 0, head[owner], share)

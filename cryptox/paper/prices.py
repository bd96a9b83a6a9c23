"""The spine of the seeded market: a daily walk, and the minutes of each day between its open and close.

Every day is drawn by a counter-based generator keyed by (seed, symbol, day), so any day costs the same to reach. Only
the walk over days is a chain; it holds a few numbers a day and is drawn in long chunks.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import DAY_MS

from .listings import Character
from .lots import draw_lots, total_up
from .market import Ints, Listing
from .spine import DAY_MINUTES, MINUTE_MS, UNMERGED, Day, Lot, Row, generator, key_of, merges, shares

__all__ = ["SeededSpine", "Walk", "open_minutes"]

Floats = npt.NDArray[np.float64]

CHUNK_DAYS = 4096
REVERSION = 0.002  # a day, towards the rising middle
MEMORY = 0.96  # of daily volatility
UNREST = 0.10  # of log volatility, a day
_T = np.arange(DAY_MINUTES) / DAY_MINUTES
SEASON = 0.35 * np.sin(2 * np.pi * (_T - 0.33)) + 0.15 * np.sin(4 * np.pi * (_T - 0.1))  # busiest in US hours


def open_minutes(listing: Listing, day: int) -> npt.NDArray[np.bool_] | None:
    """Which minutes of a day trade, or None for all of them."""
    start = day * DAY_MS
    closed = [(start, listing.listed_ms), *listing.outages]
    if listing.ended_ms is not None:
        closed.append((listing.ended_ms, start + DAY_MS))
    mask: npt.NDArray[np.bool_] | None = None
    for begin, end in closed:
        if begin < start + DAY_MS and end > start and begin < end:
            mask = np.ones(DAY_MINUTES, np.bool_) if mask is None else mask
            mask[max(0, (begin - start) // MINUTE_MS) : max(0, min(DAY_MINUTES, -((start - end) // MINUTE_MS)))] = False
    return mask


class Walk:
    """The chain of days: log price, volatility, trades and turnover of each, from the listing on."""

    def __init__(self, character: Character, seed: int) -> None:
        listing = character.listing
        self.character = character
        self.first_day = listing.listed_ms // DAY_MS
        self._key = key_of(seed, listing.symbol, "walk")
        self._deviation = self._unrest = 0.0
        self.log_price: Floats = np.array([self._middle(np.zeros(1))[0]])  # at the start of each day
        self.sigma: Floats = np.empty(0)  # of the day's log return
        self.turnover: Floats = np.empty(0)  # of a full day, in ticks * steps
        self.trades: Ints = np.empty(0, np.int64)
        self.trades_before: Ints = np.zeros(1, np.int64)
        self.merged_before: Ints = np.zeros(1, np.int64)

    def reach(self, day: int) -> int:
        """Position of ``day`` in the columns, drawn as far as needed."""
        index = day - self.first_day
        while index >= len(self.sigma):
            self._extend()
        return index

    def _middle(self, days: Floats) -> Floats:
        rise = math.log(self.character.growth) / math.log(11.0) * np.log1p(days / 365.25)
        start = math.log(self.character.price) - self.character.listing.price_exponent * math.log(10.0)
        result: Floats = start + rise
        return result

    def _extend(self) -> None:
        begin = len(self.sigma)
        shocks = generator(self._key, begin // CHUNK_DAYS).standard_normal((4, CHUNK_DAYS))
        unrest, deviation = np.empty(CHUNK_DAYS), np.empty(CHUNK_DAYS)
        base = self.character.volatility / math.sqrt(365.25)
        v, x = self._unrest, self._deviation
        for i, (shock, turn) in enumerate(zip(shocks[0].tolist(), shocks[1].tolist(), strict=True)):
            v = MEMORY * v + UNREST * turn
            x = (1 - REVERSION) * x + base * math.exp(v) * shock
            unrest[i], deviation[i] = v, x
        self._unrest, self._deviation = v, x
        days = np.arange(begin, begin + CHUNK_DAYS)
        self.log_price = np.append(self.log_price, self._middle((days + 1).astype(np.float64)) + deviation)
        self.sigma = np.append(self.sigma, base * np.exp(unrest))
        listing = self.character.listing
        unit = 10.0 ** (listing.price_exponent + listing.quantity_exponent)
        turnover = self.character.turnover / unit * np.exp(0.8 * unrest - 0.1 + 0.25 * shocks[3])
        self.turnover = np.append(self.turnover, turnover)
        self._count(days, np.exp(0.6 * unrest + 0.15 * shocks[2]))

    def _count(self, days: Ints, mood: Floats) -> None:
        """Trades of each day, over its open minutes."""
        listing = self.character.listing
        minutes = np.full(len(days), DAY_MINUTES, np.int64)
        needed = np.ones(len(days), np.int64)
        edges = [listing.listed_ms, *(moment for outage in listing.outages for moment in outage)]
        touched = {day for a, b in listing.outages for day in range(a // DAY_MS, b // DAY_MS + 1)}
        touched |= {moment // DAY_MS for moment in edges}
        last = self.first_day + int(days[-1])
        if listing.ended_ms is not None:
            touched |= set(range(listing.ended_ms // DAY_MS, last + 1))
        for day in touched:
            index = day - self.first_day - int(days[0])
            mask = open_minutes(listing, day)
            if 0 <= index < len(days) and mask is not None:
                minutes[index], needed[index] = int(mask.sum()), int(_begins(mask).sum())
        maturity = 0.4 + 0.6 * np.minimum(1.0, days / 1000.0)
        trades = np.floor(self.character.trades * maturity * mood * minutes).astype(np.int64)
        trades = np.where(minutes > 0, np.maximum(trades, needed), 0)
        self.trades = np.append(self.trades, trades)
        self.trades_before = np.append(self.trades_before, self.trades_before[-1] + np.cumsum(trades))
        merged = np.cumsum(merges(trades, minutes))
        self.merged_before = np.append(self.merged_before, self.merged_before[-1] + merged)


def _begins(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Minutes that must trade because nothing of this day lies before them: the first, and each after a gap."""
    return mask & ~np.concatenate(([False], mask[:-1]))


class SeededSpine:
    """The minutes of one seeded symbol."""

    def __init__(self, character: Character, seed: int) -> None:
        self.listing = character.listing
        self._walk = Walk(character, seed)
        self._key = key_of(seed, self.listing.symbol, "day")
        self.first_day = self._walk.first_day

    def counts(self, last_day: int) -> tuple[Ints, Ints]:
        """Trades and merged trades before each day, cumulated."""
        self._walk.reach(max(last_day, self.first_day))
        return self._walk.trades_before, self._walk.merged_before

    def day(self, day: int) -> Day:
        """The minutes of that day."""
        if day < self.first_day:
            return _empty_day()
        walk = self._walk
        index = walk.reach(day)
        total = int(walk.trades[index])
        if not total:
            return _empty_day()
        mask = open_minutes(self.listing, day)
        rng = generator(self._key, day)
        scale = _bustle(rng)
        first, last = float(walk.log_price[index]), float(walk.log_price[index + 1])
        path, spread = _bridge(rng, scale, first, last, float(walk.sigma[index]))
        trades = _trades(rng, scale, total, mask)
        merged = _merged(trades, total, DAY_MINUTES if mask is None else int(mask.sum()))
        prices = _shape(rng, path, spread, math.exp(first), trades, trades - merged)
        minutes = DAY_MINUTES if mask is None else int(mask.sum())
        size = max(6.0, float(walk.turnover[index]) * minutes / DAY_MINUTES / total / math.exp((first + last) / 2))
        lots = draw_lots(rng, prices, trades - merged, size)
        rows = np.empty((len(Row), DAY_MINUTES), np.int64)
        rows[Row.TIME] = np.arange(day * DAY_MS, (day + 1) * DAY_MS, MINUTE_MS)
        rows[Row.OPEN : Row.CLOSE + 1] = prices
        rows[Row.TRADES] = trades
        total_up(rows, lots)
        return Day(rows, lots) if mask is None else Day(rows[:, mask], lots[:, mask])


def _empty_day() -> Day:
    return Day(np.empty((len(Row), 0), np.int64), np.empty((len(Lot), 0), np.int64))


def _bustle(rng: np.random.Generator) -> Floats:
    """Volatility of each minute against the day's: a season, and clusters some hours long."""
    shocks = rng.standard_normal(24)
    hours = np.empty(24)
    state = 0.0
    for hour, shock in enumerate(shocks.tolist()):
        state = 0.75 * state + 0.30 * shock
        hours[hour] = state
    scale: Floats = np.exp(SEASON + np.repeat(hours, 60))
    return scale


def _bridge(rng: np.random.Generator, scale: Floats, first: float, last: float, sigma: float) -> tuple[Ints, Floats]:
    """Closes in ticks from the day's open to its close, and the size of a minute's move in ticks."""
    step = scale * (sigma / math.sqrt(float(np.dot(scale, scale))))
    moves = step * rng.standard_normal(DAY_MINUTES)
    elapsed = np.cumsum(step * step)
    path = np.cumsum(moves)
    path += first - (elapsed / elapsed[-1]) * (path[-1] - (last - first))
    prices = np.exp(path)
    return np.maximum(1, np.rint(prices)).astype(np.int64), prices * step


def _trades(rng: np.random.Generator, scale: Floats, total: int, mask: npt.NDArray[np.bool_] | None) -> Ints:
    """Trades of each minute, ``total`` in sum, at least one wherever trading begins."""
    weights = (0.4 + scale) * (0.3 + rng.standard_exponential(DAY_MINUTES))
    if mask is None:
        counts = shares(total - 1, weights)
        counts[0] += 1
        return counts
    begins = _begins(mask)
    return shares(total - int(begins.sum()), weights * mask) + begins


def _merged(trades: Ints, total: int, minutes: int) -> Ints:
    count = int(merges(np.array(total), np.array(minutes)))
    return shares(count, np.maximum(0, trades - UNMERGED))


def _shape(rng: np.random.Generator, path: Ints, spread: Floats, begin: float, trades: Ints, orders: Ints) -> Ints:
    """Open, high, low and close of each minute, as many of them apart as there are orders to touch them."""
    close = path
    if (trades == 0).any():
        seen = np.maximum.accumulate(np.where(trades > 0, np.arange(DAY_MINUTES), 0))
        close = path[seen]
    before = np.concatenate(([max(1, round(begin))], close[:-1]))
    bounce = rng.integers(-1, 2, DAY_MINUTES)
    idle_before = np.concatenate(([True], trades[:-1] == 0))
    opening = np.where(idle_before, before, np.maximum(1, before + bounce))
    wicks = rng.standard_exponential((2, DAY_MINUTES))
    wicks *= 0.45 * spread
    opening = np.where(orders == 0, close, opening)
    if (orders < 4).any():
        # One order has one price. Where trading resumes, it resumes at the price it stopped at.
        lone = orders == 1
        close, opening = _lone(close, opening, lone, trades)
        wicks[0] *= orders >= 3
        wicks[1] *= orders >= 4
    extent = wicks.astype(np.int64)
    high = np.maximum(opening, close) + extent[0]
    low = np.maximum(1, np.minimum(opening, close) - extent[1])
    out = np.empty((4, DAY_MINUTES), np.int64)
    out[0], out[1], out[2], out[3] = opening, high, low, close
    return out


def _lone(close: Ints, opening: Ints, lone: npt.NDArray[np.bool_], trades: Ints) -> tuple[Ints, Ints]:
    """Minutes of one order, and idle ones, in a day where they occur: prices that follow on one another."""
    idle = trades == 0
    out_open, out_close = opening.tolist(), close.tolist()
    single, none = lone.tolist(), idle.tolist()
    for i in range(1, DAY_MINUTES):
        if none[i]:
            out_open[i] = out_close[i] = out_close[i - 1]
        elif none[i - 1]:
            out_open[i] = out_close[i - 1]
            if single[i]:
                out_close[i] = out_open[i]
        elif single[i]:
            out_open[i] = out_close[i]
    if single[0]:
        out_close[0] = out_open[0]
    return np.array(out_close, np.int64), np.array(out_open, np.int64)

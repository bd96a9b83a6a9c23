"""The spine of the seeded market: a daily walk, and what it tells of each day, whose minutes ``drawing`` makes.

Every day is drawn by a counter-based generator keyed by (seed, symbol, day), so any day costs the same to reach. Only
the walk over days is a chain; it holds a few numbers a day and is drawn in long chunks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import DAY_MS, MINUTE_MS

from .drawing import Easel, Sketch, begins
from .listings import Character
from .market import Ints, Listing
from .spine import DAY_MINUTES, Day, Lot, Row, generator, key_of, merges

__all__ = ["SeededSpine", "Walk", "open_minutes"]

Floats = npt.NDArray[np.float64]

CHUNK_DAYS = 4096
REVERSION = 0.002  # a day, towards the rising middle
MEMORY = 0.96  # of daily volatility
UNREST = 0.10  # of log volatility, a day
TOGETHER = 4  # days drawn in one go: more do not fit into a processor's cache
EVERY = np.ones(DAY_MINUTES, np.bool_)


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
                minutes[index], needed[index] = int(mask.sum()), int(begins(mask).sum())
        maturity = 0.4 + 0.6 * np.minimum(1.0, days / 1000.0)
        trades = np.floor(self.character.trades * maturity * mood * minutes).astype(np.int64)
        trades = np.where(minutes > 0, np.maximum(trades, needed), 0)
        self.trades = np.append(self.trades, trades)
        self.trades_before = np.append(self.trades_before, self.trades_before[-1] + np.cumsum(trades))
        merged = np.cumsum(merges(trades, minutes))
        self.merged_before = np.append(self.merged_before, self.merged_before[-1] + merged)


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
        sketch = self._sketch(day)
        if sketch is None:
            return Day(np.empty((len(Row), 0), np.int64), np.empty((len(Lot), 0), np.int64))
        rows, lots = (table[:, 0] for table in Easel(1).draw(self._key, (sketch,)))
        return Day(rows, lots) if sketch.open is None else Day(rows[:, sketch.open], lots[:, sketch.open])

    def stretches(self, first_day: int, end_day: int) -> Iterator[Ints]:
        """The minutes of the days in [first_day, end_day), some days at a time; each table holds until the next."""
        sketches = [sketch for day in range(first_day, end_day) if (sketch := self._sketch(day))]
        size = min(TOGETHER, max(1, len(sketches)))
        easel = Easel(size)
        whole = len(sketches) // size * size
        for at in range(0, whole, size):
            yield _table(easel, self._key, sketches[at : at + size])
        for sketch in sketches[whole:]:
            yield _table(Easel(1), self._key, [sketch])

    def _sketch(self, day: int) -> Sketch | None:
        """What the walk tells of that day; None for one without trades."""
        if day < self.first_day:
            return None
        walk = self._walk
        index = walk.reach(day)
        total = int(walk.trades[index])
        if not total:
            return None
        mask = open_minutes(self.listing, day)
        minutes = DAY_MINUTES if mask is None else int(mask.sum())
        first, last = float(walk.log_price[index]), float(walk.log_price[index + 1])
        turnover = float(walk.turnover[index]) * minutes / DAY_MINUTES
        size = max(6.0, turnover / total / math.exp((first + last) / 2))
        return Sketch(day, first, last, float(walk.sigma[index]), total, size, mask)


def _table(easel: Easel, key: int, sketches: list[Sketch]) -> Ints:
    rows = easel.draw(key, sketches)[0].reshape(len(Row), -1)
    if all(sketch.open is None for sketch in sketches):
        return rows
    return rows[:, np.concatenate([EVERY if sketch.open is None else sketch.open for sketch in sketches])]

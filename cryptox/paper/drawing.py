"""The minutes of whole days, drawn for several days at a time: one numpy call does for all of them.

Each day has a generator of its own, from which it takes the same numbers in the same order however many are drawn
together; everything else is arithmetic on arrays of (days, minutes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import DAY_MS, MINUTE_MS

from .lots import DRAWS, SIDES, lay_lots, total_up
from .market import Ints
from .spine import DAY_MINUTES, UNMERGED, Lot, Row, generator, merges, shares

__all__ = ["Easel", "Sketch", "begins"]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

HOURS = 24
_T = np.arange(DAY_MINUTES) / DAY_MINUTES
SEASON = 0.35 * np.sin(2 * np.pi * (_T - 0.33)) + 0.15 * np.sin(4 * np.pi * (_T - 0.1))  # busiest in US hours
_HOURLY = SEASON.reshape(HOURS, -1)
_MINUTE = np.arange(DAY_MINUTES)


class Sketch(NamedTuple):
    """What is known of a day before its minutes are drawn."""

    day: int  # since the epoch
    first: float  # log prices in ticks, at its start
    last: float  # and at its end
    sigma: float  # of its log return
    trades: int
    size: float  # steps of an aggregate, about
    open: Flags | None  # which minutes trade; None for all


class _Draws:
    """Random numbers of some days."""

    def __init__(self, days: int) -> None:
        self.hours = np.empty((days, HOURS))
        self.moves = np.empty((days, DAY_MINUTES))
        self.weights = np.empty((days, DAY_MINUTES))
        self.bounce = np.empty((days, DAY_MINUTES), np.int64)
        self.wicks = np.empty((2, days, DAY_MINUTES))
        self.lots = np.empty((DRAWS, days, DAY_MINUTES))
        self.sides = np.empty((days, DAY_MINUTES), np.int64)

    def fill(self, key: int, days: Sequence[int]) -> None:
        """Draw anew, for those days."""
        for at, day in enumerate(days):
            rng = generator(key, day)
            rng.standard_normal(out=self.hours[at])
            rng.standard_normal(out=self.moves[at])
            rng.standard_exponential(out=self.weights[at])
            self.bounce[at] = rng.integers(-1, 2, DAY_MINUTES)
            for wick in self.wicks:
                rng.standard_exponential(out=wick[at])
            for line in self.lots:
                rng.random(out=line[at])
            self.sides[at] = rng.integers(0, SIDES, DAY_MINUTES)


class Easel:
    """Where so many days at a time are drawn, again and again in the same place: new memory would cost a third more."""

    def __init__(self, days: int) -> None:
        self._draws = _Draws(days)
        self._rows = np.empty((len(Row), days, DAY_MINUTES), np.int64)
        self._lots = np.empty((len(Lot), days, DAY_MINUTES), np.int64)

    def draw(self, key: int, sketches: Sequence[Sketch]) -> tuple[Ints, Ints]:
        """Rows and lots of the days under ``key``, (lines, days, minutes); they hold until the next drawing.

        Minutes that do not trade are drawn along and are the caller's to leave out.
        """
        days = [sketch.day for sketch in sketches]
        draws, rows, lots = self._draws, self._rows, self._lots
        draws.fill(key, days)
        trading = None
        if any(sketch.open is not None for sketch in sketches):
            trading = np.array([np.ones(DAY_MINUTES, np.bool_) if one.open is None else one.open for one in sketches])
        scale = _bustle(draws.hours)
        path, spread = _bridge(draws.moves, scale, sketches)
        totals = np.array([sketch.trades for sketch in sketches])
        trades = _trades(draws.weights, scale, totals, trading)
        minutes = np.full(len(days), DAY_MINUTES) if trading is None else trading.sum(axis=1)
        orders = trades - shares(merges(totals, minutes), np.maximum(0, trades - UNMERGED))
        begin = [max(1, round(math.exp(sketch.first))) for sketch in sketches]
        prices = rows[Row.OPEN : Row.CLOSE + 1]
        _shape(draws, path, spread, np.array(begin), trades, orders, prices)
        sizes = np.array([[sketch.size] for sketch in sketches])
        lay_lots(draws.lots, draws.sides, prices, orders, sizes, lots)
        rows[Row.TIME] = np.array(days)[:, np.newaxis] * DAY_MS + _MINUTE * MINUTE_MS
        rows[Row.TRADES] = trades
        total_up(rows, lots)
        return rows, lots


def begins(trading: Flags) -> Flags:
    """Minutes that must trade because nothing of their day lies before them: the first, and each after a gap."""
    first = np.zeros_like(trading[..., :1])
    starts: Flags = trading & ~np.concatenate((first, trading[..., :-1]), axis=-1)
    return starts


def _bustle(shocks: Floats) -> Floats:
    """Volatility of each minute against its day's: a season, and clusters some hours long."""
    hours = np.empty((len(shocks), HOURS, 1))
    for at, day in enumerate(shocks.tolist()):
        state = 0.0
        for hour, shock in enumerate(day):
            state = 0.75 * state + 0.30 * shock
            day[hour] = state
        hours[at, :, 0] = day
    scale: Floats = np.exp(_HOURLY + hours)
    return scale.reshape(-1, DAY_MINUTES)


def _bridge(moves: Floats, scale: Floats, sketches: Sequence[Sketch]) -> tuple[Ints, Floats]:
    """Closes in ticks from each day's open to its close, and the size of a minute's move in ticks."""
    step = np.empty_like(scale)
    for at, sketch in enumerate(sketches):
        np.multiply(scale[at], sketch.sigma / math.sqrt(float(np.dot(scale[at], scale[at]))), out=step[at])
    elapsed = np.cumsum(step * step, axis=1)
    path = np.cumsum(step * moves, axis=1)
    first = np.array([[sketch.first] for sketch in sketches])
    rise = np.array([[sketch.last - sketch.first] for sketch in sketches])
    elapsed /= elapsed[:, -1:].copy()
    elapsed *= path[:, -1:] - rise
    path += first - elapsed
    prices = np.exp(path, out=path)
    closes = np.maximum(1, np.rint(prices)).astype(np.int64)
    return closes, prices * step


def _trades(weights: Floats, scale: Floats, totals: Ints, trading: Flags | None) -> Ints:
    """Trades of each minute, ``totals`` in sum, at least one wherever trading begins."""
    weights = (0.4 + scale) * (0.3 + weights)
    if trading is None:
        counts = shares(totals - 1, weights)
        counts[:, 0] += 1
        return counts
    first = begins(trading)
    return shares(totals - first.sum(axis=1), weights * trading) + first


def _shape(draws: _Draws, path: Ints, spread: Floats, begin: Ints, trades: Ints, orders: Ints, out: Ints) -> None:
    """Open, high, low and close of each minute, as many of them apart as there are orders to touch them."""
    close = path
    before = np.concatenate((begin[:, np.newaxis], path[:, :-1]), axis=1)
    opening = np.maximum(1, before + draws.bounce)
    opening[:, 0] = begin
    draws.wicks *= 0.45 * spread
    few = np.flatnonzero((orders < 4).any(axis=1))
    if len(few):
        # One order has one price. Where trading resumes, it resumes at the price it stopped at.
        opening[few], close[few] = _lone(opening[few], path[few], trades[few] == 0, orders[few] == 1)
        draws.wicks[0] *= orders >= 3
        draws.wicks[1] *= orders >= 4
    extent = draws.wicks.astype(np.int64)
    out[0], out[3] = opening, close
    np.add(np.maximum(opening, close), extent[0], out=out[1])
    np.maximum(1, np.minimum(opening, close) - extent[1], out=out[2])


def _lone(opening: Ints, path: Ints, idle: Flags, single: Flags) -> tuple[Ints, Ints]:
    """Opens and closes where minutes of one order, or idle ones, occur: prices that follow on one another."""
    path[:, 0] = np.where(single[:, 0], opening[:, 0], path[:, 0])  # what the idle minutes after it go on with
    resumed = np.concatenate((np.zeros_like(idle[:, :1]), idle[:, :-1]), axis=1) & ~idle
    moving = ~(idle | (resumed & single))
    moving[:, 0] = True
    source = np.maximum.accumulate(np.where(moving, _MINUTE, 0), axis=1)
    close = np.take_along_axis(path, source, axis=1)
    before = np.concatenate((close[:, :1], close[:, :-1]), axis=1)
    begin = opening[:, 0]
    opening = np.where(idle | (single & ~resumed), close, np.where(resumed, before, opening))
    opening[:, 0] = np.where(idle[:, 0], close[:, 0], begin)
    return opening, close

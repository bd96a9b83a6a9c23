"""Lets the market's own trades run past the orders of one symbol, skipping what touches none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptox.model.interval import INTERVALS, Interval
from cryptox.paper.market import Aggregates, Ints, Market

from .board import Board
from .triggers import HIGHEST

__all__ = ["Trade", "run"]

CHUNK = 4000  # aggregates fetched at once
BATCH = 1000  # candles fetched at once
MINUTE = INTERVALS["1m"]
UNITS = (INTERVALS["1d"], INTERVALS["1h"], MINUTE)


@dataclass(frozen=True, slots=True)
class Trade:
    """One aggregate trade of the market's own."""

    id: int
    first_id: int
    last_id: int
    price: int  # ticks
    quantity: int  # steps
    time_us: int
    buyer_is_maker: bool


def run(board: Board, market: Market, now_ms: int) -> Iterator[Trade]:
    """Every own trade up to ``now_ms`` that may mean something to an order, in time order.

    Each must have been handled before the next one is asked for, and all of them must be asked for.
    """
    ambient, newest = board.ambient, market.last_aggregate_id(board.symbol, now_ms) + 1
    if newest == ambient.orders:
        ambient.now_ms = now_ms
        return
    if board.is_watched:
        yield from _Run(board, market, now_ms).all(newest)
    ambient.jump(now_ms, newest)


class _Run:
    def __init__(self, board: Board, market: Market, now_ms: int) -> None:
        self.board, self.market, self.now_ms = board, market, now_ms

    def all(self, newest: int) -> Iterator[Trade]:
        begin, step = self.board.ambient.now_ms + 1, MINUTE.step_ms
        first, last = -(-begin // step) * step, (self.now_ms + 1) // step * step
        if last - first > 2 * step:
            yield from self._walk_to(first)
            yield from self._scan(first, last, UNITS)
            self._pass(last)
        yield from self._walk(newest)

    def _scan(self, start_ms: int, end_ms: int, units: Sequence[Interval]) -> Iterator[Trade]:
        """Look at whole candles of the widest unit, and closer only at those that may touch an order."""
        unit, finer = units[0], units[1:]
        step = unit.step_ms
        first, last = -(-start_ms // step) * step, end_ms // step * step
        if first >= last:
            if finer:
                yield from self._scan(start_ms, end_ms, finer)
            return
        if start_ms < first:
            yield from self._scan(start_ms, first, finer)
        cursor = first
        while cursor < last and self.board.is_watched:
            cursor, touched = self._quiet(cursor, last, unit)
            if touched:
                if finer:
                    yield from self._scan(cursor, cursor + step, finer)
                else:
                    self._pass(cursor)
                    yield from self._walk_to(cursor + step)
                cursor += step
        if last < end_ms:
            yield from self._scan(last, end_ms, finer)

    def _quiet(self, start_ms: int, end_ms: int, unit: Interval) -> tuple[int, bool]:
        """The first candle that may touch an order, and True; or how far none does, and False."""
        end_ms = min(end_ms, start_ms + BATCH * unit.step_ms)
        candles = self.market.candles(
            self.board.symbol, unit, start_ms=start_ms, end_ms=end_ms, limit=BATCH, newest=False, now_ms=self.now_ms
        )
        index = first_touch(self.board, candles.low, candles.high)
        self.board.waiting.follow(candles.low[:index], candles.high[:index])
        if index < len(candles.low):
            return int(candles.open_time[index]) // unit.step_ms * unit.step_ms, True
        return end_ms, False

    def _pass(self, time_ms: int) -> None:
        """What came before a moment is known to touch nothing."""
        ambient = self.board.ambient
        ambient.orders = max(ambient.orders, self.market.aggregate_at(self.board.symbol, time_ms, self.now_ms))

    def _walk_to(self, time_ms: int) -> Iterator[Trade]:
        if self.board.is_watched:
            yield from self._walk(self.market.aggregate_at(self.board.symbol, time_ms, self.now_ms))

    def _walk(self, end: int) -> Iterator[Trade]:
        """Walk the tape up to aggregate ``end``, this one not included."""
        ambient = self.board.ambient
        while ambient.orders < end and self.board.is_watched:
            last = min(end, ambient.orders + CHUNK) - 1
            rows = self.market.aggregates(self.board.symbol, ambient.orders, last, self.now_ms)
            if not len(rows.id):
                return
            yield from self._rows(rows)
            ambient.orders = last + 1

    def _rows(self, rows: Aggregates) -> Iterator[Trade]:
        start, prices = 0, rows.price
        while start < len(prices) and self.board.is_watched:
            index = start + first_touch(self.board, prices[start:], prices[start:])
            self.board.waiting.follow(prices[start:index], prices[start:index])
            if index < len(prices):
                yield _trade(rows, index)
            start = index + 1


def first_touch(board: Board, lows: Ints, highs: Ints) -> int:
    """Index of the first bar (or trade) that may fill or trigger an order; ``len(lows)`` for none."""
    low, high = board.waiting.bounds()
    low, high = max(low, board.bids.best or 0), min(high, board.asks.best or HIGHEST)
    met = (lows <= low) | (highs >= high)
    index = int(met.argmax()) if met.any() else len(lows)
    return min(index, board.waiting.first_met(lows, highs))


def _trade(rows: Aggregates, index: int) -> Trade:
    return Trade(
        id=int(rows.id[index]),
        first_id=int(rows.first_id[index]),
        last_id=int(rows.last_id[index]),
        price=int(rows.price[index]),
        quantity=int(rows.quantity[index]),
        time_us=int(rows.time_us[index]),
        buyer_is_maker=bool(rows.buyer_is_maker[index]),
    )

"""The market's own side of one symbol: its book at a 100 ms tick less what users took, and its place on the tape."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

import numpy as np

from cryptox.paper.book import TICK_MS
from cryptox.paper.market import Ints, Levels, Market
from cryptox.venues.binance.words import Side

from .records import Taken

__all__ = ["DEEPEST", "Ambient", "Own"]

FIRST = 1000  # levels drawn at once
DEEPEST = 5000  # levels a side that there are


class Own:
    """One side of the market's own book at one tick. ``taken`` outlives the tick."""

    __slots__ = ("_book", "_sign", "_start", "keys", "prices", "quantities", "steps", "taken")

    def __init__(self, book: Ambient, side: Side, taken: dict[int, tuple[int, int]]) -> None:
        self._book = book
        self._sign = -1 if side is Side.BUY else 1
        self.taken = taken  # price to (quantity of the market's own, steps taken of it)
        self.keys: list[int] = []  # prices times the sign, best first
        self.steps: list[int] = []
        self.prices: Ints = np.empty(0, np.int64)
        self.quantities: Ints = np.empty(0, np.int64)
        self._start = 0

    def load(self, prices: Ints, quantities: Ints) -> None:
        """A book has been drawn: take it, and forget what was taken where the market has moved on."""
        self.prices, self.quantities = prices, quantities
        self.keys, self.steps = (prices * self._sign).tolist(), quantities.tolist()
        self._start = 0
        for price, (own, _) in list(self.taken.items()):
            if self._at(price) != own:
                del self.taken[price]
                self._book.note()

    def _at(self, price: int) -> int:
        key = price * self._sign
        index = bisect_left(self.keys, key)
        return self.steps[index] if index < len(self.keys) and self.keys[index] == key else 0

    def free(self, price: int) -> int:
        """Steps of the market's own that can be had at a price."""
        self._book.draw(FIRST)
        if self.keys and price * self._sign > self.keys[-1]:
            self._book.draw(DEEPEST)
        taken = self.taken.get(price)
        return self._at(price) - (taken[1] if taken else 0)

    def walk(self) -> Iterator[tuple[int, int]]:
        """(price, steps that can be had), best first; draws deeper levels when it gets there."""
        self._book.draw(FIRST)
        index = self._start
        while index < len(self.keys) or self._book.draw(DEEPEST):
            if index >= len(self.keys):
                return
            price = self.keys[index] * self._sign
            taken = self.taken.get(price)
            steps = self.steps[index] - (taken[1] if taken else 0)
            if steps > 0:
                yield price, steps
            elif index == self._start:
                self._start = index + 1
            index += 1

    def best(self) -> tuple[int, int] | None:
        """(price, steps) of the best level that still has something."""
        return next(self.walk(), None)

    def take(self, price: int, steps: int) -> None:
        """Users took so much at a price."""
        before = self.taken.get(price)
        self.taken[price] = (self._at(price), steps + (before[1] if before else 0))
        self._book.note()


class Ambient:
    """The market of one symbol, as far as the engine has come. ``trades`` and ``orders`` count what it has seen.

    ``taken`` is what users have taken of its book, and ``note`` is called whenever that changes.
    """

    def __init__(
        self, market: Market, symbol: str, taken: Taken | None = None, note: Callable[[], None] = lambda: None
    ) -> None:
        taken = Taken() if taken is None else taken
        self.note = note
        self.market = market
        self.symbol = symbol
        self.now_ms = -1
        self.trades = 0  # of the market's own, seen
        self.orders = 0  # aggregates of the market's own, seen
        self.bids = Own(self, Side.BUY, taken.bids)
        self.asks = Own(self, Side.SELL, taken.asks)
        self._tick = -1
        self._drawn = 0  # levels
        self._update_id = 0
        self._newest: tuple[int, int, int] = (0, 0, 0)  # (trades, price, time) of the newest own trade

    def side(self, side: Side) -> Own:
        """The bids or the asks."""
        return self.bids if side is Side.BUY else self.asks

    def look(self, now_ms: int) -> bool:
        """Move to the book of a moment; False where it is the one already seen."""
        tick = now_ms // TICK_MS
        if tick == self._tick:
            return False
        self._tick, self._drawn = tick, 0
        return True

    def draw(self, limit: int) -> bool:
        """Draw at least so many levels a side; False where they were there."""
        if limit <= self._drawn:
            return False
        # What was taken must be compared with the quantity there, however deep it lies.
        deep = max(len(self.bids.taken), len(self.asks.taken)) > FIRST // 2
        self._drawn = FIRST if limit <= FIRST and not deep else DEEPEST
        levels = self.market.levels(self.symbol, self._tick * TICK_MS, self._drawn)
        self._update_id = levels.last_update_id
        self.bids.load(levels.bid_price, levels.bid_quantity)
        self.asks.load(levels.ask_price, levels.ask_quantity)
        return True

    def own_levels(self, limit: int) -> Levels:
        """The market's own book as drawn, with at least ``limit`` levels a side where there are."""
        self.draw(limit)
        own, other = self.bids, self.asks
        return Levels(self._update_id, own.prices, own.quantities, other.prices, other.quantities)

    def newest(self, now_ms: int) -> tuple[int, int]:
        """(price, time in microseconds) of the newest own trade seen; zeros before the first one."""
        if self._newest[0] != self.trades:
            last = self.trades - 1
            tape = self.market.tape(self.symbol, last, last, now_ms)
            self._newest = (self.trades, int(tape.price[0]), int(tape.time_us[0]))
        return self._newest[1:]

    def saw(self, trades: int, orders: int, price: int, time_us: int) -> None:
        """The tape has been walked so far; the newest trade was at this price and time."""
        self.trades, self.orders = trades, orders
        self._newest = (trades, price, time_us)

    def jump(self, now_ms: int, orders: int) -> None:
        """Move to a moment at which there are so many aggregates, without looking at what traded meanwhile."""
        self.now_ms, self.orders = now_ms, orders
        self.trades = self.market.last_trade_id(self.symbol, now_ms) + 1

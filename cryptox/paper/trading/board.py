"""One symbol: the market's own book and tape, and over them what users have resting and waiting."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cryptox.paper.market import Ints, Levels, Market
from cryptox.venues.binance.words import Side

from .ambient import Ambient, Own
from .grid import Grid
from .orders import Order
from .prints import Prints
from .records import Records
from .resting import Resting
from .triggers import Waiting

__all__ = ["Board"]


class Board:
    """What one symbol's orders meet."""

    def __init__(self, market: Market, symbol: str, records: Records, prints: Prints) -> None:
        self.symbol = symbol
        self.listing = market.listings[symbol]
        self.grid = Grid(self.listing)
        self.ambient = Ambient(market, symbol, records.taken_of(symbol), lambda: records.changed.taken.add(symbol))
        self.bids = Resting(Side.BUY, records.touch)
        self.asks = Resting(Side.SELL, records.touch)
        self.waiting = Waiting(records.touch)
        self._records = records
        self._prints = prints
        self.now_us = 0  # of what is happening
        self.bound = 0  # levels of the market's own better than this price are no longer there; 0 for all

    @property
    def is_watched(self) -> bool:
        """Whether a trade of the market could mean anything to an order."""
        return bool(self.bids or self.asks or self.waiting)

    def resting(self, side: Side) -> Resting:
        """Users' bids or asks."""
        return self.bids if side is Side.BUY else self.asks

    def last_price(self) -> int:
        """Price of the newest trade, the market's own or a user's; 0 where there was none yet."""
        prints = self._prints.of(self.symbol)
        if prints and prints[-1].before >= self.ambient.trades:
            return prints[-1].price
        return self.ambient.newest(self.now_us // 1000)[0]

    def best(self, side: Side) -> int | None:
        """Best visible price of a side."""
        return next((price for price, _ in self.depth(side)), None)

    def depth(self, side: Side) -> Iterator[tuple[int, int]]:
        """(price, steps of the market's own) of a side, best first, with users' prices among them.

        ``Board.bound`` hides levels of the market's own that are better than it: the tape has gone through them.
        """
        sign = -1 if side is Side.BUY else 1
        own, users = self.ambient.side(side).walk(), self.resting(side).prices()
        if self.bound:
            own = (level for level in own if level[0] * sign >= self.bound * sign)
        level, mine = next(own, None), next(users, None)
        while level is not None or mine is not None:
            if level is None or (mine is not None and mine * sign < level[0] * sign):
                assert mine is not None
                yield mine, 0
                mine = next(users, None)
            else:
                if level[0] == mine:
                    mine = next(users, None)
                yield level
                level = next(own, None)

    def shift(self) -> None:
        """The visible book has been changed by users."""
        self._records.count(self.symbol).book_shift += 1

    def rest(self, order: Order) -> None:
        """Let an order join the book at its price."""
        price = order.pegged_price or order.price
        self.resting(order.side).add(order, self.ambient.side(order.side).free(price))
        self.shift()

    def levels(self, limit: int) -> Levels:
        """The visible book, up to ``limit`` levels a side."""
        own = self.ambient.own_levels(limit + max(len(self.ambient.bids.taken), len(self.ambient.asks.taken)))
        bids = self._overlaid(self.ambient.bids, self.bids, -1, limit)
        asks = self._overlaid(self.ambient.asks, self.asks, 1, limit)
        counters = self._records.counters.get(self.symbol)
        return Levels(own.last_update_id + (counters.book_shift if counters else 0), *bids, *asks)

    @staticmethod
    def _overlaid(own: Own, users: Resting, sign: int, limit: int) -> tuple[Ints, Ints]:
        prices, steps = own.prices, own.quantities
        if own.taken:
            steps = steps.copy()
            taken = np.array(sorted(price * sign for price in own.taken), np.int64)
            at = np.searchsorted(prices * sign, taken)
            steps[at] -= [own.taken[int(price) * sign][1] for price in taken]
            prices, steps = prices[steps > 0], steps[steps > 0]
        if users:
            mine = np.fromiter(users.prices(), np.int64)
            both = np.concatenate((prices, mine))
            shown = np.concatenate((steps, np.array([users.visible(int(price)) for price in mine], np.int64)))
            keys, index = np.unique(both * sign, return_inverse=True)
            steps = np.zeros(len(keys), np.int64)
            np.add.at(steps, index, shown)
            prices = keys * sign
        return prices[:limit], steps[:limit]

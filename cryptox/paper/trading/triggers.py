"""Orders that wait for a price: stops and trailing stops of one symbol, judged after every trade."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cryptox.paper.market import Ints
from cryptox.venues.binance.words import Side

from .orders import NONE, Order, Ticket

__all__ = ["HIGHEST", "WHOLE", "Waiting", "is_upward"]

WHOLE = 10_000  # basis points
HIGHEST = 1 << 62  # above any price


def is_upward(order: Order | Ticket) -> bool:
    """Whether the stop price is met from below: stop loss of a buy, take profit of a sell."""
    return order.type.is_stop_loss == (order.side is Side.BUY)


class Waiting:
    """The waiting orders of one symbol. ``touch`` is told of each order whose tracking has moved."""

    def __init__(self, touch: Callable[[Order], None]) -> None:
        self._touch = touch
        self._stops: dict[int, Order] = {}  # by id: stops, and trailing stops that are not tracking yet
        self._tracking: dict[int, Order] = {}
        self._bounds: tuple[int, int] | None = (0, HIGHEST)

    def __bool__(self) -> bool:
        return bool(self._stops or self._tracking)

    def add(self, order: Order) -> None:
        """Let an order wait."""
        (self._stops if order.trailing_us == NONE else self._tracking)[order.id] = order
        self._bounds = None

    def remove(self, order: Order) -> bool:
        """Take an order out; False if it was not there."""
        found = self._stops.pop(order.id, None) or self._tracking.pop(order.id, None)
        self._bounds = None
        return found is not None

    def bounds(self) -> tuple[int, int]:
        """A trade at or below the first price, or at or above the second, meets a stop price."""
        if self._bounds is None:
            stops = self._stops.values()
            low = max((order.stop for order in stops if not is_upward(order)), default=0)
            high = min((order.stop for order in stops if is_upward(order)), default=HIGHEST)
            self._bounds = (low, high)
        return self._bounds

    def judge(self, price: int, time_us: int) -> list[Order]:
        """A trade has happened: orders that it triggers, oldest first. They no longer wait."""
        met = []
        low, high = self.bounds()
        if price <= low or price >= high:
            for order in list(self._stops.values()):
                if not (price >= order.stop if is_upward(order) else price <= order.stop):
                    continue
                self.remove(order)
                if order.trailing_delta:
                    order.trailing_us, order.extreme = time_us, price
                    self._touch(order)
                    self.add(order)
                else:
                    met.append(order)
        for order in list(self._tracking.values()):
            if price > order.extreme if order.side is Side.SELL else price < order.extreme:
                order.extreme = price
                self._touch(order)
            elif _reached(order, price):
                self.remove(order)
                met.append(order)
        met.sort(key=lambda order: order.id)
        return met

    def first_met(self, lows: Ints, highs: Ints) -> int:
        """Index of the first bar (or trade) that may trigger a trailing stop; ``len(lows)`` for none."""
        met = np.zeros(len(lows), np.bool_)
        for order in self._tracking.values():
            if order.side is Side.SELL:
                peak = np.maximum.accumulate(np.maximum(highs, order.extreme))
                met |= lows * WHOLE <= peak * (WHOLE - order.trailing_delta)
            else:
                trough = np.minimum.accumulate(np.minimum(lows, order.extreme))
                met |= highs * WHOLE >= trough * (WHOLE + order.trailing_delta)
        return int(met.argmax()) if met.any() else len(met)

    def follow(self, lows: Ints, highs: Ints) -> None:
        """Let trailing stops follow prices that trigger none of them."""
        if not len(lows):
            return
        low, high = int(lows.min()), int(highs.max())
        for order in self._tracking.values():
            far = max(order.extreme, high) if order.side is Side.SELL else min(order.extreme, low)
            if far != order.extreme:
                order.extreme = far
                self._touch(order)


def _reached(order: Order, price: int) -> bool:
    if order.side is Side.SELL:
        return price * WHOLE <= order.extreme * (WHOLE - order.trailing_delta)
    return price * WHOLE >= order.extreme * (WHOLE + order.trailing_delta)

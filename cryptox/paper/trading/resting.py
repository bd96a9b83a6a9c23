"""Users' orders that rest on one side of one book: best price first, at a price the oldest first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator

from cryptox.venues.binance.words import Side

from .orders import Order

__all__ = ["Resting", "limit_of", "slice_of"]


def limit_of(order: Order) -> int:
    """The price an order stands at in the book, in ticks; 0 for none."""
    return order.pegged_price or (0 if order.peg else order.price)


def slice_of(order: Order) -> int:
    """Steps of an order that show from now on."""
    return min(order.iceberg, order.open_quantity) if order.iceberg else order.open_quantity


class Resting:
    """One side. ``Order.ahead`` says how much of the market's own quantity stands before an order at its price.

    ``touch`` is told of each order that stands elsewhere in its queue than before.
    """

    __slots__ = ("_keys", "_newest", "_queues", "_sign", "_touch")

    def __init__(self, side: Side, touch: Callable[[Order], None]) -> None:
        self._touch = touch
        self._newest = 0
        self._sign = -1 if side is Side.BUY else 1
        self._keys: list[int] = []  # prices times the sign: the best is the lowest
        self._queues: dict[int, dict[int, Order]] = {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __contains__(self, order: Order) -> bool:
        return order.id in self._queues.get(limit_of(order), ())

    @property
    def best(self) -> int | None:
        """The best price; None where nothing rests."""
        return self._keys[0] * self._sign if self._keys else None

    def prices(self) -> Iterator[int]:
        """Prices at which something rests, best first."""
        return (key * self._sign for key in self._keys)

    def queue(self, price: int) -> Iterable[Order]:
        """Orders at a price, oldest first; not to be kept while the side changes."""
        return self._queues.get(price, _EMPTY).values()

    def first(self, price: int) -> Order | None:
        """The order that is next at a price."""
        return next(iter(self.queue(price)), None)

    def visible(self, price: int) -> int:
        """Steps that show at a price."""
        return sum(order.visible for order in self.queue(price))

    def add(self, order: Order, ahead: int) -> None:
        """Let an order join the end of its price's queue, behind ``ahead`` steps of the market's own."""
        for earlier in self.queue(limit_of(order)):
            if earlier.ahead > ahead:  # no less stands before the newest than before an older one
                earlier.ahead = ahead
                self._touch(earlier)
        self._newest += 1
        order.ahead, order.queued = ahead, self._newest
        self._join(order)

    def restore(self, orders: Iterable[Order]) -> None:
        """Let orders take the places again that they had."""
        for order in sorted(orders, key=lambda order: order.queued):
            self._newest = max(self._newest, order.queued)
            self._join(order)

    def _join(self, order: Order) -> None:
        price = limit_of(order)
        queue = self._queues.get(price)
        if queue is None:
            queue = self._queues[price] = {}
            insort(self._keys, price * self._sign)
        queue[order.id] = order
        self._touch(order)

    def remove(self, order: Order) -> bool:
        """Take an order out; False if it was not there."""
        price = limit_of(order)
        queue = self._queues.get(price)
        if queue is None or queue.pop(order.id, None) is None:
            return False
        if not queue:
            del self._queues[price]
            del self._keys[bisect_left(self._keys, price * self._sign)]
        return True

    def requeue(self, order: Order, ahead: int) -> None:
        """Send an order to the end of its queue: an iceberg's next slice."""
        self.remove(order)
        self.add(order, ahead)

    def eat(self, price: int, steps: int) -> None:
        """So much of the market's own quantity at a price has gone from the front."""
        for order in self.queue(price):
            if order.ahead:
                order.ahead = max(0, order.ahead - steps)
                self._touch(order)


_EMPTY: dict[int, Order] = {}

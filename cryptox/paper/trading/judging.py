"""What the engine asks of the trading rules when an order starts later than it was placed."""

from __future__ import annotations

from typing import Protocol

from .orders import Order

__all__ = ["Judge"]


class Judge(Protocol):
    """The filters, for orders that are triggered or whose list activates them. Called within a call of the engine."""

    def __call__(self, order: Order, price: int, quantity: int, last: int, now_us: int) -> str | None:
        """Name of the first filter that ``order`` fails now; None where it passes them all.

        Parameters
        ----------
        price
            Ticks, at which it would stand in the book; 0 for any price, or one that is not known yet.
        quantity
            Steps.
        last
            Last price, in ticks.
        now_us
            Microseconds of market time.
        """

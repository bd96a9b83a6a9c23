"""What happens to a user's account, as records of our words: orders that change, and balances as they are then."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from .columns import ORDERS
from .events import Event, moment
from .numbers import plain
from .orders import Fill, Order

__all__ = ["BalanceUpdate", "OrderUpdate"]

_OF_ORDERS = frozenset({*ORDERS.names, "is_active", "is_final", "remaining"})


class OrderUpdate(Event, frozen=True, gc=False):
    """Something happened to an order. It also has the columns of the table ``orders``, as they are now.

    Attributes
    ----------
    order
        The order as it stands, with everything that is known of it; it never goes back.
    execution
        What happened: new, trade, canceled, replaced, rejected, expired, trade_prevention; None where an answer to a
        question told of the change.
    fill
        The execution that happened, where one did.
    reason
        Why it was rejected; None where it was not.
    """

    kind: ClassVar[str] = "order"

    order: Order
    execution: str | None = None
    fill: Fill | None = None
    reason: str | None = None

    def __getattr__(self, name: str) -> Any:
        """A column of the order."""
        if name in _OF_ORDERS:
            return getattr(self.order, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        """Its own names, and the order's columns."""
        return sorted({*super().__dir__(), *_OF_ORDERS})

    def _shown(self) -> str:
        happened = self.execution or "told"
        if self.fill is not None:
            happened += f" {plain(self.fill.quantity)} @ {plain(self.fill.price)}"
        return f"{happened}: {self.order!r}"


class BalanceUpdate(Event, frozen=True, gc=False):
    """What an account has of an asset now; ``symbol`` is the asset, too.

    Attributes
    ----------
    free, locked, total
        What orders may use, what open orders hold, and both.
    """

    kind: ClassVar[str] = "balance"

    updated_us: int  # when that became so, in microseconds
    free: Decimal
    locked: Decimal

    @property
    def asset(self) -> str:
        """The asset."""
        return self.symbol

    @property
    def total(self) -> Decimal:
        """Free and locked."""
        return self.free + self.locked

    @property
    def updated(self) -> datetime:
        """When that became so, UTC."""
        return moment(self.updated_us // 1_000)

    def _shown(self) -> str:
        return f"free {plain(self.free)}, locked {plain(self.locked)}"

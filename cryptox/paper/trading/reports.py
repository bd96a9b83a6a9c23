"""What the engine reports of each change, in the order in which it happened. Pure facts; the wire comes later."""

from __future__ import annotations

from dataclasses import dataclass

from cryptox.venues.binance.words import ExecutionType, RejectReason

from .orders import NONE, Fill, Order, OrderList, Prevented

__all__ = ["BalanceReport", "Execution", "ListReport", "LockReport", "PositionReport", "Report"]


@dataclass(frozen=True, slots=True)
class Execution:
    """Something happened to an order: an ``executionReport``."""

    account: int
    order: Order  # a copy, as it was just after
    kind: ExecutionType
    id: int  # execution id, rising by symbol
    time_us: int
    on_book: bool
    fill: Fill | None = None
    prevented: Prevented | None = None
    prevented_quantity: int = 0  # steps, of this event
    counter_order_id: int = NONE  # the other order of a prevented match
    client_id: str = ""  # of the request that cancelled or amended; else the order's own
    reject: RejectReason = RejectReason.NONE


@dataclass(frozen=True, slots=True)
class ListReport:
    """Something happened to an order list: a ``listStatus``."""

    account: int
    list: OrderList  # a copy
    orders: tuple[tuple[int, str], ...]  # (order id, client id)
    time_us: int


@dataclass(frozen=True, slots=True)
class PositionReport:
    """Balances after a change: an ``outboundAccountPosition``."""

    account: int
    time_us: int
    balances: tuple[tuple[str, int, int], ...]  # (asset, free, locked) in atoms


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """A deposit or withdrawal: a ``balanceUpdate``."""

    account: int
    asset: str
    delta: int  # atoms, signed
    time_us: int


@dataclass(frozen=True, slots=True)
class LockReport:
    """Money locked (above zero) or released from outside: an ``externalLockUpdate``."""

    account: int
    asset: str
    delta: int  # atoms, signed
    time_us: int


Report = Execution | ListReport | PositionReport | BalanceReport | LockReport

"""Orders as records of our words: exact numbers, lower-case sides and states, times in UTC."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from cryptox._display import Displayed
from cryptox.errors import CryptoxError

from .events import moment
from .lines import amount, count, one_line, order_size, record_line, terms
from .numbers import EXACT, plain
from .time import iso

__all__ = ["ACTIVE", "FINAL", "SIDES", "Draft", "Fill", "Leg", "Order", "OrderList", "Replaced"]

SIDES = ("buy", "sell")
ACTIVE = frozenset({"new", "pending_new", "partially_filled", "pending_cancel"})
FINAL = frozenset({"filled", "canceled", "rejected", "expired", "expired_in_match"})
_CENT = Decimal("1E-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(Displayed):
    """An order before it is sent. Prices in quote asset per base asset, quantities in base asset.

    ``type`` and ``time_in_force`` are the exchange's upper-case words; ``trailing_delta`` is in hundredths of a
    percent.
    """

    symbol: str
    side: str
    type: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    quote_quantity: Decimal | None = None  # MARKET: so much of the quote asset
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    iceberg_quantity: Decimal | None = None
    time_in_force: str | None = None
    client_order_id: str | None = None
    self_trade_prevention: str | None = None

    def arguments(self) -> dict[str, Any]:
        """As keyword arguments of ``place_order``: amounts as text, what is not set left out."""
        given = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {
            name: plain(value) if isinstance(value, Decimal) else value
            for name, value in given.items()
            if value is not None
        }

    def changed(self, **values: Any) -> Draft:
        """The same with other values."""
        return dataclasses.replace(self, **values)

    def __repr__(self) -> str:
        """One line: what, how much, on which terms."""
        size = order_size(self.quantity, self.price, self.quote_quantity)
        return record_line("Draft", f"{self.symbol} {self.side} {self.type} {size}", *terms(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg(Displayed):
    """One order of a list, before it is sent; symbol, and for some legs side and quantity, come from the list."""

    side: str
    type: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    iceberg_quantity: Decimal | None = None
    time_in_force: str | None = None
    client_order_id: str | None = None

    def draft(self, symbol: str, **values: Any) -> Draft:
        """As an order of that symbol."""
        given = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return Draft(**{"symbol": symbol, **given, **values})

    @property
    def _argument(self) -> Leg:
        """What stands for it in a corrected call."""
        return self

    def __repr__(self) -> str:
        """The call that makes it."""
        given = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        words = [
            f"{name}={(plain(value) if isinstance(value, Decimal) else value)!r}"
            for name, value in given.items()
            if value is not None and name not in ("side", "type")
        ]
        return f"cx.leg({', '.join([repr(self.side), repr(self.type), *words])})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill(Displayed):
    """One execution of an order. ``fee`` is in ``fee_asset``; ``maker``: our order rested."""

    time_ms: int
    symbol: str
    id: int  # of the trade; -1 where it is no trade of the book
    order_id: int
    side: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str | None
    maker: bool

    @property
    def time(self) -> datetime:
        """When it was executed, UTC."""
        return moment(self.time_ms)

    def __repr__(self) -> str:
        """One line: what, what it cost, when, under which ids."""
        return record_line(
            "Fill",
            f"{self.symbol} {self.side} {order_size(self.quantity, self.price)}",
            f"fee {amount(self.fee, self.fee_asset)}",
            "maker" if self.maker else "taker",
            iso(self.time_ms),
            f"id {self.id}",
            f"order {self.order_id}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Displayed):
    """An order as the exchange told of it last.

    Amounts are exact; None where the order has none (a market order has no price) or the exchange does not tell.
    ``average_price`` is rounded to eight decimals.
    """

    symbol: str
    order_id: int
    client_order_id: str
    side: str
    type: str
    status: str
    price: Decimal | None = None
    quantity: Decimal | None = None
    filled: Decimal = Decimal(0)
    quote_filled: Decimal | None = Decimal(0)
    time_in_force: str | None = None
    stop_price: Decimal | None = None
    time_ms: int | None = None  # of its creation; None where an answer does not tell
    updated_ms: int = 0
    working_ms: int | None = None
    quote_quantity: Decimal | None = None
    iceberg_quantity: Decimal | None = None
    trailing_delta: int | None = None
    order_list_id: int | None = None
    self_trade_prevention: str | None = None
    prevented: Decimal = Decimal(0)  # taken away by self-trade prevention
    expiry_reason: str | None = None
    is_working: bool | None = None
    fills: tuple[Fill, ...] = field(default=(), compare=False)

    @property
    def is_active(self) -> bool:
        """Whether more may happen to it."""
        return self.status not in FINAL

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it; ``filled`` says whether part of it was filled."""
        return self.status in FINAL

    @property
    def average_price(self) -> Decimal | None:
        """Average price of what is filled, None where nothing is or the exchange does not tell."""
        if not self.filled or self.quote_filled is None:
            return None
        return EXACT.divide(self.quote_filled, self.filled).quantize(_CENT, ROUND_HALF_EVEN, EXACT)

    @property
    def remaining(self) -> Decimal | None:
        """What may still be filled, in base asset; None where the quantity is not known yet."""
        return None if self.quantity is None else self.quantity - self.filled - self.prevented

    @property
    def time(self) -> datetime | None:
        """When it was placed, UTC."""
        return None if self.time_ms is None else moment(self.time_ms)

    @property
    def updated(self) -> datetime:
        """When it changed last, UTC."""
        return moment(self.updated_ms)

    @property
    def _argument(self) -> int:
        """What stands for it in a corrected call."""
        return self.order_id

    def changed(self, **values: Any) -> Order:
        """The same with other values."""
        return dataclasses.replace(self, **values)

    def __repr__(self) -> str:
        """One line: what, how far, under which ids."""
        size = order_size(self.quantity, self.price, self.quote_quantity)
        done = f", filled {plain(self.filled)}" if self.filled else ""
        if (average := self.average_price) is not None:
            done += f" @ {plain(average)}"
        ids = f"id {self.order_id}, {self.client_order_id!r}"
        return one_line(f"Order({self.symbol} {self.side} {self.type} {size}, {self.status}{done}, {ids})")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderList(Displayed):
    """Orders that depend on each other.

    ``contingency`` is oco or oto (an OTOCO says oto), ``status`` executing, all_done or reject. ``orders`` are in the
    exchange's order; a query tells their ids only, so it is followed by one for each order.
    """

    symbol: str
    order_list_id: int
    client_order_id: str
    contingency: str
    status: str
    time_ms: int
    orders: tuple[Order, ...] = ()
    order_ids: tuple[int, ...] = ()

    @property
    def time(self) -> datetime:
        """When the exchange told of it, UTC."""
        return moment(self.time_ms)

    @property
    def _argument(self) -> int:
        """What stands for it in a corrected call."""
        return self.order_list_id

    @property
    def is_active(self) -> bool:
        """Whether more may happen to one of its orders."""
        return self.status == "executing"

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it."""
        return not self.is_active

    def __repr__(self) -> str:
        """One line: what, how far, when, and its orders."""
        orders = ", ".join(f"{one.side} {one.type} {one.status}" for one in self.orders)
        return record_line(
            "OrderList",
            f"{self.symbol} {self.contingency}",
            self.status,
            iso(self.time_ms),
            f"id {self.order_list_id}",
            repr(self.client_order_id),
            count(len(self.orders or self.order_ids), "order") + (f": {orders}" if orders else ""),
        )


@dataclass(frozen=True, slots=True)
class Replaced(Displayed):
    """Both halves of a replacement: what was done of each, and why not where it was not.

    ``order`` and ``order_error`` are both None where the new order was not tried because the cancel failed.
    """

    canceled: Order | None
    order: Order | None
    cancel_error: CryptoxError | None = None
    order_error: CryptoxError | None = None

    def __repr__(self) -> str:
        """One line: what became of both halves."""
        canceled = self._half("canceled", self.canceled, "cancel", self.cancel_error)
        return record_line("Replaced", canceled, self._half("new", self.order, "new order", self.order_error))

    @staticmethod
    def _half(done: str, order: Order | None, tried: str, error: CryptoxError | None) -> str:
        if order is not None:
            size = order_size(order.quantity, order.price, order.quote_quantity)
            return f"{done}: {order.symbol} {order.side} {order.type} {size}, {order.status}, id {order.order_id}"
        return f"{tried} not tried" if error is None else f"{tried} failed: {type(error).__name__}: {error}"


def columns_of(order: Order) -> Mapping[str, Any]:
    """An order's values by column of the table ``orders``."""
    return {
        "order_id": order.order_id,
        "symbol": order.symbol,
        "client_order_id": order.client_order_id,
        "side": order.side,
        "type": order.type,
        "status": order.status,
        "price": order.price,
        "quantity": order.quantity,
        "filled": order.filled,
        "quote_filled": order.quote_filled,
        "average_price": order.average_price,
        "time_in_force": order.time_in_force,
        "stop_price": order.stop_price,
        "time": order.time_ms,
        "updated": order.updated_ms,
        "order_list_id": order.order_list_id,
        "quote_quantity": order.quote_quantity,
        "iceberg_quantity": order.iceberg_quantity,
        "trailing_delta": order.trailing_delta,
        "self_trade_prevention": order.self_trade_prevention,
        "expiry_reason": order.expiry_reason,
    }

"""What an exchange says over REST of an account's balances and orders, to hold against what is believed of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptox.errors import OrderNotFound
from cryptox.model.account import Account
from cryptox.model.orders import Fill, Order
from cryptox.venues.trading import OrderRef

if TYPE_CHECKING:
    from .userroles import UserSession

__all__ = ["Truth", "ask_fills", "ask_missed", "ask_truth"]

MOST_ASKED = 40  # orders whose executions are asked for in one go


@dataclass(slots=True)
class Truth:
    """One look at an account."""

    account: Account
    orders: list[Order]  # that are open, and those that were believed to be
    unknown: list[tuple[str, int]] = field(default_factory=list)  # believed to be open; the exchange says no such order


async def ask_truth(session: UserSession, believed: Iterable[tuple[str, int]]) -> Truth:
    """Balances, open orders, and those orders that are believed to be open and are not.

    Raises
    ------
    CryptoxError
        It cannot be asked.
    """
    venue: Any = session.venue
    account, found = await asyncio.gather(
        session._ask_signed(venue.account()), session._ask_signed(venue.open_orders(None))
    )
    truth = Truth(account, list(found))
    told = {(order.symbol, order.order_id) for order in truth.orders}
    for key in believed:
        if key not in told:
            try:
                truth.orders.append(await session._ask_signed(venue.order(OrderRef(*key))))
            except OrderNotFound:
                truth.unknown.append(key)
    return truth


async def ask_missed(session: UserSession, symbols: Iterable[str], since_ms: int) -> list[Order]:
    """Orders of these symbols placed since then, ended ones too; raises as ``ask_truth``."""
    venue: Any = session.venue
    cap = venue.capabilities.orders_cap
    found: list[Order] = []
    for symbol in symbols:
        start_ms: int | None = since_ms
        from_id: int | None = None
        while True:
            page = venue.orders(symbol, start_ms=start_ms, end_ms=None, from_id=from_id, limit=cap)
            rows = await session._ask_signed(page)
            found += rows
            if len(rows) < cap:
                break
            start_ms, from_id = None, rows[-1].order_id + 1
    return found


async def ask_fills(session: UserSession, orders: Iterable[Order]) -> list[Fill]:
    """All executions of these orders, the newest orders first and not of too many at once; raises as ``ask_truth``."""
    venue: Any = session.venue
    cap = venue.capabilities.orders_cap
    newest = sorted(orders, key=lambda order: order.updated_ms)[-MOST_ASKED:]
    found: list[Fill] = []
    for order in newest:
        from_id = 0
        while True:
            page = venue.fills(
                order.symbol, start_ms=None, end_ms=None, from_id=from_id, limit=cap, order_id=order.order_id
            )
            rows = await session._ask_signed(page)
            found += rows
            if len(rows) < cap:
                break
            from_id = rows[-1].id + 1
    return found

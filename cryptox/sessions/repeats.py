"""Requests that were refused though they had been carried out: something on the way had sent them twice.

The answer that comes back is then the one to the second copy, which found nothing left to do, or no room: the first one
has used up the balance, or is one order more. So where an act is refused for what may be that, the exchange is asked
once more before anybody is told. A refusal that is one stays one: what was not done since the request was sent, or by
another call of the session, is never taken for its doing.
"""

from __future__ import annotations

from typing import Any

from cryptox.errors import FilterFailure, OrderNotFound, OrderRejected
from cryptox.model.orders import Order, OrderList, Replaced
from cryptox.sessions.journal import Entry
from cryptox.sessions.lookups import Lister, not_placed, ref_of_act
from cryptox.venues.trading import OrderRef

__all__ = ["Repeats"]

NO_ROOM = FilterFailure | OrderRejected  # rules count open orders; a second amend would change nothing


class Repeats:
    """Looks for what an earlier copy of a request has done; None is no sign of any."""

    def __init__(self, asks: Lister) -> None:
        self._asks = asks

    async def placed(self, entry: Entry, told: Any) -> Order | None:
        """The order that has the act's own client order id."""
        if not isinstance(told, NO_ROOM):
            return None
        order = await self._asks.placed(entry)
        return order if order is not None and self._is_own(entry, order.time_ms) else None

    async def list_placed(self, entry: Entry, told: Any) -> OrderList | None:
        """The list that has the act's own client order id."""
        if not isinstance(told, NO_ROOM):
            return None
        found = await self._asks.order_list(entry)
        return found if found is not None and self._is_own(entry, found.time_ms) else None

    async def canceled(self, entry: Entry, told: Any) -> Order | None:
        """The order that was to be canceled, where it was since."""
        if not self._may_tell(told) or {"ended", "order_id"} <= entry.about.keys():  # an id of the user's goes on
            return None
        order = await self._asks.order(ref_of_act(entry))
        return order if order is not None and self._is_since(entry, order) else None

    async def list_canceled(self, entry: Entry, told: Any) -> OrderList | None:
        """The list that was to be canceled, where it was since."""
        if not self._may_tell(told):
            return None
        found = await self._asks.named_list(entry)
        if found is None or found.is_active:
            return None
        whole = await self._asks.with_orders(found)
        return whole if any(self._is_since(entry, order) for order in whole.orders) else None

    async def all_canceled(self, entry: Entry, told: Any) -> list[Order] | None:
        """What was canceled since; not asked for where nothing was known to be open, as that is nothing strange."""
        known = self._asks.session._known_before(entry)
        if known is None or not known.open or not self._may_tell(told):
            return None
        gone = await self._asks.gone_since(entry)
        return [order for order in gone if self._is_since(entry, order)] or None

    async def amended(self, entry: Entry, told: Any) -> Order | None:
        """The order that has the act's own client order id, by which alone it got it."""
        if not isinstance(told, OrderNotFound | NO_ROOM):
            return None
        order = await self._asks.order(OrderRef(entry.symbol, client_order_id=entry.client_order_id))
        return None if order is None else await self._asks.with_fills(order)

    async def replaced(self, entry: Entry, told: Any) -> Replaced | None:
        """Both halves, where the cancel was refused for want of its order, or all of it for want of room."""
        halves = told if isinstance(told, Replaced) else None
        if not isinstance(told if halves is None else halves.cancel_error, OrderNotFound | NO_ROOM):
            return None
        old = await self._asks.order(ref_of_act(entry))
        if old is None or old.status != "canceled":
            return None
        is_since = self._asks.session._times_tell and self._is_since(entry, old)
        if halves is not None and halves.order is not None:
            return Replaced(old, halves.order) if is_since else None
        new = await self._asks.placed(entry)
        if new is not None and self._is_own(entry, new.time_ms):
            return self._asks.both(entry, old, new)
        return Replaced(old, None, None, not_placed(entry)) if is_since else None

    def _may_tell(self, told: Any) -> bool:
        """Whether it was refused for want of an order, and times tell when that ended."""
        return isinstance(told, OrderNotFound) and self._asks.session._times_tell

    def _is_own(self, entry: Entry, time_ms: int | None) -> bool:
        """Whether what has the act's client order id is no older than it; nothing else has an id of ours."""
        if not entry.about.get("given"):
            return True
        return self._asks.session._times_tell and time_ms is not None and time_ms >= entry.sent_ms

    def _is_since(self, entry: Entry, order: Order) -> bool:
        return order.updated_ms >= entry.sent_ms and self._asks.session._may_have_canceled(entry, order)

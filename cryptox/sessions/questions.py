"""How each kind of act is found out about, when its answer never came: by query, and by nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar

from cryptox.errors import CryptoxError, NotSent, OrderNotFound, OrderRejected
from cryptox.model.orders import Fill, Order, OrderList, Replaced
from cryptox.sessions.acts import Question, Settled
from cryptox.sessions.journal import Entry
from cryptox.venues.port import Request
from cryptox.venues.trading import OrderRef, TradingVenue

__all__ = ["Asker", "Lister", "questions"]

T = TypeVar("T")

LAST_ORDERS = 1000
AHEAD_MS = 1000  # so far may a request's own time be ahead of the exchange's when it is accepted


class Asker(Protocol):
    """A session, as far as questions care."""

    @property
    def _trading_venue(self) -> TradingVenue: ...

    async def _ask_signed(self, request: Request[T]) -> T: ...

    def _heard(self, symbol: str, client_order_id: str) -> Order | None: ...


@dataclass(frozen=True)
class _Simple:
    """A sign to look for; without one nothing was done."""

    look: Callable[[Entry], Awaitable[Any]]
    without: Callable[[Entry], Awaitable[Any]] | None = None

    async def sign(self, entry: Entry) -> Any:
        """What was done, None for no sign of it."""
        return await self.look(entry)

    async def absence(self, entry: Entry) -> Any:
        """It was not done."""
        if self.without is not None:
            return await self.without(entry)
        raise Settled(_not_done(entry))


def questions(session: Asker) -> dict[str, Question]:
    """By operation."""
    asks = Lister(session)
    listed = _Simple(asks.order_list)
    return {
        "place_order": _Simple(asks.placed),
        "amend_order": _Simple(asks.placed),
        "cancel_order": _Simple(asks.canceled, asks.not_canceled),
        "cancel_all": _Simple(asks.all_canceled, asks.none_canceled),
        "cancel_order_list": _Simple(asks.list_canceled, asks.list_not_canceled),
        "replace_order": _Replacing(asks),
        "place_oco": listed,
        "place_oto": listed,
        "place_otoco": listed,
    }


class Lister:
    """Looks for signs of acts."""

    def __init__(self, session: Asker) -> None:
        self._session = session

    async def placed(self, entry: Entry) -> Order | None:
        """The order that carries the act's own client order id."""
        order = self._session._heard(entry.symbol, entry.client_order_id)
        if order is None or _is_of_before(entry, order.order_id, order.time_ms):
            order = await self._order(OrderRef(entry.symbol, client_order_id=entry.client_order_id))
        if order is None or _is_of_before(entry, order.order_id, order.time_ms):
            return None
        return await self._with_fills(order)

    async def canceled(self, entry: Entry) -> Order | None:
        """The order to be canceled, once it is; one that is not there may come, and the cancel after it."""
        order = await self._order(_ref(entry))
        if order is None or order.is_active:
            return None
        if order.status == "canceled":
            return order
        raise Settled(
            OrderRejected(
                f"The order was {order.status} before it could be canceled.",
                recovery_suggestions=["Nothing is left to cancel: " + repr(order)],
                context={"order_id": order.order_id, "symbol": order.symbol},
            )
        )

    async def not_canceled(self, entry: Entry) -> NoReturn:
        """It stands, or there is none."""
        found = await self._order(_ref(entry))
        gone = OrderNotFound(f"There is no such order of {entry.symbol} to cancel.")
        raise Settled(gone if found is None else _not_done(entry))

    async def all_canceled(self, entry: Entry) -> list[Order] | None:
        """The orders canceled since, unless one is open that was there then; None where none was: it may come yet."""
        venue, ask = self._session._trading_venue, self._session._ask_signed
        still_open = await ask(venue.open_orders(entry.symbol))
        recent = await ask(venue.orders(entry.symbol, start_ms=None, end_ms=None, from_id=None, limit=LAST_ORDERS))
        gone = [order for order in recent if order.status == "canceled" and order.updated_ms >= entry.sent_ms]
        since_ms = min((order.updated_ms for order in gone), default=0)
        return gone if gone and all((order.time_ms or 0) >= since_ms for order in still_open) else None

    async def none_canceled(self, entry: Entry) -> list[Order]:
        """There was nothing to cancel, or it stands."""
        if await self._session._ask_signed(self._session._trading_venue.open_orders(entry.symbol)):
            raise Settled(_not_done(entry))
        return []

    async def order_list(self, entry: Entry) -> OrderList | None:
        """The list that carries the act's own client order id."""
        found = await self._list(None, entry.client_order_id)
        if found is None or _is_of_before(entry, found.order_list_id, found.time_ms):
            return None
        return await self.with_orders(found)

    async def list_canceled(self, entry: Entry) -> OrderList | None:
        """The list to be canceled, once it is."""
        found = await self._named_list(entry)
        if found is None or not found.is_final:
            return None
        whole = await self.with_orders(found)
        if any(order.status == "canceled" for order in whole.orders):
            return whole
        raise Settled(
            OrderRejected(
                "The list had come to its end before it could be canceled.",
                recovery_suggestions=["Nothing is left to cancel: " + repr(whole)],
                context={"order_list_id": whole.order_list_id, "symbol": whole.symbol},
            )
        )

    async def list_not_canceled(self, entry: Entry) -> NoReturn:
        """It stands, or there is none."""
        found = await self._named_list(entry)
        gone = OrderNotFound(f"There is no such order list of {entry.symbol} to cancel.")
        raise Settled(gone if found is None else _not_done(entry))

    async def replaced(self, entry: Entry) -> tuple[Order | None, Order | None]:
        """The old order, and the new one; asked for in this order, so that the old one is as the new one left it."""
        new = await self.placed(entry)
        return await self._order(_ref(entry)), new

    async def with_orders(self, found: OrderList) -> OrderList:
        """A list with its orders, which a query tells by their ids only."""
        from dataclasses import replace

        orders = [await self._order(OrderRef(found.symbol, order_id=number)) for number in found.order_ids]
        return replace(found, orders=tuple(order for order in orders if order is not None))

    async def _order(self, ref: OrderRef) -> Order | None:
        try:
            return await self._session._ask_signed(self._session._trading_venue.order(ref))
        except OrderNotFound:
            return None

    async def _named_list(self, entry: Entry) -> OrderList | None:
        return await self._list(entry.about.get("order_list_id"), entry.about.get("client_order_id"))

    async def _list(self, number: int | None, name: str | None) -> OrderList | None:
        request = self._session._trading_venue.order_list(order_list_id=number, client_order_id=name)
        try:
            return await self._session._ask_signed(request)
        except OrderNotFound:
            return None

    async def _with_fills(self, order: Order) -> Order:
        if not order.filled:
            return order
        venue = self._session._trading_venue
        request = venue.fills(
            order.symbol, start_ms=None, end_ms=None, from_id=None, limit=LAST_ORDERS, order_id=order.order_id
        )
        fills: list[Fill] = await self._session._ask_signed(request)
        return order.changed(fills=tuple(fills))


@dataclass(frozen=True)
class _Replacing:
    """Two halves, each of which may have happened."""

    asks: Lister

    async def sign(self, entry: Entry) -> Replaced | None:
        """Both halves, once the new order is there."""
        old, new = await self.asks.replaced(entry)
        if new is None:
            return None
        canceled = old if old is not None and _is_canceled_since(old, entry) else None
        return Replaced(canceled, new, None if canceled else _kept_standing(old), None)

    async def absence(self, entry: Entry) -> Replaced:
        """The new order was not placed; what became of the old one."""
        old, _ = await self.asks.replaced(entry)
        if old is not None and _is_canceled_since(old, entry):
            return Replaced(old, None, None, _not_placed(entry))
        raise Settled(_not_done(entry))


def _kept_standing(old: Order | None) -> OrderRejected:
    state = "not found" if old is None else old.status
    return OrderRejected(f"The former order was not canceled: it is {state}.")


def _ref(entry: Entry) -> OrderRef:
    return OrderRef(entry.symbol, entry.about.get("order_id"), entry.about.get("client_order_id"))


def _not_done(entry: Entry) -> NotSent:
    return NotSent(
        f"{entry.operation} on {entry.symbol} was not carried out: the exchange never had it, as two queries prove "
        "after the moment up to which it could have taken it.",
        recovery_suggestions=["The same call can safely be made again."],
        context={"symbol": entry.symbol, "client_order_id": entry.client_order_id, "operation": entry.operation},
    )


def _not_placed(entry: Entry) -> CryptoxError:
    return OrderRejected(
        f"The order of {entry.symbol} is canceled, and the new one was not placed.",
        recovery_suggestions=["Place the new order with place_order(...)."],
        context={"symbol": entry.symbol, "client_order_id": entry.client_order_id, "operation": entry.operation},
    )


def _is_canceled_since(order: Order, entry: Entry) -> bool:
    return order.status == "canceled" and order.updated_ms > entry.sent_ms - AHEAD_MS


def _is_of_before(entry: Entry, number: int | None, time_ms: int | None) -> bool:
    """Whether an id that the user gave stands for something older than the act.

    The exchange accepts no request whose own time is a second ahead of its clock: what is older than that is not ours,
    even where its clock was set back meanwhile.
    """
    if not entry.about.get("given"):
        return False
    return number == entry.about.get("former") or (time_ms is not None and time_ms <= entry.sent_ms - AHEAD_MS)

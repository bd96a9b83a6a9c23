"""How each kind of act is found out about, when its answer never came: by query, and by nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, Protocol, TypeVar

from cryptox.errors import CryptoxError, NotSent, OrderNotFound, OrderRejected
from cryptox.model.numbers import plain
from cryptox.model.orders import Draft, Fill, Order, OrderList, Replaced
from cryptox.sessions.acts import Question, Settled
from cryptox.sessions.journal import Entry
from cryptox.venues.port import Request
from cryptox.venues.trading import OrderRef, TradingVenue

__all__ = ["Asker", "Lister", "is_another", "questions", "terms_of"]

T = TypeVar("T")

LAST_ORDERS = 1000
MOST_PAGES = 20  # of them, where an act may have concerned old orders
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
        "place_order": _Simple(asks.placed, asks.renamed),
        "amend_order": _Simple(asks.placed, asks.renamed),
        "cancel_order": _Simple(asks.canceled, asks.not_canceled),
        "cancel_all": _Simple(asks.nothing_yet, asks.all_canceled),
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
        if order is None or is_another(entry, order):
            order = await self._order(OrderRef(entry.symbol, client_order_id=entry.client_order_id))
        if order is None:
            return None
        if is_another(entry, order):
            if entry.about.get("duplicate"):  # the exchange has told so, and this is the one it meant
                raise Settled(_not_done(entry))
            return None
        return await self._with_fills(order)

    async def renamed(self, entry: Entry) -> Order:
        """The order that had the act's own client order id until another program amended it; once there is none."""
        order = await self._renamed(entry)
        if order is None:
            raise Settled(_not_done(entry))
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

    async def nothing_yet(self, entry: Entry) -> None:
        """No sign is one: another call may have canceled what is gone, and this one yet come and take what is newer."""
        await self._session._ask_signed(self._session._trading_venue.open_orders(entry.symbol))

    async def all_canceled(self, entry: Entry) -> list[Order]:
        """Once it can come no more: the orders canceled since, unless one is open that was there then."""
        still_open = await self._session._ask_signed(self._session._trading_venue.open_orders(entry.symbol))
        gone = await self._gone_since(entry)
        since_ms = min((order.updated_ms for order in gone), default=None)
        if still_open and (since_ms is None or any((order.time_ms or 0) < since_ms for order in still_open)):
            raise Settled(_not_done(entry))
        return gone

    async def _gone_since(self, entry: Entry) -> list[Order]:
        """Orders canceled since, the oldest first; of an account with more than ``MOST_PAGES`` the newest of them."""
        venue, found, until_ms = self._session._trading_venue, dict[int, Order](), None
        for _ in range(MOST_PAGES):
            request = venue.orders(entry.symbol, start_ms=None, end_ms=until_ms, from_id=None, limit=LAST_ORDERS)
            page = await self._session._ask_signed(request)
            fresh = {order.order_id: order for order in page if order.order_id not in found}
            found |= fresh
            if not fresh or len(page) < LAST_ORDERS:
                break
            until_ms = min(order.time_ms or 0 for order in page) + 1  # several may be of one millisecond
        gone = (order for order in found.values() if order.status == "canceled" and order.updated_ms >= entry.sent_ms)
        return sorted(gone, key=lambda order: order.order_id)

    async def order_list(self, entry: Entry) -> OrderList | None:
        """The list that carries the act's own client order id."""
        found = await self._list(None, entry.client_order_id)
        if found is None:
            return None
        if _is_of_before(entry, found.order_list_id, found.time_ms):
            if entry.about.get("duplicate"):
                raise Settled(_not_done(entry))
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

    async def _renamed(self, entry: Entry) -> Order | None:
        """An amend gives an order another client id, by which alone it is found then; its amends tell the former ones.

        The order of an amend is known. One to be placed is looked for among those made since.
        """
        venue, ask, number = self._session._trading_venue, self._session._ask_signed, entry.about.get("order_id")
        if entry.operation == "amend_order" and number is not None:
            found = [number]
        elif entry.operation == "amend_order":
            return None
        else:
            since_ms = entry.sent_ms - AHEAD_MS
            request = venue.orders(entry.symbol, start_ms=since_ms, end_ms=None, from_id=None, limit=LAST_ORDERS)
            found = [order.order_id for order in await ask(request) if _fits(entry, order)]
        for number in found:
            if entry.client_order_id in await ask(venue.former_ids(entry.symbol, number)):
                return await self._order(OrderRef(entry.symbol, order_id=number))
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
        return None if new is None else _replaced(entry, old, new)

    async def absence(self, entry: Entry) -> Replaced:
        """The new order was not placed; what became of the old one."""
        old, _ = await self.asks.replaced(entry)
        new = await self.asks._renamed(entry)
        if new is not None:
            return _replaced(entry, old, new)
        if old is not None and _is_canceled_since(old, entry):
            return Replaced(old, None, None, _not_placed(entry))
        raise Settled(_not_done(entry))


def _replaced(entry: Entry, old: Order | None, new: Order) -> Replaced:
    canceled = old if old is not None and _is_canceled_since(old, entry) else None
    return Replaced(canceled, new, None if canceled else _kept_standing(old), None)


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


def is_another(entry: Entry, order: Order) -> bool:
    """Whether an order under an id that the user gave is not the act's own."""
    return bool(entry.about.get("given")) and (
        not _fits(entry, order) or _is_of_before(entry, order.order_id, order.time_ms)
    )


def terms_of(draft: Draft) -> list[str | None]:
    """What an order is, as the journal keeps it; its quantity may be lowered later."""
    return [draft.side, draft.type, None if draft.price is None else plain(draft.price)]


def _fits(entry: Entry, order: Order) -> bool:
    """Whether an order may be the one that was to be placed, by what it is."""
    terms = entry.about.get("terms")
    if terms is None:
        return True
    side, type_, price = terms
    return (order.side, order.type) == (side, type_) and (price is None or order.price == Decimal(price))


def _is_of_before(entry: Entry, number: int | None, time_ms: int | None) -> bool:
    """Whether an id that the user gave stands for something older than the act.

    The exchange accepts no request whose own time is a second ahead of its clock: what is older than that is not ours,
    even where its clock was set back meanwhile. Where it says itself that there is an order of that id already, what
    is older than the request is that one.
    """
    if not entry.about.get("given"):
        return False
    ahead_ms = 0 if entry.about.get("duplicate") else AHEAD_MS
    return number == entry.about.get("former") or (time_ms is not None and time_ms <= entry.sent_ms - ahead_ms)

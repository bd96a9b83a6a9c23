"""Looks at the exchange for what became of an act: by query, and by what a session has heard.

What is canceled does not say by whom. What is known to have been so before, and what another call of the session has
canceled by the exchange's own word, is never taken for an act's doing; what another program cancels at the same time
may be.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NoReturn, Protocol, TypeVar

from cryptox.errors import CryptoxError, NotSent, OrderNotFound, OrderRejected
from cryptox.model.numbers import plain
from cryptox.model.orders import Draft, Fill, Order, OrderList, Replaced
from cryptox.sessions.acts import Known, Settled
from cryptox.sessions.journal import Entry
from cryptox.venues.port import Request
from cryptox.venues.trading import OrderRef, TradingVenue

__all__ = ["Asker", "Lister", "is_another", "not_done", "not_placed", "ref_of_act", "terms_of"]

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

    def _known_before(self, entry: Entry) -> Known | None: ...

    def _may_have_canceled(self, entry: Entry, order: Order) -> bool: ...

    def _learn_of(self, result: Any) -> None: ...

    @property
    def _times_tell(self) -> bool: ...


class Lister:
    """Looks for signs of acts."""

    def __init__(self, session: Asker) -> None:
        self.session = session

    async def placed(self, entry: Entry) -> Order | None:
        """The order that carries the act's own client order id."""
        order = self.session._heard(entry.symbol, entry.client_order_id)
        if order is None or is_another(entry, order):
            order = await self.order(OrderRef(entry.symbol, client_order_id=entry.client_order_id))
        if order is None:
            return None
        if is_another(entry, order):
            if entry.about.get("duplicate"):  # the exchange has told so, and this is the one it meant
                raise Settled(not_done(entry))
            return None
        return await self.with_fills(order)

    async def renamed(self, entry: Entry) -> Order:
        """The order that had the act's own client order id until another program amended it; once there is none."""
        order = await self.had_its_id(entry)
        if order is None:
            raise Settled(not_done(entry))
        return await self.with_fills(order)

    async def canceled(self, entry: Entry) -> Order | None:
        """The order to be canceled, once it is; one that is not there may come, and the cancel after it."""
        order = await self.order(ref_of_act(entry))
        if order is None or order.is_active:
            return None
        if self.is_canceled_since(entry, order):
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
        found = await self.order(ref_of_act(entry))
        gone = OrderNotFound(f"There is no such order of {entry.symbol} to cancel.")
        raise Settled(gone if found is None else not_done(entry))

    async def nothing_yet(self, entry: Entry) -> None:
        """No sign is one: another call may have canceled what is gone, and this one yet come and take what is newer."""
        await self.session._ask_signed(self.session._trading_venue.open_orders(entry.symbol))

    async def all_canceled(self, entry: Entry) -> list[Order]:
        """Once it can come no more: what was canceled since, unless something is open that was open then.

        The exchange carries it out for all that is open, or not at all. So one that was there and stands proves that
        it was not done. Where none does, nothing that was open is open now, and what is told holds whoever did it.
        """
        still_open = await self.session._ask_signed(self.session._trading_venue.open_orders(entry.symbol))
        if any(_was_there(order, entry) for order in still_open):
            raise Settled(not_done(entry))
        gone = await self.gone_since(entry)
        if still_open and not gone:  # one that was on its way then may stand: that it canceled nothing is sure
            raise Settled(not_done(entry))
        return gone

    async def gone_since(self, entry: Entry) -> list[Order]:
        """Orders canceled since, the oldest first; of an account with more than ``MOST_PAGES`` the newest of them."""
        venue, found, until_ms = self.session._trading_venue, dict[int, Order](), None
        for _ in range(MOST_PAGES):
            request = venue.orders(entry.symbol, start_ms=None, end_ms=until_ms, from_id=None, limit=LAST_ORDERS)
            page = await self.session._ask_signed(request)
            fresh = {order.order_id: order for order in page if order.order_id not in found}
            found |= fresh
            if not fresh or len(page) < LAST_ORDERS:
                break
            until_ms = min(order.time_ms or 0 for order in page) + 1  # several may be of one millisecond
        if (known := self.session._known_before(entry)) is not None:  # or the next one would look for them again
            self.session._learn_of([found[number] for number in sorted(known.open & found.keys())])
        return [found[number] for number in sorted(found) if self._is_gone_since(entry, found[number])]

    def _is_gone_since(self, entry: Entry, order: Order) -> bool:
        if not self.session._may_have_canceled(entry, order):
            return False
        known = self.session._known_before(entry)
        if known is not None and order.order_id in known.ended:
            return False
        # The exchange's clock may have been set back for a moment. What was open is not judged by it so strictly.
        ahead_ms = AHEAD_MS if known is not None and order.order_id in known.open else 0
        return order.updated_ms >= entry.sent_ms - ahead_ms

    async def order_list(self, entry: Entry) -> OrderList | None:
        """The list that carries the act's own client order id."""
        found = await self._list(None, entry.client_order_id)
        if found is None:
            return None
        if _is_of_before(entry, found.order_list_id, found.time_ms):
            if entry.about.get("duplicate"):
                raise Settled(not_done(entry))
            return None
        return await self.with_orders(found)

    async def list_canceled(self, entry: Entry) -> OrderList | None:
        """The list to be canceled, once it is."""
        found = await self.named_list(entry)
        if found is None or not found.is_final:
            return None
        whole = await self.with_orders(found)
        if any(self.is_canceled_since(entry, order) for order in whole.orders):
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
        found = await self.named_list(entry)
        gone = OrderNotFound(f"There is no such order list of {entry.symbol} to cancel.")
        raise Settled(gone if found is None else not_done(entry))

    async def replaced(self, entry: Entry) -> tuple[Order | None, Order | None]:
        """The old order, and the new one; asked for in this order, so that the old one is as the new one left it."""
        new = await self.placed(entry)
        return await self.order(ref_of_act(entry)), new

    def both(self, entry: Entry, old: Order | None, new: Order) -> Replaced:
        """What became of a replacement whose new order is there."""
        canceled = old if old is not None and self.is_canceled_since(entry, old) else None
        return Replaced(canceled, new, None if canceled else _kept_standing(old), None)

    def is_canceled_since(self, entry: Entry, order: Order) -> bool:
        """Whether an order was canceled since an act was sent, as far as times tell, and by no other act known."""
        return self.session._may_have_canceled(entry, order) and order.updated_ms > entry.sent_ms - AHEAD_MS

    async def with_orders(self, found: OrderList) -> OrderList:
        """A list with its orders, which a query tells by their ids only."""
        from dataclasses import replace

        orders = [await self.order(OrderRef(found.symbol, order_id=number)) for number in found.order_ids]
        return replace(found, orders=tuple(order for order in orders if order is not None))

    async def order(self, ref: OrderRef) -> Order | None:
        """An order; None where there is none."""
        try:
            return await self.session._ask_signed(self.session._trading_venue.order(ref))
        except OrderNotFound:
            return None

    async def had_its_id(self, entry: Entry) -> Order | None:
        """An amend gives an order another client id, by which alone it is found then; its amends tell the former ones.

        The order of an amend is known. One to be placed is looked for among those made since.
        """
        venue, ask, number = self.session._trading_venue, self.session._ask_signed, entry.about.get("order_id")
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
                return await self.order(OrderRef(entry.symbol, order_id=number))
        return None

    async def named_list(self, entry: Entry) -> OrderList | None:
        """The list that an act is about."""
        return await self._list(entry.about.get("order_list_id"), entry.about.get("client_order_id"))

    async def _list(self, number: int | None, name: str | None) -> OrderList | None:
        request = self.session._trading_venue.order_list(order_list_id=number, client_order_id=name)
        try:
            return await self.session._ask_signed(request)
        except OrderNotFound:
            return None

    async def with_fills(self, order: Order) -> Order:
        """An order with its fills."""
        if not order.filled:
            return order
        venue = self.session._trading_venue
        request = venue.fills(
            order.symbol, start_ms=None, end_ms=None, from_id=None, limit=LAST_ORDERS, order_id=order.order_id
        )
        fills: list[Fill] = await self.session._ask_signed(request)
        return order.changed(fills=tuple(fills))


def _kept_standing(old: Order | None) -> OrderRejected:
    state = "not found" if old is None else old.status
    return OrderRejected(f"The former order was not canceled by this call: it is {state}.")


def ref_of_act(entry: Entry) -> OrderRef:
    """The order that an act is about."""
    return OrderRef(entry.symbol, entry.about.get("order_id"), entry.about.get("client_order_id"))


def not_done(entry: Entry) -> NotSent:
    """It is proved that nothing was done."""
    return NotSent(
        f"{entry.operation} on {entry.symbol} was not carried out: the exchange never had it, as two queries prove "
        "after the moment up to which it could have taken it.",
        recovery_suggestions=["The same call can safely be made again."],
        context={"symbol": entry.symbol, "client_order_id": entry.client_order_id, "operation": entry.operation},
    )


def not_placed(entry: Entry) -> CryptoxError:
    """Half of a replacement was done."""
    return OrderRejected(
        f"The order of {entry.symbol} is canceled, and the new one was not placed.",
        recovery_suggestions=["Place the new order with place_order(...)."],
        context={"symbol": entry.symbol, "client_order_id": entry.client_order_id, "operation": entry.operation},
    )


def _was_there(order: Order, entry: Entry) -> bool:
    """Whether an order was there when an act was sent: ids only grow, and it is no newer than one that was known."""
    last = entry.about.get("last")
    return (last is not None and order.order_id <= last) or (order.time_ms or entry.sent_ms) < entry.sent_ms


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

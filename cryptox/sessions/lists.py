"""Order lists: orders that depend on each other, placed in one request."""

from __future__ import annotations

import dataclasses
from typing import Any

from cryptox._boundary import public
from cryptox.errors import ValidationError
from cryptox.model.demands import oco_drafts
from cryptox.model.drafts import delta_of, draft_of
from cryptox.model.names import normalise_symbol
from cryptox.model.numbers import decimal_of
from cryptox.model.orders import Draft, Leg, OrderList
from cryptox.sessions.acts import Act
from cryptox.sessions.changes import ChangeCalls
from cryptox.sessions.legs import WORKING, told_of_pair, told_of_three, told_of_two
from cryptox.sessions.orders import new_id
from cryptox.sessions.rules import Told
from cryptox.venues.port import Request

__all__ = ["ListCalls"]


class ListCalls(ChangeCalls):
    """The calls of a session about order lists."""

    @public
    async def place_oco(
        self,
        symbol: str,
        side: str,
        quantity: Any,
        *,
        price: Any,
        stop_price: Any,
        stop_limit_price: Any = None,
        trailing_delta: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderList:
        """Place two orders of which one ends the other: a limit order, and a stop on the market's other side.

        Parameters
        ----------
        symbol, side, quantity
            As in ``place_order``; both orders have them.
        price
            Of the limit order: selling above the market, buying below it.
        stop_price
            Last price that triggers the stop: selling below the market, buying above it.
        stop_limit_price
            Limit price of the stop; None for a stop at the market.
        trailing_delta
            The stop trails by so many hundredths of a percent.
        client_order_id
            Of the list; its orders get ids of ours.

        Returns
        -------
        OrderList
            With both orders.

        Raises
        ------
        OrderRejected
            The prices do not stand on their sides of the market.
        CryptoxError
            As ``place_order``.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; two orders of the account's count.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (orderList/oco).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     last = (await session.prices("BTCUSDT")).price.iloc[0]
        ...     pair = await session.place_oco(
        ...         "BTCUSDT", "sell", "0.001", price=round(last * 1.1), stop_price=round(last * 0.9)
        ...     )
        ...     pair.contingency, len(pair.orders)
        ('oco', 2)
        """
        stop_limit = None if stop_limit_price is None else decimal_of(stop_limit_price, "stop_limit_price")
        try:
            both = draft_of(
                symbol,
                side,
                "LIMIT_MAKER",
                quantity=quantity,
                price=price,
                client_order_id=client_order_id,
                call="place_oco",
            )
        except ValidationError as error:
            if error.suggested is not None:
                error.suggested.pop("type", None)  # no argument of this call
            raise
        assert both.quantity is not None
        assert both.price is not None
        above, below = oco_drafts(
            both.symbol,
            both.side,
            both.quantity,
            price=both.price,
            stop_price=decimal_of(stop_price, "stop_price"),
            stop_limit_price=stop_limit,
            trailing_delta=None if trailing_delta is None else delta_of(trailing_delta),
        )
        id_ = client_order_id or new_id()
        request = self._trading_venue.place_oco(both.symbol, _named(above), _named(below), id_)
        given = client_order_id is not None
        return await self._place_list("place_oco", id_, request, above, below, told=told_of_pair, given=given)

    @public
    async def place_oto(self, symbol: str, working: Leg, pending: Leg) -> OrderList:
        """Place an order that starts another once it is filled completely.

        Parameters
        ----------
        symbol
            In any spelling.
        working
            The first order, a LIMIT or LIMIT_MAKER: ``cx.leg("buy", "LIMIT", "0.001", price="60000")``.
        pending
            The second one, of any type.

        Returns
        -------
        OrderList
            With both orders; the second one's status is pending_new.

        Raises
        ------
        CryptoxError
            As ``place_order``.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; two orders of the account's count.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (orderList/oto).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     first = cx.leg("buy", "LIMIT", "0.001", price="10000")
        ...     pair = await session.place_oto("BTCUSDT", first, cx.leg("sell", "MARKET", "0.001"))
        ...     [order.status for order in pair.orders]
        ['new', 'pending_new']
        """
        name = normalise_symbol(symbol)
        first, second = _working(_leg(name, working, "working")), _leg(name, pending, "pending")
        id_ = new_id()
        request = self._trading_venue.place_oto(name, _named(first), _named(second), id_)
        return await self._place_list("place_oto", id_, request, first, second, told=told_of_two)

    @public
    async def place_otoco(self, symbol: str, working: Leg, above: Leg, below: Leg) -> OrderList:
        """Place an order that starts a pair once it is filled completely; one of the pair ends the other.

        Parameters
        ----------
        symbol, working
            As in ``place_oto``.
        above, below
            The pair, of one side and quantity: the order above the market and the one below it.

        Returns
        -------
        OrderList
            With all three orders.

        Raises
        ------
        CryptoxError
            As ``place_order``.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; three orders of the account's count.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (orderList/otoco).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     entry = cx.leg("buy", "LIMIT", "0.001", price="10000")
        ...     target = cx.leg("sell", "LIMIT_MAKER", "0.001", price="60000")
        ...     stop = cx.leg("sell", "STOP_LOSS", "0.001", stop_price="8000")
        ...     len((await session.place_otoco("BTCUSDT", entry, target, stop)).orders)
        3
        """
        name = normalise_symbol(symbol)
        first = _working(_leg(name, working, "working"))
        high, low = _leg(name, above, "above"), _leg(name, below, "below")
        if (high.side, high.quantity) != (low.side, low.quantity):
            raise ValidationError(
                "The orders above and below must have one side and one quantity.",
                recovery_suggestions=["Give both legs the same side and quantity."],
            )
        id_ = new_id()
        request = self._trading_venue.place_otoco(name, _named(first), _named(high), _named(low), id_)
        return await self._place_list("place_otoco", id_, request, first, high, low, told=told_of_three)

    @public
    async def cancel_order_list(self, symbol: str, order_list: int | str | OrderList) -> OrderList:
        """Cancel all orders of a list.

        Parameters
        ----------
        symbol
            Its symbol, in any spelling.
        order_list
            Its id, its client order id, or the ``OrderList``.

        Returns
        -------
        OrderList
            As it was canceled.

        Raises
        ------
        CryptoxError
            As ``cancel_order``.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; 4 more for the list and each of its orders where it has ended, as of
        ``cancel_order``.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (orderList).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     first = cx.leg("buy", "LIMIT", "0.001", price="10000")
        ...     pair = await session.place_oto("BTCUSDT", first, cx.leg("sell", "MARKET", "0.001"))
        ...     (await session.cancel_order_list("BTCUSDT", pair)).status
        'all_done'
        """
        name = normalise_symbol(symbol)
        number, client_id = list_ids(order_list)
        id_ = new_id()
        request = self._trading_venue.cancel_list(name, order_list_id=number, client_order_id=client_id, cancel_id=id_)
        legs = [] if number is None else self._blotter.of_list(name, number)
        ended = [order.order_id for order in legs if order.is_final]
        about = {"order_list_id": number, "client_order_id": client_id, "ended": ended or None}
        return await self._act(Act("cancel_order_list", name, id_, request, _given(about)))

    async def _place_list(
        self, operation: str, id_: str, request: Request[OrderList], *drafts: Draft, told: Told, given: bool = False
    ) -> OrderList:
        self._may_act()
        await self._check_rules(*drafts, call=operation, told=told)
        act = Act(operation, drafts[0].symbol, id_, request, {"given": True} if given else {})
        return await self._explaining(self._act(act), *drafts, call=operation, told=told)


def list_ids(order_list: int | str | OrderList) -> tuple[int | None, str | None]:
    """Id and client order id of a list, of which one is given.

    Raises
    ------
    ValidationError
        Neither an id nor an ``OrderList``.
    """
    if isinstance(order_list, OrderList):
        return order_list.order_list_id, None
    if hasattr(order_list, "item") and getattr(order_list, "shape", None) == ():  # numpy's, out of a frame
        order_list = order_list.item()
    if isinstance(order_list, int) and not isinstance(order_list, bool) and order_list >= 0:
        return order_list, None
    if isinstance(order_list, str) and order_list.strip():
        return None, order_list.strip()
    raise ValidationError(
        f"order_list must be a list's id, its client order id or an OrderList, not {order_list!r}.",
        recovery_suggestions=["order.order_list_id tells the list of an order."],
    )


def _leg(symbol: str, leg: object, name: str) -> Draft:
    if not isinstance(leg, Leg):
        raise ValidationError(
            f"{name} must be a leg, not {type(leg).__name__}.",
            recovery_suggestions=['Make it with cx.leg("buy", "LIMIT", "0.001", price="60000").'],
        )
    return leg.draft(symbol)


def _working(draft: Draft) -> Draft:
    """The order that starts the others, if it is of a type that can."""
    if draft.type in WORKING:
        return draft
    raise ValidationError(
        f"The working order of a list is a LIMIT or LIMIT_MAKER, not a {draft.type}.",
        recovery_suggestions=["Give it a price: it rests in the book until it is filled."],
    )


def _named(draft: Draft) -> Draft:
    return draft if draft.client_order_id is not None else dataclasses.replace(draft, client_order_id=new_id())


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}

"""Changing orders that stand: cancel, replace, amend. Each is sent once, and followed as an order is."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

from cryptox._boundary import public
from cryptox.errors import CryptoxError, FilterFailure, OrderNotFound, ValidationError
from cryptox.model.drafts import draft_of
from cryptox.model.names import normalise_symbol
from cryptox.model.numbers import decimal_of, plain
from cryptox.model.orders import Draft, Order, OrderList, Replaced
from cryptox.model.time import iso
from cryptox.sessions.acts import Act, Known
from cryptox.sessions.core import Frame
from cryptox.sessions.lookups import terms_of
from cryptox.sessions.orders import OrderCalls, new_id
from cryptox.table.records import orders_batch
from cryptox.venues.trading import OrderRef

__all__ = ["ChangeCalls", "ref_of"]

MODES = ("stop", "place")


class ChangeCalls(OrderCalls):
    """The calls of a session that change orders."""

    @public
    async def cancel_order(self, symbol: str, order: int | str | Order) -> Order:
        """Cancel an order. One of a list takes the whole list with it.

        Parameters
        ----------
        symbol
            Its symbol, in any spelling.
        order
            Its id, its client order id, or the ``Order``.

        Returns
        -------
        Order
            As it was canceled; look at ``filled``.

        Raises
        ------
        OrderNotFound
            Nothing open under that id: it may be filled or canceled already.
        OrderRejected
            It was filled, or expired, or was canceled before it could be canceled.
        NotSent, OutcomeUnknown, TradingNotEnabled, ConfigurationError
            As ``place_order``.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; 4 more where there is no such order, to see whether it was canceled
        since the call was sent.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (order).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     order = await session.buy("BTCUSDT", "0.001", price="10000")
        ...     (await session.cancel_order("BTCUSDT", order)).status
        'canceled'
        """
        ref = ref_of(symbol, order)
        id_ = new_id()
        request = self._trading_venue.cancel(ref, id_)
        told: Order | OrderList = await self._act(Act("cancel_order", ref.symbol, id_, request, self._about_order(ref)))
        if isinstance(told, Order):
            return told
        return next((one for one in told.orders if _is(one, ref)), told.orders[0])

    @public
    async def cancel_all(self, symbol: str, *, frame: str | None = None, exact: bool | None = None) -> Frame:
        """Cancel all open orders of a symbol, those of lists included.

        Parameters
        ----------
        symbol
            In any spelling.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            The canceled orders; empty where none was open. Where its answer was lost: what was canceled since it was
            sent, whoever did it, and nothing is open that was open then.
            Columns: orders

        Raises
        ------
        CryptoxError
            As ``cancel_order``.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; 20 more for each 1,000 orders of the symbol where nothing is open any
        more of what the session took for open, to see whether it was canceled since the call was sent.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (openOrders).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     order = await session.buy("BTCUSDT", "0.001", price="10000")
        ...     len(await session.cancel_all("BTCUSDT"))
        1
        """
        name = normalise_symbol(symbol)
        form = self._form(frame, exact)
        known = Known(*self._blotter.numbers(name))
        about = {} if known.last is None else {"last": known.last}
        try:
            orders = await self._act(
                Act("cancel_all", name, new_id(), self._trading_venue.cancel_all(name), about, known)
            )
        except OrderNotFound:
            orders = []
        return self._frame(orders_batch(orders, exact=form.exact), form, symbol=name, as_of=iso(self._timestamp_ms()))

    @public
    async def replace_order(
        self,
        symbol: str,
        order: int | str | Order,
        side: str,
        type: str = "LIMIT",
        *,
        quantity: Any = None,
        price: Any = None,
        quote_quantity: Any = None,
        stop_price: Any = None,
        trailing_delta: int | None = None,
        iceberg_quantity: Any = None,
        time_in_force: str | None = None,
        client_order_id: str | None = None,
        self_trade_prevention: str | None = None,
        if_cancel_fails: str = "stop",
    ) -> Replaced:
        """Cancel one order and place another in one request. The new one may be refused after the old one is gone.

        Parameters
        ----------
        symbol, order
            As in ``cancel_order``: the order to cancel.
        side, type, quantity, price, quote_quantity, stop_price, trailing_delta
            As in ``place_order``: the new order.
        iceberg_quantity, time_in_force, client_order_id, self_trade_prevention
            As in ``place_order``: the new order.
        if_cancel_fails
            ``"stop"``: then nothing is placed; ``"place"``: the new order is placed all the same.

        Returns
        -------
        Replaced
            Both halves, and what each failed of.

        Raises
        ------
        CryptoxError
            Nothing was done at all: as ``cancel_order`` and ``place_order``.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; one order of the account's count. 4 more where there is no order to
        cancel, as of ``cancel_order``.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
        (order/cancelReplace).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     order = await session.buy("BTCUSDT", "0.001", price="10000")
        ...     done = await session.replace_order("BTCUSDT", order, "buy", quantity="0.001", price="11000")
        ...     done.canceled.status, done.order.status
        ('canceled', 'new')
        """
        ref = ref_of(symbol, order)
        if if_cancel_fails not in MODES:
            raise ValidationError(
                f"if_cancel_fails must be 'stop' or 'place', not {if_cancel_fails!r}.",
                suggested={"if_cancel_fails": "stop"},
            )
        draft = draft_of(
            ref.symbol,
            side,
            type,
            quantity=quantity,
            price=price,
            quote_quantity=quote_quantity,
            stop_price=stop_price,
            trailing_delta=trailing_delta,
            iceberg_quantity=iceberg_quantity,
            time_in_force=time_in_force,
            client_order_id=client_order_id,
            self_trade_prevention=self_trade_prevention,
            call="replace_order",
        )
        self._may_act()
        await self._check_rules(draft, call="replace_order")
        given = {"terms": terms_of(draft), **({"given": True} if draft.client_order_id is not None else {})}
        id_ = draft.client_order_id or new_id()
        request = self._trading_venue.replace(
            ref, draft.changed(client_order_id=id_), new_id(), go_on=if_cancel_fails == "place"
        )
        act = Act("replace_order", ref.symbol, id_, request, {**self._about_order(ref), **given})
        done = await self._explaining(self._act(act), draft, call="replace_order")
        if done.canceled is None and done.order is None:
            failure = done.cancel_error or done.order_error
            assert failure is not None
            raise failure
        return done

    @public
    async def amend_order(self, symbol: str, order: int | str | Order, quantity: Any) -> Order:
        """Lower an order's quantity; it keeps its place in the book.

        Parameters
        ----------
        symbol, order
            As in ``cancel_order``.
        quantity
            The new quantity in base asset: below the old one.

        Returns
        -------
        Order
            As it is now; its client order id is a new one.

        Raises
        ------
        ValidationError
            Not a quantity, or not below the order's own where that is known.
        OrderRejected, OrderNotFound
            The exchange refused.
        NotSent, OutcomeUnknown, TradingNotEnabled, ConfigurationError
            As ``place_order``.

        Notes
        -----
        Cost: weight 4.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
        (order/amend/keepPriority).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     order = await session.buy("BTCUSDT", "0.002", price="10000")
        ...     (await session.amend_order("BTCUSDT", order, "0.001")).quantity
        Decimal('0.00100000')
        """
        ref = ref_of(symbol, order)
        amount: Decimal = decimal_of(quantity, "quantity")
        if isinstance(order, Order) and order.quantity is not None and amount >= order.quantity:
            raise ValidationError(
                f"quantity must be below the order's own, {plain(order.quantity)}: an amend only lowers it.",
                recovery_suggestions=["To raise it, cancel it and place another: replace_order(...)."],
            )
        id_ = new_id()
        request = self._trading_venue.amend(ref, amount, id_)
        try:
            amended = await self._act(Act("amend_order", ref.symbol, id_, request, _about(ref)))
        except FilterFailure as error:
            await self._suggest_amount(error, ref, amount)
            raise
        self._noticed(ref.client_order_id, amended)  # which has another id now
        return amended

    def _about_order(self, ref: OrderRef) -> dict[str, Any]:
        """An order to be canceled, and whether it is known to have ended: then no act of now has canceled it."""
        known = self._blotter.named(ref.symbol, ref.order_id, ref.client_order_id)
        return {**_about(ref), **({"ended": [known.order_id]} if known is not None and known.is_final else {})}

    async def _suggest_amount(self, error: FilterFailure, ref: OrderRef, amount: Decimal) -> None:
        """The nearest quantity that keeps the rules, of an order of which only the id was known."""
        with contextlib.suppress(CryptoxError):
            order = await self._ask_signed(self._trading_venue.order(ref))
            self._forget_rules(ref.symbol)
            names = ("symbol", "side", "type", "price", "stop_price", "time_in_force", "iceberg_quantity")
            draft = Draft(quantity=amount, **{name: getattr(order, name) for name in names})
            rules, reference, breaches = await self._judged(draft)
            nearest = rules.nearest(draft, reference)
            if not breaches or nearest is None or nearest != draft.changed(quantity=nearest.quantity):
                return
            if order.quantity is not None and order.filled < (nearest.quantity or 0) < order.quantity:
                error.suggested = {"quantity": plain(nearest.quantity or Decimal(0))}
                error.recovery_suggestions = [f"Use quantity={error.suggested['quantity']!r}."]


def ref_of(symbol: str, order: int | str | Order) -> OrderRef:
    """An order as the user named it.

    Raises
    ------
    BadSymbol, ValidationError
        Not a symbol, no id, or an ``Order`` of another symbol.
    """
    name = normalise_symbol(symbol)
    if isinstance(order, Order):
        if order.symbol != name:
            raise ValidationError(
                f"That order is one of {order.symbol}, not of {name}.", suggested={"symbol": order.symbol}
            )
        return OrderRef(name, order.order_id, None)
    if hasattr(order, "item") and getattr(order, "shape", None) == ():
        order = order.item()
    if isinstance(order, int) and not isinstance(order, bool) and order >= 0:
        return OrderRef(name, order, None)
    if isinstance(order, str) and order.strip():
        return OrderRef(name, None, order.strip())
    raise ValidationError(
        f"order must be an order id, a client order id or an Order, not {order!r}.",
        recovery_suggestions=["open_orders(symbol) lists the ids of open orders."],
    )


def _about(ref: OrderRef) -> dict[str, Any]:
    given = {"order_id": ref.order_id, "client_order_id": ref.client_order_id}
    return {name: value for name, value in given.items() if value is not None}


def _is(order: Order, ref: OrderRef) -> bool:
    return order.order_id == ref.order_id or order.client_order_id == ref.client_order_id

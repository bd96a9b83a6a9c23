"""Binance as a venue that takes orders: our questions to signed requests. No I/O, no decisions.

Every placement asks for the FULL answer, whatever the type of the order. Amounts go out as plain decimal text.
Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints and
.../account-endpoints (July 2026).
"""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

from cryptox.errors import ExchangeError
from cryptox.model.account import Account, Fees, KeyRights
from cryptox.model.numbers import plain
from cryptox.model.orders import Draft, Fill, Order, OrderList, Replaced
from cryptox.transport.crypto import Signer
from cryptox.transport.messages import Answer, Limit, Outgoing, Usage
from cryptox.venues.port import Request
from cryptox.venues.trading import OrderRef, OrderRules

from . import account, headers, limits, orders, refusals, signing
from . import endpoints as ep
from .codes import Code
from .filters import FilterRules
from .questions import question, time_range
from .read import read_as
from .wire.general import ExchangeInfo
from .wire.market import AveragePrice, ReferencePrice
from .words import CancelReplaceMode, ResponseType

__all__ = ["BinanceTrading", "tells"]

_FULL = {"newOrderRespType": ResponseType.FULL.value}

# Fields of a draft that are parameters of every order, by the names of a single order; a leg puts its name before.
_FIELDS = {
    "time_in_force": "timeInForce",
    "price": "price",
    "stop_price": "stopPrice",
    "trailing_delta": "trailingDelta",
    "iceberg_quantity": "icebergQty",
}


class BinanceTrading:
    """The part of the venue that is about an account and its orders."""

    name: str

    def authorised(self, unsigned: Outgoing, signer: Signer, *, timestamp_ms: int, recv_window_ms: int) -> Outgoing:
        """The request with key, time and signature, for the moment of sending."""
        return signing.authorised(unsigned, signer, timestamp_ms=timestamp_ms, recv_window_ms=recv_window_ms)

    def order_rules(self, symbol: str) -> Request[OrderRules]:
        """What the symbol demands of orders."""
        return question("order_rules", ep.EXCHANGE_INFO, {"symbol": symbol}, _read_rules, symbol=symbol)

    def reference_price(self, symbol: str) -> Request[Decimal | None]:
        """The exchange's reference price; None where it has none for the symbol."""
        return question("reference_price", ep.REFERENCE_PRICE, {"symbol": symbol}, _read_reference, symbol=symbol)

    def average_price(self, symbol: str) -> Request[Decimal]:
        """The average price that rules compare with where there is no reference price."""
        return question("average_price", ep.AVG_PRICE, {"symbol": symbol}, _read_average, symbol=symbol)

    def place(self, draft: Draft) -> Request[Order]:
        """Place an order; ``client_order_id`` is set."""
        return question("place_order", ep.NEW_ORDER, _single(draft), orders.read_placed, **_named(draft))

    def test(self, draft: Draft) -> Request[Fees]:
        """Have the exchange check an order without placing it; what it would pay."""
        params = {**_single(draft), "computeCommissionRates": "true"}
        reader = functools.partial(account.read_test, symbol=draft.symbol)
        return question("test_order", ep.TEST_ORDER, params, reader, **_named(draft))

    def cancel(self, ref: OrderRef, cancel_id: str) -> Request[Order | OrderList]:
        """Cancel an order; an order of a list takes the whole list with it."""
        params = {"symbol": ref.symbol, **_id(ref), "newClientOrderId": cancel_id}
        return question("cancel_order", ep.CANCEL_ORDER, params, orders.read_canceled, **_found(ref))

    def cancel_all(self, symbol: str) -> Request[list[Order]]:
        """Cancel all open orders of a symbol, those of lists included. Nothing open is an ``OrderNotFound``."""
        params = {"symbol": symbol}
        return question("cancel_all", ep.CANCEL_OPEN_ORDERS, params, orders.read_canceled_all, symbol=symbol)

    def replace(self, ref: OrderRef, draft: Draft, cancel_id: str, *, go_on: bool) -> Request[Replaced]:
        """Cancel one order and place another; ``go_on`` places it even if the cancel fails."""
        mode = CancelReplaceMode.ALLOW_FAILURE if go_on else CancelReplaceMode.STOP_ON_FAILURE
        params = {
            **_single(draft),
            "cancelReplaceMode": mode.value,
            **_id(ref, "cancelOrderId", "cancelOrigClientOrderId"),
            "cancelNewClientOrderId": cancel_id,
        }
        context = {"venue": self.name, "endpoint": ep.CANCEL_REPLACE.path, **_named(draft)}
        reader = functools.partial(orders.read_replaced, ref=ref, context={"operation": "replace_order", **context})
        return question("replace_order", ep.CANCEL_REPLACE, params, reader, **_named(draft))

    def amend(self, ref: OrderRef, quantity: Decimal, new_id: str) -> Request[Order]:
        """Lower an order's quantity; it keeps its place in the book and takes ``new_id`` as its client order id."""
        params = {"symbol": ref.symbol, **_id(ref), "newClientOrderId": new_id, "newQty": plain(quantity)}
        return question("amend_order", ep.AMEND_ORDER, params, orders.read_amended, **_found(ref))

    def place_oco(self, symbol: str, above: Draft, below: Draft, list_id: str) -> Request[OrderList]:
        """Place a pair of which one order ends the other. Side and quantity are those of ``above``."""
        params = {
            **_list(symbol, list_id, above),
            "side": above.side.upper(),
            "quantity": _amount(above.quantity),
            **_leg("above", above),
            **_leg("below", below),
        }
        return _list_question("place_oco", ep.NEW_OCO, params)

    def place_oto(self, symbol: str, working: Draft, pending: Draft, list_id: str) -> Request[OrderList]:
        """Place an order that starts another once it is filled."""
        params = {
            **_list(symbol, list_id, working),
            **_working(working),
            "pendingSide": pending.side.upper(),
            "pendingQuantity": _amount(pending.quantity),
            **_leg("pending", pending),
        }
        return _list_question("place_oto", ep.NEW_OTO, params)

    def place_otoco(self, symbol: str, working: Draft, above: Draft, below: Draft, list_id: str) -> Request[OrderList]:
        """Place an order that starts a pair once it is filled. The pair's side and quantity are those of ``above``."""
        params = {
            **_list(symbol, list_id, working),
            **_working(working),
            "pendingSide": above.side.upper(),
            "pendingQuantity": _amount(above.quantity),
            **_leg("pendingAbove", above),
            **_leg("pendingBelow", below),
        }
        return _list_question("place_otoco", ep.NEW_OTOCO, params)

    def cancel_list(
        self, symbol: str, *, order_list_id: int | None, client_order_id: str | None, cancel_id: str
    ) -> Request[OrderList]:
        """Cancel an order list."""
        named = {"order_list_id": order_list_id, "list_client_order_id": client_order_id}
        ids = _either("orderListId", order_list_id, "listClientOrderId", client_order_id)
        params = {"symbol": symbol, **ids, "newClientOrderId": cancel_id}
        reader = orders.read_list_canceled
        return question("cancel_order_list", ep.CANCEL_ORDER_LIST, params, reader, symbol=symbol, **_given(named))

    def order(self, ref: OrderRef) -> Request[Order]:
        """One order."""
        return question("order", ep.ORDER, {"symbol": ref.symbol, **_id(ref)}, orders.read_order, **_found(ref))

    def former_ids(self, symbol: str, order_id: int) -> Request[frozenset[str]]:
        """Client order ids that an order had before its amends, or has by one."""
        params = {"symbol": symbol, "orderId": str(order_id), "limit": "1000"}
        return question("order_amendments", ep.AMENDMENTS, params, orders.read_names, symbol=symbol, order_id=order_id)

    def order_list(self, *, order_list_id: int | None, client_order_id: str | None) -> Request[OrderList]:
        """One order list, by the ids of its orders."""
        params = _either("orderListId", order_list_id, "origClientOrderId", client_order_id)
        named = {"order_list_id": order_list_id, "list_client_order_id": client_order_id}
        return question("order_list", ep.ORDER_LIST, params, orders.read_list, **_given(named))

    def open_orders(self, symbol: str | None) -> Request[list[Order]]:
        """Orders to which more may happen."""
        params = _given({"symbol": symbol})
        return question("open_orders", ep.OPEN_ORDERS, params, orders.read_orders, **params)

    def orders(
        self, symbol: str, *, start_ms: int | None, end_ms: int | None, from_id: int | None, limit: int
    ) -> Request[list[Order]]:
        """Orders by time or from an id on, oldest first."""
        params = {"symbol": symbol, **time_range(start_ms, end_ms), "limit": str(limit)}
        if from_id is not None:
            params["orderId"] = str(from_id)
        return question("orders", ep.ALL_ORDERS, params, orders.read_orders, symbol=symbol)

    def fills(
        self,
        symbol: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        from_id: int | None,
        limit: int,
        order_id: int | None = None,
    ) -> Request[list[Fill]]:
        """Executions by time, from an id on, or of one order (with ``from_id``, without times), oldest first."""
        params = {"symbol": symbol, **time_range(start_ms, end_ms), "limit": str(limit)}
        if from_id is not None:
            params["fromId"] = str(from_id)
        if order_id is not None:
            params["orderId"] = str(order_id)
        return question("fills", ep.MY_TRADES, params, orders.read_fills, symbol=symbol)

    def account(self, *, zeros: bool = False) -> Request[Account]:
        """Rights, commission and balances: those that are not zero, or with ``zeros`` all."""
        params = {} if zeros else {"omitZeroBalances": "true"}
        return question("account", ep.ACCOUNT, params, account.read_account)

    def key_rights(self) -> Request[KeyRights]:
        """What the key itself may do: of the wallet's API, which testnets and binance.us do not have."""
        return question("key_rights", ep.API_RESTRICTIONS, {}, account.read_key_rights)

    def fees(self, symbol: str) -> Request[Fees]:
        """Commission on a symbol."""
        return question("fees", ep.COMMISSION, {"symbol": symbol}, account.read_fees, symbol=symbol)

    def order_counts(self) -> Request[tuple[tuple[Limit, int], ...]]:
        """Limits of orders in a window, and how much of each is used."""
        return question("limits", ep.ORDER_COUNT, {}, account.read_order_counts)

    def order_usage(self, answer: Answer) -> tuple[Usage, ...]:
        """What an answer's headers say of the account's order counts."""
        return headers.order_counts(answer.headers)


def tells(request: Request[Any], answer: Answer) -> bool:
    """Whether a definite refusal is an answer to what was asked: half of a replacement, no reference price."""
    if request.path not in (ep.CANCEL_REPLACE.path, ep.REFERENCE_PRICE.path):
        return False
    words = refusals.words_of(answer)
    if words is None:
        return False
    if request.path == ep.REFERENCE_PRICE.path:
        return words.code == Code.NO_REFERENCE_PRICE
    return "cancelResult" in words.data and "newOrderResult" in words.data


def _read_rules(answer: Answer) -> OrderRules:
    info = read_as(answer, ExchangeInfo)
    if len(info.symbols) != 1:
        raise ExchangeError(f"The answer holds the rules of {len(info.symbols)} symbols, not of one.")
    return FilterRules(info.symbols[0], limits.all_limits(info.rate_limits))


def _read_reference(answer: Answer) -> Decimal | None:
    if not 200 <= answer.status < 300:
        return None  # ``tells`` lets only that refusal pass
    return read_as(answer, ReferencePrice[Decimal]).price


def _read_average(answer: Answer) -> Decimal:
    return read_as(answer, AveragePrice[Decimal]).price


def _single(draft: Draft) -> dict[str, str]:
    """Parameters of an order on its own."""
    quantities = {"quantity": draft.quantity, "quoteOrderQty": draft.quote_quantity}
    return {
        "symbol": draft.symbol,
        "side": draft.side.upper(),
        "type": draft.type,
        **{name: plain(value) for name, value in quantities.items() if value is not None},
        **{name: _text(getattr(draft, field)) for field, name in _FIELDS.items() if getattr(draft, field) is not None},
        **_given({"newClientOrderId": draft.client_order_id}),
        **_given({"selfTradePreventionMode": draft.self_trade_prevention}),
        **_FULL,
    }


def _list(symbol: str, list_id: str, first: Draft) -> dict[str, str]:
    """Parameters of a list itself."""
    prevention = _given({"selfTradePreventionMode": first.self_trade_prevention})
    return {"symbol": symbol, "listClientOrderId": list_id, **_FULL, **prevention}


def _leg(prefix: str, draft: Draft) -> dict[str, str]:
    """Parameters of one order of a list; side and quantity stand elsewhere."""
    found = {"Type": draft.type, **_given({"ClientOrderId": draft.client_order_id})}
    for field, name in _FIELDS.items():
        if getattr(draft, field) is not None:
            found[name[0].upper() + name[1:]] = _text(getattr(draft, field))
    return {prefix + name: value for name, value in found.items()}


def _working(draft: Draft) -> dict[str, str]:
    side, quantity = draft.side.upper(), _amount(draft.quantity)
    return {"workingSide": side, "workingQuantity": quantity, **_leg("working", draft)}


def _list_question(operation: str, endpoint: ep.Endpoint, params: dict[str, str]) -> Request[OrderList]:
    named = {"symbol": params["symbol"], "list_client_order_id": params["listClientOrderId"]}
    return question(operation, endpoint, params, orders.read_list_placed, **named)


def _id(ref: OrderRef, number: str = "orderId", name: str = "origClientOrderId") -> dict[str, str]:
    """The exchange's own id where it is known: an amend changes the other one."""
    return _either(number, ref.order_id, name, ref.client_order_id)


def _either(number: str, value: int | None, name: str, text: str | None) -> dict[str, str]:
    if value is not None:
        return {number: str(value)}
    if text is None:
        raise ValueError("neither of two ids is given")
    return {name: text}


def _named(draft: Draft) -> dict[str, str]:
    """What errors of an order say of it."""
    return {"symbol": draft.symbol, **_given({"client_order_id": draft.client_order_id})}


def _found(ref: OrderRef) -> dict[str, Any]:
    given = {"order_id": ref.order_id, "client_order_id": ref.client_order_id}
    return {"symbol": ref.symbol, **_given(given)}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _amount(quantity: Decimal | None) -> str:
    if quantity is None:
        raise ValueError("a leg of a list has no quantity")
    return plain(quantity)


def _text(value: Any) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)

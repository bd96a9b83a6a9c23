"""Answers about orders to records: the payloads of the documentation (facts: rest.md, sections 4 to 8)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ExchangeError, OrderNotFound, OrderRejected, RateLimited
from cryptox.model.orders import Fill, Order, OrderList
from cryptox.transport.messages import Answer
from cryptox.venues.binance import orders as o
from cryptox.venues.trading import OrderRef

D = Decimal

PLACED_MS, CANCELED_MS = 1767225600123, 1767225600223
MARKET: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": "x-1",
    "transactTime": PLACED_MS,
    "price": "0.00000000",
    "origQty": "0.30000000",
    "executedQty": "0.30000000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "28350.00200000",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "BUY",
    "workingTime": PLACED_MS,
    "fills": [
        {
            "price": "94500.00000000",
            "qty": "0.10000000",
            "commission": "0.00010000",
            "commissionAsset": "BTC",
            "tradeId": 56,
        },
        {
            "price": "94500.01000000",
            "qty": "0.20000000",
            "commission": "0.00020000",
            "commissionAsset": "BTC",
            "tradeId": 57,
        },
    ],
    "selfTradePreventionMode": "EXPIRE_MAKER",
}
CANCEL: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "origClientOrderId": "x-1",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": "cancel-1",
    "transactTime": CANCELED_MS,
    "price": "90000.00000000",
    "origQty": "0.30000000",
    "executedQty": "0.10000000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "9000.00000000",
    "status": "CANCELED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
    "selfTradePreventionMode": "EXPIRE_MAKER",
}
ROW: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": "x-1",
    "price": "90000.00000000",
    "origQty": "0.30000000",
    "executedQty": "0.00000000",
    "cummulativeQuoteQty": "0.00000000",
    "status": "NEW",
    "timeInForce": "GTC",
    "type": "STOP_LOSS_LIMIT",
    "side": "SELL",
    "stopPrice": "91000.00000000",
    "icebergQty": "0.10000000",
    "time": PLACED_MS,
    "updateTime": CANCELED_MS,
    "isWorking": False,
    "workingTime": -1,
    "origQuoteOrderQty": "0.00000000",
    "selfTradePreventionMode": "NONE",
}
AMEND: dict[str, Any] = {
    "transactTime": CANCELED_MS,
    "executionId": 75,
    "amendedOrder": {
        "symbol": "BTCUSDT",
        "orderId": 33,
        "orderListId": -1,
        "origClientOrderId": "a",
        "clientOrderId": "b",
        "price": "90000.00000000",
        "qty": "0.20000000",
        "executedQty": "0.05000000",
        "preventedQty": "0.01000000",
        "quoteOrderQty": "0.00000000",
        "cumulativeQuoteQty": "4500.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "SELL",
        "workingTime": PLACED_MS,
        "selfTradePreventionMode": "NONE",
    },
}
LIST: dict[str, Any] = {
    "orderListId": 1,
    "contingencyType": "OCO",
    "listStatusType": "EXEC_STARTED",
    "listOrderStatus": "EXECUTING",
    "listClientOrderId": "L1",
    "transactionTime": PLACED_MS,
    "symbol": "BTCUSDT",
    "orders": [
        {"symbol": "BTCUSDT", "orderId": 10, "clientOrderId": "p"},
        {"symbol": "BTCUSDT", "orderId": 11, "clientOrderId": "q"},
    ],
}
HALF = {"code": -2011, "msg": "Unknown order sent."}
CONTEXT = {"venue": "binance", "operation": "replace_order", "symbol": "BTCUSDT"}
REF = OrderRef("BTCUSDT", order_id=28)


def answer(body: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json;charset=UTF-8"}, json.dumps(body).encode(), 0.0, 0.1)


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def test_a_market_order_in_full() -> None:
    order = o.read_placed(answer(MARKET))
    assert order == Order(
        symbol="BTCUSDT",
        order_id=28,
        client_order_id="x-1",
        side="buy",
        type="MARKET",
        status="filled",
        price=None,
        quantity=D("0.3"),
        filled=D("0.3"),
        quote_filled=D("28350.002"),
        time_in_force="GTC",
        time_ms=PLACED_MS,
        updated_ms=PLACED_MS,
        working_ms=PLACED_MS,
        is_working=True,
        self_trade_prevention="EXPIRE_MAKER",
    )
    assert order.fills == (
        Fill(
            time_ms=PLACED_MS,
            symbol="BTCUSDT",
            id=56,
            order_id=28,
            side="buy",
            price=D(94500),
            quantity=D("0.1"),
            quote_quantity=D(9450),
            fee=D("0.0001"),
            fee_asset="BTC",
            maker=False,
        ),
        Fill(
            time_ms=PLACED_MS,
            symbol="BTCUSDT",
            id=57,
            order_id=28,
            side="buy",
            price=D("94500.01"),
            quantity=D("0.2"),
            quote_quantity=D("18900.002"),
            fee=D("0.0002"),
            fee_asset="BTC",
            maker=False,
        ),
    )
    assert order.average_price == D("94500.00666667")
    assert (order.is_final, order.remaining) == (True, 0)
    assert order.time == datetime(2026, 1, 1, 0, 0, 0, 123000, UTC)


def test_a_result_has_no_fills_and_a_resting_stop_no_working_time() -> None:
    stop = {**without(MARKET, "fills"), "type": "STOP_LOSS", "status": "NEW", "stopPrice": "1.50", "workingTime": -1}
    order = o.read_placed(answer({**stop, "executedQty": "0", "cummulativeQuoteQty": "0"}))
    assert (order.fills, order.working_ms, order.is_working) == ((), None, False)
    assert (order.stop_price, order.status, order.average_price) == (D("1.5"), "new", None)


def test_what_only_some_orders_have() -> None:
    more = {
        "icebergQty": "0.10000000",
        "trailingDelta": 25,
        "trailingTime": -1,
        "strategyId": 1,
        "strategyType": 1000000,
        "preventedMatchId": 3,
        "preventedQuantity": "0.05000000",
        "preventedMatches": [],
        "tradeGroupId": -1,
        "expiryReason": "UNFILLED_IOC_QUANTITY_EXPIRED",
        "orderListId": 0,
        "origQuoteOrderQty": "12.5",
        "status": "EXPIRED_IN_MATCH",
        "pegPriceType": "PRIMARY_PEG",
        "peggedPrice": "87523.83000000",
        "someThingNew": {"of": 2027},
    }
    order = o.read_placed(answer({**MARKET, **more}))
    assert (order.iceberg_quantity, order.trailing_delta, order.prevented) == (D("0.1"), 25, D("0.05"))
    assert (order.expiry_reason, order.status) == ("UNFILLED_IOC_QUANTITY_EXPIRED", "expired_in_match")
    assert type(order.expiry_reason) is type(order.status) is type(order.type) is type(order.side) is str
    assert (order.order_list_id, order.quote_quantity, order.price) == (0, D("12.5"), D("87523.83"))
    assert o.read_placed(answer({**MARKET, "expiryReason": "NONE"})).expiry_reason is None


def test_a_pending_order_that_waits_for_what_is_bought_has_no_quantity() -> None:
    pending = {**without(MARKET, "origQty", "fills"), "status": "PENDING_NEW", "executedQty": "0", "workingTime": -1}
    order = o.read_placed(answer(pending))
    assert (order.quantity, order.remaining, order.status, order.is_active) == (None, None, "pending_new", True)
    told_later = o.read_order(answer({**ROW, "origQty": "0.00000000", "status": "PENDING_NEW"}))
    assert told_later.quantity is None
    nothing_bought = o.read_order(answer({**ROW, "origQty": "0.00000000", "status": "EXPIRED"}))
    assert nothing_bought.quantity == 0


def test_a_cancel_keeps_the_orders_own_id() -> None:
    order = o.read_canceled(answer(CANCEL))
    assert isinstance(order, Order)
    assert (order.client_order_id, order.status, order.filled) == ("x-1", "canceled", D("0.1"))
    assert (order.time_ms, order.updated_ms, order.working_ms, order.is_working) == (None, CANCELED_MS, None, None)
    assert (order.price, order.order_list_id, order.remaining) == (D(90000), None, D("0.2"))


def test_a_cancel_of_an_order_in_a_list_is_the_list() -> None:
    reports = [{**CANCEL, "orderId": number, "origClientOrderId": name} for number, name in ((11, "q"), (10, "p"))]
    done = {**LIST, "listStatusType": "ALL_DONE", "listOrderStatus": "ALL_DONE", "orderReports": reports}
    found = o.read_canceled(answer(done))
    assert isinstance(found, OrderList)
    assert found == o.read_list_canceled(answer(done))
    assert [(one.order_id, one.client_order_id) for one in found.orders] == [(10, "p"), (11, "q")]
    assert (found.status, found.is_final, found.contingency) == ("all_done", True, "oco")
    every = o.read_canceled_all(answer([CANCEL, done]))
    assert [one.order_id for one in every] == [28, 10, 11]
    assert o.read_canceled_all(answer([])) == []


def test_an_order_of_a_query() -> None:
    order = o.read_order(answer(ROW))
    assert order == Order(
        symbol="BTCUSDT",
        order_id=28,
        client_order_id="x-1",
        side="sell",
        type="STOP_LOSS_LIMIT",
        status="new",
        price=D(90000),
        quantity=D("0.3"),
        filled=D(0),
        quote_filled=D(0),
        time_in_force="GTC",
        stop_price=D(91000),
        time_ms=PLACED_MS,
        updated_ms=CANCELED_MS,
        iceberg_quantity=D("0.1"),
        self_trade_prevention="NONE",
        is_working=False,
    )
    old = o.read_orders(answer([{**ROW, "cummulativeQuoteQty": "-1.00000000", "stopPrice": "0.00000000"}]))
    assert (old[0].quote_filled, old[0].stop_price) == (None, None)
    assert o.read_orders(answer([])) == []


def test_an_amended_order_has_the_new_id() -> None:
    order = o.read_amended(answer(AMEND))
    assert (order.client_order_id, order.order_id, order.quantity) == ("b", 33, D("0.2"))
    assert (order.filled, order.quote_filled, order.prevented) == (D("0.05"), D(4500), D("0.01"))
    assert (order.updated_ms, order.time_ms, order.working_ms) == (CANCELED_MS, None, PLACED_MS)
    assert order.remaining == D("0.14")
    assert order.is_working
    waits = o.read_amended(answer({**AMEND, "amendedOrder": {**AMEND["amendedOrder"], "workingTime": -1}}))
    assert (waits.is_working, waits.working_ms) == (False, None)
    state = without(LIST, "listStatusType", "transactionTime")
    assert o.read_amended(answer({**AMEND, "listStatus": state})) == order


def test_the_names_that_an_order_had() -> None:
    amends = [
        {
            "symbol": "BTCUSDT",
            "orderId": 33,
            "executionId": number,
            "origClientOrderId": old,
            "newClientOrderId": new,
            "origQty": "2.00000000",
            "newQty": "1.00000000",
            "time": PLACED_MS,
        }
        for number, old, new in ((1, "a", "b"), (2, "b", "c"))
    ]
    assert o.read_names(answer(amends)) == {"a", "b", "c"}
    assert o.read_names(answer([])) == frozenset()
    with pytest.raises(ExchangeError):
        o.read_names(answer([without(amends[0], "newClientOrderId")]))


def test_a_list_as_placed_and_as_queried() -> None:
    reports = [{**MARKET, "orderId": 11, "clientOrderId": "q"}, {**MARKET, "orderId": 10, "clientOrderId": "p"}]
    placed = o.read_list_placed(answer({**LIST, "orderReports": reports}))
    assert [one.client_order_id for one in placed.orders] == ["p", "q"]
    assert (placed.order_list_id, placed.client_order_id, placed.symbol) == (1, "L1", "BTCUSDT")
    assert (placed.status, placed.is_active, placed.time_ms) == ("executing", True, PLACED_MS)
    told = o.read_list(answer(LIST))
    assert (told.orders, told.order_ids) == ((), (10, 11))
    assert o.read_list(answer({**LIST, "listOrderStatus": "REJECT"})).status == "reject"


def test_fills_of_an_account() -> None:
    row = {
        "symbol": "BTCUSDT",
        "id": 56,
        "orderId": 28,
        "orderListId": -1,
        "price": "94500.00000000",
        "qty": "0.10000000",
        "quoteQty": "9450.00000000",
        "commission": "0.00010000",
        "commissionAsset": "BTC",
        "time": PLACED_MS,
        "isBuyer": False,
        "isMaker": True,
        "isBestMatch": True,
    }
    bought = {**row, "id": 57, "isBuyer": True, "isMaker": False}
    assert [(one.id, one.side, one.maker) for one in o.read_fills(answer([row, bought]))] == [
        (56, "sell", True),
        (57, "buy", False),
    ]
    assert o.read_fills(answer([row])) == [
        Fill(
            time_ms=PLACED_MS,
            symbol="BTCUSDT",
            id=56,
            order_id=28,
            side="sell",
            price=D(94500),
            quantity=D("0.1"),
            quote_quantity=D(9450),
            fee=D("0.0001"),
            fee_asset="BTC",
            maker=True,
        )
    ]


def halves(cancel: Any, new: Any) -> dict[str, Any]:
    results = [
        "NOT_ATTEMPTED" if half is None else "FAILURE" if "code" in half else "SUCCESS" for half in (cancel, new)
    ]
    return {
        "cancelResult": results[0],
        "newOrderResult": results[1],
        "cancelResponse": cancel,
        "newOrderResponse": new,
    }


def test_both_halves_of_a_replacement() -> None:
    both = o.read_replaced(answer(halves(CANCEL, MARKET)), REF, CONTEXT)
    assert both.canceled == o.read_canceled(answer(CANCEL))
    assert both.order == o.read_placed(answer(MARKET))
    assert (both.cancel_error, both.order_error) == (None, None)


def test_a_replacement_of_which_one_half_was_done() -> None:
    low = {"code": -2010, "msg": "Account has insufficient balance for requested action."}
    body = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": halves(CANCEL, low)}
    first = o.read_replaced(answer(body, 409), REF, CONTEXT)
    assert (first.canceled is not None, first.order, first.cancel_error) == (True, None, None)
    assert isinstance(first.order_error, OrderRejected)
    assert first.order_error.code == -2010
    assert first.order_error.context["operation"] == "replace_order"
    body = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": halves(HALF, MARKET)}
    second = o.read_replaced(answer(body, 409), REF, CONTEXT)
    assert (second.canceled, second.order is not None, second.order_error) == (None, True, None)
    assert isinstance(second.cancel_error, OrderNotFound)


def test_a_replacement_of_which_nothing_was_done() -> None:
    body = {"code": -2022, "msg": "Order cancel-replace failed.", "data": halves(HALF, None)}
    stopped = o.read_replaced(answer(body, 400), REF, CONTEXT)
    assert (stopped.canceled, stopped.order, stopped.order_error) == (None, None, None)
    assert isinstance(stopped.cancel_error, OrderNotFound)
    many = {"code": -1015, "msg": "Too many new orders; current limit is 100 orders per 10 SECOND."}
    both = o.read_replaced(answer({"code": -2022, "msg": "", "data": halves(HALF, many)}, 429), REF, CONTEXT)
    assert isinstance(both.order_error, RateLimited)
    assert both.order_error.retry_after


def test_a_replaced_order_that_was_in_a_list() -> None:
    reports = [{**CANCEL, "orderId": number} for number in (10, 11)]
    done = {**LIST, "listStatusType": "ALL_DONE", "listOrderStatus": "ALL_DONE", "orderReports": reports}
    by_id = o.read_replaced(answer(halves(done, MARKET)), OrderRef("BTCUSDT", order_id=11), CONTEXT)
    assert by_id.canceled is not None
    assert by_id.canceled.order_id == 11
    reports[0]["origClientOrderId"] = "p"
    by_name = o.read_replaced(answer(halves(done, MARKET)), OrderRef("BTCUSDT", client_order_id="p"), CONTEXT)
    assert by_name.canceled is not None
    assert by_name.canceled.order_id == 10


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (o.read_placed, without(MARKET, "orderId")),
        (o.read_placed, {**MARKET, "status": "FLOATING"}),
        (o.read_placed, {**MARKET, "price": "dear"}),
        (o.read_placed, {}),
        (o.read_canceled, {**CANCEL, "side": "HOLD"}),
        (o.read_canceled, {"contingencyType": "OCO"}),
        (o.read_canceled_all, CANCEL),
        (o.read_orders, [without(ROW, "time")]),
        (o.read_amended, without(AMEND, "amendedOrder")),
        (o.read_list, without(LIST, "orders")),
    ],
)
def test_another_answer_is_an_error(read: Any, body: Any) -> None:
    with pytest.raises(ExchangeError, match="not what was asked for"):
        read(answer(body))


AMOUNTS = st.integers(0, 10**17).map(lambda units: D(units).scaleb(-8))


@given(price=AMOUNTS, quantity=AMOUNTS)
def test_the_value_of_a_fill_is_cut_to_eight_decimals(price: D, quantity: D) -> None:
    exact = int(price.scaleb(8)) * int(quantity.scaleb(8))
    assert o.quote_value(price, quantity) == D(exact // 10**8).scaleb(-8)

"""Orders and order lists as queries tell them: which are found, in which order, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.words import OrderStatus

NOW_US = 1_717_243_230_500_000  # 2024-06-01 12:00:30.5
HOUR_US, DAY_MS = 3_600_000_000, 86_400_000
BTC = {"symbol": "BTCUSDT"}
BAD_COMBINATION = (-1128, "Combination of optional parameters invalid.")
TOO_WIDE = (-1127, "More than 24 hours between startTime and endTime.")


def test_an_order_as_documented(seen: Any) -> None:
    seen.order(28, created_us=NOW_US, working_us=NOW_US)
    moment = NOW_US // 1_000
    wanted = {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "orderListId": -1,
        "clientOrderId": "c28",
        "price": "90000.00000000",
        "origQty": "0.30000000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": moment,
        "updateTime": moment,
        "isWorking": True,
        "workingTime": moment,
        "origQuoteOrderQty": "0.00000000",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }
    assert seen(ep.ORDER, **BTC, orderId=28) == wanted
    assert seen(ep.ORDER, **BTC, origClientOrderId="c28") == wanted
    assert seen(ep.ORDER, **BTC, orderId=28, origClientOrderId="c28") == wanted
    assert seen(ep.OPEN_ORDERS) == [wanted]
    assert seen(ep.ALL_ORDERS, **BTC) == [wanted]


def test_orders_that_are_not_found(seen: Any) -> None:
    seen.order(28)
    seen.order(29, uid=1)
    gone = (-2013, "Order does not exist.")
    assert seen(ep.ORDER, **BTC, orderId=27) == gone
    assert seen(ep.ORDER, **BTC, orderId=29) == gone
    assert seen(ep.ORDER, **BTC, origClientOrderId="c29") == gone
    assert seen(ep.ORDER, symbol="ETHUSDT", orderId=28) == gone
    assert seen(ep.ORDER, **BTC) == (
        -1102,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
    )
    assert seen(ep.ORDER, **BTC, orderId=28, origClientOrderId="x") == (
        -2039,
        "Client order ID is not correct for this order ID.",
    )
    assert seen(ep.ORDER, **BTC, origClientOrderId="x y")[0] == -1100
    assert seen(ep.ORDER, orderId=28)[0] == -1102


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH])
def test_unfilled_orders_are_forgotten_after_ninety_days(seen: Any, status: OrderStatus) -> None:
    limit_us = NOW_US - 90 * DAY_MS * 1_000
    seen.order(1, status=status, updated_us=limit_us)
    seen.order(2, status=status, updated_us=limit_us - 1)
    seen.order(3, status=status, updated_us=limit_us - 1, executed=5)
    seen.order(4, status=OrderStatus.NEW, updated_us=limit_us - 1)
    assert [isinstance(seen(ep.ORDER, **BTC, orderId=number), dict) for number in (1, 3, 4)] == [True] * 3
    assert seen(ep.ORDER, **BTC, orderId=2) == (
        -2026,
        "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
    )


def test_open_orders_of_one_symbol_or_all(seen: Any) -> None:
    seen.order(1)
    seen.order(2, status=OrderStatus.PARTIALLY_FILLED)
    seen.order(3, status=OrderStatus.FILLED)
    seen.order(4, symbol="ETHUSDT")
    seen.order(5, uid=1)
    assert [(row["symbol"], row["orderId"]) for row in seen(ep.OPEN_ORDERS)] == [
        ("BTCUSDT", 1),
        ("BTCUSDT", 2),
        ("ETHUSDT", 4),
    ]
    assert [row["orderId"] for row in seen(ep.OPEN_ORDERS, symbol="ETHUSDT")] == [4]
    assert seen(ep.OPEN_ORDERS, symbol="PEPEUSDT") == []
    assert seen(ep.OPEN_ORDERS, symbol="NOSUCH") == (-1121, "Invalid symbol.")


def test_all_orders_by_id_and_time(seen: Any) -> None:
    for number in range(1, 11):
        hours = 11 - number
        seen.order(
            number, created_us=NOW_US - hours * HOUR_US, status=OrderStatus.FILLED if number % 2 else OrderStatus.NEW
        )
    seen.order(11, uid=1)

    def ids(**params: Any) -> Any:
        told = seen(ep.ALL_ORDERS, **BTC, **params)
        return [row["orderId"] for row in told] if isinstance(told, list) else told

    hour = HOUR_US // 1_000
    at = NOW_US // 1_000 - 11 * hour  # order n was sent n hours later
    assert ids() == list(range(1, 11))
    assert ids(limit=3) == [8, 9, 10]
    assert ids(orderId=8) == [8, 9, 10]
    assert ids(orderId=3, limit=2) == [3, 4]
    assert ids(startTime=at + 4 * hour, limit=2) == [4, 5]
    assert ids(endTime=at + 4 * hour, limit=2) == [3, 4]
    assert ids(startTime=at + 2 * hour, endTime=at + 4 * hour) == [2, 3, 4]
    assert ids(startTime=at + 4 * hour, endTime=at + 4 * hour) == [4]
    assert ids(startTime=at, endTime=at + DAY_MS + 1) == TOO_WIDE
    assert ids(startTime=at + 1, endTime=at) == (-1023, "Start time is greater than end time.")
    assert ids(limit=0)[0] == -1130


def test_order_lists(seen: Any) -> None:
    for number, hours in ((1, 30), (2, 20), (3, 10)):
        seen.order_list(number, hours, done=number == 2)
    seen.order_list(4, 5, uid=1)
    wanted = {
        "orderListId": 1,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": "L1",
        "transactionTime": (NOW_US - 30 * HOUR_US) // 1_000,
        "symbol": "BTCUSDT",
        "orders": [
            {"symbol": "BTCUSDT", "orderId": 2, "clientOrderId": "c2"},
            {"symbol": "BTCUSDT", "orderId": 3, "clientOrderId": "c3"},
        ],
    }
    assert seen(ep.ORDER_LIST, orderListId=1) == wanted
    assert seen(ep.ORDER_LIST, origClientOrderId="L1") == wanted
    assert seen(ep.ORDER_LIST, orderListId=1, origClientOrderId="L1") == wanted
    assert seen(ep.ORDER_LIST, orderListId=1, origClientOrderId="L2")[0] == -2039
    seen.order_list(8, 1, uid=5)
    assert seen(ep.ORDER_LIST, orderListId=8, origClientOrderId="L2")[0] == -2013
    assert seen(ep.ORDER_LIST, orderListId=4)[0] == -2013
    assert seen(ep.ORDER_LIST, origClientOrderId="L4")[0] == -2013
    assert seen(ep.ORDER_LIST) == (
        -1102,
        "Param 'orderListId' or 'origClientOrderId' must be sent, but both were empty/null!",
    )

    def ids(**params: Any) -> Any:
        told = seen(ep.ALL_ORDER_LISTS, **params)
        return [row["orderListId"] for row in told] if isinstance(told, list) else told

    hour = HOUR_US // 1_000
    at = NOW_US // 1_000
    assert ids() == [3, 2, 1]
    assert ids(limit=1) == [3]
    assert ids(fromId=2) == [2, 3]
    assert ids(startTime=at - 20 * hour) == [2, 3]
    assert ids(endTime=at - 20 * hour) == [2, 1]
    assert ids(startTime=at - 30 * hour, endTime=at - 20 * hour) == [1, 2]
    assert ids(fromId=1, startTime=at) == BAD_COMBINATION
    assert ids(startTime=at - 30 * hour, endTime=at) == TOO_WIDE
    assert [row["orderListId"] for row in seen(ep.OPEN_ORDER_LISTS)] == [1, 3]

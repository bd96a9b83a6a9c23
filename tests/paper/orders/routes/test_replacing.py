"""Orders replaced and amended through the routes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cryptox.venues.binance import endpoints as ep

sys.path.insert(0, str(Path(__file__).parent))
from asking import BUY, EITHER, OCO, Trader

REPLACE = {**BUY, "cancelReplaceMode": "STOP_ON_FAILURE", "newClientOrderId": "new"}
TAKES = {"type": "LIMIT_MAKER", "timeInForce": None, "price": "40001"}  # fails in the engine
TAKES_ERROR = {"code": -2010, "msg": "Order would immediately match and take."}
UNKNOWN_ERROR = {"code": -2011, "msg": "Unknown order sent."}
OVER_ERROR = {"code": -1015, "msg": "Too many new orders; current limit is 1 orders per 10 SECOND."}
PARTLY, FAILED = (-2021, "Order cancel-replace partially failed."), (-2022, "Order cancel-replace failed.")


def halves(trader: Trader) -> tuple[Any, ...]:
    assert trader.refused is not None
    data = trader.refused.data
    assert list(data) == ["cancelResult", "newOrderResult", "cancelResponse", "newOrderResponse"]
    return tuple(data.values())


@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
def test_both_halves_succeed(trader: Trader, mode: str) -> None:
    old = trader(ep.NEW_ORDER, **BUY, newClientOrderId="old")["orderId"]
    sent = REPLACE | {"cancelReplaceMode": mode, "newClientOrderId": "old"}  # free again by then
    told = trader(ep.CANCEL_REPLACE, **sent, cancelOrderId=old, cancelNewClientOrderId="c")
    assert list(told) == ["cancelResult", "newOrderResult", "cancelResponse", "newOrderResponse"]
    assert (told["cancelResult"], told["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert (told["cancelResponse"]["orderId"], told["cancelResponse"]["clientOrderId"]) == (old, "c")
    assert told["newOrderResponse"]["clientOrderId"] == "old"
    assert told["newOrderResponse"]["orderId"] > old
    assert trader.headers["x-mbx-order-count-10s"] == "2"


@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
def test_the_new_half_fails(trader: Trader, mode: str) -> None:
    trader(ep.NEW_ORDER, **BUY, newClientOrderId="old")
    sent = REPLACE | TAKES | {"cancelReplaceMode": mode}
    assert trader(ep.CANCEL_REPLACE, **sent, cancelOrigClientOrderId="old") == (409, *PARTLY)
    cancel, new, cancelled, error = halves(trader)
    assert (cancel, new, error) == ("SUCCESS", "FAILURE", TAKES_ERROR)
    assert cancelled["origClientOrderId"] == "old"
    assert trader.open_ids() == []


def test_the_cancel_fails_and_stops(trader: Trader) -> None:
    assert trader(ep.CANCEL_REPLACE, **REPLACE, cancelOrderId=9) == (400, *FAILED)
    assert halves(trader) == ("FAILURE", "NOT_ATTEMPTED", UNKNOWN_ERROR, None)
    assert trader.open_ids() == []
    assert trader.answers.counts.headers(trader.account.uid, trader.real_now)["x-mbx-order-count-10s"] == "1"


def test_the_cancel_fails_and_does_not_stop(trader: Trader) -> None:
    sent = REPLACE | {"cancelReplaceMode": "ALLOW_FAILURE"}
    assert trader(ep.CANCEL_REPLACE, **sent, cancelOrderId=9) == (409, *PARTLY)
    cancel, new, error, placed = halves(trader)
    assert (cancel, new, error, placed["clientOrderId"]) == ("FAILURE", "SUCCESS", UNKNOWN_ERROR, "new")
    assert trader.open_ids() == ["new"]


def test_both_halves_fail(trader: Trader) -> None:
    sent = REPLACE | TAKES | {"cancelReplaceMode": "ALLOW_FAILURE"}
    assert trader(ep.CANCEL_REPLACE, **sent, cancelOrderId=9) == (400, *FAILED)
    assert halves(trader) == ("FAILURE", "FAILURE", UNKNOWN_ERROR, TAKES_ERROR)


def test_filters_are_judged_before_anything_is_cancelled(trader: Trader) -> None:
    trader(ep.NEW_ORDER, **BUY, newClientOrderId="old")
    before = trader.state
    sent = REPLACE | {"quantity": "0.0001"}
    assert trader(ep.CANCEL_REPLACE, **sent, cancelOrigClientOrderId="old") == (400, -1013, "Filter failure: NOTIONAL")
    either = EITHER % ("cancelOrderId", "cancelOrigClientOrderId")
    assert trader(ep.CANCEL_REPLACE, **REPLACE) == (400, -1102, either)
    assert trader.state == before


@pytest.mark.parametrize(
    ("mode", "exceeded", "cancel", "status", "answer", "data"),
    [
        ("STOP_ON_FAILURE", "DO_NOTHING", "old", 429, tuple(OVER_ERROR.values()), None),
        ("ALLOW_FAILURE", None, "old", 429, tuple(OVER_ERROR.values()), None),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", "old", 429, PARTLY, ("SUCCESS", "FAILURE", OVER_ERROR)),
        ("ALLOW_FAILURE", "CANCEL_ONLY", "old", 409, PARTLY, ("SUCCESS", "FAILURE", OVER_ERROR)),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", "none", 429, FAILED, ("FAILURE", "NOT_ATTEMPTED", None)),
        ("ALLOW_FAILURE", "CANCEL_ONLY", "none", 400, FAILED, ("FAILURE", "FAILURE", OVER_ERROR)),
    ],
)
def test_over_the_order_limit(
    flat: Any, mode: str, exceeded: str | None, cancel: str, status: int, answer: Any, data: Any
) -> None:
    trader = Trader(flat, {"ORDERS": (1, "10s")})
    trader(ep.NEW_ORDER, **BUY, newClientOrderId="old")
    sent = REPLACE | {"cancelReplaceMode": mode, "orderRateLimitExceededMode": exceeded}
    assert trader(ep.CANCEL_REPLACE, **sent, cancelOrigClientOrderId=cancel) == (status, *answer)
    assert trader.open_ids() == ([] if data and data[0] == "SUCCESS" else ["old"])
    if data is None:
        assert trader.refused is not None
        assert trader.refused.data is None
    else:
        found = halves(trader)
        assert (found[0], found[1], found[3]) == data


def test_an_amend_keeps_the_order_and_tells_it_in_its_own_words(trader: Trader) -> None:
    placed = trader(ep.NEW_ORDER, **BUY, newClientOrderId="a")["orderId"]
    told = trader(ep.AMEND_ORDER, orderId=placed, newClientOrderId="b", newQty="0.004")
    amended = told["amendedOrder"]
    assert list(told) == ["transactTime", "executionId", "amendedOrder"]
    assert (amended["origClientOrderId"], amended["clientOrderId"], amended["qty"]) == ("a", "b", "0.00400000")
    assert trader.account.balances["USDT"].locked == 156 * 10**8
    assert trader.costs == 4
    again = trader(ep.AMEND_ORDER, origClientOrderId="b", newClientOrderId="b", newQty="0.003")
    assert again["amendedOrder"]["clientOrderId"] == "b"
    assert len(trader(ep.AMEND_ORDER, orderId=placed, newQty="0.002")["amendedOrder"]["clientOrderId"]) == 22


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        ({"newQty": "0.02"}, -2038, "Order amend (quantity increase) is not supported."),
        ({"newQty": "0.01"}, -2038, "The requested action would change no state; rejecting."),
        ({"newQty": "0.009999"}, -2038, "Filter failure: LOT_SIZE"),
        ({"newQty": "0.0001"}, -2038, "Filter failure: NOTIONAL"),
        ({"newQty": "0.005", "newClientOrderId": "b"}, -2038, "Duplicate order sent."),
        ({"newQty": "0"}, -1013, "Invalid newQty."),
        ({"newQty": "-1"}, -1100, None),
        ({}, -1102, "Mandatory parameter 'newQty' was not sent, was empty/null, or malformed."),
        ({"newQty": "0.005", "origClientOrderId": "z"}, -2038, "Unknown order sent."),
        ({"newQty": "0.005", "origClientOrderId": None}, -1102, EITHER % ("orderId", "origClientOrderId")),
    ],
)
def test_amends_that_are_refused(trader: Trader, sent: dict[str, Any], code: int, text: str | None) -> None:
    trader(ep.NEW_ORDER, **BUY, newClientOrderId="a")
    trader(ep.NEW_ORDER, **BUY, newClientOrderId="b")
    before = trader.state
    status, found, said = trader(ep.AMEND_ORDER, **{"origClientOrderId": "a"} | sent)
    assert (status, found) == (400, code)
    assert text in (None, said)
    assert trader.state == before


def test_an_order_is_amended_ten_times(trader: Trader) -> None:
    placed = trader(ep.NEW_ORDER, **BUY)["orderId"]
    for number in range(10):
        assert "amendedOrder" in trader(ep.AMEND_ORDER, orderId=placed, newQty=f"0.00{900 - number}")
    most = trader(ep.AMEND_ORDER, orderId=placed, newQty="0.005")
    assert most == (400, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS")


def test_an_amend_that_ends_its_order_is_free(trader: Trader) -> None:
    part = trader(ep.NEW_ORDER, **BUY | {"price": "40000.01"})
    assert (part["status"], part["executedQty"]) == ("PARTIALLY_FILLED", "0.00020000")
    told = trader(ep.AMEND_ORDER, orderId=part["orderId"], newQty="0.0002")
    assert told["amendedOrder"]["status"] in ("EXPIRED", "FILLED")
    assert trader.costs == 0


def test_an_amend_of_a_pair_tells_its_list(trader: Trader) -> None:
    placed = trader(ep.NEW_OCO, **OCO, listClientOrderId="L")
    told = trader(ep.AMEND_ORDER, orderId=placed["orders"][0]["orderId"], newQty="0.004")
    state = told["listStatus"]
    assert list(state) == [
        "orderListId",
        "contingencyType",
        "listOrderStatus",
        "listClientOrderId",
        "symbol",
        "orders",
    ]
    assert (state["listClientOrderId"], state["listOrderStatus"]) == ("L", "EXECUTING")
    assert {order.quantity for order in trader.records.open_orders(trader.account.uid)} == {400}

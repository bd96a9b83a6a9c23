"""Order lists through the routes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cryptox.venues.binance import endpoints as ep

sys.path.insert(0, str(Path(__file__).parent))
from asking import BUY, EITHER, NOW_US, OCO, OTO, UNKNOWN, Trader

OLD_OCO = {"side": "SELL", "quantity": "0.01", "price": "41000", "stopPrice": "39000"}


PAIR = {
    **{name: value for name, value in OTO.items() if name.startswith("working")},
    "pendingSide": "SELL",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "41000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "38000",
}


@pytest.mark.parametrize(
    ("endpoint", "sent", "contingency", "types", "orders"),
    [
        (ep.NEW_OCO, OCO, "OCO", ["LIMIT_MAKER", "STOP_LOSS"], 2),
        (ep.NEW_OCO_OLD, OLD_OCO, "OCO", ["LIMIT_MAKER", "STOP_LOSS"], 2),
        (ep.NEW_OTO, {**OTO, "pendingQuantity": "0.01"}, "OTO", ["LIMIT", "LIMIT_MAKER"], 2),
        (ep.NEW_OTOCO, {**PAIR, "pendingQuantity": "0.01"}, "OTO", ["LIMIT", "LIMIT_MAKER", "STOP_LOSS"], 3),
        (ep.NEW_OPO, OTO, "OTO", ["LIMIT", "LIMIT_MAKER"], 2),
        (ep.NEW_OPOCO, PAIR, "OTO", ["LIMIT", "LIMIT_MAKER", "STOP_LOSS"], 3),
    ],
)
def test_lists_are_placed(
    trader: Trader, endpoint: ep.Endpoint, sent: dict[str, Any], contingency: str, types: list[str], orders: int
) -> None:
    told = trader(endpoint, **sent, listClientOrderId="L")
    assert list(told) == [
        "orderListId",
        "contingencyType",
        "listStatusType",
        "listOrderStatus",
        "listClientOrderId",
        "transactionTime",
        "symbol",
        "orders",
        "orderReports",
    ]
    assert (told["contingencyType"], told["listStatusType"], told["listOrderStatus"]) == (
        contingency,
        "EXEC_STARTED",
        "EXECUTING",
    )
    assert [one["type"] for one in told["orderReports"]] == types
    assert [one["orderId"] for one in told["orders"]] == [one["orderId"] for one in told["orderReports"]]
    assert {one["transactTime"] for one in told["orderReports"]} == {told["transactionTime"]}
    assert trader.headers["x-mbx-order-count-10s"] == str(orders)
    if contingency == "OTO":
        pending = told["orderReports"][1:]
        assert {(one["status"], one["workingTime"]) for one in pending} == {("PENDING_NEW", -1)}
        assert {"origQty" in one for one in pending} == {"pendingQuantity" in sent}
    assert trader(ep.NEW_OCO, **OCO, listClientOrderId="L") == (400, -2010, "Duplicate order sent.")
    acknowledged = trader(endpoint, **sent, newOrderRespType="ACK")
    assert {len(one) for one in acknowledged["orderReports"]} == {5}


def test_a_pending_order_is_told_as_it_was_sent(trader: Trader) -> None:
    at_once = {**OTO, "pendingQuantity": "0.0003", "workingPrice": "40001", "workingQuantity": "0.0004"}
    told = trader(ep.NEW_OTO, **at_once)
    working, pending = told["orderReports"]
    assert working["status"] == "FILLED"
    assert (pending["status"], pending["workingTime"], pending["origQty"]) == ("PENDING_NEW", -1, "0.00030000")


def test_a_list_is_cancelled_by_its_ids_or_by_one_order(trader: Trader) -> None:
    first = trader(ep.NEW_OCO, **OCO, listClientOrderId="L")
    assert trader(ep.CANCEL_ORDER_LIST) == (400, -1102, EITHER % ("orderListId", "listClientOrderId"))
    number = first["orderListId"]
    for wrong in (
        {"orderListId": number + 1},
        {"listClientOrderId": "M"},
    ):
        assert trader(ep.CANCEL_ORDER_LIST, **wrong) == UNKNOWN
    differ = (400, -2039, "Client order ID is not correct for this order ID.")
    assert trader(ep.CANCEL_ORDER_LIST, orderListId=number, listClientOrderId="M") == differ
    assert trader(ep.CANCEL_ORDER_LIST, orderListId=number + 1, listClientOrderId="L") == UNKNOWN
    assert trader(ep.CANCEL_ORDER_LIST, symbol="ETHUSDT", orderListId=number) == UNKNOWN
    told = trader(ep.CANCEL_ORDER_LIST, listClientOrderId="L", newClientOrderId="c")
    assert (told["listStatusType"], told["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert {(one["status"], one["clientOrderId"]) for one in told["orderReports"]} == {("CANCELED", "c")}
    assert trader(ep.CANCEL_ORDER_LIST, orderListId=number) == UNKNOWN
    second = trader(ep.NEW_OCO, **OCO, listClientOrderId="L")
    by_leg = trader(ep.CANCEL_ORDER, orderId=second["orders"][1]["orderId"])
    assert (by_leg["orderListId"], len(by_leg["orderReports"])) == (second["orderListId"], 2)
    assert trader.open_ids() == []


def test_twenty_lists_may_be_open(trader: Trader) -> None:
    pending = {**OTO, "pendingQuantity": "0.01"}
    for _ in range(20):
        trader(ep.NEW_OTO, **pending)
    assert trader(ep.NEW_OTO, **pending) == (400, -1013, "Filter failure: MAX_NUM_ORDER_LISTS")


def test_the_average_price_is_renewed_every_second(trader: Trader) -> None:
    asked = []
    statistics = trader.market.statistics
    trader.market.statistics = lambda *arguments: (asked.append(arguments), statistics(*arguments))[1]
    for after_us in (0, 100_000, 499_999, 500_000):
        trader(ep.NEW_ORDER, **BUY, now_us=NOW_US + after_us)
    assert len(asked) == 2

"""Orders through the routes: placed, tested, refused, cancelled."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryptox.paper.orders.filters import Rules
from cryptox.paper.trading.accounts import Balance
from cryptox.venues.binance import endpoints as ep

sys.path.insert(0, str(Path(__file__).parent))
from asking import BUY, EITHER, OCO, OTO, UNKNOWN, Trader

SELL = {**BUY, "side": "SELL", "price": "41000"}


def test_a_limit_order_rests(trader: Trader) -> None:
    told = trader(ep.NEW_ORDER, **BUY, newClientOrderId="a")
    assert told == {
        "symbol": "BTCUSDT",
        "orderId": told["orderId"],
        "orderListId": -1,
        "clientOrderId": "a",
        "transactTime": told["workingTime"],
        "price": "39000.00000000",
        "origQty": "0.01000000",
        "executedQty": "0.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": told["transactTime"],
        "fills": [],
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }
    assert trader.account.balances["USDT"].locked == 390 * 10**8
    assert trader.costs == 0
    assert trader.headers["x-mbx-order-count-10s"] == "1"


def test_a_market_order_takes_what_the_book_has(trader: Trader) -> None:
    told = trader(ep.NEW_ORDER, side="BUY", type="MARKET", quantity="0.00050")
    assert [(row["price"], row["qty"]) for row in told["fills"]] == [
        ("40000.01000000", "0.00020000"),
        ("40000.02000000", "0.00021000"),
        ("40000.03000000", "0.00009000"),
    ]
    quote = sum(Decimal(row["price"]) * Decimal(row["qty"]) for row in told["fills"])
    assert (told["status"], Decimal(told["cummulativeQuoteQty"])) == ("FILLED", quote)
    assert {row["commissionAsset"] for row in told["fills"]} == {"BTC"}
    assert trader.account.balances["USDT"].free == 10**14 - int(quote * 10**8)
    by_quote = trader(ep.NEW_ORDER, side="SELL", type="MARKET", quoteOrderQty="10")
    assert (by_quote["origQuoteOrderQty"], by_quote["status"]) == ("10.00000000", "FILLED")


def test_answers_come_in_the_length_asked_for(trader: Trader) -> None:
    acknowledged = trader(ep.NEW_ORDER, **BUY, newOrderRespType="ACK")
    assert list(acknowledged) == ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"]
    assert "fills" not in trader(ep.NEW_ORDER, **BUY, newOrderRespType="RESULT")
    maker = {name: value for name, value in BUY.items() if name != "timeInForce"} | {"type": "LIMIT_MAKER"}
    assert list(trader(ep.NEW_ORDER, **maker)) == list(acknowledged)


def test_ids_that_were_not_sent_are_made(trader: Trader) -> None:
    ids = [trader(ep.NEW_ORDER, **BUY)["clientOrderId"] for _ in range(3)]
    ids += [one["clientOrderId"] for one in trader(ep.NEW_OCO, **OCO)["orders"]]
    ids.append(trader(ep.CANCEL_ORDER, origClientOrderId=ids[0])["clientOrderId"])
    assert len(set(ids)) == 6
    assert all(len(one) == 22 and one.isalnum() for one in ids)


REFUSED = [
    (ep.NEW_ORDER, {**BUY, "price": "39000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    (ep.NEW_ORDER, {**BUY, "price": "1"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    (ep.NEW_ORDER, {**BUY, "quantity": "0.000011"}, -1013, "Filter failure: LOT_SIZE"),
    (ep.NEW_ORDER, {**BUY, "quantity": "0.0001"}, -1013, "Filter failure: NOTIONAL"),
    (ep.NEW_ORDER, {**BUY, "icebergQty": "0.00001"}, -1013, "Filter failure: ICEBERG_PARTS"),
    (
        ep.NEW_ORDER,
        {"side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "trailingDelta": "2001"},
        -1013,
        "Filter failure: TRAILING_DELTA",
    ),
    (ep.NEW_ORDER, {**BUY, "quantity": "100", "price": "40000"}, -2010, None),
    (ep.NEW_ORDER, {**BUY, "type": "LIMIT_MAKER", "price": "40001", "timeInForce": None}, -2010, None),
    (ep.NEW_ORDER, {**BUY, "price": None}, -1102, None),
    (ep.NEW_OCO, {**OCO, "abovePrice": "39000"}, -2010, None),
    (ep.NEW_OCO, {**OCO, "abovePrice": "41000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    (ep.NEW_OTO, {**OTO, "pendingQuantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
    (ep.NEW_SOR_ORDER, BUY, -1020, "This operation is not supported."),
    (ep.TEST_SOR_ORDER, BUY, -1020, "This operation is not supported."),
    (ep.NEW_SOR_ORDER, {**BUY, "quoteOrderQty": "1"}, -1104, None),
]


@pytest.mark.parametrize(("endpoint", "sent", "code", "text"), REFUSED)
def test_a_refused_placement_leaves_no_trace(
    trader: Trader, endpoint: ep.Endpoint, sent: dict[str, Any], code: int, text: str | None
) -> None:
    trader.account.balances["USDT"] = Balance(10**11)  # a thousand
    before = trader.state
    status, found, said = trader(endpoint, **sent)
    assert (status, found) == (400, code)
    assert text in (None, said)
    assert trader.state == before
    assert trader.engine.take_reports() == []


@pytest.mark.parametrize(("side", "best", "least", "way"), [("BUY", 4_000_001, 20, 1), ("SELL", 4_000_000, 10, -1)])
def test_a_market_order_by_quote_quantity_is_measured_by_what_it_takes(
    trader: Trader, side: str, best: int, least: int, way: int
) -> None:
    """The market's levels hold 20, 21, 22... steps of asks and 10, 11, 12... of bids, each a tick further."""
    wanted, cost, level = 12_000_000 + 1, 0, 0  # one step over MARKET_LOT_SIZE; cost in 1e-7
    while wanted:
        taken = min(wanted, least + level)
        cost, wanted, level = cost + taken * (best + way * level), wanted - taken, level + 1
    over = Decimal(cost) / 10**7
    sent = {"side": side, "type": "MARKET"}
    trader.account.balances["USDT"] = Balance(10**15)
    assert trader(ep.TEST_ORDER, **sent, quoteOrderQty=f"{over}") == (400, -1013, "Filter failure: MARKET_LOT_SIZE")
    assert trader(ep.TEST_ORDER, **sent, quoteOrderQty=f"{over - Decimal('0.0000001')}") == {}


def test_filters_count_open_orders(trader: Trader) -> None:
    stop = {"side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "39000"}
    for _ in range(5):
        trader(ep.NEW_ORDER, **stop)
    assert trader(ep.NEW_ORDER, **stop) == (400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    assert trader(ep.NEW_OCO, **OCO) == (400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    assert trader(ep.NEW_ORDER, **BUY)["status"] == "NEW"
    trader(ep.CANCEL_ORDER, orderId=trader.records.open_orders(trader.account.uid)[0].id)
    assert "orderId" in trader(ep.NEW_ORDER, **stop)


def test_a_pegged_price_must_pass_the_filters_too(trader: Trader) -> None:
    peg = {name: value for name, value in BUY.items() if name != "price"} | {"pegPriceType": "PRIMARY_PEG"}
    told = trader(ep.NEW_ORDER, **peg)
    assert (told["price"], told["peggedPrice"], told["pegPriceType"]) == (
        "0.00000000",
        "40000.00000000",
        "PRIMARY_PEG",
    )
    deeper = trader(ep.NEW_ORDER, **peg, pegOffsetType="PRICE_LEVEL", pegOffsetValue="100")
    assert deeper["peggedPrice"] == "39999.00000000"
    small = trader(ep.NEW_ORDER, **peg | {"quantity": "0.0001"})
    assert small == (400, -1013, "Filter failure: NOTIONAL")

    # The price of the list's first order passes, the pegged one does not.
    working = {"workingPrice": "42000", "workingQuantity": "0.00012", "workingPegPriceType": "PRIMARY_PEG"}
    assert trader(ep.NEW_OTO, **OTO | working, pendingQuantity="0.01") == small


@pytest.mark.parametrize(
    ("side", "peg", "ticks"),
    [
        ("BUY", "PRIMARY_PEG", 4_000_000),
        ("BUY", "MARKET_PEG", 4_000_001),
        ("SELL", "PRIMARY_PEG", 4_000_001),
        ("SELL", "MARKET_PEG", 4_000_000),
    ],
)
def test_the_pegged_price_is_that_of_its_side(
    trader: Trader, monkeypatch: pytest.MonkeyPatch, side: str, peg: str, ticks: int
) -> None:
    judged = []
    monkeypatch.setattr(Rules, "price_failure", lambda _, *seen: judged.append((seen[0], seen[2])))
    sent = {name: value for name, value in BUY.items() if name != "price"} | {"side": side, "pegPriceType": peg}
    trader(ep.TEST_ORDER, **sent)
    trader(ep.TEST_ORDER, **sent, pegOffsetType="PRICE_LEVEL", pegOffsetValue="100")
    trader(ep.TEST_ORDER, **sent | {"type": "STOP_LOSS_LIMIT"}, stopPrice="39000" if side == "SELL" else "41000")
    deeper = ticks - 100 if ticks == 4_000_000 else ticks + 100
    assert judged == [(side, ticks), (side, deeper)]


def test_pegged_legs_of_a_pair_are_judged(trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rules, "price_failure", lambda *_: "PERCENT_PRICE")
    assert trader(ep.NEW_OCO, **OCO, abovePegPriceType="PRIMARY_PEG") == (400, -1013, "Filter failure: PERCENT_PRICE")
    assert "orderListId" in trader(ep.NEW_OCO, **OCO)


@pytest.mark.parametrize(
    ("endpoint", "sent", "code"),
    [
        (ep.NEW_ORDER, BUY, -2010),
        (ep.TEST_ORDER, BUY, -2010),
        (ep.NEW_OCO, OCO, -2010),
        (ep.CANCEL_REPLACE, {**BUY, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 1}, -2010),
        (ep.AMEND_ORDER, {"orderId": 1, "newQty": "1"}, -2038),
    ],
)
def test_who_may_not_trade_and_where(trader: Trader, endpoint: ep.Endpoint, sent: dict[str, Any], code: int) -> None:
    assert trader(endpoint, symbol="OLDUSDT", **sent) == (400, code, "Market is closed.")
    assert trader(endpoint, symbol="NEWUSDT", **sent) == (400, -1121, "Invalid symbol.")
    trader.account.can_trade = False
    assert trader(endpoint, **sent) == (400, code, "This account may not place or cancel orders.")
    assert trader(ep.CANCEL_OPEN_ORDERS) == (400, -2011, "This account may not place or cancel orders.")


def test_a_test_order_is_judged_and_not_placed(trader: Trader) -> None:
    before = trader.state
    assert trader(ep.TEST_ORDER, **BUY) == {}
    rates = trader(ep.TEST_ORDER, **BUY, computeCommissionRates="true")
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert list(rates) == [
        "standardCommissionForOrder",
        "specialCommissionForOrder",
        "taxCommissionForOrder",
        "discount",
    ]
    too_much = trader(ep.TEST_ORDER, **BUY | {"quantity": "200", "price": "40000"})
    assert too_much == (400, -2010, "Account has insufficient balance for requested action.")
    assert trader(ep.TEST_ORDER, **BUY | {"quantity": "1.000001"}) == (400, -1013, "Filter failure: LOT_SIZE")
    assert trader.state == before


def test_a_cancel_tells_both_ids(trader: Trader) -> None:
    placed = trader(ep.NEW_ORDER, **BUY, newClientOrderId="a")
    told = trader(ep.CANCEL_ORDER, orderId=placed["orderId"], newClientOrderId="c")
    assert (told["origClientOrderId"], told["clientOrderId"], told["status"]) == ("a", "c", "CANCELED")
    assert trader.account.balances["USDT"].locked == 0
    assert trader(ep.CANCEL_ORDER, orderId=placed["orderId"]) == UNKNOWN
    assert trader(ep.CANCEL_ORDER, origClientOrderId="a", cancelRestrictions="ONLY_NEW") == UNKNOWN
    assert trader(ep.AMEND_ORDER, origClientOrderId="a", newQty="0.005") == (400, -2038, "Unknown order sent.")


def test_which_order_is_meant(trader: Trader) -> None:
    first = trader(ep.NEW_ORDER, **BUY, newClientOrderId="a")["orderId"]
    trader(ep.NEW_ORDER, **BUY, newClientOrderId="b")
    assert trader(ep.CANCEL_ORDER) == (400, -1102, EITHER % ("orderId", "origClientOrderId"))
    wrong = (400, -2039, "Client order ID is not correct for this order ID.")
    assert trader(ep.CANCEL_ORDER, orderId=first, origClientOrderId="b") == wrong
    assert trader(ep.CANCEL_ORDER, orderId=first + 9) == UNKNOWN
    assert trader(ep.CANCEL_ORDER, origClientOrderId="z") == UNKNOWN
    assert trader(ep.CANCEL_ORDER, symbol="ETHUSDT", orderId=first) == UNKNOWN
    assert trader.open_ids() == ["a", "b"]
    assert trader(ep.CANCEL_ORDER, orderId=first, origClientOrderId="a")["status"] == "CANCELED"


def test_orders_of_others_are_unknown(trader: Trader) -> None:
    placed = trader(ep.NEW_ORDER, **BUY)["orderId"]
    trader.records.order("BTCUSDT", placed).account = 5  # type: ignore[union-attr]  # it is there
    assert trader(ep.CANCEL_ORDER, orderId=placed) == UNKNOWN


def test_cancel_restrictions(trader: Trader) -> None:
    placed = trader(ep.NEW_ORDER, **BUY)["orderId"]
    restricted = (400, -2011, "Order was not canceled due to cancel restrictions.")
    assert trader(ep.CANCEL_ORDER, orderId=placed, cancelRestrictions="ONLY_PARTIALLY_FILLED") == restricted
    assert trader(ep.CANCEL_ORDER, orderId=placed, cancelRestrictions="NEW") == (
        400,
        -1145,
        "Invalid cancelRestrictions",
    )
    assert trader(ep.CANCEL_ORDER, orderId=placed, cancelRestrictions="ONLY_NEW")["status"] == "CANCELED"
    part = trader(ep.NEW_ORDER, **BUY | {"price": "40000.01", "newClientOrderId": "p"})
    assert part["status"] == "PARTIALLY_FILLED"
    assert trader(ep.CANCEL_ORDER, origClientOrderId="p", cancelRestrictions="ONLY_NEW") == restricted
    told = trader(ep.CANCEL_ORDER, origClientOrderId="p", cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert (told["status"], told["executedQty"]) == ("CANCELED", "0.00020000")


def test_all_open_orders_of_a_symbol(trader: Trader) -> None:
    assert trader(ep.CANCEL_OPEN_ORDERS) == UNKNOWN
    trader(ep.NEW_ORDER, **BUY, newClientOrderId="a")
    trader(ep.NEW_OCO, **OCO, listClientOrderId="L")
    trader(ep.NEW_ORDER, **SELL, newClientOrderId="b")
    trader(ep.NEW_ORDER, symbol="ETHUSDT", **BUY, newClientOrderId="other")
    told = trader(ep.CANCEL_OPEN_ORDERS)
    assert [one.get("origClientOrderId", one.get("listClientOrderId")) for one in told] == ["a", "L", "b"]
    assert [one["status"] for one in told[1]["orderReports"]] == ["CANCELED", "CANCELED"]
    assert trader.open_ids() == ["other"]

"""Endpoints that trade, with the real engine over the plain market: bids from 40000.00 down, asks from 40000.01 up."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from cryptox.paper.accounts import Accounts
from cryptox.paper.answers import Answers, Done
from cryptox.paper.gate import Pass
from cryptox.paper.orders.filters import Rules
from cryptox.paper.refusals import Refused
from cryptox.paper.trading.accounts import Balance
from cryptox.paper.trading.engine import Engine
from cryptox.paper.weights import read_limits
from cryptox.venues.binance import endpoints as ep

NOW_US = 1_717_243_230_500_000
UNKNOWN = (400, -2011, "Unknown order sent.")
EITHER = "Param '%s' or '%s' must be sent, but both were empty/null!"

BUY = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "39000"}
SELL = {**BUY, "side": "SELL", "price": "41000"}
OCO = {
    "side": "SELL",
    "quantity": "0.01",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "41000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "39000",
}
OTO = {
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "39000",
    "workingQuantity": "0.01",
    "workingTimeInForce": "GTC",
    "pendingType": "LIMIT_MAKER",
    "pendingSide": "SELL",
    "pendingPrice": "41000",
}
OLD_OCO = {"side": "SELL", "quantity": "0.01", "price": "41000", "stopPrice": "39000"}
PAIR = {
    **{name: value for name, value in OTO.items() if name.startswith("working")},
    "pendingSide": "SELL",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "41000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "38000",
}


@dataclass
class Trader:
    """An account with a million of everything, and what it is told: JSON, or (status, code, text)."""

    market: Any
    limits: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        accounts = Accounts(7)
        self.account, self.key = accounts.create(dict.fromkeys(("BTC", "USDT"), Decimal(1_000_000)), NOW_US)
        self.engine = Engine(self.market, accounts.accounts)
        self.records = self.engine.records
        self.answers = Answers(self.market, read_limits(self.limits or None), accounts=accounts, engine=self.engine)
        self.refused: Refused | None = None
        self.headers: dict[str, str] = {}
        self.costs: int | None = None
        self.real_now = time.time() // 10 * 10

    def __call__(self, endpoint: ep.Endpoint, /, symbol: str = "BTCUSDT", now_us: int = NOW_US, **params: Any) -> Any:
        passed = Pass(self.account, self.key, None)
        made = self.answers.call(endpoint, {"symbol": symbol, **params}, now_us, self.real_now, passed)
        if isinstance(made, Refused):
            self.refused = made
            return made.status, int(made.code), made.text
        assert isinstance(made, Done)
        self.headers, self.costs = made.headers, made.costs
        return json.loads(made.body)

    @property
    def state(self) -> Any:
        """All that a placement may leave behind."""
        money = {asset: (one.free, one.locked) for asset, one in self.account.balances.items()}
        counters = {name: (one.order, one.execution) for name, one in self.records.counters.items()}
        used = self.answers.counts.headers(self.account.uid, self.real_now)
        return money, counters, self.records.newest_list, len(list(self.records.all_orders())), used

    def open_ids(self) -> list[str]:
        return [order.client_id for order in self.records.open_orders(self.account.uid)]


@pytest.fixture
def trader(flat: Any) -> Trader:
    return Trader(flat)


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


# Refusals

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


# Test orders


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


# Cancels


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


# Cancel-replace

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


# Amends


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


# Lists


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

"""Everything that a trading venue asks, sent to the paper exchange over HTTP; and what goes over the wire."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest

from cryptox.errors import (
    AuthenticationError,
    FilterFailure,
    InsufficientFunds,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
)
from cryptox.model.orders import Draft, OrderList, Replaced
from cryptox.settings import Settings
from cryptox.transport.crypto import hmac_signer
from cryptox.transport.messages import Answer, Usage
from cryptox.venues.binance.venue import BinanceVenue, open_venue
from cryptox.venues.port import Request
from cryptox.venues.trading import OrderRef, TradingVenue

D = Decimal
# The parameters of signed requests as the facts name them (rest.md, sections 4 to 8); [field of a draft, name].
LIMIT = Draft(
    symbol="BTCUSDT",
    side="buy",
    type="LIMIT",
    quantity=D("1E-3"),
    price=D("60000.10"),
    time_in_force="GTC",
    client_order_id="mine-1",
)


@pytest.fixture
def venue() -> BinanceVenue:
    return open_venue("binance", Settings(), {})


def params(request: Request[Any]) -> dict[str, str]:
    return dict(request.params)


def resting(trader: Any, **values: Any) -> Draft:
    """A purchase far below the market."""
    price = trader(trader.venue.average_price("BTCUSDT"))
    below = (price * D("0.8")).quantize(D(1))
    return LIMIT.changed(price=below, quantity=D("0.01"), client_order_id=trader.id(), **values)


def ref_of(draft: Draft) -> OrderRef:
    return OrderRef(draft.symbol, client_order_id=draft.client_order_id)


def test_the_venue_is_a_trading_venue(venue: BinanceVenue) -> None:
    trading: TradingVenue = venue
    assert trading.name == "binance"


def test_the_parameters_of_an_order(venue: BinanceVenue) -> None:
    assert params(venue.place(LIMIT)) == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.001",
        "price": "60000.1",
        "newClientOrderId": "mine-1",
        "newOrderRespType": "FULL",
    }
    every = Draft(
        symbol="BTCUSDT",
        side="sell",
        type="STOP_LOSS_LIMIT",
        quantity=D("5E+3"),
        price=D("0.00000100"),
        stop_price=D("2.50"),
        trailing_delta=100,
        iceberg_quantity=D(10),
        time_in_force="FOK",
        client_order_id="a",
        self_trade_prevention="DECREMENT",
    )
    assert params(venue.place(every)) == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": "FOK",
        "quantity": "5000",
        "price": "0.000001",
        "stopPrice": "2.5",
        "trailingDelta": "100",
        "icebergQty": "10",
        "newClientOrderId": "a",
        "newOrderRespType": "FULL",
        "selfTradePreventionMode": "DECREMENT",
    }
    worth = Draft(symbol="BTCUSDT", side="buy", type="MARKET", quote_quantity=D("100.0"), client_order_id="b")
    assert params(venue.place(worth))["quoteOrderQty"] == "100"
    assert params(venue.test(worth))["computeCommissionRates"] == "true"


def test_an_order_by_both_ids_is_asked_for_by_the_one_that_lasts(venue: BinanceVenue) -> None:
    both = OrderRef("BTCUSDT", order_id=7, client_order_id="a")
    assert params(venue.cancel(both, "c")) == {"symbol": "BTCUSDT", "orderId": "7", "newClientOrderId": "c"}
    assert params(venue.order(OrderRef("BTCUSDT", client_order_id="a"))) == {
        "symbol": "BTCUSDT",
        "origClientOrderId": "a",
    }
    replaced = params(venue.replace(both, LIMIT, "c", go_on=True))
    assert (replaced["cancelOrderId"], replaced["cancelNewClientOrderId"]) == ("7", "c")
    assert (replaced["cancelReplaceMode"], replaced["newClientOrderId"]) == ("ALLOW_FAILURE", "mine-1")
    assert params(venue.replace(both, LIMIT, "c", go_on=False))["cancelReplaceMode"] == "STOP_ON_FAILURE"
    with pytest.raises(ValueError, match="neither"):
        venue.order(OrderRef("BTCUSDT"))


def test_the_parameters_of_lists(venue: BinanceVenue) -> None:
    gain = Draft(symbol="A", side="sell", type="LIMIT_MAKER", quantity=D(2), price=D(9), client_order_id="g")
    stop = Draft(
        symbol="A",
        side="sell",
        type="STOP_LOSS_LIMIT",
        quantity=D(2),
        price=D(4),
        stop_price=D(5),
        trailing_delta=50,
        time_in_force="GTC",
        client_order_id="s",
    )
    pair = params(venue.place_oco("A", gain.changed(self_trade_prevention="NONE"), stop, "L"))
    assert pair == {
        "symbol": "A",
        "listClientOrderId": "L",
        "newOrderRespType": "FULL",
        "selfTradePreventionMode": "NONE",
        "side": "SELL",
        "quantity": "2",
        "aboveType": "LIMIT_MAKER",
        "aboveClientOrderId": "g",
        "abovePrice": "9",
        "belowType": "STOP_LOSS_LIMIT",
        "belowClientOrderId": "s",
        "belowTimeInForce": "GTC",
        "belowPrice": "4",
        "belowStopPrice": "5",
        "belowTrailingDelta": "50",
    }
    working = LIMIT.changed(symbol="A", client_order_id="w", iceberg_quantity=D("0.0005"))
    assert params(venue.place_oto("A", working, gain, "L")) == {
        "symbol": "A",
        "listClientOrderId": "L",
        "newOrderRespType": "FULL",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingQuantity": "0.001",
        "workingClientOrderId": "w",
        "workingTimeInForce": "GTC",
        "workingPrice": "60000.1",
        "workingIcebergQty": "0.0005",
        "pendingType": "LIMIT_MAKER",
        "pendingSide": "SELL",
        "pendingQuantity": "2",
        "pendingClientOrderId": "g",
        "pendingPrice": "9",
    }
    three = params(venue.place_otoco("A", working, gain, stop, "L"))
    assert (three["pendingAboveType"], three["pendingBelowType"]) == ("LIMIT_MAKER", "STOP_LOSS_LIMIT")
    assert (three["pendingSide"], three["pendingQuantity"], three["pendingBelowStopPrice"]) == ("SELL", "2", "5")
    assert "pendingType" not in three
    with pytest.raises(ValueError, match="no quantity"):
        venue.place_oco("A", gain.changed(quantity=None), stop, "L")


def test_what_acts_what_is_signed_and_what_it_costs(venue: BinanceVenue) -> None:
    ref = OrderRef("A", order_id=1)
    window: dict[str, Any] = {"start_ms": None, "end_ms": None, "from_id": None, "limit": 1000}
    legs = (LIMIT, LIMIT)
    named: dict[str, Any] = {"order_list_id": 1, "client_order_id": None}
    # Weights: the overview of rest.md; orders: its column UOC.
    said: list[tuple[Request[Any], str, str, int, bool, int]] = [
        (venue.place(LIMIT), "POST", "order", 1, True, 1),
        (venue.test(LIMIT), "POST", "order/test", 20, False, 0),
        (venue.cancel(ref, "c"), "DELETE", "order", 1, True, 0),
        (venue.cancel_all("A"), "DELETE", "openOrders", 1, True, 0),
        (venue.replace(ref, LIMIT, "c", go_on=True), "POST", "order/cancelReplace", 1, True, 1),
        (venue.amend(ref, D(1), "n"), "PUT", "order/amend/keepPriority", 4, True, 0),
        (venue.place_oco("A", *legs, "L"), "POST", "orderList/oco", 1, True, 2),
        (venue.place_oto("A", *legs, "L"), "POST", "orderList/oto", 1, True, 2),
        (venue.place_otoco("A", LIMIT, *legs, "L"), "POST", "orderList/otoco", 1, True, 3),
        (venue.cancel_list("A", **named, cancel_id="c"), "DELETE", "orderList", 1, True, 0),
        (venue.order(ref), "GET", "order", 4, False, 0),
        (venue.order_list(**named), "GET", "orderList", 4, False, 0),
        (venue.open_orders("A"), "GET", "openOrders", 6, False, 0),
        (venue.open_orders(None), "GET", "openOrders", 80, False, 0),
        (venue.orders("A", **window), "GET", "allOrders", 20, False, 0),
        (venue.fills("A", **window), "GET", "myTrades", 20, False, 0),
        (venue.fills("A", **window, order_id=3), "GET", "myTrades", 5, False, 0),
        (venue.account(), "GET", "account", 20, False, 0),
        (venue.fees("A"), "GET", "account/commission", 20, False, 0),
        (venue.order_counts(), "GET", "rateLimit/order", 40, False, 0),
    ]
    for request, method, tail, weight, acts, orders in said:
        assert (request.method, request.path) == (method, f"/api/v3/{tail}")
        assert (request.weight, request.acts, request.orders, request.signed) == (weight, acts, orders, True), tail
        outgoing = venue.outgoing(request, "sbe")
        assert outgoing.headers["accept"] == "application/json"
        if method != "GET":
            assert outgoing.url == f"https://api.binance.com/api/v3/{tail}"
            assert outgoing.headers["content-type"] == "application/x-www-form-urlencoded"
            assert dict(parse_qsl(outgoing.body.decode())) == params(request)
    for public in (venue.average_price("A"), venue.reference_price("A")):
        assert (public.weight, public.acts, public.signed) == (2, False, False)


def test_ranges_and_ids(venue: BinanceVenue) -> None:
    asked = params(venue.orders("A", start_ms=5, end_ms=10, from_id=7, limit=3))
    assert asked == {"symbol": "A", "startTime": "5", "endTime": "9", "limit": "3", "orderId": "7"}
    asked = params(venue.fills("A", start_ms=5, end_ms=None, from_id=7, limit=3))
    assert asked == {"symbol": "A", "startTime": "5", "limit": "3", "fromId": "7"}
    assert params(venue.account()) == {"omitZeroBalances": "true"}
    assert params(venue.account(zeros=True)) == {}
    asked = params(venue.cancel_list("A", order_list_id=None, client_order_id="L", cancel_id="c"))
    assert asked == {"symbol": "A", "listClientOrderId": "L", "newClientOrderId": "c"}
    assert params(venue.order_list(order_list_id=None, client_order_id="L")) == {"origClientOrderId": "L"}


def no(code: int, msg: str, status: int, **data: Any) -> Answer:
    body = {"code": code, "msg": msg, **({"data": data} if data else {})}
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0, 0.1)


def test_doubt_about_what_acts_is_an_unknown_outcome(venue: BinanceVenue) -> None:
    placing = venue.place(LIMIT)
    doubt = venue.refusal(placing, no(-1007, "Timeout", 504))
    assert isinstance(doubt, OutcomeUnknown)
    assert doubt.context["client_order_id"] == "mine-1"
    assert doubt.context["endpoint"] == "/api/v3/order"
    assert not isinstance(venue.refusal(venue.order(OrderRef("A", 1)), no(-1007, "Timeout", 504)), OutcomeUnknown)
    assert not isinstance(venue.refusal(venue.test(LIMIT), no(-1007, "Timeout", 504)), OutcomeUnknown)


def test_a_half_done_replacement_is_read_only_where_it_is_definite(venue: BinanceVenue) -> None:
    request = venue.replace(OrderRef("A", 1), LIMIT, "c", go_on=True)
    halves = {"cancelResult": "FAILURE", "newOrderResult": "FAILURE"}
    gone, low = {"code": -2011, "msg": "Unknown order sent."}, {"code": -2010, "msg": "x"}
    clear = no(-2022, "", 400, **halves, cancelResponse=gone, newOrderResponse=low)
    assert venue.refusal(request, clear) is None
    both = request.read(clear)
    assert isinstance(both, Replaced)
    assert isinstance(both.cancel_error, OrderNotFound)
    assert both.cancel_error.context["client_order_id"] == "mine-1"
    assert both.cancel_error.context["venue"] == "binance"
    for doubtful in (
        no(-2021, "", 409, **halves, cancelResponse=gone, newOrderResponse={"code": -1007, "msg": "Timeout"}),
        no(-2021, "", 409, **halves, cancelResponse=gone, newOrderResponse={"code": -9999, "msg": "New"}),
        no(-2022, "", 502, **halves, cancelResponse=gone, newOrderResponse=None),
    ):
        assert isinstance(venue.refusal(request, doubtful), OutcomeUnknown)
    assert isinstance(venue.refusal(request, no(-1015, "Too many new orders.", 429)), RateLimited)
    assert isinstance(venue.refusal(request, no(-1013, "Filter failure: LOT_SIZE", 400)), FilterFailure)


def test_a_reference_price_that_there_is_not(venue: BinanceVenue) -> None:
    request = venue.reference_price("BTCUSDT")
    none = no(-2043, "This symbol doesn't have a reference price.", 400)
    assert venue.refusal(request, none) is None
    assert request.read(none) is None
    assert venue.refusal(request, no(-1121, "Invalid symbol.", 400)) is not None

    def told(price: str | None) -> Answer:
        body = {"symbol": "BTCUSDT", "referencePrice": price, "timestamp": 1767225600123}
        return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0, 0.1)

    assert request.read(told("94500.00")) == D(94500)
    assert request.read(told(None)) is None


def test_order_counts_in_headers(venue: BinanceVenue) -> None:
    names = {"x-mbx-order-count-10s": "3", "X-MBX-ORDER-COUNT-1D": "17", "x-mbx-used-weight-1m": "9"}
    counted = Answer(200, {**names, "x-mbx-order-count-1w": "1", "x-mbx-order-count": "3"}, b"", 0.0, 0.1)
    assert venue.order_usage(counted) == (Usage("ORDERS", 10_000, 3), Usage("ORDERS", 86_400_000, 17))
    assert venue.usage(counted) == (Usage("REQUEST_WEIGHT", 60_000, 9),)


def test_the_life_of_an_order(trader: Any) -> None:
    venue, draft = trader.venue, resting(trader)
    placed = trader(venue.place(draft))
    assert (placed.status, placed.client_order_id, placed.price, placed.quantity) == (
        "new",
        draft.client_order_id,
        draft.price,
        D("0.01"),
    )
    assert venue.order_usage(trader.newest)[0].used == 1
    assert trader(venue.order(ref_of(draft))).order_id == placed.order_id
    assert [one.order_id for one in trader(venue.open_orders("BTCUSDT"))] == [placed.order_id]
    amended = trader(venue.amend(ref_of(draft), D("0.006"), "amended"))
    assert (amended.quantity, amended.client_order_id, amended.order_id) == (D("0.006"), "amended", placed.order_id)
    canceled = trader(venue.cancel(OrderRef("BTCUSDT", order_id=placed.order_id), "gone"))
    assert (canceled.status, canceled.client_order_id) == ("canceled", "amended")
    assert trader(venue.open_orders(None)) == []
    every = trader(venue.orders("BTCUSDT", start_ms=None, end_ms=None, from_id=None, limit=500))
    assert [(one.order_id, one.status, one.time_ms) for one in every] == [(placed.order_id, "canceled", placed.time_ms)]
    assert isinstance(trader.refused(venue.cancel(ref_of(draft), "gone")), OrderNotFound)
    assert isinstance(trader.refused(venue.order(OrderRef("BTCUSDT", 10**12))), OrderNotFound)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_market_order_and_its_fills(trader: Any, side: str) -> None:
    venue = trader.venue
    draft = Draft(symbol="BTCUSDT", side=side, type="MARKET", quantity=D("0.5"), client_order_id=trader.id())
    order = trader(venue.place(draft))
    assert (order.status, order.filled, order.price, order.side) == ("filled", D("0.5"), None, side)
    assert sum(fill.quantity for fill in order.fills) == D("0.5")
    assert sum(fill.quote_quantity for fill in order.fills) == order.quote_filled
    found = trader(venue.fills("BTCUSDT", start_ms=None, end_ms=None, from_id=None, limit=500, order_id=order.order_id))
    assert found == list(order.fills)
    assert trader(venue.order(ref_of(draft))).changed(fills=()) == order.changed(
        fills=(), updated_ms=trader(venue.order(ref_of(draft))).updated_ms
    )


def test_an_order_by_worth(trader: Any) -> None:
    draft = Draft(symbol="BTCUSDT", side="buy", type="MARKET", quote_quantity=D(1000), client_order_id=trader.id())
    order = trader(trader.venue.place(draft))
    assert order.quote_quantity == 1000
    assert 999 < order.quote_filled <= 1000


def test_a_replacement_and_what_can_go_wrong(trader: Any) -> None:
    venue, first = trader.venue, resting(trader)
    trader(venue.place(first))
    second = first.changed(client_order_id=trader.id(), quantity=D("0.02"))
    done = trader(venue.replace(ref_of(first), second, trader.id(), go_on=False))
    assert (done.canceled.client_order_id, done.canceled.status) == (first.client_order_id, "canceled")
    assert (done.order.client_order_id, done.order.status) == (second.client_order_id, "new")
    stopped = trader(venue.replace(ref_of(first), first, trader.id(), go_on=False))
    assert isinstance(stopped.cancel_error, OrderNotFound)
    assert (stopped.canceled, stopped.order, stopped.order_error) == (None, None, None)
    third = first.changed(client_order_id=trader.id())
    gone_on = trader(venue.replace(ref_of(first), third, trader.id(), go_on=True))
    assert isinstance(gone_on.cancel_error, OrderNotFound)
    assert gone_on.order.client_order_id == third.client_order_id
    dear = Draft(symbol="BTCUSDT", side="sell", type="MARKET", quantity=D(100), client_order_id=trader.id())
    poor = trader.exchange.create_account({"USDT": 10_000})
    trader.signer = hmac_signer(poor.api_key, poor.secret_key)
    trader(venue.place(first))
    failed = trader(venue.replace(ref_of(first), dear, trader.id(), go_on=True))
    assert failed.canceled.status == "canceled"
    assert isinstance(failed.order_error, InsufficientFunds)


def test_lists(trader: Any) -> None:
    venue = trader.venue
    price = trader(venue.average_price("BTCUSDT")).quantize(D(1))
    common: dict[str, Any] = {"symbol": "BTCUSDT", "side": "sell", "quantity": D("0.01")}
    gain = Draft(**common, type="LIMIT_MAKER", price=price * 2, client_order_id=trader.id())
    stop = Draft(**common, type="STOP_LOSS", stop_price=price // 2, client_order_id=trader.id())
    pair = trader(venue.place_oco("BTCUSDT", gain, stop, "pair"))
    assert (pair.contingency, pair.status, pair.client_order_id) == ("oco", "executing", "pair")
    assert {one.type: one.client_order_id for one in pair.orders} == {
        "LIMIT_MAKER": gain.client_order_id,
        "STOP_LOSS": stop.client_order_id,
    }
    assert all(one.order_list_id == pair.order_list_id for one in pair.orders)
    told = trader(venue.order_list(order_list_id=None, client_order_id="pair"))
    assert told.order_ids == pair.order_ids
    ended = trader(venue.cancel(ref_of(gain), "end"))
    assert isinstance(ended, OrderList)
    assert (ended.status, [one.status for one in ended.orders]) == ("all_done", ["canceled"] * 2)

    working = resting(trader)
    after = trader(venue.place_oto("BTCUSDT", working, gain, "then"))
    assert [(one.status, one.client_order_id) for one in after.orders] == [
        ("new", working.client_order_id),
        ("pending_new", gain.client_order_id),
    ]
    gone = trader(
        venue.cancel_list("BTCUSDT", order_list_id=after.order_list_id, client_order_id=None, cancel_id="end-2")
    )
    assert (gone.order_list_id, gone.status) == (after.order_list_id, "all_done")
    three = trader(venue.place_otoco("BTCUSDT", working, gain, stop, "three"))
    assert [one.status for one in three.orders] == ["new", "pending_new", "pending_new"]
    single = resting(trader)
    trader(venue.place(single))
    every = trader(venue.cancel_all("BTCUSDT"))
    assert {one.client_order_id for one in every} == {draft.client_order_id for draft in (working, gain, stop, single)}
    assert isinstance(trader.refused(venue.cancel_all("BTCUSDT")), OrderNotFound)


def test_the_legs_of_a_purchase_stand_the_other_way_round(trader: Any) -> None:
    price = trader(trader.venue.average_price("BTCUSDT")).quantize(D(1))
    common: dict[str, Any] = {"symbol": "BTCUSDT", "side": "buy", "quantity": D("0.01")}
    gain = Draft(**common, type="LIMIT_MAKER", price=price // 2, client_order_id=trader.id())
    stop = Draft(
        **common,
        type="STOP_LOSS_LIMIT",
        stop_price=price * 2,
        price=price * 2,
        time_in_force="GTC",
        client_order_id=trader.id(),
    )
    pair = trader(trader.venue.place_oco("BTCUSDT", stop, gain, trader.id()))
    assert sorted(one.type for one in pair.orders) == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    turned = trader.venue.place_oco(
        "BTCUSDT", gain.changed(client_order_id="x"), stop.changed(client_order_id="y"), trader.id()
    )
    assert isinstance(trader.refused(turned), OrderRejected)


def test_what_an_account_asks_about_itself(trader: Any) -> None:
    venue = trader.venue
    mine = trader(venue.account())
    assert (mine.can_trade, mine.account_type) == (True, "SPOT")
    assert mine.balances["USDT"].free == 10**10
    assert "LUNC" not in mine.balances
    assert trader(venue.account(zeros=True)).balances["LUNC"].total == 0
    fees = trader(venue.fees("BTCUSDT"))
    assert (fees.maker, fees.taker) == (mine.maker, mine.taker)
    draft = resting(trader)
    assert trader(venue.test(draft)).maker == mine.maker + mine.buyer
    assert trader(venue.open_orders("BTCUSDT")) == []
    trader(venue.place(draft))
    ((limit, used), *_) = trader(venue.order_counts())
    assert (limit.kind, limit.window_ms, used) == ("ORDERS", 10_000, 1)
    assert trader(venue.reference_price("BTCUSDT")) is None


def test_a_symbol_that_is_not_ascii(trader: Any) -> None:
    symbol = "这是测试币456USDT"
    draft = Draft(symbol=symbol, side="buy", type="MARKET", quantity=D(1000), client_order_id=trader.id())
    assert trader(trader.venue.place(draft)).symbol == symbol
    assert trader(trader.venue.order(ref_of(draft))).filled == 1000


def test_a_wrong_key_is_refused(trader: Any) -> None:
    trader.signer = hmac_signer("k" * 64, "s" * 64)
    assert isinstance(trader.refused(trader.venue.account()), AuthenticationError)


def test_the_url_of_what_acts_is_a_bare_path(trader: Any) -> None:
    trader(trader.venue.place(resting(trader)))
    newest = trader.exchange.requests.of("order")[-1]
    assert (newest.method, newest.query, newest.status) == ("POST", "", 200)
    assert b"&signature=" in trader.sent[-1].body

"""Verdicts of the filters against a plain reading of the documentation in decimals."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.paper.market import Listing
from cryptox.paper.orders.filters import WORTHLESS, Context, Counts, Rules, counts_of, position_of
from cryptox.paper.orders.list_tickets import ListDraft
from cryptox.paper.orders.parameters import SINGLE
from cryptox.paper.orders.tickets import Draft, Leg, read_leg
from cryptox.paper.refusals import Refused
from cryptox.paper.symbols import filters_of
from cryptox.paper.trading.accounts import Balance
from cryptox.paper.trading.grid import Grid, atoms_of
from cryptox.paper.trading.orders import ListTicket, Order, Peg, Ticket
from cryptox.venues.binance.words import (
    OrderType,
    PegPriceType,
    ResponseType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

LISTING = Listing("BTCUSDT", "BTC", "USDT", 0)
GRID = Grid(LISTING)
EXAMPLE = filters_of(LISTING)
LAST = Decimal("94500.00")
AVERAGE = Decimal("94400.125")

# The filters that the example set lacks, and the example's own with bounds that random orders meet.
TIGHT: list[dict[str, Any]] = [
    {"filterType": "PRICE_FILTER", "minPrice": "90000.00", "maxPrice": "99000.00", "tickSize": "0.05"},
    {"filterType": "PERCENT_PRICE", "multiplierUp": "1.04", "multiplierDown": "0.96", "avgPriceMins": 0},
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "1.03",
        "bidMultiplierDown": "0.97",
        "askMultiplierUp": "1.02",
        "askMultiplierDown": "0.98",
        "avgPriceMins": 5,
    },
    {"filterType": "LOT_SIZE", "minQty": "0.00010", "maxQty": "0.9", "stepSize": "0.00010"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.0002", "maxQty": "0.5", "stepSize": "0.0"},
    {"filterType": "MIN_NOTIONAL", "minNotional": "20", "applyToMarket": True, "avgPriceMins": 0},
    {
        "filterType": "NOTIONAL",
        "minNotional": "30",
        "applyMinToMarket": False,
        "maxNotional": "60000",
        "applyMaxToMarket": True,
        "avgPriceMins": 5,
    },
    {"filterType": "ICEBERG_PARTS", "limit": 10},
    {
        "filterType": "TRAILING_DELTA",
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 2000,
        "minTrailingBelowDelta": 20,
        "maxTrailingBelowDelta": 1000,
    },
    {"filterType": "MAX_POSITION", "maxPosition": "1.5"},
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 5},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 2},
    {"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 1},
    {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 2},
]
EXCHANGE = [
    {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 6},
    {"filterType": "EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 3},
    {"filterType": "EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 2},
    {"filterType": "EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 3},
]
ASSETS = [
    {"filterType": "MAX_ASSET", "asset": "BTC", "limit": "0.8"},
    {"filterType": "MAX_ASSET", "asset": "USDT", "limit": "55000"},
]


def reading(  # one branch a row of the tables of filters.md
    rules: list[dict[str, Any]],
    sent: Mapping[str, Any],
    had: Mapping[str, int],
    everywhere: Mapping[str, int],
    position: Decimal,
) -> str | None:
    """The first filter that an order fails, by the text of the documentation."""
    by_name = {rule.get("asset", "") + rule["filterType"]: rule for rule in rules}

    def number(name: str, field: str) -> Decimal:
        return Decimal(by_name[name][field])

    def reference(name: str) -> Decimal:
        return AVERAGE if by_name[name]["avgPriceMins"] else LAST

    side, kind = sent["side"], sent["type"]
    price, stop = sent.get("price"), sent.get("stopPrice")
    quantity, quote, iceberg = sent.get("quantity"), sent.get("quoteOrderQty"), sent.get("icebergQty")
    if "PRICE_FILTER" in by_name:
        for one in (price, stop):
            if one is None:
                continue
            low, high, tick = (number("PRICE_FILTER", field) for field in ("minPrice", "maxPrice", "tickSize"))
            if (low and one < low) or (high and one > high) or (tick and one % tick):
                return "PRICE_FILTER"
    if price is not None:
        for name, prefix in (("PERCENT_PRICE", ""), ("PERCENT_PRICE_BY_SIDE", "bid" if side == "BUY" else "ask")):
            if name in by_name:
                up, down = (prefix + "Multiplier" + way for way in ("Up", "Down"))
                if not prefix:
                    up, down = "multiplierUp", "multiplierDown"
                if not reference(name) * number(name, down) <= price <= reference(name) * number(name, up):
                    return name

    def outside(name: str, one: Decimal) -> bool:
        step = number(name, "stepSize")
        return one < number(name, "minQty") or one > number(name, "maxQty") or bool(step and one % step)

    if "LOT_SIZE" in by_name and any(outside("LOT_SIZE", one) for one in (quantity, iceberg) if one is not None):
        return "LOT_SIZE"
    if (
        "MARKET_LOT_SIZE" in by_name
        and kind == "MARKET"
        and quantity is not None
        and outside("MARKET_LOT_SIZE", quantity)
    ):
        return "MARKET_LOT_SIZE"
    at_market = kind in ("MARKET", "STOP_LOSS", "TAKE_PROFIT")

    def worth(name: str) -> Decimal:
        if quote is not None:
            return Decimal(quote)
        assert quantity is not None
        at = reference(name) if at_market else price
        assert at is not None
        return Decimal(at * quantity)

    binds = "MIN_NOTIONAL" in by_name and (not at_market or by_name["MIN_NOTIONAL"]["applyToMarket"])
    if binds and worth("MIN_NOTIONAL") < number("MIN_NOTIONAL", "minNotional"):
        return "MIN_NOTIONAL"
    if "NOTIONAL" in by_name:
        rule = by_name["NOTIONAL"]
        if (not at_market or rule["applyMinToMarket"]) and worth("NOTIONAL") < Decimal(rule["minNotional"]):
            return "NOTIONAL"
        if (not at_market or rule["applyMaxToMarket"]) and worth("NOTIONAL") > Decimal(rule["maxNotional"]):
            return "NOTIONAL"
    parts = (quantity / iceberg).to_integral_value(ROUND_CEILING) if iceberg is not None else 0
    if "ICEBERG_PARTS" in by_name and parts > by_name["ICEBERG_PARTS"]["limit"]:
        return "ICEBERG_PARTS"
    delta = sent.get("trailingDelta")
    if delta is not None:
        above = (kind.startswith("STOP_LOSS") and side == "BUY") or (kind.startswith("TAKE_PROFIT") and side == "SELL")
        where = "Above" if above else "Below"
        rule = by_name["TRAILING_DELTA"]
        if not rule[f"minTrailing{where}Delta"] <= delta <= rule[f"maxTrailing{where}Delta"]:
            return "TRAILING_DELTA"
    if "BTCMAX_ASSET" in by_name and quantity is not None and quantity > number("BTCMAX_ASSET", "limit"):
        return "MAX_ASSET"
    if "USDTMAX_ASSET" in by_name:
        at = price or stop or LAST
        if (quote if quote is not None else at * quantity) > number("USDTMAX_ASSET", "limit"):
            return "MAX_ASSET"
    bought = quantity if side == "BUY" and quantity is not None else 0
    if "MAX_POSITION" in by_name and bought and position + bought > number("MAX_POSITION", "maxPosition"):
        return "MAX_POSITION"
    algo = kind.startswith(("STOP_LOSS", "TAKE_PROFIT"))
    for prefix, counts in (("", had), ("EXCHANGE_", everywhere)):
        for name, field, adds in (
            ("MAX_NUM_ORDERS", "maxNumOrders", True),
            ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", algo),
            ("MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders", iceberg is not None),
        ):
            if prefix + name in by_name and adds and counts[field] + 1 > by_name[prefix + name][field]:
                return prefix + name
    return None


def context(
    had: Mapping[str, int] | None = None,
    everywhere: Mapping[str, int] | None = None,
    position: Decimal = Decimal(0),
) -> Context:
    def counts(found: Mapping[str, int] | None) -> Counts:
        return Counts() if found is None else Counts(*found.values())

    return Context(
        average=lambda minutes: Fraction(AVERAGE * 100) if minutes == 5 else Fraction(0),
        last=lambda: int(LAST * 100),
        symbol=counts(had),
        exchange=counts(everywhere),
        position=atoms_of(position),
    )


def drafted(sent: Mapping[str, Any]) -> Draft:
    values = dict.fromkeys([*SINGLE.values(), "selfTradePreventionMode"]) | {"symbol": "BTCUSDT"} | dict(sent)
    leg = Leg(
        SINGLE, sent["side"], sent["type"], sent.get("quantity"), ResponseType.ACK, sent.get("quoteOrderQty")
    )  # fmt: skip
    return read_leg(values, GRID, leg, lambda: "id")


def any_price(chance: random.Random) -> Decimal:
    edges = [(AVERAGE * Decimal(one)).quantize(Decimal("0.05")) for one in ("0.97", "1.03", "0.98", "1.02")]
    special = [LAST, Decimal(90_000), Decimal(99_000), Decimal("94500.005"), *edges]
    spread, places = chance.choice([(600_000, 2), (30_000, 1), (60_000, 1)])
    return chance.choice([LAST + Decimal(chance.randint(-spread, spread)).scaleb(-places), chance.choice(special)])


def any_quantity(chance: random.Random) -> Decimal:
    special = [Decimal(one) for one in ("0.9", "0.5", "0.0001", "0.0002", "0.8", "0.9001", "0.00031")]
    most, places = chance.choice([(110_000, 5), (6_000, 4), (6, 4)])
    return chance.choice([Decimal(chance.randint(1, most)).scaleb(-places), chance.choice(special)])


def any_order(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(list(OrderType))
    found: dict[str, Any] = {"side": chance.choice(list(Side)), "type": kind}
    if kind is OrderType.MARKET and chance.random() < 0.5:
        return found | {"quoteOrderQty": Decimal(chance.choice([chance.randint(1_000, 7_000_000), 1_999, 2_000])) / 100}
    found["quantity"] = any_quantity(chance)
    if kind.has_price:
        found["price"] = any_price(chance)
        if kind is not OrderType.LIMIT_MAKER:
            found["timeInForce"] = TimeInForce.GTC
        part = (found["quantity"] / chance.randint(1, 14)).quantize(Decimal("0.0001"))
        if chance.random() < 0.5 and 0 < part < found["quantity"]:
            found["icebergQty"] = part
    if kind.is_contingent:
        which = chance.choice(["stop", "delta", "both"])
        if which != "delta":
            found["stopPrice"] = any_price(chance)
        if which != "stop":
            found["trailingDelta"] = chance.choice([9, 10, 19, 20, 500, 1000, 1001, 2000, 2001])
    return found


def any_counts(chance: random.Random) -> dict[str, int]:
    names = ("maxNumOrders", "maxNumAlgoOrders", "maxNumIcebergOrders", "maxNumOrderLists")
    return {name: chance.choice([0, 0, 0, 1, 2, 3, 5, 6]) for name in names}


NO_NOTIONAL = [one for one in TIGHT if "NOTIONAL" not in one["filterType"]]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param((EXAMPLE, [], []), id="example"),
        pytest.param((TIGHT, EXCHANGE, ASSETS), id="tight"),
        pytest.param((TIGHT, [], []), id="no assets"),
        pytest.param((NO_NOTIONAL, EXCHANGE, ASSETS), id="no notional"),
    ],
)
@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**64))
def test_verdicts_are_those_of_a_plain_reading(rules: tuple[list[dict[str, Any]], ...], seed: int) -> None:
    chance = random.Random(seed)
    sent, had, everywhere = any_order(chance), any_counts(chance), any_counts(chance)
    position = Decimal(chance.randint(0, 20_000)) / 10_000
    with localcontext(prec=80):
        expected = reading([one for group in rules for one in group], sent, had, everywhere, position)
    assert Rules(LISTING, *rules).failure(drafted(sent), context(had, everywhere, position)) == expected


def test_random_orders_meet_every_filter() -> None:
    """The test above would prove little if its orders never failed some of the filters."""
    chance, seen = random.Random(3), set()
    made = [Rules(LISTING, rules, EXCHANGE, ASSETS) for rules in (TIGHT, NO_NOTIONAL)]
    for _ in range(4_000):
        draft, around = drafted(any_order(chance)), context(any_counts(chance), any_counts(chance), Decimal(1))
        seen |= {rules.failure(draft, around) for rules in made}
    names = {one["filterType"] for one in (*TIGHT, *EXCHANGE, *ASSETS)}
    assert {None, *names} - seen == {"MAX_NUM_ORDER_LISTS", "EXCHANGE_MAX_NUM_ORDER_LISTS"}


LIMIT = {"side": Side.BUY, "type": OrderType.LIMIT, "timeInForce": TimeInForce.GTC}


def verdict(rules: Rules, **sent: Any) -> str | None:
    numbers = {name: Decimal(value) if type(value) is str else value for name, value in sent.items()}
    return rules.failure(drafted(LIMIT | numbers), context())


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"quantity": "0.3", "price": "94500"}, None),
        ({"quantity": "0.3", "price": "94500.001"}, "PRICE_FILTER"),
        ({"quantity": "0.3", "price": "1000000.01"}, "PRICE_FILTER"),
        ({"quantity": "0.3", "price": "472000.62"}, None),  # five times 94400.125 is 472000.625
        ({"quantity": "0.3", "price": "472000.63"}, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.3", "price": "18880.03"}, None),  # a fifth of it is 18880.025
        ({"quantity": "0.3", "price": "18880.02"}, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.000011", "price": "94500"}, "LOT_SIZE"),
        ({"quantity": "9000.00001", "price": "94500"}, "LOT_SIZE"),
        ({"quantity": "0.00005", "price": "99999.99"}, "NOTIONAL"),  # 4.9999995
        ({"quantity": "0.00005", "price": "100000"}, None),  # 5
        ({"quantity": "95.5", "price": "94500"}, "NOTIONAL"),  # over nine million
        ({"quantity": "1", "price": "94500", "icebergQty": "0.01"}, None),
        ({"quantity": "1.00001", "price": "94500", "icebergQty": "0.01"}, "ICEBERG_PARTS"),
        ({"quantity": "1", "price": "94500", "icebergQty": "0.010001"}, "LOT_SIZE"),
        ({"type": OrderType.MARKET, "timeInForce": None, "quantity": "121"}, "MARKET_LOT_SIZE"),
        ({"type": OrderType.MARKET, "timeInForce": None, "quantity": "120"}, None),  # the most does not bind it
        ({"type": OrderType.MARKET, "timeInForce": None, "quantity": "0.00005"}, "NOTIONAL"),  # 4.72 at the average
        ({"type": OrderType.MARKET, "timeInForce": None, "quoteOrderQty": "4.99"}, "NOTIONAL"),
        ({"type": OrderType.MARKET, "timeInForce": None, "quoteOrderQty": "5"}, None),
    ],
)
def test_the_example_set(sent: dict[str, Any], expected: str | None) -> None:
    assert verdict(Rules(LISTING, EXAMPLE), **sent) == expected


@pytest.mark.parametrize(
    ("price", "passes"), [("98280", True), ("98280.01", False), ("90720", True), ("90719.99", False)]
)
def test_percentages_of_the_last_price_include_their_bounds(price: str, passes: bool) -> None:
    rules = Rules(LISTING, [one for one in TIGHT if one["filterType"] == "PERCENT_PRICE"])
    assert verdict(rules, quantity="1", price=price) == (None if passes else "PERCENT_PRICE")


def test_a_bound_of_zero_switches_its_rule_off() -> None:
    off = [{"filterType": "PRICE_FILTER", "minPrice": "0.00", "maxPrice": "0.00", "tickSize": "0.00"}]
    assert verdict(Rules(LISTING, off), quantity="1", price="1000000000.00") is None


def test_what_is_worth_less_than_an_atom_is_no_filter_failure() -> None:
    tiny = Listing("XBTC", "X", "BTC", 0, price_exponent=-8, quantity_exponent=-2)
    ticket = Ticket("XBTC", Side.BUY, OrderType.LIMIT, "a", quantity=99, price=1)
    assert Rules(tiny, []).failure(Draft(ticket), context()) == WORTHLESS
    assert Rules(tiny, []).failure(Draft(replace(ticket, quantity=100)), context()) is None


def test_a_pegged_order_is_judged_when_it_has_its_price() -> None:
    rules = Rules(LISTING, TIGHT)
    ticket = Ticket("BTCUSDT", Side.BUY, OrderType.LIMIT, "a", quantity=1_000, peg=Peg(PegPriceType.PRIMARY_PEG))
    assert rules.failure(Draft(ticket), context()) is None
    found = [
        rules.price_failure(Side.BUY, OrderType.LIMIT, ticks, 1_000, context()) for ticks in (9_450_000, 9_450_001)
    ]
    assert found == [None, "PRICE_FILTER"]
    assert rules.price_failure(Side.BUY, OrderType.LIMIT, 9_800_000, 1_000, context()) == "PERCENT_PRICE_BY_SIDE"
    assert rules.price_failure(Side.BUY, OrderType.LIMIT, 9_450_000, 20, context()) == "MIN_NOTIONAL"


def order(**changes: Any) -> Order:
    usual: dict[str, Any] = {
        "id": 1,
        "symbol": "BTCUSDT",
        "account": 1,
        "client_id": "a",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "quantity": 1_000,
        "price": 9_450_000,
        "quote_quantity": 0,
        "stop": 0,
        "trailing_delta": 0,
        "iceberg": 0,
        "prevention": SelfTradePrevention.NONE,
        "created_us": 0,
        "updated_us": 0,
    }
    return Order(**usual | changes)


def test_open_orders_are_counted() -> None:
    found = [
        order(list_id=7),
        order(list_id=7, type=OrderType.STOP_LOSS),
        order(type=OrderType.TAKE_PROFIT_LIMIT, iceberg=5),
        order(list_id=8, side=Side.SELL),
    ]
    assert counts_of(found) == Counts(orders=4, algos=2, icebergs=1, lists=2)
    assert position_of(Balance(free=10, locked=5), found, GRID) == 15 + 3 * 1_000 * 1_000
    assert position_of(None, [], GRID) == 0


def oco(quantity: int = 1_000, side: Side = Side.SELL) -> ListDraft:
    legs = (
        Ticket("BTCUSDT", side, OrderType.LIMIT_MAKER, "a", quantity=quantity, price=9_500_000),
        Ticket("BTCUSDT", side, OrderType.STOP_LOSS, "b", quantity=quantity, stop=9_400_000),
    )
    return ListDraft(ListTicket("BTCUSDT", "L", None, legs), tuple(Draft(leg) for leg in legs))


def otoco() -> ListDraft:
    working = Ticket("BTCUSDT", Side.BUY, OrderType.LIMIT, "w", quantity=1_000, price=9_450_000)
    pair = oco()
    return ListDraft(ListTicket("BTCUSDT", "L", working, pair.ticket.legs), (Draft(working), *pair.drafts))


@pytest.mark.parametrize(
    ("draft", "had", "expected"),
    [
        (oco(), Counts(orders=3, algos=1, lists=1), None),
        (oco(), Counts(orders=4), "MAX_NUM_ORDERS"),
        (otoco(), Counts(orders=2), None),
        (otoco(), Counts(orders=3), "MAX_NUM_ORDERS"),
        (oco(), Counts(algos=2), "MAX_NUM_ALGO_ORDERS"),
        (oco(), Counts(icebergs=9), None),  # it adds none
        (oco(), Counts(lists=2), "MAX_NUM_ORDER_LISTS"),
        (otoco(), Counts(lists=1), None),
    ],
)
def test_a_list_is_counted_with_all_its_orders(draft: ListDraft, had: Counts, expected: str | None) -> None:
    rules = [one for one in TIGHT if one["filterType"].startswith("MAX_NUM")]
    assert Rules(LISTING, rules).list_failure(draft, replace(context(), symbol=had)) == expected
    everywhere = [{**one, "filterType": "EXCHANGE_" + one["filterType"]} for one in rules]
    named = None if expected is None else "EXCHANGE_" + expected
    assert Rules(LISTING, [], everywhere).list_failure(draft, replace(context(), exchange=had)) == named


def test_a_list_fails_by_any_of_its_orders() -> None:
    rules = Rules(LISTING, TIGHT)
    assert rules.list_failure(oco(), context()) is None
    assert rules.list_failure(oco(quantity=1_001), context()) == "LOT_SIZE"
    pair = oco()
    off = ListDraft(pair.ticket, (pair.drafts[0], replace(pair.drafts[1], off_tick=True)))
    assert rules.list_failure(off, context()) == "PRICE_FILTER"


def test_a_pair_of_purchases_counts_once_towards_the_position() -> None:
    rules = Rules(LISTING, [{"filterType": "MAX_POSITION", "maxPosition": "1"}])
    half = replace(context(), position=atoms_of(Decimal("0.5")))
    assert rules.list_failure(oco(50_000, Side.BUY), half) is None
    assert rules.list_failure(oco(50_001, Side.BUY), half) == "MAX_POSITION"
    assert rules.list_failure(oco(90_000, Side.SELL), half) is None


def test_orders_that_sell_a_purchase_are_judged_without_a_quantity() -> None:
    working = Ticket("BTCUSDT", Side.BUY, OrderType.LIMIT, "w", quantity=1_000, price=9_450_000)
    leg = Ticket("BTCUSDT", Side.SELL, OrderType.LIMIT, "p", price=9_450_000)
    draft = ListDraft(ListTicket("BTCUSDT", "L", working, (leg,), takes_bought=True), (Draft(working), Draft(leg)))
    assert Rules(LISTING, TIGHT).list_failure(draft, context()) is None


@pytest.mark.parametrize(
    ("steps", "changes", "off_step", "expected"),
    [
        (500, {}, False, None),
        (500, {"amends": 9}, False, None),
        (500, {"amends": 10}, False, "MAX_NUM_ORDER_AMENDS"),
        (500, {}, True, "LOT_SIZE"),
        (5, {}, False, "NOTIONAL"),  # 4.725
        (6, {}, False, None),
        (5, {"price": 0, "pegged_price": 10_000_000}, False, None),
    ],
)
def test_amends(steps: int, changes: dict[str, Any], off_step: bool, expected: str | None) -> None:
    rules = Rules(LISTING, EXAMPLE)
    assert rules.amend_failure(order(**changes), steps, context(), off_step=off_step) == expected


@pytest.mark.parametrize(
    ("ticks", "steps", "changes", "expected"),
    [
        (9_450_000, 1_000, {}, None),
        (9_450_001, 1_000, {"price": 0}, "PRICE_FILTER"),
        (9_450_000, 1_000, {"price": 9_450_001}, "PRICE_FILTER"),  # both prices of a pegged order
        (9_900_000, 1_000, {"price": 0}, "PERCENT_PRICE"),
        (9_800_000, 1_000, {"price": 0}, "PERCENT_PRICE_BY_SIDE"),
        (9_450_000, 1_000, {"price": 9_800_000}, "PERCENT_PRICE_BY_SIDE"),
        (9_450_000, 1_005, {}, "LOT_SIZE"),
        (9_450_000, 0, {}, "LOT_SIZE"),
        (0, 60_000, {"type": OrderType.MARKET, "price": 0}, "MARKET_LOT_SIZE"),
        (0, 60_000, {"type": OrderType.STOP_LOSS, "price": 0}, None),
        (0, 70_000, {"type": OrderType.STOP_LOSS, "price": 0}, "NOTIONAL"),  # 66080 by the average
        (0, 20, {"type": OrderType.TAKE_PROFIT, "price": 0}, "MIN_NOTIONAL"),  # 18.90 by the last price
        (0, 20, {"type": OrderType.TAKE_PROFIT_LIMIT, "price": 0}, None),  # pegged, and not in the book yet
        (9_450_000, 30, {}, "NOTIONAL"),  # 28.35
        (9_450_000, 1_000, {"iceberg": 100}, None),
        (9_450_000, 1_010, {"iceberg": 100}, "ICEBERG_PARTS"),
    ],
)
def test_orders_that_start_later(ticks: int, steps: int, changes: dict[str, Any], expected: str | None) -> None:
    assert Rules(LISTING, TIGHT).start_failure(order(**changes), ticks, steps, context()) == expected


def test_prices_that_no_filter_needs_are_not_asked_for() -> None:
    def never(*_: Any) -> Any:
        raise AssertionError

    quiet = Context(average=never, last=never)
    stop = {"side": Side.SELL, "type": OrderType.STOP_LOSS, "quantity": Decimal("0.5"), "stopPrice": Decimal(94000)}
    rules = Rules(LISTING, [one for one in EXAMPLE if one["filterType"] != "NOTIONAL"])
    assert rules.failure(drafted(stop), quiet) is None


def test_the_helper_reads_as_the_exchange_does() -> None:
    with pytest.raises(Refused):
        drafted(LIMIT | {"quantity": Decimal(1)})

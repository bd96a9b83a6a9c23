"""Verdicts: ours, an independent reading of the fact sheet, and the paper exchange's say the same of random orders."""

from __future__ import annotations

import json
import random
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptox.errors import CryptoxError, ExchangeError, FilterFailure, MarketClosed, OrderRejected
from cryptox.model.drafts import draft_of
from cryptox.model.orders import Draft
from cryptox.venues.binance.filters import FilterRules
from cryptox.venues.binance.wire.general import SymbolInfo

sys.path.insert(0, str(Path(__file__).parent))
from reading import draw, failures, text

D = Decimal
TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
# The example set of filters.md.
FILTERS: list[dict[str, Any]] = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
    {"filterType": "ICEBERG_PARTS", "limit": 100},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "120.00000000", "stepSize": "0.00000000"},
    {
        "filterType": "TRAILING_DELTA",
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 2000,
        "minTrailingBelowDelta": 20,
        "maxTrailingBelowDelta": 1000,
    },
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "5",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "4",
        "askMultiplierDown": "0.25",
        "avgPriceMins": 5,
    },
    {
        "filterType": "NOTIONAL",
        "minNotional": "5.00000000",
        "applyMinToMarket": True,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
]
SYMBOL: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quoteAssetPrecision": 8,
    "orderTypes": TYPES,
    "icebergAllowed": True,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": True,
    "isSpotTradingAllowed": True,
    "filters": FILTERS,
    "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER"],
}
NAMES = {
    "price": "price",
    "stopPrice": "stop_price",
    "quantity": "quantity",
    "quoteOrderQty": "quote_quantity",
    "icebergQty": "iceberg_quantity",
    "trailingDelta": "trailing_delta",
    "timeInForce": "time_in_force",
}
P = D(60_000)
seeds = st.integers(0, 2**32)


def rules_of(symbol: dict[str, Any] = SYMBOL, **changed: Any) -> FilterRules:
    return FilterRules(msgspec.convert({**symbol, **changed}, SymbolInfo))


def with_filter(name: str, **values: Any) -> dict[str, Any]:
    """The symbol with one filter changed."""
    filters = [{**rule, **values} if rule["filterType"] == name else rule for rule in FILTERS]
    return {**SYMBOL, "filters": filters}


def draft_from(order: dict[str, str], symbol: str = "BTCUSDT") -> Draft:
    amounts = {NAMES[name]: value for name, value in order.items() if name in NAMES}
    return draft_of(symbol, order["side"], order["type"], **amounts)


def order_from(draft: Draft) -> dict[str, str]:
    order = {"side": draft.side.upper(), "type": draft.type}
    for theirs, ours in NAMES.items():
        value = getattr(draft, ours)
        if value is not None:
            order[theirs] = text(value) if isinstance(value, Decimal) else str(value)
    return order


def limit(**values: Any) -> Draft:
    given = {"quantity": "0.01", "price": "60000", **values}
    return draft_of("BTCUSDT", given.pop("side", "buy"), given.pop("type", "LIMIT"), **given)


def broken(draft: Draft, rules: FilterRules | None = None, reference: Decimal | None = P) -> dict[str, dict[str, Any]]:
    """Names of the rules, with the nearest values that keep them."""
    return {one.rule: dict(one.nearest) for one in (rules or rules_of()).judge(draft, reference)}


def test_an_order_that_keeps_them_all() -> None:
    assert rules_of().judge(limit(), P) == ()
    assert rules_of().nearest(limit(), P) == limit()
    assert rules_of().reference_minutes == 5
    assert rules_of().symbol.symbol == "BTCUSDT"


@pytest.mark.parametrize(
    ("values", "name", "nearest"),
    [  # The reference price is known to eight decimals, so its own lines are one tick out of reach.
        ({"price": "64000.123"}, "PRICE_FILTER", {"price": "64000.12"}),
        ({"price": "64000.123", "side": "sell"}, "PRICE_FILTER", {"price": "64000.13"}),
        ({"price": "12000.0049"}, "PRICE_FILTER", {"price": "12000.01"}),
        ({"price": "300000.01"}, "PERCENT_PRICE_BY_SIDE", {"price": "299999.99"}),
        ({"price": "11999.99"}, "PERCENT_PRICE_BY_SIDE", {"price": "12000.01"}),
        ({"price": "240000.01", "side": "sell"}, "PERCENT_PRICE_BY_SIDE", {"price": "239999.99"}),
        ({"price": "14999.99", "side": "sell"}, "PERCENT_PRICE_BY_SIDE", {"price": "15000.01"}),
        ({"quantity": "0.000123"}, "LOT_SIZE", {"quantity": "0.00012"}),
        ({"quantity": "9000.00001"}, "LOT_SIZE", {"quantity": "150"}),
        ({"quantity": "0.00001"}, "NOTIONAL", {"quantity": "0.00009"}),
        ({"quantity": "150.00001"}, "NOTIONAL", {"quantity": "150"}),
        ({"quantity": "0.010000001"}, "PRECISION", {"quantity": "0.01"}),
        ({"price": "60000.0000000001"}, "PRECISION", {"price": "60000"}),
        ({"quantity": "2", "iceberg_quantity": "0.01999"}, "ICEBERG_PARTS", {"iceberg_quantity": "0.02"}),
        ({"iceberg_quantity": "0.0000101"}, "LOT_SIZE", {"iceberg_quantity": "0.0001"}),
        ({"iceberg_quantity": "0.01"}, "ICEBERG_QUANTITY", {"iceberg_quantity": "0.00999"}),
    ],
)
def test_a_limit_order_that_breaks_one(values: dict[str, str], name: str, nearest: dict[str, str]) -> None:
    assert broken(limit(**values))[name] == nearest
    (breach, *_) = [one for one in rules_of().judge(limit(**values), P) if one.rule == name]
    assert breach.error is FilterFailure
    assert all(value in breach.message for value in nearest.values())


@pytest.mark.parametrize(
    ("values", "name", "nearest"),
    [
        ({"quantity": "120.00001"}, "MARKET_LOT_SIZE", {"quantity": "120"}),
        ({"quantity": "0.00008"}, "NOTIONAL", {"quantity": "0.00009"}),
        ({"quote_quantity": "4.99"}, "NOTIONAL", {"quote_quantity": "5"}),
        ({"quote_quantity": "10.123456789"}, "PRECISION", {"quote_quantity": "10.12345678"}),
    ],
)
def test_a_market_order_that_breaks_one(values: dict[str, str], name: str, nearest: dict[str, str]) -> None:
    draft = draft_of("BTCUSDT", "buy", "MARKET", **values)  # type: ignore[arg-type]  # amounts are text
    assert broken(draft) == {name: nearest}


@pytest.mark.parametrize(
    ("side", "kind", "delta", "nearest"),
    [
        ("buy", "STOP_LOSS", 9, 10),
        ("buy", "STOP_LOSS", 2001, 2000),
        ("sell", "TAKE_PROFIT", 2001, 2000),
        ("sell", "STOP_LOSS", 19, 20),
        ("buy", "TAKE_PROFIT", 1001, 1000),
    ],
)
def test_a_trailing_delta_out_of_bounds(side: str, kind: str, delta: int, nearest: int) -> None:
    draft = draft_of("BTCUSDT", side, kind, quantity="0.01", trailing_delta=delta)
    assert broken(draft) == {"TRAILING_DELTA": {"trailing_delta": nearest}}
    found = rules_of().nearest(draft, P)
    assert found is not None
    assert (found.trailing_delta, type(found.trailing_delta)) == (nearest, int)


def test_a_stop_price_has_ticks_but_no_percentage() -> None:
    draft = draft_of("BTCUSDT", "sell", "STOP_LOSS", quantity="0.01", stop_price="100.005")
    assert broken(draft) == {"PRICE_FILTER": {"stop_price": "100.01"}}


def test_what_no_number_would_change() -> None:
    stop = draft_of("BTCUSDT", "sell", "STOP_LOSS", quantity="0.01", trailing_delta=100)
    worth = draft_of("BTCUSDT", "buy", "MARKET", quote_quantity=100)
    for changed, draft, name, error in (
        ({"status": "BREAK"}, limit(), "STATUS", MarketClosed),
        ({"status": "CANCEL_ONLY"}, limit(), "STATUS", MarketClosed),
        ({"isSpotTradingAllowed": False}, limit(), "SPOT_TRADING", OrderRejected),
        ({"orderTypes": ["MARKET"]}, limit(), "ORDER_TYPE", OrderRejected),
        ({"allowTrailingStop": False}, stop, "TRAILING_STOP", OrderRejected),
        ({"quoteOrderQtyMarketAllowed": False}, worth, "QUOTE_QUANTITY", OrderRejected),
    ):
        (breach,) = rules_of(**changed).judge(draft, P)
        assert (breach.rule, breach.error, breach.nearest) == (name, error, {})
        assert "BTCUSDT" in breach.message
        assert rules_of(**changed).nearest(draft, P) is None


def test_what_is_accepted_when_it_is_left_out() -> None:
    shown = limit(iceberg_quantity="0.001")
    assert broken(shown, rules_of(icebergAllowed=False)) == {"ICEBERG": {"iceberg_quantity": None}}
    assert rules_of(icebergAllowed=False).nearest(shown, P) == limit()
    mode = limit(self_trade_prevention="DECREMENT")
    assert broken(mode) == {"SELF_TRADE_PREVENTION": {"self_trade_prevention": None}}
    assert rules_of().nearest(mode, P) == limit()
    assert broken(mode, rules_of(allowedSelfTradePreventionModes=[])) == {}


def test_rules_that_are_switched_off() -> None:
    off = with_filter("PRICE_FILTER", minPrice="0", maxPrice="0.00000000", tickSize="0")
    assert broken(limit(price="60000.12345678"), rules_of(off)) == {}
    assert "PRECISION" in broken(limit(price="60000.123456789"), rules_of(off))
    assert broken(limit(quantity="0.01000001"), rules_of(with_filter("LOT_SIZE", stepSize="0"))) == {}
    assert rules_of(filters=[]).reference_minutes is None
    assert broken(limit(price="1", quantity="1E+9"), rules_of(filters=[])) == {}
    worthless = limit(price="0.0001", quantity="0.00001")
    assert broken(worthless, rules_of(filters=[])) == {"ZERO_NOTIONAL": {"quantity": "0.0001"}}


def test_minutes_of_the_reference_price() -> None:
    assert rules_of(with_filter("PERCENT_PRICE_BY_SIDE", avgPriceMins=0)).reference_minutes == 0
    alone = [rule for rule in FILTERS if rule["filterType"] == "NOTIONAL"]
    assert rules_of(filters=alone).reference_minutes == 5
    without = [{**alone[0], "applyMinToMarket": False}]
    assert rules_of(filters=without).reference_minutes is None


def test_without_a_reference_price_its_rules_are_left_out() -> None:
    assert broken(limit(price="1000000", quantity="0.001"), reference=None) == {}
    small = draft_of("BTCUSDT", "buy", "MARKET", quantity="0.00001")
    assert broken(small, reference=None) == {}
    assert broken(small) == {"NOTIONAL": {"quantity": "0.00009"}}


def test_several_rules_at_once() -> None:
    draft = limit(price="64000.123", quantity="0.0000123", iceberg_quantity="0.00001234567")
    assert set(broken(draft)) == {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL", "PRECISION", "ICEBERG_QUANTITY"}
    found = rules_of().nearest(draft, P)
    assert found == limit(price="64000.12", quantity="0.00008", iceberg_quantity="0.00001")


def test_a_price_moves_where_no_quantity_would_do() -> None:
    few = {**with_filter("LOT_SIZE", maxQty="0.00010"), "filters": with_filter("LOT_SIZE", maxQty="0.00010")["filters"]}
    found = rules_of(few).nearest(limit(price="20000", quantity="0.0001"), P)
    assert found == limit(price="50000", quantity="0.0001")
    many = with_filter("LOT_SIZE", minQty="100")
    found = rules_of(many).nearest(limit(price="200000", quantity="1"), P)
    assert found == limit(price="90000", quantity="100")
    none = with_filter("LOT_SIZE", maxQty="0.00001")
    assert rules_of(none).nearest(limit(price="20000", quantity="0.00001"), P) is None


def test_no_order_is_made_up_where_the_rules_leave_no_quantity() -> None:
    small = draft_of("BTCUSDT", "buy", "MARKET", quantity="0.00001")
    tight = with_filter("MARKET_LOT_SIZE", maxQty="0.00002")  # which are worth no 5 USDT
    assert broken(small, rules_of(tight)) == {"NOTIONAL": {}}
    assert rules_of(tight).nearest(small, P) is None
    upside_down = with_filter("LOT_SIZE", minQty="10", maxQty="1")
    assert broken(limit(), rules_of(upside_down)) == {"LOT_SIZE": {}}
    assert rules_of(upside_down).nearest(limit(), P) is None


def test_an_iceberg_where_its_parts_are_not_limited() -> None:
    without = [rule for rule in FILTERS if rule["filterType"] != "ICEBERG_PARTS"]
    thin = limit(quantity="1", iceberg_quantity="0.00001")
    assert broken(thin) == {"ICEBERG_PARTS": {"iceberg_quantity": "0.01"}}
    assert broken(thin, rules_of(filters=without)) == {}
    assert broken(limit(iceberg_quantity="0.01"), rules_of(filters=without)) == {
        "ICEBERG_QUANTITY": {"iceberg_quantity": "0.00999"}
    }


def test_what_is_no_number_in_a_filter_bounds_nothing() -> None:
    odd = with_filter("LOT_SIZE", maxQty="Infinity", note=["words"])
    assert broken(limit(quantity="1E+5", price="60"), rules_of(odd)) == {"PERCENT_PRICE_BY_SIDE": {"price": "12000.01"}}
    assert broken(limit(quantity="0.010000001"), rules_of(odd)) == {
        "LOT_SIZE": {"quantity": "0.01"},
        "PRECISION": {"quantity": "0.01"},
    }
    free = with_filter("NOTIONAL", minNotional="NaN", maxNotional="NaN")
    assert broken(limit(quantity="0.00001"), rules_of(free)) == {}
    assert broken(limit(quantity="0.00001")) == {"NOTIONAL": {"quantity": "0.00009"}}
    with pytest.raises(ExchangeError, match="rule minQty is no number: 'a little'"):  # this one a symbol shows
        rules_of(with_filter("LOT_SIZE", minQty="a little"))


def test_the_nearest_price_of_a_sale_is_above() -> None:
    for side, price in (("buy", "64000.12"), ("sell", "64000.13")):
        found = rules_of().nearest(limit(side=side, price="64000.123"), P)
        assert found == limit(side=side, price=price)


def test_a_market_order_that_is_worth_too_much() -> None:
    worth = draft_of("BTCUSDT", "buy", "MARKET", quote_quantity="9000000.01")
    assert broken(worth) == {}
    assert broken(worth, rules_of(with_filter("NOTIONAL", applyMaxToMarket=True))) == {
        "NOTIONAL": {"quote_quantity": "9000000"}
    }


def test_filters_that_are_not_there_or_not_whole() -> None:
    stop = draft_of("BTCUSDT", "sell", "STOP_LOSS", quantity="0.01", trailing_delta=5)
    assert broken(stop) == {"TRAILING_DELTA": {"trailing_delta": 20}}
    assert broken(stop, rules_of(filters=[])) == {}
    upper = rules_of(filters=[{"filterType": "PERCENT_PRICE", "multiplierUp": "5"}])
    assert broken(limit(price="1"), upper) == {}
    assert set(broken(limit(price="300001"), upper)) == {"PERCENT_PRICE"}


def test_what_the_rules_say() -> None:
    (parts,) = rules_of().judge(limit(quantity="2", iceberg_quantity="0.01"), P)
    assert parts.message == "100 times iceberg_quantity 1 is below 2; nearest iceberg_quantity 0.02."
    none = rules_of(with_filter("LOT_SIZE", maxQty="0.00001"))
    (worth,) = none.judge(limit(price="20000", quantity="0.00001"), P)
    assert worth.message == "price times quantity 0.2 is below 5."


@pytest.mark.parametrize("reference", ["0", "-1"])
def test_a_reference_price_that_is_none(reference: str) -> None:
    assert broken(limit(price="1000000", quantity="0.001"), reference=D(reference)) == {}
    assert rules_of().needs_reference(limit(), D(reference))


@pytest.mark.parametrize(
    ("draft", "around", "needs"),
    [
        (limit(price="0.5", quantity="100"), "0.5", False),
        (limit(price="60000"), "60000", False),
        (limit(price="60000"), None, True),
        (limit(price="17999"), "60000", True),  # a fifth of 90000
        (limit(price="18000"), "60000", False),
        (limit(price="200000"), "60000", False),  # five times 40000
        (limit(price="200000.01"), "60000", True),
        (limit(price="450000.01"), "60000", False),  # five times 90000: refused in any case
        (limit(price="450000"), "60000", True),
        (limit(price="60000", side="sell"), "60000", False),
        (limit(price="22499", side="sell"), "60000", True),  # a quarter of 90000
        (draft_of("BTCUSDT", "buy", "MARKET", quantity="0.01"), "60000", False),
        (draft_of("BTCUSDT", "buy", "MARKET", quantity="0.000125"), "60000", False),  # 5 / 40000
        (draft_of("BTCUSDT", "buy", "MARKET", quantity="0.000124"), "60000", True),
        (draft_of("BTCUSDT", "buy", "MARKET", quantity="0.00005"), "60000", False),
        (draft_of("BTCUSDT", "buy", "MARKET", quote_quantity="1"), None, False),
        (draft_of("BTCUSDT", "buy", "STOP_LOSS", quantity="1", stop_price="1"), None, True),
    ],
)
def test_whether_the_reference_price_must_be_known(draft: Draft, around: str | None, needs: bool) -> None:
    assert rules_of().needs_reference(draft, None if around is None else D(around)) is needs


@given(seeds, st.fractions(min_value="2/3", max_value="3/2"))
def test_where_it_need_not_be_known_the_verdict_is_the_same(seed: int, factor: Any) -> None:
    draft = draft_from(draw(random.Random(seed), SYMBOL, P))
    there = (P * factor.numerator / factor.denominator).quantize(D("1E-8"))
    if D(40_000) <= there <= D(90_000) and not rules_of().needs_reference(draft, P):
        assert {one.rule for one in rules_of().judge(draft, there)} == {one.rule for one in rules_of().judge(draft, P)}


class Symbols(list[dict[str, Any]]):
    """Many of them; hypothesis would write them all out."""

    def __repr__(self) -> str:
        return f"{len(self)} symbols"


@pytest.fixture(scope="module")
def real(shared: Path) -> Symbols:
    """Exchange information of 2021-10-12 (shared/data/README.md): the symbols that traded, each by itself."""
    first = (shared / "data" / "cryptofeed" / "BINANCE.0").read_text().splitlines()[0]
    found: list[dict[str, Any]] = json.loads(first[first.index("{") :])["symbols"]
    traded = (one for one in found if one["status"] == "TRADING" and one["isSpotTradingAllowed"])
    return Symbols({**one, "allowTrailingStop": True, "orderTypes": TYPES} for one in traded)


def readings(order: dict[str, str], symbol: dict[str, Any], reference: Decimal | None) -> tuple[set[str], set[str]]:
    """What fails whatever the reference price is within its last decimal, and what fails for some such price."""
    if reference is None:
        sure = failures(order, symbol, None)
        return sure, sure
    unit = D(1).scaleb(-symbol["quoteAssetPrecision"])
    low, high = (failures(order, symbol, one) for one in (max(reference - unit, reference / 2), reference + unit))
    return low & high, low | high


def agrees(order: dict[str, str], symbol: dict[str, Any], reference: Decimal | None) -> None:
    """Our verdict is that of the independent reading, and our nearest order keeps everything."""
    rules, draft = rules_of(symbol), draft_from(order)
    expected, _ = readings(order, symbol, reference)
    breaches = rules.judge(draft, reference)
    assert {one.rule for one in breaches} == expected, (order, reference)
    found = rules.nearest(draft, reference)
    assert (found == draft) is (not expected)
    assert found is not None, (order, reference)
    if expected:
        assert readings(order_from(found), symbol, reference)[1] == set(), (order, order_from(found), reference)
    assert (found.side, found.type, found.time_in_force) == (draft.side, draft.type, draft.time_in_force)
    for one in breaches:
        for name, value in one.nearest.items():
            alone = draft.changed(**{name: D(value) if isinstance(value, str) else value})
            faults = [b for b in rules.judge(alone, reference) if b.rule == one.rule and name in b.nearest]
            assert not faults, (order, one)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(seeds, st.sampled_from([P, D("0.37"), D("123456.78901234"), None]))
def test_verdicts_on_the_example_set(seed: int, reference: Decimal | None) -> None:
    agrees(draw(random.Random(seed), SYMBOL, reference or P), SYMBOL, reference)


@pytest.mark.slow
@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seeds)
def test_verdicts_on_the_filters_of_real_symbols(real: Symbols, seed: int) -> None:
    chance = random.Random(seed)
    symbol = chance.choice(real)
    rules = {rule["filterType"]: rule for rule in symbol["filters"]}
    tick, least = D(rules["PRICE_FILTER"]["tickSize"]), D(rules["MIN_NOTIONAL"]["minNotional"])
    # A price that there may be, and at which some lot is worth enough, or no order could be right.
    reference = min(tick * chance.randint(1_000, 10**6), D(rules["PRICE_FILTER"]["maxPrice"]) / 2)
    reference = max(reference, 20 * least / D(rules["LOT_SIZE"]["maxQty"]))
    agrees(draw(chance, symbol, reference), symbol, reference)


TICKS = st.sampled_from(["0.00000001", "0.00005", "0.01", "0.05", "0.3", "7", "0"])


@settings(max_examples=300, deadline=None)
@given(seeds, TICKS, TICKS, st.sampled_from([2, 4, 8]), st.booleans(), st.booleans())
def test_verdicts_on_odd_grids(seed: int, tick: str, step: str, digits: int, market: bool, most: bool) -> None:
    symbol = with_filter("PRICE_FILTER", tickSize=tick, minPrice="0.00000001", maxPrice="0")
    filters = [
        {**rule, "stepSize": step, "minQty": "0.00000001", "maxQty": "900000000"}
        if rule["filterType"] == "LOT_SIZE"
        else {**rule, "stepSize": "0.1", "maxQty": "90000000"}
        if rule["filterType"] == "MARKET_LOT_SIZE"
        else {**rule, "applyMinToMarket": market, "applyMaxToMarket": most}
        if rule["filterType"] == "NOTIONAL"
        else rule
        for rule in symbol["filters"]
    ]
    symbol = {**symbol, "filters": filters, "baseAssetPrecision": digits, "quoteAssetPrecision": digits}
    order = draw(random.Random(seed), symbol, D(1000))
    rules, draft = rules_of(symbol), draft_from(order)
    found = {one.rule for one in rules.judge(draft, D(1000))}
    # What is worth nothing depends on the digits of the quote asset, which the fact sheet takes for eight.
    assert found - {"ZERO_NOTIONAL"} == readings(order, symbol, D(1000))[0] - {"ZERO_NOTIONAL"}
    nearest = rules.nearest(draft, D(1000))
    if nearest is not None and found:
        assert readings(order_from(nearest), symbol, D(1000))[1] == set()


def said(error: CryptoxError | None) -> str | None:
    """What the exchange refused: the name of a rule; None where no rule was broken (the engine's reasons are none)."""
    if error is None:
        return None
    details = error.technical_details
    named = re.search(r"Filter failure: (\w+)", details)
    if named:
        return named[1]
    if "too much precision" in details:
        return "PRECISION"
    if "IcebergQty exceeds QTY" in details:
        return "ICEBERG_QUANTITY"
    if "Price * QTY is zero or less" in details:
        return "ZERO_NOTIONAL"
    assert error.code == -2010, details  # it would take, trigger at once, or the account has too little
    return None


def verdict_of(trader: Any, draft: Draft) -> str | None:
    request = trader.venue.test(draft.changed(client_order_id=trader.id()))
    return said(trader.venue.refusal(request, trader.answer(request)))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHBTC", "ADAUSDT", "PEPEUSDT", "这是测试币456USDT"])
def test_verdicts_of_the_paper_exchange(trader: Any, symbol: str) -> None:
    chance, venue = random.Random(symbol), trader.venue
    rules = trader(venue.order_rules(symbol))
    raw = json.loads(trader.newest.body)["symbols"][0]
    reference = trader(venue.average_price(symbol))
    seen: dict[str | None, int] = {}
    for _ in range(150):
        order = draw(chance, raw, reference)
        draft = draft_from(order, symbol)
        expected, possible = readings(order, raw, reference)
        assert {one.rule for one in rules.judge(draft, reference)} == expected, order
        verdict = verdict_of(trader, draft)
        seen[verdict] = seen.get(verdict, 0) + 1
        assert verdict in (possible if expected else {None, *possible}), (order, verdict, expected, possible)
        if expected:
            nearest = rules.nearest(draft, reference)
            assert nearest is not None, order
            assert verdict_of(trader, nearest) is None, (order, order_from(nearest))
    assert seen[None] > 15  # else nothing was shown
    assert {"LOT_SIZE", "NOTIONAL", "PERCENT_PRICE_BY_SIDE", "PRECISION"} <= set(seen)
    assert ("PRICE_FILTER" in seen) is (symbol != "PEPEUSDT")  # whose tick is as fine as prices may be


def test_a_symbol_that_has_ended(trader: Any) -> None:
    rules = trader(trader.venue.order_rules("LUNCUSDT"))
    (breach,) = rules.judge(draft_of("LUNCUSDT", "buy", quantity="1000000", price="0.0001"), None)
    assert (breach.rule, breach.error) == ("STATUS", MarketClosed)

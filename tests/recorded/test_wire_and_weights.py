"""Our tables against what was recorded and written down elsewhere: a swapped field letter or weight fails here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.wire import market

SPOT = [endpoint for endpoint in ep.ENDPOINTS if endpoint is not ep.API_RESTRICTIONS]  # the wallet's, own
BY_TAIL = {one.path.removeprefix("/api/v3/"): one for one in SPOT if one.security is ep.Security.NONE}
# Our field, by the exchange's letter or place, as its documentation explains them.
FIELDS = {
    "agg_trades": (market.AggTrade, {
        "a": "id", "p": "price", "q": "quantity", "f": "first_id", "l": "last_id", "T": "time", "m": "buyer_is_maker",
        "M": "is_best_match"}),
    "trades": (market.Trade, {
        "id": "id", "price": "price", "qty": "quantity", "quoteQty": "quote_quantity", "time": "time",
        "isBuyerMaker": "buyer_is_maker", "isBestMatch": "is_best_match"}),
    "book_ticker": (market.BookTicker, {
        "symbol": "symbol", "bidPrice": "bid", "bidQty": "bid_quantity", "askPrice": "ask", "askQty": "ask_quantity"}),
    "ticker_price": (market.Price, {"symbol": "symbol", "price": "price"}),
    "avg_price": (market.AveragePrice, {"mins": "minutes", "price": "price"}),
    "depth": (market.Depth, {"lastUpdateId": "last_update_id", "bids": "bids", "asks": "asks"}),
}  # fmt: skip
KLINE = [
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
]  # fmt: skip


@pytest.mark.parametrize("name", [*FIELDS, "historical_trades"])
def test_each_field_of_a_recorded_payload_is_read_under_its_own_name(name: str, shared: Path) -> None:
    text = (shared / "data/nautilus/http_responses" / f"http_spot_market_{name}.json").read_bytes()
    raw = json.loads(text)
    struct, fields = FIELDS[name.removeprefix("historical_")]
    for row in raw if isinstance(raw, list) else [raw]:
        found: Any = msgspec.json.decode(json.dumps(row), type=struct[str])
        assert set(row) == set(fields)
        for letter, field in fields.items():
            value = getattr(found, field)
            assert json.loads(msgspec.json.encode(value)) == row[letter], letter


def test_recorded_prices_and_quantities_cannot_be_swapped(shared: Path) -> None:
    # The letters above are ours to mistype as well: what is a price of BTC lies far above what is a quantity.
    text = (shared / "data/nautilus/http_responses/http_spot_market_agg_trades.json").read_bytes()
    for row in msgspec.json.decode(text, type=list[market.AggTrade[str]]):
        assert 60_000 < float(row.price) < 61_000
        assert 0 < float(row.quantity) < 100
        assert row.first_id <= row.last_id
        assert 1_634_900_000_000 < row.time < 1_635_000_000_000


def test_the_places_of_a_recorded_candle(shared: Path) -> None:
    text = (shared / "data/nautilus/http_responses/http_spot_market_klines.json").read_bytes()
    for raw, row in zip(json.loads(text), msgspec.json.decode(text, type=list[market.Kline[str]]), strict=True):
        assert [getattr(row, name) for name in KLINE] == raw
        assert float(row.low) <= min(float(row.open), float(row.close)) <= float(row.high)
        assert row.close_time - row.open_time == 59_999
        assert float(row.taker_buy_volume) <= float(row.volume)
        mean = float(row.quote_volume) / float(row.volume)
        assert float(row.low) * (1 - 1e-12) <= mean <= float(row.high) * (1 + 1e-12)


def overview(shared: Path) -> dict[tuple[str, str], list[str]]:
    """Method and path -> security, weight and orders counted, as the overview says them."""
    found = {}
    for line in (shared / "binance/rest.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 5 or not re.match("(GET|POST|PUT|DELETE) ", cells[0]):
            continue
        method, _, names = re.sub(r" \([^)]*\)", "", cells[0]).partition(" ")
        first, *others = names.split(", ")
        folder = "orderList/" if first.startswith("orderList/") else ""  # stands for the others too
        for path in (first, *(folder + name for name in others)):
            found[method, path] = cells[1:4]
    return found


def test_every_endpoint_is_in_the_overview_and_costs_what_it_says(shared: Path) -> None:
    said = overview(shared)
    assert {(one.method, one.path.removeprefix("/api/v3/")) for one in SPOT} == set(said)
    plain = 0
    for endpoint in SPOT:
        security, weight, orders = said[endpoint.method, endpoint.path.removeprefix("/api/v3/")]
        assert endpoint.security.value == {"-": "NONE"}.get(security.split()[0], security), endpoint
        assert endpoint.orders == int(orders or 0), endpoint
        assert endpoint.free == ("→0" in weight), endpoint
        if re.fullmatch(r"\d+(→0)?( \(.*\))?", weight):
            assert endpoint.cost({"symbol": "BTCUSDT"}) == int(re.match(r"\d+", weight)[0]), endpoint  # type: ignore[index]
            plain += 1
    assert plain == 36


def test_weights_of_signed_endpoints_that_depend_on_parameters(shared: Path) -> None:
    said = rows_of(shared)
    for endpoint, few, many in (
        (ep.OPEN_ORDERS, {"symbol": "A"}, {}),
        (ep.MY_TRADES, {"orderId": "1"}, {}),
        (ep.MY_PREVENTED_MATCHES, {"preventedMatchId": "1"}, {"orderId": "1"}),
        (ep.TEST_ORDER, {"computeCommissionRates": "false"}, {"computeCommissionRates": "true"}),
        (ep.TEST_SOR_ORDER, {}, {"computeCommissionRates": "true"}),
    ):
        weights = re.findall(r"(?<!`)\b(\d+)\b", said[endpoint.path.removeprefix("/api/v3/")])
        assert [endpoint.cost(few), endpoint.cost(many)] == [int(one) for one in weights[:2]], endpoint


def rows_of(shared: Path) -> dict[str, str]:
    """The table of weights that depend on parameters."""
    text = (shared / "binance/limits.md").read_text().split("## 4.")[1].split("## 5.")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {name: cells[1] for cells in rows for name in re.findall(r"`([^`]+)`", cells[0])}


def symbols(count: int) -> dict[str, str]:
    return {"symbols": json.dumps([f"A{at}USDT" for at in range(count)])}


def test_weights_that_depend_on_parameters(shared: Path) -> None:
    said = rows_of(shared)
    for low, high, weight in re.findall(r"(\d+)-(\d+): (\d+)", said["depth"]):
        assert [ep.DEPTH.cost({"limit": limit}) for limit in (low, high)] == [int(weight)] * 2
    few, some, many = re.fullmatch(
        r"one symbol or 1-20 symbols: (\d+); 21-100: (\d+); 101\+ or none: (\d+)", said["ticker/24hr"].strip()
    ).groups()  # type: ignore[union-attr]  # a changed page must fail here
    for count, weight in ((1, few), (20, few), (21, some), (100, some), (101, many)):
        assert ep.TICKER_24H.cost(symbols(count)) == int(weight)
    assert ep.TICKER_24H.cost({"symbol": "BTCUSDT"}) == int(few)
    assert ep.TICKER_24H.cost({}) == int(many)
    for name in ("ticker/price", "ticker/bookTicker"):
        one, more = map(int, re.findall(r": (\d+)", said[name]))
        costs = [BY_TAIL[name].cost(params) for params in ({"symbol": "BTCUSDT"}, symbols(2), {})]
        assert costs == [one, more, more]
    for name in ("ticker", "ticker/tradingDay"):
        each, cap = map(int, re.findall(r"\d+", said[name]))
        costs = [BY_TAIL[name].cost(params) for params in ({"symbol": "A"}, symbols(7), symbols(100))]
        assert costs == [each, 7 * each, cap]
    one, each, cap, none = map(int, re.findall(r"\d+", said["executionRules"]))
    costs = [ep.EXECUTION_RULES.cost(params) for params in ({"symbol": "A"}, symbols(3), symbols(90), {})]
    assert costs == [one, 3 * each, cap, none]

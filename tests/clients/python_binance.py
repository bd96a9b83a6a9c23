"""python-binance at a paper exchange: the blocking client, market data and every refusal in its own exception.

    PEER_PYTHON tests/clients/python_binance.py < addresses.json

The client is not changed; the lines between the marks are all that points it at the exchange.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from checks import ATOM, ZERO, Checks, exact, one_candle, told

TOLD = told()
rest_url, stream_url, ws_api_url = TOLD["rest_url"], TOLD["stream_url"], TOLD["ws_api_url"]
api_key, secret_key = TOLD["api_key"], TOLD["secret_key"]

# documented: begin
from binance import AsyncClient, BinanceSocketManager, Client  # noqa: E402

for kind in (Client, AsyncClient):
    kind.API_URL = f"{rest_url}/api"
    kind.WS_API_URL = ws_api_url
BinanceSocketManager.STREAM_URL = f"{stream_url}/"

client = Client(api_key, secret_key)
# documented: end

from binance.exceptions import BinanceAPIException  # noqa: E402

SYMBOL, STREAM = "BTCUSDT", "btcusdt"
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
START = {asset: exact(amount) for asset, amount in TOLD["balances"].items()}
TAKER, STEP, TICK = Decimal("0.001"), Decimal("0.00001"), Decimal("0.01")

checks = Checks(lambda error: (error.code, error.message))


def refused(what: str, code: int, text: str) -> Any:
    return checks.refused(what, BinanceAPIException, code, text)


def markets() -> None:
    checks.equal("ping", client.ping(), {})
    ahead_ms = client.get_server_time()["serverTime"] - time.time() * 1000
    checks.true("server time", abs(ahead_ms) < 1000, f"{ahead_ms:.0f} ms ahead")
    info = client.get_exchange_info()
    names = [one["symbol"] for one in info["symbols"]]
    checks.true("markets", {"BTCUSDT", "ETHUSDT", "ETHBTC"} <= set(names), names)
    symbol = client.get_symbol_info(SYMBOL)
    filters = {one["filterType"]: one for one in symbol["filters"]}
    checks.equal("tick", filters["PRICE_FILTER"]["tickSize"], "0.01000000")
    checks.equal("step", filters["LOT_SIZE"]["stepSize"], "0.00001000")
    checks.equal("assets", (symbol["baseAsset"], symbol["quoteAsset"]), ("BTC", "USDT"))
    price, ticker = exact(client.get_symbol_ticker(symbol=SYMBOL)["price"]), client.get_ticker(symbol=SYMBOL)
    low, high = exact(ticker["lowPrice"]), exact(ticker["highPrice"])
    checks.true("price within the day's", exact("0.999") * low <= price <= exact("1.001") * high, price)
    change = exact(ticker["lastPrice"]) - exact(ticker["openPrice"])
    checks.equal("24 h change", exact(ticker["priceChange"]), change)


def candles() -> None:
    hour = (int(time.time() * 1000) // HOUR_MS - 1) * HOUR_MS
    (whole,) = client.get_klines(symbol=SYMBOL, interval="1h", startTime=hour, limit=1)
    minutes = client.get_klines(symbol=SYMBOL, interval="1m", startTime=hour, limit=60)
    checks.equal("an hour is its 60 minutes", one_candle(minutes), one_candle([whole]))
    rows = client.get_historical_klines(SYMBOL, "1m", hour - 1500 * MINUTE_MS, hour - 1)
    steps = {later[0] - earlier[0] for earlier, later in itertools.pairwise(rows)}
    checks.equal("1500 minutes in pages", (len(rows), steps, rows[-1][6]), (1500, {MINUTE_MS}, hour - 1))


def depth_and_trades() -> None:
    book = client.get_order_book(symbol=SYMBOL, limit=100)
    bids, asks = ([exact(price) for price, _ in book[side]] for side in ("bids", "asks"))
    checks.true("depth is sorted", bids == sorted(bids, reverse=True) and asks == sorted(asks), len(bids) + len(asks))
    checks.true("depth is not crossed", bids[0] < asks[0], (bids[0], asks[0]))
    rows = client.get_recent_trades(symbol=SYMBOL, limit=200)
    checks.equal("trade ids", [row["id"] for row in rows], list(range(rows[0]["id"], rows[0]["id"] + 200)))
    amounts = [(exact(row["price"]) * exact(row["qty"])).quantize(ATOM) for row in rows]
    checks.equal("amounts of trades", [exact(row["quoteQty"]) for row in rows], amounts)
    old = client.get_historical_trades(symbol=SYMBOL, fromId=rows[0]["id"], limit=200)
    checks.equal("the same trades by id", old, rows)
    joined = client.get_aggregate_trades(symbol=SYMBOL, limit=50)
    one = joined[0]
    parts = client.get_historical_trades(symbol=SYMBOL, fromId=one["f"], limit=one["l"] - one["f"] + 1)
    checks.equal("an aggregate is its trades", exact(one["q"]), sum(exact(row["qty"]) for row in parts))


def refusals() -> None:
    last = exact(client.get_symbol_ticker(symbol=SYMBOL)["price"])
    limit = {"symbol": SYMBOL, "timeInForce": "GTC", "quantity": "0.01", "price": f"{last * Decimal('0.9'):.2f}"}

    def place(**changed: Any) -> Any:
        return client.create_order(**{"side": "BUY", "type": "LIMIT", **limit, **changed})

    with refused("wrong symbol", -1121, "Invalid symbol."):
        client.get_order_book(symbol="NOPEUSDT")
    with refused("wrong symbol in an order", -1121, "Invalid symbol."):
        place(symbol="NOPEUSDT")
    with refused("wrong interval", -1120, "Invalid interval."):
        client.get_klines(symbol=SYMBOL, interval="7m")
    with refused("LOT_SIZE", -1013, "Filter failure: LOT_SIZE"):
        place(quantity="0.000015")
    with refused("PRICE_FILTER", -1013, "Filter failure: PRICE_FILTER"):
        place(price=f"{last * Decimal('0.9'):.2f}5")
    with refused("NOTIONAL", -1013, "Filter failure: NOTIONAL"):
        place(quantity="0.00001")
    with refused("too much precision", -1111, "Parameter 'quantity' has too much precision."):
        place(quantity="0.0100000001")
    with refused("insufficient funds", -2010, "Account has insufficient balance for requested action."):
        place(quantity="100")
    with refused("LIMIT_MAKER that would take", -2010, "Order would immediately match and take."):
        client.create_order(
            symbol=SYMBOL, side="BUY", type="LIMIT_MAKER", quantity="0.01", price=f"{last * Decimal('1.05'):.2f}"
        )
    with refused("cancel of no order", -2011, "Unknown order sent."):
        client.cancel_order(symbol=SYMBOL, orderId=999_999_999)
    with refused("query of no order", -2013, "Order does not exist."):
        client.get_order(symbol=SYMBOL, orderId=999_999_999)
    with refused("missing side", -1102, "Mandatory parameter 'side' was not sent, was empty/null, or malformed."):
        client.create_order(symbol=SYMBOL, type="MARKET", quantity="0.01")
    with refused("bad signature", -1022, "Signature for this request is not valid."):
        Client(api_key, secret_key[::-1]).get_account()
    with refused("unknown key", -2015, "Invalid API-key, IP, or permissions for action."):
        Client(api_key[::-1], secret_key).get_account()
    stranger = Client(api_key, secret_key)
    stranger.timestamp_offset = -60_000
    with refused("stale timestamp", -1021, "Timestamp for this request is outside of the recvWindow."):
        stranger.get_account()
    stranger.timestamp_offset = 5_000
    with refused("early timestamp", -1021, "Timestamp for this request was 1000ms ahead of the server's time."):
        stranger.get_account()
    checks.equal("a test order", client.create_test_order(side="BUY", type="LIMIT", **limit), {})
    checks.equal("nothing of that left an order", client.get_all_orders(symbol=SYMBOL), [])
    checks.equal("nor moved a balance", held(client.get_account()), {a: (n, ZERO) for a, n in START.items()})


def other_keys() -> None:
    """Ed25519 and RSA sign as well as a shared secret does."""
    price = f"{exact(client.get_symbol_ticker(symbol=SYMBOL)['price']) * Decimal('0.9'):.2f}"
    for kind in ("ed25519", "rsa"):
        signer = Client(TOLD[kind]["api_key"], private_key=TOLD[kind]["private_key"])
        order = signer.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=price, newClientOrderId=f"with-{kind}")
        cancel = signer.cancel_order(symbol=SYMBOL, origClientOrderId=f"with-{kind}")
        checks.equal(f"order signed with {kind}", (order["status"], cancel["status"]), ("NEW", "CANCELED"))


def not_ascii() -> None:
    """A symbol with letters of its own, in signed orders over both ways."""
    for place in (client.order_market_buy, client.ws_order_market_buy):
        order = place(symbol="这是测试币456USDT", quoteOrderQty="50")
        query = client.get_order(symbol="这是测试币456USDT", orderId=order["orderId"])
        names = ("symbol", "status", "executedQty", "cummulativeQuoteQty")
        checks.equal(
            "symbol that is not ASCII",
            [query[name] for name in names],
            ["这是测试币456USDT", "FILLED", order["executedQty"], order["cummulativeQuoteQty"]],
        )


def held(account: Mapping[str, Any]) -> dict[str, tuple[Decimal, Decimal]]:
    """Free and locked by asset, of what there is or was at the start."""
    rows = {row["asset"]: (exact(row["free"]), exact(row["locked"])) for row in account["balances"]}
    return {asset: row for asset, row in rows.items() if asset in START or any(row)}


def main() -> None:
    checks.part("markets", markets)
    checks.part("candles", candles)
    checks.part("depth and trades", depth_and_trades)
    checks.part("refusals", refusals)
    checks.part("other keys", other_keys)
    checks.part("not ASCII", not_ascii)
    checks.end()


if __name__ == "__main__":
    main()

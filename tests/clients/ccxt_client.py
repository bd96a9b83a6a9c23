"""ccxt at a paper exchange: the blocking client, market data, orders and every refusal in its own exception.

    PEER_PYTHON tests/clients/ccxt_client.py < addresses.json

The client is not changed; the lines between the marks are all that points it at the exchange.
"""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

from checks import ZERO, Checks, exact, one_candle, told

TOLD = told()
rest_url, stream_url, ws_api_url = TOLD["rest_url"], TOLD["stream_url"], TOLD["ws_api_url"]
api_key, secret_key = TOLD["api_key"], TOLD["secret_key"]

# documented: begin
import ccxt.pro  # noqa: E402


def paper(kind):
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    exchange = kind({"apiKey": api_key, "secret": secret_key, "options": options})
    sockets = {"spot": f"{stream_url}/ws", "ws-api": {"spot": ws_api_url}}
    exchange.urls["api"] = {"public": f"{rest_url}/api/v3", "private": f"{rest_url}/api/v3", "ws": sockets}
    return exchange


exchange = paper(ccxt.binance)  # or ccxt.async_support.binance, ccxt.pro.binance
# documented: end

SYMBOL, MARKET = "BTC/USDT", "BTCUSDT"
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
START = {asset: exact(amount) for asset, amount in TOLD["balances"].items()}
TAKER, STEP = Decimal("0.001"), Decimal("0.00001")


def code_and_text(error: Exception) -> tuple[Any, str]:
    """ccxt puts the exchange's answer behind its own name: whole, or only the text where it knows that by heart."""
    text = str(error).removeprefix("binance ")
    body = json.loads(text[text.index("{") :]) if "{" in text else {"msg": text}
    return body.get("code"), body["msg"]


checks = Checks(code_and_text)
BY_HEART = None  # the code in place of a text that ccxt has in its own table


def markets() -> None:
    listed = exchange.load_markets()
    checks.true("markets", {"BTC/USDT", "ETH/USDT", "ETH/BTC"} <= set(listed), sorted(listed))
    one = listed[SYMBOL]
    checks.equal("precision", (one["precision"]["price"], one["precision"]["amount"]), (0.01, 1e-05))
    limits = one["limits"]
    checks.equal("limits", (limits["amount"]["min"], limits["price"]["min"], limits["cost"]["min"]), (1e-05, 0.01, 5.0))
    checks.equal("kind of market", (one["spot"], one["active"], one["base"], one["quote"]), (True, True, "BTC", "USDT"))
    ahead_ms = exchange.fetch_time() - time.time() * 1000
    checks.true("server time", abs(ahead_ms) < 1000, f"{ahead_ms:.0f} ms ahead")
    ticker = exchange.fetch_ticker(SYMBOL)
    checks.true("ticker", ticker["low"] <= ticker["last"] <= ticker["high"] and ticker["bid"] < ticker["ask"], ticker)
    checks.equal(
        "ticker, change",
        exact(ticker["info"]["priceChange"]),
        exact(ticker["info"]["lastPrice"]) - exact(ticker["info"]["openPrice"]),
    )


def candles() -> None:
    hour = (int(time.time() * 1000) // HOUR_MS - 1) * HOUR_MS
    raw = {"symbol": MARKET, "startTime": hour, "limit": 60}
    (whole,) = exchange.public_get_klines({**raw, "interval": "1h", "limit": 1})
    minutes = exchange.public_get_klines({**raw, "interval": "1m"})
    checks.equal("an hour is its 60 minutes", one_candle(minutes), one_candle([whole]))
    rows = exchange.fetch_ohlcv(SYMBOL, "1m", since=hour, limit=60)
    checks.equal("candles, times", [row[0] for row in rows], list(range(hour, hour + HOUR_MS, MINUTE_MS)))
    checks.equal("candles, closes", [row[4] for row in rows], [float(row[4]) for row in minutes])


def depth_and_trades() -> None:
    book = exchange.fetch_order_book(SYMBOL, 100)
    bids, asks = ([price for price, _ in book[side]] for side in ("bids", "asks"))
    checks.true("depth is sorted", bids == sorted(bids, reverse=True) and asks == sorted(asks), len(bids) + len(asks))
    checks.true("depth is not crossed", bids[0] < asks[0], (bids[0], asks[0]))
    rows = exchange.fetch_trades(SYMBOL, limit=100)
    checks.true("trades in time order", [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows))
    checks.equal(
        "trades, cost",
        [exact(row["cost"]) for row in rows],
        [(exact(row["price"]) * exact(row["amount"])).normalize() for row in rows],
    )


def refusals() -> None:
    last = exact(exchange.fetch_ticker(SYMBOL)["last"])
    low = float(f"{last * Decimal('0.9'):.2f}")
    raw = {"symbol": MARKET, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": low}

    with checks.refused("wrong symbol", ccxt.BadSymbol, -1121, "Invalid symbol."):
        exchange.public_get_depth({"symbol": "NOPEUSDT"})
    with checks.refused("wrong interval", ccxt.BadRequest, -1120, "Invalid interval."):
        exchange.public_get_klines({"symbol": MARKET, "interval": "7m"})
    with checks.refused("LOT_SIZE", ccxt.InvalidOrder, -1013, "Filter failure: LOT_SIZE"):
        exchange.private_post_order({**raw, "quantity": "0.000015"})
    with checks.refused("PRICE_FILTER", ccxt.InvalidOrder, -1013, "Filter failure: PRICE_FILTER"):
        exchange.private_post_order({**raw, "price": f"{low}05"})
    with checks.refused("NOTIONAL", ccxt.BadRequest, -1013, "Filter failure: NOTIONAL"):
        exchange.create_limit_buy_order(SYMBOL, 0.00001, low)
    funds = "Account has insufficient balance for requested action."
    with checks.refused("insufficient funds", ccxt.InsufficientFunds, BY_HEART, funds):
        exchange.create_limit_buy_order(SYMBOL, 100, low)
    with checks.refused("insufficient funds, market order", ccxt.InsufficientFunds, BY_HEART, funds):
        exchange.create_market_sell_order(SYMBOL, 50)
    takes = "Order would immediately match and take."
    with checks.refused("post-only that would take", ccxt.OrderImmediatelyFillable, BY_HEART, takes):
        exchange.create_limit_buy_order(SYMBOL, 0.01, float(f"{last * Decimal('1.05'):.2f}"), {"postOnly": True})
    triggers = "Order would trigger immediately."
    with checks.refused("stop on the wrong side", ccxt.OrderImmediatelyFillable, BY_HEART, triggers):
        high = float(f"{last * Decimal('1.05'):.2f}")
        exchange.create_order(SYMBOL, "limit", "sell", 0.01, low, {"stopLossPrice": high})
    with checks.refused("cancel of no order", ccxt.OrderNotFound, -2011, "Unknown order sent."):
        exchange.cancel_order("999999999", SYMBOL)
    with checks.refused("query of no order", ccxt.OrderNotFound, -2013, "Order does not exist."):
        exchange.fetch_order("999999999", SYMBOL)
    stranger = paper(ccxt.binance)
    stranger.secret = secret_key[::-1]
    with checks.refused("bad signature", ccxt.AuthenticationError, -1022, "Signature for this request is not valid."):
        stranger.private_get_account()
    stranger = paper(ccxt.binance)
    stranger.apiKey = api_key[::-1]
    text = "Invalid API-key, IP, or permissions for action."
    with checks.refused("unknown key", ccxt.AuthenticationError, -2015, text):
        stranger.private_get_account()
    stranger = paper(ccxt.binance)
    stranger.options["timeDifference"] = 60_000
    text = "Timestamp for this request is outside of the recvWindow."
    with checks.refused("stale timestamp", ccxt.InvalidNonce, -1021, text):
        stranger.private_get_account()
    stranger.options["timeDifference"] = -5_000
    text = "Timestamp for this request was 1000ms ahead of the server's time."
    with checks.refused("early timestamp", ccxt.InvalidNonce, -1021, text):
        stranger.private_get_account()
    with checks.refused(
        "the wallet", ccxt.NotSupported, None, "does not have a testnet/sandbox URL for sapi endpoints"
    ):
        exchange.fetch_trading_fee(SYMBOL)
    checks.equal("nothing of that left an order", exchange.fetch_orders(SYMBOL), [])
    checks.equal("nor moved a balance", held(exchange.fetch_balance()), {a: (n, ZERO) for a, n in START.items()})


def held(balance: dict[str, Any]) -> dict[str, tuple[Decimal, Decimal]]:
    """Free and used by asset; a watched balance has only what has moved."""
    there = [asset for asset in START if asset in balance]
    return {asset: (exact(balance[asset]["free"]), exact(balance[asset]["used"])) for asset in there}


def other_keys() -> None:
    """Ed25519 and RSA sign as well as a shared secret does."""
    price = float(f"{exact(exchange.fetch_ticker(SYMBOL)['bid']) * Decimal('0.9'):.2f}")
    for kind in ("ed25519", "rsa"):
        signer = paper(ccxt.binance)
        signer.apiKey, signer.secret = TOLD[kind]["api_key"], TOLD[kind]["private_key"]
        order = signer.create_limit_buy_order(SYMBOL, 0.01, price)
        cancel = signer.cancel_order(order["id"], SYMBOL)
        checks.equal(f"order signed with {kind}", (order["status"], cancel["status"]), ("open", "canceled"))


def not_ascii() -> None:
    """A symbol with letters of its own, in a signed order."""
    order = exchange.create_market_buy_order_with_cost("这是测试币456/USDT", 50)
    (one,) = [one for one in exchange.fetch_closed_orders("这是测试币456/USDT") if one["id"] == order["id"]]
    checks.equal(
        "symbol that is not ASCII",
        (one["status"], one["filled"], one["cost"]),
        ("closed", order["filled"], order["cost"]),
    )
    exchange.create_market_sell_order("这是测试币456/USDT", order["filled"] * 0.9)


def blocking_orders() -> None:
    """A day at the desk with the blocking client: place, change, cancel, buy for an amount."""
    before = held(exchange.fetch_balance())
    bid = exact(exchange.fetch_ticker(SYMBOL)["bid"])
    price, lower = (float(f"{bid * exact(share):.2f}") for share in ("0.9", "0.8"))
    order = exchange.create_limit_buy_order(SYMBOL, 0.02, price)
    checks.equal(
        "limit order",
        [order[name] for name in ("status", "price", "amount", "filled", "remaining")],
        ["open", price, 0.02, 0.0, 0.02],
    )
    changed = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 0.03, lower)
    checks.equal(
        "edit: another order in its place",
        [changed[name] for name in ("status", "price", "amount")],
        ["open", lower, 0.03],
    )
    checks.equal("edit: the old one", exchange.fetch_order(order["id"], SYMBOL)["status"], "canceled")
    locked = exact(lower) * Decimal("0.03")
    checks.equal("funds locked", held(exchange.fetch_balance())["USDT"], (before["USDT"][0] - locked, locked))
    cancelled = exchange.cancel_all_orders(SYMBOL)
    checks.equal("cancel all", [one["id"] for one in cancelled], [changed["id"]])
    checks.equal("funds back", held(exchange.fetch_balance()), before)
    bought = exchange.create_market_buy_order_with_cost(SYMBOL, 1000)
    info = bought["info"]
    step = exact(info["fills"][-1]["price"]) * STEP
    spent = exact(info["cummulativeQuoteQty"])
    checks.true("buy for an amount", ZERO <= Decimal(1000) - spent < step, (spent, step))
    checks.equal("buy for an amount, cost", (bought["status"], bought["cost"]), ("closed", float(spent)))
    fee = sum(exact(one["commission"]) for one in info["fills"])
    btc = before["BTC"][0] + exact(info["executedQty"]) - fee
    after = {**before, "BTC": (btc, ZERO), "USDT": (before["USDT"][0] - spent, ZERO)}
    checks.equal("buy for an amount, balances", held(exchange.fetch_balance()), after)
    mine = exchange.fetch_my_trades(SYMBOL)
    checks.equal(
        "my trades",
        [(one["order"], one["id"], one["takerOrMaker"]) for one in mine],
        [(bought["id"], str(one["tradeId"]), "taker") for one in info["fills"]],
    )
    checks.equal("my trades, fees", sum(exact(one["fee"]["cost"]) for one in mine), fee)


def main() -> None:
    for name, part in (
        ("markets", markets),
        ("candles", candles),
        ("depth and trades", depth_and_trades),
        ("refusals", refusals),
        ("other keys", other_keys),
        ("blocking orders", blocking_orders),
        ("not ASCII", not_ascii),
    ):
        checks.part(name, part)
    checks.end()


if __name__ == "__main__":
    main()

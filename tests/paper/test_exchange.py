"""The paper exchange as an object: its arguments, its addresses, its markets."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryptox.errors import ConfigurationError, CryptoxError, ValidationError
from cryptox.paper.exchange import PaperExchange
from cryptox.paper.trading.accounts import Balance


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": True}, "seed=True"),
        ({"latency": -0.1}, "latency=-0.1"),
        ({"latency": float("inf")}, "latency=inf"),
        ({"latency": "50ms"}, "latency='50ms'"),
        ({"ping_every": 0}, "ping_every=0"),
        ({"ping_every": 1e308}, "ping_every=1e+308"),
        ({"connection_life": float("nan")}, "connection_life=nan"),
        ({"ban_seconds": 10**400}, "ban_seconds=1000"),
        ({"connection_life": None}, "connection_life=None"),
        ({"balances": ["USDT"]}, "balances="),
        ({"balances": {"USDT": -1}}, "USDT=-1"),
        ({"balances": {"USDT": "much"}}, "USDT='much'"),
        ({"balances": {"USDT": float("nan")}}, "USDT=nan"),
        ({"balances": {"USDT": True}}, "USDT=True"),
        ({"balances": {1: 5}}, "1=5"),
        ({"path": 7}, "path=7"),
        ({"port": 70_000}, "port=70000"),
        ({"host": ""}, "host=''"),
        ({"clock": "whenever"}, "whenever"),
        ({"clock": ("2024-06-01", -2)}, "clock="),
        ({"limits": {"REQUEST_WEIGHT": 200}}, "REQUEST_WEIGHT=200"),
        ({"limits": {"WEIGHT": (200, "1s")}}, "'WEIGHT'"),
        ({"ban_seconds": 0}, "ban_seconds=0"),
        ({"symbols": ["NOSUCH"]}, "NOSUCH"),
        ({"symbols": 5}, "symbols=5"),
        ({"symbols": []}, "symbols=[]"),
        ({"sbe": "no"}, "sbe is True or False, not 'no'"),
        ({"market": 5}, "market=5"),
        ({"history": {"BTCUSDT": "a.csv"}, "symbols": ["ETHUSDT"]}, "ETHUSDT"),
        ({"history": "a.csv", "symbols": ["ETHUSDT", "BTCUSDT"]}, "single history"),
    ],
)
def test_bad_arguments_are_refused_with_their_value(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((ValidationError, ConfigurationError)) as caught:
        PaperExchange(**arguments)
    assert words in str(caught.value)
    assert isinstance(caught.value, CryptoxError)


def test_balances_are_read_exactly() -> None:
    exchange = PaperExchange(balances={"USDT": 10_000, "BTC": 0.1, "BNB": "1.5", "ETH": Decimal(2)})
    keys = exchange.create_account()
    exchange.deposit(keys.api_key, "BTC", "0.00000001")
    exchange.deposit(keys.api_key, "USDT", -0.1)
    key = exchange._state.accounts.by_api_key(keys.api_key)
    assert key is not None
    held = exchange._state.accounts.accounts[key.account].balances
    assert {asset: balance.free for asset, balance in held.items()} == {
        "USDT": 999_990_000_000,
        "BTC": 10_000_001,
        "BNB": 150_000_000,
        "ETH": 200_000_000,
    }


def test_money_can_be_locked_from_outside_and_released() -> None:
    exchange = PaperExchange(balances={"USDT": 100})
    keys = exchange.create_account()
    (account,) = exchange._state.accounts.accounts.values()
    exchange.lock(keys.api_key, "USDT", "99.5")
    assert account.balances["USDT"] == Balance(50_000_000, 9_950_000_000)
    with pytest.raises(ValidationError, match="less than 1 USDT free"):
        exchange.lock(keys.api_key, "USDT", 1)
    with pytest.raises(ValidationError, match=r"Less than 99\.6 USDT of account"):
        exchange.lock(keys.api_key, "USDT", -99.6)
    exchange.lock(keys.api_key, "USDT", -99.5)
    assert account.balances["USDT"] == Balance(10_000_000_000)
    for api_key, asset, amount in ((keys.api_key[::-1], "USDT", 1), (keys.api_key, "usdt", 1), (keys.api_key, "X", "")):
        with pytest.raises(ValidationError):
            exchange.lock(api_key, asset, amount)


def test_keys_show_no_secret_and_a_wrong_one_opens_nothing() -> None:
    exchange = PaperExchange()
    keys = exchange.create_account()
    api_key, secret_key = keys
    assert secret_key not in repr(keys) + str(keys) + repr(exchange) + repr(exchange._state.accounts)
    with pytest.raises(ValidationError, match="No account of this exchange has that key"):
        exchange.deposit(api_key[::-1], "USDT", 1)
    with pytest.raises(ValidationError, match="less than"):
        exchange.deposit(api_key, "USDT", -100_000.01)
    assert exchange.first_account() == keys


def test_amounts_that_cannot_be_are_refused_and_the_exchange_goes_on() -> None:
    exchange = PaperExchange()
    for amount in ("1e400000000", "1_000", (5,)):
        with pytest.raises(ValidationError, match="USDT="):
            exchange.create_account({"USDT": amount})
    keys = exchange.create_account({"USDT": np.float64(0.5)})
    for asset, amount in (("USDT", "1e3000000"), ("USDT", " 5 "), ("usdt", 5), (5, 5)):
        with pytest.raises(ValidationError, match=r"amount|asset"):
            exchange.deposit(keys.api_key, asset, amount)
    for key in (5, b"-----BEGIN PUBLIC KEY-----", ""):
        with pytest.raises(ValidationError, match="public_key="):
            exchange.add_key(keys.api_key, key)
    exchange.deposit(keys.api_key, "USDT", np.int64(2))
    (account,) = exchange._state.accounts.accounts.values()
    assert (account.uid, account.balances["USDT"].free) == (100_000_001, 250_000_000)


def test_accounts_of_a_trade_group_do_not_trade_with_each_other(trading: Any, opened: Any) -> None:
    ask = opened(clock="2024-06-01 12:00")
    for group in (-1, True, "a"):
        with pytest.raises(ValidationError, match="group="):
            ask.exchange.create_account(group=group)
    ended = []
    for groups in ((3, 3), (3, 4), (None, None)):
        maker, taker = trading(ask), trading(ask)
        for trader, group in zip((maker, taker), groups, strict=True):
            trader.keys = ask.exchange.create_account({"USDT": 10**7, "BTC": 50}, group=group)
        price, quantity = ask("/api/v3/depth", {"symbol": "BTCUSDT", "limit": 5}).json["asks"][0]
        limit = {"symbol": "BTCUSDT", "type": "LIMIT_MAKER", "side": "SELL", "quantity": "0.01", "price": price}
        number = maker("POST", "order", **limit).json["orderId"]
        whole = str(Decimal(quantity) + Decimal("0.02"))
        taker("POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity=whole)
        ended.append(maker("GET", "order", symbol="BTCUSDT", orderId=number).json["status"])
    assert ended == ["EXPIRED_IN_MATCH", "FILLED", "FILLED"]


def test_addresses() -> None:
    with PaperExchange(clock="2024-06-01") as exchange:
        port = exchange.port
        assert exchange.rest_url == f"http://127.0.0.1:{port}"
        assert exchange.stream_url == f"ws://127.0.0.1:{port}"
        assert exchange.ws_api_url == f"ws://127.0.0.1:{port}/ws-api/v3"
        assert repr(exchange).startswith(f"PaperExchange(http://127.0.0.1:{port}, ")
        assert "2024-06-01T00:00:00Z, frozen" in repr(exchange)
    assert "not running" in repr(exchange)


def get(exchange: PaperExchange, tail: str) -> Any:
    with urllib.request.urlopen(f"{exchange.rest_url}/api/v3/{tail}", timeout=10) as answer:
        return json.loads(answer.read())


def test_the_seeded_market_is_served() -> None:
    pages = []
    for seed in (7, 7, 8):
        with PaperExchange(seed, symbols=["BTCUSDT", "ETHUSDT"], clock="2024-06-01 12:00") as exchange:
            names = [one["symbol"] for one in get(exchange, "exchangeInfo")["symbols"]]
            assert names == ["BTCUSDT", "ETHUSDT"]
            assert get(exchange, "time") == {"serverTime": 1_717_243_200_000}
            pages.append(get(exchange, "klines?symbol=BTCUSDT&interval=1h&limit=24"))
    assert pages[0] == pages[1] != pages[2]
    assert [row[0] for row in pages[0]] == [1_717_243_200_000 - hour * 3_600_000 for hour in range(23, -1, -1)]


def test_every_public_answer_of_the_seeded_market_hangs_together() -> None:
    with PaperExchange(clock="2024-06-01 12:00:10") as exchange:
        symbols = [one["symbol"] for one in get(exchange, "exchangeInfo")["symbols"]]
        assert len(symbols) >= 8
        prices = {one["symbol"]: one["price"] for one in get(exchange, "ticker/price")}
        assert list(prices) == symbols
        for name in ("BTCUSDT", "ADAUSDT"):
            (minute,) = get(exchange, f"klines?symbol={name}&interval=1m&limit=1")
            (trade,) = get(exchange, f"trades?symbol={name}&limit=1")
            daily = get(exchange, f"ticker/24hr?symbol={name}")
            best = get(exchange, f"ticker/bookTicker?symbol={name}")
            book = get(exchange, f"depth?symbol={name}&limit=5")
            assert minute[4] == prices[name] == trade["price"] == daily["lastPrice"]
            assert (best["bidPrice"], best["bidQty"]) == tuple(book["bids"][0])
            assert (best["askPrice"], best["askQty"]) == tuple(book["asks"][0])
            assert float(best["bidPrice"]) < float(best["askPrice"])
            assert daily["lastId"] == trade["id"]
            assert daily["count"] == daily["lastId"] - daily["firstId"] + 1
            hours = get(exchange, f"klines?symbol={name}&interval=1h&limit=25")
            assert sum(row[8] for row in hours[2:]) <= daily["count"] <= sum(row[8] for row in hours)


def test_real_history_is_served_to_its_end(shared: Path) -> None:
    import pandas as pd

    file = shared / "data" / "genetrader" / "BTC_USDT-1d.feather"
    frame = pd.read_feather(file)
    with PaperExchange(history=file) as exchange:
        rows = get(exchange, "klines?symbol=BTCUSDT&interval=1d&limit=1000")
        told = get(exchange, "time")["serverTime"]
    times = (frame["date"].astype("int64") // {"ns": 10**6, "us": 10**3, "ms": 1}[frame["date"].dt.unit]).tolist()
    finished = [row for row in rows if row[6] < told]
    assert [row[0] for row in finished] == times[-len(finished) :]
    assert len(finished) >= min(len(times), 999)
    for name, place in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 5)):
        assert [float(row[place]) for row in finished] == frame[name].tolist()[-len(finished) :]


def test_an_account_that_takes_the_discount_pays_in_bnb() -> None:
    with PaperExchange(clock="2024-06-01 12:00") as exchange:
        plain, cheap = exchange.create_account(), exchange.create_account(takes_discount=True)
        commissions = []
        for keys in (plain, cheap):
            query = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&timestamp={int(time.time() * 1000)}"
            signature = hmac.new(keys.secret_key.encode(), query.encode(), hashlib.sha256).hexdigest()
            asked = urllib.request.Request(
                f"{exchange.rest_url}/api/v3/order?{query}&signature={signature}",
                method="POST",
                headers={"X-MBX-APIKEY": keys.api_key},
            )
            with urllib.request.urlopen(asked) as answer:
                commissions.append(json.load(answer)["fills"])
        prices = f"{exchange.rest_url}/api/v3/ticker/price?symbol=BNBUSDT"
        with urllib.request.urlopen(prices) as answer:
            bnb = Decimal(json.load(answer)["price"])
    assert {fill["commissionAsset"] for fill in commissions[0]} == {"BTC"}
    assert {fill["commissionAsset"] for fill in commissions[1]} == {"BNB"}
    for fill in commissions[0]:
        assert Decimal(fill["commission"]) == Decimal(fill["qty"]) / 1000
    for fill in commissions[1]:
        worth = Decimal(fill["qty"]) * Decimal(fill["price"]) / 1000 * Decimal("0.75")
        assert abs(Decimal(fill["commission"]) - worth / bnb) < Decimal("0.00000002")

"""Window statistics and averages, checked against the trades they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

BTC = {"symbol": "BTCUSDT"}


def test_windows_of_tickers(ask: Any, now_ms: int) -> None:
    day = 86_400_000
    daily = ask("ticker/24hr", BTC).json
    assert (daily["openTime"], daily["closeTime"]) == (now_ms - day, now_ms)
    window = ask("ticker", {**BTC, "windowSize": "15m"}).json
    assert window["openTime"] == (now_ms - 900_000) // 60_000 * 60_000
    assert window["closeTime"] == now_ms
    for zone, shift in (("0", 0), ("13:45", 49_500_000), ("-9", -32_400_000)):
        today = ask("ticker/tradingDay", {**BTC, "timeZone": zone}).json
        begin = (now_ms + shift) // day * day - shift
        assert (today["openTime"], today["closeTime"]) == (begin, begin + day - 1)


def test_numbers_of_a_ticker_follow_from_its_trades(ask: Any) -> None:
    found = ask("ticker", {**BTC, "windowSize": "1m"}).json
    rows = ask("historicalTrades", {**BTC, "fromId": found["firstId"], "limit": 1000}).json
    rows = [row for row in rows if row["id"] <= found["lastId"]]
    units = [(round(float(row["price"]) * 100), round(float(row["qty"]) * 100_000)) for row in rows]
    quote, base = sum(p * q for p, q in units), sum(q for _, q in units)
    assert found["count"] == len(rows)
    assert (found["openPrice"], found["lastPrice"]) == (rows[0]["price"], rows[-1]["price"])
    assert found["volume"] == f"{base // 10**5}.{base % 10**5:05d}000"
    change = units[-1][0] - units[0][0]
    assert float(found["priceChange"]) == pytest.approx(change / 100, abs=1e-9)
    assert re.fullmatch(r"-?\d+\.\d{3}", found["priceChangePercent"])
    assert float(found["priceChangePercent"]) == pytest.approx(100 * change / units[0][0], abs=0.00051)
    assert float(found["weightedAvgPrice"]) == pytest.approx(quote / base / 100, abs=6e-9)
    average = ask("avgPrice", BTC).json
    assert (average["mins"], average["closeTime"]) == (5, rows[-1]["time"])


def test_an_average_without_trades_is_the_last_price(opened: Callable[..., Any]) -> None:
    ask = opened()
    last = ask("ticker/price", {"symbol": "OLDUSDT"}).json["price"]
    average = ask("avgPrice", {"symbol": "OLDUSDT"}).json
    (trade,) = ask("trades", {"symbol": "OLDUSDT", "limit": 1}).json
    assert average == {"mins": 5, "price": last, "closeTime": trade["time"]}

"""A whole exchange on a socket: what users do is in the streams, and the streams agree with REST."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import urllib.request
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect

from cryptox.paper.exchange import PaperExchange

FAST, SLOW = "btcusdt@depth@100ms", "btcusdt@depth"
OTHERS = ("btcusdt@trade", "btcusdt@bookTicker", "btcusdt@kline_1m")
Book = dict[str, dict[str, str]]


class Rest:
    """A plain client of REST, in a thread."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._key, self._secret = exchange.create_account({"USDT": 1_000_000, "BTC": 50})

    async def __call__(self, path: str, method: str = "GET", **params: Any) -> Any:
        query = urlencode({"symbol": "BTCUSDT", **params})
        if path == "order":
            query += f"&timestamp={self._exchange.clock.now_ms()}"
            query += "&signature=" + hmac.new(self._secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self._exchange.rest_url}/api/v3/{path}?{query}"
        request = urllib.request.Request(url, method=method, headers={"X-MBX-APIKEY": self._key})

        def read() -> Any:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)

        return await asyncio.to_thread(read)


async def some_trading(exchange: PaperExchange, rest: Rest) -> None:
    """Orders that rest, orders that trade, cancels, and time that passes."""
    for turn in range(12):
        book = await rest("depth", limit=20)
        price = book["bids" if turn % 2 else "asks"][turn][0]
        side = ("SELL", "BUY")[turn % 2]
        order = await rest("order", "POST", side=side, type="LIMIT", timeInForce="GTC", quantity="0.05", price=price)
        if turn % 3 == 0:
            await rest("order", "DELETE", orderId=order["orderId"])
        if turn % 4 == 1:
            await rest("order", "POST", side=side, type="MARKET", quantity="0.3")
        if turn % 5 == 2:
            exchange.clock.advance("250ms")


def followed(snapshot: Any, events: list[Any], until: int) -> Book:
    """The documented steps, up to an id."""
    book = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    last = snapshot["lastUpdateId"]
    for event in events:
        if last < event["u"] <= until:
            assert event["U"] <= last + 1
            for side, levels in book.items():
                for price, quantity in event[side]:
                    levels[price] = quantity
                    if not Decimal(quantity):
                        del levels[price]
            last = event["u"]
    assert last == until
    return book


def test_books_and_trades_of_the_streams_are_those_of_rest() -> None:
    async def main(exchange: PaperExchange) -> None:
        rest, heard = Rest(exchange), {name: [] for name in (FAST, SLOW, *OTHERS)}  # type: Rest, dict[str, list[Any]]
        address = f"{exchange.stream_url}/stream?streams={'/'.join(heard)}"
        async with connect(address, compression=None, max_size=None) as client:
            await client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            assert json.loads(await client.recv())["result"] == list(heard)
            snapshot = await rest("depth", limit=5_000)
            await some_trading(exchange, rest)
            now = await rest("depth", limit=5_000)
            async with asyncio.timeout(60):
                while any(
                    heard[name][-1:] == [] or heard[name][-1]["u"] < now["lastUpdateId"] for name in (FAST, SLOW)
                ):
                    told = json.loads(await client.recv())
                    heard[told["stream"]].append(told["data"])
        for name in (FAST, SLOW):
            assert [one["U"] for one in heard[name][1:]] == [one["u"] + 1 for one in heard[name][:-1]]
            expected = {"b": dict(now["bids"]), "a": dict(now["asks"])}
            assert followed(snapshot, heard[name], now["lastUpdateId"]) == expected
        trades = heard["btcusdt@trade"]
        answer = await rest("historicalTrades", fromId=trades[0]["t"], limit=len(trades))
        assert [(one["t"], one["p"], one["q"], one["T"], one["m"]) for one in trades] == [
            (one["id"], one["price"], one["qty"], one["time"], one["isBuyerMaker"]) for one in answer
        ]
        assert sum(Decimal(one["q"]) for one in trades) > Decimal("0.9")  # the three market orders
        best = heard["btcusdt@bookTicker"][-1]
        assert (best["b"], best["B"]) == tuple(now["bids"][0])
        assert (best["a"], best["A"]) == tuple(now["asks"][0])
        assert heard["btcusdt@kline_1m"][-1]["k"]["L"] == trades[-1]["t"]

    with PaperExchange(clock="2024-06-01 12:00") as exchange:
        asyncio.run(main(exchange))

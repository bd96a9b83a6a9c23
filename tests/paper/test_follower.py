"""Who only listens to user data hears of fills although nobody asks for anything."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from decimal import Decimal
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect

from cryptox.paper.exchange import PaperExchange, PaperKeys

RUNNING = "2024-06-01 12:40", 900
FALLS_TO = Decimal("18804.00")  # for the first time at 14:13: six seconds for a slow machine to place an order


def sign(keys: PaperKeys, payload: str) -> str:
    return hmac.new(keys.secret_key.encode(), payload.encode(), hashlib.sha256).hexdigest()


async def subscribe(socket: ClientConnection, keys: PaperKeys) -> None:
    params = {"apiKey": keys.api_key, "timestamp": int(time.time() * 1000)}
    params["signature"] = sign(keys, "&".join(f"{name}={value}" for name, value in sorted(params.items())))
    await socket.send(json.dumps({"id": 1, "method": "userDataStream.subscribe.signature", "params": params}))
    assert json.loads(await socket.recv())["status"] == 200


async def place(url: str, keys: PaperKeys, **params: object) -> dict[str, object]:
    query = urlencode({**params, "timestamp": int(time.time() * 1000)})
    async with httpx.AsyncClient(base_url=url, headers={"X-MBX-APIKEY": keys.api_key}, trust_env=False) as client:
        answer = await client.post(f"/api/v3/order?{query}&signature={sign(keys, query)}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def resting(exchange: PaperExchange, keys: PaperKeys) -> dict[str, object]:
    """A bid just below the market, which will come down to it."""
    async with httpx.AsyncClient(base_url=exchange.rest_url, trust_env=False) as client:
        price = (await client.get("/api/v3/ticker/price", params={"symbol": "BTCUSDT"})).json()["price"]
    near = Decimal(price) - 3 if exchange.clock.speed == 0 else FALLS_TO
    return await place(
        exchange.rest_url,
        keys,
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.001",
        price=near,
    )


async def next_trade(socket: ClientConnection, order: dict[str, object]) -> dict[str, object]:
    while True:
        event = json.loads(await asyncio.wait_for(socket.recv(), 20))["event"]
        if event["e"] == "executionReport" and event["x"] == "TRADE" and event["i"] == order["orderId"]:
            return event


async def heard(exchange: PaperExchange, *, listens_first: bool) -> dict[str, object]:
    keys = exchange.create_account()
    async with connect(exchange.ws_api_url) as socket:
        if listens_first:
            await subscribe(socket, keys)
        order = await resting(exchange, keys)
        if not listens_first:
            await subscribe(socket, keys)
        if exchange.clock.speed == 0:
            for _ in range(60):
                exchange.clock.advance("1m")
        return await next_trade(socket, order)


def test_a_running_market_tells_of_fills() -> None:
    with PaperExchange(clock=RUNNING, symbols=["BTCUSDT"]) as exchange:
        event = asyncio.run(heard(exchange, listens_first=True))
    assert event["m"] is True
    assert event["X"] in ("FILLED", "PARTIALLY_FILLED")


def test_an_order_that_was_there_before_the_listener_is_followed_too() -> None:
    with PaperExchange(clock=RUNNING, symbols=["BTCUSDT"]) as exchange:
        assert asyncio.run(heard(exchange, listens_first=False))["m"] is True


def test_a_clock_moved_by_hand_tells_of_fills() -> None:
    with PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"]) as exchange:
        assert asyncio.run(heard(exchange, listens_first=True))["m"] is True


def test_nothing_is_done_while_nobody_listens_or_nothing_is_open() -> None:
    with PaperExchange(clock=("2024-06-01 12:00", 120), symbols=["BTCUSDT"]) as exchange:
        keys = exchange.create_account()
        asyncio.run(resting(exchange, keys))
        desk = exchange._state.desk
        before = desk.engine.now_us
        time.sleep(0.3)  # three ticks of real time, far more of market time
        assert desk.engine.now_us == before

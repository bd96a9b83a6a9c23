"""What can be done to a running exchange at once, seen by raw clients."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.paper.faults import Faults

WITHIN_S = 5.0
HOURS = {"symbol": "BTCUSDT", "interval": "1h", "limit": 50}


async def said(line: ClientConnection, within_s: float = WITHIN_S) -> Any:
    return json.loads(await asyncio.wait_for(line.recv(), within_s))


async def closed(line: ClientConnection) -> tuple[int, str] | None:
    """The close frame that ends a connection, None where it is broken off."""
    with pytest.raises(ConnectionClosed) as caught:
        await said(line)
    frame = caught.value.rcvd
    return None if frame is None else (frame.code, frame.reason)


def over(talk: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(talk(), 60))


def opened_socket(exchange: Any) -> tuple[connect, connect]:
    """A client of the streams and one of the WebSocket API."""
    return (
        connect(f"{exchange.stream_url}/ws/btcusdt@trade", ping_interval=None),
        connect(exchange.ws_api_url, ping_interval=None),
    )


class Plain:
    """A TCP connection that has asked for something and read the answer."""

    def __init__(self, exchange: Any, request: str) -> None:
        self.line = socket.create_connection(("127.0.0.1", exchange.port), timeout=WITHIN_S)
        host = f"Host: 127.0.0.1:{exchange.port}\r\n"
        self.line.sendall(request.replace("\n", f"\r\n{host}", 1).replace("\r\n\r\n", "\r\n").encode() + b"\r\n")
        self.answer = self.line.recv(65_536)

    def ends(self) -> str:
        try:
            return "closed" if self.line.recv(1) == b"" else "said something"
        except ConnectionResetError:
            return "reset"
        except TimeoutError:
            return "open"
        finally:
            self.line.close()


UPGRADE = (
    "GET /ws/btcusdt@trade HTTP/1.1\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.mark.parametrize("rest", [True, False])
def test_sockets_are_reset(ask: Any, rest: bool) -> None:
    streaming = Plain(ask.exchange, UPGRADE)
    asking = Plain(ask.exchange, "GET /api/v3/ping HTTP/1.1\n")
    assert streaming.answer.startswith(b"HTTP/1.1 101")
    assert asking.answer.startswith(b"HTTP/1.1 200")
    assert ask.exchange.faults.cut(rest=rest) == 1 + rest
    assert streaming.ends() == "reset"
    asking.line.settimeout(WITHIN_S if rest else 0.1)
    assert asking.ends() == ("reset" if rest else "open")
    assert ask("ping").status == 200


def test_all_connections_are_cut_and_new_ones_served(ask: Any) -> None:
    async def talk() -> None:
        streams, calls = opened_socket(ask.exchange)
        async with streams as one, calls as two:
            assert await asyncio.to_thread(ask.exchange.faults.cut) == 2
            assert await closed(one) is None
            assert await closed(two) is None
        streams, calls = opened_socket(ask.exchange)
        async with streams as one, calls as two:
            await two.send('{"id":1,"method":"ping"}')
            assert (await said(two))["status"] == 200

    over(talk)


@pytest.mark.parametrize("seconds", [0.0, 0.6])
def test_a_shutdown_is_told_before_the_end(ask: Any, now_ms: int, seconds: float) -> None:
    async def talk() -> None:
        streams, calls = opened_socket(ask.exchange)
        async with streams as one, calls as two:
            began = time.monotonic()
            assert await asyncio.to_thread(ask.exchange.faults.shut_down, seconds) == 2
            assert await said(one) == {"e": "serverShutdown", "E": now_ms}
            assert await said(two) == {"event": {"e": "serverShutdown", "E": now_ms}}
            if seconds:
                await two.send('{"id":1,"method":"ping"}')
                assert (await said(two))["status"] == 200
            assert await closed(one) == (1001, "Server shutdown")
            assert await closed(two) == (1001, "Server shutdown")
            assert seconds <= time.monotonic() - began
        streams, _ = opened_socket(ask.exchange)
        async with streams:
            assert ask.exchange.is_running

    over(talk)


def test_a_ban(ask: Any) -> None:
    async def talk() -> None:
        streams, calls = opened_socket(ask.exchange)
        async with streams as one, calls as two:
            ask.exchange.faults.ban(60, "10.1.2.3")
            assert ask("ping").status == 200
            ask.exchange.faults.ban(60, "127.0.0.1")
            assert await closed(two) == (1008, "IP banned")
            got = ask("klines", HOURS)
            assert (got.status, got.json["code"]) == (418, -1003)
            assert 58 <= int(got.headers["retry-after"]) <= 60
            until_ms = int(got.json["msg"].split("banned until ")[1].split(".")[0])
            assert 58_000 < until_ms - time.time() * 1_000 <= 60_000
            ask.exchange.faults.ban(0)
            assert ask("klines", HOURS).status == 200
            ask.exchange.clock.advance("2s")
            assert (await said(one))["e"] == "trade"  # streams go on
        ask.exchange.faults.ban(60)
        assert ask("ping").status == 418
        ask.exchange.faults.ban(0, "127.0.0.1")
        assert ask("ping").status == 200

    over(talk)


def test_a_ban_meets_those_who_come_later(opened: Callable[..., Any]) -> None:
    ask = opened()
    ask.exchange.faults.ban(30)
    assert ask("ping").status == 418


def test_a_limit_is_tripped(opened: Callable[..., Any]) -> None:
    ask = opened(limits={"REQUEST_WEIGHT": [(40, "1m"), (300, "1h")]})
    assert ask("ping").status == 200
    fault = ask.exchange.faults.trip_limit()
    got = ask("ping")
    assert (got.status, got.json["code"]) == (429, -1003)
    ask.exchange.faults.remove(fault)
    assert ask("ping").status == 200


class TestClock:
    def test_forward_takes_everything_along(self, trader: Any, now_ms: int) -> None:
        exchange = trader.exchange
        last = trader.ask("trades", {"symbol": "BTCUSDT", "limit": 1}).json[0]["id"]
        exchange.faults.step_clock(10)
        assert trader.ask("time").json["serverTime"] == now_ms + 10_000
        assert trader.ask("trades", {"symbol": "BTCUSDT", "limit": 1}).json[0]["id"] >= last + 9
        assert trader.place("one").json["transactTime"] == now_ms + 10_000

    def test_backward_the_market_stands_still(self, trader: Any, now_ms: int) -> None:
        exchange = trader.exchange
        assert trader.place("one").json["transactTime"] == now_ms
        last = trader.ask("trades", {"symbol": "BTCUSDT", "limit": 1}).json
        exchange.faults.step_clock(-10)
        assert trader.ask("time").json["serverTime"] == now_ms - 10_000
        assert trader.ask("trades", {"symbol": "BTCUSDT", "limit": 1}).json == last
        assert trader.place("two").json["transactTime"] == now_ms
        exchange.clock.advance("12s")
        assert trader.place("three").json["transactTime"] == now_ms + 2_000

    @pytest.mark.parametrize("seconds", [8, -8])
    def test_signed_requests_are_judged_by_it(
        self, opened: Callable[..., Any], trading: Callable[[Any], Any], seconds: int
    ) -> None:
        ask = opened(clock=None)
        trader = trading(ask)
        assert trader("GET", "openOrders").status == 200
        ask.exchange.faults.step_clock(seconds)
        before = time.time()
        told = ask("time").json["serverTime"] / 1_000 - seconds
        assert before - 0.001 <= told <= time.time()
        assert trader("GET", "openOrders").status == 200  # signs with the exchange's own time
        trader.now_ms = lambda: int(time.time() * 1_000)
        got = trader("GET", "openOrders")
        assert (got.status, got.json["code"]) == (400, -1021)
        assert ("1000ms ahead" in got.json["msg"]) == (seconds < 0)

    def test_events_never_go_back(self, opened: Callable[..., Any]) -> None:
        ask = opened(clock=None)

        async def talk() -> None:
            url = f"{ask.exchange.stream_url}/ws/btcusdt@bookTicker/btcusdt@miniTicker"
            async with connect(url, ping_interval=None) as line:
                first = (await said(line))["E"]
                await asyncio.to_thread(ask.exchange.faults.step_clock, 3_600)
                while (event := (await said(line))["E"]) < first + 3_000_000:
                    assert event >= first
                await asyncio.to_thread(ask.exchange.faults.step_clock, -1)
                after = (await said(line, 10))["E"]
                assert after >= event

        over(talk)


class TestWithoutAServer:
    ACTS: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("cut", ()),
        ("freeze", (1,)),
        ("end_user_streams", ()),
        ("shut_down", ()),
        ("ban", (1,)),
        ("step_clock", (1,)),
        ("trip_limit", ()),
    )

    @pytest.mark.parametrize(("act", "arguments"), ACTS)
    def test_nothing_can_be_done(self, act: str, arguments: tuple[Any, ...]) -> None:
        with pytest.raises(ConfigurationError, match="not running"):
            getattr(Faults(), act)(*arguments)

    def test_nor_after_it_has_stopped_but_again_when_it_runs(self, ask: Any) -> None:
        faults = ask.exchange.faults
        faults.add("frame", how="drop")
        ask.exchange.stop()
        for act, arguments in self.ACTS:
            with pytest.raises(ConfigurationError, match="not running"):
                getattr(faults, act)(*arguments)
        faults.add("frame", how="duplicate")
        faults.clear()
        ask.exchange.start()
        assert faults.cut() == 0


@pytest.mark.parametrize(
    ("act", "arguments"),
    [
        ("freeze", (-1,)),
        ("freeze", ("5",)),
        ("shut_down", (float("nan"),)),
        ("ban", (-1,)),
        ("ban", (True,)),
        ("freeze", (1e308,)),
        ("freeze", (0,)),
        ("shut_down", (10**400,)),
        ("ban", (1e308,)),
        ("step_clock", (1e300,)),
        ("step_clock", (-(10**400),)),
        ("step_clock", (float("inf"),)),
        ("step_clock", ("1h",)),
        ("end_user_streams", ("me",)),
    ],
)
def test_nonsense_is_refused(ask: Any, act: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError):
        getattr(ask.exchange.faults, act)(*arguments)

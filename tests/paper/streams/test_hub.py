"""The streams over real sockets, with the ``websockets`` package as the client."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cryptox.paper.floods import MOST_FLOODS
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.sockets import Connects, Rules
from cryptox.paper.streams.connection import Connection

START_MS = 1_717_243_200_000
Opener = Callable[..., Any]


async def heard(client: Any, within_s: float = 30.0) -> Any:
    return json.loads(await asyncio.wait_for(client.recv(), within_s))


async def ask(client: Any, method: str, params: Any = None, number: Any = 1) -> Any:
    said = {"method": method, "id": number} | ({} if params is None else {"params": params})
    await client.send(json.dumps(said))
    while True:
        told = await heard(client)
        if isinstance(told, dict) and ("result" in told or "code" in told):
            return told


async def repeated(times: int, act: Callable[[], Any]) -> None:
    for _ in range(times):
        await act()


async def answered_ping(client: Any) -> None:
    await (await client.ping())


async def nothing_more(client: Any) -> None:
    """No event is under way: the answer to a question comes next."""
    await client.send('{"method":"GET_PROPERTY","params":["combined"],"id":"last"}')
    told = await heard(client)
    assert told["id"] == "last", told


def test_the_four_ways_to_connect(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            raw = await there.client("/ws/btcusdt%40trade")
            combined = await there.client("/stream?streams=btcusdt@trade/btcusdt@kline_1m")
            later, official = await there.client("/ws/0"), await there.client("/stream")
            for client in (later, official):
                assert await ask(client, "SUBSCRIBE", ["btcusdt@trade"], 7) == {"result": None, "id": 7}
            for client in (raw, combined):
                assert (await ask(client, "LIST_SUBSCRIPTIONS"))["result"]
            there.desk.clock.advance("1s")
            first = market.last_trade_id("BTCUSDT", START_MS) + 1
            for client in (raw, later):
                told = await heard(client)
                assert (told["e"], told["t"], told["E"]) == ("trade", first, START_MS + 1_000)
            for client in (combined, official):
                told = await heard(client)
                assert (told["stream"], told["data"]["t"]) == ("btcusdt@trade", first)

    asyncio.run(main())


def test_control_messages_and_their_answers(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/stream?streams=nosuch@thing")
            assert await ask(client, "SUBSCRIBE", ["btcusdt@aggTrade", "0", "btcusdt@aggTrade"], 1) == {
                "result": None,
                "id": 1,
            }
            expected = {"result": ["nosuch@thing", "btcusdt@aggTrade", "0"], "id": "a-1"}
            assert await ask(client, "LIST_SUBSCRIPTIONS", None, "a-1") == expected
            assert await ask(client, "UNSUBSCRIBE", ["nosuch@thing", "never"], None) == {"result": None, "id": None}
            assert await ask(client, "GET_PROPERTY", ["combined"], 5) == {"result": True, "id": 5}
            await asyncio.sleep(1.0)  # five messages a second
            assert await ask(client, "SET_PROPERTY", ["combined", False], -4) == {"result": None, "id": -4}
            assert await ask(client, "GET_PROPERTY", ["combined"], 5) == {"result": False, "id": 5}
            assert await ask(client, "NOTHING", [], 6) == {
                "code": 2,
                "msg": "Invalid request: unknown variant NOTHING, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
                "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 20",
            }
            there.desk.clock.advance("2s")
            assert (await heard(client))["e"] == "aggTrade"

    asyncio.run(main())


def test_events_have_the_unit_and_form_of_each_connection(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            paths = (
                "/ws/btcusdt@trade",
                "/ws/btcusdt@trade?timeUnit=microsecond",
                "/stream?streams=btcusdt@trade?timeUnit=MICROSECOND",
            )
            clients = [await there.client(path) for path in paths]
            for client in clients:
                await ask(client, "LIST_SUBSCRIPTIONS")
            there.desk.clock.advance("1s")
            milli, micro, envelope = [await heard(client) for client in clients]
            assert micro == envelope["data"]
            assert (micro["E"] // 1_000, micro["T"] // 1_000) == (milli["E"], milli["T"])
            assert {name: value for name, value in micro.items() if name not in "ET"} == {
                name: value for name, value in milli.items() if name not in "ET"
            }

    asyncio.run(main())


def test_unsubscribed_streams_fall_silent_and_unwanted_ones_cost_nothing(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws/nosuch@stream")
            assert await ask(client, "LIST_SUBSCRIPTIONS") == {"result": ["nosuch@stream"], "id": 1}
            there.desk.clock.advance("1s")
            there.hub.poke()
            await nothing_more(client)
            assert there.desk.passes == 0
            await ask(client, "SUBSCRIBE", ["btcusdt@trade", "btcusdt@blockTrade"])
            there.desk.clock.advance("1s")
            assert (await heard(client))["e"] == "trade"
            await ask(client, "UNSUBSCRIBE", ["btcusdt@trade", "btcusdt@blockTrade"])
            await there.until(lambda: not len(there.hub._sources))  # one last look, to forget
            passes = there.desk.passes
            there.desk.clock.advance("1s")
            await nothing_more(client)
            await asyncio.sleep(0.05)  # more than any pass waits
            assert there.desk.passes == passes

    asyncio.run(main())


def test_trades_are_told_step_by_step_however_many_steps_one_look_takes_together(
    place: Opener, market: SeededMarket
) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws/btcusdt@trade/btcusdt@aggTrade", max_queue=None)
            await ask(client, "LIST_SUBSCRIPTIONS")
            first = market.last_trade_id("BTCUSDT", START_MS) + 1
            for _ in range(3):
                there.desk.clock.advance("5m")
            there.desk.clock.advance("2h")
            there.desk.clock.advance("10m")
            minutes = [market.last_trade_id("BTCUSDT", START_MS + one * 60_000) for one in (15, 135, 145)]
            wanted = [*range(first, minutes[0] + 1), *range(minutes[1] + 1, minutes[2] + 1)]
            found: list[int] = []
            while not found or found[-1] < wanted[-1]:
                told = await heard(client)
                found += [told["t"]] if told["e"] == "trade" else []
            assert found == wanted
            assert there.desk.passes == 2

    asyncio.run(main())


def test_a_clock_that_is_too_fast_tells_of_no_trades(place: Opener, market: SeededMarket) -> None:
    async def jumps(speed: float) -> Any:
        async with place(market, ("2024-06-01 12:00", speed)) as there:
            return there.hub._jumps(0, 2**62)

    assert asyncio.run(jumps(30_000)) == []
    assert asyncio.run(jumps(30_001)) == [(0, 2**62)]


def test_books_are_remembered_for_nobody_neither_afterwards_nor_during_a_replay(
    place: Opener, market: SeededMarket
) -> None:
    async def main() -> None:
        async with place(market) as there:

            async def show() -> int:
                """Show somebody ten books; how many are kept for later."""
                kept = [one for books in sources._books.values() for one in books]
                for _ in range(10):
                    there.desk.clock.advance(100)
                    now_ms = there.desk.clock.now_ms()
                    await asyncio.to_thread(there.desk.market.levels, "BTCUSDT", now_ms, 5_000)
                return sum(len(one._shown) for one in kept)

            sources = there.hub._sources
            client = await there.client("/ws/btcusdt@depth")
            await ask(client, "LIST_SUBSCRIPTIONS")
            with there.hub.held():
                await there.until(lambda: not len(sources))
                assert await show() == 0
            await there.until(lambda: len(sources))
            await client.close()
            await there.until(lambda: not len(sources))
            assert await show() == 0

    asyncio.run(main())


def test_a_frozen_exchange_tells_at_once_what_users_changed(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws/btcusdt@bookTicker/btcusdt@depth")
            await ask(client, "LIST_SUBSCRIPTIONS")
            passes = there.desk.passes
            book = market.levels("BTCUSDT", START_MS, 5_000)
            book.bid_quantity[0] += 1
            changed = type(book)(
                book.last_update_id + 3, book.bid_price, book.bid_quantity, book.ask_price, book.ask_quantity
            )
            there.desk.market.levels = lambda symbol, now_ms, limit: changed
            there.desk.listeners[0]([])
            told = {one.get("e", "best"): one for one in (await heard(client), await heard(client))}
            assert told["best"]["u"] == told["depthUpdate"]["u"] == book.last_update_id + 3
            assert told["depthUpdate"]["U"] == book.last_update_id + 1
            assert told["depthUpdate"]["b"] == [[told["best"]["b"], told["best"]["B"]]]
            assert told["depthUpdate"]["a"] == []
            await nothing_more(client)
            assert there.desk.passes == passes + 1

    asyncio.run(main())


def test_a_running_clock_pumps_on_the_ticks_of_market_time(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market, ("2024-06-01 12:00", 10)) as there:
            client = await there.client("/ws/btcusdt@depth@100ms")
            events = [await heard(client) for _ in range(12)]
            for before, after in pairwise(events):
                assert after["U"] == before["u"] + 1
                assert after["E"] // 100 > before["E"] // 100

    asyncio.run(main())


def test_many_streams_and_too_many(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws")
            assert (await ask(client, "SUBSCRIBE", [f"s{number}" for number in range(1_024)]))["result"] is None
            assert await ask(client, "SUBSCRIBE", ["one"]) == {"code": 2, "msg": "Invalid request: too many parameters"}
            assert (await ask(client, "SUBSCRIBE", ["s0", "s7"]))["result"] is None
            assert len((await ask(client, "LIST_SUBSCRIPTIONS"))["result"]) == 1_024

    asyncio.run(main())


def test_six_messages_in_a_second_end_the_connection(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            calm, hasty, pinging = [await there.client("/ws", ping_interval=None) for _ in range(3)]
            for number in range(5):
                assert await ask(calm, "LIST_SUBSCRIPTIONS", None, number)
            with pytest.raises(ConnectionClosed) as caught:
                await repeated(20, lambda: ask(hasty, "LIST_SUBSCRIPTIONS"))
            assert caught.value.rcvd is not None
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "Too many requests")
            with pytest.raises(ConnectionClosed):
                await repeated(20, lambda: answered_ping(pinging))
            await asyncio.sleep(1.0)
            assert await ask(calm, "LIST_SUBSCRIPTIONS")

    asyncio.run(main())


def test_who_floods_again_and_again_is_banned(opened: Callable[..., Any]) -> None:
    exchange = opened(ban_seconds=300).exchange

    async def flood(socket: ClientConnection) -> tuple[int, str]:
        with suppress(ConnectionClosed):
            await repeated(20, lambda: socket.send('{"method":"LIST_SUBSCRIPTIONS","id":1}'))
        with pytest.raises(ConnectionClosed) as caught:
            await repeated(21, socket.recv)
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, caught.value.rcvd.reason

    async def main() -> None:
        calm = await connect(f"{exchange.stream_url}/ws", ping_interval=None)
        calls = await connect(exchange.ws_api_url, ping_interval=None)
        assert await ask(calm, "LIST_SUBSCRIPTIONS")
        for _ in range(MOST_FLOODS):
            async with connect(f"{exchange.stream_url}/stream", ping_interval=None) as socket:
                assert await flood(socket) == (1008, "Too many requests")
        for other in (calm, calls):
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(other.recv(), 5)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "IP banned")
        for url in (f"{exchange.stream_url}/ws", f"{exchange.stream_url}/stream", exchange.ws_api_url):
            with pytest.raises(InvalidStatus) as caught:
                await connect(url)
            answer = caught.value.response
            assert answer.status_code == 418
            assert 200 < int(answer.headers["Retry-After"]) <= 300
            assert "IP banned until" in json.loads(answer.body or b"")["msg"]
        assert await asyncio.to_thread(status, exchange) == 418
        await asyncio.to_thread(exchange.faults.ban, 0)  # lifts it
        assert await asyncio.to_thread(status, exchange) == 200
        async with connect(f"{exchange.stream_url}/ws", ping_interval=None) as socket:
            assert await ask(socket, "LIST_SUBSCRIPTIONS")

    asyncio.run(asyncio.wait_for(main(), 60))


def status(exchange: Any) -> int:
    return httpx.get(f"{exchange.rest_url}/api/v3/ping", trust_env=False).status_code


def test_the_server_pings_and_ends_who_does_not_answer(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market, rules=Rules(ping_every=0.3)) as there:
            good = await there.client("/ws/btcusdt@trade")
            reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
            writer.write(
                b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            got = await asyncio.wait_for(reader.read(), 10)  # until the exchange ends it
            frames = got.partition(b"\r\n\r\n")[2]
            assert frames[:2] == b"\x89\x0d"  # a ping of thirteen digits: milliseconds
            assert frames[2:15].isdigit()
            assert b"Pong timeout" in frames
            writer.close()
            assert await ask(good, "LIST_SUBSCRIPTIONS")

    asyncio.run(main())


@pytest.mark.parametrize("combined", [False, True])
def test_at_the_end_of_its_life_a_connection_is_told_and_closed(
    place: Opener, market: SeededMarket, combined: bool
) -> None:
    async def main() -> None:
        async with place(market, rules=Rules(connection_life=0.3)) as there:
            client = await there.client("/stream?timeUnit=MICROSECOND" if combined else "/ws")
            told = await heard(client)
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1001
            if combined:
                assert told["stream"] == "!serverShutdown"
                told = {**told["data"], "E": told["data"]["E"] // 1_000}
            assert told == {"e": "serverShutdown", "E": START_MS}

    asyncio.run(main())


def test_the_301st_connection_in_five_minutes_is_refused(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market, connects=Connects(3, 300.0)) as there:
            for _ in range(3):
                await there.client("/ws")
            with pytest.raises(InvalidStatus) as caught:
                await there.client("/stream")
            answer = caught.value.response
            assert answer.status_code == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 300
            assert json.loads(answer.body or b"") == {"code": -1003, "msg": "Too many requests queued."}

    asyncio.run(main())
    assert Connects().amount == 300


def test_what_is_no_stream_request_is_answered_over_http(place: Opener, market: SeededMarket) -> None:
    def asked(port: int, target: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    async def main() -> None:
        async with place(market) as there:
            status, body = await asyncio.to_thread(asked, there.port, "/ws/btcusdt@trade?timeUnit=ns")
            assert (status, json.loads(body)["code"]) == (400, -1194)
            assert (await asyncio.to_thread(asked, there.port, "/ws/btcusdt@trade"))[0] == 400
            assert (await asyncio.to_thread(asked, there.port, "/elsewhere"))[0] == 404
            assert there.hub.connects.admit("127.0.0.1", 0.0) is None

    asyncio.run(main())


class Spoil:
    """Drops, doubles and holds back, by the stream's name."""

    def __init__(self) -> None:
        self.held: list[tuple[Connection, bytes]] = []
        self.streams: list[str | None] = []

    def outgoing(self, connection: Connection, stream: str | None, payload: bytes) -> list[bytes]:
        self.streams.append(stream)
        if stream == "btcusdt@trade":
            return [payload, payload]
        if stream == "btcusdt@depth":
            self.held.append((connection, payload))
            return []
        return [payload]


def test_a_tamper_sees_every_message_and_decides(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        tamper = Spoil()
        async with place(market, tamper=tamper) as there:
            client = await there.client("/ws/btcusdt@trade/btcusdt@depth")
            await ask(client, "LIST_SUBSCRIPTIONS")
            there.desk.clock.advance("1s")
            first, second = await heard(client), await heard(client)
            assert first == second
            assert first["e"] == "trade"
            await there.until(lambda: tamper.held)
            connection, payload = tamper.held[0]
            connection.push(payload)
            told = first
            while told["e"] == "trade":
                told = await heard(client)
            assert told["e"] == "depthUpdate"
            assert tamper.streams[0] is None
            connection.line.cut()
            with pytest.raises(ConnectionClosed):
                await client.recv()

    asyncio.run(main())


def test_a_line_has_a_tamper_of_its_own(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws/btcusdt@trade")
            await ask(client, "LIST_SUBSCRIPTIONS")
            [connection] = there.hub.connections
            connection.line.tamper = lambda payload: [b'"changed"'] if b"trade" in payload else [payload]
            there.desk.clock.advance("1s")
            assert await heard(client) == "changed"

    asyncio.run(main())


def test_a_failing_source_ends_the_connections_and_the_next_one_is_served(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        failures: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context["exception"]))
        async with place(market) as there:
            client = await there.client("/ws/btcusdt@trade")
            await ask(client, "LIST_SUBSCRIPTIONS")
            there.desk.market.tape = lambda *arguments: 1 / 0
            there.desk.clock.advance("1s")
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1011
            assert isinstance(failures[0], ZeroDivisionError)
            del there.desk.market.tape
            client = await there.client("/ws/btcusdt@trade")
            await ask(client, "LIST_SUBSCRIPTIONS")
            there.desk.clock.advance("1s")
            assert (await heard(client))["e"] == "trade"

    asyncio.run(main())


def test_closing_tells_every_client_and_leaves_nothing_behind(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws/btcusdt@trade")
            await ask(client, "LIST_SUBSCRIPTIONS")
            await there.hub.close()
            assert await heard(client) == {"e": "serverShutdown", "E": START_MS}
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert (there.desk.listeners, there.desk.clock.watchers, there.desk.market.watchers) == ([], [], [])
            there.hub = type("Closed", (), {"close": staticmethod(lambda: asyncio.sleep(0))})()

    asyncio.run(main())

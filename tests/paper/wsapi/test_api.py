"""The WebSocket API over real sockets: envelopes, methods, limits, bans, connection rules."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cryptox.paper.refusals import Refused
from cryptox.paper.sockets import Connects, Rules
from cryptox.paper.tampering import Meddling
from cryptox.paper.wsapi.connection import Outgoing, Sort
from cryptox.venues.binance.codes import Code

NOW_MS = 1_717_243_230_500
Over = Callable[..., None]


@pytest.mark.parametrize("number", [1, -7, 2**60, "a1", None])
def test_ids_are_echoed(over: Over, number: Any) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            answer = await client.ask("ping", id=number)
            assert list(answer) == ["id", "status", "result", "rateLimits"]
            assert answer["status"] == 200
            assert answer["result"] == {}

    over(talk)


def test_used_weight_is_told_and_shared_with_rest(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            told = (await client.ask("time"))["rateLimits"]
            assert told == [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": 6000,
                    "count": 3,  # 2 for the connection
                }
            ]
            asked = served.answers.receive("GET", "/api/v3/exchangeInfo", "", {}, "127.0.0.1")
            _, headers = served.answers.admit(asked, time.time())
            assert headers["x-mbx-used-weight-1m"] == "23"
            assert (await client.ask("ping"))["rateLimits"][0]["count"] == 24
            assert served.answers.usage("127.0.0.1", time.time())[0].count == 24

    over(talk, limits={"REQUEST_WEIGHT": (6_000, "1m")})


def test_limits_can_be_hidden_on_the_url_and_per_request(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            assert "rateLimits" not in await client.ask("ping", {"returnRateLimits": False})
            assert "rateLimits" in await client.ask("ping")
        async with served.client("/ws-api/v3?returnRateLimits=false") as client:
            assert "rateLimits" not in await client.ask("ping")
            assert "rateLimits" in await client.ask("ping", {"returnRateLimits": True})
            error = await client.ask("depth")
            assert list(error) == ["id", "status", "error"]

    over(talk)


# One call of each method for market data, with JSON values of all kinds.
MARKET = [
    ("time", "time", {}),
    ("executionRules", "executionRules", {"symbol": "BTCUSDT"}),
    ("depth", "depth", {"symbol": "BTCUSDT", "limit": 5}),
    ("trades.recent", "trades", {"symbol": "BTCUSDT", "limit": "3"}),
    ("trades.historical", "historicalTrades", {"symbol": "BTCUSDT", "fromId": 17, "limit": 3}),
    ("blockTrades.historical", "historicalBlockTrades", {"symbol": "BTCUSDT", "fromId": 17}),
    ("trades.aggregate", "aggTrades", {"symbol": "BTCUSDT", "startTime": NOW_MS - 9_000, "limit": 3}),
    ("klines", "klines", {"symbol": "BTCUSDT", "interval": "1h", "limit": 3}),
    ("uiKlines", "uiKlines", {"symbol": "BTCUSDT", "interval": "1M", "limit": 3}),
    ("avgPrice", "avgPrice", {"symbol": "BTCUSDT"}),
    ("ticker.24hr", "ticker/24hr", {"symbols": ["BTCUSDT", "ETHUSDT"], "type": "MINI"}),
    ("ticker.24hr", "ticker/24hr", {"symbols": '["BTCUSDT","ETHUSDT"]'}),
    ("ticker.tradingDay", "ticker/tradingDay", {"symbol": "BTCUSDT"}),
    ("ticker", "ticker", {"symbol": "BTCUSDT", "windowSize": "7d"}),
    ("ticker.price", "ticker/price", {}),
    ("ticker.book", "ticker/bookTicker", {"symbol": "币安人生USDT"}),
    ("v3/depth", "depth", {"symbol": "币安人生USDT", "limit": 1}),
]


def test_market_data_is_the_same_as_over_rest(over: Over, ask: Any) -> None:
    def text(value: Any) -> str:
        return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else str(value)

    async def talk(served: Any) -> None:
        async with served.client() as client:
            for method, path, params in MARKET:
                query = {name: text(value) for name, value in params.items()}
                wanted = await asyncio.to_thread(ask, path, query)
                assert await client.result(method, params) == wanted.json, method
        assert served.desk.jobs == len(MARKET) - 1  # the time is at hand

    over(talk)


def test_refusals_of_parameters_are_those_of_rest(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            assert await client.error("depth", {"symbol": "NOSUCH"}) == (400, -1121, "Invalid symbol.")
            status, code, text = await client.error("klines", {"symbol": "BTCUSDT"})
            assert (status, code) == (400, -1102)
            assert "'interval'" in text
            assert (await client.error("depth", {"symbol": "BTCUSDT", "limit": True}))[1] == -1100
            assert (await client.error("referencePrice", {"symbol": "BTCUSDT"}))[1] == -2043
            assert (await client.error("session.status", {"more": 1}))[1] == -1104

    over(talk)


def test_frames_that_are_no_requests(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            for sent, number, code in [
                ("{", None, -1135),
                (b'{"id":1,"method":"ping"}', None, -1135),
                ({"id": 4}, 4, -1102),
                ({"method": "ping"}, None, -1102),
                ({"id": "x", "method": "userDataStream.start"}, "x", -1020),
            ]:
                await client.send(sent)
                answer = await client.next()
                assert (answer["id"], answer["status"], answer["error"]["code"]) == (number, 400, code)
            assert (await client.ask("ping"))["rateLimits"][0]["count"] == 2 + 5 + 1

    over(talk)


def test_exchange_info_lists_connections(over: Over, ask: Any) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            told = await client.result("exchangeInfo", {"symbol": "BTCUSDT"})
        wanted = (await asyncio.to_thread(ask, "exchangeInfo", {"symbol": "BTCUSDT"})).json
        assert [one["rateLimitType"] for one in told["rateLimits"]] == [
            "REQUEST_WEIGHT",
            "ORDERS",
            "ORDERS",
            "CONNECTIONS",
        ]
        connections = told["rateLimits"][-1]
        assert (connections["interval"], connections["intervalNum"], connections["limit"]) == ("MINUTE", 5, 300)
        assert told["symbols"] == wanted["symbols"]

    over(talk)


def test_microseconds_on_the_url(over: Over) -> None:
    async def talk(served: Any) -> None:
        for unit in ("MICROSECOND", "microsecond"):
            async with served.client(f"/ws-api/v3?timeUnit={unit}") as client:
                assert (await client.result("time"))["serverTime"] == NOW_MS * 1_000
                assert (await client.result("session.status"))["connectedSince"] == NOW_MS * 1_000
                kline = (await client.result("klines", {"symbol": "BTCUSDT", "interval": "1h", "limit": 1}))[0]
                assert kline[0] == NOW_MS // 3_600_000 * 3_600_000_000
        async with served.client("/ws-api/v3?timeUnit=millisecond") as client:
            assert (await client.result("time"))["serverTime"] == NOW_MS

    over(talk)


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/ws-api/v3?timeUnit=SECOND", 400, -1194),
        ("/ws-api/v3?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=5", 406, -1155),
        ("/ws-api/v3?responseFormat=xml", 400, -1130),
        ("/ws-api/v3?returnRateLimits=maybe", 400, -1100),
        ("/ws-api/v4", 404, -1020),
    ],
)
def test_handshakes_that_are_refused(over: Over, target: str, status: int, code: int) -> None:
    async def talk(served: Any) -> None:
        with pytest.raises(InvalidStatus) as caught:
            async with served.client(target):
                pass
        response = caught.value.response
        assert response.status_code == status
        assert json.loads(response.body)["code"] == code

    over(talk)


def test_connection_attempts_are_limited(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client(), served.client():
            with pytest.raises(InvalidStatus) as caught:
                async with served.client():
                    pass
        assert caught.value.response.status_code == 429
        assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 86_400

    over(talk, connects=Connects(2, 86_400))


def test_over_the_weight_a_moment_is_told_and_going_on_drops_the_connection(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client, served.client() as second:
            await client.result("ping")
            before = time.time()
            refused = await client.ask("exchangeInfo")
            assert (refused["status"], refused["error"]["code"]) == (429, -1003)
            data = refused["error"]["data"]
            assert list(data) == ["serverTime", "retryAfter"]
            assert before * 1_000 - 1 <= data["serverTime"] <= time.time() * 1_000
            day = 86_400_000
            assert -1_001 < data["retryAfter"] - (data["serverTime"] // day + 1) * day <= 1_000
            assert refused["rateLimits"][0]["count"] == 25
            answers = [await client.ask("ping") for _ in range(3)]
            assert [answer["status"] for answer in answers] == [429, 429, 418]
            assert "IP banned until" in answers[-1]["error"]["msg"]
            assert answers[-1]["error"]["data"]["retryAfter"] > data["serverTime"]
            for dropped in (client, second):
                with pytest.raises(ConnectionClosed):
                    await dropped.next()
            with pytest.raises(InvalidStatus) as caught:
                async with served.client():
                    pass
            assert caught.value.response.status_code == 418
            assert int(caught.value.response.headers["Retry-After"]) > 100

    over(talk, limits={"REQUEST_WEIGHT": (20, "1d")}, ban_after=3)


def test_calls_are_no_raw_requests(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            for _ in range(5):
                await client.result("ping")

    over(talk, limits={"RAW_REQUESTS": (2, "1d")})


def test_answers_may_come_out_of_order_and_are_all_given(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            for number in range(300):
                method = "time" if number % 2 else "avgPrice"
                params = {} if number % 2 else {"symbol": "BTCUSDT"}
                await client.send({"id": number, "method": method, "params": params})
            got = [(await client.next())["id"] for _ in range(300)]
            assert sorted(got) == list(range(300))
            assert got != sorted(got)  # what is at hand does not wait for what must be worked out

    over(talk)


def test_requests_at_work_are_bounded(over: Over, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryptox.paper.wsapi.connection.MOST_AT_ONCE", 4)

    async def talk(served: Any) -> None:
        open_gate, most, now = asyncio.Event(), 0, 0
        run = served.desk.run

        async def slow(job: Any) -> Any:
            nonlocal most, now
            now += 1
            most = max(most, now)
            await open_gate.wait()
            now -= 1
            return await run(job)

        served.desk.run = slow
        async with served.client() as client:
            for number in range(30):
                await client.send({"id": number, "method": "avgPrice", "params": {"symbol": "BTCUSDT"}})
            await served.until(lambda: most == 4)
            open_gate.set()
            assert sorted([(await client.next())["id"] for _ in range(30)]) == list(range(30))
            assert most == 4

    over(talk)


def test_what_goes_wrong_inside_is_answered(over: Over) -> None:
    async def talk(served: Any) -> None:
        told: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))

        async def broken(_job: Any) -> Any:
            raise ZeroDivisionError

        served.desk.run = broken
        async with served.client() as client:
            status, code, text = await client.error("avgPrice", {"symbol": "BTCUSDT"})
            assert (status, code) == (500, -1000)
            assert "unknown error" in text
            assert (await client.ask("ping"))["status"] == 200
        assert [type(one) for one in told] == [ZeroDivisionError]

    over(talk)


def test_faults_can_change_what_goes_out(over: Over) -> None:
    async def talk(served: Any) -> None:
        seen: list[tuple[Sort, str]] = []

        def tamper(out: Outgoing) -> tuple[bytes, ...]:
            seen.append((out.sort, out.name))
            return () if out.name == "ping" else (out.payload, out.payload)

        served.api.tamper = tamper
        async with served.client() as client:
            await client.send({"id": 1, "method": "ping"})
            await client.send({"id": 2, "method": "time"})
            first, second = await client.next(), await client.next()
            assert first == second
            assert first["id"] == 2
        assert seen == [(Sort.ANSWER, "ping"), (Sort.ANSWER, "time")]

    over(talk)


def test_faults_can_keep_back_or_replace_an_answer_with_and_without_work(over: Over) -> None:
    async def talk(served: Any) -> None:
        timeout = Refused(Code.TIMEOUT, status=504)
        meddling = [
            Meddling("drop", is_silent=True),
            Meddling("drop", is_silent=True, accepted=False),
            Meddling("status", answer=timeout),
            Meddling("status", answer=timeout, accepted=False),
            None,
        ]
        asked = []
        async with served.client() as client:
            served.api.meddle = lambda call: meddling.pop(0) if call.method.name == "order.place" else None
            for _ in range(2):
                await client.send({"id": 50, "method": "order.place", "params": served.signed(served.hmac)})
                # worked on after it, on the same thread
                assert (await client.ask("avgPrice", {"symbol": "BTCUSDT"}))["status"] == 200
                asked.append(len(served.desk.engine.asked))
            for _ in range(2):
                assert (await client.error("order.place", served.signed(served.hmac)))[:2] == (504, -1007)
                asked.append(len(served.desk.engine.asked))
            assert (await client.ask("order.place", served.signed(served.hmac)))["status"] == 200
        assert asked == [1, 1, 2, 2]

    over(talk)


def test_the_exchange_tells_before_it_closes(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            assert await client.next() == {"event": {"e": "serverShutdown", "E": NOW_MS}}
            with pytest.raises(ConnectionClosed) as caught:
                await client.next()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1001
        async with served.client("/ws-api/v3?timeUnit=MICROSECOND") as client:
            await client.result("ping")
            await served.api.close()
            assert await client.next() == {"event": {"e": "serverShutdown", "E": NOW_MS * 1_000}}
        assert len(served.api) == 0
        assert served.desk.listeners == []

    over(talk, rules=Rules(connection_life=0.3))


def test_a_silent_client_is_told_why_and_closed_in_order(over: Over) -> None:
    async def talk(served: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(
            b"GET /ws-api/v3 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        got = await asyncio.wait_for(reader.read(), 60)  # to the end of the stream, which is no reset
        assert got.endswith(b"\x88\x0e\x03\xf0Pong timeout")
        writer.close()

    over(talk, rules=Rules(ping_every=0.1))


def test_requests_are_written_down(over: Over) -> None:
    from cryptox.paper.requests import RequestLog

    log = RequestLog()

    async def talk(served: Any) -> None:
        async with served.client() as client:
            await client.result("avgPrice", {"symbol": "BTCUSDT"})
            await client.error("avgPrice", {"symbol": "NOSUCH"})

    over(talk, log=log)
    assert [(one.method, one.path, one.params, one.status, one.weight) for one in log] == [
        ("WS", "avgPrice", {"symbol": "BTCUSDT"}, 200, 2),
        ("WS", "avgPrice", {"symbol": "NOSUCH"}, 400, 2),
    ]


def test_latency_delays_answers(over: Over) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            began = time.monotonic()
            await client.result("ping")
            assert time.monotonic() - began >= 0.2

    over(talk, latency=0.2)


def test_a_plain_request_is_told_to_upgrade(over: Over) -> None:
    async def talk(served: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /ws-api/v3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        assert len(served.api) == 0

    over(talk)

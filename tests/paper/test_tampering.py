"""Faults of WebSockets, seen by raw clients of the streams and of the WebSocket API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cryptox.paper.faults import Faults
from cryptox.paper.sockets import TEXT
from cryptox.paper.tampering import USER_DATA, Tampering

WITHIN_S = 5.0


class Talk:
    """A client of one exchange, with whatever sockets it opens."""

    def __init__(self, trader: Any) -> None:
        self.trader, self.exchange, self.faults = trader, trader.exchange, trader.exchange.faults

    def streams(self, names: str, *, combined: bool = False) -> connect:
        path = f"stream?streams={names}" if combined else f"ws/{names}"
        return connect(f"{self.exchange.stream_url}/{path}", ping_interval=None)

    def ws_api(self) -> connect:
        return connect(self.exchange.ws_api_url, ping_interval=None)

    async def opened(self, socket: ClientConnection) -> None:
        """Return once the streams of the address are told."""
        await socket.send('{"method":"LIST_SUBSCRIPTIONS","id":0}')
        assert (await said(socket))["id"] == 0

    async def seconds(self, count: int) -> None:
        """Let seconds of market time pass, one trade in each, with a look at the streams after each."""
        for _ in range(count):
            await asyncio.to_thread(self.exchange.clock.advance, "1s")
            await self.looked()

    async def looked(self) -> None:
        """Return after a pass over the streams that began after this call."""
        hub = self.exchange._front.hub
        done = asyncio.run_coroutine_threadsafe(hub._pump.passed(), hub._loop)
        await asyncio.wrap_future(done)

    @property
    def idle(self) -> bool:
        """Whether nobody looks at messages."""
        front = self.exchange._front
        return front.hub.tamper is None and front.ws_api.tamper is None


async def said(socket: ClientConnection, within_s: float = WITHIN_S) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), within_s))


async def all_said(socket: ClientConnection, count: int) -> list[Any]:
    return [await said(socket) for _ in range(count)]


async def silent(socket: ClientConnection, within_s: float) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(socket.recv(), within_s)


async def rest_of(socket: ClientConnection) -> list[bytes]:
    """What else was under way: all that comes before the answer to a question."""
    assert socket.request is not None
    if socket.request.path.startswith("/ws-api"):  # worked on where orders are, after them
        question = {"id": "fence", "method": "avgPrice", "params": {"symbol": "BTCUSDT"}}
    else:
        question = {"id": "fence", "method": "GET_PROPERTY", "params": ["combined"]}
    await socket.send(json.dumps(question))
    found: list[bytes] = []
    while True:
        told = await asyncio.wait_for(socket.recv(decode=False), WITHIN_S)
        if json.loads(told).get("id") == "fence":
            return found
        found.append(told)


async def nothing_more(socket: ClientConnection) -> None:
    assert await rest_of(socket) == []


def over(trader: Any, talk: Callable[[Talk], Awaitable[None]]) -> None:
    trader.exchange.clock.advance("4s")  # from there on one trade comes in each second
    asyncio.run(asyncio.wait_for(talk(Talk(trader)), 60))


class TestStreams:
    @pytest.mark.parametrize(
        ("fault", "wanted"),
        [
            ({"how": "drop"}, [0, 2, 3, 4]),
            ({"how": "duplicate"}, [0, 1, 1, 2, 3, 4]),
            ({"how": "reorder"}, [0, 2, 1, 3, 4]),
            ({"how": "delay", "seconds": 2.0}, [0, 2, 3, 4, 1]),
        ],
    )
    def test_one_message(self, trader: Any, fault: dict[str, Any], wanted: list[int]) -> None:
        async def talk(t: Talk) -> None:
            made = t.faults.add("frame", stream="btcusdt@trade", after=1, times=1, **fault)
            async with t.streams("btcusdt@trade") as socket, t.streams("ethusdt@trade") as other:
                await t.opened(socket)
                await t.opened(other)
                await t.seconds(5)
                ids = [event["t"] for event in await all_said(socket, len(wanted))]
                assert [one - ids[0] for one in ids] == wanted
                ids = [event["t"] for event in await all_said(other, 5)]
                assert [one - ids[0] for one in ids] == [0, 1, 2, 3, 4]
                assert made.hits == 1
                await nothing_more(socket)
            assert t.idle  # it has struck for the last time

        over(trader, talk)

    def test_bytes_are_otherwise_untouched(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            names = "btcusdt@trade/btcusdt@aggTrade/ethusdt@kline_1m"
            t.faults.add("frame", how="duplicate", event="aggTrade")
            async with t.streams(names, combined=True) as socket, t.streams(names) as raw:
                await t.opened(socket)
                await t.opened(raw)
                await t.seconds(3)
                first, second = await rest_of(socket), await rest_of(raw)
            assert [json.loads(one)["data"] for one in first] == [json.loads(one) for one in second]
            events = [json.loads(one)["e"] for one in second]
            assert events.count("aggTrade") % 2 == 0
            assert events.count("aggTrade") >= 2
            assert events.count("trade") == 3
            assert events.count("kline") == 3
            doubled = [one for one in first if b'"aggTrade"' in one]
            assert doubled[::2] == doubled[1::2]

        over(trader, talk)

    def test_reordered_for_good_in_pairs_and_given_back_at_the_end(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            fault = t.faults.add("frame", how="reorder", stream="btcusdt@trade")
            async with t.streams("btcusdt@trade") as socket:
                await t.opened(socket)
                await t.seconds(5)
                ids = [event["t"] for event in await all_said(socket, 4)]
                assert [one - ids[1] for one in ids] == [1, 0, 3, 2]
                await nothing_more(socket)
                t.faults.remove(fault)
                assert (await said(socket))["t"] == ids[1] + 4
                assert t.idle

        over(trader, talk)

    def test_what_waits_for_the_next_waits_no_longer_than_told(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            t.faults.add("frame", how="reorder", seconds=0.2, times=1)
            async with t.streams("btcusdt@trade") as socket:
                await t.opened(socket)
                began = time.monotonic()
                await t.seconds(1)
                held = (await said(socket))["t"]
                assert time.monotonic() - began >= 0.2
                await t.seconds(2)
                assert [(await said(socket))["t"] for _ in range(2)] == [held + 1, held + 2]

        over(trader, talk)

    def test_answers_to_clients_are_no_messages(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            t.faults.add("frame", how="drop")
            async with t.streams("btcusdt@trade") as socket:
                await t.opened(socket)
                await t.seconds(2)
                await t.opened(socket)
                assert not t.idle
                async with t.ws_api() as calls:
                    await calls.send('{"id":1,"method":"ping"}')
                    assert (await said(calls))["id"] == 1
                t.faults.clear()
                assert t.idle
                await t.seconds(1)
                assert (await said(socket))["e"] == "trade"

        over(trader, talk)

    def test_a_skipped_depth_update_breaks_the_chain(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            fault = t.faults.add("skip_depth", stream="btcusdt@depth*", after=1, times=1)
            async with t.streams("btcusdt@depth@100ms", combined=True) as socket:
                await t.opened(socket)
                for number in range(3):
                    await asyncio.to_thread(t.trader.place, f"n{number}", f"3999{number}.00")
                    await t.looked()
                first, third = (event["data"] for event in await all_said(socket, 2))
                assert (first["e"], third["e"]) == ("depthUpdate", "depthUpdate")
                assert "39990.00000000" in dict(first["b"])
                assert "39992.00000000" in dict(third["b"])
                assert third["U"] > first["u"] + 1
                assert fault.hits == 1

        over(trader, talk)


class TestSilence:
    def test_a_frozen_connection_answers_nothing_and_stays_open(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            t.faults.add("freeze", seconds=1.5, stream="btcusdt@trade", times=1)
            async with t.streams("btcusdt@trade") as socket, t.streams("ethusdt@trade") as other:
                await t.opened(socket)
                await t.opened(other)
                began = time.monotonic()
                await t.seconds(2)
                assert (await said(other))["s"] == "ETHUSDT"
                pong = await socket.ping()
                await silent(socket, 0.1)
                assert not pong.done()
                assert await (await other.ping()) >= 0
                ids = [event["t"] for event in await all_said(socket, 2)]
                assert time.monotonic() - began >= 1.5
                assert ids[1] == ids[0] + 1
                await asyncio.wait_for(pong, WITHIN_S)

        over(trader, talk)

    def test_all_connections_at_once(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            async with t.streams("btcusdt@trade") as socket, t.ws_api() as calls:
                await t.opened(socket)
                await calls.send('{"id":1,"method":"ping"}')
                assert (await said(calls))["status"] == 200
                assert await asyncio.to_thread(t.faults.freeze, 1.5) == 2
                assert await asyncio.to_thread(t.faults.freeze, 0.1) == 2  # the later end counts
                began = time.monotonic()
                await calls.send('{"id":2,"method":"ping"}')
                await silent(calls, 0.2)
                assert (await said(calls))["id"] == 2
                assert time.monotonic() - began >= 0.9
                await t.seconds(1)
                assert (await said(socket))["e"] == "trade"

        over(trader, talk)


class TestUserData:
    @pytest.mark.parametrize(
        ("fault", "wanted"),
        [
            (None, ["executionReport", "outboundAccountPosition"]),
            ({"how": "drop", "event": "executionReport"}, ["outboundAccountPosition"]),
            (
                {"how": "duplicate", "event": "outbound*"},
                ["executionReport", "outboundAccountPosition", "outboundAccountPosition"],
            ),
            (
                {"how": "reorder", "stream": USER_DATA, "event": "executionReport"},
                ["outboundAccountPosition", "executionReport"],
            ),
            ({"how": "drop", "stream": "btcusdt@*"}, ["executionReport", "outboundAccountPosition"]),
        ],
    )
    def test_events_of_an_order(self, trader: Any, fault: Any, wanted: list[str]) -> None:
        async def talk(t: Talk) -> None:
            if fault is not None:
                t.faults.add("frame", **fault)
            async with t.ws_api() as socket:
                await socket.send(t.trader.call("userDataStream.subscribe.signature"))
                number = (await said(socket))["result"]["subscriptionId"]
                await socket.send(t.trader.call("order.place", 7, **t.trader.order("mine")))
                answer = await said(socket)
                assert (answer["id"], answer["status"]) == (7, 200)
                events = await all_said(socket, len(wanted))
                kinds = [event["event"]["e"] for event in events]
                assert kinds == wanted
                assert {event["subscriptionId"] for event in events} == {number}
                await nothing_more(socket)

        over(trader, talk)

    def test_streams_of_users_end(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            async with t.ws_api() as socket, t.ws_api() as other:
                for one in (socket, other):
                    await one.send(t.trader.call("userDataStream.subscribe.signature"))
                    assert (await said(one))["status"] == 200
                assert await asyncio.to_thread(t.faults.end_user_streams) == 2
                for one in (socket, other):
                    assert (await said(one))["event"]["e"] == "eventStreamTerminated"
                await socket.send(t.trader.call("order.place", 7, **t.trader.order("mine")))
                assert (await said(socket))["id"] == 7
                await nothing_more(socket)

        over(trader, talk)


class TestCalls:
    @pytest.mark.parametrize("accepted", [True, False])
    @pytest.mark.parametrize("path", ["order", "order.place", "/api/v3/order"])
    def test_an_unknown_outcome(self, trader: Any, accepted: bool, path: str) -> None:
        async def talk(t: Talk) -> None:
            t.faults.add("status", error_code=-1007, path=path, times=1, accepted=accepted)
            async with t.ws_api() as socket:
                await socket.send(t.trader.call("order.place", 5, **t.trader.order("mine")))
                answer = await said(socket)
                assert (answer["id"], answer["status"], answer["error"]["code"]) == (5, 504, -1007)
                assert answer["error"]["msg"].startswith("Timeout waiting for response from backend server.")
                assert "result" not in answer
                assert "rateLimits" in answer
                assert t.exchange.requests[-1].fault == "status"
                await socket.send(t.trader.call("order.place", 6, **t.trader.order("next")))
                assert (await said(socket))["status"] == 200
            assert t.trader.open_orders() == (["mine", "next"] if accepted else ["next"])

        over(trader, talk)

    @pytest.mark.parametrize("accepted", [True, False])
    def test_never_answered(self, trader: Any, accepted: bool) -> None:
        async def talk(t: Talk) -> None:
            t.faults.add("drop", method="POST", times=1, accepted=accepted)
            async with t.ws_api() as socket:
                await socket.send(t.trader.call("userDataStream.subscribe.signature"))
                assert (await said(socket))["status"] == 200
                await socket.send(t.trader.call("order.place", 5, **t.trader.order("mine")))
                kinds = {(await said(socket))["event"]["e"] for _ in range(2 if accepted else 0)}
                assert kinds == ({"executionReport", "outboundAccountPosition"} if accepted else set())
                await nothing_more(socket)
                placed = [one for one in t.exchange.requests if one.path == "order.place"]
                assert [(one.fault, one.status) for one in placed] == [("drop", 0)]
            assert t.trader.open_orders() == (["mine"] if accepted else [])

        over(trader, talk)

    @pytest.mark.parametrize("accepted", [True, False])
    def test_reset_instead_of_an_answer(self, trader: Any, accepted: bool) -> None:
        async def talk(t: Talk) -> None:
            t.faults.add("reset", path="order.place", accepted=accepted)
            async with t.ws_api() as socket:
                await socket.send(t.trader.call("order.place", 5, **t.trader.order("mine")))
                with pytest.raises(ConnectionClosed) as caught:
                    await said(socket)
                assert caught.value.rcvd is None
            assert t.trader.open_orders() == (["mine"] if accepted else [])

        over(trader, talk)

    def test_late_skewed_and_limited(self, trader: Any, now_ms: int) -> None:
        async def talk(t: Talk) -> None:
            async with t.ws_api() as socket:
                t.faults.add("latency", seconds=0.2, path="time", times=1)
                t.faults.add("skew", seconds=-2.5)
                began = time.monotonic()
                await socket.send('{"id":1,"method":"time"}')
                assert (await said(socket))["result"]["serverTime"] == now_ms + 4_000 - 2_500
                assert time.monotonic() - began >= 0.2
                t.faults.clear()
                t.faults.add("truncate")
                t.faults.add("limit", retry_after=7, times=1)
                await socket.send('{"id":2,"method":"ping"}')
                answer = await said(socket)
                assert (answer["status"], answer["error"]["code"]) == (429, -1003)
                data = answer["error"]["data"]
                assert data["retryAfter"] - data["serverTime"] == 7_000
                await socket.send('{"id":3,"method":"ping"}')
                assert (await said(socket))["status"] == 200
                assert [fault.hits for fault in t.faults] == [0, 1]  # a cut body is HTTP's alone

        over(trader, talk)

    def test_any_code_and_words(self, trader: Any) -> None:
        async def talk(t: Talk) -> None:
            async with t.ws_api() as socket:
                for settings_, wanted in [
                    ({"code": 500}, (500, -1000, "An unknown error occurred while processing the request.")),
                    ({"error_code": -1006}, (500, -1006, "UNEXPECTED_RESP")),
                    ({"error_code": -9999, "message": "100 % new"}, (400, -9999, "100 % new")),
                    ({"code": 503}, (503, -1008, None)),
                ]:
                    t.faults.add("status", times=1, **settings_)
                    await socket.send('{"id":2,"method":"ping"}')
                    answer = await said(socket)
                    assert (answer["status"], answer["error"]["code"]) == wanted[:2]
                    assert wanted[2] in (None, answer["error"]["msg"])

        over(trader, talk)


class Line:
    """A connection that keeps what is sent late."""

    is_open, data = True, TEXT

    def __init__(self) -> None:
        self.late: list[bytes] = []

    def write(self, frames: bytes) -> None:
        while frames:
            size = frames[1]
            self.late.append(frames[2 : 2 + size])
            frames = frames[2 + size :]


class Client:
    def __init__(self) -> None:
        self.line = Line()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["btcusdt@trade", "btcusdt@depth", "ethusdt@trade"]), st.booleans())),
    st.lists(
        st.tuples(
            st.sampled_from(["duplicate", "reorder", "delay", "drop"]),
            st.sampled_from([None, "btcusdt@*", "*@trade"]),
            st.sampled_from([None, 1, 3]),
            st.integers(0, 3),
            st.sampled_from([0.0, 0.5, 1.0]),
        ),
        max_size=3,
    ),
)
def test_nothing_is_lost_or_made_up_but_by_the_faults(sent: list[Any], made: list[Any]) -> None:
    timers: list[Callable[[], None]] = []
    faults = Faults(lambda: 0.0)
    for how, stream, times, after, probability in made:
        faults.add(
            "frame",
            how=how,
            stream=stream,
            times=times,
            after=after,
            probability=probability,
            seed=5,
            seconds=1.0 if how == "delay" else None,
        )
    tampering = Tampering(faults, lambda _seconds, job: timers.append(job), lambda: 1.0)
    clients = Client(), Client()
    went: dict[tuple[int, str], list[bytes]] = {}
    meant: dict[tuple[int, str], list[bytes]] = {}
    for number, (stream, which) in enumerate(sent):
        payload = str(number).encode()
        meant.setdefault((which, stream), []).append(payload)
        went.setdefault((which, stream), []).extend(tampering.outgoing(clients[which], stream, payload))
    tampering.release()
    for timer in timers:
        timer()
    late = [clients[0].line.late, clients[1].line.late]
    drops = sum(fault.hits for fault in faults if fault.settings["how"] == "drop")
    doubles = sum(fault.hits for fault in faults if fault.settings["how"] == "duplicate")
    for which in (0, 1):
        arrived = late[which] + [one for (whose, _), some in went.items() if whose == which for one in some]
        expected = [one for (whose, _), some in meant.items() if whose == which for one in some]
        assert set(arrived) <= set(expected)
        if not drops:
            assert set(arrived) == set(expected)
        if not doubles:
            assert len(arrived) == len(set(arrived))
    if not made:
        assert went == meant

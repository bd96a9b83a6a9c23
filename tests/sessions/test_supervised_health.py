"""What dies shows in health while it is down, by its name; it is well again by itself, and nothing else suffers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

import cryptox as cx
from cryptox import portal
from cryptox.model import judging
from cryptox.model.health import Health
from cryptox.model.judging import ADVICE
from cryptox.sessions import tending
from cryptox.sessions.health import look
from cryptox.transport.socket import Socket
from tests.sessions.test_supervision import kill, tasks, until, working


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun again counts for a second; and it is down long enough to be seen."""
    monkeypatch.setattr(judging, "BEGUN_AGAIN_S", 1.0)
    monkeypatch.setattr(judging, "LATE_LOOP_MS", 1e9)  # of a machine with too much to do
    monkeypatch.setattr(tending, "AGAIN_S", 0.3)


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(limits={"REQUEST_WEIGHT": (1_000_000, "1s")}) as made:
        yield made


@dataclass
class World:
    """Ann has a feed and a stream of her own, bob a stream of his own, and a stranger a feed at another exchange."""

    exchange: Any
    ann: Any
    bob: Any
    stranger: Any
    feed: Any  # ann's
    far: Any  # the stranger's

    async def health(self) -> Health:
        return await look([self.ann, self.bob, self.stranger])

    async def is_seen(self, component: str, *words: str) -> Any:
        """The component, once a reason has these words."""
        end = time.monotonic() + 30.0
        while True:
            part = (await self.health())[component]
            if any(all(word in reason for word in words) for reason in part.reasons):
                return part
            assert time.monotonic() < end, part
            await asyncio.sleep(0)

    async def is_well(self) -> None:
        end = time.monotonic() + 30.0
        while (found := await self.health()).status != "healthy":
            assert time.monotonic() < end, found
            await asyncio.sleep(0.02)
        received = self.feed.status.received
        await until(lambda: self.feed.status.received > received)
        order = await self.ann.buy("BTCUSDT", quote_quantity=50)
        await until(lambda: self.ann._stream.blotter.order("BTCUSDT", order.order_id))


@asynccontextmanager
async def world(exchange: cx.PaperExchange) -> AsyncIterator[World]:
    """And afterwards nothing but what was killed has suffered."""
    with cx.PaperExchange() as elsewhere:
        async with (
            cx.aio.connect(exchange, user="ann") as ann,
            cx.aio.connect(exchange, user="bob") as bob,
            cx.aio.connect(elsewhere) as stranger,
        ):
            feed, far = await ann.live.depth("BTCUSDT"), await stranger.live.depth("BTCUSDT")
            own = [await ann.live.orders(), await bob.live.orders()]
            await until(lambda: feed.status.received and far.status.received)
            yield World(exchange, ann, bob, stranger, feed, far)
            received = far.status.received
            await until(lambda: far.status.received > received)
            assert far.status.reconnects == 0
            assert far.status.last_error is None
            assert bob._stream is not None
            assert bob._stream.line.life.reconnects == 0
            assert bob._stream.line.is_carried
            assert [one.status.errors for one in own] == [0, 0]


def owned(by: object) -> asyncio.Task[Any]:
    """The task of which it is the owner."""
    (found,) = (one for one in tasks("cryptox-") if one.get_coro().cr_frame.f_locals.get("self") is by)  # type: ignore[union-attr]
    return found


async def ended(victim: asyncio.Task[Any]) -> None:
    victim.cancel()
    await asyncio.wait([victim])


async def kept(at: World) -> Any:
    await ended(owned(at.feed._hub._kept[0]))
    part = await at.is_seen("websocket_connections", f"paper at {at.exchange.stream_url}")
    return part, "degraded", ["down"]


async def user_line(at: World) -> Any:
    await ended(owned(at.ann._stream.line))
    return await at.is_seen("user_connections", "ann on paper: It is not logged on"), "degraded", ["user_down"]


async def user_stream(at: World) -> Any:
    await ended(owned(at.ann._stream))
    return await at.is_seen("application", "looks at the account", "(cancelled)"), "degraded", ["again"]


async def socket(at: World) -> Any:
    for wire in at.feed._hub._kept[0]._wires.values():
        wire.socket._transport.abort()
    part = await at.is_seen("websocket_connections", f"paper at {at.exchange.stream_url}: It is not connected")
    assert [one.is_up for one in part.connections].count(False) == 1
    return part, "degraded", ["down"]


async def users_socket(at: World) -> Any:
    for wire in at.ann._stream.line._wires.values():
        wire.rpc.socket._transport.abort()
    part = await at.is_seen("user_connections", "ann on paper: It is not logged on")
    assert {one.user: one.logged_on for one in part.users if one.user} == {"ann": False, "bob": True}
    return part, "degraded", ["user_down"]


async def attempt_to_connect(at: World) -> Any:
    """Killed while it is under way: it is not connected all the longer."""
    for wire in at.feed._hub._kept[0]._wires.values():
        wire.socket._transport.abort()
    await ended((await until(lambda: working("Kept._open")))[0])
    return await at.is_seen("websocket_connections", "It is not connected"), "degraded", ["down"]


async def callbacks(at: World) -> Any:
    seen: list[Any] = []
    at.feed.on(seen.append)
    await until(lambda: seen)
    kill(at.feed._worker._thread)
    part = await at.is_seen("application", "callbacks of depth", "(SystemExit)")
    heard = len(seen)
    await until(lambda: len(seen) > heard)
    return part, "degraded", ["again"]


async def order(at: World) -> Any:
    """The task of an order that was not answered."""
    at.exchange.faults.add("drop", path="order", method="POST", times=1)
    at.exchange.faults.add("frame", how="drop", stream="userData", times=3, seconds_long=2.0)
    slow = at.exchange.faults.add("latency", path="order", method="GET", seconds=0.5, times=3)
    call = asyncio.ensure_future(at.ann.buy("BTCUSDT", quote_quantity=50))
    await until(lambda: any(one.state == "sent" for one in at.ann._acts.values()))
    (await until(lambda: [one for one in tasks("cryptox-order") if one.get_name() == "cryptox-order"]))[0].cancel()
    part = await at.is_seen("trading_system", "the outcome is not known")
    assert part.unresolved == 1
    assert (await asyncio.wait_for(call, 30)).status == "filled"
    at.exchange.faults.remove(slow)
    return part, "degraded", ["unresolved"]


Kill = Callable[[World], Coroutine[Any, Any, Any]]
VICTIMS: list[Kill] = [
    kept,
    user_line,
    user_stream,
    socket,
    users_socket,
    attempt_to_connect,
    callbacks,
    order,
]


@pytest.mark.parametrize("victim", VICTIMS, ids=lambda one: one.__name__)
def test_health_tells_of_it_until_it_is_well_again(
    exchange: cx.PaperExchange, victim: Kill, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Socket.connect

    async def slow(*given: Any, **named: Any) -> Any:
        await asyncio.sleep(0.2)
        return await connect(*given, **named)

    async def go() -> None:
        async with world(exchange) as at:
            assert (await at.health()).status == "healthy"
            monkeypatch.setattr(Socket, "connect", slow)
            part, status, advice = await victim(at)
            others: Any = await look([at.bob, at.stranger], "application")
            assert others.reasons == ()
            if advice == ["again"]:
                whole: Any = await look([], "application", whole=True)
                assert part.reasons[0].partition(" ago: ")[2] in [one.partition(" ago: ")[2] for one in whole.reasons]
            assert part.status == status
            assert part.advice == tuple(ADVICE[key] for key in advice)
            await at.is_well()

    asyncio.run(go())


def soon(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_loop_that_has_ended_is_not_taken_for_a_silent_connection(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange, user="ann") as session:
        feed, orders = session.live.depth("BTCUSDT"), session.live.orders()
        assert session.health().status == "healthy"
        ended = portal._state.portal
        assert ended is not None
        ended.loop.call_soon_threadsafe(ended.loop.stop)
        ended.thread.join(30)
        found: Any = session.health()  # on another loop
        for name in ("websocket_connections", "user_connections"):
            assert found[name].status == "unhealthy"
            assert found[name].reasons == ("Its loop does not run: nothing is received.",)
            assert found[name].advice == (ADVICE["standing"],)
        assert found["exchange_api"].status == "healthy"
        assert not feed.is_running
        assert found["websocket_connections"].connections[0].state == "standing"
        assert not found["websocket_connections"].connected
        assert found["trading_system"].active_connections == 0
        order = session.buy("BTCUSDT", "0.001")  # its answer reaches the blotter, whoever listens
        assert session._session._blotter.order("BTCUSDT", order.order_id) is not None
        del feed, orders
        again, own = session.live.depth("BTCUSDT"), session.live.orders()
        soon(lambda: again.status.received and own.status.connected)
        assert order.order_id in own.frame().index.tolist()
        order = session.buy("BTCUSDT", "0.001")
        soon(lambda: own.status.received)
        assert order.order_id in own.frame().index.tolist()
        assert len(session.klines("BTCUSDT", "1h", 3)) == 3
        assert session.health().status == "healthy"

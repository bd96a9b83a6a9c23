"""Any task, socket or thread may die: it is told, it comes back by itself, and nothing else is touched."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.sessions.live.kept import Kept
from cryptox.sessions.live.rows import Records
from cryptox.sessions.live.worker import Worker
from cryptox.sessions.tending import tend
from cryptox.sessions.userstream import UserStream
from cryptox.transport.http import Http
from cryptox.transport.socket import Socket

SPEED = 60


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", SPEED), limits={"REQUEST_WEIGHT": (1_000_000, "1s")}) as made:
        yield made


async def until(what: Callable[[], Any], within_s: float = 30.0) -> Any:
    end = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.01)
    return found


def tasks(begins: str) -> list[asyncio.Task[Any]]:
    return sorted((one for one in asyncio.all_tasks() if one.get_name().startswith(begins)), key=id)


def working(begins: str) -> list[asyncio.Task[Any]]:
    """Tasks whose coroutine's name begins so."""
    return [one for one in asyncio.all_tasks() if one.get_coro().__qualname__.startswith(begins)]  # type: ignore[union-attr]


@asynccontextmanager
async def living(exchange: Any) -> AsyncIterator[tuple[Any, Any, Any]]:
    """A session with a feed of trades and one of its orders; and a stranger's feed, at another exchange."""
    with cx.PaperExchange(clock=("2024-06-01 12:00", SPEED)) as elsewhere:
        async with cx.aio.connect(elsewhere) as other, cx.aio.connect(exchange) as session:
            stranger = await other.live.trades("ETHUSDT")
            trades = await session.live.trades("BTCUSDT")
            orders = await session.live.orders()
            await until(lambda: trades.status.synced and trades.status.received and stranger.status.received)
            await session._user_stream().ready()
            yield session, trades, stranger
            received = stranger.status.received
            await until(lambda: stranger.status.received > received)
            assert stranger.status.reconnects == 0
            assert stranger.status.last_error is None
            await orders.stop()


async def well(session: Any, trades: Any) -> None:
    received = trades.status.received
    await until(lambda: trades.status.connected and trades.status.synced and trades.status.received > received)
    stream = session._user_stream()
    await until(lambda: stream.in_step)
    order = await session.buy("BTCUSDT", "0.001")
    await until(lambda: stream.blotter.order("BTCUSDT", order.order_id))


def contiguous(feed: Any) -> bool:
    ids = feed.frame().id.tolist()
    return bool(ids == list(range(ids[0], ids[0] + len(ids))))


def test_any_task_of_a_session_may_be_killed(exchange: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with living(exchange) as (session, trades, _):
            names = ["cryptox-live", "cryptox-user-stream", "cryptox-user-stream"]
            assert [one.get_name() for one in tasks("cryptox")].count("cryptox-user-stream") == 2
            for place, name in enumerate(names):
                victim = next(one for one in tasks(name) if _is_of(one, session, trades, place))
                victim.cancel()
                await asyncio.wait([victim])
                await well(session, trades)
            assert trades.status.reconnects >= 1
            assert contiguous(trades)

    with caplog.at_level(logging.WARNING, "cryptox"):
        asyncio.run(go())
    assert caplog.text.count("task.restarted") == 3
    assert "cancelled" in caplog.text


def _is_of(task: asyncio.Task[Any], session: Any, trades: Any, place: int) -> bool:
    owner = task.get_coro().cr_frame.f_locals.get("self")  # type: ignore[union-attr]
    stream = session._user_stream()
    return owner is (trades._hub._kept[0], stream.line, stream)[place]


@pytest.mark.parametrize(("owner", "method"), [(Kept, "_act"), (UserStream, "_reconcile")])
def test_a_defect_in_a_task_is_told_and_the_task_begun_again(
    exchange: Any, owner: type, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = getattr(owner, method)
    broken: list[Any] = []

    def breaks(self: Any, *given: Any, **named: Any) -> Any:
        if broken and broken[0] is self:
            broken[:] = [None]
            raise ZeroDivisionError("a bug")
        return plain(self, *given, **named)

    async def go() -> None:
        async with living(exchange) as (session, trades, _):
            stream = session._user_stream()
            broken.append(trades._hub._kept[0] if owner is Kept else stream)
            trades._hub._kept[0]._wake.set()
            stream.check()
            await until(lambda: broken == [None])
            await well(session, trades)
            assert contiguous(trades)

    monkeypatch.setattr(owner, method, breaks)
    with caplog.at_level(logging.WARNING, "cryptox"):
        asyncio.run(go())
    assert "task.restarted" in caplog.text
    assert "ZeroDivisionError: a bug" in caplog.text


def test_a_defect_while_connecting_is_told_and_tried_again(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with living(exchange) as (session, trades, _):
            kept, troubles = trades._hub._kept[0], []
            connect, failed = kept._connect, trades._topics["BTCUSDT"].failed

            async def breaks(on_frames: Any) -> Any:
                kept._connect = connect
                raise ZeroDivisionError("a bug")

            monkeypatch.setattr(trades._topics["BTCUSDT"], "failed", lambda why: (troubles.append(why), failed(why)))
            kept._connect = breaks
            exchange.faults.cut()
            await until(lambda: troubles)
            assert troubles == ["ZeroDivisionError: a bug"]
            await well(session, trades)
            assert contiguous(trades)

    asyncio.run(go())


def test_any_socket_may_die(exchange: Any) -> None:
    async def go() -> None:
        async with living(exchange) as (session, trades, _):
            for _ in range(2):
                wires = [*trades._hub._kept[0]._wires.values()]
                lines = [*session._user_stream().line._wires.values()]
                before = trades.status.reconnects
                for socket in [*(one.socket for one in wires), *(one.rpc.socket for one in lines)]:
                    socket._transport.abort()
                await until(lambda before=before: trades.status.reconnects > before)
                await well(session, trades)
            assert contiguous(trades)
            for line in session._lines.values():  # connections of HTTP, as a network that changed leaves them
                for waiting in line._http._session.connector._conns.values():
                    for protocol, _ in waiting:
                        protocol.transport.abort()
            await well(session, trades)

    asyncio.run(go())


def test_an_attempt_to_connect_may_be_killed(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Socket.connect

    async def slow(*given: Any, **named: Any) -> Any:
        await asyncio.sleep(0.5)
        return await connect(*given, **named)

    async def go() -> None:
        async with living(exchange) as (session, trades, _):
            monkeypatch.setattr(Socket, "connect", slow)
            exchange.faults.cut()
            for begins in ("Kept._open", "UserLine._open"):
                for victim in await until(lambda begins=begins: working(begins)):
                    victim.cancel()
            await well(session, trades)
            assert contiguous(trades)

    asyncio.run(go())


def test_a_repair_may_be_killed(exchange: Any) -> None:
    async def go() -> None:
        async with living(exchange) as (session, trades, _):
            slow = exchange.faults.add("latency", path="historicalTrades", seconds=1.0)
            exchange.faults.cut()
            victim = (await until(lambda: tasks("cryptox-mend-")))[0]
            await until(lambda: slow.hits)
            victim.cancel()
            await asyncio.wait([victim])
            exchange.faults.clear()
            await well(session, trades)
            assert contiguous(trades)
            assert trades.status.gaps == 0

    asyncio.run(go())


def test_who_waits_for_a_feed_is_told_that_its_start_was_killed(exchange: Any) -> None:
    async def go() -> None:
        async with cx.aio.connect(exchange) as session:
            slow = exchange.faults.add("latency", seconds=1.0)
            feed = session.live.trades("BTCUSDT")
            waiting = asyncio.ensure_future(feed.start())
            victim = (await until(lambda: tasks("cryptox-feed-start")))[0]
            victim.cancel()
            with pytest.raises(cx.errors.ConfigurationError, match="This feed has ended"):
                await waiting
            exchange.faults.remove(slow)
            again = await session.live.trades("BTCUSDT")
            await until(lambda: again.status.received)

    asyncio.run(go())


@pytest.mark.parametrize("victim", ["cryptox-order", "cryptox-order-look"])
def test_what_carries_an_order_may_be_killed(exchange: Any, victim: str) -> None:
    async def go() -> None:
        async with cx.aio.connect(exchange, order_timeout=1.0) as session:
            await session.prices()
            exchange.faults.add("drop", path="order", method="POST", times=1)
            asked = exchange.faults.add("drop", path="order", method="GET", times=1 if "look" in victim else 0)
            call = asyncio.ensure_future(session.buy("BTCUSDT", "0.001"))

            def found() -> list[asyncio.Task[Any]]:
                named = [one for one in tasks("cryptox-order") if one.get_name() == victim]
                sent = all(one.state in ("sent", "asking") for one in session._acts.values())
                return named if session._acts and sent and (asked.hits or "look" not in victim) else []

            (await until(found))[0].cancel()
            order = await asyncio.wait_for(call, 30)
            assert order.status == "filled"
            assert len(await session.unresolved()) == 0
            assert len(await session.orders("BTCUSDT")) == 1  # asking again is not sending again

    asyncio.run(go())


@pytest.mark.parametrize("victim", ["History.fetch", "Bulk._run"])
def test_a_worker_of_a_download_may_be_killed(victim: str) -> None:
    async def go() -> None:
        with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
            async with cx.aio.connect(exchange) as session:
                wanted = await session.klines_bulk("BTCUSDT", "1m", 6_000)
            async with cx.aio.connect(exchange) as session:
                await session.server_time()
                exchange.faults.add("latency", path="klines", seconds=0.3)
                call = asyncio.ensure_future(session.klines_bulk("BTCUSDT", "1m", 6_000))
                (await until(lambda: working(victim)))[0].cancel()
                assert (await call).equals(wanted)

    asyncio.run(go())


def test_the_end_of_the_download_itself_is_still_an_interrupt() -> None:
    async def go() -> None:
        with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
            async with cx.aio.connect(exchange) as session:
                exchange.faults.add("latency", path="klines", seconds=0.3)
                call = asyncio.ensure_future(session.klines_bulk("BTCUSDT", "1m", 6_000))
                await until(lambda: working("History.fetch"))
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                await until(lambda: not working("History.fetch"))

    asyncio.run(go())


def kill(thread: threading.Thread) -> None:
    """Have it end with the next step that it takes."""
    if sys.gettrace() is not None and sys.version_info < (3, 12):
        pytest.skip("Python 3.11 hangs when it is traced and a waiting thread is given an exception")
    number = ctypes.c_ulong(thread.ident or 0)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(SystemExit)) == 1


def test_the_thread_of_callbacks_may_be_killed(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        worker, seen = Worker("trades", 100, asyncio.get_running_loop()), list[Any]()
        worker.callbacks = [seen.append]
        events: Any = [1, 2, 3, 4]
        worker.queue.put(Records(events[:1]))
        await until(lambda: seen == [1])
        first = worker._thread
        assert first is not None
        kill(first)
        worker.queue.put(Records(events[1:]))
        await until(lambda: seen == [1, 2, 3, 4])
        assert worker._thread is not first
        second = worker._thread
        worker.close()
        assert second is not None
        await until(lambda: not (first.is_alive() or second.is_alive()))

    with caplog.at_level(logging.ERROR, "cryptox"):
        asyncio.run(go())
    assert "feed.worker_restarted" in caplog.text


def test_the_thread_of_a_recording_tells_that_it_was_killed(exchange: Any, tmp_path: Path) -> None:
    async def go() -> None:
        async with cx.aio.connect(exchange) as session:
            trades = await session.live.trades("BTCUSDT")
            recording = await session.record(tmp_path / "tape.txt", trades)
            kill(recording._scribe._thread)
            await until(lambda: recording.counts.error)
            assert recording.counts.error.startswith("SystemExit")
            received = trades.status.received
            await until(lambda: trades.status.received > received)
            await recording.stop()

    asyncio.run(go())


def test_a_replay_that_was_killed_is_not_taken_for_one_that_is_over(tmp_path: Path) -> None:
    line = (
        '{} {{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}}}}\n'
    )
    path = tmp_path / "quotes.txt"
    path.write_text("".join(line.format(1723161254087891268 + number * 10**10, number) for number in range(3)))

    async def go() -> None:
        with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
            async with cx.aio.connect(exchange) as session:
                replay = session.replay(path)
                quotes = replay.live.book_ticker("BTCUSDT")
                await quotes.start()
                await replay.start()
                await until(lambda: quotes.latest)
                tasks("cryptox-replay")[0].cancel()
                with pytest.raises(cx.errors.ExchangeError, match="broken off: CancelledError"):
                    await replay.wait()

    asyncio.run(go())


def test_the_reading_of_certificates_may_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        http, made, gate = Http(timeout_s=1, max_connections=1, proxy=None), object(), threading.Event()
        monkeypatch.setattr("cryptox.transport.tls.trusted", lambda: (gate.wait(30), made)[1])
        waiting = asyncio.ensure_future(http._context())
        await until(lambda: http._tls)
        assert http._tls is not None
        http._tls.cancel()
        await asyncio.wait([waiting])
        gate.set()
        assert waiting.cancelled()
        assert await http._context() is made
        await http.aclose()

    asyncio.run(go())


def test_nothing_is_begun_again_when_its_owner_or_its_loop_ends(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[str] = []

    async def work(name: str) -> None:
        begun.append(name)
        await asyncio.sleep(3600)

    async def go() -> None:
        spawn, over = asyncio.get_running_loop().create_task, asyncio.Event()
        owned = tend(spawn, lambda: work("owned"), over.is_set, what="owned")
        tend(spawn, lambda: work("left"), lambda: False, what="left", ended=lambda: begun.append("told"))
        await asyncio.sleep(0)
        over.set()
        owned.cancel()
        await asyncio.wait([owned])

    with caplog.at_level(logging.WARNING, "cryptox"):
        asyncio.run(go())
    assert begun == ["owned", "left", "told"]
    assert "task.restarted" not in caplog.text

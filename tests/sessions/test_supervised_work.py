"""What works beside the streams may be killed as well: threads for files, certificates and names, tasks of calls.

Whoever waits is told by an error of the contract, or it goes on by itself; and the neighbours notice nothing.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox import portal
from cryptox.errors import ConfigurationError, CryptoxError, NotSent
from cryptox.model import judging
from cryptox.sessions import doctor
from cryptox.sessions.live import replay as replays
from cryptox.transport import tape, tls
from cryptox.transport.http import Http
from tests.sessions.test_supervision import kill, tasks, until


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(limits={"REQUEST_WEIGHT": (1_000_000, "1s")}) as made:
        yield made


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with too much to do is no neighbour that notices something."""
    monkeypatch.setattr(judging, "LATE_LOOP_MS", 1e9)
    monkeypatch.setattr(judging, "SLOW_MS", 1e9)


def dies(*_: Any, **__: Any) -> Any:
    """What a thread does until it is killed, at once."""
    kill(threading.current_thread())
    while True:
        time.sleep(0.001)


@asynccontextmanager
async def beside(exchange: Any) -> AsyncIterator[tuple[Any, Any]]:
    """A session whose feed, and another's health, must not suffer."""
    async with cx.aio.connect(exchange) as session, cx.aio.connect(exchange) as other:
        feed, theirs = await session.live.depth("BTCUSDT"), await other.live.depth("ETHUSDT")
        await until(lambda: feed.status.received and theirs.status.received)
        yield session, feed
        for one in (feed, theirs):
            received = one.status.received
            await until(lambda one=one, received=received: one.status.received > received)
            assert (one.status.reconnects, one.status.gaps) == (0, 0)
        assert (await session.health()).status == (await other.health()).status == "healthy"


def test_the_thread_of_a_recording_may_be_killed(exchange: Any, tmp_path: Path) -> None:
    async def go() -> None:
        async with beside(exchange) as (session, feed):
            recording = await session.record(tmp_path / "tape.txt", feed)
            other = await session.record(tmp_path / "other.txt", feed)
            kill(recording._scribe._thread)
            await until(lambda: recording.counts.error)
            assert not recording.is_running
            assert repr(recording).startswith("<AsyncRecording tape.txt failed, ")
            assert recording._facts()["state"] == "failed"
            written = other.counts.messages
            await until(lambda: other.counts.messages > written)
            assert (other.is_running, other.counts.error) == (True, None)
            await recording.stop()
            assert recording._state == "failed"
            await other.stop()
            assert other._state == "ended"

    asyncio.run(go())


def test_the_thread_that_begins_a_recording_may_be_killed(
    exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        async with beside(exchange) as (session, feed):
            with monkeypatch.context() as patch:
                patch.setattr(tape, "Writer", dies)
                with pytest.raises(InterruptedError, match="was ended"):
                    await session.record(tmp_path / "tape.txt", feed)
            again = await session.record(tmp_path / "tape.txt", feed)
            await until(lambda: again.counts.messages)
            await again.stop()

    asyncio.run(go())


LINE = '{} {{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}}}}\n'


def test_the_thread_that_reads_a_recording_may_be_killed(
    exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "quotes.txt"
    path.write_text("".join(LINE.format(1723161254087891268 + number, number) for number in range(3)))

    async def go() -> None:
        async with beside(exchange) as (session, _):
            with monkeypatch.context() as patch:
                patch.setattr(replays, "_some", dies)
                replay = session.replay(path, speed=None)
                quotes = await replay.live.book_ticker("BTCUSDT")
                with pytest.raises(InterruptedError, match="was ended"):
                    await replay.wait()
                assert "was ended" in (quotes.status.last_error or "")
            again = session.replay(path, speed=None)
            assert (await again.wait()).messages == 3

    asyncio.run(go())


def test_the_thread_that_reads_certificates_may_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        http = Http(timeout_s=1, max_connections=1, proxy=None)
        with monkeypatch.context() as patch:
            patch.setattr(tls, "trusted", dies)
            with pytest.raises(NotSent, match="certificates were not read"):
                await http._context()
        assert await http._context() is await http._context()  # nothing of the failure is kept
        await http.aclose()

    asyncio.run(go())


def test_the_thread_that_looks_up_a_name_may_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with cx.connect("binance", rest_url="http://localhost:1", timeout=1) as session:
        loop, found = portal.loop(), socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", dies)
        with pytest.raises(CryptoxError):
            session.server_time()
        monkeypatch.setattr(socket, "getaddrinfo", found)
        assert portal.loop() is loop
        assert loop.is_running()


def test_the_doctors_thread_may_be_killed(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with beside(exchange) as (session, _):
            monkeypatch.setattr(doctor, "_unwritable", dies)
            findings = {one.what: one for one in await doctor.examine(session)}
            assert "InterruptedError" in findings["journal"].found
            assert findings["REST"].verdict == "ok"

    asyncio.run(go())


def test_a_call_of_a_callback_may_be_killed(exchange: Any) -> None:
    seen: list[int] = []

    async def slow(_: object) -> None:
        seen.append(1)
        if len(seen) == 1:
            await asyncio.sleep(3_600)

    async def go() -> None:
        async with beside(exchange) as (session, _):
            feed = await session.live.depth("BTCUSDT")
            feed.on(slow)
            worker = await until(lambda: feed._worker)
            (await until(lambda: worker._task)).cancel()
            await until(lambda: len(seen) > 3)
            assert feed.status.errors == 1

    asyncio.run(go())


def test_a_beginning_of_a_dashboard_may_be_killed(exchange: Any) -> None:
    async def go() -> None:
        async with beside(exchange) as (session, _):
            slow = exchange.faults.add("latency", seconds=0.3)
            waiting = asyncio.ensure_future(session.dashboard("BTCUSDT"))
            named = "AsyncFeed.start"
            (await until(lambda: [one for one in asyncio.all_tasks() if _is(one, named)]))[0].cancel()
            with pytest.raises(ConfigurationError, match="was ended while it began"):
                await waiting
            exchange.faults.remove(slow)
            stopped = asyncio.ensure_future(session.dashboard("BTCUSDT"))
            await asyncio.sleep(0)
            stopped.cancel()  # of the caller himself, that is no error
            with pytest.raises(asyncio.CancelledError):
                await stopped
            await (await session.dashboard("BTCUSDT")).stop()

    asyncio.run(go())


def _is(task: asyncio.Task[Any], name: str) -> bool:
    return bool(task.get_coro().__qualname__ == name)  # type: ignore[union-attr]


def test_a_reading_of_the_clock_may_be_killed(exchange: Any) -> None:
    async def go() -> None:
        async with cx.aio.connect(exchange) as session:
            slow = exchange.faults.add("latency", path="time", seconds=0.3)
            waiting = asyncio.ensure_future(session.live.depth("BTCUSDT").start())
            (await until(lambda: tasks("cryptox-feed-clock")))[0].cancel()
            feed = await waiting
            exchange.faults.remove(slow)
            await until(lambda: feed.status.received)

    asyncio.run(go())


def test_a_call_on_the_loop_thread_may_be_killed(exchange: Any) -> None:
    with cx.connect(exchange) as session:
        feed = session.live.depth("BTCUSDT")
        slow = exchange.faults.add("latency", path="klines", seconds=0.5)
        errors: list[BaseException] = []

        def ask() -> None:
            try:
                session.klines("BTCUSDT", "1h", 3)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        soon(lambda: slow.hits)
        (call,) = portal._state.portal.calls  # type: ignore[union-attr]
        portal.loop().call_soon_threadsafe(call.task.cancel)  # type: ignore[union-attr]
        thread.join(30)
        assert [type(error) for error in errors] == [asyncio.CancelledError]  # as any task that was cancelled
        exchange.faults.remove(slow)
        received = feed.status.received
        soon(lambda: feed.status.received > received)
        assert len(session.klines("BTCUSDT", "1h", 3)) == 3
        soon(lambda: session.health().status == "healthy")


def test_the_loop_thread_may_be_killed(exchange: Any) -> None:
    with cx.connect(exchange) as session:
        feed, found = session.live.depth("BTCUSDT"), portal._state.portal
        assert found is not None
        soon(lambda: feed.status.received)
        kill(found.thread)
        received = feed.status.received
        soon(lambda: feed.status.received > received + 2)  # the same loop goes on
        assert portal._state.portal is found
        assert found.thread.is_alive()
        soon(lambda: session.health().status == "healthy")


def soon(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)

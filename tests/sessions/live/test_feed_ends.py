"""Who reads a feed, and how it ends: readers, callbacks, sessions, loops."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("no_patience")


def test_a_slow_callback_delays_nobody_and_an_exception_ends_nothing(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            release = threading.Event()
            slow = session.live.trades("BTCUSDT").on(lambda _: release.wait(20))
            quick: list[Any] = []
            other = session.live.trades("BTCUSDT").on(quick.append)

            def fail(event: Any) -> None:
                raise ValueError(event.symbol)

            bad = session.live.trades("BTCUSDT").on(fail)
            for feed in (slow, other, bad):
                await feed
            await until(lambda: len(quick) > 20)
            await until(lambda: bad.status.errors > 5)
            assert bad.status.last_error == "ValueError: BTCUSDT"
            assert bad.is_running
            release.set()
            for feed in (slow, other, bad):
                await feed.stop()
            await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("cryptox-feed")])

    asyncio.run(main())


def test_a_reader_that_is_left_or_stopped_ends(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            feed = session.live.trades("BTCUSDT")
            async for _ in feed:
                break
            assert feed.is_running
            assert not feed._readers.queues()

            async def read() -> int:
                return len([event async for event in feed])

            task = asyncio.create_task(read())
            await until(lambda: feed._readers.queues())
            await feed.stop()
            await task
            with pytest.raises(ConfigurationError, match="has ended"):
                await feed
            assert "stopped" in repr(feed)

    asyncio.run(main())


def test_a_feed_that_is_collected_ends_unless_it_calls_back(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            await session.live.trades("BTCUSDT")
            gc.collect()
            await until(lambda: not exchange._front.hub.connections)
            seen: list[Any] = []
            await session.live.trades("BTCUSDT").on(seen.append)
            gc.collect()
            await until(lambda: len(seen) > 3)
            assert await session.unsubscribe("BTCUSDT") == 1

    asyncio.run(main())


def test_a_closed_session_leaves_no_task_and_no_socket(exchange: Any, until: Any) -> None:
    async def main() -> None:
        for _ in range(3):
            session = cx.aio.connect(exchange)
            feeds = [session.live.trades("BTCUSDT"), session.live.book("BTCUSDT"), session.live.klines("ETHUSDT")]
            for feed in feeds:
                await feed
            assert len(exchange._front.hub.connections) == 1
            await session.close()
            assert len(asyncio.all_tasks()) == 1
            assert not any(feed.is_running for feed in feeds)
            with pytest.raises(ConfigurationError, match="closed"):
                session.live.trades("BTCUSDT")
            await until(
                lambda: len(exchange._front.hub.connections) == 0
            )  # its own end is told before the exchange hears of it

    asyncio.run(main())


def test_a_closed_session_waits_for_feeds_that_were_dropped(exchange: Any) -> None:
    async def main() -> None:
        session = cx.aio.connect(exchange)
        await session.live.trades("BTCUSDT")
        assert len(asyncio.all_tasks()) > 1
        await session.close()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_a_loop_that_ends_ends_its_feeds_and_their_threads(exchange: Any) -> None:
    def callers() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("cryptox-feed")]

    async def main() -> Any:
        seen: list[Any] = []
        session = cx.aio.connect(exchange)
        feed = await session.live.trades("BTCUSDT").on(seen.append)
        while not seen:  # noqa: ASYNC110 - filled on another thread
            await asyncio.sleep(0.01)
        assert callers() == ["cryptox-feed-trades"]
        return feed

    assert not asyncio.run(main()).is_running
    until = time.monotonic() + 5
    while callers():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_it_waits_for_an_exchange_that_is_not_there(exchange: Any, until: Any) -> None:
    port = exchange.port
    exchange.stop()

    async def main() -> None:
        venue = cx.PaperExchange(clock=("2024-06-01 12:00", 60), port=port)
        settings: dict[str, Any] = {"rest_url": f"http://127.0.0.1:{port}", "stream_url": f"ws://127.0.0.1:{port}"}
        async with cx.aio.connect("binance", timeout=0.5, **settings) as session:
            feed = await session.live.trades("BTCUSDT")
            assert (feed.status.connected, feed.status.stale, feed.latest) == (False, True, None)
            assert str(feed.status.last_error).startswith("NotSent: No connection to 127.0.0.1 could be made")
            with venue:
                await until(lambda: feed.latest is not None)
                assert feed.status.connected
                assert feed.status.last_error is None
                await feed.stop()

    asyncio.run(main())


def test_a_session_that_nobody_holds_is_told_from_a_closed_one(exchange: Any) -> None:
    with pytest.raises(ConfigurationError, match="nobody held it"):
        cx.aio.connect(exchange).live.trades("BTCUSDT")

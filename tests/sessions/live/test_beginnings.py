"""Where a feed begins, when nothing has come yet: what is missed before the first event is missed all the same."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

import cryptox as cx
from cryptox.sessions.live import topic

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def cut_for(exchange: Any, duration: str) -> None:
    exchange.faults.cut()
    exchange.clock.advance(duration)


async def carried_again(feed: Any, until: Any) -> None:
    await until(lambda: feed.status.reconnects and feed.status.synced)


async def test_history_wanted_of_a_silent_stream_of_trades_is_joined_to_it(until: Any) -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        async with cx.aio.connect(exchange) as session:
            silent, feed = await session.live.trades("BTCUSDT"), await session.live.trades("BTCUSDT", history=50)
            before = feed.frame()["id"].tolist()
            assert len(before) == 50
            cut_for(exchange, "30s")
            await carried_again(feed, until)
            exchange.clock.advance("5s")
            await until(lambda: feed.latest.id > before[-1])
            last = (await session.trades("BTCUSDT", 1))["id"].iloc[-1]
            await until(lambda: feed.latest.id == last)
            ids = feed.frame()["id"].tolist()
            assert ids == list(range(before[0], last + 1))
            assert feed.status.gaps == silent.status.gaps == 0


async def test_history_wanted_of_a_silent_stream_of_candles_is_joined_to_it(until: Any) -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        async with cx.aio.connect(exchange) as session:
            await session.live.klines("BTCUSDT", history=0)
            feed = await session.live.klines("BTCUSDT", history=50)
            assert len(feed.frame()) == 50
            cut_for(exchange, "10m")
            await carried_again(feed, until)
            exchange.clock.advance("2m")
            await until(lambda: len(feed.frame()) == 62)
            assert feed.frame().equals(await session.klines("BTCUSDT", "1m", 62))


@pytest.mark.parametrize("kind", ["trades", "agg_trades"])
async def test_trades_missed_before_the_first_event_are_repaired(
    until: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(topic, "SILENT_S", 0.05)
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        async with cx.aio.connect(exchange) as session:
            call = getattr(session, kind)
            last = int((await call("BTCUSDT", 1))["id"].iloc[-1])
            feed = await getattr(session.live, kind)("BTCUSDT")
            reader = feed.events()
            await until(lambda: feed._topics["BTCUSDT"]._begins_at is not None)
            assert feed.frame().empty
            assert feed.status.synced
            cut_for(exchange, "30s")
            newest = int((await call("BTCUSDT", 1))["id"].iloc[-1])
            assert newest > last + 2
            async with asyncio.timeout(10):
                seen = [(await anext(reader)).id for _ in range(newest - last)]
            assert seen == list(range(last + 1, newest + 1))
            exchange.clock.advance("5s")
            async with asyncio.timeout(10):
                assert (await anext(reader)).id == newest + 1


async def test_candles_missed_before_the_first_event_are_repaired(until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic, "SILENT_S", 0.05)
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        async with cx.aio.connect(exchange) as session:
            feed = await session.live.klines("BTCUSDT", history=0)
            await until(lambda: feed._topics["BTCUSDT"]._begins_at is not None)
            cut_for(exchange, "10m")
            await carried_again(feed, until)
            await until(lambda: len(feed.frame()) == 10)
            assert feed.frame().index[0].minute == 0
            exchange.clock.advance("1m")
            await until(lambda: len(feed.frame()) == 11)
            steps = {b - a for a, b in pairwise(feed.frame().index)}
            assert len(steps) == 1


async def test_a_stream_that_speaks_is_not_asked_where_it_begins(exchange: Any, until: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(topic, "SILENT_S", 0.3)
    async with cx.aio.connect(exchange) as session:
        feed = await session.live.trades("BTCUSDT")
        await until(lambda: feed.status.received)
        await asyncio.sleep(0.4)
        assert not exchange.requests.of("aggTrades")


async def test_a_feed_that_ends_asks_for_nothing(until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic, "SILENT_S", 0.1)
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        async with cx.aio.connect(exchange) as session:
            await (await session.live.trades("BTCUSDT")).stop()
            await asyncio.sleep(0.2)
            assert not exchange.requests.of("aggTrades")


async def test_more_history_wanted_while_some_is_fetched_is_fetched_too(exchange: Any) -> None:
    async with cx.aio.connect(exchange) as session:
        await session.live.trades("BTCUSDT", history=10)
        exchange.faults.add("latency", seconds=0.3, path="historicalTrades")
        some, more = session.live.trades("BTCUSDT", history=200), session.live.trades("BTCUSDT", history=600)

        async def later() -> None:
            await asyncio.sleep(0.1)
            await more

        await asyncio.gather(some.start(), later())
        assert len(more.frame()) >= 600


async def test_a_long_repair_lets_other_calls_pass_and_says_how_much_is_left(until: Any) -> None:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 600), limits={"REQUEST_WEIGHT": (6_000, "1s")}) as exchange:
        async with cx.aio.connect(exchange) as session:
            feed = await session.live.trades("BTCUSDT", history=5)
            one = feed._topics["BTCUSDT"]
            one._cap = 100
            exchange.faults.add("latency", seconds=0.05, path="historicalTrades")
            urgent, ask = [], session._ask

            async def noted(request: Any, *, bulk: bool = False) -> Any:
                if request.context.get("symbol") == "BTCUSDT":
                    urgent.append(not bulk)
                return await ask(request, bulk=bulk)

            session._ask = noted
            one.hub._kept[0]._life._address.hold(asyncio.get_running_loop().time() + 2)
            exchange.faults.cut()
            await until(lambda: "trades are still missing" in str(feed.status.last_error))
            await carried_again(feed, until)
            ids = feed.frame()["id"].tolist()
            assert ids == list(range(ids[0], ids[-1] + 1))
            assert feed.status.last_error is None
            assert urgent[0] is True
            assert urgent.count(False) > 5

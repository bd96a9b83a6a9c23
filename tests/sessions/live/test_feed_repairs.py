"""Feeds whose connection breaks: nothing twice, nothing out of order, and what is missing is told."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import cryptox as cx
from cryptox.sessions.live import topic

pytestmark = pytest.mark.usefixtures("no_patience")


def test_after_a_cut_the_hole_is_filled_before_later_events(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
            reader = feed.events()
            seen = await reader.take()
            for _ in range(3):
                exchange.faults.cut()
                await until(lambda: not feed.status.connected)
                await until(lambda: feed.status.connected and feed.status.synced)
                seen += await reader.take()
            await asyncio.sleep(0.3)
            seen += await reader.take()
            ids = [event.id for event in seen]
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            assert feed.status.reconnects == 3
            assert feed.status.gaps == 0
            assert len(exchange._front.hub.connections) == 1

    asyncio.run(main())


def test_what_the_exchange_does_not_have_any_more_is_a_gap(exchange: Any, until: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(topic, "BASE_S", 0.01)

    async def main() -> None:
        async with cx.aio.connect(exchange, encoding="json") as session, session.live.trades("BTCUSDT") as feed:
            reader = feed.events()
            first = (await reader.take())[-1]
            ask = session.venue.trades_from

            def none(symbol: str, *, from_id: int, limit: int, exact: bool) -> Any:
                return ask(symbol, from_id=2**40, limit=limit, exact=exact)

            session.venue.trades_from = none
            exchange.faults.add("frame", how="drop", stream="*@trade", times=1)
            await until(lambda: feed.status.gaps == 1)
            events = await reader.take()
            (gap,) = [event for event in events if event.kind == "gap"]
            ids = [event.id for event in events if event.kind == "trade"]
            assert gap.first_id > first.id
            assert gap.last_id + 1 in ids
            assert gap.first_id - 1 in [first.id, *ids]
            assert set(range(gap.first_id, gap.last_id + 1)).isdisjoint(ids)
            assert gap.reason == "the exchange does not have it"
            assert first.time <= gap.start <= gap.end
            assert feed.status.synced

    asyncio.run(main())


def test_a_shutdown_is_a_hand_over_without_a_pause(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
            states: list[bool] = []
            reader = feed.events()
            exchange.faults.shut_down(60)
            until_s = time.monotonic() + 1.0
            while time.monotonic() < until_s:
                states.append(feed.status.connected)
                await asyncio.sleep(0.01)
            assert all(states)
            assert feed.status.reconnects == 1
            ids = [event.id for event in await reader.take()]
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            await until(lambda: len(exchange._front.hub.connections) == 1)

    asyncio.run(main())


def test_a_silent_connection_is_given_up(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
            exchange.faults.freeze(30)
            await until(lambda: feed.status.reconnects == 1)
            assert feed.status.connected

    asyncio.run(main())


def test_nothing_twice_and_nothing_out_of_order(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.agg_trades("BTCUSDT") as feed:
            reader = feed.events()
            exchange.faults.add("frame", how="duplicate", times=10)
            exchange.faults.add("frame", how="reorder", seconds=0.1, times=10, after=3)
            seen: list[int] = []
            while len(seen) < 60:
                seen += [event.id for event in await reader.take()]
            assert seen == list(range(seen[0], seen[0] + len(seen)))
            assert feed.status.gaps == 0

    asyncio.run(main())


def test_the_newest_never_goes_back_or_comes_twice(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            feeds = [session.live.book_ticker("BTCUSDT"), session.live.depth("BTCUSDT"), session.live.ticker("BTCUSDT")]
            readers = [feed.events() for feed in feeds]
            for feed in feeds:
                await feed
            exchange.faults.add("frame", how="duplicate", probability=0.5, times=40)
            exchange.faults.add("frame", how="reorder", seconds=0.1, probability=0.3, times=20)
            for reader, name in zip(readers, ("update_id", "last_update_id", "event_time_ms"), strict=True):
                seen: list[int] = []
                while len(seen) < 25:
                    seen += [getattr(event, name) for event in await reader.take()]
                told = seen[1:]  # the first may have been asked for over REST
                assert told == sorted(set(told)), name

    asyncio.run(main())


def test_of_candles_no_state_is_told_twice(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.klines("BTCUSDT", "1h", history=2) as feed:
            exchange.faults.add("frame", how="duplicate", times=20)
            reader = feed.events()
            seen: list[Any] = []
            while len(seen) < 8:
                seen += await reader.take()
            times = [(event.open_time_ms, event.event_time_ms) for event in seen]
            assert times == sorted(set(times))

    asyncio.run(main())


def test_a_book_knows_when_it_came_before_its_first_change(until: Any) -> None:
    async def main() -> None:
        with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
            async with cx.aio.connect(exchange) as session:
                began = time.time()
                feed = await session.live.book("BTCUSDT")
                await until(lambda: feed.status.synced)
                assert began - 0.1 < feed.latest.received_at.timestamp() <= time.time()

    asyncio.run(main())


def test_a_book_that_is_cut_off_says_so(until: Any) -> None:
    async def main() -> None:
        with cx.PaperExchange() as exchange:
            async with cx.aio.connect(exchange) as session, session.live.book("BTCUSDT") as feed:
                reader = feed.events()
                assert (await reader.take())[-1].synced  # type: ignore[attr-defined]  # of a book
                exchange.faults.cut()
                await until(lambda: not feed.status.connected)
                assert not (await reader.take())[-1].synced  # type: ignore[attr-defined]
                assert not feed.status.synced
                await until(lambda: feed.status.synced)
                assert (await reader.take())[-1].synced  # type: ignore[attr-defined]

    asyncio.run(main())


def test_a_topic_that_has_ended_asks_for_nothing(exchange: Any, until: Any, caplog: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
            await feed.events().take()
            exchange.faults.add("latency", seconds=0.3, jitter=0.0)
            exchange.faults.add("frame", how="drop", stream="*@trade", times=1)
            mended = feed._topics["BTCUSDT"]
            await until(lambda: mended._mending)
            mended.mend()
            await feed.stop()
            await asyncio.sleep(0.1)
            assert mended._mending is None
        assert "failed" not in caplog.text

    asyncio.run(main())

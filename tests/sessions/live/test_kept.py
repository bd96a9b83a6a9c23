"""Connections: as few as the limits allow, told what to carry in few messages, and never more than allowed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

import cryptox as cx
from cryptox.sessions.live import hub
from cryptox.sessions.live.kept import Kept
from cryptox.venues.port import StreamLimits

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "ETHBTC")


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"SILENCE_S": 1.0, "PONG_S": 0.5, "CAP_S": 0.5}.items():
        monkeypatch.setattr(hub, name, seconds)


def streams(exchange: Any) -> list[list[str]]:
    return [sorted(one.streams) for one in exchange._front.hub.connections]


def test_streams_are_spread_over_as_few_connections_as_the_limit_allows(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            session.venue.stream_limits = StreamLimits(3, (5, 1.0), 2, (300, 300.0), 86_400.0)
            symbols = list(SYMBOLS)
            feed = await session.live.trades(symbols)
            other = await session.live.agg_trades(symbols)
            assert sorted(map(len, streams(exchange))) == [2, 3, 3]
            assert feed.status.connected
            assert other.status.connected
            async for event in other:
                assert event.symbol in symbols
                break
            await other.stop()
            await until(lambda: sum(map(len, streams(exchange))) == 4)
            assert feed.status.connected

    asyncio.run(main())


def test_what_comes_in_one_large_chunk_is_handed_over_in_parts() -> None:
    taken: list[list[bytes]] = []
    kept: Any = SimpleNamespace(_taps=(), _take=lambda _, frames, __: taken.append(frames))
    for size in (1_000, 100_000):
        frames = [b"%0*d" % (size, n) for n in range(100)]
        Kept._frames(kept, None, frames, 7)  # type: ignore[arg-type]
        assert [frame for part in taken for frame in part] == frames
        assert [len(part) for part in taken] == ([65, 35] if size == 1_000 else [1] * 100)
        taken.clear()


def test_many_feeds_one_after_another_do_not_exceed_the_messages_allowed(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            feeds = [
                session.live.klines(symbol, interval, history=0)
                for symbol in SYMBOLS
                for interval in ("1m", "3m", "5m", "15m", "1h")
            ]
            starts = []
            for feed in feeds:
                starts.append(asyncio.ensure_future(feed.start()))
                await asyncio.sleep(0.02)
            await asyncio.gather(*starts)
            assert all(feed.status.connected for feed in feeds)
            assert all(feed.status.reconnects == 0 for feed in feeds)  # who says too much is cut off
            assert len(streams(exchange)) == 1

    asyncio.run(main())


def test_what_is_wanted_while_disconnected_is_asked_for_afterwards(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
            exchange.faults.cut()
            await until(lambda: not feed.status.connected)
            other = session.live.trades("ETHUSDT")
            gone = session.live.klines("ETHUSDT", history=0)
            starts = [asyncio.ensure_future(one.start()) for one in (other, gone)]
            await asyncio.sleep(0)
            await gone.stop()
            await until(lambda: feed.status.connected and other.status.connected)
            assert streams(exchange) == [["btcusdt@trade", "ethusdt@trade"]]
            await asyncio.gather(*starts, return_exceptions=True)

    asyncio.run(main())


def test_connections_that_end_by_themselves_are_replaced_before(until: Any) -> None:
    async def main() -> None:
        with cx.PaperExchange(clock=("2024-06-01 12:00", 60), connection_life=1.0) as exchange:
            async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
                reader = feed.events()
                ids: list[int] = []
                down = 0
                while feed.status.reconnects < 2:
                    ids += [event.id for event in await reader.take()]
                    down += not feed.status.connected
                assert ids == list(range(ids[0], ids[0] + len(ids)))
                assert (down, feed.status.gaps) == (0, 0)

    asyncio.run(main())


def test_what_is_under_way_on_the_old_connection_still_arrives(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
            reader = feed.events()
            ids = [event.id for event in await reader.take()]
            exchange.faults.add("status", path="historicalTrades", code=502)  # nothing can be repaired
            exchange.faults.add("frame", how="delay", seconds=0.3, stream="*@trade")
            await asyncio.sleep(0.4)
            exchange.faults.shut_down(60)
            await until(lambda: feed.status.reconnects == 1)
            await until(lambda: len(streams(exchange)) == 1)
            await asyncio.sleep(0.5)
            ids += [event.id for event in await reader.take()]
            assert len(ids) > 10
            assert feed._topics["BTCUSDT"]._order.hole is None  # type: ignore[attr-defined]  # a topic of trades
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            assert feed.status.gaps == 0

    asyncio.run(main())


def test_a_skipped_change_makes_the_book_say_so_until_it_is_right_again(until: Any) -> None:
    async def main() -> None:
        with cx.PaperExchange() as exchange:
            async with cx.aio.connect(exchange) as session, session.live.book("BTCUSDT") as feed:
                reader = feed.events()
                await until(lambda: feed.status.synced)
                exchange.faults.add("status", path="depth", code=502, times=2)
                exchange.faults.add("skip_depth", times=1)
                states: list[bool] = []
                while True not in states[states.index(False) :] if False in states else True:
                    states += [event.synced for event in await reader.take()]
                assert feed.status.gaps == 0
                answers = {}
                seen = {}
                while not (answers.keys() & seen.keys()):
                    answer = await session._ask(session.venue.snapshot("BTCUSDT"))
                    answers[answer.last_update_id] = answer
                    seen.update({event.last_update_id: event for event in await reader.take()})
                for number in answers.keys() & seen.keys():
                    assert list(seen[number].bid_texts) == answers[number].bids[:20]
                    assert list(seen[number].ask_texts) == answers[number].asks[:20]

    asyncio.run(main())


def test_sessions_share_connections_only_where_they_go_the_same_way(exchange: Any) -> None:
    async def main() -> None:
        direct, alike = cx.aio.connect(exchange), cx.aio.connect(exchange)
        other = cx.aio.connect(exchange, proxy="http://127.0.0.1:9")
        one = hub.hub_of(direct)
        assert hub.hub_of(alike) is one
        assert hub.hub_of(other) is not one
        assert hub.hub_of(other)._address is one._address  # whose limits they have in common

    asyncio.run(main())

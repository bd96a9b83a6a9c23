"""Feeds over a real exchange: what each kind gives, shares and holds."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import BadInterval, BadSymbol, ConfigurationError, ValidationError

pytestmark = pytest.mark.usefixtures("no_patience")


def test_trades_are_contiguous_and_joined_to_history(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("btc/usdt", history=1_500) as feed:
            assert feed.topic == "paper:trades:BTCUSDT"
            assert len(feed.frame()) >= 1_500
            seen = []
            async for event in feed:
                seen.append(event)
                if len(seen) == 30:
                    break
            ids = [event.id for event in seen]
            assert ids == list(range(ids[0], ids[0] + 30))
            first = seen[0]
            assert (first.kind, first.symbol) == ("trade", "BTCUSDT")
            assert first.event_time >= first.time
            assert first.quote_quantity == pytest.approx(first.price * first.quantity)
            frame = feed.frame()
            assert (frame["id"].diff().dropna() == 1).all()
            assert frame["id"].iloc[-1] >= ids[-1]
            rest = await session.trades("BTCUSDT", 1000)
            both = rest.reset_index().merge(frame.reset_index(), on="id", suffixes=("", "_live"))
            assert len(both) > 500
            for name in ("time", "price", "quantity", "quote_quantity", "side", "is_best_match"):
                assert (both[name].astype(str) == both[f"{name}_live"].astype(str)).all(), name
            assert list(frame.columns) == list(rest.columns)
            assert (frame.dtypes == rest.dtypes).all()
            assert frame.attrs["source"] == "stream"

    asyncio.run(main())


def test_candles_close_once_and_the_forming_one_is_shown_on_request(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.klines("ETHUSDT", "1m", history=20) as feed:
            assert len(feed.frame()) >= 20
            closed = []
            async for event in feed:
                if event.is_closed:
                    closed.append(event)
                    if len(closed) == 3:
                        break
            opens = [event.open_time_ms for event in closed]
            assert opens == [opens[0], opens[0] + 60_000, opens[0] + 120_000]
            frame = feed.frame()
            assert frame.index[-1] == closed[-1].open_time
            record = await session.klines(
                "ETHUSDT", "1m", start=frame.index[0], end=frame.index[-1] + (frame.index[-1] - frame.index[-2])
            )
            assert frame.equals(record)
            with_forming = feed.frame(include_unfinished=True)
            assert len(with_forming) - len(feed.frame()) in (0, 1)
            assert feed.frame(5).equals(feed.frame().iloc[-5:])

    asyncio.run(main())


def test_a_list_of_symbols_is_one_feed_with_symbol_first(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            feed = session.live.klines(["BTCUSDT", "ETHUSDT"], "1m", history=5)
            assert feed.topic == ["paper:klines:BTCUSDT:1m", "paper:klines:ETHUSDT:1m"]
            async with feed:
                frame = feed.frame()
                assert frame.index.names == ["symbol", "open_time"]
                assert set(frame.index.get_level_values("symbol")) == {"BTCUSDT", "ETHUSDT"}
                for kind in ("polars", "arrow"):
                    other = feed.frame(frame=kind)
                    assert (other.columns if kind == "polars" else other.column_names)[0] == "symbol"
                assert await session.unsubscribe("BTCUSDT") == 1
                assert feed.symbols == ("ETHUSDT",)
                assert feed.is_running
                connections = exchange._front.hub.connections
                await until(lambda: [list(one.streams) for one in connections] == [["ethusdt@kline_1m"]])
                assert await session.unsubscribe("ETHUSDT") == 1
                assert not feed.is_running
                await until(lambda: not exchange._front.hub.connections)

    asyncio.run(main())


@pytest.mark.parametrize("call", ["ticker", "book_ticker", "depth", "book", "agg_trades", "trades", "klines"])
def test_every_kind_has_events_latest_status_and_frame(exchange: Any, call: str, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, getattr(session.live, call)("BTCUSDT") as feed:
            event = await anext(aiter(feed))
            assert (event.symbol, event.received_at.tzinfo is not None) == ("BTCUSDT", True)
            assert event.kind in {"ticker", "book_ticker", "depth", "book", "agg_trade", "trade", "kline"}
            assert feed.latest is not None
            await until(lambda: feed.status.synced)
            status = feed.status
            assert (status.connected, status.stale, status.gaps, status.dropped) == (True, False, 0, 0)
            assert status.received >= 1
            rest = {"ticker": "ticker", "book_ticker": "book_ticker", "depth": "depth", "book": "depth"}.get(call, call)
            record = await getattr(session, rest)("BTCUSDT")
            frame = feed.frame()
            assert list(frame.columns) == list(record.columns)
            assert (frame.dtypes == record.dtypes).all()
            assert frame.index.names == record.index.names
            assert "paper:" in repr(feed)

    asyncio.run(main())


def test_the_book_is_the_exchanges_and_depth_has_the_levels_asked_for(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            for levels in (5, 10, 20):
                async with session.live.depth("BTCUSDT", levels) as feed:
                    event = await anext(aiter(feed))
                    assert (len(event.bids), len(event.asks)) == (levels, levels)
                    assert feed.topic == f"paper:depth:BTCUSDT:{levels}"
            async with session.live.book("BTCUSDT", levels=7) as feed:
                async for event in feed:
                    if event.synced:
                        break
                assert (len(event.bids), len(event.asks)) == (7, 7)
                assert event.bids[0].price < event.asks[0].price
                assert len(feed.frame()) > 1_000
                assert list(feed.frame(3)["level"]) == [0, 1, 2, 0, 1, 2]

    asyncio.run(main())


def test_feeds_of_one_topic_share_one_stream_and_one_socket(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as one, cx.aio.connect(exchange) as other:
            feeds = [one.live.trades("BTCUSDT"), one.live.trades("BTCUSDT"), other.live.trades("BTCUSDT")]
            for feed in feeds:
                await feed
            (connection,) = exchange._front.hub.connections
            assert list(connection.streams) == ["btcusdt@trade"]
            await feeds[0].stop()
            await one.close()
            async for event in feeds[2]:  # the second session asks now
                assert event.kind == "trade"
                break
            assert len(exchange._front.hub.connections) == 1
            await feeds[2].stop()
            await until(lambda: not exchange._front.hub.connections)

    asyncio.run(main())


def test_more_history_is_fetched_for_a_topic_that_runs(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            async with (
                session.live.trades("BTCUSDT", history=10),
                session.live.trades("BTCUSDT", history=1_200) as more,
            ):
                ids = more.frame()["id"]
                assert len(ids) >= 1_200
                assert (ids.diff().dropna() == 1).all()
            async with session.live.klines("BTCUSDT", history=3), session.live.klines("BTCUSDT", history=50) as candles:
                assert len(candles.frame()) >= 50
                assert candles.frame().index.to_series().diff().dropna().nunique() == 1

    asyncio.run(main())


def test_what_cannot_be_is_refused_before_anything_is_sent(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            with pytest.raises(BadSymbol) as wrong:
                await session.live.trades("BTCUSTD")
            assert wrong.value.suggested == {"call": "live.trades", "symbol": "BTCUSDT"}
            with pytest.raises(BadInterval):
                session.live.klines("BTCUSDT", "7m")
            with pytest.raises(ValidationError, match="levels=7"):
                session.live.depth("BTCUSDT", 7)
            with pytest.raises(ValidationError):
                session.live.trades("BTCUSDT", history=-1)
            with pytest.raises(ValidationError, match="takes a function"):
                session.live.trades("BTCUSDT").on(None)  # type: ignore[arg-type]  # on purpose
            with pytest.raises(ValidationError):
                session.live.trades("BTCUSDT").frame(0)
            assert session.live.trades("BTCUSDT").frame().shape == (0, 6)
            assert len(exchange._front.hub.connections) == 0

    asyncio.run(main())


def test_a_hundred_thousand_trades_are_a_frame_in_milliseconds(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT", history=2_000) as feed:
            memory = feed._topics["BTCUSDT"]._memory
            batch = memory.batch(2_000)
            for _ in range(50):
                memory._ring.append_columns(batch.columns)
            assert len(feed.frame()) == 100_000
            took = min(_seconds(feed.frame) for _ in range(5))
            assert took < 0.1  # seconds of work; a few milliseconds on an idle machine

    asyncio.run(main())


def _seconds(work: Any) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def test_a_feed_of_another_loop_is_refused_where_nothing_would_ever_come(exchange: Any) -> None:
    session = cx.aio.connect(exchange)
    feed = session.live.trades("BTCUSDT")

    async def first() -> int:
        async for event in feed:
            return event.id  # type: ignore[attr-defined, no-any-return]
        return 0

    with asyncio.Runner() as runner:
        assert runner.run(first())
        with pytest.raises(ConfigurationError, match="the loop it was started on"):
            asyncio.run(asyncio.wait_for(first(), 5))
        assert runner.run(first())  # there it goes on
        runner.run(session.close())


def test_latency_is_told_by_the_exchanges_clock(exchange: Any, until: Any) -> None:
    async def main(exchange: Any) -> Any:
        async with cx.aio.connect(exchange) as session, session.live.klines("BTCUSDT", "1s") as feed:
            await until(lambda: feed.status.received > 302)
            return feed.status.latency

    with cx.PaperExchange() as ahead:
        ahead.faults.step_clock(3_600)
        assert 0 <= asyncio.run(main(ahead)) < 5
    assert asyncio.run(main(exchange)) is None  # its seconds are not ours


def test_frames_are_of_exchange_time(until: Any) -> None:
    async def as_of(exchange: Any) -> tuple[str, str]:
        async with cx.aio.connect(exchange) as session, session.live.klines("BTCUSDT", history=5) as feed:
            before = feed.frame().attrs["as_of"]
            return before, (await session.klines("BTCUSDT", "1m", 5)).attrs["as_of"]

    with cx.PaperExchange(clock="2024-06-01 12:00") as frozen:
        assert asyncio.run(as_of(frozen)) == ("2024-06-01T12:00:00Z", "2024-06-01T12:00:00Z")
    with cx.PaperExchange(clock=("2024-06-01 12:00", 60)) as fast:
        live, rest = asyncio.run(as_of(fast))
        assert "2024-06-01T12:00" <= live <= rest < "2024-06-01T13"


def test_latency_is_not_told_by_a_clock_that_was_set(until: Any) -> None:
    async def main() -> None:
        with cx.PaperExchange() as exchange:
            async with cx.aio.connect(exchange) as session, session.live.klines("BTCUSDT", "1s") as feed:
                await until(lambda: feed.status.latency is not None)
                exchange.faults.step_clock(3_600)
                await until(lambda: feed.status.latency is None)

    asyncio.run(main())

"""Feeds of a session against the paper exchange, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import BadInterval, BadSymbol, ConfigurationError, ValidationError
from cryptox.sessions.live import hub, topic


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"SILENCE_S": 1.0, "PONG_S": 0.5, "CAP_S": 0.5}.items():
        monkeypatch.setattr(hub, name, seconds)


def sockets(exchange: Any) -> int:
    front = exchange._front
    return len(front.hub.connections)


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
                await until(lambda: not sockets(exchange))

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
            assert sockets(exchange) == 1
            await feeds[2].stop()
            await until(lambda: not sockets(exchange))

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
            assert sockets(exchange) == 1

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
            await until(lambda: sockets(exchange) == 1)

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
            await until(lambda: not sockets(exchange))
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
            assert sockets(exchange) == 1
            await session.close()
            assert len(asyncio.all_tasks()) == 1
            assert not any(feed.is_running for feed in feeds)
            with pytest.raises(ConfigurationError, match="closed"):
                session.live.trades("BTCUSDT")
            await until(lambda: sockets(exchange) == 0)  # its own end is told before the exchange hears of it

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
            assert sockets(exchange) == 0

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

"""Feeds of the user's own: orders and balances, as any other feed is used."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import AuthenticationError, BadSymbol, ConfigurationError, ValidationError
from cryptox.model.columns import BALANCES, ORDERS
from cryptox.model.updates import OrderUpdate
from cryptox.sessions import userline

sys.path.insert(0, str(Path(__file__).parents[1]))
from outsider import SYMBOL, Outsider

LIMITS = {"REQUEST_WEIGHT": (10_000_000, "1m"), "ORDERS": (100_000, "10s"), "RAW_REQUESTS": (10_000_000, "5m")}


@pytest.fixture
def exchange() -> Iterator[Any]:
    with cx.PaperExchange(limits=LIMITS) as made:
        yield made


@pytest.fixture
def outsider(exchange: Any) -> Iterator[Outsider]:
    made = Outsider(exchange, exchange.create_account({"USDT": 1_000_000, "BTC": 20}))
    yield made
    made.close()


def keys(outsider: Outsider) -> dict[str, str]:
    return {"api_key": outsider.keys.api_key, "secret_key": outsider.keys.secret_key}


def soon(what: Callable[[], Any], within_s: float = 10.0) -> Any:
    end = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)
    return found


def run(exchange: Any, outsider: Outsider, main: Callable[[Any], Any]) -> None:
    async def whole() -> None:
        async with cx.aio.connect(exchange, **keys(outsider)) as session:
            await main(session)

    asyncio.run(whole())


def test_a_feed_of_orders(exchange: Any, outsider: Outsider, until: Any) -> None:
    before = outsider.rest()

    async def main(session: Any) -> None:
        async with session.live.orders() as feed:
            assert (feed.topic, feed.kind, feed.latest) == ("paper:orders", "orders", None)
            assert feed.status.connected
            assert feed.status.synced
            assert not feed.status.stale
            assert list(feed.frame()["client_order_id"]) == [before["clientOrderId"]]
            placed = outsider.rest(quantity="0.02")  # what there was before is no event
            async for event in feed:
                assert isinstance(event, OrderUpdate)
                assert (event.kind, event.symbol, event.order_id) == ("order", SYMBOL, placed["orderId"])
                assert (event.quantity, event.status) == (Decimal("0.02"), "new")
                assert 0 < event.received_ns - event.event_time_ms * 1_000_000 < 60 * 10**9
                assert feed.latest is event
                break
            outsider.cancel(before)
            await until(lambda: feed.latest.status == "canceled")
            frame = feed.frame()
            assert (frame.index.name, *frame.columns) == ORDERS.names
            assert list(frame.index) == [placed["orderId"], before["orderId"]]  # what changed last at the end
            assert list(frame["status"]) == ["new", "canceled"]
            assert list(feed.frame(rows=1).index) == [before["orderId"]]
            assert feed.frame(frame="polars")["order_id"].to_list() == [placed["orderId"], before["orderId"]]
            assert {name: value for name, value in cx.attrs(frame).items() if name != "as_of"} == {
                "venue": "paper",
                "source": "stream",
            }
            assert feed.status.received == 2
            assert 0 <= feed.status.latency < 60
        assert not feed.is_running

    run(exchange, outsider, main)


def test_a_glance_at_orders_has_all_that_are_open(exchange: Any, outsider: Outsider, until: Any) -> None:
    resting = outsider.rest()

    async def main(session: Any) -> None:
        async with session.live.orders() as feed:
            done = [outsider.rest() for _ in range(3)]
            for placed in done:
                outsider.cancel(placed)
            await until(lambda: feed.status.received == 6)
            (batch,) = feed.glance(2).values()
            # Those that changed last, and the one that nothing happened to since.
            assert batch["order_id"].tolist() == [*(one["orderId"] for one in done[1:]), resting["orderId"]]
            assert len(feed.glance(100)[""]) == 4

    run(exchange, outsider, main)


def test_a_feed_of_the_account(exchange: Any, outsider: Outsider, until: Any) -> None:
    async def main(session: Any) -> None:
        async with session.live.account() as feed:
            assert feed.topic == "paper:account"
            frame = feed.frame()
            assert (frame.index.name, *frame.columns) == BALANCES.names
            assert dict(frame["total"]) == {"USDT": 1_000_000.0, "BTC": 20.0}
            outsider.rest("0.97", "0.1")
            event = await until(lambda: feed.latest if feed.latest and feed.latest.locked else None)
            assert (event.kind, event.symbol, event.asset) == ("balance", "USDT", "USDT")
            free, locked = outsider.truth()[1]["USDT"]
            assert (event.free, event.locked, event.total) == (free, locked, Decimal(1_000_000))
            assert feed.frame().loc["USDT", "locked"] == float(locked)
            outsider.market("SELL", "20")
            await until(lambda: "BTC" not in feed.frame().index)  # none left

    run(exchange, outsider, main)


def test_feeds_of_some_symbols(exchange: Any, outsider: Outsider, until: Any) -> None:
    async def main(session: Any) -> None:
        async with session.live.orders("btc/usdt") as one, session.live.orders(["BTCUSDT", "ETHUSDT"]) as both:
            assert one.topic == "paper:orders:BTCUSDT"
            assert both.topic == ["paper:orders:BTCUSDT", "paper:orders:ETHUSDT"]
            eth = outsider.rest(symbol="ETHUSDT", quantity="1")
            btc = outsider.rest()
            await until(lambda: one.status.received and both.status.received == 2)
            assert list(one.frame().index) == [btc["orderId"]]
            assert cx.attrs(one.frame())["symbol"] == "BTCUSDT"
            frame = both.frame()
            assert list(zip(frame["symbol"], frame.index, strict=True)) == [
                ("BTCUSDT", btc["orderId"]),
                ("ETHUSDT", eth["orderId"]),
            ]
            assert one.status.received == 1
            assert await session.unsubscribe("BTCUSDT") == 2
            assert not one.is_running
            assert both.topic == ["paper:orders:ETHUSDT"]
        with pytest.raises(BadSymbol, match="NOPEUSDT"):
            await session.live.orders("NOPEUSDT")

    run(exchange, outsider, main)


def test_all_feeds_of_a_session_share_one_connection_and_leave_it_to_the_next(
    exchange: Any, outsider: Outsider, until: Any
) -> None:
    async def main(session: Any) -> None:
        feeds = [await make() for make in (session.live.orders, session.live.orders, session.live.account)]
        assert len(exchange._front.ws_api) == 1
        readers = [feed.events() for feed in feeds[:2]]
        placed = outsider.rest()
        for reader in readers:
            assert [event.order_id for event in await reader.take()] == [placed["orderId"]]
        for feed in feeds:
            await feed.stop()
        assert session._stream.listeners == []
        assert len(exchange._front.ws_api) == 1
        again = await session.live.orders()
        assert list(again.frame().index) == [placed["orderId"]]
        outsider.cancel(placed)
        await until(lambda: again.latest)  # noqa: F821 - it is deleted afterwards
        del feeds, feed, readers, reader, again
        gc.collect()
        await until(lambda: not session._stream.listeners)  # one that is collected has ended

    run(exchange, outsider, main)


def test_a_cut_shows_in_the_status(
    exchange: Any, outsider: Outsider, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userline, "CAP_S", 0.3)

    async def main(session: Any) -> None:
        async with session.live.orders() as feed:
            fault = exchange.faults.add("status", path="userDataStream.subscribe.signature", error_code=-1000)
            exchange.faults.cut()
            await until(lambda: not feed.status.connected)
            assert feed.status.stale
            assert not feed.status.synced
            await until(lambda: feed.status.last_error)
            assert "NetworkError" in feed.status.last_error
            placed = outsider.rest()
            exchange.faults.remove(fault)
            await until(lambda: feed.status.synced)
            assert feed.status.reconnects == 1
            assert feed.status.last_error is None
            assert feed.status.gaps == 0
            assert feed.latest.order_id == placed["orderId"]
            assert feed.latest.execution is None  # an answer told of it

    run(exchange, outsider, main)


def test_callbacks_hear_every_event(exchange: Any, outsider: Outsider, until: Any) -> None:
    async def main(session: Any) -> None:
        heard: list[Any] = []
        feed = session.live.orders().on(heard.append)
        await feed
        outsider.market(quantity="3")
        await until(lambda: heard and heard[-1].status == "filled")
        assert [one.execution for one in heard] == ["new"] + ["trade"] * (len(heard) - 1)
        assert sum(one.fill.quantity for one in heard[1:]) == 3
        await feed.stop()

    run(exchange, outsider, main)


def test_a_key_that_is_refused_is_told_at_the_start(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange, api_key="k" * 64, secret_key="s" * 64) as session:
            for make in (session.live.orders, session.live.account, session.live.orders):
                with pytest.raises(AuthenticationError):
                    await make()

    asyncio.run(main())


def test_a_key_that_is_withdrawn_ends_the_feed_and_says_why(exchange: Any, outsider: Outsider, until: Any) -> None:
    extra = exchange.add_key(outsider.keys.api_key)

    async def main() -> None:
        async with cx.aio.connect(exchange, api_key=extra.api_key, secret_key=extra.secret_key) as session:
            feed = await session.live.orders()
            outsider.rest()
            await until(lambda: feed.latest)
            readers = [feed.events(), feed.events()]
            outsider.rest()
            await until(lambda: len(feed.frame()) == 2)
            exchange._state.accounts.remove_key(extra.api_key)
            exchange.faults.cut()
            for reader in readers:  # it ends by itself, which is not how a loop over it ends
                assert (await anext(reader)).status == "new"  # what came before comes first
                with pytest.raises(AuthenticationError):
                    await anext(reader)
                with pytest.raises(StopAsyncIteration):
                    await anext(reader)
            assert not feed.is_running
            with pytest.raises(ConfigurationError, match=r"has ended\. AuthenticationError"):
                feed.events()
            assert "AuthenticationError" in feed.status.last_error
            assert len(feed.frame()) == 2  # what was known stays

    asyncio.run(main())


def test_the_end_of_the_session_ends_its_feeds(exchange: Any, outsider: Outsider, until: Any) -> None:
    async def main() -> None:
        session = cx.aio.connect(exchange, **keys(outsider))
        feed = await session.live.orders()
        reader = feed.events()
        await session.close()
        assert [event async for event in reader] == []
        assert not feed.is_running
        await until(lambda: len(exchange._front.ws_api) == 0)
        with pytest.raises(ConfigurationError):
            session.live.orders()

    asyncio.run(main())


def test_without_a_key_it_says_what_to_do(exchange: Any, tmp_path: Path) -> None:
    with (
        cx.connect("binance", rest_url=exchange.rest_url, ws_api_url=exchange.ws_api_url) as session,
        pytest.raises(ConfigurationError, match="no key on binance") as caught,
    ):
        session.live.orders()
    assert "api_key" in caught.value.recovery_suggestions[0]
    (tmp_path / "tape").write_text("")
    with cx.connect(exchange) as session, pytest.raises(ConfigurationError, match="told to their owner alone"):
        session.replay(tmp_path / "tape").live.account()


def test_the_blocking_face(exchange: Any, outsider: Outsider) -> None:
    with cx.connect(exchange, **keys(outsider)) as session:
        orders, account = session.live.orders(), session.live.account()
        assert repr(orders).startswith("<Feed paper:orders connected")
        heard: list[Any] = []
        orders.on(heard.append)
        events = iter(orders)
        placed = outsider.rest()
        event = next(events)
        assert (event.order_id, event.status) == (placed["orderId"], "new")
        outsider.cancel(placed)
        assert next(events).status == "canceled"
        soon(lambda: len(heard) == 2)
        assert list(orders.frame()["status"]) == ["canceled"]
        soon(lambda: account.latest is not None and account.latest.locked == 0)
        assert account.frame().loc["USDT", "total"] == 1_000_000.0
        orders.stop()
        assert list(events) == []
    assert not account.is_running
    soon(lambda: len(exchange._front.ws_api) == 0)


def test_feeds_of_ones_own_are_not_recorded(exchange: Any, outsider: Outsider, tmp_path: Path) -> None:
    with cx.connect(exchange, **keys(outsider)) as session:
        for feed in (session.live.orders(), session.live.account()):
            with pytest.raises(ValidationError, match="everybody may see"):
                cx.record(tmp_path / "own.tape", feed)
            feed.stop()
    assert not list(tmp_path.iterdir())


def test_two_sessions_side_by_side(exchange: Any, outsider: Outsider) -> None:
    other = Outsider(exchange, exchange.create_account())
    with cx.connect(exchange, **keys(outsider)) as one, cx.connect(exchange, **keys(other)) as two:
        feeds = one.live.orders(), two.live.orders()
        mine, theirs = outsider.rest(), other.rest()
        for feed, placed in zip(feeds, (mine, theirs), strict=True):
            soon(lambda feed=feed: feed.latest)
            assert list(feed.frame()["client_order_id"]) == [placed["clientOrderId"]]
    other.close()

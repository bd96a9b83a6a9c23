"""A dashboard's feeds begin and end together."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import BadInterval, BadSymbol, ConfigurationError
from cryptox.sessions.live.status import Status


def test_a_dashboard_has_what_one_looks_at(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            async with await session.dashboard("btc/usdt", "5m") as dashboard:
                assert (dashboard.symbol, dashboard.interval, dashboard.is_running) == ("BTCUSDT", "5m", True)
                assert [feed.topic for feed in dashboard.feeds.values()] == [
                    "paper:klines:BTCUSDT:5m",
                    "paper:depth:BTCUSDT:10",
                    "paper:agg_trades:BTCUSDT",
                    "paper:ticker:BTCUSDT",
                ]
                assert len(dashboard.feeds["klines"].frame()) == 300
                assert len(dashboard.feeds["trades"].frame()) >= 30
                await until(lambda: dashboard.status.connected and len(dashboard.feeds["book"].frame()) == 20)
                status = dashboard.status
                assert status.received == sum(feed.status.received for feed in dashboard.feeds.values())
                assert repr(dashboard).startswith("<AsyncDashboard paper:BTCUSDT:5m connected, ")
                assert dashboard.figure(rows=7).data[0].type == "candlestick"
                assert dashboard._facts()["interval"] == "5m"
            assert not dashboard.is_running
            assert not any(feed.is_running for feed in dashboard.feeds.values())
            assert repr(dashboard).startswith("<AsyncDashboard paper:BTCUSDT:5m stopped, ")
            with pytest.raises(ConfigurationError, match="ended"):
                await dashboard.start()

    asyncio.run(main())


def test_a_symbol_that_is_none_leaves_nothing_behind(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            with pytest.raises(BadSymbol) as told:
                await session.dashboard("BTCUSD", "5m")
            assert told.value.suggested == {"call": "dashboard", "symbol": "BTCUSDT", "interval": "5m"}
            with pytest.raises(BadSymbol):
                await session.dashboard(["BTCUSDT", "ETHUSDT"])
            with pytest.raises(BadInterval):
                await session.dashboard("BTCUSDT", "7m")
            assert not any(feed.is_running for feed in session.live._feeds)

    asyncio.run(main())


def test_one_that_is_interrupted_while_it_starts_leaves_nothing_behind(exchange: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            starting = asyncio.ensure_future(session.dashboard("BTCUSDT"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            gc.collect()
            assert not any(feed.is_running for feed in session.live._feeds)

    asyncio.run(main())


def test_it_ends_with_its_session_and_when_it_is_let_go(exchange: Any, until: Any) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            kept, given_up = await session.dashboard("BTCUSDT"), await session.dashboard("ETHUSDT")
            kept.let_go()
            given_up.let_go(end=True)
            assert kept.is_running
            await until(lambda: not given_up.is_running)
            forgotten = await session.dashboard("BNBUSDT")
            hub, gone = forgotten.feeds["klines"]._hub, weakref.ref(forgotten)
            assert any("BNBUSDT" in topic for topic in hub._topics)
            del forgotten
            gc.collect()
            assert gone() is None
            await until(lambda: not any("BNBUSDT" in topic for topic in hub._topics))
        assert not kept.is_running

    asyncio.run(main())


def test_together_they_are_as_bad_as_the_worst() -> None:
    good = Status(True, False, True, 1, 2, 3, 40, 0.5)
    bad = Status(False, True, False, 4, 1, 1, 2, None, errors=2, last_error="it broke")
    assert Status.of_all([good, bad]) == Status(False, True, False, 4, 3, 4, 42, 0.5, errors=2, last_error="it broke")
    assert Status.of_all([good, good]) == Status(True, False, True, 1, 4, 6, 80, 0.5)

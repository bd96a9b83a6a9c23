"""Dashboards without await: what a script sees."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import BadSymbol
from cryptox.sync.dashboard import Dashboard


@pytest.fixture
def session() -> Iterator[cx.Session]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 60)) as exchange, cx.connect(exchange) as session:
        yield session


def until(true: Callable[[], object], within_s: float = 20) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def test_a_dashboard_runs_when_it_is_made(session: cx.Session) -> None:
    with session.dashboard("btc-usdt") as dashboard:
        assert isinstance(dashboard, Dashboard)
        assert (dashboard.symbol, dashboard.interval, dashboard.is_running) == ("BTCUSDT", "1m", True)
        assert list(dashboard.feeds) == ["klines", "book", "trades", "ticker"]
        assert len(dashboard.feeds["klines"].frame()) == 300
        until(lambda: dashboard.status.connected and dashboard.feeds["book"].latest is not None)
        assert repr(dashboard).startswith("<Dashboard paper:BTCUSDT:1m connected, ")
        assert dashboard.figure().data[0].type == "candlestick"
        bundle = dashboard._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "text/html"}, "there is no kernel"
        assert "BTCUSDT" in bundle["text/html"]
    assert not dashboard.is_running
    assert not any(feed.is_running for feed in dashboard.feeds.values())
    dashboard.stop()


def test_a_near_name_is_suggested_with_the_same_call(session: cx.Session) -> None:
    with pytest.raises(BadSymbol) as told:
        session.dashboard("BTCUSD")
    assert told.value.suggested == {"call": "dashboard", "symbol": "BTCUSDT", "interval": "1m"}


def test_one_that_nobody_holds_ends(session: cx.Session) -> None:
    dashboard = session.dashboard("BTCUSDT")
    hub: Any = dashboard.feeds["klines"]._feed._hub
    assert hub._topics
    del dashboard
    gc.collect()
    until(lambda: not hub._topics)


def test_a_feed_of_it_goes_on_when_somebody_holds_it(session: cx.Session) -> None:
    candles = session.dashboard("BTCUSDT").feeds["klines"]
    gc.collect()
    before = candles.status.received
    until(lambda: candles.status.received > before)
    candles.stop()


def test_it_holds_its_session() -> None:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 60)) as exchange:
        dashboard = cx.connect(exchange).dashboard("BTCUSDT")
        gc.collect()
        before = dashboard.status.received
        until(lambda: dashboard.status.received > before)
        dashboard.stop()
        assert repr(dashboard).startswith("<Dashboard paper:BTCUSDT:1m stopped, ")


def test_it_ends_with_its_session(session: cx.Session) -> None:
    dashboard = session.dashboard("BTCUSDT")
    session.close()
    assert not dashboard.is_running

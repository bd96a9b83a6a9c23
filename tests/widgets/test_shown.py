"""What is displayed of a feed, with a channel that writes down what a page would get."""

from __future__ import annotations

import gc
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest
from ipywidgets.widgets import widget

sys.path.insert(0, str(Path(__file__).parent))

from wire import Channel, opened

import cryptox as cx
from cryptox.widgets import plotlyjs, shown
from cryptox.widgets.view import LiveView


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[Any]:
    with cx.connect(exchange) as session:
        yield session


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(shown, "_publish", found.append)
    return found


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Channel]]:
    monkeypatch.setattr(plotlyjs, "_kept", plotlyjs._Kept())
    yield opened(monkeypatch)
    ipywidgets.Widget.close_all()


def until(true: Callable[[], Any], within_s: float = 30.0) -> bool:
    end = time.monotonic() + within_s
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(true())


def channel_of(bundle: dict[str, Any], channels: list[Channel]) -> Channel:
    (channel,) = [one for one in channels if one.comm_id == bundle[shown.VIEW]["model_id"]]
    return channel


def test_a_view_moves_with_its_feed(
    exchange: cx.PaperExchange, session: Any, channels: list[Channel], published: list[dict[str, Any]]
) -> None:
    feed = session.live.klines("BTCUSDT", "1m", history=10)
    bundle = shown.bundle(feed)
    assert bundle is not None
    assert bundle["text/plain"] == repr(feed)
    channel = channel_of(bundle, channels)
    rows = channel.state["initial"]["picture"]["of"]["BTCUSDT"]["rows"]
    frame = feed.frame(include_unfinished=True)
    columns = ["open", "high", "low", "close", "volume"]
    assert [row[1:] for row in rows[:10]] == frame[columns].iloc[:10].to_numpy().tolist()
    assert published[0]["text/html"].startswith(f'<div class="cryptox-snapshot-{channel.state["snapshot"]}">')
    exchange.clock.advance("1m")
    assert until(lambda: channel.custom)
    step = channel.custom[0]["change"]["of"]["BTCUSDT"]
    assert [row[0] for row in step["rows"]][-1] > rows[-2][0]


def test_two_displays_share_a_pump_and_the_last_that_closes_ends_the_feed_that_nobody_holds(
    session: Any, channels: list[Channel], published: list[dict[str, Any]]
) -> None:
    feed = session.live.klines("BTCUSDT", "1m", history=3)
    core = weakref.ref(feed._feed)
    shown.bundle(feed)
    shown.bundle(feed)
    first, second = [one for one in widget._instances.values() if isinstance(one, LiveView)]
    assert len(published) == 2
    assert first._pump is second._pump
    del feed
    gc.collect()
    assert core() is not None
    first.close()
    gc.collect()
    assert core() is not None
    second.close()
    pump = weakref.ref(first._pump)
    assert until(lambda: pump().is_over)
    del first, second
    assert until(lambda: gc.collect() >= 0 and core() is None)


def test_a_view_that_cannot_be_made_holds_nothing(
    session: Any, channels: list[Channel], published: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import comm

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no channel")

    feed = session.live.klines("BTCUSDT", "1m", history=3)
    core = weakref.ref(feed._feed)
    shown.bundle(feed)
    (view,) = [one for one in widget._instances.values() if isinstance(one, LiveView)]
    monkeypatch.setattr(comm, "create_comm", refuse)
    with pytest.raises(RuntimeError, match="no channel"):
        shown.bundle(feed)
    assert feed.is_running
    view.close()
    del feed
    assert until(lambda: gc.collect() >= 0 and core() is None)


def test_what_has_ended_or_never_began_is_shown_as_it_can_be(
    session: Any, channels: list[Channel], published: list[dict[str, Any]]
) -> None:
    feed = session.live.klines("BTCUSDT", "1m", history=3)
    feed.stop()
    bundle = shown.bundle(feed)
    assert bundle is not None
    channel = channel_of(bundle, channels)
    assert channel.state["state"]["stopped"] is True
    assert len(channel.state["initial"]["picture"]["of"]["BTCUSDT"]["rows"]) >= 3
    assert shown.bundle(SimpleNamespace()) is None
    assert shown.bundle(session._session.live.klines("BTCUSDT", "1m")) is None  # of another loop, not started
    lost = session.live.klines("BTCUSDT", "1m", history=3)
    lost._generation -= 1
    assert shown.bundle(lost) is None
    lost._generation += 1


def test_titles_name_a_few_symbols(
    session: Any, channels: list[Channel], published: list[dict[str, Any]], exchange: cx.PaperExchange
) -> None:
    feed = session.live.klines(["BTCUSDT", "ETHUSDT", "BNBUSDT", "ETHBTC", "LUNCUSDT"], "1h", history=2)
    bundle = shown.bundle(feed)
    assert bundle is not None
    about = channel_of(bundle, channels).state["about"]
    assert about == {
        "title": "BTCUSDT ETHUSDT BNBUSDT and 2 more klines 1h",
        "venue": "paper",
        "symbols": ["BTCUSDT", "ETHUSDT", "BNBUSDT", "ETHBTC", "LUNCUSDT"],
        "topic": [f"paper:klines:{symbol}:1h" for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT", "ETHBTC", "LUNCUSDT")],
        "kind": "klines",
        "interval": "1h",
    }

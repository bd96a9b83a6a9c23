"""``feed.figure()`` of every kind, blocking and async."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import BadSymbol, ValidationError

SPEED = 60


def until(true: Callable[[], object], within_s: float = 60.0) -> None:
    """Poll until it holds."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", SPEED)) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def session(exchange: cx.PaperExchange) -> Iterator[cx.Session]:
    keys = exchange.create_account({"BTC": "1.5", "USDT": "100000"})
    with cx.connect(exchange, api_key=keys.api_key, secret_key=keys.secret_key, trading=True) as session:
        yield session


def types(figure: Any) -> list[str]:
    return [trace.type for trace in figure.data]


def test_candles_with_the_forming_one(session: cx.Session) -> None:
    with session.live.klines("BTCUSDT", "1h", history=20) as feed:
        until(lambda: len(feed.frame(include_unfinished=True)) > len(feed.frame()))
        figure = feed.figure(log=True, height=300)
        assert types(figure) == ["candlestick", "bar"]
        assert figure.layout.title.text == "<b>BTCUSDT</b> 1h · paper"
        assert figure.layout.title.subtitle.text.endswith("the newest is still forming")
        assert (figure.layout.yaxis.type, figure.layout.height) == ("log", 300)
        assert len(figure.data[0].x) == len(feed.frame(include_unfinished=True))
        assert len(feed.figure(5).data[0].x) == 5
        assert types(feed.figure(volume=False)) == ["candlestick"]


def test_several_symbols(session: cx.Session) -> None:
    with session.live.klines(["BTCUSDT", "ETHUSDT"], "1h", history=20) as feed:
        figure = feed.figure()
        assert [trace.name for trace in figure.data] == ["BTCUSDT", "ETHUSDT"]
        assert feed.figure(symbol="eth-usdt").layout.title.text == "<b>ETHUSDT</b> 1h · paper"
        with pytest.raises(BadSymbol, match="symbol='ADAUSDT' is not in it"):
            feed.figure(symbol="ADAUSDT")
    assert [len(trace.x) >= 20 for trace in feed.figure().data] == [True, True]  # the rows stay when it has ended


def test_trades(session: cx.Session) -> None:
    for make in (session.live.trades, session.live.agg_trades):
        with make("BTCUSDT", history=30) as feed:
            figure = feed.figure()
            assert types(figure) == ["scatter"] * 3
            assert figure.layout.title.text == "<b>BTCUSDT</b> trades · paper"
            assert len(figure.data[0].x) >= 30


def test_books(session: cx.Session) -> None:
    with session.live.depth("BTCUSDT", levels=5) as depth, session.live.book("BTCUSDT") as book:
        until(lambda: len(depth.frame()) and len(book.frame()))
        for bids, asks in (depth.figure().data, book.figure(5).data):
            assert len(bids.x) == len(asks.x) == 6
            assert bids.x[0] < asks.x[0]
    with session.live.depth(["BTCUSDT", "ETHUSDT"]) as feed:
        with pytest.raises(ValidationError, match="A depth curve is of one symbol") as caught:
            feed.figure()
        assert caught.value.suggested == {"call": "feed.figure", "symbol": "BTCUSDT"}
        assert "feed.figure(symbol=&quot;BTCUSDT&quot;)" in str(caught.value._repr_html_())
        until(lambda: len(feed.frame()) >= 20)
        assert len(feed.figure(symbol="ETHUSDT").data) == 2


def test_tickers(session: cx.Session) -> None:
    with session.live.ticker("BTCUSDT") as one, session.live.ticker(["BTCUSDT", "ETHUSDT"]) as two:
        until(lambda: len(one.frame()) > 2 and len(two.frame()) > 4)
        assert [trace.name for trace in one.figure().data] == ["bid", "ask", "last"]
        assert sorted(two.figure().data[0].y) == ["BTCUSDT", "ETHUSDT"]
    with session.live.book_ticker("BTCUSDT") as feed:
        until(lambda: len(feed.frame()) > 2)
        assert [trace.name for trace in feed.figure().data] == ["bid", "ask"]
        with pytest.raises(ValidationError, match="log= is for figures of"):
            feed.figure(log=True)


def test_what_is_the_users_own(session: cx.Session) -> None:
    with session.live.orders() as orders, session.live.account() as account:
        session.buy("BTCUSDT", "0.001", "15000")
        session.buy("ETHUSDT", "0.1", "500")
        until(lambda: len(orders.frame()) == 2)
        cells = orders.figure().data[0].cells.values
        assert list(cells[1]) == ["ETHUSDT", "BTCUSDT"]
        assert list(orders.figure(symbol="btcusdt").data[0].cells.values[4]) == ["15000"]
        assert orders.figure(symbol="btcusdt").layout.title.text == "<b>BTCUSDT</b> orders · paper"
        assert "USDT" in account.figure().data[0].cells.values[0]
        with pytest.raises(ValidationError, match="symbol= is not for balances"):
            account.figure(symbol="BTCUSDT")


def test_options_are_judged(session: cx.Session) -> None:
    with session.live.klines("BTCUSDT", "1h", history=5) as feed:
        with pytest.raises(ValidationError, match="theme='blue' is not one of"):
            feed.figure(theme="blue")
        with pytest.raises(ValidationError, match="rows"):
            feed.figure(0)


def test_of_an_async_feed(exchange: cx.PaperExchange) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session, session.live.klines("BTCUSDT", "1h", history=9) as feed:
            assert types(feed.figure(volume=True)) == ["candlestick", "bar"]
            with pytest.raises(ValidationError, match="height=1 is not"):
                feed.figure(height=1)

    asyncio.run(main())


def test_a_feed_that_has_not_begun_has_an_empty_figure(exchange: cx.PaperExchange) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange) as session:
            figure = session.live.klines("BTCUSDT", "1h").figure()
            assert figure.layout.annotations[0].text == "no candles"

    asyncio.run(main())

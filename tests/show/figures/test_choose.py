"""Every frame and every feed has its figure, or an error that says what it lacks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cryptox as cx
from cryptox.errors import BadSymbol, ValidationError

BACKENDS = ["pandas", "polars"]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def session() -> Iterator[cx.Session]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as connected:
        yield connected


def types(figure: Any) -> list[str]:
    return [trace.type for trace in figure.data]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_every_kind_of_frame(session: cx.Session, backend: str, exact: bool) -> None:
    form: dict[str, Any] = {"frame": backend, "exact": exact}
    two = ["BTCUSDT", "ETHUSDT"]
    drawn = {
        "klines": session.klines("BTCUSDT", "1h", 30, **form).cx.plot(),
        "trades": session.trades("BTCUSDT", 30, **form).cx.plot(),
        "agg": session.agg_trades("BTCUSDT", 30, **form).cx.plot(log=True),
        "depth": session.depth("BTCUSDT", 10, **form).cx.plot(),
        "tickers": session.ticker(two, **form).cx.plot(),
        "ticker": session.ticker("BTCUSDT", **form).cx.plot(),
        "quotes": session.book_ticker(two, **form).cx.plot(),
        "bulk": session.klines_bulk(two, "1h", 30, **form).cx.plot(),
        "one": session.klines_bulk(two, "1h", 30, **form).cx.plot(symbol="eth/usdt"),
    }
    assert {name: types(figure) for name, figure in drawn.items()} == {
        "klines": ["candlestick", "bar"],
        "trades": ["scatter"] * 3,
        "agg": ["scatter"] * 3,
        "depth": ["scatter"] * 2,
        "tickers": ["bar"],
        "ticker": ["bar"],
        "quotes": ["bar"],
        "bulk": ["scatter"] * 2,
        "one": ["candlestick", "bar"],
    }
    titles = {name: figure.layout.title.text for name, figure in drawn.items()}
    assert titles["klines"] == "<b>BTCUSDT</b> 1h · paper"
    assert titles["one"] == "<b>ETHUSDT</b> 1h · paper"
    assert titles["bulk"] == "<b>2 symbols</b> 1h · paper"
    assert titles["depth"] == "<b>BTCUSDT</b> order book · paper"


def test_both_backends_and_exact_numbers_give_one_figure(session: cx.Session) -> None:
    forms: list[dict[str, Any]] = [
        {"frame": backend, "exact": exact} for backend in BACKENDS for exact in (False, True)
    ]
    told = {session.klines("BTCUSDT", "1h", 30, **form).cx.plot(overlay="trades").to_json() for form in forms}
    assert len(told) == 1


def test_overlays_and_the_frames_own_rows(session: cx.Session) -> None:
    frame = session.klines("BTCUSDT", "1h", 30)
    before = frame.copy()
    figure = frame.assign(mean=frame["close"].rolling(3).mean()).cx.plot(overlay="mean", volume=False, height=300)
    np.testing.assert_array_equal(figure.data[1].y, frame["close"].rolling(3).mean().to_numpy())
    assert figure.layout.height == 300
    pd.testing.assert_frame_equal(frame, before)


def test_a_symbol_that_no_attribute_tells_is_named_by_the_user(session: cx.Session) -> None:
    frame = session.klines("BTCUSDT", "1h", 30, frame="polars").filter(pl.lit(value=True))
    assert cx.attrs(frame) == {}
    assert frame.cx.plot().layout.title.text == ""
    assert frame.cx.plot(symbol="my coin").layout.title.text == "<b>my coin</b>"


def test_a_symbol_that_is_not_there(session: cx.Session) -> None:
    frame = session.klines_bulk(["BTCUSDT", "ETHUSDT"], "1h", 5)
    with pytest.raises(BadSymbol, match="symbol='ETHUSD' is not in it; what is there: BTCUSDT, ETHUSDT") as caught:
        frame.cx.plot(symbol="ETHUSD")
    assert caught.value.suggested == {"call": "df.cx.plot", "symbol": "ETHUSDT"}
    with pytest.raises(BadSymbol):
        session.klines("BTCUSDT", "1h", 5).cx.plot(symbol="ETHUSDT")


@pytest.mark.parametrize("options", [{"overlay": "close"}, {"log": True}, {"volume": True}])
def test_what_several_symbols_have_not(session: cx.Session, options: dict[str, Any]) -> None:
    frame = session.klines_bulk(["BTCUSDT", "ETHUSDT"], "1h", 5)
    with pytest.raises(ValidationError, match="is for figures of one symbol; here are 2") as caught:
        frame.cx.plot(**options)
    assert caught.value.suggested == {"call": "df.cx.plot", "symbol": "BTCUSDT"}
    frame.cx.plot(symbol="BTCUSDT", **options)


def test_several_books_have_no_common_curve(session: cx.Session) -> None:
    books = pd.concat({name: session.depth(name, 5) for name in ("BTCUSDT", "ETHUSDT")}, names=["symbol"])
    with pytest.raises(ValidationError, match="A depth curve is of one symbol; here are 2"):
        books.cx.plot()
    assert books.cx.plot(symbol="ETHUSDT").layout.title.text.startswith("<b>ETHUSDT</b> order book")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: s.prices(), "draws klines, trades, depth, tickers and best quotes; this frame is none of them.$"),
        (lambda s: s.symbols(), "is none of them"),
        (lambda s: s.klines("BTCUSDT", "1h", 5).drop(columns="low"), r"For klines it lacks low\.$"),
        (lambda s: s.trades("BTCUSDT", 5).reset_index(drop=True), r"For trades it lacks time\.$"),
        (lambda s: pd.DataFrame({"a": [1]}), "none of them"),
    ],
)
def test_frames_that_cannot_be_drawn(session: cx.Session, make: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        make(session).cx.plot()
    assert "cx.klines(...)" in caught.value.recovery_suggestions[0]


def test_volume_that_is_not_there(session: cx.Session) -> None:
    frame = session.klines("BTCUSDT", "1h", 5).drop(columns="volume")
    assert types(frame.cx.plot()) == ["candlestick"]
    with pytest.raises(ValidationError, match="volume=True needs the column volume"):
        frame.cx.plot(volume=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_frames(session: cx.Session, backend: str) -> None:
    form: dict[str, Any] = {"frame": backend}
    empty = session.klines("BTCUSDT", "1h", start="2024-01-01", end="2024-01-01", **form)
    assert empty.cx.plot(overlay="close").layout.annotations[0].text == "no candles"
    both = session.klines_bulk(["BTCUSDT", "ETHUSDT"], "1h", 5, **form)
    assert both[:0].cx.plot(symbol="BTCUSDT").layout.annotations[0].text == "no candles"


def test_text_from_outside_is_escaped_whatever_it_is_in(session: cx.Session) -> None:
    frame = session.klines("BTCUSDT", "1h", 5)
    frame[HOSTILE] = frame["close"]
    frame.attrs = {"symbol": HOSTILE, "venue": HOSTILE, "interval": HOSTILE}
    both = pd.concat({HOSTILE: frame, "<b>": frame}, names=["symbol"])
    rates = session.ticker().rename(index={"BTCUSDT": HOSTILE})
    figures = [frame.cx.plot(overlay=HOSTILE), both.cx.plot(), rates.cx.plot()]
    for figure in figures:
        told = figure.to_json()
        assert "&lt;img src=x onerror=alert(1)&gt;" in told
        assert "<img" not in told


def test_attributes_that_are_no_text_are_left_out(session: cx.Session) -> None:
    frame = session.klines("BTCUSDT", "1h", 5)
    frame.attrs = {"symbol": 5, "venue": ["x"], "interval": None, "as_of": 3}
    assert frame.cx.plot().layout.title.text == ""


def test_plotly_is_not_loaded_before_the_first_figure() -> None:
    program = """
import sys
import cryptox as cx
import cryptox.show, cryptox.show.accessor, cryptox.show.figures.choose
with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
    frame = session.klines("BTCUSDT", "1h", 5)
    frame.cx.body, session._repr_html_()
    assert "plotly" not in sys.modules
    frame.cx.plot()
    assert "plotly" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr

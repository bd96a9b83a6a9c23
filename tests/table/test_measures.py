"""Returns, shapes of candles, values of trades, tops of books: numbers by hand, in both backends, plain and exact."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cryptox.errors import ExchangeError, ValidationError
from cryptox.model.columns import AGG_TRADES, DEPTH, KLINES, TRADES, Kind, Table
from cryptox.table.attrs import attrs
from cryptox.table.batch import Batch
from cryptox.table.decimals import from_texts
from cryptox.table.frames import build
from cryptox.table.leading import Leading
from cryptox.table.measures import SHAPES, Book, handover, large, returns, shape, value

START = 1_704_067_200_000
BACKENDS = ["pandas", "polars"]
ABOUT = {"venue": "paper", "symbol": "A"}
CANDLES = {  # up, down, flat
    "open": ["10.00", "12.00", "9.00"],
    "high": ["12.50", "12.30", "9.00"],
    "low": ["9.90", "8.80", "8.99"],
    "close": ["12.00", "9.00", "9.00"],
    "volume": ["1.5", "2", "0"],
}


def made(table: Table, texts: dict[str, list[str]], backend: str, *, exact: bool = False, **more: Any) -> Any:
    """A frame of a part of a table's columns."""
    part = Table(table.name, table.index, tuple(c for c in table.columns if c.name in {*texts, *more}))
    columns = {name: from_texts(rows) if exact else np.array(rows, np.float64) for name, rows in texts.items()}
    leading = Leading.of("symbol", more.pop("symbols")) if "symbols" in more else None
    return build(Batch(part, {**columns, **more}, exact), backend, ABOUT, leading=leading)


def candles(backend: str, *, exact: bool = False, **more: Any) -> Any:
    times = START + np.arange(3) * 3_600_000
    return made(KLINES, CANDLES, backend, exact=exact, open_time=times, **more)


def trades(backend: str, *, exact: bool = False, table: Table = TRADES) -> Any:
    texts = {"price": ["0.03512", "100.00"], "quantity": ["1.2345", "2.00"]}
    if table is TRADES:
        texts["quote_quantity"] = ["0.04335563", "200.00"]
    more = {"time": START + np.arange(2), "id": np.arange(2), "side": np.array([0, 1], np.int8)}
    return made(table, texts, backend, exact=exact, **more)


def book(backend: str, bids: list[str], asks: list[str], *, exact: bool = False) -> Any:
    both, sides = [*bids, *asks], np.array([0] * len(bids) + [1] * len(asks), np.int8)
    sizes = [str(place + 1) for place in range(len(both))]
    levels = np.array([*range(len(bids)), *range(len(asks))], np.int64)
    return made(DEPTH, {"price": both, "quantity": sizes}, backend, exact=exact, side=sides, level=levels)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_the_shape_of_candles(backend: str, exact: bool) -> None:
    frame = candles(backend, exact=exact)
    found = {name: shape(frame, name) for name in SHAPES}
    number = Decimal if exact else float
    wanted = {
        "change": ["2", "-3", "0"],
        "body": ["2", "3", "0"],
        "upper_shadow": ["0.5", "0.3", "0"],
        "lower_shadow": ["0.1", "0.2", "0.01"],
    }
    for name, texts in wanted.items():
        values = found[name].to_list()
        assert values == ([number(text) for text in texts] if exact else pytest.approx([float(x) for x in texts]))
    assert found["change_percent"].to_list() == [20.0, -25.0, 0.0]
    assert found["bullish"].to_list() == [True, False, False]
    assert found["bearish"].to_list() == [False, True, False]
    for name, series in found.items():
        assert series.name == name
        assert attrs(series) == ABOUT
        if backend == "pandas":
            assert series.index.equals(frame.index)
    kind = frame["open"].dtype
    assert found["change"].dtype == kind
    assert found["body"].dtype == kind


def test_exact_shapes_beyond_64_bits() -> None:
    frame = candles("polars", exact=True)
    price = pl.lit("999999999.00000001").cast(pl.Decimal(38, 8))
    low = pl.lit("-99999999999999999999.00000001").cast(pl.Decimal(38, 8))
    wide = frame.with_columns(price.alias("open"), price.alias("close"), price.alias("high"), low.alias("low"))
    assert shape(wide, "upper_shadow").to_list() == [Decimal(0)] * 3
    assert shape(wide, "change_percent").to_list() == [0.0] * 3
    with pytest.raises(ExchangeError, match=r"does not fit decimal\(18, 8\)"):
        shape(wide, "lower_shadow")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_returns_go_from_close_to_close(backend: str, exact: bool) -> None:
    simple, logs = (returns(candles(backend, exact=exact), log=log).to_list() for log in (False, True))
    assert simple[1:] == [-0.25, 0.0]
    assert logs[1:] == [math.log(0.75), 0.0]
    for first in (simple[0], logs[0]):
        assert first is None if backend == "polars" else math.isnan(first)
    assert attrs(returns(candles(backend))) == ABOUT


@pytest.mark.parametrize("backend", BACKENDS)
def test_returns_do_not_cross_symbols(backend: str) -> None:
    frame = candles(backend, symbols=["B", "A", "B"])
    assert pd.Series(returns(frame).to_list()).isna().tolist() == [True, True, False]
    assert returns(frame).to_list()[2] == 9.0 / 12.0 - 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_the_value_of_trades(backend: str, exact: bool) -> None:
    number = Decimal if exact else float
    assert value(trades(backend, exact=exact)).to_list() == [number("0.04335563"), number("200")]
    products = value(trades(backend, exact=exact, table=AGG_TRADES)).to_list()
    assert products == ([Decimal("0.04335564"), Decimal(200)] if exact else [0.03512 * 1.2345, 200.0])
    assert value(trades(backend)).name == "value"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_large_trades_keep_their_columns(backend: str, exact: bool) -> None:
    frame = trades(backend, exact=exact)
    for least, ids in [("200", [1]), (200.00000001, []), (0, [0, 1]), (Decimal("0.04335563"), [0, 1])]:
        found = large(frame, least)
        assert found["id"].to_list() == ids
        assert list(found.columns) == list(frame.columns)
        assert attrs(found) == ABOUT
    for wrong in ("much", -1, None, float("nan")):
        with pytest.raises(ValidationError, match="min_value"):
            large(frame, wrong)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_the_top_of_a_book(backend: str, exact: bool) -> None:
    number = Decimal if exact else float
    top = Book.of(book(backend, ["10.25", "10.00"], ["10.75"], exact=exact), "mid")
    assert (top.best_bid, top.best_ask, top.spread, top.mid) == tuple(map(number, ("10.25", "10.75", "0.5", "10.5")))
    assert type(top.mid) is number
    assert top.imbalance == 0.0
    assert Book.of(book(backend, ["1", "0.5"], ["2"]), "mid").imbalance == 0.0
    assert Book.of(book(backend, ["1"], ["2", "3"]), "mid").imbalance == pytest.approx(-4 / 6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_a_side_may_be_empty(backend: str, exact: bool) -> None:
    bids = Book.of(book(backend, ["1"], [], exact=exact), "mid")
    assert (bids.best_ask, bids.spread, bids.mid, bids.imbalance) == (None, None, None, 1.0)
    assert Book.of(book(backend, [], [], exact=exact), "mid").imbalance is None


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_the_hand_over(backend: str, exact: bool) -> None:
    frame = candles(backend, exact=exact)
    found = handover(frame[::-1])
    assert isinstance(found, pd.DataFrame)
    assert found.columns.tolist() == ["Open", "High", "Low", "Close", "Volume"]
    assert {str(dtype) for dtype in found.dtypes} == {"float64"}
    assert found.index.tz is None
    assert found.index.is_monotonic_increasing
    assert found.index[1] == pd.Timestamp("2024-01-01 01:00")
    assert found.iloc[0].tolist() == [10.0, 12.5, 9.9, 12.0, 1.5]


def test_one_symbol_where_only_one_makes_sense() -> None:
    several = candles("pandas", symbols=["A", "B", "A"])
    with pytest.raises(ValidationError, match=r"bt\(\) needs a frame of one symbol; this one has 2"):
        handover(several)
    assert len(handover(several.xs("A"))) == 2
    assert len(handover(candles("polars", symbols=["A", "A", "A"]))) == 3
    books = book("pandas", ["1"], ["2"]).assign(symbol=["A", "B"])
    with pytest.raises(ValidationError, match="spread needs a frame of one symbol"):
        Book.of(books, "spread")


@pytest.mark.parametrize("backend", BACKENDS)
def test_frames_of_another_kind_are_refused(backend: str) -> None:
    of_depth, of_trades, of_candles = book(backend, ["1"], ["2"]), trades(backend), candles(backend)
    for call, wanted in [
        (lambda: returns(of_depth), r"returns\(\) needs a frame of klines; this one has no close"),
        (lambda: shape(of_trades, "body"), "body needs a frame of klines; this one has no open, high, low, close"),
        (lambda: handover(of_trades), r"bt\(\) needs a frame of klines"),
        (lambda: value(of_depth), "value needs a frame of trades; this one has no id"),
        (lambda: large(of_candles, 1), r"large\(\) needs a frame of trades"),
        (lambda: Book.of(of_trades, "mid"), "mid needs a frame of depth; this one has no level"),
    ]:
        with pytest.raises(ValidationError, match=wanted) as caught:
            call()
        assert "comes from cx." in caught.value.recovery_suggestions[0]


def test_kinds_are_those_of_the_tables() -> None:
    assert KLINES["open"].kind is Kind.PRICE
    assert returns(candles("polars")).dtype == pl.Float64

"""Frames are read whatever their users have made of them, or refused with the column's name."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.model.columns import CATEGORIES, KLINES, TRADES, Kind, Table
from cryptox.table.batch import Batch, dtype_of
from cryptox.table.decimals import from_integers
from cryptox.table.frames import build
from cryptox.table.leading import Leading
from cryptox.table.reading import column_names, read

BACKENDS = ["pandas", "polars"]
START = 1_704_067_200_000
READ = Table("trades", "time", tuple(c for c in TRADES.columns if c.kind is not Kind.FLAG))


def batch_of(rows: list[tuple[int, int, int, int]], *, exact: bool) -> Batch:
    columns: dict[str, Any] = {}
    for column in READ.columns:
        values = [row[0] if column.kind is Kind.TIME else row[1] for row in rows]
        if column.kind in CATEGORIES:
            columns[column.name] = np.array([row[2] for row in rows], np.int8)
        elif column.kind in (Kind.TIME, Kind.INTEGER):
            columns[column.name] = np.array(values, np.int64)
        else:
            numbers = [row[3] for row in rows]
            columns[column.name] = from_integers(numbers) if exact else np.array(numbers, np.float64) / 8
    return Batch(READ, columns, exact)


row = st.tuples(st.integers(0, 2**42), st.integers(-(2**62), 2**62), st.integers(0, 1), st.integers(-(10**17), 10**17))


@given(st.lists(row, max_size=5), st.booleans(), st.sampled_from(BACKENDS), st.booleans())
def test_what_was_built_is_read_again(rows: list[Any], exact: bool, backend: str, several: bool) -> None:
    batch = batch_of(rows, exact=exact)
    leading = Leading.of("symbol", [f"S{one[2]}" for one in rows]) if several else None
    found = read(build(batch, backend, {"a": 1}, leading=leading), TRADES, READ.names, purpose="x")
    assert found.attrs == {"a": 1}
    for column in READ.columns:
        assert found.batch[column.name].dtype == dtype_of(column.kind, exact=exact)
        assert found.batch[column.name].tolist() == batch[column.name].tolist()
    assert found.symbols == ((None,) if leading is None else leading.labels)
    assert found.codes.tolist() == ([0] * len(rows) if leading is None else leading.codes.tolist())


def candles(**columns: Any) -> pd.DataFrame:
    index = pd.DatetimeIndex([START] * 2, dtype="datetime64[ms, UTC]", name="open_time")
    return pd.DataFrame({"open": [1.0, 2.0], **columns}, index=index)


def taken(frame: Any, name: str) -> list[Any]:
    found: list[Any] = read(frame, KLINES, (name,), purpose="x").batch[name].tolist()
    return found


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kathmandu"])
def test_times_of_any_unit_and_zone(unit: Any, zone: str | None) -> None:
    index = pd.DatetimeIndex(["2024-01-01"], tz="UTC").as_unit(unit)
    moved = index.tz_localize(None) if zone is None else index.tz_convert(zone)
    assert taken(pd.DataFrame({"open": [1.0]}, index=moved.rename("open_time")), "open_time") == [START]
    if unit != "s":
        series = (
            pl.Series("open_time", [START]).cast(pl.Datetime("ms", "UTC" if zone else None)).dt.cast_time_unit(unit)
        )
        column = series if zone is None else series.dt.convert_time_zone(zone)
        assert taken(pl.DataFrame([column]), "open_time") == [START]


def test_numbers_of_other_types() -> None:
    for kind in ("float32", "int64", "Float64", "double[pyarrow]"):
        assert taken(candles().astype({"open": kind}), "open") == [1.0, 2.0]
    assert taken(candles(trades=pd.array([1, 2], "Int64")), "trades") == [1, 2]
    assert taken(candles(trades=[1.0, 2.0]), "trades") == [1, 2]
    assert np.isnan(taken(pl.DataFrame({"open": [None, 1.0]}), "open")[0])


def test_decimals_as_files_give_them_back() -> None:
    frame = build(batch_of([(START, 1, 0, 150_000_000)], exact=True), "pandas", {})
    file = io.BytesIO()
    frame.to_parquet(file)
    again = pd.read_parquet(file)
    assert again["price"].dtype == object
    assert read(again, TRADES, ("price",), purpose="x").batch["price"].tolist() == [(150_000_000, 0)]
    other = frame.astype({"price": pd.ArrowDtype(pa.decimal128(20, 2))})
    assert read(other[:], TRADES, ("price",), purpose="x").batch["price"].tolist() == [(150_000_000, 0)]
    rows = [(START, 1, 0, number) for number in (100_000_000, 150_000_000, 200_000_000)]
    cut = build(batch_of(rows, exact=True), "pandas", {}).iloc[1:2]
    for part in (cut, pd.concat([cut, cut]).iloc[1:]):
        assert read(part, TRADES, ("price",), purpose="x").batch["price"].tolist() == [(150_000_000, 0)]
    fine = pl.DataFrame({"open": [Decimal("1.5")]})
    assert taken(fine, "open") == [(150_000_000, 0)]


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (candles(open=["a", "b"]), "open"),
        (candles(open=[True, False]), "open"),
        (candles(trades=[1.5, 2.0]), "trades"),
        (candles(trades=[1.0, np.nan]), "trades"),
        (candles(close_time=[1, 2]), "close_time"),
        (candles(close_time=pd.to_datetime(["2024-01-01", None])), "close_time"),
        (candles(close=[Decimal(1), 2.0]), "close"),
        (candles(close=[Decimal(1), Decimal("0.123456789")]), "close"),
        (candles(close=pd.array([Decimal(1), None], pd.ArrowDtype(pa.decimal128(18, 8)))), "close"),
        (candles(symbol=["A", None]), "symbol"),
        (pl.DataFrame({"open": ["a"]}), "open"),
        (pl.DataFrame({"open": [Decimal(1), None]}), "open"),
        (pl.DataFrame({"open_time": [1]}), "open_time"),
        (pl.DataFrame({"open": [1.0], "symbol": [None]}), "symbol"),
    ],
)
def test_what_cannot_be_read_is_named(frame: Any, name: str) -> None:
    with pytest.raises(ValidationError, match=rf"df\.cx\.here\(\) needs .* in the column {name}: ") as caught:
        read(frame, KLINES, (name,) if name != "symbol" else ("open",), purpose="here()")
    assert caught.value.context == {"operation": "here()", "column": name}


def test_sides_are_words_of_the_table() -> None:
    plain = pd.DataFrame({"side": ["sell", "buy"]})
    assert read(plain, TRADES, ("side",), purpose="x").batch["side"].tolist() == [1, 0]
    with pytest.raises(ValidationError, match="none of buy, sell"):
        read(pd.DataFrame({"side": ["bid"]}), TRADES, ("side",), purpose="x")


def test_floats_beside_decimals_are_refused() -> None:
    mixed = candles(close=pd.array([Decimal(1)] * 2, pd.ArrowDtype(pa.decimal128(18, 8))))
    with pytest.raises(ValidationError, match="one kind of numbers: close hold decimals, open do not"):
        read(mixed, KLINES, ("open", "close"), purpose="x")


def test_other_things_are_no_frames() -> None:
    for thing in (pa.table({"open": [1.0]}), {"open": [1.0]}, None):
        with pytest.raises(ValidationError, match="needs a DataFrame of pandas or polars"):
            read(thing, KLINES, ("open",), purpose="x")
    wide = pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("open", "A")]))
    assert column_names(wide) == set()
    with pytest.raises(ValidationError, match="has no open"):
        read(wide, KLINES, ("open",), purpose="x")

"""Longer candles out of shorter ones are the exchange's own, column for column."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cryptox as cx
from cryptox.errors import BadInterval, ValidationError
from cryptox.model.columns import KLINES
from cryptox.model.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS, WEEK_MS
from cryptox.table.batch import Batch
from cryptox.table.decimals import from_integers, from_texts, to_float, to_integers
from cryptox.table.frames import build
from cryptox.table.resample import _float_sums, _sums, resample

MONDAY = 1_704_067_200_000  # 2024-01-01
NAMES = KLINES.names
# Source, the intervals made of it, and the hours that a range may be long.
LADDERS = {
    "1m": (("5m", "1h", "4h", "1d"), 60),
    "1h": (("2h", "12h", "3d", "1w", "1M"), 24 * 100),
    "1d": (("3d", "1w", "1M"), 24 * 400),
}


@pytest.fixture(scope="module")
def session() -> Iterator[cx.Session]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as connected:
        yield connected


def same(left: Any, right: Any) -> None:
    """Equal to the last bit, types and attributes of the index included."""
    if isinstance(left, pd.DataFrame):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    else:
        assert left.equals(right)
        assert left.schema == right.schema


def candles(opens: Any, interval: str = "1h", *, backend: str = "pandas", exact: bool = False, **attrs: Any) -> Any:
    """Candles that open at these moments; row r has the numbers r + 1, ..., its volume a tenth of that."""
    grid = INTERVALS[interval]
    opens = np.array(opens, np.int64)
    count = len(opens)
    made = {name: [f"{row + 1}.5" for row in range(count)] for name in NAMES}
    made["volume"] = [f"{row + 1}.1" for row in range(count)]
    columns: dict[str, Any] = {
        name: from_texts(texts) if exact else np.array(texts, np.float64) for name, texts in made.items()
    }
    columns["open_time"] = opens
    columns["close_time"] = np.array([grid.close(int(one)) for one in opens], np.int64)
    columns["trades"] = np.arange(count)
    return build(Batch(KLINES, columns, exact), backend, {"symbol": "A", "interval": interval, **attrs})


@settings(max_examples=30, deadline=None)
@given(data=st.data(), exact=st.booleans(), backend=st.sampled_from(["pandas", "polars"]))
def test_the_exchanges_own_candles_come_out(
    session: cx.Session, data: st.DataObject, exact: bool, backend: str
) -> None:
    source = data.draw(st.sampled_from(sorted(LADDERS)))
    targets, hours = LADDERS[source]
    target = data.draw(st.sampled_from(targets))
    symbol = data.draw(st.sampled_from(["BTCUSDT", "ETHBTC", "PEPEUSDT"]))
    start = data.draw(st.integers(1_514_764_800_000 // HOUR_MS, 1_717_200_000_000 // HOUR_MS - hours)) * HOUR_MS
    end = start + data.draw(st.integers(1, hours)) * HOUR_MS
    # Daily values of some are beyond what floats tell to the last decimal.
    form: dict[str, Any] = {"exact": exact or source == "1d", "frame": backend}
    short = session.klines_bulk(symbol, source, start=start, end=end, **form)
    if not len(short):
        return
    longer = session.klines_bulk(symbol, target, start=start, end=end, **form)
    grid = INTERVALS[target]
    first = INTERVALS[target].ceil(max(start, _first(short)))
    covered = INTERVALS[source].ceil(end)  # a range has the candles that open in it
    rows = (longer["close_time"] < pd.Timestamp(covered, unit="ms", tz="UTC")) & (
        (longer.index if backend == "pandas" else longer["open_time"]) >= pd.Timestamp(first, unit="ms", tz="UTC")
    )
    wanted = longer[rows] if backend == "pandas" else longer.filter(rows)
    made = resample(short, target)
    same(made, wanted)
    assert cx.attrs(made) == {**cx.attrs(short), "interval": grid.name}


def _first(frame: Any) -> int:
    opens = frame.index if isinstance(frame, pd.DataFrame) else frame["open_time"]
    return int(pd.Timestamp(opens[0]).value // 10**6)


def test_an_outage_of_the_exchange_leaves_a_day_whole(session: cx.Session) -> None:
    span: dict[str, Any] = {"start": "2018-02-06", "end": "2018-02-12"}
    hours = session.klines_bulk("BTCUSDT", "1h", **span)
    assert len(hours.attrs["gaps"]) == 1
    same(resample(hours, "1d"), session.klines_bulk("BTCUSDT", "1d", **span))
    same(resample(hours, "4h"), session.klines_bulk("BTCUSDT", "4h", **span))
    hours.attrs = {}
    assert [day.day for day in resample(hours, "1d").index] == [6, 7, 10, 11]


def test_several_symbols_stay_by_themselves(session: cx.Session) -> None:
    for backend in ("pandas", "polars"):
        span: dict[str, Any] = {"start": "2024-05-01", "end": "2024-05-20", "frame": backend}
        hours = session.klines_bulk(["ETHUSDT", "BTCUSDT"], "1h", **span)
        same(resample(hours, "1d"), session.klines_bulk(["ETHUSDT", "BTCUSDT"], "1d", **span))


def test_a_hole_is_its_own_symbols() -> None:
    opens = [MONDAY + hour * HOUR_MS for hour in (0, 1, 3)] * 2
    frame = candles(opens).reset_index().assign(symbol=["A"] * 3 + ["B"] * 3)
    frame.attrs = {"interval": "1h", "gaps": [["B", "2024-01-01T02:00:00Z", "2024-01-01T03:00:00Z"]]}
    made = resample(frame, "4h", partial=True)
    assert made["complete"].to_dict() == {("A", made.index[0][1]): False, ("B", made.index[0][1]): True}


def test_the_forming_candle_makes_no_bucket_whole(session: cx.Session) -> None:
    span: dict[str, Any] = {"start": "2024-06-01", "include_unfinished": True}
    minutes = session.klines_bulk("BTCUSDT", "1h", **span)
    assert str(minutes.index[-1]) == "2024-06-01 12:00:00+00:00"
    assert [one.hour for one in resample(minutes, "2h").index] == [0, 2, 4, 6, 8, 10]
    hours = resample(minutes, "1h", partial=True)
    assert hours["complete"].tolist() == [True] * 12 + [False]


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_buckets_in_part_are_left_out_or_marked(backend: str) -> None:
    opens = [MONDAY + hour * HOUR_MS for hour in (2, 3, 4, 5, 6, 7, 8, 10, 11)]
    frame = candles(opens, backend=backend, gaps=[], missing=[["A", "2024-01-01T09:00:00Z", "2024-01-01T10:00:00Z"]])
    assert _opens(resample(frame, "4h")) == [4]
    made = resample(frame, "4h", partial=True)
    assert _opens(made) == [0, 4, 8]
    assert list(made["complete"]) == [False, True, False]
    assert list(made.columns)[-1] == "complete"
    assert list(made["open"]) == [1.5, 3.5, 7.5]
    assert list(made["close"]) == [2.5, 6.5, 9.5]
    assert list(made["high"]) == [2.5, 6.5, 9.5]
    assert list(made["low"]) == [1.5, 3.5, 7.5]
    assert list(made["volume"]) == [3.2, 18.4, 24.3]
    assert list(made["trades"]) == [1, 14, 21]
    assert next(iter(made["close_time"])) == pd.Timestamp("2024-01-01 03:59:59.999", tz="UTC")


def _opens(frame: Any) -> list[int]:
    return [one.hour for one in (frame.index if isinstance(frame, pd.DataFrame) else frame["open_time"])]


def test_only_the_exchanges_holes_of_the_same_symbol_count() -> None:
    opens = [MONDAY + hour * HOUR_MS for hour in (0, 1, 3)]
    hole = ["2024-01-01T02:00:00Z", "2024-01-01T03:00:00Z"]
    assert len(resample(candles(opens, gaps=[["A", *hole]]), "4h")) == 1
    assert len(resample(candles(opens, gaps=[["A", *hole], ["A", *hole]]), "4h")) == 1
    assert len(resample(candles(opens, gaps=[["B", *hole]]), "4h")) == 0
    assert len(resample(candles(opens, gaps=[], missing=[["A", *hole]]), "4h")) == 0
    # A hole that rows stand in does not count twice.
    short = candles(opens[:2], gaps=[["A", "2024-01-01T00:00:00Z", "2024-01-01T03:00:00Z"]])
    assert len(resample(short, "4h")) == 0


@pytest.mark.parametrize(
    ("interval", "first", "second"),
    [("1w", "2024-01-01", "2024-01-08"), ("3d", "2023-12-31", "2024-01-03"), ("1M", "2024-01-01", "2024-02-01")],
)
def test_the_grid_is_the_exchanges(interval: str, first: str, second: str) -> None:
    days = candles([MONDAY + day * DAY_MS for day in range(-40, 80)], "1d")
    made = resample(days, interval)
    dates = [str(one.date()) for one in made.index]
    assert second in dates
    assert dates[dates.index(first) + 1] == second
    assert made["close_time"].loc[first] == pd.Timestamp(second, tz="UTC") - pd.Timedelta("1ms")


@pytest.mark.parametrize("backend", ["pandas", "polars"])
@pytest.mark.parametrize("exact", [False, True])
def test_no_rows_give_an_empty_frame_of_the_same_types(backend: str, exact: bool) -> None:
    frame = candles([MONDAY], backend=backend, exact=exact)
    empty = frame[:0] if backend == "pandas" else frame.clear()
    made = resample(empty, "1d")
    same(made, empty)
    assert list(resample(empty, "1d", partial=True).columns) == [*frame.columns, "complete"]


def test_rows_in_any_order_and_with_fewer_columns() -> None:
    frame = candles([MONDAY + hour * HOUR_MS for hour in range(8)])
    wanted = resample(frame, "4h")
    same(resample(frame.sample(frac=1, random_state=1), "4h"), wanted)
    same(resample(frame.reset_index(), "4h"), wanted)
    few = frame[["open", "high", "low", "close", "volume"]].assign(mine=1)
    same(resample(few, "4h"), wanted[["open", "high", "low", "close", "volume"]])
    plain = few.tz_localize(None)
    plain.attrs = {}
    same(resample(plain, "4h"), wanted[["open", "high", "low", "close", "volume"]])


def test_candles_that_do_not_fit_are_refused() -> None:
    for source, target in [
        ("4h", "1h"),
        ("2h", "1m"),
        ("8h", "12h"),
        ("3d", "1w"),
        ("1w", "1M"),
        ("3d", "1M"),
        ("1M", "1w"),
    ]:
        frame = candles([INTERVALS[source].ceil(MONDAY)], source)
        with pytest.raises(ValidationError, match=f"Candles of {target} cannot be made of candles of {source}"):
            resample(frame, target)
    with pytest.raises(BadInterval, match="7h"):
        resample(candles([MONDAY]), "7h")
    with pytest.raises(ValidationError, match="partial"):
        resample(candles([MONDAY]), "4h", partial="no")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValidationError, match="stands there twice"):
        resample(candles([MONDAY, MONDAY]), "4h")
    with pytest.raises(ValidationError, match="no candle of 1h opens at 2024-01-01T00:01:00Z"):
        resample(candles([MONDAY + MINUTE_MS]), "4h")


def test_a_month_of_weeks_is_not_taken_for_one_of_days() -> None:
    months = candles([1_704_067_200_000, 1_706_745_600_000], "1M")
    same(resample(months, "1M"), months)
    weeks = candles([MONDAY, MONDAY + WEEK_MS], "1w")
    same(resample(weeks, "1w"), weeks)


units = st.integers(0, 2**50)


@given(st.lists(st.lists(units, min_size=1, max_size=8), min_size=1, max_size=8))
def test_sums_of_floats_are_those_of_the_numbers_they_stand_for(buckets: list[list[int]]) -> None:
    values = to_float(from_integers([one for bucket in buckets for one in bucket]))
    first = np.cumsum([0, *(len(bucket) for bucket in buckets[:-1])])
    wanted = to_float(from_integers([sum(bucket) for bucket in buckets]))
    assert _float_sums(values, first).tolist() == wanted.tolist()


def test_sums_of_large_and_odd_floats() -> None:
    values = np.array([1e300, 1e300, 0.1, 0.2, 1e-12, 5e14, 0.3, np.nan, 1.0, np.inf, 2.0])
    sums = _float_sums(values, np.array([0, 2, 5, 7, 9]))
    assert sums.tolist()[:3] == [2e300, float(Decimal("0.300000000001")), float(Decimal("500000000000000.3"))]
    assert np.isnan(sums[3])
    # The sum of the floats themselves would round the other way.
    wide = np.array([28045409.70856564, 28094173.31545717, 27235679.78580144])
    assert _float_sums(wide, np.array([0])).tolist() == [83375262.80982425]


@given(st.lists(st.integers(-(10**30), 10**30) | st.integers(2**61, 2**62), min_size=2, max_size=10))
def test_exact_sums_of_any_size(values: list[int]) -> None:
    made = _sums(from_integers(values), np.array([0, 1]))
    assert to_integers(made) == [values[0], sum(values[1:])]


def test_exact_highs_and_sums_beyond_64_bits() -> None:
    frame = candles([MONDAY + hour * HOUR_MS for hour in range(4)], backend="polars", exact=True)
    wide = frame.with_columns((pl.lit("123456789012345678901.00000001").cast(pl.Decimal(38, 8))).alias("volume"))
    assert resample(wide, "4h")["volume"].to_list() == [Decimal("493827156049382715604.00000004")]
    assert resample(frame, "2h")["high"].to_list() == [Decimal("2.50000000"), Decimal("4.50000000")]


def test_symbols_that_come_and_go_in_one_frame() -> None:
    batch_of = candles([MONDAY + hour * HOUR_MS for hour in (0, 1, 2, 3)] * 2)
    frame = batch_of.reset_index().assign(symbol=["B", "A"] * 4)
    opens = [MONDAY + hour * HOUR_MS for hour in (0, 0, 1, 1, 2, 2, 3, 3)]
    frame["open_time"] = pd.to_datetime(opens, unit="ms", utc=True)
    frame["close_time"] = frame["open_time"] + pd.Timedelta("1h") - pd.Timedelta("1ms")
    made = resample(frame, "4h")
    assert made.index.get_level_values("symbol").tolist() == ["B", "A"]
    assert made["open"].tolist() == [1.5, 2.5]

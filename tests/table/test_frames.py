"""Frames of every table in every backend: schemas as recorded in ``schemas.txt``, values, memory, refusals."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cryptox.errors import ConfigurationError, ExchangeError
from cryptox.model.columns import CATEGORIES, KLINES, PRICES, TABLES, TICKER, TRADES, Kind, Table
from cryptox.table import decimals
from cryptox.table.attrs import attrs
from cryptox.table.batch import DECIMAL, Batch
from cryptox.table.frames import BACKENDS, build
from cryptox.table.leading import Leading
from cryptox.table.pandas import timestamp

SCHEMAS = Path(__file__).with_name("schemas.txt").read_text(encoding="utf-8").splitlines()
CASES = [(table, backend, exact) for table in TABLES.values() for backend in BACKENDS for exact in (False, True)]
START = 1_704_067_200_000


def filled(table: Table, rows: int, *, exact: bool) -> Batch:
    """Row r holds r + 0.5 in every number, S<r> in every word, minute r in every time."""
    batch = Batch.allocate(table, rows, exact=exact)
    count = np.arange(rows)
    for column in table.columns:
        values = batch[column.name]
        if values.dtype == DECIMAL:
            values[:] = decimals.from_int64(count * 10**8 + 5 * 10**7, 8)
        elif column.kind is Kind.TIME:
            values[:] = START + count * 60_000
        elif column.kind is Kind.WORD:
            values[:] = [f"S{row}" for row in range(rows)]
        elif column.kind in CATEGORIES:
            values[:] = count % 2
        else:
            values[:] = count % 2 == 0 if column.kind is Kind.FLAG else count + (0.5 if values.dtype == float else 0)
    return batch


def schema(frame: Any) -> str:
    """Columns in order with their dtypes, the pandas index in brackets."""
    if isinstance(frame, pd.DataFrame):
        index = frame.index
        levels = index.dtypes.items() if isinstance(index, pd.MultiIndex) else [(index.name, index.dtype)]
        parts = [f"[{name}: {_pandas_dtype(dtype)}]" for name, dtype in levels]
        parts += [f"{name}: {_pandas_dtype(dtype)}" for name, dtype in frame.dtypes.items()]
    elif isinstance(frame, pl.DataFrame):
        parts = [f"{name}: {dtype}" for name, dtype in frame.schema.items()]
    else:
        parts = [f"{field.name}: {field.type}" for field in frame.schema]
    return " | ".join(parts)


def _pandas_dtype(dtype: Any) -> str:
    if isinstance(dtype, pd.CategoricalDtype):
        return f"category{list(dtype.categories)}{' ordered' if dtype.ordered else ''}"
    return str(dtype)


def recorded(table: Table, backend: str, *, exact: bool) -> str:
    head = f"{table.name} {backend} {'exact' if exact else 'plain'}: "
    (line,) = (line for line in SCHEMAS if line.startswith(head))
    line = line.removeprefix(head)
    return line.replace(": str", ": object") if backend == "pandas" and pd.__version__ < "3" else line


@pytest.mark.parametrize(("table", "backend", "exact"), CASES)
def test_schema_is_as_recorded_whatever_the_rows(table: Table, backend: str, exact: bool) -> None:
    wanted = recorded(table, backend, exact=exact)
    for rows in (3, 1, 0):
        frame = build(filled(table, rows, exact=exact), backend, {"venue": "paper", "rows": rows})
        assert schema(frame) == wanted
        assert len(frame) == rows
        assert attrs(frame) == {"venue": "paper", "rows": rows}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_the_same_numbers_in_every_backend(backend: str, exact: bool) -> None:
    batch = filled(TRADES, 3, exact=exact)
    frame = build(batch, backend, {})
    rows = frame.reset_index().to_dict("records") if backend == "pandas" else getattr(
        frame, "to_dicts" if backend == "polars" else "to_pylist"
    )()  # fmt: skip
    number = Decimal if exact else float
    assert rows[1] == {
        "time": pd.Timestamp("2024-01-01 00:01", tz="UTC"),
        "id": 1,
        "price": number("1.5"),
        "quantity": number("1.5"),
        "quote_quantity": number("1.5"),
        "side": "sell",
        "is_best_match": False,
    }
    assert [row["side"] for row in rows] == ["buy", "sell", "buy"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_exact_numbers_of_all_sizes_arrive_unchanged(backend: str) -> None:
    batch = filled(KLINES, 6, exact=True)
    prices = [0, 1, -1, 10**18 - 1, 1 - 10**18, 6_400_012_345_678]
    volumes = [0, -(2**64), 2**64 - 1, 10**38 - 1, 1 - 10**38, 2**63]
    batch["open"][:] = decimals.from_integers(prices)
    batch["volume"][:] = decimals.from_integers(volumes)
    frame = build(batch, backend, {})
    for name, units in (("open", prices), ("volume", volumes)):
        column = frame[name]
        values = column.to_pylist() if backend == "arrow" else column.to_list()
        assert [f"{value:.8f}" for value in values] == [str(text) for text in _texts(units)]


def _texts(units: list[int]) -> list[str]:
    return [f"{'-' if unit < 0 else ''}{abs(unit) // 10**8}.{abs(unit) % 10**8:08}" for unit in units]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "precision"), [("price", 18), ("quantity", 19)])
def test_a_number_that_does_not_fit_is_named(backend: str, name: str, precision: int) -> None:
    batch = filled(TRADES, 3, exact=True)
    batch[name][:] = decimals.from_integers([1, 10**precision, 2])
    text = _texts([10**precision])[0]
    with pytest.raises(ExchangeError, match=f"{name} {text} in row 1 does not fit decimal.{precision}, 8.") as caught:
        build(batch, backend, {})
    assert caught.value.suggested == {"exact": False}
    assert caught.value.context == {"table": "trades", "column": name, "value": text}


@pytest.mark.parametrize("backend", BACKENDS)
def test_price_times_quantity_works_in_exact_frames(backend: str) -> None:
    frame = build(filled(TRADES, 2, exact=True), backend, {})
    if backend == "arrow":
        import pyarrow.compute as pc

        product = pc.multiply(frame["price"], frame["quantity"]).to_pylist()
    else:
        product = (frame["price"] * frame["quantity"]).to_list()
    assert product == [Decimal("0.25"), Decimal("2.25")]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_absent_numbers_are_nan_in_pandas_and_null_elsewhere(backend: str, exact: bool) -> None:
    batch = filled(TICKER, 3, exact=exact)
    masks = {name: np.array([False, True, False]) for name in ("bid", "prev_close", "close_time")}
    if not exact:
        batch["ask"][0] = np.nan
    frame = build(Batch(TICKER, batch.columns, exact, masks), backend, {})
    assert schema(frame) == recorded(TICKER, backend, exact=exact)
    for name, row in [("bid", 1), ("prev_close", 1), ("close_time", 1), *([] if exact else [("ask", 0)])]:
        column = frame[name]
        absent = {
            "pandas": lambda c: c.isna().tolist(),
            "polars": lambda c: c.is_null().to_list(),
            "arrow": lambda c: c.is_null().to_pylist(),
        }[backend](column)
        assert absent == [place == row for place in range(3)], name
    assert batch["bid"][1] == filled(TICKER, 3, exact=exact)["bid"][1]  # the batch itself is left as it was


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_absent_integer_is_an_error_not_another_dtype(backend: str) -> None:
    batch = filled(TRADES, 3, exact=False)
    none = Batch(TRADES, batch.columns, nulls={"id": np.zeros(3, bool)})
    assert schema(build(none, backend, {})) == recorded(TRADES, backend, exact=False)
    with pytest.raises(ExchangeError, match="Row 2 of trades has no id"):
        build(Batch(TRADES, batch.columns, nulls={"id": np.array([False, False, True])}), backend, {})


@pytest.mark.parametrize("backend", BACKENDS)
def test_absent_words_are_null(backend: str) -> None:
    batch = filled(TABLES["symbols"], 2, exact=False)
    batch["order_types"][0] = None
    column = build(batch, backend, {})["order_types"]
    values = column.to_pylist() if backend == "arrow" else column.to_list()
    assert [isinstance(value, str) for value in values] == [False, True]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    "table", [table for table in TABLES.values() if "symbol" not in table.names], ids=lambda t: t.name
)
def test_several_symbols_stand_first(table: Table, exact: bool) -> None:
    leading = Leading.runs("symbol", {"ETHUSDT": 2, "BTCUSDT": 1})
    nothing = Leading.runs("symbol", {"ETHUSDT": 0, "BTCUSDT": 0})
    for backend in BACKENDS:
        frame = build(filled(table, 3, exact=exact), backend, {}, leading=leading)
        assert schema(build(Batch.empty(table, exact=exact), backend, {}, leading=nothing)) == schema(frame)
        if backend == "pandas":
            names = ["symbol"] if table.index is None else ["symbol", table.index]
            assert list(frame.index.names) == names
            assert frame.index.get_level_values("symbol").tolist() == ["ETHUSDT", "ETHUSDT", "BTCUSDT"]
            plain = build(filled(table, 3, exact=exact), backend, {})
            assert frame.reset_index(drop=True).equals(plain.reset_index(drop=True))
        else:
            plain = build(filled(table, 3, exact=exact), backend, {})
            symbols = frame["symbol"].to_list() if backend == "polars" else frame["symbol"].to_pylist()
            assert symbols == ["ETHUSDT", "ETHUSDT", "BTCUSDT"]
            assert frame.drop(["symbol"]).equals(plain)
            assert schema(frame).split(" | ")[0] in ("symbol: String", "symbol: string")


@pytest.mark.parametrize("times", [[0, 1, 2, 0, 1, 2], [5, 7, 9, 1, 3, 11], [0, 31, 59, 0, 31, 60], [4, 4, 4, 1, 1, 2]])
def test_the_long_pandas_index_equals_one_that_pandas_makes(times: list[int]) -> None:
    batch = filled(KLINES, 6, exact=False)
    batch["open_time"][:] = START + np.array(times) * 86_400_000
    symbols = ["BTCUSDT"] * 3 + ["ADAUSDT"] * 3
    index = build(batch, "pandas", {}, leading=Leading.of("symbol", symbols)).index
    dates = pd.DatetimeIndex(batch["open_time"].view("M8[ms]"), tz="UTC")
    assert index.equals(pd.MultiIndex.from_arrays([symbols, dates], names=["symbol", "open_time"]))
    assert index.levels[1].is_monotonic_increasing
    assert len(index.levels[1]) == len(set(times))


def test_a_symbol_of_a_long_frame_is_found_without_a_warning() -> None:
    frame = build(filled(KLINES, 4, exact=False), "pandas", {}, leading=Leading.runs("symbol", {"Z": 2, "A": 2}))
    assert frame.loc["A"]["open"].tolist() == [2.5, 3.5]
    assert frame.loc[("Z", pd.Timestamp("2024-01-01 00:01", tz="UTC")), "open"] == 1.5
    assert frame.sort_index().index.get_level_values(0).tolist() == ["A", "A", "Z", "Z"]


def test_leading_of_words_and_of_runs_are_one() -> None:
    words = Leading.of("symbol", ["B", "B", "A"])
    runs = Leading.runs("symbol", {"B": 2, "A": 1})
    assert words.labels == runs.labels == ("B", "A")
    assert words.codes.tolist() == runs.codes.tolist() == [0, 0, 1]
    assert words.codes.dtype == runs.codes.dtype == np.int32


def test_pandas_columns_are_the_batch_s_memory_and_can_be_written() -> None:
    batch = filled(KLINES, 1000, exact=False)
    frame = build(batch, "pandas", {})
    for name in ("open", "volume", "trades"):
        assert np.shares_memory(frame[name].to_numpy(), batch[name])
    assert np.shares_memory(frame.index.asi8, batch["open_time"])
    assert np.shares_memory(frame["close_time"].array.asi8, batch["close_time"])
    frame.loc[frame.index[0], "open"] = 7.0
    frame["close"] += 1
    assert frame["open"].iloc[0] == 7.0
    assert frame["high"].iloc[0] == 0.5


def test_read_only_and_scattered_columns_become_whole_and_writable() -> None:
    batch = filled(KLINES, 4, exact=False)
    record = np.zeros(4, [("a", "<f8"), ("b", "<i8")])
    record["a"] = [1, 2, 3, 4]
    frozen = batch["high"].copy()
    frozen.flags.writeable = False
    columns = {**batch.columns, "open": record["a"], "high": frozen}
    for backend in BACKENDS:
        frame = build(Batch(KLINES, columns), backend, {})
        assert list(np.asarray(frame["open"])) == [1, 2, 3, 4]
        assert list(np.asarray(frame["high"])) == [0.5, 1.5, 2.5, 3.5]
        if backend == "pandas":
            frame.iloc[0, 0] = 9.0
            frame.iloc[0, 1] = 9.0
            assert frame["high"].tolist() == [9.0, 1.5, 2.5, 3.5]
    assert frozen[0] == 0.5


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exact", [False, True])
def test_building_costs_far_less_memory_than_the_frame(backend: str, exact: bool) -> None:
    if backend == "polars" and exact:
        pytest.skip("polars makes decimals in memory of its own, which is not traced")
    batch = filled(KLINES, 100_000, exact=exact)
    size = sum(column.nbytes for column in batch.columns.values())
    build(batch.take(slice(0, 1)), backend, {})  # imports
    tracemalloc.start()
    frame = build(batch, backend, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(frame) == 100_000
    assert peak < 0.4 * size


def test_an_unknown_backend_names_the_three() -> None:
    with pytest.raises(ConfigurationError, match=r'frame=.excel.*"pandas", "polars", "arrow"') as caught:
        build(filled(PRICES, 1, exact=False), "excel", {})
    assert caught.value.suggested == {"frame": "pandas"}


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
import numpy as np
from cryptox.errors import ConfigurationError
from cryptox.model.columns import KLINES, TABLES
from cryptox.table import decimals
from cryptox.table.batch import Batch
from cryptox.table.frames import build
from cryptox.table.leading import Leading
"""


def run(blocked: set[str], code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    script = BLOCKED.format(blocked=blocked) + code
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_polars_needs_neither_pandas_nor_pyarrow() -> None:
    code = """
for exact in (False, True):
    for table in TABLES.values():
        build(Batch.empty(table, exact=exact), "polars", {"venue": "paper"})
batch = Batch.allocate(KLINES, 2, exact=True)
for column in KLINES.columns:
    batch[column.name][:] = 0
batch["volume"][:] = decimals.from_integers([10**38 - 1, -7])
frame = build(batch, "polars", {}, leading=Leading.runs("symbol", {"A": 2}))
print(frame["volume"].to_list(), [name for name in ("pandas", "pyarrow") if name in sys.modules])
"""
    assert run({"pandas", "pyarrow"}, code) == (
        "[Decimal('999999999999999999999999999999.99999999'), Decimal('-7E-8')] []"
    )


@pytest.mark.slow
def test_missing_packages_are_named_with_the_line_that_installs_them() -> None:
    code = """
for backend, exact in (("arrow", False), ("polars", False), ("pandas", True)):
    try:
        build(Batch.empty(KLINES, exact=exact), backend, {})
    except ConfigurationError as error:
        print(error, "|", error.recovery_suggestions[0])
frame = build(Batch.empty(TABLES["symbols"]), "pandas", {})
print(len(frame))
"""
    assert run({"polars", "pyarrow"}, code).splitlines() == [
        'frame="arrow" needs pyarrow, which is not installed here. | Install it: pip install "cryptox[arrow]"',
        'frame="polars" needs polars, which is not installed here. | Install it: pip install "polars"',
        'exact=True in pandas needs pyarrow, which is not installed here. | Install it: pip install "cryptox[arrow]"',
        "0",
    ]


def test_a_timestamp_is_utc_in_milliseconds() -> None:
    made = timestamp(START + 1)
    assert made == pd.Timestamp("2024-01-01 00:00:00.001", tz="UTC")
    assert (str(made.tz), made.unit) == ("UTC", "ms")


def test_arrow_shares_the_batch_s_memory() -> None:
    batch = filled(KLINES, 10, exact=True)
    table = build(batch, "arrow", {})
    assert isinstance(table, pa.Table)
    for name in ("open_time", "open", "trades"):
        assert table[name].chunk(0).buffers()[1].address == batch[name].ctypes.data

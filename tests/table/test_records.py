"""Orders, executions and balances as frames of every backend: values, nulls, dtypes; floats equal to their texts."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ExchangeError
from cryptox.model.account import Balance
from cryptox.model.orders import Fill, Order
from cryptox.table.batch import Batch
from cryptox.table.frames import build
from cryptox.table.records import balances_batch, fills_batch, orders_batch

D = Decimal
LIMIT = Order(
    symbol="BTCUSDT",
    order_id=28,
    client_order_id="x-1",
    side="sell",
    type="STOP_LOSS_LIMIT",
    status="partially_filled",
    price=D("90000.10000000"),
    quantity=D("0.30000000"),
    filled=D("0.20000000"),
    quote_filled=D("18000.03000000"),
    time_in_force="GTC",
    stop_price=D("91000"),
    time_ms=1767225600123,
    updated_ms=1767225600223,
    iceberg_quantity=D("0.1"),
    trailing_delta=100,
    order_list_id=7,
    self_trade_prevention="NONE",
    expiry_reason="OCO_TRIGGER",
)
BARE = Order(
    symbol="ETHBTC",
    order_id=29,
    client_order_id="x-2",
    side="buy",
    type="MARKET",
    status="new",
    quote_filled=None,
    updated_ms=1767225600224,
    quote_quantity=D("12.5"),
)
FILL = Fill(
    time_ms=1767225600123,
    symbol="BTCUSDT",
    id=-1,
    order_id=28,
    side="buy",
    price=D("94500.01"),
    quantity=D("0.2"),
    quote_quantity=D("18900.002"),
    fee=D("0.00000001"),
    fee_asset=None,
    maker=True,
)
# The row of LIMIT, and of BARE, by column, as the tables of API.md name them.
EXPECTED: dict[str, tuple[Any, Any]] = {
    "order_id": (28, 29),
    "symbol": ("BTCUSDT", "ETHBTC"),
    "client_order_id": ("x-1", "x-2"),
    "side": ("sell", "buy"),
    "type": ("STOP_LOSS_LIMIT", "MARKET"),
    "status": ("partially_filled", "new"),
    "price": ("90000.1", None),
    "quantity": ("0.3", None),
    "filled": ("0.2", "0"),
    "quote_filled": ("18000.03", None),
    "average_price": ("90000.15", None),
    "time_in_force": ("GTC", None),
    "stop_price": ("91000", None),
    "time": (1767225600123, None),
    "updated": (1767225600223, 1767225600224),
    "order_list_id": (7, -1),
    "quote_quantity": (None, "12.5"),
    "iceberg_quantity": ("0.1", None),
    "trailing_delta": (100, 0),
    "self_trade_prevention": ("NONE", None),
    "expiry_reason": ("OCO_TRIGGER", None),
}
AMOUNTS = {name for name, pair in EXPECTED.items() if name.endswith(("price", "quantity", "filled"))}


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """Rows as plain values: None for what is absent, times in ms."""
    if isinstance(frame, pd.DataFrame):
        frame = frame.reset_index()
        if frame.columns[0] == "index":
            frame = frame.drop(columns="index")
        rows = frame.to_dict("records")
    elif isinstance(frame, pl.DataFrame):
        rows = frame.to_dicts()
    else:
        rows = frame.to_pylist()
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return int(value.timestamp() * 1000 + 0.5) if hasattr(value, "timestamp") else value


@pytest.mark.parametrize("backend", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize("exact", [False, True])
def test_orders_in_every_backend(backend: str, exact: bool) -> None:
    rows = rows_of(build(orders_batch([LIMIT, BARE], exact=exact), backend, {}))
    number = D if exact else float
    for place, row in enumerate(rows):
        expected = {
            name: number(pair[place]) if name in AMOUNTS and pair[place] is not None else pair[place]
            for name, pair in EXPECTED.items()
        }
        assert row == expected
        assert all(type(row[name]) in (number, type(None)) for name in AMOUNTS)
    assert len(rows) == 2


@pytest.mark.parametrize("backend", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize("exact", [False, True])
def test_empty_tables_have_the_same_schema(backend: str, exact: bool) -> None:
    balance = Balance(asset="BTC", free=D(1), locked=D("0.5"))
    full: list[Batch] = [
        orders_batch([LIMIT], exact=exact),
        fills_batch([FILL], exact=exact),
        balances_batch([balance], exact=exact),
    ]
    empty = [orders_batch([], exact=exact), fills_batch([], exact=exact), balances_batch([], exact=exact)]
    for some, none in zip(full, empty, strict=True):
        a, b = build(some, backend, {}), build(none, backend, {})
        assert len(b) == 0
        if isinstance(a, pd.DataFrame):
            assert (a.dtypes == b.dtypes).all()
            assert (a.index.dtype, a.index.name) == (b.index.dtype, b.index.name)
        else:
            assert a.schema.equals(b.schema) if isinstance(a, pa.Table) else a.schema == b.schema


@pytest.mark.parametrize("exact", [False, True])
def test_fills_and_balances(exact: bool) -> None:
    number = D if exact else float
    assert rows_of(build(fills_batch([FILL], exact=exact), "pandas", {})) == [
        {
            "time": 1767225600123,
            "symbol": "BTCUSDT",
            "id": -1,
            "order_id": 28,
            "side": "buy",
            "price": number("94500.01"),
            "quantity": number("0.2"),
            "quote_quantity": number("18900.002"),
            "fee": number("0.00000001"),
            "fee_asset": None,
            "maker": True,
        }
    ]
    balances = [Balance(asset="BTC", free=D(1), locked=D("0.5")), Balance(asset="USDT", free=D(0), locked=D(0))]
    assert rows_of(build(balances_batch(balances, exact=exact), "polars", {})) == [
        {"asset": "BTC", "free": number(1), "locked": number("0.5"), "total": number("1.5")},
        {"asset": "USDT", "free": number(0), "locked": number(0), "total": number(0)},
    ]


TEXTS = st.integers(0, 10**18).map(lambda units: f"{units // 10**8}.{units % 10**8:08d}")


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_floats_equal_their_texts(texts: list[str]) -> None:
    batch = balances_batch([Balance(asset="A", free=D(text), locked=D(0)) for text in texts], exact=False)
    assert batch["free"].tolist() == [float(text) for text in texts]


def test_what_does_not_fit() -> None:
    with pytest.raises(ExchangeError, match="more than 8 decimals"):
        balances_batch([Balance(asset="A", free=D("1E-9"), locked=D(0))], exact=True)
    with pytest.raises(ExchangeError, match="order_id is beyond 64 bits"):
        orders_batch([LIMIT.changed(order_id=2**63)], exact=False)
    assert orders_batch([LIMIT.changed(order_id=2**63 - 1)], exact=False)["order_id"].dtype == np.int64


@pytest.mark.parametrize("backend", ["pandas", "polars", "arrow"])
def test_a_balance_of_a_cheap_coin_is_exact(backend: str) -> None:
    """More than a hundred thousand million of it: beyond 19 digits."""
    held = Balance(asset="SHIB", free=D("999999999999999.12345678"), locked=D("0.00000001"))
    (row,) = rows_of(build(balances_batch([held], exact=True), backend, {}))
    assert row == {"asset": "SHIB", "free": held.free, "locked": held.locked, "total": D("999999999999999.12345679")}

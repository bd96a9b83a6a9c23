"""Orders, executions and balances as batches: exact records become columns. Absent amounts are null, NaN as floats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cryptox.errors import ExchangeError
from cryptox.model.account import Balance
from cryptox.model.columns import BALANCES, CATEGORIES, DECIMAL_PRECISION, FILLS, ORDERS, Kind, Table
from cryptox.model.orders import Fill, Order, columns_of

from .batch import Array, Batch, dtype_of
from .decimals import from_decimals

__all__ = ["balances_batch", "fills_batch", "orders_batch", "rows_batch"]

# Integers that are never null in a frame (``model.columns`` tells what stands for none).
_NONE = {"order_list_id": -1, "trailing_delta": 0}


def orders_batch(orders: Iterable[Order], *, exact: bool = False) -> Batch:
    """Orders in the order given, of the table ``orders``.

    Raises
    ------
    ExchangeError
        With ``exact``: an amount has more than 8 decimals, or more than 38 digits. An integer is beyond 64 bits.
    """
    return rows_batch(ORDERS, map(columns_of, orders), exact=exact)


def fills_batch(fills: Iterable[Fill], *, exact: bool = False) -> Batch:
    """Executions in the order given, of the table ``fills``; errors as ``orders_batch``."""
    names = [name for name in FILLS.names if name != "time"]
    rows = ({"time": fill.time_ms, **{name: getattr(fill, name) for name in names}} for fill in fills)
    return rows_batch(FILLS, rows, exact=exact)


def balances_batch(balances: Iterable[Balance], *, exact: bool = False) -> Batch:
    """Balances in the order given, of the table ``balances``; errors as ``orders_batch``."""
    rows = ({name: getattr(balance, name) for name in BALANCES.names} for balance in balances)
    return rows_batch(BALANCES, rows, exact=exact)


def rows_batch(table: Table, rows: Iterable[Mapping[str, Any]], *, exact: bool = False) -> Batch:
    """Rows by column name, amounts as ``Decimal``, None for what is absent; errors as ``orders_batch``."""
    found = list(rows)
    columns: dict[str, Array] = {}
    nulls: dict[str, Array] = {}
    for column in table.columns:
        values = [row[column.name] for row in found]
        if column.kind in (Kind.INTEGER, Kind.TIME):
            values = [_NONE.get(column.name, value) if value is None else value for value in values]
        absent = np.array([value is None for value in values], np.bool_)
        if column.kind is not Kind.WORD and absent.any():
            nulls[column.name] = absent
        columns[column.name] = _column(column.name, column.kind, values, exact)
    return Batch(table, columns, exact, nulls)


def _column(name: str, kind: Kind, values: list[Any], exact: bool) -> Array:
    if kind in DECIMAL_PRECISION:
        if exact:
            return from_decimals(values)
        return np.array([np.nan if value is None else float(value) for value in values], np.float64)
    if kind in CATEGORIES:
        return np.array([CATEGORIES[kind].index(value) for value in values], np.int8)
    if kind is Kind.WORD:
        return np.array(values, object)
    try:
        return np.array([0 if value is None else value for value in values], dtype_of(kind, exact=exact))
    except OverflowError as error:
        raise ExchangeError(f"The answer's {name} is beyond 64 bits.") from error

"""Records as batches: rows of exact numbers become the columns of their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from cryptox.model.account import Balance
from cryptox.model.columns import BALANCES, CATEGORIES, DECIMAL_PRECISION, FILLS, ORDERS, Column, Table
from cryptox.model.orders import Fill, Order, columns_of

from .batch import Array, Batch, dtype_of
from .decimals import from_decimals

__all__ = ["balances_batch", "fills_batch", "orders_batch", "rows_batch"]


def rows_batch(table: Table, rows: Sequence[Mapping[str, Any]], *, exact: bool = False) -> Batch:
    """Rows by column name; amounts are ``Decimal``, None where there is none. Floats are ``float(text)``."""
    columns: dict[str, Array] = {}
    nulls: dict[str, Array] = {}
    for column in table.columns:
        values = [row[column.name] for row in rows]
        columns[column.name] = _column(column, values, exact)
        if column.kind in DECIMAL_PRECISION and None in values:
            nulls[column.name] = np.array([value is None for value in values], np.bool_)
    return Batch(table, columns, exact, nulls)


def orders_batch(orders: Sequence[Order], *, exact: bool = False) -> Batch:
    """Orders as columns. An order without a list is in list -1; one that does not trail has a delta of 0."""
    return rows_batch(ORDERS, [_order_row(order) for order in orders], exact=exact)


def fills_batch(fills: Sequence[Fill], *, exact: bool = False) -> Batch:
    """Executions as columns."""
    return rows_batch(FILLS, [_row(FILLS, fill) | {"time": fill.time_ms} for fill in fills], exact=exact)


def balances_batch(balances: Sequence[Balance], *, exact: bool = False) -> Batch:
    """Balances as columns."""
    return rows_batch(BALANCES, [_row(BALANCES, balance) for balance in balances], exact=exact)


def _order_row(order: Order) -> dict[str, Any]:
    row = dict(columns_of(order))
    row["order_list_id"] = -1 if order.order_list_id is None else order.order_list_id
    row["trailing_delta"] = order.trailing_delta or 0
    row["time"] = order.updated_ms if order.time_ms is None else order.time_ms  # answers to a cancel do not tell it
    return row


def _row(table: Table, record: object) -> dict[str, Any]:
    return {name: getattr(record, name) for name in table.names}


def _column(column: Column, values: Sequence[Any], exact: bool) -> Array:
    dtype = dtype_of(column.kind, exact=exact)
    if column.kind in DECIMAL_PRECISION:
        if exact:
            return from_decimals([Decimal(0) if value is None else value for value in values])
        return np.array([np.nan if value is None else float(value) for value in values], dtype)
    if column.kind in CATEGORIES:
        words = CATEGORIES[column.kind]
        return np.array([words.index(value) for value in values], dtype)
    return np.array(values, dtype)

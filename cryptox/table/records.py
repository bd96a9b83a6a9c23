"""Records as batches: rows of exact numbers become the columns of their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from cryptox.model.columns import CATEGORIES, DECIMAL_PRECISION, FILLS, ORDERS, Column, Table
from cryptox.model.orders import Fill, Order, columns_of
from cryptox.table.batch import Array, Batch, dtype_of
from cryptox.table.decimals import from_decimals

__all__ = ["fills_batch", "orders_batch", "rows_batch"]


def rows_batch(table: Table, rows: Sequence[Mapping[str, Any]], *, exact: bool = False) -> Batch:
    columns: dict[str, Array] = {}
    nulls: dict[str, Array] = {}
    for column in table.columns:
        values = [row[column.name] for row in rows]
        columns[column.name], absent = _column(column, values, exact)
        if absent is not None:
            nulls[column.name] = absent
    return Batch(table, columns, exact, nulls)


def orders_batch(orders: Sequence[Order], *, exact: bool = False) -> Batch:
    return rows_batch(
        ORDERS,
        [
            {
                **columns_of(order),
                "order_list_id": -1 if order.order_list_id is None else order.order_list_id,
                "trailing_delta": order.trailing_delta or 0,
                "time": order.time_ms or order.updated_ms,
            }
            for order in orders
        ],
        exact=exact,
    )


def fills_batch(fills: Sequence[Fill], *, exact: bool = False) -> Batch:
    return rows_batch(
        FILLS,
        [{"time": f.time_ms, **{c.name: getattr(f, c.name) for c in FILLS.columns if c.name != "time"}} for f in fills],
        exact=exact,
    )


def _column(column: Column, values: list[Any], exact: bool) -> tuple[Array, Array | None]:
    dtype = dtype_of(column.kind, exact=exact)
    if column.kind in DECIMAL_PRECISION:
        absent = np.array([value is None for value in values], np.bool_)
        if exact:
            return from_decimals(
                [Decimal(0) if value is None else value for value in values]
            ), absent if absent.any() else None
        return np.array(
            [np.nan if value is None else float(value) for value in values], dtype
        ), absent if absent.any() else None
    if column.kind in CATEGORIES:
        words = CATEGORIES[column.kind]
        return np.array([words.index(value) for value in values], dtype), None
    return np.array(values, dtype), None

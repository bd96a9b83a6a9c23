"""A batch as a pyarrow Table over the batch's own memory. The index column comes first, as any other column."""

from __future__ import annotations

from typing import Any

import numpy as np

from cryptox.model.columns import CATEGORIES, DECIMAL_PRECISION, DECIMAL_SCALE, Column, Kind

from .batch import Array, Batch
from .leading import Leading

__all__ = ["decimals", "frame"]


def frame(batch: Batch, leading: Leading | None = None) -> Any:
    """The Table; ``leading`` becomes its first column."""
    import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]  # an extra, without types of its own

    names = list(batch.table.names)
    columns = [_column(column, batch) for column in batch.table.columns]
    if leading is not None:
        names.insert(0, leading.name)
        columns.insert(0, pa.array(list(leading.labels), pa.string()).take(pa.array(leading.codes)))
    return pa.Table.from_arrays(columns, names=names)


def decimals(values: Array, nulls: Array | None, precision: int) -> Any:
    """A ``DECIMAL`` column as a pyarrow array of decimal128(precision, 8), not copied."""
    import pyarrow as pa

    return _plain(pa.decimal128(precision, DECIMAL_SCALE), values, nulls)


def _column(column: Column, batch: Batch) -> Any:
    import pyarrow as pa

    kind = column.kind
    values, nulls = batch[column.name], batch.nulls.get(column.name)
    if kind in DECIMAL_PRECISION:
        if batch.exact:
            return decimals(values, nulls, DECIMAL_PRECISION[kind])
        absent = np.isnan(values)
        if nulls is not None:
            absent |= nulls
        return _plain(pa.float64(), values, absent if absent.any() else None)
    if kind is Kind.TIME:
        return _plain(pa.timestamp("ms", "UTC"), values, nulls)
    if kind is Kind.INTEGER:
        return _plain(pa.int64(), values, None)
    if kind in CATEGORIES:
        words = pa.array(list(CATEGORIES[kind]), pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), words)
    return pa.array(values, pa.bool_() if kind is Kind.FLAG else pa.string())


def _plain(kind: Any, values: Array, nulls: Array | None) -> Any:
    """Numbers of fixed width as an array of that type, not copied."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(values), [_validity(nulls), pa.py_buffer(np.ascontiguousarray(values))])


def _validity(nulls: Array | None) -> Any:
    import pyarrow as pa

    return None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))

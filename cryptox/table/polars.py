"""A batch as a polars DataFrame, without pandas or pyarrow. The index column comes first, as any other column."""

from __future__ import annotations

from typing import Any

import numpy as np

from cryptox.model.columns import CATEGORIES, DECIMAL_PRECISION, DECIMAL_SCALE, Column, Kind

from .batch import Array, Batch
from .decimals import as_int64, to_decimals
from .leading import Leading

__all__ = ["frame"]


def frame(batch: Batch, leading: Leading | None = None) -> Any:
    """The DataFrame; ``leading`` becomes its first column."""
    import polars as pl

    exact = _decimals(batch) if batch.exact else {}
    columns = [exact[column.name] if column.name in exact else _column(column, batch) for column in batch.table.columns]
    if leading is not None:
        columns.insert(0, pl.Series(leading.name, list(leading.labels), dtype=pl.String).gather(leading.codes))
    return pl.DataFrame(columns)


def _column(column: Column, batch: Batch) -> Any:
    import polars as pl

    name, kind = column.name, column.kind
    values, nulls = batch[name], batch.nulls.get(name)
    if kind in DECIMAL_PRECISION:
        return _masked(pl.Series(name, np.ascontiguousarray(values), dtype=pl.Float64, nan_to_null=True), nulls)
    if kind is Kind.TIME:
        times = pl.Series(name, np.ascontiguousarray(values), dtype=pl.Int64).cast(pl.Datetime("ms", "UTC"))
        return _masked(times, nulls)
    if kind in CATEGORIES:
        words = pl.Series(name, list(CATEGORIES[kind]), dtype=pl.Enum(list(CATEGORIES[kind])))
        return words.gather(values.astype(np.uint32))
    if kind is Kind.WORD:
        return pl.Series(name, values.tolist(), dtype=pl.String)
    return pl.Series(name, np.ascontiguousarray(values), dtype=pl.Boolean if kind is Kind.FLAG else pl.Int64)


def _decimals(batch: Batch) -> dict[str, Any]:
    """The decimal columns, where they fit 64 bits by one exact multiplication each, all in one query."""
    import polars as pl

    unit = pl.lit(f"0.{1:0{DECIMAL_SCALE}}").cast(pl.Decimal(38, DECIMAL_SCALE))
    made, units, numbers = {}, [], []
    for column in batch.table.columns:
        if column.kind not in DECIMAL_PRECISION:
            continue
        name, kind = column.name, pl.Decimal(DECIMAL_PRECISION[column.kind], DECIMAL_SCALE)
        low = as_int64(batch[name])
        if low is None:
            # One by one: arithmetic on wider integers is missing or wrong in one polars or another since 1.20.
            made[name] = pl.Series(name, to_decimals(batch[name]), dtype=kind)
        else:
            units.append(pl.Series(name, low, dtype=pl.Int64))
            numbers.append((pl.col(name).cast(pl.Decimal(38, 0)) * unit).cast(kind))
    if units:
        made |= {series.name: series for series in pl.DataFrame(units).select(numbers).get_columns()}
    return {name: _masked(series, batch.nulls.get(name)) for name, series in made.items()}


def _masked(series: Any, nulls: Array | None) -> Any:
    import polars as pl

    if nulls is None:
        return series
    there = pl.Series(~nulls, dtype=pl.Boolean)
    return (
        pl.DataFrame([series]).select(pl.when(pl.lit(there)).then(pl.col(series.name)).alias(series.name)).to_series()
    )

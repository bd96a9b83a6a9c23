"""Columns of a polars frame as arrays, without pandas or pyarrow."""

from __future__ import annotations

from typing import Any

import numpy as np

from .batch import Array
from .decimals import from_texts
from .leading import Leading

__all__ = ["decimals", "floats", "is_exact", "leading", "one", "times"]


def times(column: Any) -> Array:
    """Milliseconds since the epoch; times without a zone are UTC."""
    import polars as pl

    if not isinstance(column.dtype, pl.Datetime):
        raise TypeError(f"it holds {column.dtype}")
    _refuse_nulls(column)
    return np.asarray(column.dt.timestamp("ms").to_numpy())


def floats(column: Any) -> Array:
    """Numbers as float64, NaN where there is none."""
    import polars as pl

    if not column.dtype.is_numeric():
        raise TypeError(f"it holds {column.dtype}")
    return np.asarray(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())


def is_exact(column: Any) -> bool:
    """Whether it holds decimals."""
    return bool(column.dtype.is_decimal())


def decimals(column: Any) -> Array:
    """Decimals in our layout."""
    import polars as pl

    _refuse_nulls(column)
    # By way of text: arithmetic on 128-bit integers is missing or wrong in one polars or another since 1.20.
    return from_texts(column.cast(pl.String).to_list())


def leading(column: Any) -> Leading:
    """The symbols of the rows."""
    import polars as pl

    _refuse_nulls(column)
    words = column.cast(pl.String)
    labels = words.unique(maintain_order=True).to_list()
    codes = words.cast(pl.Enum(labels)).to_physical().to_numpy()
    return Leading("symbol", tuple(labels), codes.astype(np.int32))


def one(series: Any, like: Any) -> Any:  # noqa: ARG001  # pandas needs the frame for its index
    """The column itself: polars knows no index."""
    return series


def _refuse_nulls(column: Any) -> None:
    if column.null_count():
        raise ValueError("a value is absent")

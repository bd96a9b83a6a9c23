"""Columns of a pandas frame as arrays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from .batch import DECIMAL, Array
from .decimals import from_decimals
from .leading import Leading

__all__ = ["decimals", "floats", "is_exact", "leading", "one", "times"]


def times(column: Any) -> Array:
    """Milliseconds since the epoch; times without a zone are UTC."""
    import pandas as pd

    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise TypeError(f"it holds {column.dtype}")
    index = pd.DatetimeIndex(column)
    if index.hasnans:
        raise ValueError("a time is absent")
    return np.asarray(index.as_unit("ms").asi8)


def floats(column: Any) -> Array:
    """Numbers as float64, NaN where there is none."""
    if getattr(column.dtype, "kind", "O") not in "iufO":
        raise TypeError(f"it holds {column.dtype}")
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def is_exact(column: Any) -> bool:
    """Arrow's decimals, or Python's as parquet files give them back."""
    if column.dtype == object:
        return len(column) > 0 and isinstance(column.iloc[0], Decimal)
    return str(column.dtype).startswith("decimal")


def decimals(column: Any) -> Array:
    """Decimals in our layout; those of eight decimals are read where they lie."""
    if column.dtype == object:
        return from_decimals(_all_there(column.tolist()))
    import pyarrow as pa

    found = pa.array(column)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if found.null_count:
        raise ValueError("a number is absent")
    if not pa.types.is_decimal128(found.type) or found.type.scale != 8:
        return from_decimals(found.to_pylist())
    if not len(found):
        return np.empty(0, DECIMAL)
    return np.frombuffer(found.buffers()[1], DECIMAL)[found.offset : found.offset + len(found)]


def leading(column: Any) -> Leading:
    """The symbols of the rows."""
    import pandas as pd

    codes, labels = pd.factorize(column)
    if (codes < 0).any() or not all(isinstance(label, str) for label in labels):
        raise ValueError("something there is no text")
    return Leading("symbol", tuple(labels), codes.astype(np.int32))


def one(series: Any, like: Any) -> Any:
    """The column with the index of the frame."""
    series.index = like.index
    return series


def _all_there(values: list[Any]) -> list[Decimal]:
    if not all(isinstance(value, Decimal) for value in values):
        raise ValueError("something there is no decimal")
    return values

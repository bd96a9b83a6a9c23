"""A batch as a pandas DataFrame that shares the batch's memory.

Times are ``datetime64[ms, UTC]``, sides categorical, words pandas' own string type (``str``; object before pandas 3),
exact numbers ``ArrowDtype(decimal128)``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from cryptox.model.columns import CATEGORIES, DECIMAL_PRECISION, Column, Kind

from .batch import Array, Batch
from .leading import Leading

__all__ = ["frame", "timestamp"]

_NAT = np.iinfo(np.int64).min


def frame(batch: Batch, leading: Leading | None = None) -> Any:
    """The DataFrame; ``leading`` becomes the first level of the index."""
    table = batch.table
    columns = {column.name: _column(column, batch) for column in table.columns if column.name != table.index}
    return _assemble(columns, _index(batch, leading))


def timestamp(time_ms: int) -> Any:
    """The ``pandas.Timestamp`` of a moment, UTC, in milliseconds."""
    import pandas as pd

    return pd.Timestamp(time_ms, unit="ms", tz="UTC").as_unit("ms")


def _index(batch: Batch, leading: Leading | None) -> Any:
    import pandas as pd

    name = batch.table.index
    if leading is None:
        return pd.RangeIndex(len(batch)) if name is None else _plain_index(name, batch)
    labels = pd.Index(list(leading.labels), dtype=_text_dtype(), name=leading.name)
    if name is None:
        return labels.take(leading.codes)
    values = _plain_index(name, batch)
    # The index gets its codes ready made: factorising a column of repeated words costs more than the whole frame.
    codes, levels = _levels(batch[name], values)
    places: Any = [leading.codes, codes]
    return pd.MultiIndex(levels=[labels, levels], codes=places, names=[leading.name, name], verify_integrity=False)


def _levels(column: Array, values: Any) -> tuple[Array, Any]:
    """Each row's place among the sorted distinct values of an index, and these values."""
    import pandas as pd

    if not len(values):
        return np.empty(0, np.int32), values
    if column.dtype == object or not isinstance(values, pd.DatetimeIndex):
        codes, distinct = pd.factorize(values, sort=True)
        return codes, distinct
    codes, distinct = _on_grid(column) or pd.factorize(column, sort=True)
    return codes, _times(distinct)


def _on_grid(column: Array) -> tuple[Array, Array] | None:
    """The same for times on a grid, such as many symbols' candles; a fifth of the cost of sorting. None elsewhere."""
    first = int(column.min())
    step = abs(int(column[1] - column[0])) if len(column) > 1 else 1
    if step == 0 or (int(column.max()) - first) // step > 4 * len(column):
        return None
    places, rest = np.divmod(column - first, step)
    if rest.any():
        return None
    used = np.zeros(int(places.max()) + 1, np.bool_)
    used[places] = True
    return (np.cumsum(used, dtype=np.int32) - 1)[places], np.flatnonzero(used) * step + first


def _plain_index(name: str, batch: Batch) -> Any:
    import pandas as pd

    column, kind = batch[name], batch.table[name].kind
    if kind is Kind.TIME:
        return _times(_own(column), name)
    if kind is Kind.INTEGER:
        return pd.Index(_own(column), name=name, copy=False)
    return pd.Index(column, dtype=_text_dtype(), name=name)


def _times(column: Array, name: str | None = None) -> Any:
    import pandas as pd

    # From integers of the dtype's own unit, because a datetime64 array would be converted, and so copied.
    return pd.DatetimeIndex(column, dtype=_utc(), name=name, copy=False)


def _column(column: Column, batch: Batch) -> Any:
    import pandas as pd

    values, kind = batch[column.name], column.kind
    nulls = batch.nulls.get(column.name)
    if kind is Kind.TIME:
        times = _own(values) if nulls is None else np.where(nulls, _NAT, values)
        return _times(times).array
    if kind in CATEGORIES:
        return pd.Categorical.from_codes(_own(values), dtype=_category(kind), validate=False)
    if kind is Kind.WORD:
        return pd.array(values, dtype=_text_dtype())
    if kind in DECIMAL_PRECISION and batch.exact:
        from .arrow import decimals

        return pd.arrays.ArrowExtensionArray(decimals(values, nulls, DECIMAL_PRECISION[kind]))
    if nulls is not None and kind in DECIMAL_PRECISION:
        return np.where(nulls, np.nan, values)
    return _own(values)


def _own(values: Array) -> Array:
    """The column itself, or a copy where it cannot be written to or lies scattered in memory."""
    return values if values.flags.writeable and values.flags.c_contiguous else values.copy()


def _assemble(columns: dict[str, Any], index: Any) -> Any:
    """A frame with one block a column: no copy, no inference, a third of the cost of ``DataFrame(dict)``."""
    import pandas as pd

    make = _block_builder()
    if make is None:
        return pd.DataFrame(columns, index=index, copy=False)
    blocks = [(_as_block(values), place) for values, place in zip(columns.values(), _places(len(columns)), strict=True)]
    return make(blocks, index=index, columns=_names(tuple(columns)))


def _as_block(values: Any) -> Any:
    """Plain arrays and times stand as a row of a table in their block, other extension types as they are."""
    import pandas as pd

    return values.reshape(1, -1) if isinstance(values, (np.ndarray, pd.arrays.DatetimeArray)) else values


@cache
def _block_builder() -> Any:
    try:
        from pandas.api.internals import create_dataframe_from_blocks  # type: ignore[import-not-found, unused-ignore]  # pandas 3
    except ImportError:  # before pandas 3
        return None
    return create_dataframe_from_blocks


@cache
def _places(count: int) -> tuple[Array, ...]:
    return tuple(np.array([place]) for place in range(count))


@cache
def _names(names: tuple[str, ...]) -> Any:
    import pandas as pd

    return pd.Index(list(names), dtype=_text_dtype())


@cache
def _utc() -> Any:
    import pandas as pd

    return pd.DatetimeTZDtype("ms", "UTC")


@cache
def _category(kind: Kind) -> Any:
    import pandas as pd

    return pd.CategoricalDtype(pd.Index(list(CATEGORIES[kind]), dtype=_text_dtype()), ordered=False)


@cache
def _text_dtype() -> Any:
    """The string type of pandas itself: ``str`` from pandas 3 on, object before."""
    import pandas as pd

    return "str" if int(pd.__version__.partition(".")[0]) >= 3 else object

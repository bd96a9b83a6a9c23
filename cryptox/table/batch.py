"""A batch: the columns of one table as numpy arrays, between decoder and frame.

Arrays by kind (``model.columns.Kind``):

=============== ==========================================================================
TIME            int64, milliseconds since the epoch, UTC
PRICE ... VOLUME  float64; with ``exact`` the 16-byte ``DECIMAL`` below, scale 8
INTEGER         int64
FLAG            bool
SIDE, BOOK_SIDE int8 codes into ``model.columns.CATEGORIES``
WORD            object array of str (None for null)
=============== ==========================================================================

``nulls`` names, per column, the rows that hold no value (True where null); floats simply hold NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cryptox.model.columns import DECIMAL_PRECISION, Kind, Table

__all__ = ["DECIMAL", "Array", "Batch", "dtype_of"]

Array = npt.NDArray[Any]

DECIMAL = np.dtype([("low", "<u8"), ("high", "<i8")])
"""A signed 128-bit integer, little endian, in units of 10**-8: what Arrow calls decimal128(p, 8)."""

_PLAIN: dict[Kind, np.dtype[Any]] = {
    Kind.TIME: np.dtype(np.int64),
    Kind.INTEGER: np.dtype(np.int64),
    Kind.FLAG: np.dtype(np.bool_),
    Kind.SIDE: np.dtype(np.int8),
    Kind.BOOK_SIDE: np.dtype(np.int8),
    Kind.WORD: np.dtype(object),
}


def dtype_of(kind: Kind, *, exact: bool) -> np.dtype[Any]:
    """The dtype of a column of that kind inside a batch."""
    if kind in DECIMAL_PRECISION:
        return DECIMAL if exact else np.dtype(np.float64)
    return _PLAIN[kind]


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns of one table, all of one length, in the table's order."""

    table: Table
    columns: Mapping[str, Array]
    exact: bool = False
    nulls: Mapping[str, Array] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)  # facts beside the rows, such as last_update_id

    def __len__(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Array:
        """One column."""
        return self.columns[name]

    @classmethod
    def empty(cls, table: Table, *, exact: bool = False) -> Batch:
        """No rows, every column with its dtype."""
        return cls.allocate(table, 0, exact=exact)

    @classmethod
    def allocate(cls, table: Table, rows: int, *, exact: bool = False) -> Batch:
        """Uninitialised columns of ``rows`` rows, for pages to be written into."""
        columns = {c.name: np.empty(rows, dtype_of(c.kind, exact=exact)) for c in table.columns}
        return cls(table, columns, exact)

    def take(self, rows: slice | Array) -> Batch:
        """Some of the rows: a slice (no copy), a mask or positions."""
        return Batch(
            self.table,
            {name: column[rows] for name, column in self.columns.items()},
            self.exact,
            {name: mask[rows] for name, mask in self.nulls.items()},
            self.extra,
        )

    def copy(self) -> Batch:
        """The same rows in memory of their own."""
        columns = {name: column.copy() for name, column in self.columns.items()}
        return Batch(self.table, columns, self.exact, self.nulls, self.extra)

    @classmethod
    def concat(cls, batches: Sequence[Batch]) -> Batch:
        """Batches of one table, one after the other."""
        first = batches[0]
        if len(batches) == 1:
            return first
        columns = {name: np.concatenate([batch.columns[name] for batch in batches]) for name in first.columns}
        masked = {name for batch in batches for name in batch.nulls}
        nulls = {
            name: np.concatenate([batch.nulls.get(name, np.zeros(len(batch), np.bool_)) for batch in batches])
            for name in masked
        }
        return cls(first.table, columns, first.exact, nulls, first.extra)

"""The recent past of a topic: a ring of columns that takes messages as they came and records alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cryptox.model.columns import Table
from cryptox.table.batch import Array, Batch
from cryptox.table.ring import Ring
from cryptox.venues.port import Rows, Told

from .rows import Records, columns_of

__all__ = ["MOST_AGE_MS", "Memory"]

MOST_AGE_MS = 24 * 3_600_000
AT_ONCE = 512  # rows of a flood that become columns together: the fastest
FEW = 64  # of a stream that brings few at a time: as objects they take several times the memory


class Memory:
    """The newest rows of a table. Lives on the loop.

    Parameters
    ----------
    table
        Of which kind.
    rows
        How many are kept.
    age_ms
        How old they may be against the newest; None for any age.
    """

    def __init__(self, table: Table, rows: int, age_ms: int | None = None) -> None:
        self._packer = _Packer(table)
        self._fresh: list[Any] = []
        self._ring = Ring(table, rows, age_ms, packer=self._packer, pending=1)
        self._due = FEW
        self._table = table

    def __len__(self) -> int:
        """Rows that are kept."""
        return len(self._ring) + len(self._fresh)

    def add(self, rows: Rows) -> None:
        """Append events; cheap, whatever is due to be done with them."""
        if isinstance(rows, Records):
            self._settle()
            self._ring.append_columns(columns_of(self._table, rows.events()).columns)
        else:
            told: Told = rows  # type: ignore[assignment]  # there are records and what a venue tells
            self._packer.told = told
            self._fresh += told.rows
            self._due = FEW if len(told) < FEW else AT_ONCE

    def join(self, records: Sequence[Any]) -> None:
        """Put records of any time in their places; those that are here already stay."""
        if records:
            self._settle()
            self._ring.join(columns_of(self._table, records))

    def tidy(self) -> None:
        """Make columns of what was added, where there is enough of it: after it has been passed on to readers."""
        if len(self._fresh) >= self._due:
            self._settle()

    def batch(self, rows: int | None) -> Batch:
        """The newest rows, oldest first, in memory of their own; None for all."""
        self._settle()
        return self._ring.newest(rows).copy()

    def _settle(self) -> None:
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            self._ring.append(fresh)


class _Packer:
    """Packs the rows of messages by way of any message of the same stream."""

    def __init__(self, table: Table) -> None:
        self.table: Table | None = table
        self.told: Told | None = None

    def pack(self, rows: Sequence[Any]) -> Mapping[str, Array]:
        assert self.told is not None, "only messages are packed"
        return self.told.pack(rows)

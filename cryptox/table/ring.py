"""The recent past of a feed as columns, bounded by rows and age: appended by one thread, read from any.

How reading is safe. Columns are only ever appended to: memory that has been handed out is never written again (when the
columns are full, the newest rows move to new ones), so a reader's view stays as it was while the feed goes on. What
changes is where the columns are, where their rows begin and end, and the list of rows that have not been packed yet.
These are guarded by a lock, which appending and reading hold for microseconds (packing up to 512 rows at most); only
``join`` and the move to new columns hold it for a copy of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Protocol

import numpy as np

from cryptox.model.columns import Kind, Table

from .batch import Array, Batch, dtype_of

__all__ = ["Packer", "Ring", "Tuples", "arrange"]

Hole = tuple[int, int]
"""First and last key that are missing, both included."""

_PENDING = 512  # rows that wait to be packed, at most
_ROOM = 128  # rows there is room for at first: most rings of many streams never hold many


class Packer(Protocol):
    """What makes columns of a feed's rows."""

    @property
    def table(self) -> Table | None:
        """The rows' table."""

    def pack(self, rows: Sequence[Any]) -> Mapping[str, Array]:
        """The rows as columns."""


class Tuples:
    """Packs tuples of a table's values in the table's order (times in ms, sides as codes)."""

    def __init__(self, table: Table) -> None:
        self.table: Table | None = table
        self._columns = [(column.name, dtype_of(column.kind, exact=False)) for column in table.columns]

    def pack(self, rows: Sequence[Any]) -> Mapping[str, Array]:
        """The tuples as columns."""
        columns = zip(*rows, strict=True)
        return {name: np.array(values, dtype) for (name, dtype), values in zip(self._columns, columns, strict=True)}


class Ring:
    """The newest rows of a table.

    Parameters
    ----------
    table
        Which columns.
    rows
        How many rows are kept at most.
    age_ms
        Rows older than this against the newest one are dropped; None keeps all. Needs a table with a time column.
    packer
        Makes columns of what ``append`` gets; by default rows are tuples in the table's order.
    pending
        So many rows that ``append`` got are packed together.
    """

    def __init__(
        self, table: Table, rows: int, age_ms: int | None = None, *, packer: Packer | None = None,
        pending: int = _PENDING,
    ) -> None:  # fmt: skip
        if rows < 1:
            raise ValueError(f"a ring holds at least one row, not {rows}")
        times = [column.name for column in table.columns if column.kind is Kind.TIME]
        self.table = table
        self.rows = rows
        self.age_ms = age_ms
        self.refused = 0  # rows that did not fit their columns (integers beyond 64 bits)
        self.key = "id" if "id" in table.names else table.index if table.index in times else None
        self._time = (table.index if table.index in times else times[-1]) if times else None
        if age_ms is not None and self._time is None:
            raise ValueError(f"{table.name} has no time to know the age of its rows by")
        self._packer: Packer = Tuples(table) if packer is None else packer
        self._most_pending = pending
        self._most_room = rows + max(rows // 2, 1_024)
        self._room = min(self._most_room, _ROOM)
        self._lock = Lock()
        self._pending: list[Any] = []
        self._forming_key: int | None = None  # of the last pending row, while it may still be replaced
        self._columns = self._allocate()
        self._start = self._end = 0

    def __len__(self) -> int:
        """Number of rows."""
        with self._lock:
            return min(self.rows, self._end - self._start + len(self._pending))

    @property
    def first_key(self) -> int | None:
        """Key (id, or time in ms) of the oldest row; None without rows or without a key."""
        batch = self.newest()
        return int(batch[self.key][0]) if self.key is not None and len(batch) else None

    @property
    def last_key(self) -> int | None:
        """Key of the newest row; None without rows or without a key."""
        batch = self.newest(1)
        return int(batch[self.key][0]) if self.key is not None and len(batch) else None

    def append(self, rows: Sequence[Any]) -> None:
        """Add rows that follow the newest one. Packed later, many at once."""
        with self._lock:
            self._forming_key = None
            self._pending += rows
            if len(self._pending) >= self._most_pending:
                self._flush(0)

    def append_columns(self, columns: Mapping[str, Array]) -> None:
        """Add rows that follow the newest one, as columns of one length."""
        with self._lock:
            self._flush(0)
            self._write(columns)

    def update(self, row: Any) -> None:
        """Put a row in the place of the one with its key, or after the newest one (a forming candle).

        A key that is older than all rows here, or falls between them, is ignored.
        """
        if self.key is None:
            raise ValueError(f"rows of {self.table.name} have no key: append them")
        with self._lock:
            packed = self._packer.pack([row])
            key = int(packed[self.key][0])
            newest = self._forming_key
            if newest is None:
                self._flush(0)
                newest = int(self._columns[self.key][self._end - 1]) if self._end > self._start else None
            if newest is not None and key < newest:
                self._replace(key, packed)
                return
            if self._forming_key == key:
                self._pending.pop()
            elif newest == key:
                self._move(self._start, self._end - 1)  # to new memory: that row may have been handed out
            self._pending.append(row)
            self._forming_key = key
            self._flush(1)

    def newest(self, rows: int | None = None) -> Batch:
        """The newest rows, oldest first: read-only views where possible, so that nothing is parsed or copied.

        Callable from any thread.
        """
        with self._lock:
            self._flush(0 if self._forming_key is None else 1)
            columns, start, end = self._columns, self._start, self._end
            forming = list(self._pending)
        wanted = self.rows if rows is None else min(rows, self.rows)
        if wanted < 1:
            return Batch.empty(self.table)
        start = max(start, end - wanted + len(forming))
        views = {name: column[start:end] for name, column in columns.items()}
        if forming:
            last = self._packer.pack(forming)
            views = {name: np.concatenate([view, last[name]]) for name, view in views.items()}
        for view in views.values():
            view.flags.writeable = False
        return Batch(self.table, views)

    def drop_before(self, time_ms: int) -> None:
        """Forget the rows before that time."""
        with self._lock:
            self._flush(0 if self._forming_key is None else 1)
            self._drop_before(time_ms)

    def join(self, batch: Batch, *, replace: bool = False, after: Callable[[int], int] | None = None) -> list[Hole]:
        """Merge rows of any place in time by their keys, each key once; the holes that remain.

        Parameters
        ----------
        batch
            Rows of the same table, such as history or a repair over REST.
        replace
            Where both have a key: whether the batch's row stays rather than the ring's.
        after
            The key that follows a key; by default ids count up by one, and times are not checked for holes.

        Returns
        -------
        list
            (first, last) missing key of each hole between the rows now here; with ``after`` the last is the one before
            the next row that is here.
        """
        if self.key is None or batch.exact or batch.nulls:
            raise ValueError(f"rows of {self.table.name} cannot be joined: no key, exact numbers or absent values")
        with self._lock:
            forming, key = self._pending[-1:], self._forming_key
            self._flush(0)
            old = {name: column[self._start : self._end] for name, column in self._columns.items()}
            parts = [old, batch.columns] if replace else [batch.columns, old]  # of equal keys the later one stays
            keys = np.concatenate([part[self.key] for part in parts])
            order = np.argsort(keys, kind="stable")
            ranked = keys[order]
            kept = order[np.append(ranked[1:] != ranked[:-1], True)][-self.rows :] if len(keys) else order
            self._columns, self._start, self._end = self._allocate(), 0, 0
            self._write({name: np.concatenate([part[name] for part in parts])[kept] for name in old})
            ours = len(keys) - 1 if not replace else len(keys) - len(batch) - 1
            if key is not None and kept[-1] == ours:  # it is still the newest, and may still be replaced
                self._end -= 1
                self._pending, self._forming_key = forming, key
            found = keys[kept]
        if after is None and self.key != "id":
            return []
        return _holes(found, after)

    def _allocate(self) -> dict[str, Array]:
        return {column.name: np.empty(self._room, dtype_of(column.kind, exact=False)) for column in self.table.columns}

    def _flush(self, keep: int) -> None:
        """Pack the pending rows but for the last ``keep``."""
        ready = self._pending[: len(self._pending) - keep]
        if not keep:
            self._forming_key = None
        if ready:
            del self._pending[: len(ready)]
            try:
                self._write(self._packer.pack(ready))
            except (OverflowError, TypeError, ValueError):
                self._write_each(ready)

    def _write_each(self, rows: Sequence[Any]) -> None:
        """Rows one by one: a single one that does not fit its columns must not cost the others."""
        for row in rows:
            try:
                self._write(self._packer.pack([row]))
            except (OverflowError, TypeError, ValueError):
                self.refused += 1

    def _replace(self, key: int, packed: Mapping[str, Array]) -> None:
        """Put values in the place of an older row, in new memory."""
        assert self.key is not None
        place = int(np.searchsorted(self._columns[self.key][self._start : self._end], key))
        if place < self._end - self._start and self._columns[self.key][self._start + place] == key:
            self._move(self._start, self._end)
            for name, column in self._columns.items():
                column[place] = packed[name][0]

    def _write(self, columns: Mapping[str, Array]) -> None:
        """Append columns; the newest rows move to new memory when they do not fit."""
        names = self.table.names
        count = len(columns[names[0]])
        skip = max(0, count - self.rows)
        count -= skip
        if self._end + count > self._room:
            start = max(self._start, self._end - self.rows + count)
            self._room = min(self._most_room, max(self._room, 2 * (self._end - start + count)))
            self._move(start, self._end)
        end = self._end + count
        for name in names:
            self._columns[name][self._end : end] = columns[name][skip:]
        self._end = end
        self._start = max(self._start, end - self.rows)
        if self.age_ms is not None and count and self._time is not None:
            self._drop_before(int(self._columns[self._time][end - 1]) - self.age_ms)

    def _move(self, start: int, end: int) -> None:
        fresh = self._allocate()
        for name, column in self._columns.items():
            fresh[name][: end - start] = column[start:end]
        self._columns, self._start, self._end = fresh, 0, end - start

    def _drop_before(self, time_ms: int) -> None:
        assert self._time is not None
        times = self._columns[self._time][self._start : self._end]
        self._start += int(np.searchsorted(times, time_ms))


def arrange(keys: Sequence[int], last: int | None) -> tuple[list[int], Hole | None, list[int]]:
    """Rows of a stream in the order of their ids: what can be passed on, what is missing, what must wait for it.

    Parameters
    ----------
    keys
        Ids in the order in which they came; repeated and old ones are left out.
    last
        The newest id that has been passed on; None at the beginning.

    Returns
    -------
    tuple
        Positions that follow ``last`` without a hole; the first hole, as (first, last) missing id, or None; positions
        after that hole.
    """
    count = len(keys)
    if count and (last is None or keys[0] == last + 1) and list(keys) == list(range(keys[0], keys[0] + count)):
        return list(range(count)), None, []
    places = {key: place for place, key in reversed(list(enumerate(keys)))}
    new = sorted(key for key in places if last is None or key > last)
    for at, key in enumerate(new):
        before = new[at - 1] if at else last
        if before is not None and key != before + 1:
            return [places[one] for one in new[:at]], (before + 1, key - 1), [places[one] for one in new[at:]]
    return [places[key] for key in new], None, []


def _holes(keys: Array, after: Callable[[int], int] | None) -> list[Hole]:
    steps = np.diff(keys)
    if not steps.size:
        return []
    # Months differ in length: every step but the shortest is looked at.
    places = np.flatnonzero(steps != 1) if after is None else np.flatnonzero(steps != steps.min())
    if after is not None and int(keys[1]) != after(int(keys[0])):
        places = np.arange(len(steps))
    found = []
    for place in places.tolist():
        key, following = int(keys[place]), int(keys[place + 1])
        wanted = key + 1 if after is None else after(key)
        if following != wanted:
            found.append((wanted, following - 1))
    return found

"""Events as records, to columns and back: what comes over REST takes the same way as what comes by stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from cryptox.model import events
from cryptox.model.book import Book
from cryptox.model.columns import CATEGORIES, DEPTH, Kind, Table
from cryptox.table.batch import Array, Batch, dtype_of
from cryptox.venues.port import Subject

__all__ = ["Records", "columns_of", "levels_of", "records_of"]

E = TypeVar("E", bound=events.Event)

_BUY_SELL = CATEGORIES[Kind.SIDE]
_TYPES: dict[str, Callable[..., events.Event]] = {
    "trades": events.Trade,
    "agg_trades": events.AggTrade,
    "klines": events.Kline,
    "ticker": events.Ticker,
    "book_ticker": events.BookTicker,
}


class Records(Generic[E]):
    """``Rows`` of the port, of records that are there already."""

    __slots__ = ("_events",)

    def __init__(self, events: Sequence[E]) -> None:
        self._events = events

    def __len__(self) -> int:
        """How many."""
        return len(self._events)

    def events(self) -> Sequence[E]:
        """The records."""
        return self._events

    def newest(self) -> E:
        """The last of them."""
        return self._events[-1]


def records_of(subject: Subject, batch: Batch, received_ns: int, as_of_ms: int | None = None) -> list[Any]:
    """The rows of an answer over REST as records of a feed.

    Parameters
    ----------
    subject
        What they are about.
    batch
        The answer.
    received_ns
        When it came, in wall clock ns.
    as_of_ms
        Of klines: a moment in exchange time that had come before the answer: what closed before it is final.
    """
    make, names = _TYPES[subject.kind], [name for name in batch.table.names if name != "symbol"]
    values = [_values(batch, name) for name in names]
    if subject.kind == "klines":
        assert as_of_ms is not None
        closes = batch["close_time"].tolist()
        return [
            make(subject.symbol, as_of_ms, received_ns, subject.interval, *row, closed < as_of_ms)
            for row, closed in zip(zip(*values, strict=True), closes, strict=True)
        ]
    if subject.kind == "book_ticker":
        return [make(subject.symbol, None, received_ns, 0, *row) for row in zip(*values, strict=True)]
    times = batch["close_time" if subject.kind == "ticker" else "time"].tolist()
    rows = zip(times, zip(*values, strict=True), strict=True)
    return [make(subject.symbol, at_ms, received_ns, *row) for at_ms, row in rows]


def columns_of(table: Table, records: Sequence[Any]) -> Batch:
    """Records as rows of their table."""
    arrays: dict[str, Array] = {}
    for column in table.columns:
        name = f"{column.name}_ms" if column.kind is Kind.TIME else column.name
        values: list[Any] = [getattr(record, name) for record in records]
        if column.kind is Kind.SIDE:
            values = [_BUY_SELL.index(value) for value in values]
        arrays[column.name] = np.array(values, dtype_of(column.kind, exact=False))
    return Batch(table, arrays)


def levels_of(book: Book | None) -> Batch:
    """The levels of a book as rows, bids then asks; no rows for none."""
    if book is None:
        return Batch.empty(DEPTH)
    sides = CATEGORIES[Kind.BOOK_SIDE]
    values: dict[str, Any] = {
        "side": [sides.index(side) for side in book.side],
        "level": book.level,
        "price": book.price,
        "quantity": book.quantity,
        "total": book.total,
    }
    arrays = {
        column.name: np.array(values[column.name], dtype_of(column.kind, exact=False)) for column in DEPTH.columns
    }
    return Batch(DEPTH, arrays, extra={"last_update_id": book.last_update_id})


def _values(batch: Batch, name: str) -> list[Any]:
    if batch.table[name].kind is Kind.SIDE:
        return [_BUY_SELL[code] for code in batch[name].tolist()]
    return list(batch[name].tolist())

"""Tickers, prices and averages: wire structs to batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from cryptox.errors import ExchangeError
from cryptox.model.columns import AVG_PRICE, BOOK_TICKER, DECIMAL_PRECISION, PRICES, TICKER, Kind, Table
from cryptox.table.batch import Array, Batch, dtype_of
from cryptox.table.decimals import from_texts
from cryptox.transport.messages import Answer
from cryptox.venues.binance import read
from cryptox.venues.binance.wire.market import AveragePrice, BookTicker, Price, Ticker

__all__ = ["read_avg_price", "read_book_ticker", "read_prices", "read_ticker"]


def read_ticker(answer: Answer, *, exact: bool) -> Batch:
    """Window statistics, one row per symbol; the columns that a window's answer lacks are null."""
    return batch_of(TICKER, _rows(answer, Ticker, exact=exact), exact=exact)


def read_prices(answer: Answer, *, exact: bool) -> Batch:
    """Last prices, one row per symbol."""
    return batch_of(PRICES, _rows(answer, Price, exact=exact), exact=exact)


def read_book_ticker(answer: Answer, *, exact: bool) -> Batch:
    """Best bids and asks, one row per symbol."""
    return batch_of(BOOK_TICKER, _rows(answer, BookTicker, exact=exact), exact=exact)


def read_avg_price(answer: Answer, symbol: str, *, exact: bool) -> Batch:
    """Average price, one row. Answers from before 2023 have no close time: the epoch stands for it."""
    rows = _rows(answer, AveragePrice, exact=exact)
    if len(rows) != 1:
        raise ExchangeError(f"The answer holds {len(rows)} averages, not one.")
    row = rows[0]
    close_time = 0 if row.close_time is msgspec.UNSET else row.close_time
    columns = {
        "symbol": np.array([symbol], object),
        "price": _numbers([row.price], Kind.PRICE, exact=exact)[0],
        "minutes": _plain("minutes", [row.minutes], np.dtype(np.int64)),
        "close_time": _plain("close_time", [close_time], np.dtype(np.int64)),
    }
    return Batch(AVG_PRICE, columns, exact)


def _rows(answer: Answer, kind: Any, *, exact: bool) -> list[Any]:
    """The structs of an answer that is one object or a list of them."""
    number = str if exact else float
    found = read.read_as(answer, kind[number] | list[kind[number]])
    return found if isinstance(found, list) else [found]


def batch_of(table: Table, rows: Sequence[Any], *, exact: bool) -> Batch:
    """Structs whose fields are named like the table's columns, as a batch."""
    columns: dict[str, Array] = {}
    nulls: dict[str, Array] = {}
    for column in table.columns:
        values = [getattr(row, column.name) for row in rows]
        if column.kind in DECIMAL_PRECISION:
            columns[column.name], mask = _numbers(values, column.kind, exact=exact)
            if mask.any():
                nulls[column.name] = mask
        else:
            columns[column.name] = _plain(column.name, values, dtype_of(column.kind, exact=exact))
    return Batch(table, columns, exact, nulls)


def _plain(name: str, values: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    """A column of words or integers, which no answer may lack."""
    if any(value is msgspec.UNSET for value in values):
        raise ExchangeError(f"The answer lacks {name}.")
    try:
        return np.array(values, dtype)
    except OverflowError as error:
        raise ExchangeError(f"The answer's {name} is beyond 64 bits.") from error


def _numbers(values: Sequence[Any], kind: Kind, *, exact: bool) -> tuple[Array, Array]:
    """A column of numbers and the mask of those that are absent."""
    mask = np.array([value is msgspec.UNSET for value in values], np.bool_)
    if exact:
        return from_texts(["0" if value is msgspec.UNSET else value for value in values]), mask
    plain = [np.nan if value is msgspec.UNSET else value for value in values]
    column = np.array(plain, dtype_of(kind, exact=False))
    if not np.isfinite(column[~mask]).all():
        raise ExchangeError("A number in the answer is not finite.")
    return column, mask

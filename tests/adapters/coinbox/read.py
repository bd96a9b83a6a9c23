"""Coinbox's answers to our batches and records. Pure; whatever is not as it should be is an ``ExchangeError``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import numpy as np

from coinbox.wire import MINUTE, Average, Book, Candle, Pair, Pairs, Problem, Summary, Trade
from cryptox.errors import ExchangeError
from cryptox.model import columns
from cryptox.model.columns import DECIMAL_PRECISION, Kind, Table
from cryptox.model.symbols import Symbol
from cryptox.table.batch import Array, Batch, dtype_of
from cryptox.table.decimals import from_texts
from cryptox.transport.messages import Answer, Limit
from cryptox.venues.port import Rules

T = TypeVar("T")
Row = dict[str, Any]


def milliseconds(seconds: float) -> int:
    """Our times are whole milliseconds."""
    return round(seconds * 1000)


def problem(answer: Answer) -> Problem | None:
    """What a refusal says; None for a body that is not the exchange's."""
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def read_as(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ExchangeError(
            f"The answer is not what was asked for: {error}", technical_details=repr(answer.body[:100])
        ) from error


def _batch(table: Table, values: Mapping[str, Sequence[Any]], exact: bool, **extra: Any) -> Batch:
    """Lists by column as a batch: numbers that come as text stay exact, or become the nearest float."""
    arrays: dict[str, Array] = {}
    for column in table.columns:
        given = values[column.name]
        if column.kind not in DECIMAL_PRECISION:
            arrays[column.name] = np.array(given, dtype_of(column.kind, exact=exact))
        elif exact:
            arrays[column.name] = from_texts(given)
        else:
            arrays[column.name] = np.array([float(text) for text in given], np.float64)
    return Batch(table, arrays, exact, extra=extra)


def klines(answer: Answer, *, width_ms: int, exact: bool) -> Batch:
    rows = read_as(answer, list[Candle])[::-1]  # newest first, there
    at = [row.at * 1000 for row in rows]
    values = {
        "open_time": at,
        "open": [row.open for row in rows],
        "high": [row.high for row in rows],
        "low": [row.low for row in rows],
        "close": [row.close for row in rows],
        "volume": [row.volume for row in rows],
        "close_time": [open_ms + width_ms - 1 for open_ms in at],
        "quote_volume": [row.value for row in rows],
        "trades": [row.trades for row in rows],
        "taker_buy_volume": [row.taker_volume for row in rows],
        "taker_buy_quote_volume": [row.taker_value for row in rows],
    }
    return _batch(columns.KLINES, values, exact)


def _executions(answer: Answer) -> tuple[list[Trade], Row]:
    rows = read_as(answer, list[Trade])[::-1]
    buy, sell = (columns.CATEGORIES[Kind.SIDE].index(side) for side in ("buy", "sell"))
    return rows, {
        "time": [milliseconds(row.at) for row in rows],
        "id": [row.n for row in rows],
        "price": [row.price for row in rows],
        "quantity": [row.size for row in rows],
        "side": [buy if row.bought else sell for row in rows],
        "is_best_match": [True] * len(rows),
    }


def trades(answer: Answer, *, exact: bool) -> Batch:
    rows, values = _executions(answer)
    worth = [format(Decimal(row.price) * Decimal(row.size), "f") for row in rows]
    return _batch(columns.TRADES, {**values, "quote_quantity": worth}, exact)


def aggregates(answer: Answer, *, exact: bool) -> Batch:
    rows, values = _executions(answer)
    ids = [row.n for row in rows]
    return _batch(columns.AGG_TRADES, {**values, "first_id": ids, "last_id": ids}, exact)


def depth(answer: Answer, *, exact: bool) -> Batch:
    book = read_as(answer, Book)
    sides = (book.bids, book.asks)
    codes = [columns.CATEGORIES[Kind.BOOK_SIDE].index(side) for side in ("bid", "ask")]
    values = {
        "side": [code for code, levels in zip(codes, sides, strict=True) for _ in levels],
        "level": [place for levels in sides for place in range(len(levels))],
        "price": [price for levels in sides for price, _ in levels],
        "quantity": [size for levels in sides for _, size in levels],
        "total": [total for levels in sides for total in _running(levels)],
    }
    return _batch(columns.DEPTH, values, exact, last_update_id=book.version)


def _running(levels: Sequence[tuple[str, str]]) -> list[str]:
    total, told = Decimal(0), []
    for _, size in levels:
        total += Decimal(size)
        told.append(format(total, "f"))
    return told


def summaries(answer: Answer, *, table: Table, exact: bool) -> Batch:
    rows = [_summary(row) for row in read_as(answer, list[Summary])]
    return _batch(table, {name: [row[name] for row in rows] for name in table.names}, exact)


def _summary(row: Summary) -> Row:
    """A row under the names of the tables ticker, prices and book_ticker."""
    change = Decimal(row.last) - Decimal(row.open)
    return {
        "symbol": row.pair.replace("_", ""),
        "price": row.last,
        "price_change": format(change, "f"),
        "price_change_percent": f"{change / Decimal(row.open) * 100:.3f}",
        "weighted_avg_price": f"{Decimal(row.value) / Decimal(row.volume):.8f}",
        "prev_close": row.before,
        "last": row.last,
        "last_quantity": row.last_size,
        "bid": row.bid,
        "bid_quantity": row.bid_size,
        "ask": row.ask,
        "ask_quantity": row.ask_size,
        "open": row.open,
        "high": row.high,
        "low": row.low,
        "volume": row.volume,
        "quote_volume": row.value,
        "open_time": row.since * 1000,
        "close_time": row.until * 1000,
        "first_id": row.first,
        "last_id": row.first + row.count - 1,
        "trades": row.count,
    }


def average(answer: Answer, *, symbol: str, exact: bool) -> Batch:
    said = read_as(answer, Average)
    values = {
        "symbol": [symbol],
        "price": [said.price],
        "minutes": [said.minutes],
        "close_time": [milliseconds(said.at)],
    }
    return _batch(columns.AVG_PRICE, values, exact)


def rules(answer: Answer) -> Rules:
    said = read_as(answer, Pairs)
    return Rules((Limit(MINUTE.kind, said.per_minute, MINUTE.window_ms),), tuple(map(_symbol, said.pairs)))


def _symbol(pair: Pair) -> Symbol:
    base, _, quote = pair.pair.partition("_")
    return Symbol(
        symbol=base + quote,
        base=base,
        quote=quote,
        status="TRADING" if pair.open else "HALT",
        tick_size=pair.tick,
        step_size=pair.lot,
        min_quantity=pair.lot,
        min_notional=pair.least,
        order_types=("LIMIT", "MARKET"),
    )

"""The four bulk answers in JSON, as columns: klines, trades, aggregate trades, depth.

The reference of ``sbe/arrays``: both give identical batches. Numbers are plain decimals as Binance writes them;
exponents, NaN and anything else that is not a plain number are refused.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from cryptox.errors import ExchangeError
from cryptox.model import columns
from cryptox.model.columns import DECIMAL_PRECISION, Kind, Table
from cryptox.table.batch import Array, Batch, dtype_of
from cryptox.table.decimals import fits, from_texts

from .digits import DECIMALS, kline_columns
from .sbe.arrays import running, scaled
from .wire.market import AggTrade, Depth, Kline, Trade

__all__ = ["agg_trades", "depth", "excerpt", "klines", "trades"]

T = TypeVar("T")

_NUMBERS = b"0123456789.-"
_MICROSECONDS = 10**14  # times from here on are microseconds

# A tuple has exactly as many fields as it says; a struct would take a row that is longer or lacks the last.
_KLINES = msgspec.json.Decoder(list[tuple[int, str, str, str, str, str, int, str, int, str, str, str]])
_TRADES = msgspec.json.Decoder(list[Trade[str]])
_AGG_TRADES = msgspec.json.Decoder(list[AggTrade[str]])
_DEPTH = msgspec.json.Decoder(Depth[str])


def klines(body: bytes, *, exact: bool = False) -> Batch:
    """Candles from the rows of twelve.

    Raises
    ------
    ExchangeError
        The body is anything else, or (``exact``) a number has more than 8 decimals or too many digits.
    """
    fast = kline_columns(body)
    if fast is None:
        rows = _decoded(_KLINES, body, "a list of klines of twelve fields")
        return _rows(columns.KLINES, [Kline(*row) for row in rows], exact)
    integers, numbers = (list(one) for one in fast)
    if not exact:
        numbers = list(scaled(fast[1].ravel(), DECIMALS, Kind.VOLUME, exact=False).reshape(fast[1].shape))
    arrays: dict[str, Array] = {}
    for column in columns.KLINES.columns:
        if column.kind in DECIMAL_PRECISION:
            values = numbers.pop(0)
            arrays[column.name] = scaled(values, DECIMALS, column.kind, exact=True) if exact else values
        else:
            values = integers.pop(0)
            arrays[column.name] = _milliseconds(values) if column.kind is Kind.TIME else values
    return Batch(columns.KLINES, arrays, exact)


def trades(body: bytes, *, exact: bool = False) -> Batch:
    """Trades from ``trades`` and ``historicalTrades``; errors as ``klines``."""
    found = _decoded(_TRADES, body, "a list of trades")
    return _rows(columns.TRADES, found, exact)


def agg_trades(body: bytes, *, exact: bool = False) -> Batch:
    """Aggregate trades; errors as ``klines``."""
    found = _decoded(_AGG_TRADES, body, "a list of aggregate trades")
    return _rows(columns.AGG_TRADES, found, exact)


def depth(body: bytes, *, exact: bool = False) -> Batch:
    """Order book, ``extra["last_update_id"]`` set; errors as ``klines``."""
    book = _decoded(_DEPTH, body, "an order book")
    levels = [*book.bids, *book.asks]
    table, bids, asks = columns.DEPTH, len(book.bids), len(book.asks)
    quantities = [quantity for _, quantity in levels]
    _check(quantities)
    mantissas, decimals = _mantissas(quantities)
    total = np.concatenate([running(mantissas[:bids]), running(mantissas[bids:])])
    codes = [columns.CATEGORIES[Kind.BOOK_SIDE].index(side) for side in ("bid", "ask")]
    arrays = {
        "side": np.repeat(np.array(codes, np.int8), [bids, asks]),
        "level": np.concatenate([np.arange(bids), np.arange(asks)]),
        "price": _numbers([price for price, _ in levels], table["price"].kind, exact),
        "quantity": scaled(mantissas, decimals, table["quantity"].kind, exact=exact),
        "total": scaled(total, decimals, table["total"].kind, exact=exact),
    }
    return Batch(table, arrays, exact, extra={"last_update_id": book.last_update_id})


def _rows(table: Table, rows: list[Any], exact: bool) -> Batch:
    """Columns of structs that carry our names."""
    arrays: dict[str, Array] = {}
    for column in table.columns:
        name = "buyer_is_maker" if column.kind is Kind.SIDE else column.name
        values = [getattr(row, name) for row in rows]
        if column.kind in DECIMAL_PRECISION:
            arrays[column.name] = _numbers(values, column.kind, exact)
        elif column.kind is Kind.SIDE:
            sell = columns.CATEGORIES[Kind.SIDE].index("sell")
            # The taker sold when the buyer was the maker.
            arrays[column.name] = np.array(values, np.int8) * np.int8(sell)
        else:
            whole = _whole(values, dtype_of(column.kind, exact=exact))
            arrays[column.name] = _milliseconds(whole) if column.kind is Kind.TIME else whole
    return Batch(table, arrays, exact)


def _whole(values: list[int], dtype: np.dtype[Any]) -> Array:
    try:
        return np.array(values, dtype)
    except OverflowError as error:
        raise ExchangeError("The answer holds an integer beyond 64 bits.") from error


def _milliseconds(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Times in milliseconds, from whichever unit the answer has."""
    return np.where(times >= _MICROSECONDS, times // 1000, times)


def _numbers(texts: list[str], kind: Kind, exact: bool) -> Array:
    """A column of plain decimals."""
    _check(texts)
    if not exact:
        try:
            floats = np.fromiter(map(float, texts), np.float64, len(texts))
        except ValueError as error:
            raise _not_plain(texts) from error
        if not np.isfinite(floats).all():
            raise ExchangeError("A number in the answer is too large for a float.")
        return floats
    column = from_texts(texts)
    if not fits(column, DECIMAL_PRECISION[kind]).all():
        raise ExchangeError(
            f"A {kind} has more than {DECIMAL_PRECISION[kind]} digits, too many for an exact column.",
            recovery_suggestions=["Ask without exact=True."],
        )
    return column


def _check(texts: list[str]) -> None:
    """Refuse what ``float`` and ``int`` would take beyond plain decimals: exponents, NaN, blanks, underscores."""
    joined = ",".join(texts).encode()
    if joined.translate(None, _NUMBERS) != b"," * max(0, len(texts) - 1):
        raise _not_plain(texts)


def _mantissas(texts: list[str]) -> tuple[Array, int]:
    """Integers (int64, or Python's where those are too small) at the most decimals that any of the texts has."""
    parts = [text.partition(".") for text in texts]
    decimals = max((len(fraction) for _, _, fraction in parts), default=0)
    try:
        integers = [int(whole + fraction.ljust(decimals, "0")) for whole, _, fraction in parts]
    except ValueError as error:
        raise _not_plain(texts) from error
    try:
        return np.array(integers, np.int64), decimals
    except OverflowError:
        return np.array(integers, object), decimals


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unlike(body, what) from error


def _unlike(body: bytes, what: str) -> ExchangeError:
    return ExchangeError(f"The answer is not {what}: {excerpt(body)}")


def _not_plain(texts: list[str]) -> ExchangeError:
    odd = next((text for text in texts if not text.replace(".", "", 1).removeprefix("-").isdecimal()), "")
    return ExchangeError(f"A number in the answer is not a plain decimal: {odd[:40]!r}")


def excerpt(body: bytes, most: int = 120) -> str:
    """The beginning of a body for an error message, in one line."""
    text = " ".join(body[: 4 * most].decode(errors="replace").split())
    return repr(text if len(text) <= most else text[:most] + "...") if body else "nothing"

"""The four bulk answers in SBE, as whole arrays: klines 203, trades 201, aggregate trades 202, depth 200.

Layouts come from the schema. A float is ``mantissa / 10**k``, which is correctly rounded, so bit-equal to
``float(text)``, while the mantissa is below 2**53; larger ones are divided one by one as Python integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cryptox.errors import ExchangeError
from cryptox.model import columns
from cryptox.model.columns import DECIMAL_PRECISION, Kind, Table
from cryptox.table.batch import DECIMAL, Array, Batch
from cryptox.table.decimals import fits, from_int64, from_int128, from_integers

from .schema import HEADER, Block, Value, load

__all__ = [
    "read_agg_trades",
    "read_depth",
    "read_klines",
    "read_trades",
    "running",
    "scaled",
    "write_agg_trades",
    "write_depth",
    "write_klines",
    "write_trades",
]

_EXACT = 1 << 53
_SELL = columns.CATEGORIES[Kind.SIDE].index("sell")
_BID, _ASK = (columns.CATEGORIES[Kind.BOOK_SIDE].index(side) for side in ("bid", "ask"))

# Our column -> field of the schema.
_KLINES = {
    "open_time": "openTime",
    "open": "openPrice",
    "high": "highPrice",
    "low": "lowPrice",
    "close": "closePrice",
    "volume": "volume",
    "close_time": "closeTime",
    "quote_volume": "quoteVolume",
    "trades": "numTrades",
    "taker_buy_volume": "takerBuyBaseVolume",
    "taker_buy_quote_volume": "takerBuyQuoteVolume",
}
_TRADES = {
    "time": "time",
    "id": "id",
    "price": "price",
    "quantity": "qty",
    "quote_quantity": "quoteQty",
    "side": "isBuyerMaker",
    "is_best_match": "isBestMatch",
}
_AGG_TRADES = {
    "time": "time",
    "id": "aggTradeId",
    "price": "price",
    "quantity": "qty",
    "first_id": "firstTradeId",
    "last_id": "lastTradeId",
    "side": "isBuyerMaker",
    "is_best_match": "isBestMatch",
}


def read_klines(body: bytes, *, exact: bool = False) -> Batch:
    """Candles from a KlinesResponse.

    Raises
    ------
    ExchangeError
        Another message, a cut body, or (``exact``) a number with more than 8 decimals or too many digits.
    """
    return _read_rows(body, "KlinesResponse", columns.KLINES, _KLINES, exact)


def read_trades(body: bytes, *, exact: bool = False) -> Batch:
    """Trades from a TradesResponse; errors as ``read_klines``."""
    return _read_rows(body, "TradesResponse", columns.TRADES, _TRADES, exact)


def read_agg_trades(body: bytes, *, exact: bool = False) -> Batch:
    """Aggregate trades from an AggTradesResponse; errors as ``read_klines``."""
    return _read_rows(body, "AggTradesResponse", columns.AGG_TRADES, _AGG_TRADES, exact)


def read_depth(body: bytes, *, exact: bool = False) -> Batch:
    """Order book from a DepthResponse, ``extra["last_update_id"]`` set; errors as ``read_klines``."""
    root, (bids, asks) = _open(body, "DepthResponse")
    price, quantity = (np.concatenate([bids[name], asks[name]]) for name in ("price", "qty"))
    total = np.concatenate([running(bids["qty"]), running(asks["qty"])])
    table, k = columns.DEPTH, -root["qtyExponent"]
    arrays = {
        "side": np.repeat(np.array([_BID, _ASK], np.int8), [len(bids), len(asks)]),
        "level": np.concatenate([np.arange(len(bids)), np.arange(len(asks))]),
        "price": scaled(price, -root["priceExponent"], table["price"].kind, exact=exact),
        "quantity": scaled(quantity, k, table["quantity"].kind, exact=exact),
        "total": scaled(total, k, table["total"].kind, exact=exact),
    }
    return Batch(table, arrays, exact, extra={"last_update_id": root["lastUpdateId"]})


def running(mantissas: Array) -> Array:
    """Running sums, exact: int64, or Python integers where int64 would not hold them."""
    largest = int(np.abs(mantissas).max(initial=0))  # |int64 min| stays negative, and is refused as null later on
    if mantissas.dtype != object and largest * len(mantissas) < 1 << 63:
        return np.cumsum(mantissas, dtype=np.int64)
    return np.cumsum(mantissas.astype(object))


def scaled(mantissas: Array, decimals: int, kind: Kind, *, exact: bool) -> Array:
    """``mantissas / 10**decimals`` as a column of that kind.

    Parameters
    ----------
    mantissas
        int64, ``DECIMAL`` (128 bits) or Python integers.
    decimals
        Negative multiplies.

    Raises
    ------
    ExchangeError
        A null, or with ``exact`` a number with more than 8 decimals or too many digits.
    """
    top = mantissas["high"] if mantissas.dtype == DECIMAL else mantissas
    if top.dtype == np.int64 and len(top) and int(top.min()) == np.iinfo(np.int64).min:
        raise ExchangeError("The exchange left out a number that every row must have.")
    if not exact:
        return _floats(mantissas, decimals)
    if mantissas.dtype == object:
        mantissas = from_integers(mantissas.tolist())
    column = (from_int128 if mantissas.dtype == DECIMAL else from_int64)(mantissas, decimals)
    if not fits(column, DECIMAL_PRECISION[kind]).all():
        raise ExchangeError(
            f"A {kind} has more than {DECIMAL_PRECISION[kind]} digits, too many for an exact column.",
            recovery_suggestions=["Ask without exact=True."],
        )
    return column


def _floats(mantissas: Array, decimals: int) -> npt.NDArray[np.float64]:
    if mantissas.dtype == DECIMAL:
        narrow = mantissas["low"]
        large = (narrow >= _EXACT) | (mantissas["high"] != 0)
    elif mantissas.dtype == object:
        narrow, large = np.zeros(len(mantissas)), np.ones(len(mantissas), np.bool_)
    else:
        narrow, large = mantissas, np.abs(mantissas) >= _EXACT
    if not 0 <= decimals <= 22:  # beyond, a power of ten is no exact float
        large = np.ones(len(mantissas), np.bool_)
    floats = narrow / float(10 ** min(max(decimals, 0), 22))
    where = np.flatnonzero(large)
    if where.size:
        floats[where] = [_divided(value, decimals) for value in _integers(mantissas[where])]
    return floats


def _divided(mantissa: int, decimals: int) -> float:
    try:
        return mantissa / 10**decimals if decimals >= 0 else float(mantissa * 10**-decimals)
    except OverflowError as error:
        raise ExchangeError("A number in the answer is too large for a float.") from error


def _integers(mantissas: Array) -> list[int]:
    if mantissas.dtype != DECIMAL:
        return [int(value) for value in mantissas.tolist()]
    return [(high << 64) + low for low, high in mantissas.tolist()]


def _read_rows(body: bytes, message: str, table: Table, fields: Mapping[str, str], exact: bool) -> Batch:
    root, (rows,) = _open(body, message)
    _, block = _layout(message)
    exponents = {one.name: one.exponent for one in block.groups[0].block.fields}
    arrays: dict[str, Array] = {}
    for column in table.columns:
        name = fields[column.name]
        values = rows[name]
        if column.kind is Kind.TIME:
            arrays[column.name] = values // 1000
        elif column.kind in DECIMAL_PRECISION:
            arrays[column.name] = scaled(values, -root[exponents[name]], column.kind, exact=exact)
        elif column.kind is Kind.INTEGER:
            arrays[column.name] = values.astype(np.int64)
        else:
            arrays[column.name] = _flags(values, column.kind)
    return Batch(table, arrays, exact)


def _flags(values: Array, kind: Kind) -> Array:
    if values.max(initial=0) > 1:
        raise ExchangeError("A flag in the SBE answer is neither true nor false.")
    # The taker sold when the buyer was the maker.
    return (values * _SELL).astype(np.int8) if kind is Kind.SIDE else values.astype(np.bool_)


def _layout(message: str) -> tuple[int, Block]:
    found = load()[message]
    return found.id, found.block


@lru_cache(maxsize=32)
def _dtype(message: str, group: int, length: int) -> np.dtype[Any]:
    """Entries of a group, ``length`` bytes each; a longer one is of a newer server."""
    block = _layout(message)[1].groups[group].block
    if length < block.size:
        raise ExchangeError(f"Rows of {length} bytes in the SBE answer are too short for a {message}: {block.size}.")
    formats = [DECIMAL if one.size == 16 else np.dtype(f"<{one.format}") for one in block.fields]
    offsets = np.cumsum([0, *(one.size for one in block.fields)])[:-1].tolist()
    names = [one.name for one in block.fields]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": length})


def _open(body: bytes, message: str) -> tuple[dict[str, int], list[Array]]:
    """Fields of the root block, and the entries of every group."""
    template, block = _layout(message)
    if len(body) < HEADER.size:
        raise ExchangeError(f"The answer has {len(body)} bytes, too few for an SBE message.")
    length, got, schema_id, version = HEADER.unpack_from(body)
    if (got, schema_id) != (template, load().id):
        raise ExchangeError(
            f"The answer is SBE template {got} of schema {schema_id}:{version}, not {message} "
            f"({template} of schema {load().id})."
        )
    at = HEADER.size + length
    if length < block.size or at > len(body):
        raise _cut(body, message)
    values = block.full.unpack_from(body, HEADER.size)
    root = {one.name: value for one, value in zip(block.fields, values, strict=True)}
    if any(value == one.null for one, value in zip(block.fields, values, strict=True)):
        raise ExchangeError(f"The {message} leaves out a field that it must have.")
    groups = []
    for index, group in enumerate(block.groups):
        if at + group.header.size > len(body):
            raise _cut(body, message)
        size, count = group.header.unpack_from(body, at)
        at += group.header.size
        if at + size * count > len(body):
            raise _cut(body, message)
        groups.append(np.frombuffer(body, _dtype(message, index, size if count else group.block.size), count, at))
        at += size * count
    return root, groups


def _cut(body: bytes, message: str) -> ExchangeError:
    return ExchangeError(f"The {message} is cut after {len(body)} bytes.", technical_details=body[:48].hex())


def write_klines(rows: Mapping[str, Array], *, price_exponent: int, quantity_exponent: int) -> bytes:
    """A KlinesResponse.

    Parameters
    ----------
    rows
        By our column names: mantissas as int64 or ``DECIMAL``, times in milliseconds or (16 digits) microseconds.
        A ``close_time`` in milliseconds ends with the last microsecond of its millisecond.
    price_exponent, quantity_exponent
        Of the mantissas; quote volumes have the price's.

    Raises
    ------
    ValueError
        A mantissa does not fit its field.
    """
    return _write("KlinesResponse", (price_exponent, quantity_exponent), [(_KLINES, rows)])


def write_trades(rows: Mapping[str, Array], *, price_exponent: int, quantity_exponent: int) -> bytes:
    """A TradesResponse; ``side`` holds the taker's, 0 for buy; the rest as ``write_klines``."""
    return _write("TradesResponse", (price_exponent, quantity_exponent), [(_TRADES, rows)])


def write_agg_trades(rows: Mapping[str, Array], *, price_exponent: int, quantity_exponent: int) -> bytes:
    """An AggTradesResponse; as ``write_trades``."""
    return _write("AggTradesResponse", (price_exponent, quantity_exponent), [(_AGG_TRADES, rows)])


def write_depth(
    bids: Mapping[str, Array],
    asks: Mapping[str, Array],
    *,
    last_update_id: int,
    price_exponent: int,
    quantity_exponent: int,
) -> bytes:
    """A DepthResponse from ``price`` and ``quantity`` of both sides, best first; the rest as ``write_klines``."""
    names = {"price": "price", "quantity": "qty"}
    head = (last_update_id, price_exponent, quantity_exponent)
    return _write("DepthResponse", head, [(names, bids), (names, asks)])


def _write(message: str, head: tuple[int, ...], sides: list[tuple[Mapping[str, str], Mapping[str, Array]]]) -> bytes:
    template, block = _layout(message)
    parts = [HEADER.pack(block.size, template, load().id, load().version), block.full.pack(*head)]
    for index, (names, rows) in enumerate(sides):
        group = block.groups[index]
        count = len(next(iter(rows.values())))
        entries = np.zeros(count, _dtype(message, index, group.block.size))
        meanings = {one.name: one.value for one in group.block.fields}
        for ours, theirs in names.items():
            values = np.asarray(rows[ours])
            if meanings[theirs] is Value.TIME:
                values = _microseconds(values, last=ours == "close_time")
            _fill(entries, theirs, values)
        parts += [group.header.pack(group.block.size, count), entries.tobytes()]
    return b"".join(parts)


def _microseconds(times: Array, *, last: bool) -> Array:
    return np.where(times < 10**14, times * 1000 + (999 if last else 0), times)


def _fill(entries: Array, name: str, values: Array) -> None:
    """Mantissas into a field of 64 or 128 bits."""
    target = entries[name]
    if target.dtype != DECIMAL:
        if values.dtype == DECIMAL:
            if (values["high"] != values["low"].view(np.int64) >> 63).any():
                raise ValueError(f"{name} holds a number beyond 64 bits")
            values = values["low"].view(np.int64)
        target[:] = values
    elif values.dtype == DECIMAL:
        target[:] = values
    else:
        target["low"] = values.astype(np.int64).view(np.uint64)
        target["high"] = values.astype(np.int64) >> 63

"""Rows and books in SBE: integers of the symbol's grid to mantissas of eight decimals, whole columns at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cryptox.table.decimals import from_int64
from cryptox.venues.binance.sbe.arrays import write_agg_trades, write_depth, write_klines, write_trades
from cryptox.venues.binance.wire.market import AggTrade, Kline, Trade

from .question import Book, Ints, Rows
from .text import PLACES, Fixed, Piece, Same

__all__ = ["binary_book", "binary_rows"]

_LARGEST = 2**63 - 1
_WRITERS = {Kline: write_klines, Trade: write_trades, AggTrade: write_agg_trades}
_EXPONENTS = {"price_exponent": -PLACES, "quantity_exponent": -PLACES}  # so that both encodings print alike


def binary_rows(rows: Rows) -> bytes:
    """Candles, trades or aggregate trades."""
    columns = {name: _values(piece) for name, piece in rows.columns.items()}
    if "buyer_is_maker" in columns:
        columns["side"] = columns.pop("buyer_is_maker").astype(np.int8)  # the taker sold where the buyer was the maker
    return _WRITERS[rows.kind](columns, **_EXPONENTS)


def binary_book(book: Book) -> bytes:
    """An order book."""
    levels, listing = book.levels, book.listing

    exponents = dict(_EXPONENTS)
    most = max(int(one.max(initial=0)) for one in (levels.bid_quantity, levels.ask_quantity))
    if most * 10 ** (PLACES + listing.quantity_exponent) > _LARGEST:  # several orders of a cheap coin at one price
        exponents["quantity_exponent"] = listing.quantity_exponent

    def side(prices: Ints, quantities: Ints) -> dict[str, Any]:
        coarser = listing.quantity_exponent - exponents["quantity_exponent"] - PLACES
        return {"price": mantissas(prices, listing.price_exponent), "quantity": mantissas(quantities, coarser)}

    bids = side(levels.bid_price, levels.bid_quantity)
    asks = side(levels.ask_price, levels.ask_quantity)
    return write_depth(bids, asks, last_update_id=levels.last_update_id, **exponents)


def _values(piece: Piece) -> npt.NDArray[Any]:
    if isinstance(piece, Fixed):
        return mantissas(piece.values, piece.exponent)
    if isinstance(piece, Same):
        raise TypeError("a column that is the same in every row has no place in SBE")
    return piece.values


def mantissas(values: Ints, exponent: int) -> npt.NDArray[Any]:
    """``values * 10**exponent`` in units of 10**-8: int64 where that fits, 128 bits otherwise."""
    if exponent < -PLACES:
        step = 10 ** (-exponent - PLACES)
        nearest: Ints = (values + step // 2) // step
        return nearest
    factor = 10 ** (PLACES + exponent)
    if int(values.max(initial=0)) * factor <= _LARGEST:
        scaled: Ints = values * factor
        return scaled
    return from_int64(values, -exponent)

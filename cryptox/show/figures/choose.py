"""Which figure fits to a frame, or to what a feed has: by its columns, its kind and the number of its symbols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import numpy as np

from cryptox.errors import BadSymbol, ValidationError
from cryptox.model.columns import BOOK_TICKER, DEPTH, KLINES, TICKER, TRADES, Table
from cryptox.model.names import near_names, normalise_symbol
from cryptox.table.batch import DECIMAL, Array, Batch
from cryptox.table.decimals import to_float
from cryptox.table.grids import as_of
from cryptox.table.reading import column_names, read

from . import own
from .compare import compare
from .depth import depth
from .klines import klines
from .look import About, Figure
from .overlays import overlay_values
from .tickers import quotes, quotes_over_time, tickers, tickers_over_time
from .trades import trades
from .wishes import PURPOSE, Wishes, wishes, wrong

__all__ = ["of_frame", "of_rows", "of_snapshot"]

ALMOST: Final = 0.5  # of the columns of a kind: then it is told what is missing

Columns = Mapping[str, Array]
Chosen = Mapping[str | None, Array]
"""Symbols, None for one that is not known, and for each which rows are its own."""

# What a kind of frame is known by, and what else its figure shows where it is there.
_KINDS: Final[Mapping[str, tuple[Table, tuple[str, ...], tuple[str, ...]]]] = {
    "klines": (KLINES, ("open_time", "open", "high", "low", "close"), ("volume", "close_time")),
    "trades": (TRADES, ("time", "price", "quantity", "side"), ()),
    "depth": (DEPTH, ("side", "level", "price", "quantity"), ()),
    "ticker": (TICKER, ("last", "price_change_percent"), ("high", "low", "volume", "bid", "ask", "close_time")),
    "book_ticker": (BOOK_TICKER, ("bid", "ask"), ()),
}
# Figures of one bar a symbol, and what one symbol's course over time needs besides.
_OF_BARS: Final[Mapping[str, frozenset[str]]] = {"ticker": frozenset({"close_time"}), "book_ticker": frozenset()}
_OF_FEEDS: Final = {"agg_trades": "trades", "book": "depth"}


def of_frame(frame: Any, **options: Any) -> Figure:
    """The figure of a frame of pandas or polars; ``Accessor.plot`` says which, and what the options are.

    Raises
    ------
    ValidationError
        A frame of another kind, or options that are not what they can be.
    """
    with _asked("df.cx.plot"):
        return _of_frame(frame, wishes(**options))


def of_snapshot(snapshot: Any, **options: Any) -> Figure:
    """The figure of what a feed has at a moment (``sessions.live.Snapshot``); options as those of ``df.cx.plot``.

    Raises
    ------
    ValidationError
        Options that are not what they can be.
    """
    with _asked("feed.figure"):
        return _of_snapshot(snapshot, wishes(**options))


def of_rows(
    kind: str, batch: Batch, symbols: Chosen, about: About, wanted: Wishes,
    overlays: Mapping[str, Array], *, is_leading: bool,
) -> Figure:  # fmt: skip
    """The figure of rows.

    Parameters
    ----------
    kind
        klines, trades, depth, ticker or book_ticker.
    batch
        The rows.
    symbols
        Which of them are of which symbol; None for one that is not known.
    about
        Of what, without the symbol.
    wanted
        The options.
    overlays
        Further values by name, as long as the rows.
    is_leading
        Whether the rows tell their symbol: otherwise ``symbol=`` only names it.

    Raises
    ------
    ValidationError
        An option that the kind has not, several symbols where one is needed, a symbol that is not there.
    """
    wanted.check(kind)
    columns = {name: _floats(values) for name, values in batch.columns.items()}
    chosen = _chosen(symbols, wanted.symbol, is_leading=is_leading) or {None: np.ones(len(batch), np.bool_)}
    rows = sum(int(mask.sum()) for mask in chosen.values())
    if kind in _OF_BARS and (len(chosen) > 1 or rows < 2 or not _OF_BARS[kind] <= columns.keys()):
        return _bars(kind, columns, chosen, about, wanted)
    if len(chosen) > 1:
        return _several(kind, columns, chosen, about, wanted)
    symbol, mask = next(iter(chosen.items()))
    about = replace(about, symbol=symbol)
    part = {name: values[mask] for name, values in columns.items()}
    if kind == "klines":
        if wanted.volume and "volume" not in part:
            raise wrong("volume=True needs the column volume, which this frame has not.", "volume", {"volume": False})
        return klines(part, about, {name: values[mask] for name, values in overlays.items()}, wanted)
    if kind == "depth":
        return depth(part["price"], part["quantity"], part["side"] == 1, about, wanted)
    draw = {"trades": trades, "ticker": tickers_over_time, "book_ticker": quotes_over_time}[kind]
    return draw(part, about, wanted)


def _of_frame(frame: Any, wanted: Wishes) -> Figure:
    kind = _kind(column_names(frame))
    table, needed, further = _KINDS[kind]
    rows = read(frame, table, needed, wanted=further, purpose=PURPOSE)
    told = rows.attrs
    words = [told.get(name) if isinstance(told.get(name), str) else None for name in ("venue", "interval")]
    about = About(None, words[0], words[1], as_of(told))
    symbols = {symbol: rows.codes == code for code, symbol in enumerate(rows.symbols)}
    overlays = overlay_values(rows, wanted, kind)
    return of_rows(kind, rows.batch, symbols, about, wanted, overlays, is_leading=rows.leading is not None)


def _of_snapshot(snapshot: Any, wanted: Wishes) -> Figure:
    batches: Mapping[str, Batch] = snapshot.batches
    about = About(None, snapshot.venue, snapshot.interval, snapshot.as_of_ms)
    kind = _OF_FEEDS.get(snapshot.kind, snapshot.kind)
    whole = Batch.concat(list(batches.values()))
    if kind in ("orders", "account"):
        return _own(kind, whole, [symbol for symbol in batches if symbol], about, wanted)
    codes = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches.values()])
    symbols: Chosen = {symbol: codes == code for code, symbol in enumerate(batches)}
    return of_rows(kind, whole, symbols, about, wanted, {}, is_leading=snapshot.is_of_several)


@contextmanager
def _asked(call: str) -> Iterator[None]:
    """Make what an error suggests a call that the user can copy."""
    try:
        yield
    except ValidationError as error:
        if error.suggested is not None:
            error.suggested = {"call": call, **error.suggested}
        raise


def _own(kind: str, batch: Batch, symbols: list[str], about: About, wanted: Wishes) -> Figure:
    """Tables of the user's orders or balances."""
    wanted.check(kind)
    if kind == "account":
        if wanted.symbol is not None:
            raise wrong("symbol= is not for balances, which are of assets.", "symbol")
        return own.balances(batch, about, wanted)
    if wanted.symbol is not None:
        symbols = [normalise_symbol(wanted.symbol)]
        batch = batch.take(np.asarray(batch["symbol"] == symbols[0], np.bool_))
    return own.orders(batch, replace(about, symbol=", ".join(symbols) or None), wanted)


def _bars(kind: str, columns: Columns, chosen: Chosen, about: About, wanted: Wishes) -> Figure:
    """One bar a symbol, of its newest row."""
    newest = {symbol or "": np.flatnonzero(mask)[-1] for symbol, mask in chosen.items() if mask.any()}
    rows = np.array(list(newest.values()), np.int64)
    part = {name: values[rows] for name, values in columns.items()}
    return (tickers if kind == "ticker" else quotes)(list(newest), part, about, wanted)


def _several(kind: str, columns: Columns, chosen: Chosen, about: About, wanted: Wishes) -> Figure:
    """Lines of all symbols; a ``ValidationError`` where only one can be drawn."""
    guess = {"symbol": next(iter(chosen))}
    if kind == "depth":
        raise wrong(f"A depth curve is of one symbol; here are {len(chosen)}.", "symbol", guess)
    options = (("overlay", wanted.overlay), ("log", wanted.log), ("volume", wanted.volume))
    for name, value in options:
        if value:
            raise wrong(f"{name}= is for figures of one symbol; here are {len(chosen)}.", name, guess)
    time, price = ("open_time", "close") if kind == "klines" else ("time", "price")
    lines = {symbol or "": (columns[time][mask], columns[price][mask]) for symbol, mask in chosen.items()}
    return compare(lines, about, wanted, price)


def _kind(there: set[str]) -> str:
    """What a frame with these columns is."""
    for kind, (_, needed, _) in _KINDS.items():
        if there.issuperset(needed):
            return kind
    # The kind of which most is there; of nothing known, all are listed.
    shares = {kind: len(there.intersection(needed)) / len(needed) for kind, (_, needed, _) in _KINDS.items()}
    nearest = max(shares, key=lambda kind: shares[kind])
    missing = [name for name in _KINDS[nearest][1] if name not in there]
    lacks = f" For {nearest.replace('_', ' ')} it lacks {', '.join(missing)}." if shares[nearest] >= ALMOST else ""
    raise ValidationError(
        f"df.cx.{PURPOSE} draws klines, trades, depth, tickers and best quotes; this frame is none of them.{lacks}",
        recovery_suggestions=[
            "Such frames come from cx.klines(...), cx.trades(...), cx.depth(...), cx.ticker(...), cx.book_ticker(...).",
            "Of other frames: df.plot() of pandas or polars.",
        ],
        context={"operation": PURPOSE, "columns": missing if lacks else []},
    )


def _chosen(symbols: Chosen, symbol: str | None, *, is_leading: bool) -> Chosen:
    """The symbols to draw, with their rows."""
    if symbol is None or not symbols:
        return symbols
    if not is_leading and None in symbols:
        return {symbol: symbols[None]}  # nothing says what it is: the user does
    name = normalise_symbol(symbol)
    for known, mask in symbols.items():
        if known in (symbol, name):
            return {known: mask}
    known_names = [known for known in symbols if known is not None]
    guess = (near_names(name, known_names) or known_names[:1])[0]
    raise BadSymbol(
        f"symbol={symbol!r} is not in it; what is there: {', '.join(known_names[:12])}.",
        recovery_suggestions=[f"Did you mean {guess!r}?"],
        suggested={"symbol": guess},
        context={"operation": PURPOSE, "argument": "symbol"},
    )


def _floats(values: Array) -> Array:
    return to_float(values) if values.dtype == DECIMAL else values

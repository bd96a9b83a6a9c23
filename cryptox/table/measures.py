"""What a frame tells row by row: returns, the shape of candles, the value of trades, the top of a book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.columns import DEPTH, KLINES, TRADES, Kind
from cryptox.model.names import check_flag
from cryptox.model.numbers import EXACT, decimal_of

from .attrs import attach
from .batch import DECIMAL, Array
from .decimals import ONE, as_int64, from_int64, from_integers, to_decimals, to_float, to_integers
from .frames import Frame
from .reading import backend_of, read

__all__ = ["SHAPES", "Book", "handover", "large", "returns", "shape", "value"]

SHAPES = ("change", "change_percent", "bullish", "bearish", "body", "upper_shadow", "lower_shadow")
_PRICES = ("open", "high", "low", "close")
_TITLES = {name: name.title() for name in (*_PRICES, "volume")}
_TRADED = ("price", "quantity", "side", "id")


def returns(frame: Frame, *, log: bool = False) -> Any:
    """Each close against the one before it, of the same symbol; a Series of floats, nothing in each first row."""
    logarithm = check_flag(log, name="log")
    rows = read(frame, KLINES, ("close",), purpose="returns()")
    close = _floats(rows.batch["close"])
    order = np.argsort(rows.codes, kind="stable")
    ordered, codes = close[order], rows.codes[order]
    found = np.full(len(close), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ordered[1:] / ordered[:-1]
        step = np.log(ratio) if logarithm else ratio - 1
    found[order[1:]] = np.where(np.diff(codes) == 0, step, np.nan)
    return rows.series("returns", Kind.PERCENT, found)


def shape(frame: Frame, name: str) -> Any:
    """One of ``SHAPES`` for each candle, as a Series."""
    rows = read(frame, KLINES, _PRICES, purpose=name)
    batch = rows.batch
    if name == "change_percent":
        begun, ended = _floats(batch["open"]), _floats(batch["close"])
        with np.errstate(divide="ignore", invalid="ignore"):
            return rows.series(name, Kind.PERCENT, (ended - begun) / begun * 100)
    begun, high, low, ended = (_countable(batch[column]) for column in _PRICES)
    if name in ("bullish", "bearish"):
        return rows.series(name, Kind.FLAG, np.asarray(ended > begun if name == "bullish" else ended < begun, np.bool_))
    upper, lower = np.maximum(begun, ended), np.minimum(begun, ended)
    found = {
        "change": lambda: ended - begun,
        "body": lambda: upper - lower,
        "upper_shadow": lambda: high - upper,
        "lower_shadow": lambda: lower - low,
    }[name]()
    return rows.series(name, Kind.PRICE, _stored(found, exact=batch.exact), exact=batch.exact)


def value(frame: Frame) -> Any:
    """What each trade was worth in the quote asset, as a Series; ``Accessor.value`` says how."""
    return _worth(frame, "value")[0]


def large(frame: Frame, min_value: Any) -> Frame:
    """The trades worth ``min_value`` or more, as a frame of the same kind."""
    least = decimal_of(min_value, "min_value", zero=True)
    _, values, rows = _worth(frame, "large()")
    if values.dtype == DECIMAL:
        wide = np.array(to_integers(values), object)
        chosen = np.asarray(wide >= EXACT.multiply(least, Decimal(ONE)), np.bool_)
    else:
        chosen = values >= float(least)
    found = frame[chosen] if backend_of(frame) == "pandas" else frame.filter(_mask(chosen))
    return attach(found, rows.attrs)


@dataclass(frozen=True, slots=True)
class Book:
    """The top of one book; numbers are floats or Decimals as the frame has them, None where a side is empty."""

    best_bid: Any
    best_ask: Any
    imbalance: float | None

    @classmethod
    def of(cls, frame: Frame, purpose: str) -> Book:
        """The book that a frame of depth holds."""
        rows = read(frame, DEPTH, ("side", "level", "price", "quantity"), purpose=purpose)
        if len(rows.symbols) > 1:
            raise _one_symbol(rows.symbols, purpose)
        batch = rows.batch
        best: list[Any] = []
        for code in (0, 1):
            (top,) = np.nonzero((batch["side"] == code) & (batch["level"] == 0))
            price = batch["price"][top[:1]]
            best += to_decimals(price) if batch.exact and len(top) else price.tolist() if len(top) else [None]
        sizes = _floats(batch["quantity"])
        bids, asks = float(sizes[batch["side"] == 0].sum()), float(sizes[batch["side"] == 1].sum())
        balance = (bids - asks) / (bids + asks) if bids + asks > 0 else None
        return cls(best[0], best[1], balance)

    @property
    def spread(self) -> Any:
        """Best ask minus best bid."""
        return None if self.best_bid is None or self.best_ask is None else self.best_ask - self.best_bid

    @property
    def mid(self) -> Any:
        """Half way between best bid and best ask."""
        return None if self.best_bid is None or self.best_ask is None else (self.best_bid + self.best_ask) / 2


def handover(frame: Frame) -> Any:
    """The candles as backtesting libraries take them; ``Accessor.bt`` says how."""
    needed = ("open_time", *_TITLES)
    rows = read(frame, KLINES, needed, purpose="bt()")
    if len(rows.symbols) > 1:
        raise _one_symbol(rows.symbols, "bt()")
    try:
        import pandas as pd
    except ImportError as error:
        raise ConfigurationError(
            "bt() needs pandas, which backtesting libraries take; it is not installed here.",
            recovery_suggestions=['Install it: pip install "pandas"'],
        ) from error
    order = np.argsort(rows.batch["open_time"], kind="stable")
    times = pd.DatetimeIndex(rows.batch["open_time"][order].astype("M8[ms]"), name="open_time")
    columns = {title: _floats(rows.batch[name])[order] for name, title in _TITLES.items()}
    return attach(pd.DataFrame(columns, index=times), rows.attrs)


def _worth(frame: Frame, purpose: str) -> tuple[Any, Array, Any]:
    """The values as a Series, as an array, and what was read."""
    rows = read(frame, TRADES, _TRADED, wanted=("quote_quantity",), purpose=purpose)
    batch = rows.batch
    if "quote_quantity" in batch.columns:
        values = batch["quote_quantity"]
    elif batch.exact:
        values = _products(batch["price"], batch["quantity"])
    else:
        values = batch["price"] * batch["quantity"]
    return rows.series("value", Kind.VOLUME, values, exact=batch.exact), values, rows


def _products(prices: Array, quantities: Array) -> Array:
    """Exact products; digits beyond the eighth decimal are cut off, as the exchange does in ``quote_quantity``."""
    pairs = zip(to_integers(prices), to_integers(quantities), strict=True)
    return from_integers([price * quantity // ONE for price, quantity in pairs])


def _floats(values: Array) -> Array:
    return to_float(values) if values.dtype == DECIMAL else values


def _countable(values: Array) -> Array:
    """Decimals as whole numbers of 10**-8, which numpy can reckon with; floats as they are."""
    if values.dtype != DECIMAL:
        return values
    low = as_int64(values)
    return np.array(to_integers(values), object) if low is None else low


def _stored(values: Array, *, exact: bool) -> Array:
    if not exact:
        return values
    return from_integers(values.tolist()) if values.dtype == object else from_int64(values, 8)


def _mask(chosen: Array) -> Any:
    import polars as pl

    return pl.Series(chosen, dtype=pl.Boolean)


def _one_symbol(symbols: tuple[str | None, ...], purpose: str) -> ValidationError:
    names: Mapping[str, Any] = {"symbols": [str(one) for one in symbols]}
    return ValidationError(
        f"df.cx.{purpose} needs a frame of one symbol; this one has {len(symbols)}.",
        recovery_suggestions=[
            f'Take one: df.xs("{symbols[0]}") in pandas, df.filter(symbol="{symbols[0]}") in polars.'
        ],
        context={"operation": purpose, **names},
    )

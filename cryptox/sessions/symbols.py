"""Symbols and exchange time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from cryptox._boundary import public
from cryptox.errors import BadSymbol, ValidationError
from cryptox.model.columns import DECIMAL_PRECISION, SYMBOLS
from cryptox.model.names import normalise_symbol
from cryptox.model.symbols import Symbol
from cryptox.model.time import iso
from cryptox.sessions.core import Core, Frame
from cryptox.table.batch import Array, Batch, dtype_of
from cryptox.table.decimals import from_decimals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SymbolCalls"]


class SymbolCalls(Core):
    """The calls of a session about symbols and time."""

    @public
    async def symbols(
        self, status: str | None = "TRADING", *, frame: str | None = None, exact: bool | None = None
    ) -> Frame:
        """Trading rules of all symbols as a frame, one row per symbol.

        Parameters
        ----------
        status
            Only symbols in that status (TRADING, HALT, BREAK, ...); None for all.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: symbols

        Raises
        ------
        ValidationError
            A status that is no text, or a symbol's name.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (exchangeInfo).

        Examples
        --------
        >>> "BTCUSDT" in cx.symbols().index
        True
        """
        if status is not None and (not isinstance(status, str) or not status.strip()):
            raise ValidationError(
                f"status must be a word such as TRADING, or None for all, not {status!r}.",
                suggested={"call": "symbols", "status": "TRADING"},
            )
        form = self._form(frame, exact)
        as_of = await self._as_of()
        rules = await self._ask(self.venue.rules(None))
        self._address.learn(rules)
        wanted = None if status is None else status.strip().upper()
        rows = [symbol for symbol in rules.symbols if wanted in (None, symbol.status)]
        if not rows and any(symbol.symbol == wanted for symbol in rules.symbols):
            raise ValidationError(
                f"status={status!r} is a symbol, and no status such as TRADING.",
                recovery_suggestions=["Use symbol, which gives the rules of one."],
                suggested={"call": "symbol", "name": wanted},
            )
        return self._frame(_batch(rows, exact=form.exact), form, as_of=iso(as_of))

    @public
    async def symbol(self, name: str) -> Symbol:
        """Trading rules of one symbol as a record.

        Parameters
        ----------
        name
            ``"BTCUSDT"`` in any of its spellings.

        Returns
        -------
        Symbol
            Its fields are the columns of ``symbols``; numbers are ``Decimal``, None where there is no such rule.

        Raises
        ------
        BadSymbol
            Nothing trades under that name here; near names are suggested.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (exchangeInfo).

        Examples
        --------
        >>> cx.symbol("BTCUSDT").tick_size
        Decimal('0.01000000')
        """
        wanted = normalise_symbol(name)
        rules = await self._ask(self.venue.rules([wanted]))
        self._address.learn(rules)
        for symbol in rules.symbols:
            if symbol.symbol == wanted:
                return symbol
        raise BadSymbol(f"{self.venue.name} does not know {wanted}.", context={"symbol": wanted})

    @public
    async def server_time(self) -> pd.Timestamp:
        """Time of the exchange, UTC, to the millisecond.

        Returns
        -------
        pandas.Timestamp
            What the exchange's clock said while this call was under way.

        Raises
        ------
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 1. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (time).

        Examples
        --------
        >>> str(cx.server_time().tz)
        'UTC'
        """
        from cryptox.table.pandas import timestamp

        moment: pd.Timestamp = timestamp(await self._read_clock())
        return moment


def _batch(symbols: list[Symbol], *, exact: bool) -> Batch:
    columns: dict[str, Array] = {}
    nulls: dict[str, Array] = {}
    for column in SYMBOLS.columns:
        values = [getattr(symbol, column.name) for symbol in symbols]
        dtype = dtype_of(column.kind, exact=exact)
        if column.kind in DECIMAL_PRECISION:
            absent = np.array([value is None for value in values], np.bool_)
            if absent.any():
                nulls[column.name] = absent
            known = [Decimal(0) if value is None else value for value in values]
            plain = [np.nan if value is None else float(value) for value in values]
            columns[column.name] = from_decimals(known) if exact else np.array(plain, dtype)
        elif column.name == "order_types":
            columns[column.name] = np.array([" ".join(value) for value in values], dtype)
        else:
            columns[column.name] = np.array(values, dtype)
    return Batch(SYMBOLS, columns, exact, nulls)

"""Tickers, prices and averages: one row per symbol."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

import numpy as np

from cryptox._boundary import public
from cryptox.errors import ValidationError
from cryptox.model.names import normalise_symbol
from cryptox.model.time import iso
from cryptox.sessions.bulk import symbol_list
from cryptox.sessions.core import Core, Form, Frame
from cryptox.table.batch import Batch
from cryptox.venues.port import Request

__all__ = ["TickerCalls"]

DAY_WINDOW = "24h"
MOST = {"m": 59, "h": 23, "d": 7}
_WINDOW = re.compile(r"([1-9]\d?)([mhd])", re.ASCII)


class TickerCalls(Core):
    """The calls of a session that give one row per symbol."""

    @public
    async def ticker(
        self,
        symbols: str | Sequence[str] | None = None,
        window: str = "24h",
        *,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Statistics of a rolling window as a frame, one row per symbol.

        Parameters
        ----------
        symbols
            One symbol, a list of them, or None for all (24h only). One symbol still gives a frame.
        window
            ``"24h"``, or ``1m`` to ``59m``, ``1h`` to ``23h``, ``1d`` to ``7d``; those lack the columns prev_close,
            last_quantity, bid, bid_quantity, ask and ask_quantity, which are null.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: ticker

        Raises
        ------
        BadSymbol
            Nothing trades under one of the names.
        ValidationError
            A window that the exchange does not have, or no symbols with a window other than 24h.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: 24h: weight 2 up to 20 symbols, 40 up to 100, 80 for all; other windows 4 per symbol, up to 200.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (ticker).

        Examples
        --------
        >>> cx.ticker(["BTCUSDT", "ETHUSDT"]).index.tolist()
        ['BTCUSDT', 'ETHUSDT']
        """
        names, several = (None, True) if symbols is None else symbol_list(symbols)
        _check_window(window, names)
        form = self._form(frame, exact)
        return await self._rows(
            names, several, form, lambda some: self.venue.ticker(some, window, exact=form.exact), window=window
        )

    @public
    async def prices(
        self,
        symbols: str | Sequence[str] | None = None,
        *,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Last prices as a frame, one row per symbol.

        Parameters
        ----------
        symbols
            One symbol, a list of them, or None for all. One symbol still gives a frame.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: prices

        Raises
        ------
        BadSymbol
            Nothing trades under one of the names.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 2 for one symbol, 4 for more.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (ticker/price).

        Examples
        --------
        >>> cx.prices("BTCUSDT").columns.tolist()
        ['price']
        """
        names, several = (None, True) if symbols is None else symbol_list(symbols)
        form = self._form(frame, exact)
        return await self._rows(names, several, form, lambda some: self.venue.prices(some, exact=form.exact))

    @public
    async def book_ticker(
        self,
        symbols: str | Sequence[str] | None = None,
        *,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Best bids and asks as a frame, one row per symbol.

        Parameters
        ----------
        symbols
            One symbol, a list of them, or None for all. One symbol still gives a frame.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: book_ticker

        Raises
        ------
        BadSymbol
            Nothing trades under one of the names.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 2 for one symbol, 4 for more.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (ticker/bookTicker).

        Examples
        --------
        >>> quote = cx.book_ticker("BTCUSDT").iloc[0]
        >>> bool(quote.bid < quote.ask)
        True
        """
        names, several = (None, True) if symbols is None else symbol_list(symbols)
        form = self._form(frame, exact)
        return await self._rows(names, several, form, lambda some: self.venue.book_ticker(some, exact=form.exact))

    @public
    async def avg_price(self, symbol: str, *, frame: str | None = None, exact: bool | None = None) -> Frame:
        """Average price of the last minutes as a frame of one row.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: avg_price

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 2. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (avgPrice).

        Examples
        --------
        >>> int(cx.avg_price("BTCUSDT").minutes.iloc[0])
        5
        """
        name = normalise_symbol(symbol)
        form = self._form(frame, exact)
        as_of = await self._as_of()
        batch = await self._ask(self.venue.avg_price(name, exact=form.exact))
        return self._frame(batch, form, symbol=name, as_of=iso(as_of))

    async def _rows(
        self,
        names: list[str] | None,
        several: bool,
        form: Form,
        ask: Callable[[Sequence[str] | None], Request[Batch]],
        *,
        window: str | None = None,
    ) -> Frame:
        """Rows of all these symbols, in the order they were named, as many requests as the cap makes necessary."""
        as_of = await self._as_of()
        cap = self.venue.capabilities.tickers_cap
        parts = [None] if names is None else [names[at : at + cap] for at in range(0, len(names), cap)]
        batches = await asyncio.gather(*(self._ask(ask(part)) for part in parts))
        batch = Batch.concat(batches)
        if names is not None:
            place = {symbol: row for row, symbol in enumerate(batch["symbol"])}
            batch = batch.take(np.array([place[name] for name in names if name in place], np.intp))
        return self._frame(
            batch, form, symbol=names if several or names is None else names[0], as_of=iso(as_of), window=window
        )


def _check_window(window: str, names: list[str] | None) -> None:
    match = _WINDOW.fullmatch(window) if isinstance(window, str) else None
    if isinstance(window, str) and window == DAY_WINDOW:
        return
    if match is None or int(match[1]) > MOST[match[2]]:
        raise ValidationError(
            f"There is no ticker window {window!r}.",
            recovery_suggestions=["Windows are 24h, 1m to 59m, 1h to 23h and 1d to 7d."],
            suggested={"call": "ticker", "window": DAY_WINDOW},
        )
    if names is None:
        raise ValidationError(
            f"The exchange gives all symbols at once only for the window 24h, not for {window}.",
            recovery_suggestions=["Name the symbols, or take the window 24h."],
            suggested={"call": "ticker", "window": DAY_WINDOW},
        )

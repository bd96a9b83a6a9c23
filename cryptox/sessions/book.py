"""The order book as a frame."""

from __future__ import annotations

from cryptox._boundary import public
from cryptox.model.names import check_limit, normalise_symbol
from cryptox.model.time import iso
from cryptox.sessions.core import Core, Frame

__all__ = ["BookCalls"]

LEVELS_WITHOUT_LIMIT = 100


class BookCalls(Core):
    """The order book call of a session."""

    @public
    async def depth(
        self, symbol: str, limit: int = 100, *, frame: str | None = None, exact: bool | None = None
    ) -> Frame:
        """The order book of one symbol as a frame, one row per level: bids then asks, best first.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.
        limit
            Levels a side, up to 5000.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: depth
            ``attrs["last_update_id"]`` is the book's id.

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        ValidationError
            A limit over 5000.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 5 up to 100 levels, 25 up to 500, 50 up to 1000, 250 above.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (depth).

        Examples
        --------
        >>> book = cx.depth("BTCUSDT", 5)
        >>> list(book["side"])[:2]
        ['bid', 'bid']
        """
        name = normalise_symbol(symbol)
        levels = None if limit is None else check_limit(limit, most=self.venue.capabilities.depth_cap)
        form = self._form(frame, exact)
        as_of = await self._as_of()
        batch = await self._ask(
            self.venue.depth(name, limit=LEVELS_WITHOUT_LIMIT if levels is None else levels, exact=form.exact)
        )
        return self._frame(batch, form, symbol=name, as_of=iso(as_of), **batch.extra)

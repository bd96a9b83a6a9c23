"""Trades and aggregate trades: one request, or any number of rows in parallel by id."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cryptox._boundary import public
from cryptox.errors import ValidationError
from cryptox.model.columns import AGG_TRADES
from cryptox.model.names import check_limit, normalise_symbol
from cryptox.model.time import iso
from cryptox.sessions.bulk import Bulk, BulkCalls, check_on_error, check_progress
from cryptox.sessions.core import Frame
from cryptox.sessions.history import History
from cryptox.sessions.pages import IDS, Before, Range
from cryptox.sessions.tape import TapeJob
from cryptox.sessions.window import Window
from cryptox.table.batch import Batch

__all__ = ["TradeCalls"]

ROWS_WITHOUT_LIMIT = 500


class TradeCalls(BulkCalls):
    """The trade calls of a session."""

    @public
    async def trades(
        self, symbol: str, limit: int = 500, *, frame: str | None = None, exact: bool | None = None
    ) -> Frame:
        """The newest trades of one symbol as a frame, oldest first: one request.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.
        limit
            Rows, up to 1000.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: trades

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        ValidationError
            A limit over 1000: older trades come as aggregates, from ``trades_bulk``.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 25. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (trades).

        Examples
        --------
        >>> cx.trades("BTCUSDT", 10).shape[0]
        10
        """
        name = normalise_symbol(symbol)
        cap = self.venue.capabilities.trades_cap
        rows = None if limit is None else check_limit(limit, most=cap, bulk="trades_bulk")
        form = self._form(frame, exact)
        as_of = await self._as_of()
        batch = await self._ask(
            self.venue.trades(name, limit=ROWS_WITHOUT_LIMIT if rows is None else rows, exact=form.exact)
        )
        return self._frame(batch, form, symbol=name, as_of=iso(as_of))

    @public
    async def agg_trades(
        self,
        symbol: str,
        limit: int | None = None,
        *,
        start: Any = None,
        end: Any = None,
        from_id: int | None = None,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Aggregate trades of one symbol as a frame, oldest first: one request.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.
        limit
            Rows, up to 1000. Without ``start`` and ``from_id`` the newest. 500 where nothing else says how many; with
            ``start`` and ``end`` all between.
        start, end
            Range ``[start, end)`` of trade times, UTC.
        from_id
            First aggregate trade id; not together with times.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: agg_trades

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        ValidationError
            A limit over 1000, or more than 1000 trades between start and end (``suggested`` is the bulk call),
            ``from_id`` with times, a start after the end.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 4. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (aggTrades).

        Examples
        --------
        >>> bool(cx.agg_trades("BTCUSDT", 10)["id"].diff().dropna().eq(1).all())
        True
        """
        name = normalise_symbol(symbol)
        cap = self.venue.capabilities.trades_cap
        rows = None if limit is None else check_limit(limit, most=cap, bulk="trades_bulk")
        form = self._form(frame, exact)
        first = _check_id(from_id)
        window = Window(start, end)
        window.check()
        if first is not None and (start is not None or end is not None):
            raise ValidationError(
                "from_id cannot be combined with start or end in one request.",
                recovery_suggestions=["Leave out either; trades_bulk takes from_id together with end."],
                suggested={"call": "agg_trades", "symbol": name, "from_id": first},
            )
        as_of = await self._as_of()
        start_ms, end_ms = window.resolve(as_of)
        stop = as_of if end_ms is None else end_ms
        if stop <= 0 or (start_ms is not None and start_ms >= stop):
            batch = Batch.empty(AGG_TRADES, exact=form.exact)
        else:
            between = rows is None and start_ms is not None and end_ms is not None
            limit = rows or (cap if between else ROWS_WITHOUT_LIMIT)
            request = self.venue.agg_trades(
                name, start_ms=start_ms, end_ms=end_ms, from_id=first, limit=limit, exact=form.exact
            )
            batch = await self._ask(request)
            if between and len(batch) == cap and await self._goes_on(name, batch, stop):
                raise _cut(name, start_ms, stop, cap)
        return self._frame(batch, form, symbol=name, as_of=iso(as_of))

    @public
    async def trades_bulk(
        self,
        symbol: str,
        limit: int | None = None,
        *,
        start: Any = None,
        end: Any = None,
        from_id: int | None = None,
        on_error: str = "raise",
        progress: Any = None,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Any number of aggregate trades as a frame, oldest first: pages by id are fetched in parallel.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.
        limit
            Rows of the frame. Without ``start`` and ``from_id`` the newest, with them the first from there.
        start, end
            Range ``[start, end)`` of trade times, UTC.
        from_id
            First aggregate trade id; instead of ``start``.
        on_error, progress
            As in ``klines_bulk``.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: agg_trades

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        ValidationError
            ``from_id`` with ``start``, a start after the end, or more than 5,000,000 rows that were not asked for by
            ``start``, ``from_id`` or ``limit``.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it; ``.partial`` and ``.missing`` say what is there.

        Notes
        -----
        Cost: weight 4 per 1000 rows. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api
        (aggTrades).

        Examples
        --------
        >>> len(cx.trades_bulk("BTCUSDT", 2500))
        2500
        """
        name = normalise_symbol(symbol)
        rows = None if limit is None else check_limit(limit, most=None)
        check_on_error(on_error)
        check_progress(progress)
        form = self._form(frame, exact)
        first = _check_id(from_id)
        window = Window(start, end)
        window.check()
        if first is not None and start is not None:
            raise ValidationError(
                "from_id and start both say where to begin.",
                recovery_suggestions=["Give one of them."],
                suggested={"call": "trades_bulk", "symbol": name, "from_id": first},
            )

        def wanted(now_ms: int) -> Range | Before:
            """What is asked for, at a moment of exchange time."""
            start_ms, end_ms = window.resolve(now_ms)
            stop = now_ms if end_ms is None else end_ms
            return Before(stop) if start_ms is None else Range(start_ms, stop)

        as_of = await self._begin(AGG_TRADES, form, [name], wanted, rules_of=name)
        start_ms, end_ms = window.resolve(as_of)
        bulk = Bulk(
            session=self,
            call="trades_bulk",
            form=form,
            several=False,
            keep_going=on_error == "partial",
            finished_before=2**62,  # a trade never changes
            attrs={"as_of": iso(as_of)},
        )
        bulk.open(progress, expected=rows)
        bulk.add(self._tape_job(name, bulk, rows, start_ms, as_of if end_ms is None else end_ms, first))
        return await bulk.run()

    async def _goes_on(self, name: str, batch: Batch, stop_ms: int) -> bool:
        """Whether there are more trades before ``stop_ms`` than a full answer brought."""
        following = int(batch["id"][-1]) + 1
        request = self.venue.agg_trades(name, start_ms=None, end_ms=None, from_id=following, limit=1, exact=False)
        more = await self._ask(request)
        return len(more) > 0 and int(more["time"][0]) < stop_ms

    def _tape_job(
        self, name: str, bulk: Bulk, limit: int | None, start_ms: int | None, end_ms: int, from_id: int | None
    ) -> TapeJob:
        exact = bulk.form.exact

        async def ask(wanted: Range, rows: int) -> Batch:
            request = self.venue.agg_trades(
                name, start_ms=None, end_ms=None, from_id=wanted.start, limit=rows, exact=exact
            )
            return await self._ask(request, bulk=True)

        async def find(start: int | None, end: int | None) -> int | None:
            request = self.venue.agg_trades(name, start_ms=start, end_ms=end, from_id=None, limit=1, exact=False)
            found = await self._ask(request, bulk=True)
            return int(found["id"][0]) if len(found) else None

        history = History(AGG_TRADES, "id", IDS, self.venue.capabilities.trades_cap, ask, exact, bulk.resumed(name))
        return TapeJob(
            symbol=name,
            history=history,
            start_ms=start_ms,
            end_ms=end_ms,
            from_id=from_id,
            limit=limit,
            find=find,
            fetch=functools.partial(
                history.fetch,
                workers=self.settings.max_in_flight,
                on_page=bulk.on_page,
                keep_going=bulk.keep_going,
            ),
        )


def _cut(name: str, start_ms: int | None, end_ms: int, cap: int) -> ValidationError:
    """One request does not bring all trades between two times."""
    return ValidationError(
        f"There are more than {cap:,} aggregate trades between start and end; one request gives up to {cap:,}.",
        recovery_suggestions=["Use trades_bulk with the same arguments."],
        suggested={"call": "trades_bulk", "symbol": name, "start": iso(start_ms or 0), "end": iso(end_ms)},
    )


def _check_id(from_id: int | None) -> int | None:
    """An id as int; anything but a whole number from 0 is refused."""
    if from_id is None:
        return None
    if isinstance(from_id, bool) or not isinstance(from_id, (int, np.integer)) or not 0 <= from_id < 2**63:
        raise ValidationError(
            f"from_id must be a whole number from 0, of 64 bits at most, not {from_id!r}.",
            recovery_suggestions=["Take an id from the column id of an earlier frame."],
        )
    return int(from_id)

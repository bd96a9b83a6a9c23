"""Candles: one request, or any number of rows in parallel."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from cryptox._boundary import public
from cryptox.errors import ValidationError
from cryptox.model.columns import KLINES
from cryptox.model.interval import INTERVALS, Interval
from cryptox.model.names import check_flag, check_interval, check_limit, normalise_symbol
from cryptox.model.time import iso
from cryptox.sessions.bulk import Bulk, BulkCalls, check_on_error, check_progress, symbol_list
from cryptox.sessions.candles import CandleJob, reach
from cryptox.sessions.core import Frame
from cryptox.sessions.history import History
from cryptox.sessions.pages import Before, Range, inside
from cryptox.sessions.window import Window
from cryptox.table.batch import Batch

__all__ = ["KlineCalls"]

ROWS_WITHOUT_LIMIT = 500


class KlineCalls(BulkCalls):
    """The candle calls of a session."""

    @public
    async def klines(
        self,
        symbol: str,
        interval: str = "1h",
        limit: int | None = None,
        *,
        start: Any = None,
        end: Any = None,
        include_unfinished: bool = False,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Candles of one symbol as a frame, oldest first, one row per candle: one request.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"``; ``"btcusdt"``, ``"BTC/USDT"`` and ``"BTC-USDT"`` are the same.
        interval
            1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M. ``1m`` is a minute, ``1M`` a month.
        limit
            Rows, up to 1000. Without ``start`` the newest, with it the first from there. 500 where nothing else
            says how many; with ``start`` and ``end`` all between.
        start, end
            Range ``[start, end)`` of open times, UTC: ``"2024-01-01"``, ``"3 days ago"``, datetime, Timestamp,
            int milliseconds, ...
        include_unfinished
            Also the candle that is still forming.
        frame
            ``"pandas"``, ``"polars"`` or ``"arrow"``; the session's own by default.
        exact
            Decimals instead of floats.

        Returns
        -------
        Frame
            Columns: klines

        Raises
        ------
        BadSymbol
            Nothing trades under that name here; near names are suggested.
        BadInterval
            Not one of the intervals above.
        ValidationError
            A limit over 1000 (``suggested`` is the bulk call), a time that cannot be read, a start after the end.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 2. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (klines).

        Examples
        --------
        >>> df = cx.klines("BTCUSDT", "1h", 24)
        >>> len(df)
        24
        """
        name = normalise_symbol(symbol)
        grid = self._interval(interval)
        cap = self.venue.capabilities.klines_cap
        rows = None if limit is None else check_limit(limit, most=cap, bulk="klines_bulk")
        unfinished = check_flag(include_unfinished, name="include_unfinished")
        form = self._form(frame, exact)
        window = Window(start, end)
        window.check()
        as_of = await self._as_of()
        start_ms, stop = _judged(window, grid, as_of, unfinished)
        if rows is None:
            rows = _rows_between(start_ms, stop, grid, cap, name) if end is not None else ROWS_WITHOUT_LIMIT
        if stop <= 0 or (start_ms is not None and (start_ms >= stop or rows == 0)):
            batch = Batch.empty(KLINES, exact=form.exact)
        else:
            request = self.venue.klines(name, grid.name, start_ms=start_ms, end_ms=stop, limit=rows, exact=form.exact)
            batch = inside(await self._ask(request), "open_time", Range(start_ms or 0, stop))
        return self._frame(batch, form, symbol=name, interval=grid.name, as_of=iso(as_of))

    @public
    async def klines_bulk(
        self,
        symbol: str | Sequence[str],
        interval: str = "1h",
        limit: int | None = None,
        *,
        start: Any = None,
        end: Any = None,
        include_unfinished: bool = False,
        on_error: str = "raise",
        progress: Any = None,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Any number of candles as a frame, oldest first: pages are fetched in parallel, up to the rate limit.

        Parameters
        ----------
        symbol
            One symbol, or a list of them: then the frame is long and ``symbol`` is first in the index.
        interval
            As in ``klines``.
        limit
            Rows of the frame per symbol. Without ``start`` the newest, with it the first from there. Without
            limit, start and end: everything since listing.
        start, end
            Range ``[start, end)`` of open times, UTC.
        include_unfinished
            Also the candle that is still forming.
        on_error
            ``"raise"``: an error carries ``.partial``, the frame so far, and ``.missing``.
            ``"partial"``: what was fetched is returned, and ``attrs["missing"]`` says what is not there.
        progress
            True or False shows or hides the progress line, a function is called with each step; by default it shows
            itself for long work in a terminal or a notebook.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: klines
            ``attrs["gaps"]`` lists the holes that the exchange itself has, ``attrs["missing"]`` what was not fetched.

        Raises
        ------
        BadSymbol, BadInterval, ValidationError
            As in ``klines``; also for more than 5,000,000 rows that were not asked for by ``start`` or ``limit``.
        RateLimited, NetworkError, ExchangeError
            The exchange or the way to it. The same call goes on from there while the session lives.

        Notes
        -----
        Cost: weight 2 per 1000 rows. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api
        (klines).

        Examples
        --------
        >>> df = cx.klines_bulk("BTCUSDT", "1h", 5000)
        >>> len(df)
        5000
        """
        names, several = symbol_list(symbol)
        grid = self._interval(interval)
        rows = None if limit is None else check_limit(limit, most=None)
        check_on_error(on_error)
        check_progress(progress)
        unfinished = check_flag(include_unfinished, name="include_unfinished")
        form = self._form(frame, exact)
        window = Window(start, end)
        window.check()
        pages = None if rows is None else -(-rows // self.venue.capabilities.klines_cap)
        rules_of = names[0] if pages is None or pages > 1 or several else None

        def wanted(now_ms: int) -> Range | Before:
            """What is asked for, at a moment of exchange time."""
            return reach(grid, *_judged(window, grid, now_ms, unfinished), rows)

        as_of = await self._begin(KLINES, form, names, wanted, several=several, rules_of=rules_of, interval=grid.name)
        start_ms, stop = _judged(window, grid, as_of, unfinished)
        bulk = Bulk(
            session=self,
            call="klines_bulk",
            form=form,
            several=several,
            keep_going=on_error == "partial",
            finished_before=grid.floor(as_of),
            attrs={"interval": grid.name, "as_of": iso(as_of)},
        )
        bulk.open(progress, expected=_expected(rows, start_ms, stop, grid, len(names)))
        for name in names:
            bulk.add(self._candle_job(name, grid, bulk, start_ms, stop, rows, open_ended=start is None and end is None))
        return await bulk.run()

    def _candle_job(
        self,
        name: str,
        grid: Interval,
        bulk: Bulk,
        start_ms: int | None,
        stop: int,
        limit: int | None,
        *,
        open_ended: bool,
    ) -> CandleJob:
        exact = bulk.form.exact

        async def ask(wanted: Range, rows: int) -> Batch:
            request = self.venue.klines(
                name, grid.name, start_ms=wanted.start, end_ms=wanted.end, limit=rows, exact=exact
            )
            return await self._ask(request, bulk=True)

        cap = self.venue.capabilities.klines_cap
        history = History(KLINES, "open_time", grid, cap, ask, exact, bulk.resumed(name))
        return CandleJob(
            symbol=name,
            interval=grid,
            history=history,
            start=start_ms,
            end=stop,
            limit=limit,
            open_ended=open_ended,
            oldest=functools.partial(self._first_open, name, grid),
            newest=functools.partial(self._last_open, name, grid),
            workers=self.settings.max_in_flight,
            keep_going=bulk.keep_going,
            on_page=bulk.on_page,
        )

    async def _first_open(self, name: str, grid: Interval, start: int | None, end: int | None) -> int | None:
        """Open time of the first candle in a range; the very first of a symbol is remembered."""
        known = self._address.first_open
        if start is None and end is None and (name, grid.name) in known:
            return known[name, grid.name]
        request = self.venue.klines(name, grid.name, start_ms=start or 0, end_ms=end, limit=1, exact=False)
        batch = await self._ask(request, bulk=True)
        found = int(batch["open_time"][0]) if len(batch) else None
        if start is None and end is None and found is not None:
            known[name, grid.name] = found
        return found

    async def _last_open(self, name: str, grid: Interval, start: int | None, end: int | None) -> int | None:
        """Open time of the last candle in a range."""
        if end is not None and end <= 0:  # times before the epoch cannot be asked for
            return None
        request = self.venue.klines(name, grid.name, start_ms=None, end_ms=end, limit=1, exact=False)
        batch = await self._ask(request, bulk=True)
        if not len(batch) or (start is not None and int(batch["open_time"][-1]) < start):
            return None
        return int(batch["open_time"][-1])

    def _interval(self, interval: str) -> Interval:
        return INTERVALS[check_interval(interval, self.venue.capabilities.intervals)]


def _judged(window: Window, grid: Interval, as_of: int, include_unfinished: bool) -> tuple[int | None, int]:
    """Start, and the open time (on the grid) at and after which nothing may be shown."""
    start_ms, end_ms = window.resolve(as_of)
    forming = grid.floor(as_of)
    stop = grid.shift(forming, 1) if include_unfinished else forming
    if end_ms is not None:
        stop = min(stop, grid.ceil(end_ms))
    return start_ms, stop


def _rows_between(start_ms: int | None, stop: int, grid: Interval, cap: int, name: str) -> int:
    if start_ms is None:
        return ROWS_WITHOUT_LIMIT
    rows = grid.count(start_ms, stop)
    if rows > cap:
        raise ValidationError(
            f"There are {rows:,} candles of {grid.name} between start and end; one request gives up to {cap:,}.",
            recovery_suggestions=["Use klines_bulk with the same arguments."],
            suggested={
                "call": "klines_bulk",
                "symbol": name,
                "interval": grid.name,
                "start": iso(start_ms),
                "end": iso(stop),
            },
        )
    return rows


def _expected(limit: int | None, start_ms: int | None, stop: int, grid: Interval, symbols: int) -> int | None:
    """How many rows the call is going to give, for the progress line; None where nobody knows yet."""
    if start_ms is None:
        return None if limit is None else limit * symbols
    between = grid.count(start_ms, stop) if start_ms < stop else 0
    return (between if limit is None else min(limit, between)) * symbols

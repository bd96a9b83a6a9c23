"""Orders and executions of the account, as the exchange keeps them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from cryptox._boundary import public
from cryptox.model.columns import UNRESOLVED
from cryptox.model.names import check_limit, normalise_symbol
from cryptox.model.orders import Order, OrderList
from cryptox.model.time import iso
from cryptox.sessions.changes import ref_of
from cryptox.sessions.core import Frame
from cryptox.sessions.lists import ListCalls, list_ids
from cryptox.sessions.lookups import Lister
from cryptox.sessions.window import Window
from cryptox.table.records import fills_batch, orders_batch, rows_batch

__all__ = ["PastOrderCalls"]


class _Row(Protocol):
    @property
    def time_ms(self) -> int | None: ...


R = TypeVar("R", bound=_Row)

_Page = Callable[[int | None, int | None, int | None, int], Awaitable[list[R]]]  # of start, end, first id and rows
_NameOf = Callable[[R], tuple[int, ...]]  # begins with the number that pages go by

MOST_ROWS = 1_000_000


class PastOrderCalls(ListCalls):
    """The calls of a session that look at orders and executions."""

    @public
    async def order(self, symbol: str, order: int | str | Order) -> Order:
        """One order as the exchange has it now.

        Parameters
        ----------
        symbol, order
            As in ``cancel_order``.

        Returns
        -------
        Order
            Without its fills; ``fills`` has them.

        Raises
        ------
        OrderNotFound
            No such order of that symbol.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 4.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (order).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     placed = await session.buy("BTCUSDT", "0.001", price="10000")
        ...     (await session.order("BTCUSDT", placed.client_order_id)).status
        'new'
        """
        found = await self._ask_signed(self._trading_venue.order(ref_of(symbol, order)))
        self._noticed(found.client_order_id, found)
        return found

    @public
    async def order_list(self, id: int | str) -> OrderList:
        """One order list, with its orders as they are now.

        Parameters
        ----------
        id
            The list's id or its client order id.

        Returns
        -------
        OrderList
            With its orders.

        Raises
        ------
        OrderNotFound
            No such list.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 4 for the list and 4 for each of its orders.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (orderList).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     first = cx.leg("buy", "LIMIT", "0.001", price="10000")
        ...     pair = await session.place_oto("BTCUSDT", first, cx.leg("sell", "MARKET", "0.001"))
        ...     (await session.order_list(pair.order_list_id)).status
        'executing'
        """
        number, client_id = list_ids(id)
        found = await self._ask_signed(self._trading_venue.order_list(order_list_id=number, client_order_id=client_id))
        return await Lister(self).with_orders(found)

    @public
    async def open_orders(
        self, symbol: str | None = None, *, frame: str | None = None, exact: bool | None = None
    ) -> Frame:
        """Orders to which more may happen.

        Parameters
        ----------
        symbol
            In any spelling; None for all symbols.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: orders

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 6 for one symbol, 80 for all.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (openOrders).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     placed = await session.buy("BTCUSDT", "0.001", price="10000")
        ...     list((await session.open_orders("BTCUSDT")).status)
        ['new']
        """
        name = None if symbol is None else normalise_symbol(symbol)
        form = self._form(frame, exact)
        orders = await self._ask_signed(self._trading_venue.open_orders(name))
        return self._frame(orders_batch(orders, exact=form.exact), form, symbol=name, as_of=self._now_text())

    @public
    async def orders(
        self,
        symbol: str,
        limit: int | None = 500,
        *,
        start: Any = None,
        end: Any = None,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Orders of a symbol, open and past, oldest first.

        Parameters
        ----------
        symbol
            In any spelling.
        limit
            Rows at most: the newest; with ``start`` the first from there. None for all.
        start, end
            Range ``[start, end)`` of the orders' times, of any width, in any form of time.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: orders

        Raises
        ------
        BadSymbol, ValidationError
            Not a symbol, a number of rows or a time; a start after the end.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20 for each 1000 rows.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (allOrders).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     placed = await session.buy("BTCUSDT", "0.001")
        ...     list((await session.orders("BTCUSDT", 10)).status)
        ['filled']
        """
        name, form = normalise_symbol(symbol), self._form(frame, exact)
        venue = self._trading_venue

        def page(start_ms: int | None, end_ms: int | None, from_id: int | None, rows: int) -> Awaitable[list[Order]]:
            """One request."""
            return self._ask_signed(venue.orders(name, start_ms=start_ms, end_ms=end_ms, from_id=from_id, limit=rows))

        found = await self._collected(page, lambda order: (order.order_id,), limit, Window(start, end))
        return self._frame(orders_batch(found, exact=form.exact), form, symbol=name, as_of=self._now_text())

    @public
    async def fills(
        self,
        symbol: str,
        limit: int | None = 500,
        *,
        start: Any = None,
        end: Any = None,
        frame: str | None = None,
        exact: bool | None = None,
    ) -> Frame:
        """Executions of the account's orders, oldest first.

        Parameters
        ----------
        symbol, limit, start, end, frame, exact
            As in ``orders``.

        Returns
        -------
        Frame
            Columns: fills

        Raises
        ------
        BadSymbol, ValidationError
            As ``orders``.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20 for each 1000 rows.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (myTrades).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     placed = await session.buy("BTCUSDT", "0.001")
        ...     float((await session.fills("BTCUSDT")).quantity.sum())
        0.001
        """
        name, form = normalise_symbol(symbol), self._form(frame, exact)
        venue = self._trading_venue

        def page(start_ms: int | None, end_ms: int | None, from_id: int | None, rows: int) -> Awaitable[list[Any]]:
            """One request."""
            return self._ask_signed(venue.fills(name, start_ms=start_ms, end_ms=end_ms, from_id=from_id, limit=rows))

        # A trade of the account with itself is an execution of each of two orders.
        found = await self._collected(page, lambda fill: (fill.id, fill.order_id), limit, Window(start, end))
        return self._frame(fills_batch(found, exact=form.exact), form, symbol=name, as_of=self._now_text())

    @public
    async def unresolved(self, *, frame: str | None = None) -> Frame:
        """Acts whose outcome was not known in time, of this process and of former ones with the same key.

        The exchange is asked about each until it is known; call it again to see how they stand.

        Parameters
        ----------
        frame
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: unresolved

        Raises
        ------
        ConfigurationError
            The session has no key.

        Notes
        -----
        Cost: nothing itself. What it begins costs weight 5 a query, a few in the first seconds, then one a minute.

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     len(await session.unresolved())
        0
        """
        form = self._form(frame, None)
        self._key()
        await self._as_of()
        self._recover()
        rows = [
            {
                "client_order_id": pending.entry.client_order_id,
                "operation": pending.entry.operation,
                "symbol": pending.entry.symbol,
                "sent": pending.entry.sent_ms,
                "state": pending.state,
                "order_id": -1 if pending.order_id is None else pending.order_id,
                "detail": pending.detail,
            }
            for pending in self._acts.values()
            if pending.outcome.done()
        ]
        return self._frame(rows_batch(UNRESOLVED, rows), form, as_of=self._now_text())

    async def _collected(
        self,
        page: _Page[R],
        name_of: _NameOf[R],
        limit: int | None,
        window: Window,
    ) -> list[R]:
        """Rows of a range, over as many pages as it takes."""
        wanted = None if limit is None else check_limit(limit, most=MOST_ROWS)
        window.check()
        self._key()
        start_ms, end_ms = window.resolve(await self._as_of())
        if start_ms is not None and start_ms == end_ms:
            return []
        if start_ms is None and wanted is not None:
            return await self._newest(page, name_of, wanted, end_ms)
        return list((await self._onwards(page, name_of, wanted, start_ms, end_ms)).values())[:wanted]

    async def _onwards(
        self, page: _Page[R], name_of: _NameOf[R], wanted: int | None, start_ms: int | None, end_ms: int | None
    ) -> dict[tuple[int, ...], R]:
        """Rows from a moment on, or from the first one, page by page."""
        cap = self.venue.capabilities.orders_cap
        found: dict[tuple[int, ...], R] = {}
        from_id: int | None = None if start_ms is not None else 0
        while wanted is None or len(found) < wanted:
            rows = await page(start_ms if from_id is None else None, None, from_id, cap)
            inside = {name_of(row): row for row in rows if end_ms is None or (row.time_ms or 0) < end_ms}
            is_new = not inside.keys() <= found.keys()
            found |= inside
            if len(rows) < cap or len(inside) < len(rows):
                break
            number, *more = name_of(rows[-1])
            from_id = number if more and is_new else number + 1  # another row may have the same number
        return found

    async def _newest(self, page: _Page[R], name_of: _NameOf[R], wanted: int, end_ms: int | None) -> list[R]:
        """The newest rows before a moment, page by page backwards; rows of one millisecond may come twice."""
        cap = self.venue.capabilities.orders_cap
        found: dict[tuple[int, ...], R] = {}
        until_ms = end_ms
        while len(found) < wanted:
            size = cap if found else min(cap, wanted)
            rows = await page(None, until_ms, None, size)
            fresh = {name_of(row): row for row in rows if name_of(row) not in found}
            found |= fresh
            if len(rows) < size:
                break
            oldest_ms = min(row.time_ms or 0 for row in rows)
            until_ms = oldest_ms + 1
            if not fresh:  # one millisecond has more rows than a page
                found |= await self._onwards(page, name_of, None, oldest_ms, until_ms)
                until_ms = oldest_ms
        return [found[name] for name in sorted(found)][-wanted:]

    def _now_text(self) -> str:
        return iso(self._timestamp_ms())

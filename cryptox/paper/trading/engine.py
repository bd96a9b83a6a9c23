"""The matching engine of the paper exchange: users' orders against each other and against the market's own book.

The market's own path never changes; over it lie what users took from its book and what they have resting in it.
Times are microseconds of market time and never fall; everything that the market does in the millisecond of a call
has happened before the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge

from cryptox.paper.market import Levels, Market
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.texts import REJECT_REASONS, EngineText
from cryptox.venues.binance.words import OrderStatus, Side

from .accounts import Account
from .amending import amend
from .board import Board
from .entering import Entrance, refused
from .judging import Judge
from .life import Life
from .lists import Lists
from .orders import NONE, Amendment, ListTicket, Order, OrderList, Placed, Ticket
from .prints import Prints
from .records import Records
from .reports import BalanceReport, LockReport, Report
from .resting import Resting
from .running import Trade, run

__all__ = ["Engine"]


class Engine:
    """Places, matches and ends orders. Filters, permissions and counts have been checked by the caller.

    Orders that start later than they were placed are shown to the ``judge``, if there is one, when they do.

    Parameters
    ----------
    market
        The market's own, without users' trades.
    accounts
        By uid; may grow later.
    records, prints
        Memory to go on from; open orders in it take their places again. New ones if None.
    since_us
        Where the memory ends: the tape is walked past its open orders from there. None: from the first call.
    """

    def __init__(
        self,
        market: Market,
        accounts: Mapping[int, Account],
        records: Records | None = None,
        prints: Prints | None = None,
        *,
        since_us: int | None = None,
    ) -> None:
        self.market = market
        self.accounts = accounts
        self.records = Records() if records is None else records
        self.prints = Prints() if prints is None else prints
        self.now_us = 0 if since_us is None else since_us
        self._life = Life(market, accounts, self.records, self.prints)
        self._entrance = Entrance(self._life)
        self._lists = Lists(self._life, self._entrance)
        self._boards = self._life.boards
        self._restore(since_us)

    def judge_by(self, judge: Judge | None) -> None:
        """Who is asked about orders that are triggered or activated from now on; without one all of them may start."""
        self._entrance.judge = judge

    @property
    def is_watched(self) -> bool:
        """Whether what the market does next could mean anything to an order."""
        return any(board.is_watched for board in tuple(self._boards.values()))

    def advance(self, now_us: int) -> None:
        """Let the market run through open orders up to ``now_us``."""
        if now_us // 1000 <= self.now_us // 1000:
            return
        self._enter([board for board in self._boards.values() if board.is_watched], now_us)
        self.now_us = now_us
        self._positions()

    def _enter(self, boards: Sequence[Board], now_us: int) -> None:
        """Bring symbols to ``now_us``, all in one order of time: what one of them pays out another may need."""
        self.now_us = max(self.now_us, now_us)
        now_ms, handled = self.now_us // 1000, set()
        tapes = []
        for board in boards:
            if board.ambient.now_ms < 0:
                self._jump(board, now_ms)
            elif now_ms > board.ambient.now_ms:
                tapes.append(self._tape(board, now_ms))
        for board, trade in merge(*tapes, key=lambda row: row[1].time_us):
            handled.add(board.symbol)
            self._traded(board, trade)
        for board in boards:
            moved = board.ambient.look(now_ms)
            board.now_us = max(board.now_us, self.now_us, board.ambient.newest(now_ms)[1])
            if moved or board.symbol in handled:
                self._uncross(board)
                self._drain()

    def _tape(self, board: Board, now_ms: int) -> Iterator[tuple[Board, Trade]]:
        return ((board, trade) for trade in run(board, self.market, now_ms))

    def _jump(self, board: Board, now_ms: int) -> None:
        board.ambient.jump(now_ms, self.market.last_aggregate_id(board.symbol, now_ms) + 1)

    def _board(self, symbol: str, now_us: int) -> Board:
        board = self._boards.get(symbol)
        if board is None:
            board = self._boards[symbol] = Board(self.market, symbol, self.records, self.prints)
        self._enter((board,), now_us)
        return board

    def _traded(self, board: Board, trade: Trade) -> None:
        """A trade of the market's own runs into users' orders."""
        ambient = board.ambient
        board.now_us = max(board.now_us, trade.time_us)
        ambient.look(trade.time_us // 1000)
        ambient.trades, ambient.orders = trade.first_id, trade.id
        for side in Side:
            self._sweep(board, side, trade)
        ambient.saw(trade.last_id + 1, trade.id + 1, trade.price, trade.time_us)
        self._life.due.extend(board.waiting.judge(trade.price, board.now_us))
        # The tick's book is older than this trade: what it shows beyond the trade's price is no longer there.
        board.bound = trade.price
        self._drain()
        board.bound = 0

    def _sweep(self, board: Board, side: Side, trade: Trade) -> None:
        resting, sign = board.resting(side), 1 if side is Side.BUY else -1
        while (best := resting.best) is not None and best * sign > trade.price * sign:
            order = resting.first(best)
            assert order is not None
            self._life.trade(board, best, order.open_quantity, order, None, trade)
        if best == trade.price:
            self._share(board, resting, trade, queued=trade.buyer_is_maker == (side is Side.BUY))

    def _share(self, board: Board, resting: Resting, trade: Trade, *, queued: bool) -> None:
        """A trade at the price of resting orders: its quantity goes to the market's own before them, then to them."""
        rest = trade.quantity
        while rest > 0 and (order := resting.first(trade.price)) is not None:
            if queued and order.ahead:
                gone = min(rest, order.ahead)
                resting.eat(trade.price, gone)
            else:
                gone = min(rest, order.visible)
                self._life.trade(board, trade.price, gone, order, None, trade)
            rest -= gone

    def _uncross(self, board: Board) -> None:
        """Where the market's own book has come across a resting order, it fills it."""
        for side in Side:
            resting, own = board.resting(side), board.ambient.side(side.other)
            sign = 1 if side is Side.BUY else -1
            while (best := resting.best) is not None:
                level = own.best()
                if level is None or level[0] * sign > best * sign:
                    break
                order = resting.first(best)
                assert order is not None
                steps = min(order.open_quantity, level[1])
                own.take(level[0], steps)
                board.shift()
                self._life.trade(board, best, steps, order, None, "market")

    def _drain(self) -> None:
        """Stops that were triggered enter, and lists whose working order is filled go on, in the order of time."""
        due = self._life.due
        while due:
            item = due.popleft()
            if isinstance(item, OrderList):
                self._lists.activate(item)
                self._lists.finish(item, self._boards[item.symbol].now_us)
            elif item.is_open:
                self._entrance.trigger(item, self._boards[item.symbol])

    def _positions(self) -> None:
        self._life.reports.extend(self._life.ledger.take_positions(self.now_us))

    def _done(self) -> None:
        self._drain()
        self._life.placed.clear()
        self._positions()

    def place(self, account: Account, ticket: Ticket, now_us: int) -> Placed:
        """Place one order and let it meet the book.

        Raises
        ------
        Refused : -2010 with the engine's text; nothing has happened then.
        """
        board = self._board(ticket.symbol, now_us)
        try:
            self._entrance.check_ids(account.uid, ticket.client_id)
            demand = self._entrance.check(board, account.uid, ticket)
            order = self._life.accept(account, ticket, board, NONE, OrderStatus.NEW)
            held = self._life.settlement.hold(order, board, demand.hold)
            assert held
            placed = self._life.placed[order.symbol, order.id] = Placed(order)
            self._entrance.announce(order, board, demand)
            self._entrance.work(order, board, demand.plan)
        finally:
            self._done()
        return placed

    def reject(self, account: Account, ticket: Ticket, text: str, now_us: int) -> None:
        """Report that :meth:`place` has refused an order with this text; only what there is a word for is reported."""
        reason = REJECT_REASONS.get(text)
        if reason is not None:
            self._life.reject(account, ticket, self._board(ticket.symbol, now_us), reason)
            self._done()

    def test(self, account: Account, ticket: Ticket, now_us: int) -> None:
        """Refuse what :meth:`place` would refuse, and place nothing."""
        board = self._board(ticket.symbol, now_us)
        self._positions()
        self._entrance.check_ids(account.uid, ticket.client_id)
        self._entrance.check(board, account.uid, ticket)

    def place_list(self, account: Account, ticket: ListTicket, now_us: int) -> tuple[OrderList, list[Placed]]:
        """Place an order list; what was placed comes in the order of ``OrderList.order_ids``.

        Orders that wait for the working one are shown as they were placed, even if it was filled at once.

        Raises
        ------
        Refused : -2010 with the engine's text; nothing has happened then.
        """
        board = self._board(ticket.symbol, now_us)
        try:
            return self._lists.place(board, account, ticket)
        finally:
            self._done()

    def cancel(self, order: Order, client_id: str, now_us: int) -> list[Order]:
        """Cancel an order, or all of its list; returns what was cancelled.

        Raises
        ------
        Refused : -2011, the order is no longer open.
        """
        board = self._board(order.symbol, now_us)
        try:
            if not order.is_open:
                raise refused(EngineText.UNKNOWN_ORDER, Code.CANCEL_REJECTED)
            order_list = self._lists.of(order)
            if order_list is not None:
                return self._lists.cancel(order_list, board, client_id)
            self._life.cancel(order, board, client_id)
        finally:
            self._done()
        return [order]

    def cancel_list(self, order_list: OrderList, client_id: str, now_us: int) -> list[Order]:
        """Cancel what is open of a list; returns it.

        Raises
        ------
        Refused : -2011, nothing of it is open.
        """
        board = self._board(order_list.symbol, now_us)
        try:
            if not any(order.is_open for order in self._lists.orders(order_list)):
                raise refused(EngineText.UNKNOWN_ORDER, Code.CANCEL_REJECTED)
            return self._lists.cancel(order_list, board, client_id)
        finally:
            self._done()

    def amend(self, order: Order, quantity: int, client_id: str, now_us: int) -> Amendment:
        """Reduce an order to ``quantity`` steps, at its place in the queue; both legs of an OCO.

        The order gets ``client_id`` (empty: it keeps its own). It expires if it has been filled that far already.

        Raises
        ------
        Refused : -2038 with the engine's text, -2011 if the order is no longer open.
        """
        board = self._board(order.symbol, now_us)
        try:
            return amend(self._life, self._lists, board, order, quantity, client_id)
        finally:
            self._done()

    def levels(self, symbol: str, now_us: int, limit: int) -> Levels:
        """The book that everybody sees, best first, up to ``limit`` levels a side: the market's own and users'."""
        board = self._board(symbol, now_us)
        self._positions()
        return board.levels(limit)

    def last_price(self, symbol: str, now_us: int) -> int:
        """Ticks of the newest trade, the market's own or a user's; 0 where there was none yet."""
        board = self._board(symbol, now_us)
        self._positions()
        return board.last_price()

    def take_reports(self) -> list[Report]:
        """What has happened since this was last called."""
        reports, self._life.reports = self._life.reports, []
        return reports

    def transfer(self, account: Account, asset: str, atoms: int, now_us: int) -> None:
        """Deposit (positive) or withdraw (negative) so many atoms.

        Raises
        ------
        Refused : less than that is free.
        """
        self.now_us = max(self.now_us, now_us)
        if atoms >= 0:
            self._life.ledger.credit(account.uid, asset, atoms)
        elif not self._life.ledger.charge(account.uid, asset, -atoms):
            raise refused(EngineText.INSUFFICIENT_BALANCE)
        self._life.reports.append(BalanceReport(account.uid, asset, atoms, self.now_us))
        self._positions()

    def lock(self, account: Account, asset: str, atoms: int, now_us: int) -> None:
        """Let something outside lock (positive) or release (negative) so many atoms; no order can use what is locked.

        Raises
        ------
        Refused : less than that is free, or locked from outside.
        """
        self.now_us = max(self.now_us, now_us)
        if not self._life.ledger.hold_outside(account.uid, asset, atoms):
            raise refused(EngineText.INSUFFICIENT_BALANCE)
        self._life.reports.append(LockReport(account.uid, asset, atoms, self.now_us))
        self._positions()

    def _restore(self, since_us: int | None) -> None:
        opened = [order for order in self.records.all_orders() if order.is_open]
        for symbol in {order.symbol for order in opened}:
            board = self._boards[symbol] = Board(self.market, symbol, self.records, self.prints)
            if since_us is not None:
                self._jump(board, since_us // 1000)
            mine = [order for order in opened if order.symbol == symbol and order.status is not OrderStatus.PENDING_NEW]
            for side in Side:
                board.resting(side).restore(order for order in mine if order.side is side and order.is_working)
            for order in mine:
                if not order.is_working:
                    board.waiting.add(order)
        self._life.open_ids.update({(order.account, order.client_id): order for order in opened})
        self._lists.restore(opened)

"""The life of orders: accepted, filled, prevented, ended; with their holds, their records and their reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter

from cryptox.paper.market import Market
from cryptox.venues.binance.words import ExecutionType, ExpiryReason, OrderStatus, RejectReason, Side

from .accounts import Account
from .board import Board
from .ledger import Ledger
from .matching import Step
from .orders import NONE, Fill, Order, OrderList, Placed, Prevented, Ticket
from .prints import Print, Prints
from .records import Records
from .reports import Execution, Report
from .resting import limit_of, slice_of
from .settlement import Settlement

__all__ = ["Life", "copied"]

_VALUES = attrgetter(*(field.name for field in fields(Order)))


def copied(order: Order) -> Order:
    """The order as it is now."""
    return Order(*_VALUES(order))


class Life:
    """All changes of orders go through here."""

    def __init__(self, market: Market, accounts: Mapping[int, Account], records: Records, prints: Prints) -> None:
        self.market = market
        self.accounts = accounts
        self.records = records
        self.prints = prints
        self.ledger = Ledger(accounts, records)
        self.settlement = Settlement(market, accounts, records, self.ledger)
        self.boards: dict[str, Board] = {}
        self.reports: list[Report] = []
        self.placed: dict[tuple[str, int], Placed] = {}  # orders of the call under way, for its answer
        self.open_ids: dict[tuple[int, str], Order] = {}
        self.due: deque[Order | OrderList] = deque()  # triggered stops and lists whose working order is filled
        self.before_fill: Callable[[Order], None]  # set by the lists
        self.after_end: Callable[[Order], None]
        self.partner: Callable[[Order], Order | None]
        self._swept: dict[str, tuple[object, int, int]] = {}

    def report(
        self,
        order: Order,
        kind: ExecutionType,
        time_us: int,
        *,
        fill: Fill | None = None,
        prevented: Prevented | None = None,
        steps: int = 0,
        counter: int = NONE,
        client_id: str = "",
    ) -> int:
        """Note a change of an order in the records and report it; returns the execution id."""
        order.updated_us = time_us
        self.records.touch(order)
        counters = self.records.count(order.symbol)
        counters.execution += 1
        on_book = order.is_working and order.is_open
        if kind is not ExecutionType.NEW:
            on_book = on_book and order.type.has_price
        self.reports.append(
            Execution(
                order.account,
                copied(order),
                kind,
                counters.execution,
                time_us,
                on_book,
                fill=fill,
                prevented=prevented,
                prevented_quantity=steps,
                counter_order_id=counter,
                client_id=client_id or order.client_id,
            )
        )
        return counters.execution

    def accept(self, account: Account, ticket: Ticket, board: Board, list_id: int, status: OrderStatus) -> Order:
        """Make an order of a ticket and remember it; nothing is held or reported yet."""
        order = self._made(account, ticket, board, list_id, status)
        self.records.add(order)
        self.open_ids[order.account, order.client_id] = order
        return order

    def reject(self, account: Account, ticket: Ticket, board: Board, reason: RejectReason) -> None:
        """Report an order that was refused: it has ids of its own, and nobody remembers it."""
        order = self._made(account, ticket, board, NONE, OrderStatus.REJECTED)
        counters = self.records.count(ticket.symbol)
        counters.execution += 1
        kind = ExecutionType.REJECTED
        self.reports.append(
            Execution(order.account, order, kind, counters.execution, board.now_us, on_book=False, reject=reason)
        )

    def _made(self, account: Account, ticket: Ticket, board: Board, list_id: int, status: OrderStatus) -> Order:
        counters = self.records.count(ticket.symbol)
        counters.order += 1
        return Order(
            id=counters.order,
            symbol=ticket.symbol,
            account=account.uid,
            client_id=ticket.client_id,
            side=ticket.side,
            type=ticket.type,
            time_in_force=ticket.time_in_force,
            quantity=ticket.quantity,
            price=ticket.price,
            quote_quantity=ticket.quote_quantity,
            stop=ticket.stop,
            trailing_delta=ticket.trailing_delta,
            iceberg=ticket.iceberg,
            prevention=ticket.prevention,
            created_us=board.now_us,
            updated_us=board.now_us,
            strategy_id=ticket.strategy_id,
            strategy_type=ticket.strategy_type,
            peg=ticket.peg,
            list_id=list_id,
            status=status,
            named=counters.execution,
        )

    def rename(self, order: Order, client_id: str) -> None:
        """Give an order another client id."""
        self.open_ids.pop((order.account, order.client_id), None)
        self.records.rename(order, client_id)
        self.open_ids[order.account, client_id] = order

    def leave(self, order: Order, board: Board) -> None:
        """Take an order out of the book and from among those that wait."""
        if board.resting(order.side).remove(order):
            board.shift()
        elif order.type.is_contingent and not order.is_working:
            board.waiting.remove(order)
        order.visible = 0

    def close(self, order: Order, board: Board, status: OrderStatus) -> None:
        """Give an order its final status: it leaves the book and holds nothing more."""
        order.status = status
        self.leave(order, board)
        self.settlement.hold(order, board, 0)
        key = (order.account, order.client_id)
        if self.open_ids.get(key) is order:
            del self.open_ids[key]

    def expire(self, order: Order, board: Board, reason: ExpiryReason) -> None:
        """End an order that the exchange ends."""
        order.expiry_reason = reason
        self.close(order, board, OrderStatus.EXPIRED)
        self.report(order, ExecutionType.EXPIRED, board.now_us)
        self.after_end(order)

    def cancel(self, order: Order, board: Board, client_id: str) -> None:
        """End an order at its owner's wish."""
        self.close(order, board, OrderStatus.CANCELED)
        self.report(order, ExecutionType.CANCELED, board.now_us, client_id=client_id)

    def trade(
        self, board: Board, price: int, steps: int, maker: Order | None, taker: Order | None, sweep: object
    ) -> None:
        """One trade; None is the market itself. ``sweep`` tells takers apart."""
        if maker is not None:
            self.before_fill(maker)
        buyer_is_maker = maker.side is Side.BUY if maker is not None else taker is not None and taker.side is Side.SELL
        ambient, swept = board.ambient, (sweep, price, board.now_us)
        opens = self._swept.get(board.symbol) != swept
        self._swept[board.symbol] = swept
        printed = Print(ambient.trades, ambient.orders, price, steps, board.now_us, buyer_is_maker, opens)
        trade_id = self.prints.add(board.symbol, printed)
        for order in (taker, maker):
            if order is not None:
                self._fill(board, order, trade_id, price, steps, is_maker=order is maker)
        self.due.extend(board.waiting.judge(price, board.now_us))

    def _fill(self, board: Board, order: Order, trade_id: int, price: int, steps: int, *, is_maker: bool) -> None:
        quote = board.grid.quote(price, steps)
        order.executed += steps
        order.quote += quote
        commission, asset = self.settlement.settle(board, order, steps, quote, is_maker=is_maker)
        fill = Fill(
            trade_id=trade_id,
            symbol=order.symbol,
            account=order.account,
            order_id=order.id,
            list_id=order.list_id,
            side=order.side,
            price=price,
            quantity=steps,
            quote=quote,
            commission=commission,
            commission_asset=asset,
            time_us=board.now_us,
            is_maker=is_maker,
        )
        self.records.add_fill(fill)
        placed = self.placed.get((order.symbol, order.id))
        if placed is not None:
            placed.fills.append(fill)
        order.status = OrderStatus.PARTIALLY_FILLED
        if is_maker:
            self._shrink(order, board, steps)
        if not order.open_quantity:
            self.close(order, board, OrderStatus.FILLED)
        self.report(order, ExecutionType.TRADE, board.now_us, fill=fill)
        if not order.is_open:
            self.after_end(order)

    def _shrink(self, order: Order, board: Board, steps: int) -> None:
        """A resting order has lost steps: what shows of it, and where an iceberg's next slice stands."""
        board.shift()
        order.visible -= steps
        if order.visible <= 0 and order.open_quantity:
            order.visible = slice_of(order)
            board.resting(order.side).requeue(order, board.ambient.side(order.side).free(limit_of(order)))

    def prevent(self, board: Board, taker: Order, step: Step) -> None:
        """One match that does not happen: a record, and who lost quantity reports it."""
        maker = step.maker
        assert maker is not None
        assert step.mode is not None
        counters = self.records.count(board.symbol)
        counters.prevented += 1
        taker_loss, maker_loss = step.taker_loss or None, step.maker_loss or None
        for order in (taker,) if taker.account == maker.account else (taker, maker):
            match = Prevented(
                id=counters.prevented,
                symbol=board.symbol,
                account=order.account,
                taker_order_id=taker.id,
                maker_order_id=maker.id,
                mode=step.mode,
                price=step.price,
                taker_quantity=taker_loss,
                maker_quantity=maker_loss,
                time_us=board.now_us,
            )
            self.records.add_prevented(match)
            placed = self.placed.get((order.symbol, order.id))
            if placed is not None:
                placed.prevented.append(match)
        if step.steps:
            self.before_fill(maker)
            self.settlement.transfer(board, taker, maker, step)
        for order, counter, loss in ((taker, maker, step.taker_loss), (maker, taker, step.maker_loss)):
            if loss:
                self._lose(board, order, counter, loss, match)

    def _lose(self, board: Board, order: Order, counter: Order, steps: int, match: Prevented) -> None:
        order.prevented += steps
        order.prevented_id = match.id
        if order in board.resting(order.side):
            self._shrink(order, board, steps)
        if order.open_quantity:
            self.settlement.rehold(order, board, self.partner(order))
        else:
            self.close(order, board, OrderStatus.EXPIRED_IN_MATCH)
        self.report(
            order, ExecutionType.TRADE_PREVENTION, board.now_us, prevented=match, steps=steps, counter=counter.id
        )
        if not order.is_open:
            self.after_end(order)

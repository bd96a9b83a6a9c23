"""Order lists: one cancels the other, one triggers the other, and both together.

The two legs of an OCO lock money once: the leg that needs more holds it, and hands it over if the other one starts.
"""

from __future__ import annotations

from dataclasses import replace

from cryptox.paper.refusals import Refused
from cryptox.venues.binance.texts import EngineText
from cryptox.venues.binance.words import (
    Contingency,
    ExecutionType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    OrderStatus,
    OrderType,
)

from .accounts import Account
from .board import Board
from .entering import Demand, Entrance, refused
from .life import Life, copied
from .orders import NONE, ListTicket, Order, OrderList, Placed, Ticket
from .reports import ListReport

__all__ = ["Lists"]


class Lists:
    """What orders of a list do to each other."""

    def __init__(self, life: Life, entrance: Entrance) -> None:
        self.life = life
        self.entrance = entrance
        self.open_ids: dict[tuple[int, str], OrderList] = {}
        self._announced: dict[int, Order] = {}  # pending orders as they were placed
        life.before_fill = self._begin
        life.after_end = self._ended
        life.partner = self.partner

    def restore(self, opened: list[Order]) -> None:
        """Take up the lists of open orders again."""
        for order in opened:
            order_list = self.of(order)
            if order_list is not None:
                self.open_ids[order_list.account, order_list.client_id] = order_list

    def of(self, order: Order) -> OrderList | None:
        """The list an order belongs to."""
        return None if order.list_id == NONE else self.life.records.order_list(order.list_id)

    def orders(self, order_list: OrderList) -> list[Order]:
        """The orders of a list."""
        found = (self.life.records.order(order_list.symbol, number) for number in order_list.order_ids)
        return [order for order in found if order is not None]

    def legs(self, order_list: OrderList) -> list[Order]:
        """The orders of a list that wait for the working one, or all of an OCO."""
        return [order for order in self.orders(order_list) if order.id != order_list.working_id]

    def partner(self, order: Order) -> Order | None:
        """The other leg of an OCO, while it is open."""
        order_list = self.of(order)
        if order_list is None or order.id == order_list.working_id:
            return None
        others = [leg for leg in self.legs(order_list) if leg is not order and leg.is_open]
        return others[0] if others else None

    def check(self, board: Board, account: Account, ticket: ListTicket) -> list[Demand]:
        """What the orders of a list need to start: of the working one, or of both legs.

        Raises
        ------
        Refused : -2010 with the engine's text.
        """
        if (account.uid, ticket.client_id) in self.open_ids:
            raise refused(EngineText.DUPLICATE_ORDER)
        tickets = _tickets(ticket)
        self.entrance.check_ids(account.uid, *(one.client_id for one in tickets))
        if ticket.working is None:
            return self._check_pair(board, account.uid, ticket.legs)
        if len(ticket.legs) == 2:
            _check_relation(ticket.legs, 0)
        return [self.entrance.check(board, account.uid, ticket.working)]

    def _check_pair(
        self, board: Board, uid: int, legs: tuple[Ticket | Order, ...], available: int | None = None
    ) -> list[Demand]:
        _check_relation(legs, board.last_price())
        return [self.entrance.check(board, uid, leg, available=available) for leg in legs]

    def place(self, board: Board, account: Account, ticket: ListTicket) -> tuple[OrderList, list[Placed]]:
        """Make all orders of a list and let the first ones start."""
        demands = self.check(board, account, ticket)
        life, number = self.life, self.life.records.newest_list + 1
        pending = OrderStatus.NEW if ticket.working is None else OrderStatus.PENDING_NEW
        orders = [
            life.accept(account, one, board, number, OrderStatus.NEW if one is ticket.working else pending)
            for one in _tickets(ticket)
        ]
        order_list = OrderList(
            id=number,
            symbol=ticket.symbol,
            account=account.uid,
            client_id=ticket.client_id,
            contingency=Contingency.OCO if ticket.working is None else Contingency.OTO,
            order_ids=tuple(order.id for order in orders),
            working_id=NONE if ticket.working is None else orders[0].id,
            takes_bought=ticket.takes_bought,
            created_us=board.now_us,
            updated_us=board.now_us,
        )
        life.records.add_list(order_list)
        self.open_ids[account.uid, ticket.client_id] = order_list
        started = orders if ticket.working is None else orders[:1]
        placed = [Placed(order) for order in orders]
        for one in placed[: len(started)]:
            life.placed[one.order.symbol, one.order.id] = one
        self._start(board, order_list, started, demands, orders[len(started) :])
        for one in placed[len(started) :]:
            one.order = self._announced.pop(one.order.id)
        return order_list, placed

    def _start(
        self, board: Board, order_list: OrderList, started: list[Order], demands: list[Demand], pending: list[Order]
    ) -> None:
        self._hold(board, started, demands)
        for order, demand in zip(started, demands, strict=True):
            self.entrance.announce(order, board, demand)
        self._announced = {}
        for order in pending:
            self.life.report(order, ExecutionType.NEW, board.now_us)
            self._announced[order.id] = copied(order)
        self.report(order_list, board.now_us)
        for order, demand in zip(started, demands, strict=True):
            if order.is_open:
                self.entrance.work(order, board, demand.plan)

    def _hold(self, board: Board, orders: list[Order], demands: list[Demand]) -> None:
        """Lock once, for the order that needs most."""
        needs = [demand.hold for demand in demands]
        most = needs.index(max(needs))
        held = self.life.settlement.hold(orders[most], board, needs[most])
        assert held

    def _begin(self, order: Order) -> None:
        """An order is about to trade or has been triggered: the other leg of its OCO goes."""
        partner = self.partner(order)
        if partner is None or partner.status is OrderStatus.PENDING_NEW:
            return
        board = self.life.boards[order.symbol]
        order.hold, partner.hold = order.hold + partner.hold, 0
        partner.expiry_reason = ExpiryReason.OCO_TRIGGER
        self.life.close(partner, board, OrderStatus.EXPIRED)
        self.life.report(partner, ExecutionType.EXPIRED, board.now_us)
        self.life.settlement.rehold(order, board)

    def _ended(self, order: Order) -> None:
        """An order has come to its end by itself."""
        order_list = self.of(order)
        if order_list is None:
            return
        board = self.life.boards[order.symbol]
        if order.id == order_list.working_id:
            if order.status is OrderStatus.FILLED:
                self.life.due.append(order_list)
                return
            reason = ExpiryReason.OTO_PHASE_ONE_EXPIRED
        else:
            reason = ExpiryReason.OCO_TRIGGER
        for leg in self.legs(order_list):
            if leg is not order and leg.is_open:
                leg.expiry_reason = reason
                self.life.close(leg, board, OrderStatus.EXPIRED)
                self.life.report(leg, ExecutionType.EXPIRED, board.now_us)
        self.finish(order_list, board.now_us)

    def activate(self, order_list: OrderList) -> None:
        """The working order of a list is filled: the others start, or expire where they cannot."""
        board = self.life.boards[order_list.symbol]
        legs = [leg for leg in self.legs(order_list) if leg.is_open]
        if not legs:
            return
        for leg in legs:
            leg.status = OrderStatus.NEW
        holder = legs[0]
        available = self.life.ledger.free(holder.account, self.life.settlement.asset_of(holder, board)) + holder.hold
        if order_list.takes_bought:
            for leg in legs:
                leg.quantity = board.grid.steps_of(holder.hold)
        try:
            if order_list.takes_bought:
                _check_bought(legs)
            if len(legs) == 1:
                demands = [self.entrance.check(board, holder.account, holder, available=available)]
            else:
                demands = self._check_pair(board, holder.account, tuple(legs), available)
            for leg, demand in zip(legs, demands, strict=True):
                self.entrance.judged(leg, board, demand.pegged_price or leg.price)
        except Refused:
            self._reject(board, order_list, legs)
            return
        self._start(board, order_list, legs, demands, [])

    def _reject(self, board: Board, order_list: OrderList, legs: list[Order]) -> None:
        for leg in legs:
            leg.expiry_reason = ExpiryReason.REJECTED
            self.life.close(leg, board, OrderStatus.EXPIRED)
            self.life.report(leg, ExecutionType.EXPIRED, board.now_us)
        self.finish(order_list, board.now_us)

    def cancel(self, order_list: OrderList, board: Board, client_id: str) -> list[Order]:
        """Cancel what is open of a list."""
        cancelled = [order for order in self.orders(order_list) if order.is_open]
        for order in cancelled:
            self.life.cancel(order, board, client_id)
        self.finish(order_list, board.now_us)
        return cancelled

    def finish(self, order_list: OrderList, time_us: int) -> None:
        """Close a list whose orders have all come to their end."""
        if order_list.status is ListOrderStatus.ALL_DONE or any(order.is_open for order in self.orders(order_list)):
            return
        order_list.status_type, order_list.status = ListStatusType.ALL_DONE, ListOrderStatus.ALL_DONE
        key = (order_list.account, order_list.client_id)
        if self.open_ids.get(key) is order_list:
            del self.open_ids[key]
        self.report(order_list, time_us)

    def report(self, order_list: OrderList, time_us: int, status_type: ListStatusType | None = None) -> None:
        """Report a list as it is now; ``status_type`` says otherwise why."""
        order_list.updated_us = time_us
        self.life.records.touch_list(order_list)
        ids = tuple((order.id, order.client_id) for order in self.orders(order_list))
        seen = replace(order_list) if status_type is None else replace(order_list, status_type=status_type)
        self.life.reports.append(ListReport(order_list.account, seen, ids, time_us))


def _tickets(ticket: ListTicket) -> tuple[Ticket, ...]:
    return ticket.legs if ticket.working is None else (ticket.working, *ticket.legs)


def _check_bought(legs: list[Order]) -> None:
    """Orders that sell what was bought have a quantity only now: whether it is one that they can have."""
    for leg in legs:
        if not leg.quantity:
            raise refused(EngineText.INSUFFICIENT_BALANCE)
        if leg.iceberg >= leg.quantity:
            raise refused(EngineText.ICEBERG_EXCEEDS)


def _check_relation(legs: tuple[Ticket | Order, ...], last: int) -> None:
    """The leg above must stand above the last price, the one below it below; an order without a price passes."""
    above, below = (_mark(leg) for leg in legs)
    if (above and last and above <= last) or (below and last and below >= last) or (above and below and above <= below):
        raise refused(EngineText.PRICE_RELATION)


def _mark(leg: Ticket | Order) -> int:
    return leg.price if leg.type is OrderType.LIMIT_MAKER else leg.stop

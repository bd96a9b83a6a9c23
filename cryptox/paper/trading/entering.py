"""How orders enter: what the engine refuses, what it locks, and the first pass through the book."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from cryptox.paper.refusals import Refused
from cryptox.venues.binance.codes import FILTER_FAILURE, Code
from cryptox.venues.binance.texts import EngineText
from cryptox.venues.binance.words import (
    ExecutionType,
    ExpiryReason,
    OrderType,
    PegPriceType,
    Side,
    TimeInForce,
)

from .board import Board
from .judging import Judge
from .life import Life
from .matching import Plan, Want, plan
from .orders import Order, Ticket
from .resting import limit_of, slice_of
from .settlement import need_of
from .triggers import is_upward

__all__ = ["Demand", "Entrance", "refused"]


def refused(text: str, code: Code = Code.NEW_ORDER_REJECTED) -> Refused:
    """A refusal in the engine's own words."""
    return Refused(code, text=text)


@dataclass(frozen=True, slots=True)
class Demand:
    """What an order needs to start."""

    hold: int  # atoms
    pegged_price: int = 0
    plan: Plan | None = None  # of a MARKET order


class Entrance:
    """Checks orders, and lets them in. Without a ``judge`` no filter is asked."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.judge: Judge | None = None

    def check_ids(self, uid: int, *client_ids: str) -> None:
        """Refuse a client id that an open order of the account, or a neighbour, has."""
        used = any((uid, client_id) in self.life.open_ids for client_id in client_ids)
        if used or len(set(client_ids)) < len(client_ids):
            raise refused(EngineText.DUPLICATE_ORDER)

    def check(self, board: Board, uid: int, asked: Ticket | Order, *, available: int | None = None) -> Demand:
        """What ``asked`` needs to start now.

        ``available`` is what can be held for it; the free balance if None.

        Raises
        ------
        Refused : -2010 with the engine's text.
        """
        demand = self.demand(board, uid, asked)
        if available is None:
            available = self.life.ledger.free(uid, self.life.settlement.asset_of(asked, board))
        if demand.hold > available:
            raise refused(EngineText.INSUFFICIENT_BALANCE)
        self._check_price(board, asked, demand)
        return demand

    def demand(self, board: Board, uid: int, asked: Ticket | Order) -> Demand:
        """What ``asked`` would lock, whether there is enough or not."""
        if asked.type is OrderType.MARKET:
            return self._market(board, uid, asked)
        if asked.peg is not None and not asked.type.is_contingent:
            price = self.peg(board, asked)
            return Demand(need_of(asked, board.grid, asked.quantity, price), price)
        price = asked.price or asked.stop or board.last_price()
        return Demand(need_of(asked, board.grid, asked.quantity, price))

    def _market(self, board: Board, uid: int, asked: Ticket | Order) -> Demand:
        made = self._plan(board, uid, asked, asked.quantity, limit=0)
        if not asked.quote_quantity:
            sells = asked.side is Side.SELL
            return Demand(board.grid.base(asked.quantity) if sells else made.cost, plan=made)
        if not made.steps:
            raise refused(EngineText.LIQUIDITY_BELOW_MINIMUM)
        steps = max(made.base_steps, made.traded + made.prevented)
        return Demand(board.grid.base(steps) if asked.side is Side.SELL else asked.quote_quantity, plan=made)

    def _plan(self, board: Board, uid: int, asked: Ticket | Order, quantity: int, *, limit: int) -> Plan:
        want = Want(
            side=asked.side,
            uid=uid,
            prevention=asked.prevention,
            quantity=quantity,
            budget=asked.quote_quantity or None,
            limit=limit,
        )
        return plan(board, want, self._group)

    def _group(self, uid: int) -> int:
        return self.life.accounts[uid].group

    def _check_price(self, board: Board, asked: Ticket | Order, demand: Demand) -> None:
        if asked.type is OrderType.LIMIT_MAKER:
            price, best = demand.pegged_price or asked.price, board.best(asked.side.other)
            if best is not None and (price >= best if asked.side is Side.BUY else price <= best):
                raise refused(EngineText.WOULD_TAKE)
        last = board.last_price()
        if not (asked.type.is_contingent and asked.stop and last):
            return
        if asked.stop <= last if is_upward(asked) else asked.stop >= last:
            raise refused(EngineText.WOULD_TRIGGER)

    def peg(self, board: Board, asked: Ticket | Order) -> int:
        """The price that a pegged order takes now.

        Raises
        ------
        Refused : the book has no such level, or the level lies beyond the order's own price.
        """
        assert asked.peg is not None
        primary = asked.peg.price_type is PegPriceType.PRIMARY_PEG
        if asked.type is OrderType.LIMIT_MAKER and not primary:
            raise refused(EngineText.PEG_NOT_FOR_TYPE)
        side = asked.side if primary else asked.side.other
        offset = asked.peg.offset or 0
        price = next(islice((price for price, _ in board.depth(side)), offset, None), None)
        if price is None:
            raise refused(EngineText.LIQUIDITY_BELOW_PEG)
        if asked.price and (price > asked.price if asked.side is Side.BUY else price < asked.price):
            raise refused(EngineText.LIQUIDITY_BELOW_PEG)
        return price

    def judged(self, order: Order, board: Board, price: int) -> None:
        """Ask the filters about an order that starts later than it was placed, at a price (0: at any).

        Raises
        ------
        Refused : -1013 with the filter's name.
        """
        if self.judge is None:
            return
        failure = self.judge(order, price, order.open_quantity, board.last_price(), board.now_us)
        if failure is not None:
            raise refused(FILTER_FAILURE + failure, Code.INVALID_MESSAGE)

    def announce(self, order: Order, board: Board, demand: Demand | None) -> None:
        """An order begins to wait for its price, or to work; its NEW report. Its money is already held."""
        if order.type.is_contingent:
            if order.trailing_delta and not order.stop:
                order.trailing_us, order.extreme = board.now_us, board.last_price()
            board.waiting.add(order)
        else:
            assert demand is not None
            order.working_us = board.now_us
            order.pegged_price = demand.pegged_price
            if order.quote_quantity and demand.plan is not None:
                made = demand.plan
                order.quantity = made.traded + made.prevented + made.short
        self.life.report(order, ExecutionType.NEW, board.now_us)

    def work(self, order: Order, board: Board, made: Plan | None = None) -> None:
        """Let an announced order through the book, and rest if it may. Orders that wait are left alone."""
        if not order.is_working:
            return
        if made is None:
            made = self._plan(board, order.account, order, order.open_quantity, limit=limit_of(order))
        if order.time_in_force is TimeInForce.FOK and made.traded < order.open_quantity:
            self.life.expire(order, board, ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED)
            return
        for step in made.steps:
            if step.mode is not None:
                self.life.prevent(board, order, step)
                continue
            if step.maker is None:
                makers = order.side.other
                board.ambient.side(makers).take(step.price, step.steps)
                board.resting(makers).eat(step.price, step.steps)
                board.shift()
            self.life.trade(board, step.price, step.steps, step.maker, order, order.id)
        if order.is_open:
            self._rest(order, board)

    def _rest(self, order: Order, board: Board) -> None:
        if not order.type.has_price:
            if order.quote_quantity:
                order.quantity = order.executed + order.prevented
            self.life.expire(order, board, ExpiryReason.INSUFFICIENT_LIQUIDITY)
        elif order.time_in_force is TimeInForce.IOC:
            self.life.expire(order, board, ExpiryReason.UNFILLED_IOC_QUANTITY_EXPIRED)
        else:
            order.visible = slice_of(order)
            board.rest(order)

    def trigger(self, order: Order, board: Board) -> None:
        """A stop has met its price: it enters the book, or expires where it cannot."""
        self.life.before_fill(order)
        made = None
        try:
            if order.peg is not None:
                order.pegged_price = self.peg(board, order)
            self.judged(order, board, limit_of(order))
        except Refused:
            self.life.expire(order, board, ExpiryReason.REJECTED)
            return
        price = limit_of(order)
        if not price:
            made = self._plan(board, order.account, order, order.open_quantity, limit=0)
        need = need_of(order, board.grid, order.open_quantity, price)
        if made is not None and order.side is Side.BUY:
            need = made.cost
        if not self.life.settlement.hold(order, board, need):
            self.life.expire(order, board, ExpiryReason.REJECTED)
            return
        order.working_us = board.now_us
        self.life.report(order, ExecutionType.NEW, board.now_us)
        self.work(order, board, made)

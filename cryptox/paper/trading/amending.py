"""Reductions of an order's quantity that keep its place in the queue."""

from __future__ import annotations

from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.texts import EngineText
from cryptox.venues.binance.words import ExecutionType, ExpiryReason, ListStatusType, OrderStatus, Side

from .board import Board
from .entering import refused
from .life import Life
from .lists import Lists
from .orders import Amendment, Order
from .settlement import held_price, need_of

__all__ = ["amend"]

INCREASE = "Order amend (quantity increase) is not supported."
NO_CHANGE = "The requested action would change no state; rejecting."
PENDING = "Order amend (pending OPO order) is not supported."


def amend(life: Life, lists: Lists, board: Board, order: Order, quantity: int, client_id: str) -> Amendment:
    """Reduce an order, and the other leg of its OCO with it.

    Raises
    ------
    Refused : -2038 with the engine's text, -2011 if the order is no longer open.
    """
    client_id = client_id or order.client_id
    _check(life, lists, order, quantity, client_id)
    partner, order_list = lists.partner(order), lists.of(order)
    old_id, old_quantity = order.client_id, order.quantity
    if client_id != old_id:
        life.rename(order, client_id)
    order.amends += 1
    for leg in (order, partner):
        if leg is not None:
            _reduce(board, leg, quantity)
    _release(life, board, order, partner, old_quantity)
    execution_id = life.report(order, ExecutionType.REPLACED, board.now_us, client_id=client_id)
    if partner is not None:
        life.report(partner, ExecutionType.REPLACED, board.now_us)
    amendment = Amendment(
        symbol=order.symbol,
        account=order.account,
        order_id=order.id,
        execution_id=execution_id,
        old_client_id=old_id,
        new_client_id=client_id,
        old_quantity=old_quantity,
        new_quantity=quantity,
        time_us=board.now_us,
    )
    life.records.add_amendment(amendment)
    if order_list is not None and client_id != old_id:
        lists.report(order_list, board.now_us, ListStatusType.UPDATED)
    # Self-trade prevention may have taken more of one leg than the other is left with.
    for leg in (order, partner):
        if leg is not None and leg.is_open and not leg.open_quantity:
            life.expire(leg, board, ExpiryReason.EXCHANGE_CANCELED)
    return amendment


def _check(life: Life, lists: Lists, order: Order, quantity: int, client_id: str) -> None:
    if not order.is_open:
        raise refused(EngineText.UNKNOWN_ORDER, Code.CANCEL_REJECTED)
    order_list = lists.of(order)
    if order_list is not None and order_list.takes_bought and order.status is OrderStatus.PENDING_NEW:
        raise refused(PENDING, Code.ORDER_AMEND_REJECTED)
    if quantity > order.quantity:
        raise refused(INCREASE, Code.ORDER_AMEND_REJECTED)
    if quantity == order.quantity or quantity <= 0:
        raise refused(NO_CHANGE, Code.ORDER_AMEND_REJECTED)
    if client_id != order.client_id and (order.account, client_id) in life.open_ids:
        raise refused(EngineText.DUPLICATE_ORDER, Code.ORDER_AMEND_REJECTED)


def _reduce(board: Board, order: Order, quantity: int) -> None:
    """The quantity becomes what was asked for, or what is filled already if that is more."""
    order.quantity = max(quantity, order.executed + order.prevented)
    if order in board.resting(order.side):
        order.visible = min(order.visible, order.open_quantity)
        board.shift()


def _release(life: Life, board: Board, order: Order, partner: Order | None, old_quantity: int) -> None:
    """Give back what the smaller quantity no longer needs."""
    legs = [order] if partner is None else [order, partner]
    if order.status is OrderStatus.PENDING_NEW:
        return
    if order.side is Side.SELL or all(held_price(leg) for leg in legs):
        need = max(need_of(leg, board.grid, leg.open_quantity, held_price(leg)) for leg in legs)
    else:  # a trailing buy at any price held an estimate
        need = sum(leg.hold for leg in legs) * order.quantity // old_quantity
    for leg in legs:
        if leg.hold:
            life.settlement.hold(leg, board, min(leg.hold, need))

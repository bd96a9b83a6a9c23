"""What answers the endpoints that place and change orders, and the table of all that trade.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cryptox.paper.parameters import Parameter
from cryptox.paper.question import Question, Told
from cryptox.paper.refusals import INVALID_NUMBER, Refused
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.orders import NONE
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code

from . import parameters as p
from .answers import commission_answer, orders_of_list
from .cancels import cancel, cancel_list, cancel_open, cancel_replace, open_order
from .checks import Dealing
from .list_tickets import ListDraft, read_oco, read_old_oco, read_oto, read_otoco
from .tickets import Draft, NewId, read_ticket, steps_of

__all__ = ["TRADE_ROUTES", "amend", "place", "place_sor", "try_order"]

Answer = Callable[[Question], Told]


def place(question: Question) -> Told:
    """A new order."""
    dealing, draft = _drafted(question)
    placed = question.engine.place(question.account, draft.ticket, question.now_us)
    return Told(dealing.answers.placed(placed, draft.ticket.response))


def try_order(question: Question) -> Told:
    """Nothing, or the commission that the order would pay; the order is judged as if it were placed."""
    _, draft = _drafted(question)
    question.engine.test(question.account, draft.ticket, question.now_us)
    if not question.params["computeCommissionRates"]:
        return Told({})
    return Told(commission_answer(question.account, draft.ticket.side))


def place_sor(question: Question) -> Told:
    """Refused: this exchange has no smart order routing, as the missing ``sors`` of its information says."""
    question.listing()
    raise Refused(Code.UNSUPPORTED_OPERATION)


def _drafted(question: Question) -> tuple[Dealing, Draft]:
    """An order that has passed everything but the engine."""
    dealing = Dealing(question)
    draft = read_ticket(question.params, dealing.grid, dealing.new_id)
    dealing.open()
    dealing.check(draft)
    return dealing, draft


def _lists(read: Callable[[Mapping[str, Any], Grid, NewId], ListDraft]) -> Answer:
    """Places order lists of one kind."""

    def place_list(question: Question) -> Told:
        dealing = Dealing(question)
        draft = read(question.params, dealing.grid, dealing.new_id)
        dealing.open()
        dealing.check_list(draft)
        found, placed = question.engine.place_list(question.account, draft.ticket, question.now_us)
        return Told(dealing.answers.list_placed(found, placed, draft.ticket.response))

    return place_list


def amend(question: Question) -> Told:
    """An order with a smaller quantity, at its place in the queue; free where that ends the order."""
    dealing = Dealing(question)
    refusal = Code.ORDER_AMEND_REJECTED
    dealing.open(refusal)
    order = open_order(question, ("orderId", "origClientOrderId"), refusal)
    quantity = question.params["newQty"]
    if quantity == 0:
        raise Refused(Code.INVALID_MESSAGE, "newQty", text=INVALID_NUMBER)
    steps, off_step = steps_of(quantity, dealing.grid)
    dealing.check_amend(order, steps, off_step=off_step)
    client_id = question.params["newClientOrderId"] or dealing.new_id()
    amendment = question.engine.amend(order, steps, client_id, question.now_us)
    order_list = None if order.list_id == NONE else question.records.order_list(order.list_id)
    orders = [] if order_list is None else orders_of_list(order_list, question.records)
    told = dealing.answers.amended(order, amendment, order_list, orders)
    return Told(told, costs=None if order.is_open else 0)


TRADE_ROUTES: tuple[tuple[ep.Endpoint, tuple[Parameter, ...], Answer], ...] = (
    (ep.NEW_ORDER, p.ORDER, place),
    (ep.TEST_ORDER, p.TEST, try_order),
    (ep.CANCEL_ORDER, p.CANCEL, cancel),
    (ep.CANCEL_OPEN_ORDERS, p.CANCEL_OPEN, cancel_open),
    (ep.CANCEL_REPLACE, p.CANCEL_REPLACE, cancel_replace),
    (ep.AMEND_ORDER, p.AMEND, amend),
    (ep.NEW_OCO_OLD, p.OLD_OCO, _lists(read_old_oco)),
    (ep.NEW_OCO, p.OCO, _lists(read_oco)),
    (ep.NEW_OTO, p.OTO, _lists(read_oto)),
    (ep.NEW_OTOCO, p.OTOCO, _lists(read_otoco)),
    (ep.NEW_OPO, p.OPO, _lists(read_oto)),
    (ep.NEW_OPOCO, p.OPOCO, _lists(read_otoco)),
    (ep.CANCEL_ORDER_LIST, p.CANCEL_LIST, cancel_list),
    (ep.NEW_SOR_ORDER, p.SOR_ORDER, place_sor),
    (ep.TEST_SOR_ORDER, p.SOR_TEST, place_sor),
)
"""Endpoint, parameters in the order in which they are checked, and what answers."""

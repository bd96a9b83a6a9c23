"""What answers the endpoints that cancel orders, cancel-replace included.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026).
"""

from __future__ import annotations

from typing import Any

import msgspec

from cryptox.paper.question import Question, Told
from cryptox.paper.refusals import EITHER, Refused
from cryptox.paper.trading.orders import NONE, Order, OrderList
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.texts import EngineText
from cryptox.venues.binance.wire.general import ErrorBody
from cryptox.venues.binance.wire.order_lists import ListAnswer
from cryptox.venues.binance.wire.orders import CancelAnswer, CancelReplaceAnswer
from cryptox.venues.binance.words import (
    CancelReplaceMode,
    CancelRestriction,
    ListOrderStatus,
    OrderRateLimitMode,
    OrderStatus,
)

from .answers import orders_of_list
from .checks import Dealing
from .tickets import Draft, read_ticket

__all__ = ["cancel", "cancel_list", "cancel_open", "cancel_replace", "open_order"]

FORMER = ("cancelOrderId", "cancelOrigClientOrderId")

Cancelled = CancelAnswer[str] | ListAnswer[CancelAnswer[str]]

_STATUS = {
    CancelRestriction.ONLY_NEW: OrderStatus.NEW,
    CancelRestriction.ONLY_PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
}


def open_order(question: Question, names: tuple[str, str], unknown: Code = Code.CANCEL_REJECTED) -> Order:
    """The open order of the account that parameters of these names (order id, client id) name.

    Raises
    ------
    Refused : neither is given, they disagree, or no such order is open.
    """
    params, records, uid = question.params, question.records, question.account.uid
    number, client_id = _either(question, names)
    if number is None:
        found = records.order_by_client_id(uid, params["symbol"], client_id)
    else:
        found = records.order(params["symbol"], number)
    if found is None or found.account != uid or not found.is_open:
        raise Refused(unknown, text=EngineText.UNKNOWN_ORDER)
    if client_id is not None and found.client_id != client_id:
        raise Refused(Code.CLIENT_ORDER_ID_INVALID)
    return found


def cancel(question: Question) -> Told:
    """One order, or the list that it is in."""
    dealing = _begun(question)
    order = open_order(question, ("orderId", "origClientOrderId"))
    return Told(_cancel(dealing, order, question.params["newClientOrderId"] or dealing.new_id()))


def cancel_open(question: Question) -> Told:
    """All open orders of a symbol."""
    dealing = _begun(question)
    orders = question.records.open_orders(question.account.uid, dealing.symbol)
    if not orders:
        raise Refused(Code.CANCEL_REJECTED, text=EngineText.UNKNOWN_ORDER)
    client_id = dealing.new_id()
    return Told([_cancel_now(dealing, order, client_id) for order in orders if order.is_open])


def cancel_list(question: Question) -> Told:
    """One order list."""
    dealing, params, records = _begun(question), question.params, question.records
    number, client_id = _either(question, ("orderListId", "listClientOrderId"))
    uid = question.account.uid
    found = records.list_by_client_id(uid, client_id) if number is None else records.order_list(number)
    if (
        found is None
        or (found.account, found.symbol) != (uid, dealing.symbol)
        or found.status is not ListOrderStatus.EXECUTING
    ):
        raise Refused(Code.CANCEL_REJECTED, text=EngineText.UNKNOWN_ORDER)
    if client_id not in (None, found.client_id):
        raise Refused(Code.CLIENT_ORDER_ID_INVALID)
    cancel_id = params["newClientOrderId"] or dealing.new_id()
    cancelled = question.engine.cancel_list(found, cancel_id, question.now_us)
    return Told(_list_answer(dealing, found, cancelled, cancel_id))


def cancel_replace(question: Question) -> Told:
    """Cancel one order and place another. Filters and the order limit are judged before anything is done.

    Raises
    ------
    Refused : with both halves in ``data`` unless both were done.
    """
    dealing = Dealing(question)
    _either(question, FORMER)
    dealing.open()
    draft = read_ticket(question.params, dealing.grid, dealing.new_id)
    dealing.check(draft)
    over: Refused | None = None
    try:
        question.order_count.check(1)
        question.order_count.add(1)
    except Refused as refused:
        if question.params["orderRateLimitExceededMode"] is OrderRateLimitMode.DO_NOTHING:
            raise
        over = refused
    return Told(_both_halves(dealing, draft, over))


def _both_halves(dealing: Dealing, draft: Draft, over: Refused | None) -> CancelReplaceAnswer:
    """Cancel, then place (not where the account is over its limit); whichever fails is told in the other's company."""
    strict = dealing.question.params["cancelReplaceMode"] is CancelReplaceMode.STOP_ON_FAILURE
    cancelled, cancel_failure = _tried(lambda: _cancel_former(dealing))
    if cancel_failure and strict:
        placed, new_result = None, "NOT_ATTEMPTED"
    elif over is not None:
        placed, new_result = _error(over), "FAILURE"
    else:
        placed, failure = _tried(lambda: _place(dealing, draft, told=not cancel_failure))
        new_result = "FAILURE" if failure else "SUCCESS"
    answer = CancelReplaceAnswer("FAILURE" if cancel_failure else "SUCCESS", new_result, cancelled, placed)
    done = (not cancel_failure, new_result == "SUCCESS")
    if all(done):
        return answer
    code = Code.CANCEL_REPLACE_PARTIALLY_FAILED if any(done) else Code.CANCEL_REPLACE_FAILED
    status = 409 if any(done) else 400
    if over is not None and strict:
        status = over.status
    wait = over.retry_after if over is not None and status == over.status else None
    raise Refused(code, status=status, retry_after=wait, data=msgspec.to_builtins(answer))


def _tried(act: Any) -> tuple[Any, bool]:
    """What an act answers, or the body of its refusal; and whether it was refused."""
    try:
        return act(), False
    except Refused as refused:
        return _error(refused), True


def _error(refused: Refused) -> ErrorBody:
    return ErrorBody(int(refused.code), refused.text)


def _cancel_former(dealing: Dealing) -> Cancelled:
    params = dealing.question.params
    order = open_order(dealing.question, FORMER)
    return _cancel(dealing, order, params["cancelNewClientOrderId"] or dealing.new_id())


def _place(dealing: Dealing, draft: Draft, *, told: bool) -> Any:
    """Place the new order; user data is ``told`` of one that the engine refuses."""
    question, ticket = dealing.question, draft.ticket
    try:
        placed = question.engine.place(question.account, ticket, question.now_us)
    except Refused as refused:
        if told:
            question.engine.reject(question.account, ticket, refused.text, question.now_us)
        raise
    return dealing.answers.placed(placed, ticket.response)


def _either(question: Question, names: tuple[str, str]) -> tuple[int | None, Any]:
    """An id and a client id, of which one at least is given."""
    number, client_id = (question.params[name] for name in names)
    if number is None and client_id is None:
        raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, *names, text=EITHER)
    return number, client_id


def _begun(question: Question) -> Dealing:
    if not question.account.can_trade:
        raise Refused(Code.CANCEL_REJECTED, text=EngineText.MAY_NOT_TRADE)
    return Dealing(question)


def _cancel(dealing: Dealing, order: Order, client_id: str) -> Cancelled:
    wanted = dealing.question.params["cancelRestrictions"]
    if wanted is not None and order.status is not _STATUS[wanted]:
        raise Refused(Code.CANCEL_REJECTED, text=EngineText.CANCEL_RESTRICTED)
    return _cancel_now(dealing, order, client_id)


def _cancel_now(dealing: Dealing, order: Order, client_id: str) -> Cancelled:
    question = dealing.question
    cancelled = question.engine.cancel(order, client_id, question.now_us)
    order_list = None if order.list_id == NONE else question.records.order_list(order.list_id)
    if order_list is None:
        return dealing.answers.cancelled(order, client_id)
    return _list_answer(dealing, order_list, cancelled, client_id)


def _list_answer(
    dealing: Dealing, order_list: OrderList, cancelled: list[Order], client_id: str
) -> ListAnswer[CancelAnswer[str]]:
    orders = orders_of_list(order_list, dealing.question.records)
    return dealing.answers.list_cancelled(order_list, orders, cancelled, client_id)

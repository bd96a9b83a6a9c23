"""What an account asks about its orders and order lists, and how such questions choose their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from cryptox.model.interval import DAY_MS
from cryptox.paper.market import Listing
from cryptox.paper.question import Question, Told
from cryptox.paper.refusals import EITHER, Refused
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.orders import Order, OrderList
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.wire.order_lists import ListAnswer
from cryptox.venues.binance.words import ListOrderStatus

from .answers import OrderAnswers, list_answer

__all__ = [
    "BY_TIME",
    "all_order_lists",
    "all_orders",
    "answers_of",
    "combined",
    "neither",
    "open_order_lists",
    "open_orders",
    "order",
    "order_list",
    "order_of",
    "times",
    "window",
]

DAY_HOURS, DAY_US = 24, DAY_MS * 1_000
ARCHIVED_AFTER_US = 90 * DAY_US

BY_TIME: tuple[frozenset[str], ...] = tuple(
    map(frozenset, ((), ("startTime",), ("endTime",), ("startTime", "endTime")))
)
"""Combinations of times that go together."""

LISTS_BY = (*BY_TIME, frozenset({"fromId"}))

Row = TypeVar("Row")


def order(question: Question) -> Told:
    """One order, open or not."""
    params, listing = question.params, question.listing()
    number, client_id = params["orderId"], params["origClientOrderId"]
    found = order_of(question, listing, number, client_id)
    if found is None:
        raise Refused(Code.NO_SUCH_ORDER)
    if client_id is not None and found.client_id != client_id:
        raise Refused(Code.CLIENT_ORDER_ID_INVALID)
    forgotten = not found.is_open and found.executed == 0
    if forgotten and found.updated_us < question.now_us - ARCHIVED_AFTER_US:
        raise Refused(Code.ORDER_ARCHIVED)
    return Told(answers_of(question, listing).row(found))


def open_orders(question: Question) -> Told:
    """Open orders, of one symbol or all."""
    symbol = question.params["symbol"]
    if symbol is not None:
        question.known(symbol)
    found = question.records.open_orders(question.account.uid, symbol)
    row = {name: answers_of(question, question.known(name)).row for name in {one.symbol for one in found}}
    return Told([row[one.symbol](one) for one in found])


def all_orders(question: Question) -> Told:
    """Orders of a symbol, whatever became of them, oldest first."""
    params, listing = question.params, question.listing()
    start, end = times(question)
    first = params["orderId"]
    found = [
        one
        for one in question.records.orders_of(question.account.uid, listing.symbol)
        if (first is None or one.id >= first) and start <= one.created_us <= end
    ]
    rows = window(found, params["limit"], from_start=first is not None or params["startTime"] is not None)
    return Told(list(map(answers_of(question, listing).row, rows)))


def order_list(question: Question) -> Told:
    """One order list, by its id or its client id."""
    params, records, uid = question.params, question.records, question.account.uid
    number, client_id = params["orderListId"], params["origClientOrderId"]
    if number is not None:
        found = records.order_list(number)
    elif client_id is not None:
        found = records.list_by_client_id(uid, client_id)
    else:
        raise neither("orderListId", "origClientOrderId")
    if found is None or found.account != uid:
        raise Refused(Code.NO_SUCH_ORDER)
    if client_id not in (None, found.client_id):
        raise Refused(Code.CLIENT_ORDER_ID_INVALID)
    return Told(_list_row(question, found))


def all_order_lists(question: Question) -> Told:
    """Order lists of the account: the newest first, but oldest first from an id or a time on."""
    params = question.params
    sent = combined(question, LISTS_BY, ("fromId", "startTime", "endTime"))
    start, end = times(question)
    first = params["fromId"] or 0
    mine = question.records.lists_of(question.account.uid)
    found = [one for one in mine if one.id >= first and start <= one.created_us <= end]
    if sent.isdisjoint({"fromId", "startTime"}):
        found.reverse()
    return Told([_list_row(question, one) for one in found[: params["limit"]]])


def open_order_lists(question: Question) -> Told:
    """Order lists of which more may come."""
    mine = question.records.lists_of(question.account.uid)
    return Told([_list_row(question, one) for one in mine if one.status is ListOrderStatus.EXECUTING])


def answers_of(question: Question, listing: Listing) -> OrderAnswers:
    """What writes rows of a symbol for the account that asks."""
    return OrderAnswers(Grid(listing), question.moment, question.account.group)


def order_of(question: Question, listing: Listing, number: int | None, client_id: str | None) -> Order | None:
    """The account's order with this id, or with this client id; None where there is none.

    Raises
    ------
    Refused : neither was sent.
    """
    uid = question.account.uid
    if number is None:
        if client_id is None:
            raise neither("origClientOrderId", "orderId")
        return question.records.order_by_client_id(uid, listing.symbol, client_id)
    found = question.records.order(listing.symbol, number)
    return found if found is not None and found.account == uid else None


def neither(first: str, second: str) -> Refused:
    """The refusal for a request that names neither of two."""
    return Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, first, second, text=EITHER)


def times(question: Question) -> tuple[int, int]:
    """First and last microsecond of ``startTime`` and ``endTime``.

    Raises
    ------
    Refused : more than a day apart, or the wrong way round.
    """
    start, end = question.params["startTime"], question.params["endTime"]
    if start is not None and end is not None:
        if start > end:
            raise Refused(Code.START_AFTER_END)
        if end // 1_000 - start // 1_000 > DAY_MS:
            raise Refused(Code.MORE_THAN_XX_HOURS, DAY_HOURS)
    return 0 if start is None else start, 2**63 if end is None else end


def window(rows: Sequence[Row], limit: int, *, from_start: bool) -> Sequence[Row]:
    """The oldest rows, or the newest, oldest first."""
    return rows[:limit] if from_start else rows[-limit:]


def combined(question: Question, allowed: Iterable[frozenset[str]], names: Iterable[str]) -> frozenset[str]:
    """Which of these parameters were sent.

    Raises
    ------
    Refused : -1128 where they do not go together.
    """
    sent = frozenset(name for name in names if question.params[name] is not None)
    if sent not in allowed:
        raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO)
    return sent


def _list_row(question: Question, found: OrderList) -> ListAnswer[Any]:
    return list_answer(found, question.records, question.moment)

"""Orders, order lists and executions: Binance's answers to records of our words.

What stands for "none" there (0, -1, ``"0.00000000"``) is None here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from cryptox.errors import CryptoxError
from cryptox.model.numbers import EXACT
from cryptox.model.orders import Fill, Order, OrderList, Replaced
from cryptox.transport.messages import Answer
from cryptox.venues.trading import OrderRef

from . import refusals
from .read import converted, read_as
from .wire.fills import AmendmentRow, FillRow, MyTrade
from .wire.order_lists import ListAnswer
from .wire.orders import AmendAnswer, AmendedOrder, CancelAnswer, CancelReplaceAnswer, OrderAnswer, OrderRow
from .words import ExpiryReason

__all__ = [
    "above_zero",
    "from_zero",
    "known",
    "quote_value",
    "read_amended",
    "read_canceled",
    "read_canceled_all",
    "read_fills",
    "read_list",
    "read_list_canceled",
    "read_list_placed",
    "read_names",
    "read_order",
    "read_orders",
    "read_placed",
    "read_replaced",
]

T = TypeVar("T")
Number = TypeVar("Number", int, Decimal)

_ATOM = Decimal("1E-8")
_UNKNOWN_YET = frozenset({"new", "pending_new"})  # in which an order's quantity may still be open


def known(value: T | UnsetType) -> T | None:
    """A value; None where the answer has none."""
    return None if isinstance(value, UnsetType) else value


def above_zero(value: Number | UnsetType) -> Number | None:
    """A number that is none unless above zero: prices, stop prices, trailing deltas."""
    return None if isinstance(value, UnsetType) or value <= 0 else value


def from_zero(value: Number | UnsetType) -> Number | None:
    """A number that is none when below zero: times, ids of lists, values that the exchange no longer knows."""
    return None if isinstance(value, UnsetType) or value < 0 else value


def quote_value(price: Decimal, quantity: Decimal) -> Decimal:
    """What a quantity is worth, cut to eight decimals as the exchange does."""
    return EXACT.multiply(price, quantity).quantize(_ATOM, ROUND_DOWN, EXACT)


def read_placed(answer: Answer) -> Order:
    """The answer to a placement, FULL or RESULT.

    Raises
    ------
    ExchangeError
        It is something else.
    """
    return _placed(read_as(answer, OrderAnswer[Decimal]))


def read_canceled(answer: Answer) -> Order | OrderList:
    """The answer to a cancel: an order, or the list that it was in; errors as ``read_placed``."""
    return _canceled(read_as(answer, dict[str, Any]))


def read_canceled_all(answer: Answer) -> list[Order]:
    """The answer to a cancel of everything on a symbol, lists taken apart; errors as ``read_placed``."""
    found: list[Order] = []
    for body in read_as(answer, list[dict[str, Any]]):
        one = _canceled(body)
        found += one.orders if isinstance(one, OrderList) else [one]
    return found


def read_amended(answer: Answer) -> Order:
    """The answer to an amend; errors as ``read_placed``."""
    told = read_as(answer, AmendAnswer[Decimal])
    order = told.order
    return dataclasses.replace(
        _order(order),
        client_order_id=order.client_id,
        updated_ms=told.transact_time,
        working_ms=from_zero(order.working_time),
        is_working=order.working_time >= 0,
        expiry_reason=_reason(order.expiry_reason),
    )


def read_names(answer: Answer) -> frozenset[str]:
    """Client order ids of an order, out of its amends."""
    rows = read_as(answer, list[AmendmentRow[Decimal]])
    return frozenset(name for row in rows for name in (row.original_client_id, row.client_id))


def read_order(answer: Answer) -> Order:
    """An order as a query tells it; errors as ``read_placed``."""
    return _row(read_as(answer, OrderRow[Decimal]))


def read_orders(answer: Answer) -> list[Order]:
    """Orders as a query tells them, in the exchange's order; errors as ``read_placed``."""
    return [_row(row) for row in read_as(answer, list[OrderRow[Decimal]])]


def read_fills(answer: Answer) -> list[Fill]:
    """Executions of an account; errors as ``read_placed``."""
    return [
        Fill(
            time_ms=row.time,
            symbol=row.symbol,
            id=row.id,
            order_id=row.order_id,
            side="buy" if row.is_buyer else "sell",
            price=row.price,
            quantity=row.quantity,
            quote_quantity=row.quote_quantity,
            fee=row.commission,
            fee_asset=row.commission_asset,
            maker=row.is_maker,
        )
        for row in read_as(answer, list[MyTrade[Decimal]])
    ]


def read_list_placed(answer: Answer) -> OrderList:
    """The answer to the placement of a list; errors as ``read_placed``."""
    told = read_as(answer, ListAnswer[OrderAnswer[Decimal]])
    return _list(told, [_placed(report) for report in known(told.reports) or []])


def read_list_canceled(answer: Answer) -> OrderList:
    """The answer to the cancel of a list; errors as ``read_placed``."""
    return _list_canceled(read_as(answer, ListAnswer[CancelAnswer[Decimal]]))


def read_list(answer: Answer) -> OrderList:
    """A list as a query tells it, by the ids of its orders; errors as ``read_placed``."""
    return _list(read_as(answer, ListAnswer[Any]), [])


def read_replaced(answer: Answer, ref: OrderRef, context: Mapping[str, Any]) -> Replaced:
    """Both halves of a replacement, from a success or from a refusal that tells them; errors as ``read_placed``.

    Parameters
    ----------
    answer
        As it came; what a refusal of it leaves in doubt must not get here.
    ref
        The order that was to be canceled.
    context
        For the errors of the halves.
    """
    words = None if 200 <= answer.status < 300 else refusals.words_of(answer)
    halves = read_as(answer, CancelReplaceAnswer) if words is None else converted(words.data, CancelReplaceAnswer)
    canceled, cancel_error = None, _error(halves.cancel, answer, context)
    if cancel_error is None and halves.cancel is not None:
        found = _canceled(halves.cancel)
        canceled = _member(found, ref) if isinstance(found, OrderList) else found
    order, order_error = None, _error(halves.new, answer, context)
    if order_error is None and halves.new is not None:
        order = _placed(converted(halves.new, OrderAnswer[Decimal]))
    return Replaced(canceled, order, cancel_error, order_error)


def _error(half: Any, answer: Answer, context: Mapping[str, Any]) -> CryptoxError | None:
    """Our error for a half that was refused; None for one that was not."""
    if not (isinstance(half, dict) and "code" in half):
        return None
    headers = {**answer.headers, "content-type": "application/json"}
    alone = dataclasses.replace(answer, status=400, headers=headers, body=msgspec.json.encode(half))
    return refusals.refusal(alone, context=context, acts=True)


def _member(found: OrderList, ref: OrderRef) -> Order | None:
    """The order of a list that was named."""
    named = (one for one in found.orders if ref.order_id == one.order_id or ref.client_order_id == one.client_order_id)
    return next(named, found.orders[0] if found.orders else None)


def _canceled(body: Any) -> Order | OrderList:
    if isinstance(body, dict) and "contingencyType" in body:
        return _list_canceled(converted(body, ListAnswer[CancelAnswer[Decimal]]))
    return _cancel(converted(body, CancelAnswer[Decimal]))


_Told = OrderAnswer[Decimal] | CancelAnswer[Decimal] | OrderRow[Decimal] | AmendedOrder[Decimal]


def _order(told: _Told, **more: Any) -> Order:
    """What every answer tells of an order in the same words, and what this one tells besides."""
    status = told.status.value.lower()
    quantity = known(told.quantity)
    if not quantity and status in _UNKNOWN_YET:
        quantity = None  # what is bought decides it
    return Order(
        symbol=told.symbol,
        order_id=told.order_id,
        client_order_id=told.client_id,
        side=told.side.value.lower(),
        type=told.type.value,
        status=status,
        price=above_zero(told.price) or above_zero(told.pegged_price),
        quantity=quantity,
        filled=told.executed,
        quote_filled=from_zero(told.executed_quote),
        time_in_force=told.time_in_force.value,
        stop_price=above_zero(told.stop_price),
        quote_quantity=above_zero(told.quote_quantity),
        iceberg_quantity=above_zero(told.iceberg_quantity),
        trailing_delta=above_zero(told.trailing_delta),
        order_list_id=from_zero(told.list_id),
        self_trade_prevention=told.self_trade_prevention.value,
        prevented=known(told.prevented_quantity) or Decimal(0),
        **more,
    )


def _reason(told: ExpiryReason | UnsetType) -> str | None:
    return None if isinstance(told, UnsetType) or told is ExpiryReason.NONE else told.value


def _placed(told: OrderAnswer[Decimal]) -> Order:
    fills = told.fills if told.fills is not UNSET else []
    return _order(
        told,
        time_ms=told.transact_time,
        updated_ms=told.transact_time,
        working_ms=from_zero(told.working_time),
        is_working=told.working_time >= 0,
        expiry_reason=_reason(told.expiry_reason),
        fills=tuple(_fill(row, told) for row in fills),
    )


def _fill(row: FillRow[Decimal], told: OrderAnswer[Decimal]) -> Fill:
    return Fill(
        time_ms=told.transact_time,
        symbol=told.symbol,
        id=row.trade_id,
        order_id=told.order_id,
        side=told.side.value.lower(),
        price=row.price,
        quantity=row.quantity,
        quote_quantity=quote_value(row.price, row.quantity),
        fee=row.commission,
        fee_asset=row.commission_asset,
        maker=False,  # what is filled at once takes
    )


def _cancel(told: CancelAnswer[Decimal]) -> Order:
    return dataclasses.replace(_order(told), client_order_id=told.original_client_id, updated_ms=told.transact_time)


def _row(told: OrderRow[Decimal]) -> Order:
    return _order(
        told,
        time_ms=told.time,
        updated_ms=told.update_time,
        working_ms=from_zero(told.working_time),
        is_working=told.is_working,
        expiry_reason=_reason(told.expiry_reason),
    )


def _list_canceled(told: ListAnswer[CancelAnswer[Decimal]]) -> OrderList:
    return _list(told, [_cancel(report) for report in known(told.reports) or []])


def _list(told: ListAnswer[Any], orders: Sequence[Order]) -> OrderList:
    ids = tuple(one.order_id for one in told.orders)
    return OrderList(
        symbol=told.symbol,
        order_list_id=told.list_id,
        client_order_id=told.client_id,
        contingency=told.contingency.value.lower(),
        status=told.status.value.lower(),
        time_ms=told.transaction_time,
        orders=tuple(sorted(orders, key=lambda one: ids.index(one.order_id) if one.order_id in ids else len(ids))),
        order_ids=ids,
    )

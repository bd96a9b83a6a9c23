"""Checked parameters of the order list endpoints to list tickets.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptox.paper.refusals import RECOMMENDED, Refused
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.orders import ListTicket
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.texts import EngineText
from cryptox.venues.binance.words import OrderType, ResponseType, Side

from .parameters import (
    ABOVE,
    BELOW,
    OLD_LIMIT,
    OLD_STOP,
    PENDING,
    PENDING_ABOVE,
    PENDING_BELOW,
    WORKING,
    Names,
)
from .tickets import Draft, Leg, NewId, read_leg

__all__ = ["ListDraft", "read_oco", "read_old_oco", "read_oto", "read_otoco"]

USUAL_RESPONSE = ResponseType.RESULT  # own

_TAKE_PROFITS = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)


@dataclass(frozen=True, slots=True)
class ListDraft:
    """A list ticket that no filter has seen, with the drafts of its orders: working first, then above and below."""

    ticket: ListTicket
    drafts: tuple[Draft, ...]


def read_old_oco(values: Mapping[str, Any], grid: Grid, new_id: NewId) -> ListDraft:
    """A limit maker and a stop, as the first form of OCO asked for them.

    Raises
    ------
    Refused : something is missing, does not belong there, or does not go together.
    """
    side: Side = values["side"]
    stop_type = OrderType.STOP_LOSS
    if values["stopLimitPrice"] is not None:
        stop_type = OrderType.STOP_LOSS_LIMIT
        if values["stopLimitTimeInForce"] is None:
            raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO, "stopLimitTimeInForce", text=RECOMMENDED)
    limit, stop = (OLD_LIMIT, OrderType.LIMIT_MAKER), (OLD_STOP, stop_type)
    pair = (limit, stop) if side is Side.SELL else (stop, limit)
    return _put_together(values, new_id, None, _pair(values, grid, new_id, side, pair))


def read_oco(values: Mapping[str, Any], grid: Grid, new_id: NewId) -> ListDraft:
    """Two orders of which one cancels the other.

    Raises
    ------
    Refused : as ``read_old_oco`` says; or the legs stand on the wrong side of the market.
    """
    above, below = values["aboveType"], values["belowType"]
    _check_pair(values["side"], above, below)
    drafts = _pair(values, grid, new_id, values["side"], ((ABOVE, above), (BELOW, below)))
    return _put_together(values, new_id, None, drafts)


def read_oto(values: Mapping[str, Any], grid: Grid, new_id: NewId) -> ListDraft:
    """A working order and one that waits for it. Without ``pendingQuantity`` (OPO) it is to sell what was bought.

    Raises
    ------
    Refused : as ``read_old_oco`` says.
    """
    _check_working(values)
    working = _working(values, grid, new_id)
    side, quantity = values["pendingSide"], values.get("pendingQuantity")
    leg = Leg(
        PENDING,
        side,
        values["pendingType"],
        quantity,
        _response(values),
        quantity_name="pendingQuantity",
        most=values["workingQuantity"],
    )
    return _put_together(values, new_id, working, (read_leg(values, grid, leg, new_id),))


def read_otoco(values: Mapping[str, Any], grid: Grid, new_id: NewId) -> ListDraft:
    """A working order and a pair that waits for it. Without ``pendingQuantity`` (OPOCO) it is to sell what was bought.

    Raises
    ------
    Refused : as ``read_oco`` says.
    """
    _check_working(values)
    side, above, below = values["pendingSide"], values["pendingAboveType"], values["pendingBelowType"]
    _check_pair(side, above, below)
    working = _working(values, grid, new_id)
    pair = ((PENDING_ABOVE, above), (PENDING_BELOW, below))
    return _put_together(values, new_id, working, _pair(values, grid, new_id, side, pair, "pendingQuantity"))


def _response(values: Mapping[str, Any]) -> ResponseType:
    asked: ResponseType | None = values["newOrderRespType"]
    return asked or USUAL_RESPONSE


def _working(values: Mapping[str, Any], grid: Grid, new_id: NewId) -> Draft:
    side, kind, quantity = values["workingSide"], values["workingType"], values["workingQuantity"]
    leg = Leg(WORKING, side, kind, quantity, _response(values), quantity_name="workingQuantity")
    return read_leg(values, grid, leg, new_id)


def _pair(
    values: Mapping[str, Any],
    grid: Grid,
    new_id: NewId,
    side: Side,
    kinds: tuple[tuple[Names, OrderType], ...],
    quantity_name: str = "quantity",
) -> tuple[Draft, ...]:
    quantity, response = values.get(quantity_name), _response(values)
    most = values.get("workingQuantity")
    legs = [Leg(names, side, kind, quantity, response, quantity_name=quantity_name, most=most) for names, kind in kinds]
    return tuple(read_leg(values, grid, leg, new_id) for leg in legs)


def _put_together(
    values: Mapping[str, Any], new_id: NewId, working: Draft | None, pending: tuple[Draft, ...]
) -> ListDraft:
    drafts = pending if working is None else (working, *pending)
    ids = [draft.ticket.client_id for draft in drafts]
    if len(set(ids)) < len(ids):
        raise Refused(Code.NEW_ORDER_REJECTED, text=EngineText.DUPLICATE_ORDER)
    ticket = ListTicket(
        symbol=values["symbol"],
        client_id=values["listClientOrderId"] or new_id(),
        working=None if working is None else working.ticket,
        legs=tuple(draft.ticket for draft in pending),
        takes_bought=working is not None and "pendingQuantity" not in values,
        response=_response(values),
    )
    return ListDraft(ticket, drafts)


def _check_working(values: Mapping[str, Any]) -> None:
    """The working order of a list rests in the book; where its purchase is sold again, it buys."""
    if values["workingType"] not in (OrderType.LIMIT, OrderType.LIMIT_MAKER):
        raise Refused(Code.INVALID_ORDER_TYPE)  # own
    if "pendingQuantity" not in values:
        if values["workingSide"] is not Side.BUY:
            raise Refused(Code.OPO_WORKING_MUST_BE_BUY)
        if values["pendingSide"] is not Side.SELL:
            raise Refused(Code.OPO_PENDING_MUST_BE_SELL)


def _check_pair(side: Side, above: OrderType, below: OrderType) -> None:
    """A pair has a stop on the side where prices get worse, and a limit or take profit on the other."""
    for kind in (above, below):
        if kind in (OrderType.LIMIT, OrderType.MARKET):
            raise Refused(Code.OCO_ORDER_TYPE_REJECTED)
    if above is below is OrderType.LIMIT_MAKER:
        raise Refused(Code.BOTH_OCO_ORDERS_CANNOT_BE_LIMIT)
    buys = side is Side.BUY
    gain, stop = (below, above) if buys else (above, below)
    if stop is OrderType.LIMIT_MAKER:
        raise Refused(Code.BUY_OCO_LIMIT_MUST_BE_BELOW if buys else Code.SELL_OCO_LIMIT_MUST_BE_ABOVE)
    if stop in _TAKE_PROFITS:
        raise Refused(Code.BUY_OCO_TAKE_PROFIT_MUST_BE_BELOW if buys else Code.SELL_OCO_TAKE_PROFIT_MUST_BE_ABOVE)
    if gain.is_stop_loss:
        raise Refused(Code.BUY_OCO_STOP_LOSS_MUST_BE_ABOVE if buys else Code.SELL_OCO_STOP_LOSS_MUST_BE_BELOW)

"""Checked parameters to tickets: what each order type must have and must not have, and which refusal fits.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026). Where the
documentation is silent the choice is ours and marked so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cryptox.paper.refusals import EITHER, INVALID_NUMBER, RECOMMENDED, TOGETHER, Refused
from cryptox.paper.trading.grid import Grid, atoms_of
from cryptox.paper.trading.orders import Peg, Ticket
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.texts import EngineText
from cryptox.venues.binance.words import (
    OrderType,
    PegPriceType,
    ResponseType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

from .parameters import SINGLE, Names

__all__ = ["DEFAULT_PREVENTION", "ClientIds", "Draft", "Leg", "generated_id", "read_leg", "read_ticket", "steps_of"]

DEFAULT_PREVENTION = SelfTradePrevention.EXPIRE_MAKER
ID_LENGTH = 22

_LIMITS = (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
_PEG_FIELDS = ("PegPriceType", "PegOffsetType", "PegOffsetValue")

NewId = Callable[[], str]
"""Makes client order ids for orders that were sent without one."""


def generated_id(seed: int | str, counter: int) -> str:
    """A client order id of 22 characters, always the same for the same arguments."""
    return hashlib.blake2b(f"{seed}:{counter}".encode(), digest_size=ID_LENGTH // 2).hexdigest()


class ClientIds:
    """Client order ids, one after another. Keep ``taken`` with the seed, so that none is given twice."""

    def __init__(self, seed: int | str, taken: int = 0) -> None:
        self.seed, self.taken = seed, taken

    def __call__(self) -> str:
        """The next one."""
        self.taken += 1
        return generated_id(self.seed, self.taken)


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket that no filter has seen. Numbers that lie between two points of the grid are cut off and marked."""

    ticket: Ticket
    off_tick: bool = False
    off_step: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """What a leg of a request is beside its own parameters."""

    names: Names
    side: Side
    type: OrderType
    quantity: Decimal | None  # None where it is to be what was bought
    response: ResponseType
    quote_quantity: Decimal | None = None
    quantity_name: str = "quantity"
    most: Decimal | None = None  # that can be bought, where what was bought is the quantity


def steps_of(quantity: Decimal, grid: Grid) -> tuple[int, bool]:
    """A quantity in whole steps, and whether something was cut off."""
    steps = grid.on_step(quantity)
    return (grid.steps_of(atoms_of(quantity)), True) if steps is None else (steps, False)


def read_ticket(values: Mapping[str, Any], grid: Grid, new_id: NewId) -> Draft:
    """The order that the parameters of a single order (``parameters.ORDER``) ask for.

    Raises
    ------
    Refused : parameters that the type needs are missing, others do not belong to it, or do not go together.
    """
    kind: OrderType = values["type"]
    quantity, quote_quantity = values["quantity"], values.get("quoteOrderQty")
    if kind is OrderType.MARKET:
        if quantity is None and quote_quantity is None:
            raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "quantity", "quoteOrderQty", text=EITHER)
        if quantity is not None and quote_quantity is not None:
            raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO)
    elif quote_quantity is not None:
        raise Refused(Code.PARAM_NOT_REQUIRED, "quoteOrderQty")
    usual = ResponseType.FULL if kind in (OrderType.MARKET, OrderType.LIMIT) else ResponseType.ACK
    response = values["newOrderRespType"] or usual
    return read_leg(values, grid, Leg(SINGLE, values["side"], kind, quantity, response, quote_quantity), new_id)


def read_leg(values: Mapping[str, Any], grid: Grid, leg: Leg, new_id: NewId) -> Draft:
    """One order of a request.

    Raises
    ------
    Refused : as ``read_ticket`` says.
    """
    given = {field: values.get(name) for field, name in leg.names.items()}
    _check_presence(given, leg)
    _check_sizes(leg, given)
    time_in_force = given.get("TimeInForce") or TimeInForce.GTC
    _check_iceberg(leg, given, time_in_force)
    peg = _peg(leg, given, time_in_force)
    ticks, off_tick = _ticks((given.get("Price"), given.get("StopPrice")), grid)
    steps, off_step = _steps((leg.quantity, given.get("IcebergQty")), grid)
    ticket = Ticket(
        symbol=values["symbol"],
        side=leg.side,
        type=leg.type,
        client_id=given["ClientOrderId"] or new_id(),
        time_in_force=time_in_force,
        quantity=steps[0],
        quote_quantity=0 if leg.quote_quantity is None else atoms_of(leg.quote_quantity),
        price=ticks[0],
        stop=ticks[1],
        trailing_delta=given.get("TrailingDelta") or 0,
        iceberg=steps[1],
        prevention=values["selfTradePreventionMode"] or DEFAULT_PREVENTION,
        strategy_id=given["StrategyId"],
        strategy_type=given["StrategyType"],
        peg=peg,
        response=leg.response,
    )
    return Draft(ticket, off_tick, off_step)


def _check_presence(given: Mapping[str, Any], leg: Leg) -> None:
    """What the type needs is there, and nothing that it cannot have."""
    names, kind = leg.names, leg.type
    missing = None
    if kind in _LIMITS and given.get("TimeInForce") is None:
        missing = names["TimeInForce"]
    elif leg.names is SINGLE and leg.quantity is None and leg.quote_quantity is None:
        missing = leg.quantity_name
    elif kind.has_price and given.get("Price") is None and given.get("PegPriceType") is None:
        missing = names["Price"]
    if missing is not None:
        raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, missing)
    if kind.is_contingent and given.get("StopPrice") is None and given.get("TrailingDelta") is None:
        either = (names["StopPrice"], names["TrailingDelta"])
        raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, *either, text=EITHER)
    surplus: list[str] = []
    if kind not in _LIMITS:
        surplus.append("TimeInForce")
    if not kind.has_price:
        surplus += ["Price", "IcebergQty"]
    if not kind.is_contingent:
        surplus += ["StopPrice", "TrailingDelta"]
    for field in surplus:
        if given.get(field) is not None:
            raise Refused(Code.PARAM_NOT_REQUIRED, names[field])


def _check_sizes(leg: Leg, given: Mapping[str, Any]) -> None:
    """Every number is above zero."""
    fields = ("Price", "StopPrice", "IcebergQty", "TrailingDelta")
    numbers = [(leg.quantity_name, leg.quantity), ("quoteOrderQty", leg.quote_quantity)]
    numbers += [(leg.names[field], given[field]) for field in fields if field in given]
    for name, number in numbers:
        if number is not None and number == 0:
            raise Refused(Code.INVALID_MESSAGE, name, text=INVALID_NUMBER)


def _check_iceberg(leg: Leg, given: Mapping[str, Any], time_in_force: TimeInForce) -> None:
    iceberg = given.get("IcebergQty")
    if iceberg is None:
        return
    if time_in_force is not TimeInForce.GTC:
        if leg.names is SINGLE:
            raise Refused(Code.UNKNOWN_ORDER_COMPOSITION)  # own
        raise Refused(Code.OCO_ICEBERGQTY_TIMEINFORCE, leg.names["IcebergQty"])
    most = leg.most if leg.quantity is None else leg.quantity
    if most is not None and iceberg >= most:
        raise Refused(Code.NEW_ORDER_REJECTED, text=EngineText.ICEBERG_EXCEEDS)


def _peg(leg: Leg, given: Mapping[str, Any], time_in_force: TimeInForce) -> Peg | None:
    price_type, offset_type, offset = (given.get(field) for field in _PEG_FIELDS)
    if (offset_type is None) != (offset is None):
        names = ", ".join(leg.names[field] for field in _PEG_FIELDS[1:])
        raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO, names, text=TOGETHER)
    if price_type is None:
        if offset is not None:
            raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO, leg.names["PegPriceType"], text=RECOMMENDED)
        return None
    if not leg.type.has_price:
        raise Refused(Code.NEW_ORDER_REJECTED, text=EngineText.TYPE_NOT_PEGGED)
    primary = price_type is PegPriceType.PRIMARY_PEG
    if (leg.type is OrderType.LIMIT_MAKER and not primary) or (
        leg.type is OrderType.LIMIT and primary and time_in_force is not TimeInForce.GTC
    ):
        raise Refused(Code.NEW_ORDER_REJECTED, text=EngineText.PEG_NOT_FOR_TYPE)
    return Peg(price_type, offset)


def _ticks(prices: Iterable[Decimal | None], grid: Grid) -> tuple[list[int], bool]:
    """Prices in ticks (0 for none), and whether one lies between two."""
    found = [0 if price is None else grid.on_tick(price) for price in prices]
    return [one or 0 for one in found], None in found


def _steps(quantities: Iterable[Decimal | None], grid: Grid) -> tuple[list[int], bool]:
    found = [(0, False) if quantity is None else steps_of(quantity, grid) for quantity in quantities]
    return [steps for steps, _ in found], any(cut for _, cut in found)

"""Parameters of the endpoints that place orders: which there are, what each may be, and which refusal fits.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026). Where the
documentation is silent the choice is ours and marked so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from cryptox.paper.parameters import (
    DECIMAL_RANGE,
    OMIT_ZERO_BALANCES,
    SYMBOL,
    Parameter,
    Reader,
    number,
    required,
)
from cryptox.paper.refusals import PREVENTION_NOT_ALLOWED, Refused
from cryptox.paper.trading.grid import PLACES
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.words import (
    CancelReplaceMode,
    CancelRestriction,
    OrderRateLimitMode,
    OrderType,
    PegOffsetType,
    PegPriceType,
    ResponseType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

__all__ = [
    "ABOVE",
    "AMEND",
    "BELOW",
    "CANCEL",
    "CANCEL_LIST",
    "CANCEL_OPEN",
    "CANCEL_REPLACE",
    "OCO",
    "OLD_LIMIT",
    "OLD_OCO",
    "OLD_STOP",
    "OPO",
    "OPOCO",
    "ORDER",
    "OTO",
    "OTOCO",
    "PENDING",
    "PENDING_ABOVE",
    "PENDING_BELOW",
    "SINGLE",
    "SOR_ORDER",
    "SOR_TEST",
    "TEST",
    "WORKING",
    "Names",
]

CLIENT_ID_RANGE = "^[a-zA-Z0-9-_]{1,36}$"
LEAST_STRATEGY_TYPE = 1_000_000
MOST_LEVELS = 100  # of a peg's offset

_DECIMAL = re.compile(DECIMAL_RANGE, re.ASCII)
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}", re.ASCII)
_whole = number("").read

Names = Mapping[str, str]
"""A leg's fields to the names of its parameters."""

FIELDS = (
    "ClientOrderId",
    "Price",
    "StopPrice",
    "TrailingDelta",
    "IcebergQty",
    "TimeInForce",
    "StrategyId",
    "StrategyType",
    "PegPriceType",
    "PegOffsetType",
    "PegOffsetValue",
)


def _decimal(name: str, text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise Refused(Code.ILLEGAL_CHARS, name, DECIMAL_RANGE)
    if len(text.partition(".")[2].rstrip("0")) > PLACES:
        raise Refused(Code.BAD_PRECISION, name)
    return Decimal(text)


def _client_id(name: str, text: str) -> str:
    if not _CLIENT_ID.fullmatch(text):
        raise Refused(Code.ILLEGAL_CHARS, name, CLIENT_ID_RANGE)
    return text


def _stored(most: int) -> Reader:
    """Reads a whole number that is kept and told again: what does not fit is refused, not cut."""

    def read(name: str, text: str) -> int:
        _whole(name, text)
        if int(text) > most:
            raise Refused(Code.PARAM_OVERFLOW, name)
        return int(text)

    return read


_long, _int = _stored(2**63 - 1), _stored(2**31 - 1)


def _strategy_type(name: str, text: str) -> int:
    number: int = _int(name, text)
    if number < LEAST_STRATEGY_TYPE:
        raise Refused(Code.BAD_STRATEGY_TYPE)
    return number


def _levels(name: str, text: str) -> int:
    number: int = _whole(name, text)
    if not 1 <= number <= MOST_LEVELS:
        raise Refused(Code.INVALID_PEG_OFFSET_TYPE)
    return number


def _prevention(_name: str, text: str) -> SelfTradePrevention:
    if text not in SelfTradePrevention.__members__:
        raise Refused(Code.INVALID_MESSAGE, text=PREVENTION_NOT_ALLOWED)
    return SelfTradePrevention[text]


def _word(words: type[StrEnum], code: Code) -> Reader:
    """Reads one word of a closed list."""

    def read(name: str, text: str) -> StrEnum:
        if text not in words.__members__:
            raise Refused(code, name) if code is Code.INVALID_PARAMETER else Refused(code)
        return words[text]

    return read


_READERS: dict[str, Reader] = {
    "ClientOrderId": _client_id,
    "Price": _decimal,
    "StopPrice": _decimal,
    "TrailingDelta": _long,
    "IcebergQty": _decimal,
    "TimeInForce": _word(TimeInForce, Code.INVALID_TIF),
    "StrategyId": _long,
    "StrategyType": _strategy_type,
    "PegPriceType": _word(PegPriceType, Code.INVALID_PEG_PRICE_TYPE),
    "PegOffsetType": _word(PegOffsetType, Code.INVALID_PEG_OFFSET_TYPE),
    "PegOffsetValue": _levels,
}


def _prefixed(prefix: str) -> Names:
    return {field: prefix + field for field in FIELDS}


SINGLE: Names = {field: field[0].lower() + field[1:] for field in FIELDS} | {"ClientOrderId": "newClientOrderId"}
ABOVE, BELOW = _prefixed("above"), _prefixed("below")
WORKING, PENDING = _prefixed("working"), _prefixed("pending")
PENDING_ABOVE, PENDING_BELOW = _prefixed("pendingAbove"), _prefixed("pendingBelow")
OLD_LIMIT: Names = {
    "ClientOrderId": "limitClientOrderId",
    "Price": "price",
    "IcebergQty": "limitIcebergQty",
    "StrategyId": "limitStrategyId",
    "StrategyType": "limitStrategyType",
}
OLD_STOP: Names = {
    "ClientOrderId": "stopClientOrderId",
    "Price": "stopLimitPrice",
    "StopPrice": "stopPrice",
    "TrailingDelta": "trailingDelta",
    "IcebergQty": "stopIcebergQty",
    "TimeInForce": "stopLimitTimeInForce",
    "StrategyId": "stopStrategyId",
    "StrategyType": "stopStrategyType",
}


def _leg(names: Names, *mandatory: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, _READERS[field], name in mandatory) for field, name in names.items())


def _must(name: str, read: Reader) -> Parameter:
    return Parameter(name, read, mandatory=True)


_SIDE = _word(Side, Code.INVALID_SIDE)
_TYPE = _word(OrderType, Code.INVALID_ORDER_TYPE)
_SYMBOL = required(SYMBOL)
_ORDER_ID = number("orderId")
_RESPONSE = Parameter("newOrderRespType", _word(ResponseType, Code.INVALID_ANSWER_TYPE))
_PREVENTION = Parameter("selfTradePreventionMode", _prevention)
_RESTRICTIONS = Parameter("cancelRestrictions", _word(CancelRestriction, Code.INVALID_CANCEL_RESTRICTIONS))
_NEW_CLIENT_ID = Parameter("newClientOrderId", _client_id)
_OLD_CLIENT_ID = Parameter("origClientOrderId", _client_id)
_RATES = Parameter("computeCommissionRates", OMIT_ZERO_BALANCES.read, default=False)

ORDER = (
    _SYMBOL,
    _must("side", _SIDE),
    _must("type", _TYPE),
    Parameter("quantity", _decimal),
    Parameter("quoteOrderQty", _decimal),
    *_leg(SINGLE),
    _RESPONSE,
    _PREVENTION,
)
TEST = (*ORDER, _RATES)
_NOT_SOR = frozenset({"quoteOrderQty", "stopPrice", "trailingDelta", "pegPriceType", "pegOffsetType", "pegOffsetValue"})
SOR_ORDER = tuple(one for one in ORDER if one.name not in _NOT_SOR)
SOR_TEST = (*SOR_ORDER, _RATES)

CANCEL = (_SYMBOL, _ORDER_ID, _OLD_CLIENT_ID, _NEW_CLIENT_ID, _RESTRICTIONS)
CANCEL_OPEN = (_SYMBOL,)
CANCEL_LIST = (
    _SYMBOL,
    number("orderListId"),
    Parameter("listClientOrderId", _client_id),
    _NEW_CLIENT_ID,
)
CANCEL_REPLACE = (
    *ORDER,
    _must("cancelReplaceMode", _word(CancelReplaceMode, Code.INVALID_PARAMETER)),
    number("cancelOrderId"),
    Parameter("cancelOrigClientOrderId", _client_id),
    Parameter("cancelNewClientOrderId", _client_id),
    _RESTRICTIONS,
    Parameter(
        "orderRateLimitExceededMode",
        _word(OrderRateLimitMode, Code.INVALID_PARAMETER),
        default=OrderRateLimitMode.DO_NOTHING,
    ),
)
AMEND = (_SYMBOL, _ORDER_ID, _OLD_CLIENT_ID, _NEW_CLIENT_ID, _must("newQty", _decimal))

_LIST = (_SYMBOL, Parameter("listClientOrderId", _client_id), _RESPONSE, _PREVENTION)
_WORKING = (
    _must("workingType", _TYPE),
    _must("workingSide", _SIDE),
    *_leg(WORKING, "workingPrice"),
    _must("workingQuantity", _decimal),
)
_PENDING_SIDE = _must("pendingSide", _SIDE)
_PENDING_QUANTITY = _must("pendingQuantity", _decimal)
_PENDING_LEG = (_must("pendingType", _TYPE), _PENDING_SIDE, *_leg(PENDING))
_PENDING_PAIR = (
    _PENDING_SIDE,
    _must("pendingAboveType", _TYPE),
    *_leg(PENDING_ABOVE),
    _must("pendingBelowType", _TYPE),  # the documentation calls it optional, but a pair has two
    *_leg(PENDING_BELOW),
)
OLD_OCO = (
    *_LIST,
    _must("side", _SIDE),
    _must("quantity", _decimal),
    *_leg(OLD_LIMIT, "price"),
    *_leg(OLD_STOP, "stopPrice"),
)
OCO = (
    *_LIST,
    _must("side", _SIDE),
    _must("quantity", _decimal),
    _must("aboveType", _TYPE),
    *_leg(ABOVE),
    _must("belowType", _TYPE),
    *_leg(BELOW),
)
OTO = (*_LIST, *_WORKING, *_PENDING_LEG, _PENDING_QUANTITY)
OTOCO = (*_LIST, *_WORKING, *_PENDING_PAIR, _PENDING_QUANTITY)
OPO = (*_LIST, *_WORKING, *_PENDING_LEG)
OPOCO = (*_LIST, *_WORKING, *_PENDING_PAIR)

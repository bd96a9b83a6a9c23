"""Answers about orders. ``Number`` is ``Decimal`` for reading, ``str`` for writing.

Fields stand in the order in which Binance prints them; those that only some orders have are ``UNSET`` in the others.
Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026).
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

from cryptox.venues.binance.words import (
    ExpiryReason,
    OrderStatus,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

from .fills import FillRow, PreventedPart
from .order_lists import ListState

__all__ = [
    "AmendAnswer",
    "AmendedOrder",
    "CancelAnswer",
    "CancelReplaceAnswer",
    "CommissionPart",
    "Discount",
    "OrderAck",
    "OrderAnswer",
    "OrderRow",
    "TestAnswer",
]

Number = TypeVar("Number")

_ORDER = {
    "order_id": "orderId",
    "list_id": "orderListId",
    "original_client_id": "origClientOrderId",
    "client_id": "clientOrderId",
    "transact_time": "transactTime",
    "quantity": "origQty",
    "executed": "executedQty",
    "quote_quantity": "origQuoteOrderQty",
    "executed_quote": "cummulativeQuoteQty",  # sic
    "time_in_force": "timeInForce",
    "stop_price": "stopPrice",
    "trailing_delta": "trailingDelta",
    "trailing_time": "trailingTime",
    "iceberg_quantity": "icebergQty",
    "update_time": "updateTime",
    "is_working": "isWorking",
    "working_time": "workingTime",
    "strategy_id": "strategyId",
    "strategy_type": "strategyType",
    "self_trade_prevention": "selfTradePreventionMode",
    "prevented_match_id": "preventedMatchId",
    "prevented_quantity": "preventedQuantity",
    "prevented_matches": "preventedMatches",
    "trade_group_id": "tradeGroupId",
    "used_sor": "usedSor",
    "working_floor": "workingFloor",
    "peg_price_type": "pegPriceType",
    "peg_offset_type": "pegOffsetType",
    "peg_offset": "pegOffsetValue",
    "pegged_price": "peggedPrice",
    "expiry_reason": "expiryReason",
}


class OrderAck(Struct, frozen=True, rename=_ORDER):
    """The shortest answer to a placement."""

    symbol: str
    order_id: int
    list_id: int
    client_id: str
    transact_time: int


class OrderAnswer(Struct, Generic[Number], frozen=True, kw_only=True, rename=_ORDER):
    """The answer to a placement: RESULT without ``fills``, FULL with them."""

    symbol: str
    order_id: int
    list_id: int
    client_id: str
    transact_time: int
    price: Number
    quantity: Number | UnsetType = UNSET  # not known while it waits for what is bought
    executed: Number
    quote_quantity: Number
    executed_quote: Number
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    stop_price: Number | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    trailing_time: int | UnsetType = UNSET
    working_time: int
    iceberg_quantity: Number | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    fills: list[FillRow[Number]] | UnsetType = UNSET
    self_trade_prevention: SelfTradePrevention
    prevented_match_id: int | UnsetType = UNSET
    prevented_quantity: Number | UnsetType = UNSET
    prevented_matches: list[PreventedPart[Number]] | UnsetType = UNSET
    trade_group_id: int | UnsetType = UNSET
    used_sor: bool | UnsetType = UNSET
    working_floor: str | UnsetType = UNSET
    peg_price_type: PegPriceType | UnsetType = UNSET
    peg_offset_type: PegOffsetType | UnsetType = UNSET
    peg_offset: int | UnsetType = UNSET
    pegged_price: Number | UnsetType = UNSET
    expiry_reason: ExpiryReason | UnsetType = UNSET


class CancelAnswer(Struct, Generic[Number], frozen=True, kw_only=True, rename=_ORDER):
    """A cancelled order. ``client_id`` is the cancel's own."""

    symbol: str
    original_client_id: str
    order_id: int
    list_id: int
    client_id: str
    transact_time: int
    price: Number
    quantity: Number
    executed: Number
    quote_quantity: Number
    executed_quote: Number
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    stop_price: Number | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    trailing_time: int | UnsetType = UNSET
    iceberg_quantity: Number | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    self_trade_prevention: SelfTradePrevention
    prevented_match_id: int | UnsetType = UNSET
    prevented_quantity: Number | UnsetType = UNSET
    trade_group_id: int | UnsetType = UNSET
    peg_price_type: PegPriceType | UnsetType = UNSET
    peg_offset_type: PegOffsetType | UnsetType = UNSET
    peg_offset: int | UnsetType = UNSET
    pegged_price: Number | UnsetType = UNSET


class OrderRow(Struct, Generic[Number], frozen=True, kw_only=True, rename=_ORDER):
    """An order as queries tell it."""

    symbol: str
    order_id: int
    list_id: int
    client_id: str
    price: Number
    quantity: Number
    executed: Number
    executed_quote: Number  # below zero: not known
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    stop_price: Number
    iceberg_quantity: Number
    time: int
    update_time: int
    is_working: bool
    working_time: int
    quote_quantity: Number
    self_trade_prevention: SelfTradePrevention
    trailing_delta: int | UnsetType = UNSET
    trailing_time: int | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    prevented_match_id: int | UnsetType = UNSET
    prevented_quantity: Number | UnsetType = UNSET
    trade_group_id: int | UnsetType = UNSET
    used_sor: bool | UnsetType = UNSET
    working_floor: str | UnsetType = UNSET
    peg_price_type: PegPriceType | UnsetType = UNSET
    peg_offset_type: PegOffsetType | UnsetType = UNSET
    peg_offset: int | UnsetType = UNSET
    pegged_price: Number | UnsetType = UNSET
    expiry_reason: ExpiryReason | UnsetType = UNSET


class AmendedOrder(
    Struct,
    Generic[Number],
    frozen=True,
    kw_only=True,
    rename=_ORDER
    | {
        "quantity": "qty",
        "prevented_quantity": "preventedQty",
        "quote_quantity": "quoteOrderQty",
        "executed_quote": "cumulativeQuoteQty",
    },
):
    """An order after an amend; here some fields have names of their own."""

    symbol: str
    order_id: int
    list_id: int
    original_client_id: str
    client_id: str
    price: Number
    quantity: Number
    executed: Number
    prevented_quantity: Number
    quote_quantity: Number
    executed_quote: Number
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    stop_price: Number | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    trailing_time: int | UnsetType = UNSET
    iceberg_quantity: Number | UnsetType = UNSET
    working_time: int
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    self_trade_prevention: SelfTradePrevention
    peg_price_type: PegPriceType | UnsetType = UNSET
    peg_offset_type: PegOffsetType | UnsetType = UNSET
    peg_offset: int | UnsetType = UNSET
    pegged_price: Number | UnsetType = UNSET
    expiry_reason: ExpiryReason | UnsetType = UNSET


class AmendAnswer(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "transact_time": "transactTime",
        "execution_id": "executionId",
        "order": "amendedOrder",
        "list": "listStatus",
    },
):
    """The answer to an amend."""

    transact_time: int
    execution_id: int
    order: AmendedOrder[Number]
    list: ListState | UnsetType = UNSET


class CancelReplaceAnswer(
    Struct,
    frozen=True,
    rename={
        "cancel_result": "cancelResult",
        "new_result": "newOrderResult",
        "cancel": "cancelResponse",
        "new": "newOrderResponse",
    },
):
    """Both halves of a cancel-replace: an answer, an error body, or null where it was not tried."""

    cancel_result: str
    new_result: str
    cancel: Any
    new: Any


class CommissionPart(Struct, Generic[Number], frozen=True):
    """Commission rates of one order."""

    maker: Number
    taker: Number


class Discount(Struct, Generic[Number], frozen=True, rename="camel"):
    """What standard commission is multiplied by when it is paid in this asset."""

    enabled_for_account: bool
    enabled_for_symbol: bool
    discount_asset: str
    discount: Number


class TestAnswer(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "standard": "standardCommissionForOrder",
        "special": "specialCommissionForOrder",
        "tax": "taxCommissionForOrder",
    },
):
    """Commission rates that a test order would pay."""

    __test__ = False  # no test class, whatever pytest thinks

    standard: CommissionPart[Number]
    special: CommissionPart[Number]
    tax: CommissionPart[Number]
    discount: Discount[Number]

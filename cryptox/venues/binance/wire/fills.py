"""Fills, prevented matches and amends, in answers to placements and in queries.

``Number`` is ``Decimal`` for reading, ``str`` for writing.
Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (July 2026).
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

from cryptox.venues.binance.words import SelfTradePrevention

__all__ = ["AmendmentRow", "FillRow", "MyTrade", "PreventedPart", "PreventedRow"]

Number = TypeVar("Number")

_FILL = {
    "quantity": "qty",
    "commission_asset": "commissionAsset",
    "trade_id": "tradeId",
    "match_type": "matchType",
    "allocation_id": "allocId",
    "quote_quantity": "quoteQty",
    "order_id": "orderId",
    "list_id": "orderListId",
    "is_buyer": "isBuyer",
    "is_maker": "isMaker",
    "is_best_match": "isBestMatch",
}
_PREVENTED = {
    "prevented_match_id": "preventedMatchId",
    "maker_symbol": "makerSymbol",
    "maker_order_id": "makerOrderId",
    "taker_quantity": "takerPreventedQuantity",
    "maker_quantity": "makerPreventedQuantity",
    "taker_order_id": "takerOrderId",
    "trade_group_id": "tradeGroupId",
    "self_trade_prevention": "selfTradePreventionMode",
    "transact_time": "transactTime",
}
_AMENDMENT = {
    "order_id": "orderId",
    "execution_id": "executionId",
    "original_client_id": "origClientOrderId",
    "client_id": "newClientOrderId",
    "quantity": "origQty",
    "new_quantity": "newQty",
}


class FillRow(Struct, Generic[Number], frozen=True, rename=_FILL):
    """One fill in the answer to a placement."""

    price: Number
    quantity: Number
    commission: Number
    commission_asset: str
    trade_id: int
    match_type: str | UnsetType = UNSET
    allocation_id: int | UnsetType = UNSET


class PreventedPart(Struct, Generic[Number], frozen=True, rename=_PREVENTED):
    """One prevented match in the answer to a placement."""

    prevented_match_id: int
    maker_symbol: str
    maker_order_id: int
    price: Number
    taker_quantity: Number | UnsetType = UNSET  # of the side that expired or was made smaller
    maker_quantity: Number | UnsetType = UNSET


class MyTrade(Struct, Generic[Number], frozen=True, rename=_FILL):
    """One fill of an account."""

    symbol: str
    id: int
    order_id: int
    list_id: int
    price: Number
    quantity: Number
    quote_quantity: Number
    commission: Number
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_best_match: bool


class PreventedRow(Struct, Generic[Number], frozen=True, kw_only=True, rename=_PREVENTED):
    """One prevented match of an account."""

    symbol: str
    prevented_match_id: int
    taker_order_id: int
    maker_symbol: str
    maker_order_id: int
    trade_group_id: int
    self_trade_prevention: SelfTradePrevention
    price: Number
    taker_quantity: Number | UnsetType = UNSET
    maker_quantity: Number | UnsetType = UNSET
    transact_time: int


class AmendmentRow(Struct, Generic[Number], frozen=True, rename=_AMENDMENT):
    """One amend of an order."""

    symbol: str
    order_id: int
    execution_id: int
    original_client_id: str
    client_id: str
    quantity: Number
    new_quantity: Number
    time: int

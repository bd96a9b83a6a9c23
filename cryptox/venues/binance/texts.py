"""What the matching engine says when it refuses. One code carries many of these texts; clients match them literally.

Source: https://developers.binance.com/docs/binance-spot-api-docs/errors (July 2026).
"""

from __future__ import annotations

from enum import StrEnum

from .words import RejectReason

__all__ = ["REJECT_REASONS", "EngineText"]


class EngineText(StrEnum):
    """A text of the matching engine, by what it means."""

    UNKNOWN_ORDER = "Unknown order sent."
    DUPLICATE_ORDER = "Duplicate order sent."
    MARKET_CLOSED = "Market is closed."
    INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
    NO_MARKET_ORDERS = "Market orders are not supported for this symbol."
    NO_ICEBERGS = "Iceberg orders are not supported for this symbol."
    NO_STOP_LOSS = "Stop loss orders are not supported for this symbol."
    NO_STOP_LOSS_LIMIT = "Stop loss limit orders are not supported for this symbol."
    NO_TAKE_PROFIT = "Take profit orders are not supported for this symbol."
    NO_TAKE_PROFIT_LIMIT = "Take profit limit orders are not supported for this symbol."
    NO_AMENDS = "Order amend is not supported for this symbol."
    WORTHLESS = "Price * QTY is zero or less."
    ICEBERG_EXCEEDS = "IcebergQty exceeds QTY."
    ACTION_DISABLED = "This action is disabled on this account."
    MAY_NOT_TRADE = "This account may not place or cancel orders."
    UNSUPPORTED_COMBINATION = "Unsupported order combination"  # sic: no dot
    WOULD_TRIGGER = "Order would trigger immediately."
    CANCEL_INVALID = "Cancel order is invalid. Check origClOrdId and orderId."
    WOULD_TAKE = "Order would immediately match and take."
    PRICE_RELATION = "The relationship of the prices for the orders is not correct."
    NO_OCO = "OCO orders are not supported for this symbol"  # sic: no dot
    NO_QUOTE_QUANTITY = "Quote order qty market orders are not support for this symbol."  # sic: support
    NO_TRAILING = "Trailing stop orders are not supported for this symbol."
    NO_CANCEL_REPLACE = "Order cancel-replace is not supported for this symbol."
    SYMBOL_NOT_PERMITTED = "This symbol is not permitted for this account."
    SYMBOL_RESTRICTED = "This symbol is restricted for this account."
    CANCEL_RESTRICTED = "Order was not canceled due to cancel restrictions."
    NO_REST_TRADING = "Rest API trading is not enabled."
    NO_WEBSOCKET_TRADING = "WebSocket API trading is not enabled."
    LIQUIDITY_BELOW_LOT = "Order book liquidity is less than `LOT_SIZE` filter minimum quantity."
    LIQUIDITY_BELOW_MARKET_LOT = "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity."
    LIQUIDITY_BELOW_MINIMUM = "Order book liquidity is less than symbol minimum quantity."
    AMEND_INCREASES = "Order amend (quantity increase) is not supported."
    CHANGES_NOTHING = "The requested action would change no state; rejecting."
    AMEND_PENDING_OPO = "Order amend (pending OPO order) is not supported."
    NO_PEGS = "Pegged orders are not supported for this symbol."
    TYPE_NOT_PEGGED = "This order type may not use pegged price."
    PEG_NOT_FOR_TYPE = "This price peg cannot be used with this order type."
    LIQUIDITY_BELOW_PEG = "Order book liquidity is too low for this pegged order."
    NO_OPO = "OPO orders are not supported for this symbol."
    TYPE_NOT_IN_PHASE = "This order type is not possible in this trading phase."
    GTC_IN_PHASE = "Limit orders require GTC for this phase."


REJECT_REASONS: dict[str, RejectReason] = {
    EngineText.INSUFFICIENT_BALANCE: RejectReason.INSUFFICIENT_BALANCES,
    EngineText.WOULD_TRIGGER: RejectReason.STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY,
    EngineText.WOULD_TAKE: RejectReason.WOULD_MATCH_IMMEDIATELY,
    EngineText.PRICE_RELATION: RejectReason.OCO_BAD_PRICES,
}
"""The words that execution reports have for some of these texts."""

"""General endpoints: time, errors, exchange information."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = ["ErrorBody", "ExchangeInfo", "RateLimit", "ServerTime", "SymbolInfo"]


Precision = Annotated[int, Meta(ge=0, le=40)]  # decimals


class ErrorBody(Struct, frozen=True):
    """The body of every refusal."""

    code: int
    msg: str


class ServerTime(Struct, frozen=True, rename={"server_time": "serverTime"}):
    """Exchange time."""

    server_time: int


class RateLimit(
    Struct,
    frozen=True,
    rename={"kind": "rateLimitType", "interval_count": "intervalNum"},
):
    """One limit: so much per ``interval_count`` times ``interval``."""

    kind: str
    interval: str
    interval_count: int
    limit: int


class SymbolInfo(
    Struct,
    frozen=True,
    rename={
        "base": "baseAsset",
        "base_precision": "baseAssetPrecision",
        "quote": "quoteAsset",
        "quote_precision_old": "quotePrecision",
        "quote_precision": "quoteAssetPrecision",
        "base_commission_precision": "baseCommissionPrecision",
        "quote_commission_precision": "quoteCommissionPrecision",
        "order_types": "orderTypes",
        "iceberg_allowed": "icebergAllowed",
        "oco_allowed": "ocoAllowed",
        "oto_allowed": "otoAllowed",
        "opo_allowed": "opoAllowed",
        "quote_quantity_market_allowed": "quoteOrderQtyMarketAllowed",
        "trailing_stop_allowed": "allowTrailingStop",
        "cancel_replace_allowed": "cancelReplaceAllowed",
        "amend_allowed": "amendAllowed",
        "peg_allowed": "pegInstructionsAllowed",
        "is_spot_trading_allowed": "isSpotTradingAllowed",
        "is_margin_trading_allowed": "isMarginTradingAllowed",
        "permission_sets": "permissionSets",
        "default_self_trade_prevention": "defaultSelfTradePreventionMode",
        "allowed_self_trade_prevention": "allowedSelfTradePreventionModes",
    },
):
    """One symbol of the exchange information. Old answers (2021) lack the later fields."""

    symbol: str
    status: str
    base: str
    base_precision: Precision
    quote: str
    quote_precision_old: int | UnsetType = UNSET
    quote_precision: Precision = 8
    base_commission_precision: int = 8
    quote_commission_precision: int = 8
    order_types: list[str] = []
    iceberg_allowed: bool = False
    oco_allowed: bool = False
    oto_allowed: bool = False
    opo_allowed: bool | UnsetType = UNSET  # absent in SBE
    quote_quantity_market_allowed: bool = False
    trailing_stop_allowed: bool = False
    cancel_replace_allowed: bool = False
    amend_allowed: bool = False
    peg_allowed: bool | UnsetType | None = UNSET
    is_spot_trading_allowed: bool = False
    is_margin_trading_allowed: bool = False
    filters: list[dict[str, Any]] = []
    permissions: list[str] = []
    permission_sets: list[list[str]] = []
    default_self_trade_prevention: str | UnsetType = UNSET
    allowed_self_trade_prevention: list[str] = []


class ExchangeInfo(
    Struct,
    frozen=True,
    rename={"server_time": "serverTime", "rate_limits": "rateLimits", "exchange_filters": "exchangeFilters"},
):
    """Limits of the address and rules of symbols. SBE leaves out ``timezone`` and ``server_time``."""

    timezone: str | UnsetType = UNSET
    server_time: int | UnsetType = UNSET
    rate_limits: list[RateLimit] = []
    exchange_filters: list[dict[str, Any]] = []
    symbols: list[SymbolInfo] = []
    sors: list[dict[str, Any]] | UnsetType = UNSET

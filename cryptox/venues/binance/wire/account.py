"""Answers about an account: balances, commission, limits, filters, what a key may do.

``Number`` is ``Decimal`` for reading, ``str`` for writing.
Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (July 2026), and for
``Restrictions`` https://developers.binance.com/docs/wallet/account/api-key-permission.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

from .orders import Discount

__all__ = [
    "AccountInfo",
    "BalanceRow",
    "CommissionRates",
    "CountedLimit",
    "MyFilters",
    "RateSet",
    "Restrictions",
]

Number = TypeVar("Number")


class RateSet(Struct, Generic[Number], frozen=True):
    """Commission rates by role."""

    maker: Number
    taker: Number
    buyer: Number
    seller: Number


class BalanceRow(Struct, Generic[Number], frozen=True):
    """What an account has of one asset."""

    asset: str
    free: Number
    locked: Number


class AccountInfo(Struct, Generic[Number], frozen=True, rename="camel"):
    """State of an account. The four numbers at the beginning are basis points."""

    maker_commission: int
    taker_commission: int
    buyer_commission: int
    seller_commission: int
    commission_rates: RateSet[Number]
    can_trade: bool
    can_withdraw: bool
    can_deposit: bool
    brokered: bool
    require_self_trade_prevention: bool
    prevent_sor: bool
    update_time: int
    account_type: str
    balances: list[BalanceRow[Number]]
    permissions: list[str]
    uid: int
    trade_group_id: int | UnsetType = UNSET


class CommissionRates(Struct, Generic[Number], frozen=True, rename="camel"):
    """Commission of an account on a symbol."""

    symbol: str
    standard_commission: RateSet[Number]
    special_commission: RateSet[Number]
    tax_commission: RateSet[Number]
    discount: Discount[Number]


class CountedLimit(Struct, frozen=True, rename={"kind": "rateLimitType", "interval_count": "intervalNum"}):
    """One limit and how much of it is used."""

    kind: str
    interval: str
    interval_count: int
    limit: int
    count: int


class MyFilters(Struct, frozen=True, rename="camel"):
    """Filters that bind an account on a symbol."""

    exchange_filters: list[dict[str, Any]]
    symbol_filters: list[dict[str, Any]]
    asset_filters: list[dict[str, Any]]


class Restrictions(Struct, frozen=True, rename="camel"):
    """What a key may do."""

    ip_restrict: bool
    create_time: int
    enable_reading: bool
    enable_spot_and_margin_trading: bool
    enable_withdrawals: bool = False
    enable_internal_transfer: bool = False
    enable_margin: bool = False
    enable_futures: bool = False
    permits_universal_transfer: bool = False
    enable_vanilla_options: bool = False
    enable_portfolio_margin_trading: bool = False
    enable_fix_api_trade: bool = False
    enable_fix_read_only: bool = False

"""What an account is told about itself, in records of our words."""

from __future__ import annotations

from decimal import Decimal

from cryptox.model.account import Account, Balance, Fees, KeyRights
from cryptox.transport.messages import Answer, Limit

from .limits import INTERVAL_MS
from .read import read_as
from .wire.account import AccountInfo, CommissionRates, CountedLimit, Restrictions
from .wire.orders import Discount, TestAnswer

__all__ = ["read_account", "read_fees", "read_key_rights", "read_order_counts", "read_test"]


def read_account(answer: Answer) -> Account:
    """Rights, commission and balances of an account.

    Raises
    ------
    ExchangeError
        The body is something else.
    """
    told = read_as(answer, AccountInfo[Decimal])
    rates = told.commission_rates
    return Account(
        can_trade=told.can_trade,
        can_withdraw=told.can_withdraw,
        can_deposit=told.can_deposit,
        maker=rates.maker,
        taker=rates.taker,
        buyer=rates.buyer,
        seller=rates.seller,
        account_type=told.account_type,
        permissions=tuple(told.permissions),
        updated_ms=told.update_time,
        uid=told.uid,
        balances={row.asset: Balance(asset=row.asset, free=row.free, locked=row.locked) for row in told.balances},
    )


def read_key_rights(answer: Answer) -> KeyRights:
    """What a key may do; errors as ``read_account``."""
    told = read_as(answer, Restrictions)
    return KeyRights(
        reads=told.enable_reading,
        trades=told.enable_spot_and_margin_trading,
        withdraws=told.enable_withdrawals,
        bound=told.ip_restrict,
    )


def read_fees(answer: Answer) -> Fees:
    """Commission of an account on a symbol; errors as ``read_account``."""
    told = read_as(answer, CommissionRates[Decimal])
    parts = (told.standard_commission, told.special_commission, told.tax_commission)
    return _fees(
        told.symbol,
        told.discount,
        maker=sum((part.maker for part in parts), Decimal(0)),
        taker=sum((part.taker for part in parts), Decimal(0)),
        buyer=sum((part.buyer for part in parts), Decimal(0)),
        seller=sum((part.seller for part in parts), Decimal(0)),
        standard_maker=told.standard_commission.maker,
        standard_taker=told.standard_commission.taker,
    )


def read_test(answer: Answer, symbol: str) -> Fees:
    """Commission that a test order would pay, its side's part added in; errors as ``read_account``."""
    told = read_as(answer, TestAnswer[Decimal])
    parts = (told.standard, told.special, told.tax)
    return _fees(
        symbol,
        told.discount,
        maker=sum((part.maker for part in parts), Decimal(0)),
        taker=sum((part.taker for part in parts), Decimal(0)),
        standard_maker=told.standard.maker,
        standard_taker=told.standard.taker,
    )


def _fees(symbol: str, discount: Discount[Decimal], **rates: Decimal) -> Fees:
    return Fees(
        symbol=symbol,
        discounted=discount.enabled_for_account and discount.enabled_for_symbol,
        discount_asset=discount.discount_asset,
        discount=discount.discount,
        **rates,
    )


def read_order_counts(answer: Answer) -> tuple[tuple[Limit, int], ...]:
    """Limits of orders in a window, and how much of each is used; errors as ``read_account``."""
    return tuple(
        (Limit(row.kind, row.limit, row.interval_count * INTERVAL_MS[row.interval]), row.count)
        for row in read_as(answer, list[CountedLimit])
        if row.interval in INTERVAL_MS
    )

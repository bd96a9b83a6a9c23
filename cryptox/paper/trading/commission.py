"""What the exchange keeps of each fill.

Source: orders.md section 6.8 of the facts; https://developers.binance.com/docs/binance-spot-api-docs/faqs/commission_faq
(July 2026). Cut to atoms once, after all parts are added (own).
"""

from __future__ import annotations

from collections.abc import Callable

from cryptox.venues.binance.words import Side

from .accounts import ATOMS, Account, Rates

__all__ = ["Worth", "in_discount_asset", "in_received_asset"]

Worth = Callable[[str, str], tuple[int, int] | None]
"""(asset, other asset) to a fraction: so many of the other's atoms for one atom; None where no price is known."""


def in_received_asset(account: Account, received: int, side: Side, *, is_maker: bool) -> int:
    """Commission in atoms of the asset received, without discount."""
    return received * sum(_rate(rates, side, is_maker) for rates in _kinds(account)) // ATOMS


def in_discount_asset(
    account: Account, asset: str, received: int, side: Side, *, is_maker: bool, worth: Worth
) -> int | None:
    """Commission in atoms of the discount asset; None where the account takes no discount or no price is known."""
    if not account.takes_discount:
        return None
    fraction = (1, 1) if asset == account.discount_asset else worth(asset, account.discount_asset)
    if fraction is None:
        return None
    standard, special, tax = (_rate(rates, side, is_maker) for rates in _kinds(account))
    rate = standard * account.discount + (special + tax) * ATOMS
    return received * rate * fraction[0] // (ATOMS * ATOMS * fraction[1])


def _kinds(account: Account) -> tuple[Rates, Rates, Rates]:
    return account.standard, account.special, account.tax


def _rate(rates: Rates, side: Side, is_maker: bool) -> int:
    return (rates.maker if is_maker else rates.taker) + (rates.buyer if side is Side.BUY else rates.seller)

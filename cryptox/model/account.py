"""Accounts as records of our words: rights, commission, and what an order would mean for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from cryptox._display import Displayed
from cryptox.errors import CryptoxError, FilterFailure

from .events import moment
from .orders import Draft

__all__ = ["Account", "Balance", "Breach", "Fees", "Preview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Displayed):
    """What an account has of one asset."""

    asset: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Free and locked."""
        return self.free + self.locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees(Displayed):
    """Commission of an account on a symbol, as parts of one (0.001 is a tenth of a percent).

    Attributes
    ----------
    maker, taker
        What an order pays that rests, or takes, on ``side``-independent rates: standard, special and tax together.
    buyer, seller
        What a buyer, a seller pays beyond that.
    discount_asset, discount
        Where ``discounted``: the asset that commission is taken from, and what the standard part is multiplied by.
    """

    symbol: str
    maker: Decimal
    taker: Decimal
    buyer: Decimal = Decimal(0)
    seller: Decimal = Decimal(0)
    standard_maker: Decimal = Decimal(0)  # of maker, the part that a discount touches
    standard_taker: Decimal = Decimal(0)
    discounted: bool = False
    discount_asset: str | None = None
    discount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Displayed):
    """Rights and commission of an account. The rights are the account's; a key may have fewer."""

    can_trade: bool
    can_withdraw: bool
    can_deposit: bool
    maker: Decimal
    taker: Decimal
    buyer: Decimal
    seller: Decimal
    account_type: str
    permissions: tuple[str, ...]
    updated_ms: int
    uid: int | None = None
    balances: Mapping[str, Balance] = field(default_factory=dict, repr=False)

    @property
    def updated(self) -> datetime:
        """When it changed last, UTC."""
        return moment(self.updated_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach(Displayed):
    """One trading rule that an order breaks.

    Attributes
    ----------
    rule
        The exchange's name of it: ``LOT_SIZE``.
    message
        What is wrong, in one sentence.
    nearest
        Arguments of the call with the nearest values that keep the rule: ``{"quantity": "0.00012"}``; empty where
        there are none.
    error
        Class of the error that such an order deserves.
    """

    rule: str
    message: str
    nearest: Mapping[str, Any] = field(default_factory=dict)
    error: type[CryptoxError] = field(default=FilterFailure, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Displayed):
    """What would be sent, and what it would mean; nothing was sent.

    Attributes
    ----------
    order
        As it would be sent.
    accepted
        Whether the symbol's rules and the balances allow it, as far as can be told before.
    breaches
        The rules that it breaks.
    nearest
        Arguments of a call that keeps all rules, where there is one; None where the order keeps them as it is.
    price
        Price that the estimates are of: its own, or what the book would give.
    cost
        What is spent (or, selling, received), in ``quote``, commission apart.
    fee, fee_asset
        Commission if it all took at once, counted in the asset that is received; where a discount applies it is taken
        from the discount's asset.
    free, free_after
        Of the asset that is spent, ``spends``: now, and afterwards.
    """

    order: Draft
    accepted: bool
    breaches: tuple[Breach, ...]
    nearest: Mapping[str, Any] | None
    price: Decimal | None
    cost: Decimal | None
    quote: str
    fee: Decimal | None
    fee_asset: str | None
    spends: str
    free: Decimal | None
    free_after: Decimal | None

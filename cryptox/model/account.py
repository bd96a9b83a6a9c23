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
from .lines import amount, arguments_line, changed_arguments, count, order_size, percent, record_line
from .orders import Draft
from .time import iso

__all__ = ["Account", "Balance", "Breach", "Fees", "KeyRights", "Preview"]


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

    def __repr__(self) -> str:
        """One line: of what, how much."""
        return record_line("Balance", f"{self.asset}: free {amount(self.free)}", f"locked {amount(self.locked)}")


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

    def __repr__(self) -> str:
        """One line: what an order pays."""
        sides = {"buyer": self.buyer, "seller": self.seller}
        return record_line(
            "Fees",
            f"{self.symbol}: maker {percent(self.maker)}",
            f"taker {percent(self.taker)}",
            *(f"{name} {percent(part)} more" for name, part in sides.items() if part),
            self._told_discount(),
        )

    def _told_discount(self) -> str | None:
        if not self.discounted or self.discount is None:
            return None
        return f"standard part times {amount(self.discount)} in {self.discount_asset}"


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do; ``bound``: only from addresses that were named to the exchange."""

    reads: bool
    trades: bool
    withdraws: bool
    bound: bool


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

    def __repr__(self) -> str:
        """One line: what it may, what it pays, how many assets it has."""
        rights = {"trade": self.can_trade, "withdraw": self.can_withdraw, "deposit": self.can_deposit}
        may = ", ".join(name for name, given in rights.items() if given) or "nothing"
        return record_line(
            "Account",
            self.account_type if self.uid is None else f"{self.account_type} {self.uid}",
            f"may {may}",
            f"maker {percent(self.maker)}",
            f"taker {percent(self.taker)}",
            count(len(self.balances), "asset"),
            f"updated {iso(self.updated_ms)}",
        )


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

    def __repr__(self) -> str:
        """One line: which rule, and what is wrong."""
        return record_line("Breach", f"{self.rule}: {self.message}")


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

    def __repr__(self) -> str:
        """One line: what, the verdict, and what it would mean."""
        draft = self.order
        size = order_size(draft.quantity, draft.price, draft.quote_quantity)
        rules = ", ".join(dict.fromkeys(one.rule for one in self.breaches))
        changes = {} if self.nearest is None else changed_arguments(draft.arguments(), self.nearest)
        return record_line(
            "Preview",
            f"{draft.symbol} {draft.side} {draft.type} {size}: "
            + ("accepted" if self.accepted else f"breaks {rules}" if rules else "not accepted"),
            f"nearest {arguments_line(changes)}" if changes else None,
            None
            if self.cost is None
            else f"{'costs' if draft.side == 'buy' else 'gives'} {amount(self.cost, self.quote)}",
            None if self.fee is None else f"fee {amount(self.fee, self.fee_asset)}",
            None if self.free is None else f"free {amount(self.free, self.spends)}",
            None if self.free_after is None else f"then {amount(self.free_after)}",
        )

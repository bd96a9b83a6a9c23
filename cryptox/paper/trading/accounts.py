"""Accounts of the paper exchange: balances, commission rates, and the keys that open them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["ATOMS", "MOST_ATOMS", "Account", "Balance", "Key", "KeyKind", "Rates"]

ATOMS = 10**8  # atoms in one unit of any asset
MOST_ATOMS = 2**63 - 1  # that an account can hold of one


class KeyKind(StrEnum):
    """How requests with a key are signed."""

    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "ED25519"


@dataclass(frozen=True, slots=True)
class Key:
    """One API key. ``secret`` is the shared secret of HMAC, or the public key as PEM text."""

    api_key: str
    kind: KeyKind
    secret: str = field(repr=False)
    account: int  # uid
    can_trade: bool = True
    verifier: Any = field(default=None, repr=False, compare=False)  # a loaded public key


@dataclass(slots=True)
class Balance:
    """What an account has of one asset, in atoms."""

    free: int = 0
    locked: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """Commission rates in 1e-8 of the amount received: 100_000 is 0.1 %."""

    maker: int = 100_000
    taker: int = 100_000
    buyer: int = 0
    seller: int = 0


@dataclass(slots=True)
class Account:
    """One account."""

    uid: int
    balances: dict[str, Balance] = field(default_factory=dict)
    standard: Rates = Rates()
    special: Rates = Rates(0, 0)
    tax: Rates = Rates(0, 0)
    discount_asset: str = "BNB"
    discount: int = 75_000_000  # multiplies the standard part, in 1e-8
    takes_discount: bool = False
    created_us: int = 0
    updated_us: int = 0
    can_trade: bool = True
    group: int = -1  # trade group, -1 for none
    external: dict[str, int] = field(default_factory=dict)  # atoms by asset, locked from outside

    def balance(self, asset: str) -> Balance:
        """The balance of an asset; made when it was not there."""
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found

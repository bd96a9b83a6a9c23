"""The registry of accounts and of the keys that open them."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cryptox.errors import ValidationError

from .signatures import load_public_key
from .trading.accounts import MOST_ATOMS, Account, Balance, Key, KeyKind
from .trading.engine import Engine
from .trading.grid import atoms_of

__all__ = ["STANDARD_BALANCES", "Accounts", "read_amounts"]

STANDARD_BALANCES: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(1),
    "ETH": Decimal(10),
    "BNB": Decimal(10),
}
"""What an account starts with where nothing else is said."""

FIRST_UID = 100_000_001
KEY_LENGTH = 64
_LETTERS = string.ascii_letters + string.digits


def read_amounts(amounts: Mapping[str, Decimal]) -> dict[str, int]:
    """Amounts of money in atoms of 1e-8, by asset.

    Raises
    ------
    ValidationError : below zero, finer than an atom, or more than the exchange can count.
    """
    found = {}
    for asset, amount in amounts.items():
        try:
            atoms = atoms_of(amount)
        except ValueError as error:
            raise ValidationError(f"{asset}: {error}.") from error
        if not 0 <= atoms <= MOST_ATOMS:
            raise ValidationError(f"{asset}={amount} is not an amount from zero to {Decimal(MOST_ATOMS).scaleb(-8)}.")
        found[asset] = atoms
    return found


class Accounts:
    """All accounts of one exchange, and their keys. Its ``repr`` names neither keys nor secrets.

    Parameters
    ----------
    seed
        Makes the same keys each time; None for keys that nobody can guess.

    Attributes
    ----------
    accounts : dict of int to Account
        By uid; grows as accounts are created.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.accounts: dict[int, Account] = {}
        self._seed = seed
        self._made = 0  # texts drawn so far
        self._keys: dict[str, Key] = {}

    def create(self, balances: Mapping[str, Decimal] | None, now_us: int) -> tuple[Account, Key]:
        """A new account with these balances (None: the standard ones), and its first HMAC key, which may trade.

        Raises
        ------
        ValidationError : an amount that cannot be.
        """
        amounts = read_amounts(STANDARD_BALANCES if balances is None else balances)
        uid = max(self.accounts, default=FIRST_UID - 1) + 1
        held = {asset: Balance(free=atoms) for asset, atoms in amounts.items()}
        account = self.accounts[uid] = Account(uid, held, created_us=now_us, updated_us=now_us)
        return account, self.add_key(uid)

    def add_key(
        self, uid: int, public_key: str | None = None, kind: KeyKind | None = None, *, can_trade: bool = True
    ) -> Key:
        """One more key of an account: of the public key in PEM text, or with a shared secret where there is none.

        Raises
        ------
        ValidationError : no such account, an unusable public key, or one of another kind than ``kind``.
        """
        if uid not in self.accounts:
            raise ValidationError(f"There is no account {uid} at this exchange.")
        if public_key is None:
            found, verifier, secret = KeyKind.HMAC, None, self._draw()
        else:
            found, verifier = load_public_key(public_key)
            secret = public_key
        if kind not in (None, found):
            raise ValidationError(f"kind={str(kind)!r} does not fit a key of the kind {str(found)!r}.")
        key = Key(self._draw(), found, secret, uid, can_trade, verifier)
        self._keys[key.api_key] = key
        return key

    def by_api_key(self, api_key: str) -> Key | None:
        """The key of that name."""
        return self._keys.get(api_key)

    def remove_key(self, api_key: str) -> None:
        """Withdraw a key; nothing happens where there is none."""
        self._keys.pop(api_key, None)

    def keys_of(self, uid: int) -> list[Key]:
        """The keys of an account, oldest first."""
        return [key for key in self._keys.values() if key.account == uid]

    def deposit(self, engine: Engine, uid: int, asset: str, amount: Decimal, now_us: int) -> None:
        """Put money into an account, or take free money out (below zero), as a transfer that the engine reports.

        Raises
        ------
        ValidationError : no such account, or not an amount.
        """
        account = self.accounts.get(uid)
        if account is None:
            raise ValidationError(f"There is no account {uid} at this exchange.")
        atoms = read_amounts({asset: amount.copy_abs()})[asset]
        held = account.balances.get(asset, Balance())
        if amount < 0 and held.free < atoms:
            raise ValidationError(f"Account {uid} has less than {amount.copy_abs()} {asset} free.")
        if amount > 0 and held.free + held.locked + atoms > MOST_ATOMS:
            raise ValidationError(f"Account {uid} would have more {asset} than can be counted.")
        engine.transfer(account, asset, atoms if amount >= 0 else -atoms, now_us)

    def lock(self, engine: Engine, uid: int, asset: str, amount: Decimal, now_us: int) -> None:
        """Lock free money from outside, as another system of the exchange would, or release it (below zero).

        Raises
        ------
        ValidationError : no such account, not an amount, or more than is free (locked from outside).
        """
        account = self.accounts.get(uid)
        if account is None:
            raise ValidationError(f"There is no account {uid} at this exchange.")
        atoms = read_amounts({asset: amount.copy_abs()})[asset]
        if amount > 0 and account.balances.get(asset, Balance()).free < atoms:
            raise ValidationError(f"Account {uid} has less than {amount} {asset} free.")
        if amount < 0 and account.external.get(asset, 0) < atoms:
            raise ValidationError(f"Less than {amount.copy_abs()} {asset} of account {uid} is locked from outside.")
        engine.lock(account, asset, atoms if amount >= 0 else -atoms, now_us)

    @staticmethod
    def body(key: Key) -> dict[str, Any]:
        """A key for a store, its secret included."""
        kind = str(key.kind)
        return {
            "api_key": key.api_key,
            "kind": kind,
            "secret": key.secret,
            "account": key.account,
            "can_trade": key.can_trade,
        }

    def restore(self, body: Mapping[str, Any]) -> Key:
        """A key as ``body`` wrote it."""
        kind = KeyKind(body["kind"])
        verifier = None if kind is KeyKind.HMAC else load_public_key(body["secret"])[1]
        key = Key(body["api_key"], kind, body["secret"], body["account"], body["can_trade"], verifier)
        self._keys[key.api_key] = key
        return key

    def _draw(self) -> str:
        """A text of 64 letters and digits that no key has."""
        while True:
            if self._seed is None:
                text = "".join(secrets.choice(_LETTERS) for _ in range(KEY_LENGTH))
            else:
                digest = hashlib.shake_256(f"{self._seed}/{self._made}".encode()).digest(2 * KEY_LENGTH)
                numbers = (int.from_bytes(digest[at : at + 2], "big") for at in range(0, 2 * KEY_LENGTH, 2))
                text = "".join(_LETTERS[number % len(_LETTERS)] for number in numbers)
            self._made += 1
            if text not in self._keys:
                return text

    def __repr__(self) -> str:
        """How many there are."""
        return f"Accounts({len(self.accounts)} accounts, {len(self._keys)} keys)"

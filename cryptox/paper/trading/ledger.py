"""Balances: what is free, what is locked, and whose balances one call has touched."""

from __future__ import annotations

from collections.abc import Mapping

from .accounts import Account
from .records import Records
from .reports import PositionReport

__all__ = ["Ledger"]


class Ledger:
    """Moves money of accounts, in atoms; neither part of a balance ever falls below zero."""

    def __init__(self, accounts: Mapping[int, Account], records: Records) -> None:
        self.accounts = accounts
        self._records = records
        self._touched: dict[int, dict[str, None]] = {}

    def _touch(self, uid: int, asset: str) -> None:
        self._touched.setdefault(uid, {})[asset] = None

    def free(self, uid: int, asset: str) -> int:
        """What an account could lock or spend now."""
        held = self.accounts[uid].balances.get(asset)
        return held.free if held else 0

    def lock(self, uid: int, asset: str, atoms: int) -> bool:
        """Set free money aside; False, and nothing done, where there is less."""
        held = self.accounts[uid].balance(asset)
        if held.free < atoms:
            return False
        held.free -= atoms
        held.locked += atoms
        self._touch(uid, asset)
        return True

    def release(self, uid: int, asset: str, atoms: int) -> None:
        """Give money back that was set aside."""
        held = self.accounts[uid].balance(asset)
        assert 0 <= atoms <= held.locked
        held.locked -= atoms
        held.free += atoms
        self._touch(uid, asset)

    def hold_outside(self, uid: int, asset: str, atoms: int) -> bool:
        """Lock free money from outside, or release it (below zero); False, and nothing done, where there is less."""
        outside = self.accounts[uid].external
        rest = outside.get(asset, 0) + atoms
        if rest < 0 or not self.lock(uid, asset, max(atoms, 0)):
            return False
        self.release(uid, asset, max(-atoms, 0))
        outside.pop(asset, None)
        if rest:
            outside[asset] = rest
        return True

    def pay(self, uid: int, asset: str, atoms: int) -> None:
        """Money that was set aside leaves the account."""
        held = self.accounts[uid].balance(asset)
        assert 0 <= atoms <= held.locked
        held.locked -= atoms
        self._touch(uid, asset)

    def charge(self, uid: int, asset: str, atoms: int) -> bool:
        """Free money leaves the account; False, and nothing done, where there is less."""
        held = self.accounts[uid].balance(asset)
        if held.free < atoms:
            return False
        held.free -= atoms
        self._touch(uid, asset)
        return True

    def credit(self, uid: int, asset: str, atoms: int, *, lock: bool = False) -> None:
        """Money arrives, free or set aside at once."""
        held = self.accounts[uid].balance(asset)
        if lock:
            held.locked += atoms
        else:
            held.free += atoms
        self._touch(uid, asset)

    def take_positions(self, time_us: int) -> list[PositionReport]:
        """One report for each account touched since this was last called, with the touched assets."""
        reports = []
        for uid, assets in self._touched.items():
            account = self.accounts[uid]
            account.updated_us = time_us
            self._records.changed.accounts.add(uid)
            balances = tuple((asset, account.balance(asset).free, account.balance(asset).locked) for asset in assets)
            reports.append(PositionReport(uid, time_us, balances))
        self._touched = {}
        return reports

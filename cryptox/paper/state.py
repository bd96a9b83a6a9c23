"""What an exchange knows: market, engine, accounts and limits; read from its file where it has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .accounts import Accounts
from .answers import Answers
from .arguments import read_amount, read_asset
from .clock import MarketClock
from .desk import Desk
from .market import Market
from .store import SqliteStore
from .trading.accounts import Key, KeyKind
from .weights import Others, Window

__all__ = ["Opening", "State"]


@dataclass(frozen=True, slots=True)
class Opening:
    """How an exchange's state is made, whenever it is needed."""

    market: Market  # its own path
    identity: Mapping[str, Any]  # what tells this market from another
    clock: MarketClock
    balances: Mapping[str, Decimal] | None
    path: str | None
    windows: tuple[Window, ...]
    others: Others
    ban_after: int
    ban_seconds: float
    sbe: bool

    def open(self) -> State:
        """The state, as the file has it.

        Raises
        ------
        ConfigurationError : the file cannot be used.
        """
        accounts = Accounts()
        if self.path is None:
            return State(self, accounts, Desk(self.market, self.clock, accounts.accounts), None)
        store = SqliteStore(self.path, self.identity)
        try:
            kept = store.load(accounts, self.clock.now_us())
        except BaseException:
            store.close()
            raise
        desk = Desk(self.market, self.clock, accounts.accounts, kept=kept)
        desk.store = store
        return State(self, accounts, desk, store)


class State:
    """An exchange without its sockets. Calls come from any thread."""

    def __init__(self, opening: Opening, accounts: Accounts, desk: Desk, store: SqliteStore | None) -> None:
        self.accounts, self.desk, self.clock = accounts, desk, opening.clock
        self.answers = Answers(
            desk.market,
            opening.windows,
            others=opening.others,
            ban_after=opening.ban_after,
            ban_seconds=opening.ban_seconds,
            sbe=opening.sbe,
            accounts=accounts,
            engine=desk.engine,
            judged=lambda: opening.clock.speed == 1,
            server_us=opening.clock.now_us,
        )
        self._balances, self._store = opening.balances, store

    def create_account(self, balances: Mapping[str, Decimal] | None, *, takes_discount: bool = False) -> Key:
        """A new account and its first key."""
        amounts = self._balances if balances is None else balances

        def create(now_us: int) -> Key:
            account, key = self.accounts.create(amounts, now_us)
            account.takes_discount = takes_discount
            self.desk.records.changed.accounts.add(account.uid)
            return self._keep(key)

        return self.desk.call(create)

    def first_key(self) -> Key | None:
        """The first HMAC key of the first account; None where there is none."""
        keys = (key for uid in sorted(self.accounts.accounts) for key in self.accounts.keys_of(uid))
        return next((key for key in keys if key.kind is KeyKind.HMAC), None)

    def add_key(self, uid: int, public_key: str | None, *, can_trade: bool) -> Key:
        """One more key of an account."""
        return self.desk.call(lambda _now_us: self._keep(self.accounts.add_key(uid, public_key, can_trade=can_trade)))

    def deposit(self, uid: int, asset: str, amount: Any) -> None:
        """Put money into an account, or take it out."""
        exact = read_amount(read_asset(asset), amount)
        self.desk.call(lambda now_us: self.accounts.deposit(self.desk.engine, uid, asset, exact, now_us))

    def _keep(self, key: Key) -> Key:
        if self._store is not None:
            self._store.add_key(key.api_key, self.accounts.body(key))
        return key

    def close(self) -> bool:
        """Close the file; whether there was one, so that the state must be read again."""
        if self._store is None:
            return False
        self._store.close()
        self.desk.store = None
        return True

"""What an exchange knows: market, engine, accounts and limits; read from its file where it has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from cryptox.errors import ConfigurationError

from .accounts import Accounts
from .answers import Answers
from .arguments import read_amount, read_asset
from .clock import MarketClock
from .desk import Desk, NotSaved
from .market import Market
from .orders.judging import FilterJudge
from .refusals import Refused
from .store import SqliteStore
from .trading.accounts import Key, KeyKind
from .trading.orders import NONE
from .weights import Others, Window

__all__ = ["Opening", "State", "identity_of", "told"]

T = TypeVar("T")


def identity_of(market: Market, seed: int, *, replayed: bool) -> dict[str, Any]:
    """What tells a market from others, for the file that keeps what happened in it."""
    found = {"seed": seed, "symbols": sorted(market.listings), "replayed": replayed}
    fingerprint = getattr(market, "fingerprint", None)  # of a history; a market of numbers alone is told by its seed
    return found if fingerprint is None else {**found, "history": fingerprint}


@dataclass(frozen=True, slots=True)
class Opening:
    """How an exchange's state is made, whenever it is needed."""

    market: Market  # its own path
    identity: Mapping[str, Any]  # what tells this market from another; of use with a path only
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
            kept = store.load(accounts)
        except BaseException:
            store.close()
            raise
        self.clock.resume(kept.since_us or 0)
        desk = Desk(self.market, self.clock, accounts.accounts, kept=kept)
        desk.store = store
        return State(self, accounts, desk, store)


class State:
    """An exchange without its sockets. Calls come from any thread."""

    def __init__(self, opening: Opening, accounts: Accounts, desk: Desk, store: SqliteStore | None) -> None:
        self.accounts, self.desk, self.clock = accounts, desk, opening.clock
        desk.engine.judge_by(FilterJudge(desk.market))
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

    def create_account(
        self, balances: Mapping[str, Decimal] | None, *, takes_discount: bool = False, group: int = NONE
    ) -> Key:
        """A new account and its first key."""
        return self._done(self.new_account(balances, takes_discount=takes_discount, group=group))

    def new_account(
        self, balances: Mapping[str, Decimal] | None, *, takes_discount: bool = False, group: int = NONE
    ) -> Callable[[int], Key]:
        """The same as a job for the desk."""

        def create(now_us: int) -> Key:
            account, key = self.accounts.create(self._balances if balances is None else balances, now_us)
            account.takes_discount, account.group = takes_discount, group
            self.desk.records.changed.accounts.add(account.uid)
            return self._keep(key)

        return create

    def first_key(self) -> Key | None:
        """The first HMAC key of the first account; None where there is none."""
        keys = (key for uid in sorted(self.accounts.accounts) for key in self.accounts.keys_of(uid))
        return next((key for key in keys if key.kind is KeyKind.HMAC), None)

    def add_key(self, uid: int, public_key: str | None, *, can_trade: bool) -> Key:
        """One more key of an account."""
        return self._done(lambda _now_us: self._keep(self.accounts.add_key(uid, public_key, can_trade=can_trade)))

    def deposit(self, uid: int, asset: str, amount: Any) -> None:
        """Put money into an account, or take it out."""
        self._done(self.new_deposit(uid, asset, amount))

    def new_deposit(self, uid: int, asset: str, amount: Any) -> Callable[[int], None]:
        """The same as a job for the desk."""
        exact = read_amount(read_asset(asset), amount)
        return lambda now_us: self.accounts.deposit(self.desk.engine, uid, asset, exact, now_us)

    def lock(self, uid: int, asset: str, amount: Any) -> None:
        """Lock money of an account from outside, or release it."""
        self._done(self.new_lock(uid, asset, amount))

    def new_lock(self, uid: int, asset: str, amount: Any) -> Callable[[int], None]:
        """The same as a job for the desk."""
        exact = read_amount(read_asset(asset), amount)
        return lambda now_us: self.accounts.lock(self.desk.engine, uid, asset, exact, now_us)

    def _keep(self, key: Key) -> Key:
        self.desk.records.changed.keys.append(key)
        return key

    def _done(self, job: Callable[[int], T]) -> T:
        with told():
            return self.desk.call(job)

    def forked(self) -> None:
        """In a forked child: leave the file alone, it is the parent's."""
        if self._store is not None:
            self._store.forked()

    def close(self) -> bool:
        """Close the file; whether there was one, so that the state must be read again."""
        if self._store is None:
            return False
        with self.desk.idle():
            self._store.close()
            self.desk.store = _Closed()
        return True


class _Closed:
    """In the place of a store whose file is closed: who has come too late is not told that all is well."""

    def save(self, desk: Desk, now_us: int) -> None:  # noqa: ARG002 - the form of a store
        """Write nothing down."""
        raise NotSaved("the exchange was stopped meanwhile")


@contextmanager
def told() -> Iterator[None]:
    """Refusals of the desk as errors for whoever works with the exchange in Python."""
    try:
        yield
    except Refused as refused:
        raise ConfigurationError(
            f"The exchange could not do this, or not keep it: {refused.__cause__ or refused.text}",
            recovery_suggestions=["Once its file can be written again, it goes on."],
        ) from refused

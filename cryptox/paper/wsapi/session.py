"""What a connection of the WebSocket API remembers: whose key is logged on, and which accounts it listens to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptox.paper.refusals import Refused
from cryptox.paper.trading.accounts import Key, KeyKind
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.wire.user import SessionStatus

__all__ = ["MOST_ACTIVE", "MOST_IDS", "Session"]

MOST_ACTIVE = 1_000  # subscriptions at a time
MOST_IDS = 65_535  # subscriptions over the life of a connection

ALREADY_ACTIVE = "User Data Stream subscription already active."
NOT_ACTIVE = "User Data Stream subscription not active."
IDS_USED_UP = "Maximum subscription ID reached for this connection."


@dataclass(slots=True)
class Session:
    """One connection's state. Moments are microseconds of market time.

    Parameters
    ----------
    connected_us
        When it was opened.
    """

    connected_us: int
    key: Key | None = None
    authorized_us: int | None = None
    _accounts: dict[int, int] = field(default_factory=dict, init=False)  # account by subscription id, rising
    _ids: dict[int, int] = field(default_factory=dict, init=False)  # and the other way round
    _by_logon: int | None = field(default=None, init=False)  # the subscription that the logged-on key brought
    _next_id: int = field(default=0, init=False)

    def logon(self, key: Key, now_us: int) -> list[int]:
        """Take a key in the place of the one before; returns the subscriptions that end with that.

        Raises
        ------
        Refused : not an Ed25519 key.
        """
        if key.kind is not KeyKind.ED25519:
            raise Refused(Code.REJECTED_MBX_KEY, status=401)  # own: which code is not documented
        ended = [] if self.key is not None and self.key.account == key.account else self._end_logon()
        self.key, self.authorized_us = key, now_us
        return ended

    def logout(self) -> list[int]:
        """Forget the key; returns the subscriptions that end with that."""
        self.key = self.authorized_us = None
        return self._end_logon()

    def subscribe(self, account: int, *, by_logon: bool) -> int:
        """Listen to an account; returns the subscription's id.

        Raises
        ------
        Refused : it listens to that account already, or the ids are used up.
        """
        if account in self._ids:
            raise Refused(Code.SUBSCRIPTION_ACTIVE, text=ALREADY_ACTIVE)
        if self._next_id >= MOST_IDS or len(self._accounts) >= MOST_ACTIVE:  # own: the code of the second
            raise Refused(Code.MAXIMUM_SUBSCRIPTION_IDS, text=IDS_USED_UP)
        number = self._next_id
        self._next_id += 1
        self._accounts[number] = account
        self._ids[account] = number
        if by_logon:
            self._by_logon = number
        return number

    def unsubscribe(self, number: int | None = None) -> list[int]:
        """Stop listening by one subscription or by all; returns what has ended.

        Raises
        ------
        Refused : no such subscription.
        """
        ended = list(self._accounts) if number is None else [number]
        if number is not None and number not in self._accounts:
            raise Refused(Code.SUBSCRIPTION_INACTIVE, text=NOT_ACTIVE)
        for one in ended:
            self._drop(one)
        return ended

    def end_account(self, account: int) -> list[int]:
        """Stop listening to an account, or do nothing; returns what has ended."""
        number = self._ids.get(account)
        return [] if number is None else self.unsubscribe(number)

    @property
    def subscriptions(self) -> list[int]:
        """Ids of the active subscriptions, rising."""
        return list(self._accounts)

    def of_account(self, account: int) -> int | None:
        """The subscription that listens to an account; at most one does."""
        return self._ids.get(account)

    def status(self, now_us: int, *, microseconds: bool, rate_limits: bool) -> SessionStatus:
        """The answer to ``session.status``."""
        unit = 1 if microseconds else 1_000
        return SessionStatus(
            api_key=None if self.key is None else self.key.api_key,
            authorized_since=None if self.authorized_us is None else self.authorized_us // unit,
            connected_since=self.connected_us // unit,
            return_rate_limits=rate_limits,
            server_time=now_us // unit,
            user_data_stream=bool(self._accounts),
        )

    def _end_logon(self) -> list[int]:
        number = self._by_logon
        if number is None:
            return []
        self._drop(number)
        return [number]

    def _drop(self, number: int) -> None:
        del self._ids[self._accounts.pop(number)]
        if number == self._by_logon:
            self._by_logon = None

"""The methods that only the WebSocket API has: the session and its subscriptions to user data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from cryptox.paper import parameters as p
from cryptox.paper.answers import OF_CALLS
from cryptox.paper.gate import Gate
from cryptox.paper.refusals import Refused
from cryptox.venues.binance import methods as m
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.endpoints import Security
from cryptox.venues.binance.methods import Method
from cryptox.venues.binance.wire.user import Subscription

from .connection import Connection
from .requests import Call

__all__ = ["Outcome", "answer_own", "check_session"]

SUBSCRIPTION_ID = p.Parameter("subscriptionId", p.FROM_ID.read)
NOT_AUTHORIZED = "You are not authorized to execute this request."


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result in JSON, and the subscriptions that have ended with it."""

    body: bytes
    ended: list[int]


def check_session(connection: Connection, gate: Gate) -> Refused | None:
    """Whether the logged-on key still opens its account; what the session ends with if it does not."""
    key = connection.session.key
    if key is None:
        return None
    try:
        gate.key(key.api_key)
    except Refused as refused:
        return refused
    return None


def answer_own(connection: Connection, call: Call, gate: Gate, now_us: int, *, rate_limits: bool) -> Outcome:
    """What such a method leads to.

    Raises
    ------
    Refused : parameters, key, signature, or what the session does not allow.
    """
    taken = (SUBSCRIPTION_ID,) if call.method is m.UNSUBSCRIBE else ()
    values = p.read_parameters(taken, list(call.params.items()), OF_CALLS)
    doer = _DOERS[call.method]
    return doer(_Asked(connection, call, gate, now_us, rate_limits, values.get(SUBSCRIPTION_ID.name)))


@dataclass(frozen=True, slots=True)
class _Asked:
    connection: Connection
    call: Call
    gate: Gate
    now_us: int
    rate_limits: bool
    number: int | None

    def status(self, ended: list[int]) -> Outcome:
        connection = self.connection
        status = connection.session.status(
            self.now_us, microseconds=connection.microseconds, rate_limits=self.rate_limits
        )
        return Outcome(msgspec.json.encode(status), ended)


def _logon(asked: _Asked) -> Outcome:
    passed = asked.gate.call(Security.USER_DATA, asked.call.params, asked.now_us)
    return asked.status(asked.connection.session.logon(passed.key, asked.now_us))


def _status(asked: _Asked) -> Outcome:
    return asked.status([])


def _logout(asked: _Asked) -> Outcome:
    return asked.status(asked.connection.session.logout())


def _subscribe(asked: _Asked) -> Outcome:
    session = asked.connection.session
    if session.key is None:
        raise Refused(Code.UNAUTHORIZED, text=NOT_AUTHORIZED, status=401)  # own: which code
    return _subscribed(session.subscribe(session.key.account, by_logon=True))


def _subscribe_signed(asked: _Asked) -> Outcome:
    passed = asked.gate.call(Security.USER_DATA, asked.call.params, asked.now_us)
    return _subscribed(asked.connection.session.subscribe(passed.account.uid, by_logon=False))


def _subscribed(number: int) -> Outcome:
    return Outcome(msgspec.json.encode(Subscription(number)), [])


def _unsubscribe(asked: _Asked) -> Outcome:
    return Outcome(b"{}", asked.connection.session.unsubscribe(asked.number))


def _subscriptions(asked: _Asked) -> Outcome:
    found = [Subscription(number) for number in asked.connection.session.subscriptions]
    return Outcome(msgspec.json.encode(found), [])


_DOERS: dict[Method, Callable[[_Asked], Outcome]] = {
    m.LOGON: _logon,
    m.STATUS: _status,
    m.LOGOUT: _logout,
    m.SUBSCRIBE: _subscribe,
    m.SUBSCRIBE_SIGNED: _subscribe_signed,
    m.UNSUBSCRIBE: _unsubscribe,
    m.SUBSCRIPTIONS: _subscriptions,
}

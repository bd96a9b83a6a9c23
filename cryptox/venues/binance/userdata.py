"""What happens to an account, over Binance's WebSocket API: questions that subscribe, and events in our words. Pure.

Times are asked for in microseconds, so that two changes of a balance within one millisecond keep their order.
Source: https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream (July 2026).
"""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from cryptox.errors import ConfigurationError, CryptoxError, ExchangeError
from cryptox.model.orders import Fill, Order
from cryptox.model.updates import BalanceUpdate, OrderUpdate
from cryptox.transport.crypto import Signer
from cryptox.transport.messages import Answer
from cryptox.transport.rpc import Reply
from cryptox.venues.port import Hosts
from cryptox.venues.user import Notice, Step, UserTold

from . import methods, orders, refusals
from .methods import Method
from .read import check_numbers
from .signing import signed_params
from .wire import user
from .words import ExecutionType, ExpiryReason, RejectReason

__all__ = ["BinanceUserData", "Codec", "request_text"]

QUERY = "?timeUnit=MICROSECOND&returnRateLimits=false"
MICROSECONDS = 10**14  # times from here on are microseconds
_JSON = {"content-type": "application/json"}

_Event = (
    user.ExecutionReport[Decimal]
    | user.ListStatus
    | user.AccountPosition[Decimal]
    | user.BalanceUpdate[Decimal]
    | user.ExternalLockUpdate[Decimal]
    | user.StreamTerminated
    | user.ServerShutdown
)


class _Frame(Struct):
    """A push or an answer; a push has an event."""

    id: Any = None
    status: int = 0
    error: user.RequestError | UnsetType = UNSET
    event: Raw | UnsetType = UNSET


class _Tag(Struct):
    e: str = ""


_frame = msgspec.json.Decoder(_Frame).decode
_event = msgspec.json.Decoder(_Event).decode
_tag = msgspec.json.Decoder(_Tag).decode
_limits = functools.partial(msgspec.convert, type=user.LimitData)
_KNOWN = frozenset(
    str(one.__struct_config__.tag)
    for one in (
        *(user.ExecutionReport, user.ListStatus, user.AccountPosition, user.BalanceUpdate),
        *(user.ExternalLockUpdate, user.StreamTerminated, user.ServerShutdown),
    )
)


class BinanceUserData:
    """The part of the venue that tells what happens to an account."""

    name: str
    hosts: Hosts

    def user_url(self) -> str:
        """Where to connect."""
        if self.hosts.ws_api is None:
            raise ConfigurationError(
                f"The address of {self.name}'s WebSocket API is not known: only other addresses were given.",
                recovery_suggestions=["Give ws_api_url (or BINANCE_WS_API_URL) as well."],
            )
        return self.hosts.ws_api + QUERY

    def user_codec(self) -> Codec:
        """For a new connection."""
        return Codec(self.name)

    def user_subscription(self, signer: Signer) -> tuple[Step, ...]:
        """One signed question; two of an Ed25519 key, which logs on."""
        if signer.kind != "ed25519":
            return (_signed(methods.SUBSCRIBE_SIGNED, signer),)
        return (_signed(methods.LOGON, signer), _plain(methods.SUBSCRIBE))


def request_text(number: int, method: Method, params: dict[str, Any] | None = None) -> bytes:
    """A question as it is sent."""
    return msgspec.json.encode(user.Request(number, method.name, UNSET if params is None else params))


def _signed(method: Method, signer: Signer) -> Step:
    def write(number: int, timestamp_ms: int, recv_window_ms: int) -> bytes:
        """The text, with key and signature in it."""
        return request_text(
            number, method, signed_params({}, signer, timestamp_ms=timestamp_ms, recv_window_ms=recv_window_ms)
        )

    return write


def _plain(method: Method) -> Step:
    return lambda number, _timestamp_ms, _recv_window_ms: request_text(number, method)


class Codec:
    """Reads the messages of one connection."""

    def __init__(self, venue: str) -> None:
        self._context = {"venue": venue, "operation": "the user stream"}

    def read(self, frame: bytes, received_ns: int) -> UserTold:
        """What it is."""
        try:
            told = _frame(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return Notice("lost", f"a message is no answer and no event: {error}")
        if isinstance(told.event, UnsetType):
            return self._reply(told)
        try:
            event = _event(told.event)
            check_numbers(event)
            return _read_event(event, received_ns)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ExchangeError) as error:
            return _unread(told.event, error)

    def _reply(self, told: _Frame) -> Reply:
        number = told.id if isinstance(told.id, int) else None
        if 200 <= told.status < 300 and isinstance(told.error, UnsetType):
            return Reply(number)  # results are not wanted, and one of them tells the key
        return Reply(number, error=self._refusal(told))

    def _refusal(self, told: _Frame) -> CryptoxError:
        """Our error, by the same judgement as over REST."""
        headers, body = dict(_JSON), {"code": 0, "msg": ""}
        if not isinstance(told.error, UnsetType):
            body = {"code": told.error.code, "msg": told.error.msg}
            if (wait_s := _wait_s(told.error.data)) is not None:
                headers["retry-after"] = str(wait_s)
        status = told.status if told.status >= 300 else 500
        answer = Answer(status, headers, msgspec.json.encode(body), 0.0, 0.0)
        error = refusals.refusal(answer, context=self._context, acts=False)
        assert error is not None
        return error


def _wait_s(data: Any) -> float | None:
    """Seconds until the exchange listens again; it tells two moments."""
    try:
        limit = _limits(data)
        check_numbers(limit)
    except (msgspec.MsgspecError, ExchangeError):
        return None
    return min(max(0, _ms(limit.retry_after) - _ms(limit.server_time)) / 1_000, refusals.LONGEST_S)


def _unread(event: Raw, error: Exception) -> Notice:
    """An event that is none of those known is of no use; one that is, is lost."""
    try:
        tag = _tag(event).e
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        tag = ""
    if tag and tag not in _KNOWN:
        return Notice("other", tag)
    return Notice("lost", f"an event {tag!r} cannot be read: {error}")


def _read_event(told: Any, received_ns: int) -> UserTold:
    if isinstance(told, user.ExecutionReport):
        return _order_update(told, received_ns)
    if isinstance(told, user.AccountPosition):
        sent, updated_us = _ms(told.event_time), _us(told.update_time)
        return tuple(
            BalanceUpdate(one.asset, sent, received_ns, updated_us, one.free, one.locked) for one in told.balances
        )
    if isinstance(told, user.BalanceUpdate | user.ExternalLockUpdate):
        return Notice("moved", told.asset)
    if isinstance(told, user.StreamTerminated):
        return Notice("over")
    if isinstance(told, user.ServerShutdown):
        return Notice("closing")
    assert isinstance(told, user.ListStatus)
    return Notice("other", f"list {told.list_id} of {told.symbol}: {told.status.value.lower()}")  # orders tell more


def _order_update(told: user.ExecutionReport[Decimal], received_ns: int) -> OrderUpdate:
    reason = None if told.reject_reason is RejectReason.NONE else told.reject_reason.value
    fill = _fill(told) if told.execution is ExecutionType.TRADE and told.last_quantity else None
    order = _order(told, () if fill is None else (fill,))
    return OrderUpdate(
        told.symbol, _ms(told.event_time), received_ns, order, told.execution.value.lower(), fill, reason
    )


def _order(told: user.ExecutionReport[Decimal], fills: tuple[Fill, ...]) -> Order:
    cancelled = told.execution is ExecutionType.CANCELED  # then the other id is the cancelling request's
    reason = orders.known(told.expiry_reason)
    prevention = orders.known(told.prevention)
    status = told.status.value.lower()
    working = orders.known(told.working_time)
    return Order(
        symbol=told.symbol,
        order_id=told.order_id,
        client_order_id=told.original_client_id if cancelled and told.original_client_id else told.client_id,
        side=told.side.value.lower(),
        type=told.type.value,
        status=status,
        price=orders.above_zero(told.price) or orders.above_zero(told.pegged_price),
        quantity=told.quantity if told.quantity or status not in ("new", "pending_new") else None,
        filled=told.filled_quantity,
        quote_filled=orders.from_zero(told.filled_quote),
        time_in_force=told.time_in_force.value,
        stop_price=orders.above_zero(told.stop_price),
        time_ms=_ms(told.created_time),
        updated_ms=_ms(told.time),
        working_ms=None if working is None else _ms(working),
        quote_quantity=orders.above_zero(told.quote_quantity),
        iceberg_quantity=orders.above_zero(told.iceberg_quantity),
        trailing_delta=orders.above_zero(told.trailing_delta),
        order_list_id=orders.from_zero(told.list_id),
        self_trade_prevention=None if prevention is None else prevention.value,
        prevented=orders.known(told.prevented_quantity) or Decimal(0),
        expiry_reason=None if reason is None or reason is ExpiryReason.NONE else reason.value,
        is_working=working is not None,
        fills=fills,
    )


def _fill(told: user.ExecutionReport[Decimal]) -> Fill:
    return Fill(
        time_ms=_ms(told.time),
        symbol=told.symbol,
        id=told.trade_id,
        order_id=told.order_id,
        side=told.side.value.lower(),
        price=told.last_price,
        quantity=told.last_quantity,
        quote_quantity=told.last_quote,
        fee=told.commission,
        fee_asset=told.commission_asset,
        maker=told.is_maker,
    )


def _ms(time: int) -> int:
    return time // 1_000 if time >= MICROSECONDS else time


def _us(time: int) -> int:
    return time if time >= MICROSECONDS else time * 1_000

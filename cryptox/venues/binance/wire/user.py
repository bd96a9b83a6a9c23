"""User data events and the envelope of the WebSocket API. ``Number`` is ``Decimal`` for reading, ``str`` for writing.

Source: https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream and
https://developers.binance.com/docs/binance-spot-api-docs/websocket-api (July 2026).
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from msgspec import UNSET, Raw, Struct, UnsetType

from cryptox.venues.binance.words import (
    Contingency,
    ExecutionType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    OrderStatus,
    OrderType,
    PegOffsetType,
    PegPriceType,
    RejectReason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

from .account import CountedLimit

__all__ = [
    "AccountPosition",
    "Answer",
    "AssetPosition",
    "BalanceUpdate",
    "ExecutionReport",
    "ExternalLockUpdate",
    "LimitData",
    "ListOrder",
    "ListStatus",
    "Push",
    "Request",
    "RequestError",
    "ServerShutdown",
    "SessionStatus",
    "StreamTerminated",
    "Subscription",
]

Number = TypeVar("Number")


class ExecutionReport(
    Struct,
    Generic[Number],
    frozen=True,
    tag_field="e",
    tag="executionReport",
    rename={
        "event_time": "E",
        "symbol": "s",
        "client_id": "c",
        "side": "S",
        "type": "o",
        "time_in_force": "f",
        "quantity": "q",
        "price": "p",
        "stop_price": "P",
        "iceberg_quantity": "F",
        "list_id": "g",
        "original_client_id": "C",
        "execution": "x",
        "status": "X",
        "reject_reason": "r",
        "order_id": "i",
        "last_quantity": "l",
        "filled_quantity": "z",
        "last_price": "L",
        "commission": "n",
        "commission_asset": "N",
        "time": "T",
        "trade_id": "t",
        "execution_id": "I",
        "is_on_book": "w",
        "is_maker": "m",
        "ignore": "M",
        "created_time": "O",
        "filled_quote": "Z",
        "last_quote": "Y",
        "quote_quantity": "Q",
        "working_time": "W",
        "prevention": "V",
        "trailing_delta": "d",
        "trailing_time": "D",
        "strategy_id": "j",
        "strategy_type": "J",
        "prevented_id": "v",
        "prevented_quantity": "A",
        "last_prevented_quantity": "B",
        "trade_group_id": "u",
        "counter_order_id": "U",
        "counter_symbol": "Cs",
        "prevented_execution_quantity": "pl",
        "prevented_execution_price": "pL",
        "prevented_execution_quote": "pY",
        "match_type": "b",
        "allocation_id": "a",
        "working_floor": "k",
        "used_sor": "uS",
        "peg_price_type": "gP",
        "peg_offset_type": "gOT",
        "peg_offset": "gOV",
        "pegged_price": "gp",
        "expiry_reason": "eR",
    },
):
    """Something happened to an order; its state just after. The fields from ``working_time`` on are conditional."""

    event_time: int
    symbol: str
    client_id: str  # of the cancelling request when it was cancelled
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Number
    price: Number
    stop_price: Number
    iceberg_quantity: Number
    list_id: int  # -1 for none
    original_client_id: str  # of the cancelled order; empty otherwise
    execution: ExecutionType
    status: OrderStatus
    reject_reason: RejectReason
    order_id: int
    last_quantity: Number
    filled_quantity: Number
    last_price: Number
    commission: Number  # "0", not padded, where there is none
    commission_asset: str | None
    time: int
    trade_id: int  # -1 for none
    execution_id: int
    is_on_book: bool
    is_maker: bool
    ignore: bool
    created_time: int
    filled_quote: Number
    last_quote: Number
    quote_quantity: Number
    working_time: int | UnsetType = UNSET
    prevention: SelfTradePrevention | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    trailing_time: int | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    prevented_id: int | UnsetType = UNSET
    prevented_quantity: Number | UnsetType = UNSET
    last_prevented_quantity: Number | UnsetType = UNSET
    trade_group_id: int | UnsetType = UNSET
    counter_order_id: int | UnsetType = UNSET
    counter_symbol: str | UnsetType = UNSET
    prevented_execution_quantity: Number | UnsetType = UNSET
    prevented_execution_price: Number | UnsetType = UNSET
    prevented_execution_quote: Number | UnsetType = UNSET
    match_type: str | UnsetType = UNSET
    allocation_id: int | UnsetType = UNSET
    working_floor: str | UnsetType = UNSET
    used_sor: bool | UnsetType = UNSET
    peg_price_type: PegPriceType | UnsetType = UNSET
    peg_offset_type: PegOffsetType | UnsetType = UNSET
    peg_offset: int | UnsetType = UNSET
    pegged_price: Number | UnsetType = UNSET
    expiry_reason: ExpiryReason | UnsetType = UNSET


class ListOrder(Struct, frozen=True, rename={"symbol": "s", "order_id": "i", "client_id": "c"}):
    """One order of a list."""

    symbol: str
    order_id: int
    client_id: str


class ListStatus(
    Struct,
    frozen=True,
    tag_field="e",
    tag="listStatus",
    rename={
        "event_time": "E",
        "symbol": "s",
        "list_id": "g",
        "contingency": "c",
        "status_type": "l",
        "status": "L",
        "reject_reason": "r",
        "client_id": "C",
        "time": "T",
        "orders": "O",
    },
):
    """Something happened to an order list."""

    event_time: int
    symbol: str
    list_id: int
    contingency: Contingency
    status_type: ListStatusType
    status: ListOrderStatus
    reject_reason: RejectReason
    client_id: str
    time: int
    orders: list[ListOrder]


class AssetPosition(Struct, Generic[Number], frozen=True, rename={"asset": "a", "free": "f", "locked": "l"}):
    """What an account has of one asset."""

    asset: str
    free: Number
    locked: Number


class AccountPosition(
    Struct,
    Generic[Number],
    frozen=True,
    tag_field="e",
    tag="outboundAccountPosition",
    rename={"event_time": "E", "update_time": "u", "balances": "B"},
):
    """Balances that may have changed, as they are now."""

    event_time: int
    update_time: int
    balances: list[AssetPosition[Number]]


class BalanceUpdate(
    Struct,
    Generic[Number],
    frozen=True,
    tag_field="e",
    tag="balanceUpdate",
    rename={"event_time": "E", "asset": "a", "delta": "d", "time": "T"},
):
    """A deposit, withdrawal or transfer; ``delta`` is signed."""

    event_time: int
    asset: str
    delta: Number
    time: int


class ExternalLockUpdate(
    Struct,
    Generic[Number],
    frozen=True,
    tag_field="e",
    tag="externalLockUpdate",
    rename={"event_time": "E", "asset": "a", "delta": "d", "time": "T"},
):
    """Another system locked (above zero) or released funds."""

    event_time: int
    asset: str
    delta: Number
    time: int


class StreamTerminated(Struct, frozen=True, tag_field="e", tag="eventStreamTerminated", rename={"event_time": "E"}):
    """A subscription has ended."""

    event_time: int


class ServerShutdown(Struct, frozen=True, tag_field="e", tag="serverShutdown", rename={"event_time": "E"}):
    """The connection will be closed soon."""

    event_time: int


class Push(Struct, frozen=True, rename={"subscription_id": "subscriptionId"}):
    """An event on its way; ``serverShutdown`` comes without a subscription."""

    subscription_id: int | UnsetType = UNSET
    event: Raw = Raw(b"null")


class Request(Struct, frozen=True):
    """One request."""

    id: int | str | None
    method: str
    params: dict[str, Any] | UnsetType = UNSET


class LimitData(Struct, frozen=True, rename={"server_time": "serverTime", "retry_after": "retryAfter"}):
    """What comes with a 429 or 418: both are moments, not lengths of time."""

    server_time: int
    retry_after: int


class RequestError(Struct, frozen=True):
    """Why a request was refused."""

    code: int
    msg: str
    data: Any = UNSET


class Answer(Struct, frozen=True, rename={"rate_limits": "rateLimits"}):
    """The answer to a request: ``result`` or ``error``."""

    id: int | str | None
    status: int
    result: Raw | UnsetType = UNSET
    error: RequestError | UnsetType = UNSET
    rate_limits: list[CountedLimit] | UnsetType = UNSET


class SessionStatus(
    Struct,
    frozen=True,
    rename={
        "api_key": "apiKey",
        "authorized_since": "authorizedSince",
        "connected_since": "connectedSince",
        "return_rate_limits": "returnRateLimits",
        "server_time": "serverTime",
        "user_data_stream": "userDataStream",
    },
):
    """The state of a session."""

    api_key: str | None
    authorized_since: int | None
    connected_since: int
    return_rate_limits: bool
    server_time: int
    user_data_stream: bool | None


class Subscription(Struct, frozen=True, rename={"subscription_id": "subscriptionId"}):
    """One user data subscription of a connection."""

    subscription_id: int

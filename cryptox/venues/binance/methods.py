"""Every method of Binance Spot's WebSocket API that cryptox speaks, with its REST twin: where names stand.

Weight, security and effect on the order count are the twin's; what has none is stated here.
Source: https://developers.binance.com/docs/binance-spot-api-docs/websocket-api (July 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from . import endpoints as ep
from .endpoints import Endpoint, Security

__all__ = ["METHODS", "PREFIX", "Access", "Method", "find_method"]

PREFIX = "v3/"  # which a method's name may carry


class Access(StrEnum):
    """What a request must show: a signature of any key, or one that the session may stand in for."""

    OPEN = "OPEN"
    SIGNED = "SIGNED"  # key and signature; on a logged-on session only the timestamp
    LOGON = "LOGON"  # signed by an Ed25519 key
    SESSION = "SESSION"  # the session must be logged on
    ALWAYS_SIGNED = "ALWAYS_SIGNED"  # key and signature, session or not


@dataclass(frozen=True, slots=True)
class Method:
    """One line of the table."""

    name: str
    twin: Endpoint | None = None  # None: only the WebSocket API has it
    access: Access = Access.OPEN
    own_weight: int = 2

    def cost(self, params: Mapping[str, str]) -> int:
        """Request weight of a call with these parameters."""
        return self.own_weight if self.twin is None else self.twin.cost(params)


def _twin(name: str, endpoint: Endpoint) -> Method:
    return Method(name, endpoint, Access.OPEN if endpoint.security is Security.NONE else Access.SIGNED)


LOGON = Method("session.logon", access=Access.LOGON)
STATUS = Method("session.status")
LOGOUT = Method("session.logout")
SUBSCRIPTIONS = Method("session.subscriptions")
SUBSCRIBE = Method("userDataStream.subscribe", access=Access.SESSION)
SUBSCRIBE_SIGNED = Method("userDataStream.subscribe.signature", access=Access.ALWAYS_SIGNED)
UNSUBSCRIBE = Method("userDataStream.unsubscribe")

_TWINS: dict[str, Endpoint] = {
    "ping": ep.PING,
    "time": ep.TIME,
    "exchangeInfo": ep.EXCHANGE_INFO,
    "executionRules": ep.EXECUTION_RULES,
    "depth": ep.DEPTH,
    "trades.recent": ep.TRADES,
    "trades.historical": ep.HISTORICAL_TRADES,
    "blockTrades.historical": ep.HISTORICAL_BLOCK_TRADES,
    "trades.aggregate": ep.AGG_TRADES,
    "klines": ep.KLINES,
    "uiKlines": ep.UI_KLINES,
    "avgPrice": ep.AVG_PRICE,
    "ticker.24hr": ep.TICKER_24H,
    "ticker.tradingDay": ep.TICKER_TRADING_DAY,
    "ticker": ep.TICKER,
    "ticker.price": ep.TICKER_PRICE,
    "ticker.book": ep.TICKER_BOOK,
    "referencePrice": ep.REFERENCE_PRICE,
    "referencePrice.calculation": ep.REFERENCE_PRICE_CALCULATION,
    "order.place": ep.NEW_ORDER,
    "order.test": ep.TEST_ORDER,
    "order.status": ep.ORDER,
    "order.cancel": ep.CANCEL_ORDER,
    "order.cancelReplace": ep.CANCEL_REPLACE,
    "order.amend.keepPriority": ep.AMEND_ORDER,
    "order.amendments": ep.AMENDMENTS,
    "openOrders.status": ep.OPEN_ORDERS,
    "openOrders.cancelAll": ep.CANCEL_OPEN_ORDERS,
    "allOrders": ep.ALL_ORDERS,
    "orderList.place": ep.NEW_OCO_OLD,
    "orderList.place.oco": ep.NEW_OCO,
    "orderList.place.oto": ep.NEW_OTO,
    "orderList.place.otoco": ep.NEW_OTOCO,
    "orderList.place.opo": ep.NEW_OPO,
    "orderList.place.opoco": ep.NEW_OPOCO,
    "orderList.status": ep.ORDER_LIST,
    "orderList.cancel": ep.CANCEL_ORDER_LIST,
    "openOrderLists.status": ep.OPEN_ORDER_LISTS,
    "allOrderLists": ep.ALL_ORDER_LISTS,
    "sor.order.place": ep.NEW_SOR_ORDER,
    "sor.order.test": ep.TEST_SOR_ORDER,
    "account.status": ep.ACCOUNT,
    "account.rateLimits.orders": ep.ORDER_COUNT,
    "account.commission": ep.COMMISSION,
    "myTrades": ep.MY_TRADES,
    "myPreventedMatches": ep.MY_PREVENTED_MATCHES,
    "myAllocations": ep.MY_ALLOCATIONS,
    "myFilters": ep.MY_FILTERS,
}

METHODS: MappingProxyType[str, Method] = MappingProxyType(
    {
        **{name: _twin(name, endpoint) for name, endpoint in _TWINS.items()},
        **{one.name: one for one in (LOGON, STATUS, LOGOUT, SUBSCRIPTIONS, SUBSCRIBE, SUBSCRIBE_SIGNED, UNSUBSCRIBE)},
    }
)
"""All methods by name, without prefix."""


def find_method(name: str) -> Method | None:
    """The method of a name, with or without ``v3/``; None where there is none."""
    return METHODS.get(name.removeprefix(PREFIX))

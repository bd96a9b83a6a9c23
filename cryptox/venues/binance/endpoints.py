"""Every REST endpoint of Binance Spot that cryptox speaks: method, path, weight. The one place where a path stands.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (July 2026).
The paper exchange routes from this table, and charges its weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ENDPOINTS", "Endpoint", "Security"]

Params = Mapping[str, str]


class Security(StrEnum):
    """What a request must carry: ``NONE`` nothing, the others key, timestamp and signature."""

    NONE = "NONE"
    TRADE = "TRADE"
    USER_DATA = "USER_DATA"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of the table."""

    method: str
    path: str
    weight: int | Callable[[Params], int]
    sbe: int = 0  # template id of the (single symbol) answer in SBE, 0 for none
    security: Security = Security.NONE
    free: bool = False  # costs nothing when it succeeds
    orders: int = 0  # what a success adds to the account's count of unfilled orders

    def cost(self, params: Params) -> int:
        """Request weight of a call with these parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def symbol_count(params: Params) -> int:
    """Number of symbols a request names; 0 for none."""
    if "symbols" in params:
        try:
            names = json.loads(params["symbols"])
        except ValueError:
            return 1
        return len(names) if isinstance(names, list) else 1
    return 1 if "symbol" in params else 0


def _depth(params: Params) -> int:
    limit = params.get("limit", "100")
    rows = int(limit) if limit.isdigit() else 100
    return next(weight for most, weight in ((100, 5), (500, 25), (1000, 50), (10**18, 250)) if rows <= most)


def _ticker_24h(params: Params) -> int:
    named = symbol_count(params)
    if named == 0 or named > 100:
        return 80
    return 2 if named <= 20 else 40


def _one_or_many(params: Params) -> int:
    return 2 if "symbol" in params else 4


def _four_each(params: Params) -> int:
    return min(200, 4 * max(1, symbol_count(params)))


def _execution_rules(params: Params) -> int:
    return min(40, 2 * symbol_count(params)) or 40


def _open_orders(params: Params) -> int:
    return 6 if "symbol" in params else 80


def _my_trades(params: Params) -> int:
    return 5 if "orderId" in params else 20


def _prevented(params: Params) -> int:
    return 20 if "orderId" in params else 2


def _test(params: Params) -> int:
    return 20 if params.get("computeCommissionRates") == "true" else 1


def _trade(method: str, path: str, orders: int = 0) -> Endpoint:
    return Endpoint(method, path, 1, security=Security.TRADE, free=True, orders=orders)


def _user(path: str, weight: int | Callable[[Params], int]) -> Endpoint:
    return Endpoint("GET", path, weight, security=Security.USER_DATA)


PING = Endpoint("GET", "/api/v3/ping", 1, sbe=101)
TIME = Endpoint("GET", "/api/v3/time", 1, sbe=102)
EXCHANGE_INFO = Endpoint("GET", "/api/v3/exchangeInfo", 20, sbe=103)
EXECUTION_RULES = Endpoint("GET", "/api/v3/executionRules", _execution_rules, sbe=104)
DEPTH = Endpoint("GET", "/api/v3/depth", _depth, sbe=200)
TRADES = Endpoint("GET", "/api/v3/trades", 25, sbe=201)
HISTORICAL_TRADES = Endpoint("GET", "/api/v3/historicalTrades", 25, sbe=201)
HISTORICAL_BLOCK_TRADES = Endpoint("GET", "/api/v3/historicalBlockTrades", 25, sbe=219)
AGG_TRADES = Endpoint("GET", "/api/v3/aggTrades", 4, sbe=202)
KLINES = Endpoint("GET", "/api/v3/klines", 2, sbe=203)
UI_KLINES = Endpoint("GET", "/api/v3/uiKlines", 2, sbe=203)
AVG_PRICE = Endpoint("GET", "/api/v3/avgPrice", 2, sbe=204)
TICKER_24H = Endpoint("GET", "/api/v3/ticker/24hr", _ticker_24h, sbe=205)
TICKER_TRADING_DAY = Endpoint("GET", "/api/v3/ticker/tradingDay", _four_each, sbe=213)
TICKER_PRICE = Endpoint("GET", "/api/v3/ticker/price", _one_or_many, sbe=209)
TICKER_BOOK = Endpoint("GET", "/api/v3/ticker/bookTicker", _one_or_many, sbe=211)
TICKER = Endpoint("GET", "/api/v3/ticker", _four_each, sbe=213)
REFERENCE_PRICE = Endpoint("GET", "/api/v3/referencePrice", 2, sbe=217)
REFERENCE_PRICE_CALCULATION = Endpoint("GET", "/api/v3/referencePrice/calculation", 2, sbe=218)

NEW_ORDER = _trade("POST", "/api/v3/order", orders=1)
TEST_ORDER = Endpoint("POST", "/api/v3/order/test", _test, security=Security.TRADE)
CANCEL_ORDER = _trade("DELETE", "/api/v3/order")
CANCEL_OPEN_ORDERS = _trade("DELETE", "/api/v3/openOrders")
CANCEL_REPLACE = _trade("POST", "/api/v3/order/cancelReplace", orders=1)
AMEND_ORDER = Endpoint("PUT", "/api/v3/order/amend/keepPriority", 4, security=Security.TRADE)
NEW_OCO_OLD = _trade("POST", "/api/v3/order/oco", orders=2)
NEW_OCO = _trade("POST", "/api/v3/orderList/oco", orders=2)
NEW_OTO = _trade("POST", "/api/v3/orderList/oto", orders=2)
NEW_OTOCO = _trade("POST", "/api/v3/orderList/otoco", orders=3)
NEW_OPO = _trade("POST", "/api/v3/orderList/opo", orders=2)
NEW_OPOCO = _trade("POST", "/api/v3/orderList/opoco", orders=3)
CANCEL_ORDER_LIST = _trade("DELETE", "/api/v3/orderList")
NEW_SOR_ORDER = _trade("POST", "/api/v3/sor/order", orders=1)
TEST_SOR_ORDER = Endpoint("POST", "/api/v3/sor/order/test", _test, security=Security.TRADE)

ACCOUNT = _user("/api/v3/account", 20)
ORDER = _user("/api/v3/order", 4)
OPEN_ORDERS = _user("/api/v3/openOrders", _open_orders)
ALL_ORDERS = _user("/api/v3/allOrders", 20)
ORDER_LIST = _user("/api/v3/orderList", 4)
ALL_ORDER_LISTS = _user("/api/v3/allOrderList", 20)
OPEN_ORDER_LISTS = _user("/api/v3/openOrderList", 6)
MY_TRADES = _user("/api/v3/myTrades", _my_trades)
ORDER_COUNT = _user("/api/v3/rateLimit/order", 40)
MY_PREVENTED_MATCHES = _user("/api/v3/myPreventedMatches", _prevented)
MY_ALLOCATIONS = _user("/api/v3/myAllocations", 20)
COMMISSION = _user("/api/v3/account/commission", 20)
AMENDMENTS = _user("/api/v3/order/amendments", 4)
MY_FILTERS = _user("/api/v3/myFilters", 40)
# Of the wallet's API, which has limits of its own; weight and shape are own knowledge, not the spot documentation's.
API_RESTRICTIONS = _user("/sapi/v1/account/apiRestrictions", 1)

ENDPOINTS: tuple[Endpoint, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Endpoint))

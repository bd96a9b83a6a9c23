"""What answers which endpoint: paths and weights come from the venue's table, parameters and handlers stand here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptox.venues.binance import endpoints as ep

from . import account_routes as mine
from . import parameters as p
from .klines import klines
from .orders import queries
from .orders.parameters import CANCEL
from .orders.routes import TRADE_ROUTES
from .question import Book, Question, Rows, Told
from .symbols import exchange_info, execution_rules, no_reference_price, ping, server_time
from .tickers import average_price, best_prices, prices, ticker_24h, trading_day, window_ticker
from .trades import aggregate_trades, block_trades, depth, trades

__all__ = ["ROUTES", "Route"]

MOST_SYMBOLS = 100  # in one request for window statistics


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: the parameters it takes, in the order they are checked, and what answers."""

    parameters: tuple[p.Parameter, ...]
    answer: Callable[[Question], Told | Rows | Book]


_SYMBOL = p.required(p.SYMBOL)
_MANY = (p.SYMBOL, p.SYMBOLS, p.SYMBOL_STATUS)
_FEW = (p.SYMBOL, p.bounded(p.SYMBOLS, MOST_SYMBOLS), p.SYMBOL_STATUS)
_ROWS = p.limit(500, 1_000)
_TIMES = (p.START, p.END)
_ORDER_ID = p.number("orderId")
_CLIENT_ID = next(one for one in CANCEL if one.name == "origClientOrderId")
_MATCH_IDS = (p.number("preventedMatchId"), _ORDER_ID, p.number("fromPreventedMatchId"))
_KLINES = Route((_SYMBOL, p.required(p.INTERVAL), p.START, p.END, p.TIME_ZONE, _ROWS), klines)

ROUTES: dict[tuple[str, str], tuple[ep.Endpoint, Route]] = {
    (endpoint.method, endpoint.path): (endpoint, route)
    for endpoint, route in (
        (ep.PING, Route((), ping)),
        (ep.TIME, Route((), server_time)),
        (ep.EXCHANGE_INFO, Route((*_MANY, p.PERMISSIONS, p.SHOW_PERMISSION_SETS), exchange_info)),
        (ep.EXECUTION_RULES, Route(_MANY, execution_rules)),
        (ep.DEPTH, Route((_SYMBOL, p.limit(100, 5_000), p.SYMBOL_STATUS), depth)),
        (ep.TRADES, Route((_SYMBOL, _ROWS), trades)),
        (ep.HISTORICAL_TRADES, Route((_SYMBOL, p.FROM_ID, _ROWS), trades)),
        (ep.HISTORICAL_BLOCK_TRADES, Route((_SYMBOL, p.required(p.FROM_ID), _ROWS), block_trades)),
        (ep.AGG_TRADES, Route((_SYMBOL, p.FROM_ID, p.START, p.END, _ROWS), aggregate_trades)),
        (ep.KLINES, _KLINES),
        (ep.UI_KLINES, _KLINES),
        (ep.AVG_PRICE, Route((_SYMBOL,), average_price)),
        (ep.TICKER_24H, Route((*_MANY, p.TICKER_TYPE), ticker_24h)),
        (ep.TICKER_TRADING_DAY, Route((*_FEW, p.TIME_ZONE, p.TICKER_TYPE), trading_day)),
        (ep.TICKER_PRICE, Route(_MANY, prices)),
        (ep.TICKER_BOOK, Route(_MANY, best_prices)),
        (ep.TICKER, Route((*_FEW, p.WINDOW_SIZE, p.TICKER_TYPE), window_ticker)),
        (ep.REFERENCE_PRICE, Route((_SYMBOL,), no_reference_price)),
        (ep.REFERENCE_PRICE_CALCULATION, Route((_SYMBOL, p.SYMBOL_STATUS), no_reference_price)),
        (ep.ACCOUNT, Route((p.OMIT_ZERO_BALANCES,), mine.account)),
        (ep.ORDER, Route((_SYMBOL, _ORDER_ID, _CLIENT_ID), queries.order)),
        (ep.OPEN_ORDERS, Route((p.SYMBOL,), queries.open_orders)),
        (ep.ALL_ORDERS, Route((_SYMBOL, _ORDER_ID, *_TIMES, _ROWS), queries.all_orders)),
        (ep.ORDER_LIST, Route((p.number("orderListId"), _CLIENT_ID), queries.order_list)),
        (ep.ALL_ORDER_LISTS, Route((p.FROM_ID, *_TIMES, _ROWS), queries.all_order_lists)),
        (ep.OPEN_ORDER_LISTS, Route((), queries.open_order_lists)),
        (ep.MY_TRADES, Route((_SYMBOL, _ORDER_ID, *_TIMES, p.FROM_ID, _ROWS), mine.my_trades)),
        (ep.ORDER_COUNT, Route((), mine.order_count)),
        (ep.MY_PREVENTED_MATCHES, Route((_SYMBOL, *_MATCH_IDS, _ROWS), mine.my_prevented_matches)),
        (
            ep.MY_ALLOCATIONS,
            Route((_SYMBOL, *_TIMES, p.number("fromAllocationId"), _ROWS, _ORDER_ID), mine.my_allocations),
        ),
        (ep.COMMISSION, Route((_SYMBOL,), mine.commission)),
        (
            ep.AMENDMENTS,
            Route((_SYMBOL, p.required(_ORDER_ID), p.number("fromExecutionId"), _ROWS), mine.amendments),
        ),
        (ep.MY_FILTERS, Route((_SYMBOL,), mine.my_filters)),
        (ep.API_RESTRICTIONS, Route((), mine.api_restrictions)),
        *((endpoint, Route(taken, answer)) for endpoint, taken, answer in TRADE_ROUTES),
    )
}
"""Endpoint and route by method and path."""

"""What answers which endpoint: paths and weights come from the venue's table, parameters and handlers stand here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptox.venues.binance import endpoints as ep

from . import parameters as p
from .klines import klines
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
    )
}
"""Endpoint and route by method and path."""

"""Binance Spot as a venue: our questions to its requests, its answers to our batches. No I/O, no decisions."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from cryptox import settings as names
from cryptox.errors import CryptoxError
from cryptox.model.interval import INTERVALS
from cryptox.settings import Settings
from cryptox.table.batch import Batch
from cryptox.transport.messages import Answer, Outgoing, Usage
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance import headers, hosts, limits, live, read, refusals, tickers
from cryptox.venues.binance.symbols import symbol_of
from cryptox.venues.binance.wire.general import ExchangeInfo, ServerTime
from cryptox.venues.binance.wire.market import Depth
from cryptox.venues.port import Capabilities, Hosts, Request, Rules

__all__ = ["BinanceVenue", "open_venue"]

T = TypeVar("T")

JSON_TYPE = "application/json"
SBE_TYPE = "application/sbe"
_ACCEPT = {"auto": f"{SBE_TYPE}, {JSON_TYPE}", "json": JSON_TYPE, "sbe": SBE_TYPE}

# Where a binary answer has an array decoder it is asked for by itself; elsewhere JSON is the faster of the two.
_ARRAYS = frozenset({ep.KLINES, ep.TRADES, ep.HISTORICAL_TRADES, ep.AGG_TRADES, ep.DEPTH})


def open_venue(name: str, settings: Settings, environment: Mapping[str, str]) -> BinanceVenue:
    """The venue of that name; on ``binance`` the environment may move its addresses."""
    variables = (names.REST_VARIABLE, names.STREAM_VARIABLE, names.WS_API_VARIABLE)
    urls = hosts.from_environment(environment, variables) if name == "binance" else {}
    for field in ("rest_url", "stream_url", "ws_api_url"):
        given = getattr(settings, field)
        if given is not None:
            urls[field] = given
    return BinanceVenue(name, hosts.resolve(name, **urls), real_money=name in hosts.REAL_MONEY)


class BinanceVenue(live.BinanceStreams):
    """One of Binance's venues (production, testnet, demo, US), or anything that speaks its protocol."""

    def __init__(self, name: str, where: Hosts, *, real_money: bool = True) -> None:
        self.name = name
        self.hosts = where
        self.capabilities = Capabilities(
            intervals=tuple(INTERVALS),
            encodings=names.ENCODINGS,
            default_limits=limits.DEFAULT_LIMITS_US if name == "binance-us" else limits.DEFAULT_LIMITS,
            real_money=real_money,
        )

    def outgoing(self, request: Request[Any], encoding: str) -> Outgoing:
        """The HTTP request for a question. In ``auto`` SBE is preferred where it is faster; JSON is the fallback."""
        chosen = "json" if encoding == "auto" and not request.binary else encoding
        sent = {"accept": _ACCEPT[chosen]}
        if chosen != "json":
            sent[headers.SBE] = headers.SBE_SCHEMA
        query = urlencode(request.params)
        url = self.hosts.rest + request.path
        return Outgoing(request.method, f"{url}?{query}" if query else url, sent)

    def usage(self, answer: Answer) -> tuple[Usage, ...]:
        """Used weight of this address, as the answer's headers tell it."""
        return headers.used_weights(answer.headers)

    def refusal(self, request: Request[Any], answer: Answer) -> CryptoxError | None:
        """Our error for a refusal, None for a success."""
        context = {"venue": self.name, **request.context, "endpoint": request.path}
        return refusals.refusal(answer, context=context, acts=False)

    def verdict(self, answer: Answer) -> Any:
        """What the transport must do with the answer: take it, try again, or stop."""
        return refusals.verdict(answer)

    def is_steady(self, answer: Answer) -> bool:
        """False for a paper exchange whose market stands still or races."""
        return headers.PAPER_CLOCK not in answer.headers

    def server_time(self) -> Request[int]:
        """Exchange time in ms."""
        return _request("server_time", ep.TIME, {}, lambda answer: read.read_as(answer, ServerTime).server_time)

    def rules(self, symbols: Sequence[str] | None) -> Request[Rules]:
        """Limits of the address, and trading rules of these symbols (None: all)."""
        return _request("symbols", ep.EXCHANGE_INFO, _named(symbols), _read_rules, **_context(symbols))

    def klines(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int, exact: bool
    ) -> Request[Batch]:
        """Candles that open in [start_ms, end_ms): the oldest with a start, the newest without."""
        params = {"symbol": symbol, "interval": interval, **_range(start_ms, end_ms), "limit": str(limit)}
        reader = functools.partial(read.read_klines, exact=exact)
        return _request("klines", ep.KLINES, params, reader, symbol=symbol, interval=interval)

    def trades(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """The newest trades, oldest first."""
        params = {"symbol": symbol, "limit": str(limit)}
        return _request("trades", ep.TRADES, params, functools.partial(read.read_trades, exact=exact), symbol=symbol)

    def trades_from(self, symbol: str, *, from_id: int, limit: int, exact: bool) -> Request[Batch]:
        """Trades from an id on, oldest first."""
        params = {"symbol": symbol, "fromId": str(from_id), "limit": str(limit)}
        reader = functools.partial(read.read_trades, exact=exact)
        return _request("trades", ep.HISTORICAL_TRADES, params, reader, symbol=symbol)

    def snapshot(self, symbol: str) -> Request[Depth[str]]:
        """The whole book in the exchange's decimals."""
        params = {"symbol": symbol, "limit": str(self.capabilities.depth_cap)}
        request = _request("book", ep.DEPTH, params, lambda answer: read.read_as(answer, Depth[str]), symbol=symbol)
        return dataclasses.replace(request, binary=False)

    def agg_trades(
        self,
        symbol: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        from_id: int | None,
        limit: int,
        exact: bool,
    ) -> Request[Batch]:
        """Aggregate trades by id or by time."""
        params = {"symbol": symbol, **_range(start_ms, end_ms), "limit": str(limit)}
        if from_id is not None:
            params["fromId"] = str(from_id)
        reader = functools.partial(read.read_agg_trades, exact=exact)
        return _request("agg_trades", ep.AGG_TRADES, params, reader, symbol=symbol)

    def depth(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """Order book of up to ``limit`` levels a side."""
        params = {"symbol": symbol, "limit": str(limit)}
        return _request("depth", ep.DEPTH, params, functools.partial(read.read_depth, exact=exact), symbol=symbol)

    def ticker(self, symbols: Sequence[str] | None, window: str, *, exact: bool) -> Request[Batch]:
        """Statistics of a window; None asks for all symbols (24h only)."""
        params = _named(symbols)
        endpoint = ep.TICKER_24H
        if window != "24h":
            endpoint = ep.TICKER
            params["windowSize"] = window
        reader = functools.partial(tickers.read_ticker, exact=exact)
        return _request("ticker", endpoint, params, reader, **_context(symbols))

    def prices(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Last prices."""
        reader = functools.partial(tickers.read_prices, exact=exact)
        return _request("prices", ep.TICKER_PRICE, _named(symbols), reader, **_context(symbols))

    def book_ticker(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Best bids and asks."""
        reader = functools.partial(tickers.read_book_ticker, exact=exact)
        return _request("book_ticker", ep.TICKER_BOOK, _named(symbols), reader, **_context(symbols))

    def avg_price(self, symbol: str, *, exact: bool) -> Request[Batch]:
        """Average price of the last minutes."""
        reader = functools.partial(tickers.read_avg_price, symbol=symbol, exact=exact)
        return _request("avg_price", ep.AVG_PRICE, {"symbol": symbol}, reader, symbol=symbol)


def _request(
    operation: str, endpoint: ep.Endpoint, params: Mapping[str, str], reader: Callable[[Answer], T], **context: Any
) -> Request[T]:
    return Request(
        operation=operation,
        method=endpoint.method,
        path=endpoint.path,
        params=tuple(params.items()),
        weight=endpoint.cost(params),
        read=reader,
        context={"operation": operation, **context},
        binary=endpoint in _ARRAYS,
    )


def _range(start_ms: int | None, end_ms: int | None) -> dict[str, str]:
    """A half-open range in Binance's words, where the end is included."""
    params = {}
    if start_ms is not None:
        params["startTime"] = str(start_ms)
    if end_ms is not None:
        params["endTime"] = str(end_ms - 1)
    return params


def _named(symbols: Sequence[str] | None) -> dict[str, str]:
    if symbols is None:
        return {}
    if len(symbols) == 1:
        return {"symbol": symbols[0]}
    return {"symbols": json.dumps(list(symbols), ensure_ascii=False, separators=(",", ":"))}


def _context(symbols: Sequence[str] | None) -> dict[str, Any]:
    if symbols is None:
        return {}
    return {"symbol": symbols[0]} if len(symbols) == 1 else {"symbols": list(symbols)}


def _read_rules(answer: Answer) -> Rules:
    info = read.read_as(answer, ExchangeInfo)
    return Rules(limits.address_limits(info.rate_limits), tuple(symbol_of(symbol) for symbol in info.symbols))

"""Binance Spot as a venue: our questions to its requests, its answers to our batches. No I/O, no decisions."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptox import settings as names
from cryptox.errors import CryptoxError, OutcomeUnknown
from cryptox.model.interval import INTERVALS
from cryptox.settings import Settings
from cryptox.table.batch import Batch
from cryptox.transport.messages import Answer, Outgoing, Usage
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance import headers, hosts, limits, live, read, refusals, tickers, trading, userdata
from cryptox.venues.binance.questions import question, time_range
from cryptox.venues.binance.signing import encoded
from cryptox.venues.binance.symbols import symbol_of
from cryptox.venues.binance.wire.general import ExchangeInfo, ServerTime
from cryptox.venues.binance.wire.market import Depth
from cryptox.venues.port import Capabilities, Hosts, Request, Rules

__all__ = ["BinanceVenue", "open_venue"]

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
SBE_TYPE = "application/sbe"
_ACCEPT = {"auto": f"{SBE_TYPE}, {JSON_TYPE}", "json": JSON_TYPE, "sbe": SBE_TYPE}


def open_venue(name: str, settings: Settings, environment: Mapping[str, str]) -> BinanceVenue:
    """The venue of that name; on ``binance`` the environment may move its addresses."""
    variables = (names.REST_VARIABLE, names.STREAM_VARIABLE, names.WS_API_VARIABLE)
    urls = hosts.from_environment(environment, variables) if name == "binance" else {}
    for field in ("rest_url", "stream_url", "ws_api_url"):
        given = getattr(settings, field)
        if given is not None:
            urls[field] = given
    return BinanceVenue(name, hosts.resolve(name, **urls), real_money=name in hosts.REAL_MONEY)


class BinanceVenue(live.BinanceStreams, trading.BinanceTrading, userdata.BinanceUserData):
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
        """The HTTP request for a question. In ``auto`` SBE is preferred where it is faster; JSON is the fallback.

        What is signed is asked for in JSON alone, because an answer that cannot be written leaves its act in doubt.
        Parameters of anything but a GET are in the body.
        """
        plain = request.signed or (encoding == "auto" and not request.binary)
        chosen = "json" if plain else encoding
        sent = {"accept": _ACCEPT[chosen]}
        if chosen != "json":
            sent[headers.SBE] = headers.SBE_SCHEMA
        text = encoded(request.params)
        url = self.hosts.rest + request.path
        if request.method == "GET":
            return Outgoing(request.method, f"{url}?{text}" if text else url, sent)
        return Outgoing(request.method, url, {**sent, "content-type": FORM_TYPE}, text.encode("ascii"))

    def usage(self, answer: Answer) -> tuple[Usage, ...]:
        """Used weight of this address, as the answer's headers tell it."""
        return headers.used_weights(answer.headers)

    def refusal(self, request: Request[Any], answer: Answer) -> CryptoxError | None:
        """Our error for a refusal, None for a success, and for a refusal that ``request.read`` makes an answer of."""
        context = {"venue": self.name, **request.context, "endpoint": request.path}
        error = refusals.refusal(answer, context=context, acts=request.acts)
        if error is None or isinstance(error, OutcomeUnknown) or not trading.tells(request, answer):
            return error
        return None

    def verdict(self, answer: Answer) -> Any:
        """What the transport must do with the answer: take it, try again, or stop."""
        return refusals.verdict(answer)

    def is_steady(self, answer: Answer) -> bool:
        """False for a paper exchange whose market stands still or races."""
        return headers.PAPER_CLOCK not in answer.headers

    def server_time(self) -> Request[int]:
        """Exchange time in ms."""
        return question("server_time", ep.TIME, {}, lambda answer: read.read_as(answer, ServerTime).server_time)

    def rules(self, symbols: Sequence[str] | None) -> Request[Rules]:
        """Limits of the address, and trading rules of these symbols (None: all)."""
        return question("symbols", ep.EXCHANGE_INFO, _named(symbols), _read_rules, **_context(symbols))

    def klines(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int, exact: bool
    ) -> Request[Batch]:
        """Candles that open in [start_ms, end_ms): the oldest with a start, the newest without."""
        params = {"symbol": symbol, "interval": interval, **time_range(start_ms, end_ms), "limit": str(limit)}
        reader = functools.partial(read.read_klines, exact=exact)
        return question("klines", ep.KLINES, params, reader, symbol=symbol, interval=interval)

    def trades(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """The newest trades, oldest first."""
        params = {"symbol": symbol, "limit": str(limit)}
        return question("trades", ep.TRADES, params, functools.partial(read.read_trades, exact=exact), symbol=symbol)

    def trades_from(self, symbol: str, *, from_id: int, limit: int, exact: bool) -> Request[Batch]:
        """Trades from an id on, oldest first."""
        params = {"symbol": symbol, "fromId": str(from_id), "limit": str(limit)}
        reader = functools.partial(read.read_trades, exact=exact)
        return question("trades", ep.HISTORICAL_TRADES, params, reader, symbol=symbol)

    def snapshot(self, symbol: str) -> Request[Depth[str]]:
        """The whole book in the exchange's decimals."""
        params = {"symbol": symbol, "limit": str(self.capabilities.depth_cap)}
        request = question("book", ep.DEPTH, params, lambda answer: read.read_as(answer, Depth[str]), symbol=symbol)
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
        params = {"symbol": symbol, **time_range(start_ms, end_ms), "limit": str(limit)}
        if from_id is not None:
            params["fromId"] = str(from_id)
        reader = functools.partial(read.read_agg_trades, exact=exact)
        return question("agg_trades", ep.AGG_TRADES, params, reader, symbol=symbol)

    def depth(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """Order book of up to ``limit`` levels a side."""
        params = {"symbol": symbol, "limit": str(limit)}
        return question("depth", ep.DEPTH, params, functools.partial(read.read_depth, exact=exact), symbol=symbol)

    def ticker(self, symbols: Sequence[str] | None, window: str, *, exact: bool) -> Request[Batch]:
        """Statistics of a window; None asks for all symbols (24h only)."""
        params = _named(symbols)
        endpoint = ep.TICKER_24H
        if window != "24h":
            endpoint = ep.TICKER
            params["windowSize"] = window
        reader = functools.partial(tickers.read_ticker, exact=exact)
        return question("ticker", endpoint, params, reader, **_context(symbols))

    def prices(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Last prices."""
        reader = functools.partial(tickers.read_prices, exact=exact)
        return question("prices", ep.TICKER_PRICE, _named(symbols), reader, **_context(symbols))

    def book_ticker(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Best bids and asks."""
        reader = functools.partial(tickers.read_book_ticker, exact=exact)
        return question("book_ticker", ep.TICKER_BOOK, _named(symbols), reader, **_context(symbols))

    def avg_price(self, symbol: str, *, exact: bool) -> Request[Batch]:
        """Average price of the last minutes."""
        reader = functools.partial(tickers.read_avg_price, symbol=symbol, exact=exact)
        return question("avg_price", ep.AVG_PRICE, {"symbol": symbol}, reader, symbol=symbol)


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

"""Coinbox, an exchange that does not exist, as a venue: the worked example of docs/ADAPTERS.md.

It speaks otherwise than Binance wherever that is possible: pairs with an underscore, times in seconds, ranges that
include their end, newest rows first, no aggregate trades, what is left of a limit in the place of what was used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from coinbox import read
from coinbox.wire import LEFT, MINUTE, PROBLEMS, QUOTES, REST, STANDS, WIDTHS, Clock
from cryptox import errors
from cryptox.errors import CryptoxError, ExchangeError
from cryptox.model import columns
from cryptox.model.columns import Table
from cryptox.settings import Settings
from cryptox.table.batch import Batch
from cryptox.transport.caller import Verdict
from cryptox.transport.messages import Answer, Outgoing, Usage
from cryptox.venues.port import Capabilities, Hosts, Request, Rules

T = TypeVar("T")
Row = dict[str, Any]


class Coinbox:
    """Market data of Coinbox. It has no streams and takes no orders, so those parts of the port are left out."""

    def __init__(self, name: str, rest: str) -> None:
        self.name = name
        self.hosts = Hosts(rest=rest.rstrip("/"))
        self.capabilities = Capabilities(
            klines_cap=300,
            trades_cap=200,
            depth_cap=50,
            intervals=tuple(WIDTHS),
            tickers_cap=20,
            default_limits=(MINUTE,),
            real_money=True,
        )

    # Sending, and what an answer means.

    def outgoing(self, request: Request[Any], encoding: str) -> Outgoing:  # there is JSON alone
        """The HTTP request for a question."""
        query = urlencode(request.params)
        return Outgoing(request.method, f"{self.hosts.rest}{request.path}" + (f"?{query}" if query else ""))

    def usage(self, answer: Answer) -> tuple[Usage, ...]:
        """They tell what is left; what is used follows."""
        left = answer.headers.get(LEFT, "")
        return (Usage(MINUTE.kind, MINUTE.window_ms, MINUTE.amount - int(left)),) if left.isdecimal() else ()

    def verdict(self, answer: Answer) -> Verdict:
        """Whether to take it, try again, or stop."""
        if answer.status < 300:
            return Verdict("ok")
        if answer.status == 429:
            said = read.problem(answer)
            return Verdict("stop", said.seconds if said else 60.0)
        return Verdict("busy" if answer.status >= 500 else "refused")

    def refusal(self, request: Request[Any], answer: Answer) -> CryptoxError | None:
        """Our error; what has no body that we know is the front's, not the exchange's."""
        if answer.status < 300:
            return None
        said = read.problem(answer)
        where = {"venue": self.name, **request.context, "endpoint": request.path, "status": answer.status}
        if said is None or said.problem not in PROBLEMS:
            kind = errors.NetworkError if answer.status >= 500 else ExchangeError
            return kind(f"{self.name} answered HTTP {answer.status}.", context=where)
        return PROBLEMS[said.problem](
            said.text or said.problem,
            technical_details=f"HTTP {answer.status} | {said.problem}",
            context=where,
            retry_after=said.seconds or None,
        )

    def is_steady(self, answer: Answer) -> bool:
        """Whether its time runs as a clock does; the example server's stands still and says so in a header."""
        return STANDS not in answer.headers

    # Questions.

    def server_time(self) -> Request[int]:
        """Exchange time in ms."""
        return _ask(
            "server_time", "/v1/clock", {}, lambda answer: read.milliseconds(read.read_as(answer, Clock).seconds)
        )

    def rules(self, symbols: Sequence[str] | None) -> Request[Rules]:
        """Limits, and trading rules of these symbols."""
        return _ask("symbols", "/v1/pairs", _named(symbols), read.rules, **_context(symbols))

    def klines(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int, exact: bool
    ) -> Request[Batch]:
        """Candles that open in [start_ms, end_ms): their ranges include both ends, ours leave out the last."""
        given = {"pair": _pair(symbol), "width": str(WIDTHS[interval]), "count": str(limit)}
        given |= _span(start_ms, end_ms)
        reader = functools.partial(read.klines, width_ms=WIDTHS[interval] * 1000, exact=exact)
        return _ask("klines", "/v1/candles", given, reader, symbol=symbol, interval=interval)

    def trades(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """The newest trades, oldest first."""
        given = {"pair": _pair(symbol), "count": str(limit)}
        return _ask("trades", "/v1/trades", given, functools.partial(read.trades, exact=exact), symbol=symbol)

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
        """They have none: each trade is an aggregate of its own."""
        given = {"pair": _pair(symbol), "count": str(limit), **_span(start_ms, end_ms)}
        if from_id is not None:
            given["from_n"] = str(from_id)
        return _ask("agg_trades", "/v1/trades", given, functools.partial(read.aggregates, exact=exact), symbol=symbol)

    def depth(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """Order book."""
        given = {"pair": _pair(symbol), "levels": str(limit)}
        return _ask("depth", "/v1/book", given, functools.partial(read.depth, exact=exact), symbol=symbol)

    def ticker(self, symbols: Sequence[str] | None, window: str, *, exact: bool) -> Request[Batch]:
        """Statistics of 24 hours; they have no other window."""
        if window != "24h":
            raise errors.ValidationError(f"{self.name} has statistics of 24h only, not of {window!r}.")
        return self._summary("ticker", columns.TICKER, symbols, exact)

    def prices(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Last prices."""
        return self._summary("prices", columns.PRICES, symbols, exact)

    def book_ticker(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Best bids and asks."""
        return self._summary("book_ticker", columns.BOOK_TICKER, symbols, exact)

    def avg_price(self, symbol: str, *, exact: bool) -> Request[Batch]:
        """Average price of the last minutes."""
        reader = functools.partial(read.average, symbol=symbol, exact=exact)
        return _ask("avg_price", "/v1/average", {"pair": _pair(symbol)}, reader, symbol=symbol)

    def _summary(self, operation: str, table: Table, symbols: Sequence[str] | None, exact: bool) -> Request[Batch]:
        reader = functools.partial(read.summaries, table=table, exact=exact)
        return _ask(operation, "/v1/summary", _named(symbols), reader, **_context(symbols))


def open_venue(name: str, settings: Settings, environment: Mapping[str, str]) -> Coinbox:
    """What the registry calls."""
    return Coinbox(name, settings.rest_url or REST)


# Their words to ours and back.


def _ask(operation: str, path: str, given: Row, read: Callable[[Answer], T], **context: Any) -> Request[T]:
    return Request(operation, "GET", path, tuple(given.items()), 1, read, context, binary=False)


def _pair(symbol: str) -> str:
    quote = next((quote for quote in QUOTES if symbol.endswith(quote)), "")
    return f"{symbol.removesuffix(quote)}_{quote}" if quote else symbol


def _named(symbols: Sequence[str] | None) -> Row:
    return {} if symbols is None else {"pair": ",".join(map(_pair, symbols))}


def _context(symbols: Sequence[str] | None) -> Row:
    if symbols is None:
        return {}
    return {"symbol": symbols[0]} if len(symbols) == 1 else {"symbols": list(symbols)}


def _span(start_ms: int | None, end_ms: int | None) -> Row:
    """[start, end) in ms as their [from, until] in seconds; with a start we want the oldest rows."""
    span: Row = {} if start_ms is None else {"from": f"{start_ms / 1000:.3f}", "oldest": "yes"}
    return span if end_ms is None else {**span, "until": f"{(end_ms - 1) / 1000:.3f}"}

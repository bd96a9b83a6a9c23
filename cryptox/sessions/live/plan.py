"""What a feed is to be, before it runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptox.errors import BadSymbol, CryptoxError
from cryptox.model import columns
from cryptox.model.columns import Table
from cryptox.sessions.core import Core
from cryptox.table.batch import Batch
from cryptox.venues.port import Subject

from .hub import Hub, hub_of

__all__ = ["Plan"]

CLOCK_S = 1.0  # so long a start waits for the exchange's time besides: feeds run without it

_TABLES = {
    "trades": columns.TRADES,
    "agg_trades": columns.AGG_TRADES,
    "klines": columns.KLINES,
    "ticker": columns.TICKER,
    "book_ticker": columns.BOOK_TICKER,
    "depth": columns.DEPTH,
    "book": columns.DEPTH,
    "account": columns.BALANCES,
    "orders": columns.ORDERS,
}


@dataclass(frozen=True)
class Plan:
    """What a feed is to be."""

    session: Core
    kind: str
    symbols: tuple[str, ...]
    several: bool
    interval: str | None = None
    levels: int = 0
    history: int = 0
    home: Callable[[Core], Hub] = hub_of

    @property
    def table(self) -> Table:
        """The table of its frames."""
        return _TABLES[self.kind]

    @property
    def venue_name(self) -> str:
        """The venue's name."""
        return self.session.venue.name

    @property
    def backend(self) -> str:
        """Of frames, where nothing else is said."""
        return self.session.form[0]

    @property
    def patience_s(self) -> float:
        """How long a start waits for the feed to carry."""
        return self.session.settings.timeout

    def topic_name(self, symbol: str) -> str:
        """``binance:klines:BTCUSDT:1m``."""
        detail = self.interval or (str(self.levels) if self.levels else "")
        return ":".join(part for part in (self.venue_name, self.kind, symbol, detail) if part)

    def subject(self, symbol: str) -> Subject:
        """What the stream of a symbol is about."""
        return Subject(self.kind, symbol, self.interval, self.levels if self.kind == "depth" else 0)

    def empty(self) -> Batch:
        """No rows."""
        return Batch.empty(self.table)

    def hub(self) -> Hub:
        """Where its topics live, on the running loop."""
        if self.session._closed is not None:
            raise self.session._ended()
        return self.home(self.session)

    def now_ms(self, hub: Hub | None) -> int:
        """The time that its frames are told to be of, in ms: the exchange's, as far as that is known."""
        if hub is not None and hub.recorded_ms is not None:
            return hub.recorded_ms
        clock, now, wall_s = self.session._address.clock, time.monotonic(), time.time()
        agreed = clock.agreed_ms(now, wall_s)
        if agreed is not None:
            return int(agreed[0])
        told_ms = clock.now_ms(now) if clock.known else 0
        sent_ms = 0 if hub is None else hub.newest_sent_ms()
        return int(max(told_ms, sent_ms)) or int(wall_s * 1000)

    async def check(self) -> None:
        """See whether the exchange knows the symbols: its streams keep silent about those it does not.

        Its time is asked for as well, where that is due: by it latency is told.

        Raises
        ------
        BadSymbol
            It does not know one. Where it cannot be asked just now, the streams are tried all the same.
        """
        time_asked = asyncio.create_task(self._learn_time(), name="cryptox-feed-clock")
        try:
            await self._check_symbols()
            await asyncio.wait([time_asked], timeout=CLOCK_S)
        finally:
            time_asked.cancel()

    async def _learn_time(self) -> None:
        clock = self.session._address.clock
        if clock.steady and clock.stale(time.monotonic(), time.time()):
            with contextlib.suppress(CryptoxError):
                await self.session._as_of()

    async def _check_symbols(self) -> None:
        venue, known = self.session.venue, self.session._address.symbols_known
        unknown = [symbol for symbol in self.symbols if symbol not in known]
        for place in range(0, len(unknown), venue.capabilities.tickers_cap):
            some = unknown[place : place + venue.capabilities.tickers_cap]
            try:
                await self.session._ask(venue.prices(some, exact=False))
            except BadSymbol:
                raise
            except CryptoxError:
                return
            known.update(some)

"""``session.live``: one call a kind of feed."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptox import _cells
from cryptox._boundary import boundary
from cryptox.errors import BadSymbol, ConfigurationError, CryptoxError, ValidationError
from cryptox.model import columns
from cryptox.model.columns import Table
from cryptox.model.names import check_interval, check_limit, normalise_symbol
from cryptox.sessions.bulk import symbol_list
from cryptox.sessions.core import Core
from cryptox.table.batch import Batch
from cryptox.venues.port import Subject

from .feed import AsyncFeed
from .hub import Hub, hub_of

__all__ = ["AsyncLive", "Plan"]

HISTORY = 300
MOST_HISTORY = 50_000
CLOCK_S = 1.0  # so long a start waits for the exchange's time besides: feeds run without it
LEVELS = (5, 10, 20)
MOST_LEVELS = 1_000
_TABLES = {
    "trades": columns.TRADES,
    "agg_trades": columns.AGG_TRADES,
    "klines": columns.KLINES,
    "ticker": columns.TICKER,
    "book_ticker": columns.BOOK_TICKER,
    "depth": columns.DEPTH,
    "book": columns.DEPTH,
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


class AsyncLive:
    """The live feeds of a session. Each call makes a feed, which starts when it is used first."""

    _called = "live."  # in calls that errors suggest

    def __init__(self, session: Core, home: Callable[[Core], Hub] = hub_of) -> None:
        self._home = home
        self._hubs: weakref.WeakSet[Hub] = weakref.WeakSet()  # that its feeds are or were of
        self._session = weakref.proxy(session)
        self._own = weakref.ref(session)
        self._feeds: weakref.WeakSet[AsyncFeed] = weakref.WeakSet()

    def trades(self, symbol: str | Sequence[str], history: int = 0) -> AsyncFeed:
        """A feed of trades: every trade once, ids contiguous.

        Parameters
        ----------
        symbol
            One symbol in any spelling, or a list of them.
        history
            So many trades from before now are in its frame from the start, joined without hole or double.

        Raises
        ------
        BadSymbol, ValidationError
            Not a symbol, not a number of rows.
        """
        return self._feed("trades", symbol, history=history)

    def agg_trades(self, symbol: str | Sequence[str], history: int = 0) -> AsyncFeed:
        """A feed of aggregate trades; as ``trades``."""
        return self._feed("agg_trades", symbol, history=history)

    def klines(self, symbol: str | Sequence[str], interval: str = "1m", history: int = HISTORY) -> AsyncFeed:
        """A feed of candles: the forming one as it stands, and each one closed exactly once.

        Parameters
        ----------
        symbol, history
            As in ``trades``.
        interval
            As in ``klines`` of the session.

        Raises
        ------
        BadSymbol, BadInterval, ValidationError
            Not a symbol, an interval, a number of rows.
        """
        with boundary():
            name = check_interval(interval, self._session.venue.capabilities.intervals)
            return self._feed("klines", symbol, interval=name, history=history)

    def ticker(self, symbol: str | Sequence[str]) -> AsyncFeed:
        """A feed of the statistics of the last 24 hours, about once a second."""
        return self._feed("ticker", symbol)

    def book_ticker(self, symbol: str | Sequence[str]) -> AsyncFeed:
        """A feed of best bid and ask, at every change."""
        return self._feed("book_ticker", symbol)

    def depth(self, symbol: str | Sequence[str], levels: int = 5) -> AsyncFeed:
        """A feed of the best 5, 10 or 20 levels, ten times a second.

        Raises
        ------
        ValidationError
            Another number of levels (``suggested`` is ``book``, which takes any).
        """
        with boundary():
            if isinstance(levels, bool) or levels not in LEVELS:
                raise ValidationError(
                    f"levels={levels!r} is none of {', '.join(map(str, LEVELS))}.",
                    recovery_suggestions=["Use live.book(...), which keeps the whole book in step."],
                    suggested={"levels": 20},
                )
            return self._feed("depth", symbol, levels=int(levels))

    def book(self, symbol: str | Sequence[str], levels: int = 20) -> AsyncFeed:
        """A feed of the local book, kept in step with the exchange's: right, or ``synced`` is False.

        Parameters
        ----------
        symbol
            As in ``trades``.
        levels
            How many levels a side its events hold; ``frame()`` has them all.
        """
        with boundary():
            return self._feed("book", symbol, levels=check_limit(levels, most=MOST_LEVELS, name="levels"))

    async def unsubscribe(self, symbol: str) -> int:
        """End all feeds of a symbol; how many there were. A feed of several symbols goes on with the others."""
        with boundary():
            name = normalise_symbol(symbol)
            return sum(_unsubscribed(feed, name) for feed in list(self._feeds))

    async def close(self) -> None:
        """End all feeds of the session, and the connections that nobody else uses."""
        here = asyncio.get_running_loop()
        self.retire()
        await asyncio.sleep(0)  # feeds that were collected just now give their topics back
        for hub in list(self._hubs):
            if hub.loop is here:
                await hub.idle()

    def retire(self) -> None:
        """End all feeds of the session, from any thread."""
        for feed in list(self._feeds):
            hub = feed._hub
            if hub is None or hub.loop.is_closed() or hub.loop is _running():
                feed.end()
            else:
                hub.loop.call_soon_threadsafe(feed.end)

    def _hub(self, session: Core) -> Hub:
        hub = self._home(session)
        self._hubs.add(hub)
        return hub

    def _feed(
        self, kind: str, symbol: Any, *, interval: str | None = None, levels: int = 0, history: int = 0
    ) -> AsyncFeed:
        with boundary():
            session = self._own()
            if session is None:
                raise ConfigurationError(
                    "The session of these feeds is gone: nobody held it.",
                    recovery_suggestions=["Keep it: session = cx.aio.connect(...), then session.live."],
                )
            if session._closed is not None:
                raise session._ended()
            names, several = symbol_list(symbol)
            wanted = (
                0
                if history == 0 and not isinstance(history, bool)
                else check_limit(history, most=MOST_HISTORY, name="history")
            )
            plan = Plan(session, kind, tuple(dict.fromkeys(names)), several, interval, levels, wanted, self._hub)
            feed = AsyncFeed(plan)
            self._feeds.add(feed)
            _cells.note(feed, feed)
            return feed


def _unsubscribed(feed: AsyncFeed, name: str) -> bool:
    """End that symbol of a feed on the feed's own loop; whether it has it."""
    hub = feed._hub
    if hub is None or hub.loop is _running():
        return feed.unsubscribe(name)
    if name not in feed.symbols or not feed.is_running or hub.loop.is_closed():
        return False
    hub.loop.call_soon_threadsafe(feed.unsubscribe, name)
    return True


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

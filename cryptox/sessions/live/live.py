"""``session.live``: one call a kind of feed."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from cryptox import _cells
from cryptox._boundary import boundary
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.names import check_interval, check_limit, normalise_symbol
from cryptox.sessions.bulk import symbol_list
from cryptox.sessions.core import Core

from .feed import AsyncFeed
from .hub import Hub, hub_of
from .own import WHOLE, OwnPlan, own_hub
from .plan import Plan

__all__ = ["AsyncLive", "Plan"]

HISTORY = 300
MOST_HISTORY = 50_000
LEVELS = (5, 10, 20)
MOST_LEVELS = 1_000
OWN = frozenset({"orders", "account"})  # kinds that are told to the owner of a key


class AsyncLive:
    """The live feeds of a session. Each call makes a feed, which starts when it is used first."""

    _called = "live."  # in calls that errors suggest

    def __init__(self, session: Core, home: Callable[[Core], Hub] = hub_of) -> None:
        self._home = home
        self._hubs: weakref.WeakSet[Hub] = weakref.WeakSet()  # that its feeds are or were of
        self._session = weakref.proxy(session)
        self._own = weakref.ref(session)
        self._feeds: weakref.WeakSet[AsyncFeed] = weakref.WeakSet()

    def _of(self) -> Core | None:
        """Whose it is."""
        return self._own()

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

    def orders(self, symbol: str | Sequence[str] | None = None) -> AsyncFeed:
        """A feed of the user's own orders: every change once, none of them backwards.

        Its frame has the orders that this session knows of: all that were open when it began, and all since.

        Parameters
        ----------
        symbol
            One symbol or a list of them; None for all.

        Raises
        ------
        BadSymbol
            Not a symbol.
        ConfigurationError
            The session has no key, or the address of the exchange's WebSocket API is not known.
        AuthenticationError
            The exchange refuses the key. Where it does so later the feed ends, and ``status.last_error`` says why.
        """
        return self._feed("orders", WHOLE if symbol is None else symbol)

    def account(self) -> AsyncFeed:
        """A feed of the user's balances, each as it is after a change; its frame is the balances now.

        Raises
        ------
        ConfigurationError, AuthenticationError
            As ``orders``.
        """
        return self._feed("account", WHOLE)

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

    def _users_hub(self, session: Core) -> Hub:
        hub = own_hub(session)
        self._hubs.add(hub)
        return hub

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
            is_own = kind in OWN
            if is_own and self._home is not hub_of:
                raise ConfigurationError(f"A recording of streams has no {kind}: these are told to their owner alone.")
            names, several = ([WHOLE], False) if symbol == WHOLE and is_own else symbol_list(symbol)
            wanted = (
                0
                if history == 0 and not isinstance(history, bool)
                else check_limit(history, most=MOST_HISTORY, name="history")
            )
            make, home = (OwnPlan, self._users_hub) if is_own else (Plan, self._hub)
            plan = make(session, kind, tuple(dict.fromkeys(names)), several, interval, levels, wanted, home)
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

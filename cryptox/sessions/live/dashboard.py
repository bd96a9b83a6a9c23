"""A dashboard: candles, book, trades and ticker of one symbol, as four feeds that begin and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from cryptox import _cells
from cryptox._boundary import boundary
from cryptox._display import Moving
from cryptox.errors import ConfigurationError, CryptoxError
from cryptox.model.lines import one_line
from cryptox.model.names import normalise_symbol

from .feed import AsyncFeed
from .live import AsyncLive
from .status import Status

__all__ = ["AsyncDashboard"]

LEVELS: Final = 10  # of the book, a side
TAPE: Final = 30  # trades from before it began


class AsyncDashboard(Moving):
    """Candles, book, trades and ticker of one symbol, for use with ``await``; made by ``session.dashboard``.

    In a notebook it displays itself as one live widget. It ends with ``stop()``, with its session, or when it is
    collected. An async context manager.
    """

    def __init__(self, live: AsyncLive, symbol: str, interval: str) -> None:
        with boundary():
            name = normalise_symbol(symbol)
            try:
                self._feeds = {
                    "klines": live.klines(name, interval),
                    "book": live.depth(name, LEVELS),
                    "trades": live.agg_trades(name, history=TAPE),
                    "ticker": live.ticker(name),
                }
            except CryptoxError as error:
                _suggest_dashboard(error)
                raise
        _cells.note(self, self)

    @property
    def symbol(self) -> str:
        """Its symbol."""
        return self._feeds["klines"].symbols[0]

    @property
    def interval(self) -> str:
        """The interval of its candles."""
        return self._feeds["klines"].interval or ""

    @property
    def feeds(self) -> Mapping[str, AsyncFeed]:
        """Its feeds: klines, book (the best levels), trades (aggregate ones) and ticker."""
        return MappingProxyType(self._feeds)

    @property
    def is_running(self) -> bool:
        """Whether any of its feeds has started and not ended."""
        return any(feed.is_running for feed in self._feeds.values())

    @property
    def status(self) -> Status:
        """How it is: the worst of its feeds, and the sum of their counts."""
        return Status.of_all(feed.status for feed in self._feeds.values())

    async def start(self) -> Self:
        """Start its feeds; returns when all carry, or after the session's ``timeout``: they go on trying.

        Raises
        ------
        BadSymbol
            The exchange does not know the symbol.
        ConfigurationError
            It, or its session, has ended.
        """
        with boundary():
            starts = [asyncio.ensure_future(feed.start()) for feed in self._feeds.values()]
            try:
                await asyncio.gather(*starts)
            except BaseException as error:
                self.end()
                await asyncio.gather(*starts, return_exceptions=True)
                _suggest_dashboard(error, interval=self.interval)
                here = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and here is not None and not here.cancelling():
                    raise ConfigurationError(
                        "A feed of this dashboard was ended while it began.", recovery_suggestions=["Make another."]
                    ) from error
                raise
            return self

    async def stop(self) -> None:
        """End its feeds. A second time does nothing."""
        self.end()

    def end(self) -> None:
        """As ``stop``, on the loop."""
        for feed in self._feeds.values():
            feed.end()

    def let_go(self, *, end: bool = False) -> None:
        """Live no longer than somebody holds it; with ``end`` no longer at all. From any thread."""
        for feed in self._feeds.values():
            feed.let_go(end=end)

    def figure(self, **options: Any) -> Any:
        """The candles that it has now as a plotly figure; options as those of a feed's ``figure``."""
        return self._feeds["klines"].figure(**options)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        await self.stop()

    def __repr__(self) -> str:
        """One line: of what, and how it is."""
        candles = self._feeds["klines"]
        venue = str(candles.topic).partition(":")[0]
        status = self.status
        state = "stopped" if not self.is_running else "connected" if status.connected else "not connected"
        return one_line(
            f"<AsyncDashboard {venue}:{self.symbol}:{self.interval} {state}, {status.received} events, "
            f"{status.gaps} gaps>"
        )

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        facts = {"symbol": self.symbol, "interval": self.interval, **self.status._facts()}
        return facts if self.is_running else {**facts, "state": "stopped"}


def _suggest_dashboard(error: BaseException, **facts: str) -> None:
    """Of what one of its feeds was refused with: the call to try is that of the whole."""
    if isinstance(error, CryptoxError) and error.suggested is not None:
        error.suggested |= {"call": "dashboard", **facts}

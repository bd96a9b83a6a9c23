"""Dashboards as seen from a notebook or a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar

from cryptox import _cells, portal
from cryptox._display import Moving
from cryptox.errors import ConfigurationError
from cryptox.model.lines import one_line
from cryptox.sessions.live.dashboard import AsyncDashboard
from cryptox.sessions.live.status import Status
from cryptox.sync import door
from cryptox.sync.feed import LOST, Feed

__all__ = ["Dashboard"]

T = TypeVar("T")


class Dashboard(Moving):
    """Candles, book, trades and ticker of one symbol, running when it is made; made by ``cx.dashboard``.

    In a notebook it displays itself as one live widget; elsewhere it is one line of text. It ends with ``stop()``, with
    its session, when it is collected, and when the cell that made it is run again. A context manager.
    """

    def __init__(self, dashboard: AsyncDashboard, owner: object = None) -> None:
        self._dashboard = dashboard
        self._generation = portal.generation()
        for feed in dashboard.feeds.values():
            feed.owner = owner  # a session that is collected would end them
        self._feeds = MappingProxyType({name: Feed(feed) for name, feed in dashboard.feeds.items()})
        _cells.note(self, dashboard)

    @property
    def symbol(self) -> str:
        """Its symbol."""
        return self._dashboard.symbol

    @property
    def interval(self) -> str:
        """The interval of its candles."""
        return self._dashboard.interval

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """Its feeds: klines, book (the best levels), trades (aggregate ones) and ticker."""
        return self._feeds

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._dashboard.is_running and not self._is_lost

    @property
    def status(self) -> Status:
        """How it is: the worst of its feeds, and the sum of their counts."""
        with door.boundary():
            return Status.of_all(feed.status for feed in self._feeds.values())

    def figure(self, **options: Any) -> Any:
        """The candles that it has now as a plotly figure; options as those of a feed's ``figure``.

        Raises
        ------
        ValidationError
            An option that is none.
        """
        with door.boundary():
            return self._feeds["klines"].figure(**options)

    def stop(self) -> None:
        """End its feeds; the widget keeps its last picture. A second time does nothing."""
        for feed in self._feeds.values():
            feed.stop()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def __repr__(self) -> str:
        """One line: of what, and how it is."""
        if not self._is_lost:
            with suppress(ConfigurationError):
                return self._there(lambda: repr(self._dashboard)).replace("AsyncDashboard", "Dashboard", 1)
        return one_line(f"<Dashboard {self.symbol} lost>")

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        if not self._is_lost:
            with suppress(ConfigurationError):
                return self._there(self._dashboard._facts)
        return {"symbol": self.symbol, "state": "lost", "last error": LOST}

    @property
    def _is_lost(self) -> bool:
        """Whether its loop is not there any more, as after a fork."""
        return self._generation != portal.generation()

    def _there(self, work: Callable[[], T]) -> T:
        """What ``work`` returns on the feeds' loop."""
        return self._feeds["klines"]._there(work)

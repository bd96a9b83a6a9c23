"""A dashboard in one widget: chart, book, tape and ticker, one frame around them and one pump."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from cryptox.sessions.live.dashboard import AsyncDashboard
from cryptox.sync.dashboard import Dashboard

from . import static
from .kinds import ANEW, KINDS, Change, Picture
from .source import FeedSource, state_of

__all__ = ["DashboardSource", "snapshot"]

ORDER: Final = ("ticker", "klines", "book", "trades")  # as one reads it


class DashboardSource:
    """A dashboard, seen from its loop; holds it. Its picture has those of its feeds by their names."""

    def __init__(self, dashboard: AsyncDashboard, loop: asyncio.AbstractEventLoop) -> None:
        self.kind = KINDS["dashboard"]
        self.loop = loop
        self._dashboard = dashboard
        self._parts = {name: FeedSource(feed, loop) for name, feed in dashboard.feeds.items()}
        self._seen: dict[str, tuple[object, Picture]] = {}  # counts, and pictures as of then

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._dashboard.is_running

    def about(self) -> dict[str, Any]:
        """What it is."""
        dashboard, topics = self._dashboard, [feed.topic for feed in self._dashboard.feeds.values()]
        return {
            "title": f"{dashboard.symbol} {dashboard.interval}",
            "venue": str(topics[0]).partition(":")[0],
            "symbols": [dashboard.symbol],
            "topic": topics,
            "kind": "dashboard",
            "interval": dashboard.interval,
        }

    def state(self) -> dict[str, Any]:
        """How it is, and how much came of each part."""
        received = {name: feed.status.received for name, feed in self._dashboard.feeds.items()}
        return {**state_of(self._dashboard.status), "parts": received}

    def count(self) -> object:
        """The counts of its feeds."""
        return {name: part.count() for name, part in self._parts.items()}

    def picture(self) -> Picture:
        """The pictures of its feeds; the same object where nothing new has come."""
        for name, part in self._parts.items():
            count = part.count()
            if name not in self._seen or self._seen[name][0] != count:
                self._seen[name] = count, part.picture()
        return {name: picture for name, (_, picture) in self._seen.items()}

    def change(self, before: Picture, after: Picture) -> Change | None:
        """The changes of its feeds."""
        told: Change = {}
        for name, part in self._parts.items():
            step = None if before[name] is after[name] else part.change(before[name], after[name])
            if step == ANEW and step is not None:
                return ANEW
            if step is not None:
                told[name] = step
        return told or None

    def stop(self) -> None:
        """End it."""
        self._dashboard.end()


def snapshot(dashboard: Dashboard | AsyncDashboard) -> str:
    """What it shows now as self-contained HTML; of an ``AsyncDashboard`` on its own loop."""
    cards = [static.of_feed(dashboard.feeds[name]) for name in ORDER]
    return f'<div style="display:flex;flex-wrap:wrap;gap:4px 10px;align-items:flex-start">{"".join(cards)}</div>'

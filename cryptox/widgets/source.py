"""What a pump takes pictures of: a feed, seen from its loop."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.live.status import Status

from .kinds import KINDS, SHOWN_AS, Change, Kind, Picture, Sight

__all__ = ["FeedSource", "Source", "state_of"]

MOST_NAMED = 3  # symbols in a title


class Source(Protocol):
    """Something that is shown. All of it is called on ``loop``.

    Attributes
    ----------
    kind
        Of its view.
    loop
        The loop it lives on.
    """

    kind: Kind
    loop: asyncio.AbstractEventLoop

    @property
    def is_running(self) -> bool:
        """Whether anything may still come."""

    def about(self) -> dict[str, Any]:
        """What it is: title, venue, symbols, topic."""

    def state(self) -> dict[str, Any]:
        """How it is: the fields of a feed's status."""

    def count(self) -> object:
        """Something that differs from the last time when there is something new to see."""

    def picture(self) -> Picture:
        """All that is to be shown."""

    def change(self, before: Picture, after: Picture) -> Change | None:
        """As a painter's ``change``."""

    def stop(self) -> None:
        """End it."""


class FeedSource:
    """A live feed; holds it."""

    def __init__(self, feed: AsyncFeed, loop: asyncio.AbstractEventLoop) -> None:
        self.kind = KINDS[SHOWN_AS[feed.kind]]
        self.loop = loop
        self._feed = feed
        self._painter = self.kind.paints_with()

    @property
    def is_running(self) -> bool:
        """Whether the feed has not ended."""
        return self._feed.is_running

    def about(self) -> dict[str, Any]:
        """What it is."""
        feed = self._feed
        symbols = [symbol for symbol in feed.symbols if symbol]
        topics = [feed.topic] if isinstance(feed.topic, str) else feed.topic
        more = len(symbols) - MOST_NAMED
        named = [*symbols[:MOST_NAMED], f"and {more} more"] if more > 0 else symbols
        return {
            "title": " ".join([*named, feed.kind.replace("_", " "), *filter(None, [feed.interval])]),
            "venue": topics[0].partition(":")[0],
            "symbols": symbols,
            "topic": feed.topic,
            "kind": feed.kind,
            "interval": feed.interval,
        }

    def state(self) -> dict[str, Any]:
        """How it is; of a replay that does not play yet, that."""
        state, waits_for = state_of(self._feed.status), self._feed._waits_for
        if waits_for is not None:
            state |= {"word": waits_for, "look": "plain", "stale": False, "trouble": None}
        return state

    def count(self) -> object:
        """How much has come, of which symbols, and whether anything of it is missing."""
        status = self._feed.status
        return status.received, status.synced, self._feed.symbols

    def picture(self) -> Picture:
        """All that is to be shown."""
        feed = self._feed
        return self._painter.picture(Sight(feed.kind, feed.interval, feed.glance(self.kind.rows)))

    def change(self, before: Picture, after: Picture) -> Change | None:
        """As the painter's."""
        return self._painter.change(before, after)

    def stop(self) -> None:
        """End the feed."""
        self._feed.end()


def state_of(status: Status) -> dict[str, Any]:
    """How something is, for the frame of its view."""
    return {
        "connected": status.connected,
        "stale": status.stale,
        "synced": status.synced,
        "gaps": status.gaps,
        "dropped": status.dropped,
        "reconnects": status.reconnects,
        "latency": None if status.latency is None else round(status.latency, 3),
        "received": status.received,
        "trouble": status.last_error,
    }

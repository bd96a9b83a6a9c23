"""The monitor's view: a line a component with its status, figures, reasons and advice."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from cryptox.model.health import Component, Health, HealthStatus
from cryptox.model.lines import one_line
from cryptox.model.time import iso
from cryptox.sessions.watch import Watch

from .kinds import ANEW, KINDS, Change, Picture

__all__ = ["HealthSource", "picture"]

LOOKS: Final[dict[HealthStatus, str]] = {
    "healthy": "good",
    "unknown": "plain",
    "degraded": "warn",
    "unhealthy": "bad",
}


class HealthSource:
    """A monitor, seen from its loop; holds it."""

    def __init__(self, watch: Watch) -> None:
        self.kind = KINDS["health"]
        self.loop: asyncio.AbstractEventLoop = watch.loop
        self._watch = watch

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._watch.is_running

    def about(self) -> dict[str, Any]:
        """What it is."""
        return {
            "title": "health",
            "venue": f"every {self._watch.interval_s:g} s",
            "symbols": [],
            "topic": "health",
            "kind": "health",
            "interval": None,
        }

    def state(self) -> dict[str, Any]:
        """How it is: the status in the place of a connection's state."""
        latest = self._watch.latest
        status: HealthStatus = "unknown" if latest is None else latest.status
        said = {"word": status, "look": LOOKS[status]}
        counts = {"gaps": 0, "dropped": 0, "reconnects": 0, "latency": None, "received": self._watch.looks}
        return {"connected": True, "stale": False, "synced": True, "trouble": None, **counts, **said}

    def count(self) -> object:
        """How many looks there were."""
        return self._watch.looks

    def picture(self) -> Picture:
        """The newest look."""
        return picture(self._watch.latest)

    def change(self, before: Picture, after: Picture) -> Change | None:
        """A look is small, and told whole."""
        return None if before == after else ANEW

    def stop(self) -> None:
        """End it."""
        self._watch.end()


def picture(health: Health | None) -> Picture:
    """A look as JSON.

    Returns
    -------
    dict
        ``status``, ``time``; ``rows``, one a component: name, status, whether it is in use, figures, reasons;
        ``advice``, each once.
    """
    if health is None:
        return {"status": "unknown", "time": "", "rows": [], "advice": []}
    return {
        "status": health.status,
        "time": iso(health.timestamp_ms),
        "rows": [_row(part) for part in health.components.values()],
        "advice": [one_line(text) for text in health.advice],
    }


def _row(part: Component) -> list[Any]:
    figures = ", ".join(part.figures()) if part.in_use else "not in use"
    return [part.name, part.status, part.in_use, one_line(figures), [one_line(text) for text in part.reasons]]
